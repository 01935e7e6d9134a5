// The plan: everything the runtime needs, as plain versioned data (JSON but for typed arrays in `constants`). Buffers, kernels, procedures (trees of steps), and the script that the
// host follows. The runtime knows no language, no IR and no method; it executes steps and files.
//
// A *variable* is a named buffer that lives across procedures (parameters, data, states, optimiser memory, results that the script reads). A *slot* is scratch memory shared by
// temporaries whose lifetimes do not meet; procedures run one after another, so all share the same slots.

import type { BufferType, Kernel } from '../kernel/types.ts';
import type { Script } from './script.ts';

export const PLAN_VERSION = 1;

export interface Plan {
  readonly version: typeof PLAN_VERSION;
  readonly name: string;
  /** Element type of `real` in the program. */
  readonly precision: 'f32' | 'f64';
  readonly buffers: readonly PlanBuffer[];
  readonly kernels: readonly Kernel[];
  readonly procedures: Readonly<Record<string, Procedure>>;
  readonly script: Script;
  /** Kernel code by target; index = kernel. */
  readonly code: { readonly wgsl?: readonly string[]; readonly wasm?: WasmCode };
  /** Predicted bytes of all buffers. */
  readonly bytes: number;
}

/** What the WebAssembly target emitted; its own meaning is the target's and runtime/cpu's affair. */
export interface WasmCode {
  readonly binary: Uint8Array;
  /** The same module with relaxed SIMD (fused multiply-add), where emitted. */
  readonly relaxed?: Uint8Array;
  readonly layout: Readonly<Record<string, number>>;
}

export interface PlanBuffer {
  readonly id: number;
  readonly role: 'variable' | 'slot' | 'constant';
  /** Variables: their name (`param.k`, `data.T_obs`, `out.3`); slots and constants: a readable label. */
  readonly name: string;
  readonly bytes: number;
  /** Variables and constants. */
  readonly type?: BufferType;
  readonly shape?: readonly number[];
  /** Initial contents of constants (and of variables that start with a known value), as numbers in row-major order. */
  readonly initial?: Float64Array;
}

export interface Procedure {
  readonly name: string;
  readonly steps: readonly Step[];
}

/** constant + sum of scale * counter of the loop with that id. */
export interface Affine {
  readonly constant: number;
  readonly terms: readonly { readonly loop: number; readonly scale: number }[];
}

/** `length` elements of `type` starting at element `offset` of a buffer. */
export interface BufferRange {
  readonly buffer: number;
  readonly type: BufferType;
  readonly offset: Affine;
  readonly length: number;
}

export type Step =
  /** `buffers[i]` is bound to the kernel's buffer i, from its first element; `uniforms[i]` gives the kernel's run-time integer i. The same buffer is never bound twice in one dispatch. */
  | {
      readonly kind: 'dispatch';
      readonly kernel: number;
      readonly buffers: readonly number[];
      readonly uniforms: readonly Affine[];
    }
  | { readonly kind: 'copy'; readonly from: BufferRange; readonly to: BufferRange }
  | { readonly kind: 'fill'; readonly to: BufferRange; readonly value: number }
  /** The counter of loop `id` runs 0 .. count-1 (reverse order is expressed in the affine indices). */
  | { readonly kind: 'loop'; readonly id: number; readonly count: number; readonly body: readonly Step[] }
  /** Runs `test` and then, while the first element of `condition` (u32) is not 0 and fewer than `limit` turns are done, `body`; the counter of `id` counts turns. `turns` (i32 scalar), when given, receives their number. */
  | {
      readonly kind: 'while';
      readonly id: number;
      readonly limit: number;
      readonly test: readonly Step[];
      readonly condition: number;
      readonly body: readonly Step[];
      readonly turns?: number;
    }
  /** By the first element of `condition` (u32). */
  | {
      readonly kind: 'if';
      readonly condition: number;
      readonly then: readonly Step[];
      readonly else: readonly Step[];
    }
  /**
   * When the value of `index` is one of snapshotPositions(length, slots) (support/revolve.ts), the one of rank s, copies `state[i]` to slot s of `snapshots[i]` (its element
   * s * state[i].length); otherwise does nothing. Stands inside the loop that runs the `length` steps.
   */
  | {
      readonly kind: 'snapshot';
      readonly index: Affine;
      readonly length: number;
      readonly slots: number;
      readonly state: readonly BufferRange[];
      readonly snapshots: readonly number[];
    }
  /**
   * The reverse sweep of a loop under a binomial checkpoint schedule (support/revolve.ts). `state` are the buffers of the carried state, `snapshots` those of its `slots` copies
   * (slot s of a state of `length` elements starts at element s*length), filled at snapshotPositions(length, slots). The counter of loop `id` is the index of the step at hand. `forward`
   * advances `state` by one step, in place (index = counter); `backward` reverses step `counter`, reading `state`.
   * With slots = length, step i's carry-in is read from slot i.
   */
  | {
      readonly kind: 'reverse';
      readonly id: number;
      readonly length: number;
      readonly slots: number;
      readonly state: readonly BufferRange[];
      readonly snapshots: readonly number[];
      readonly forward: readonly Step[];
      readonly backward: readonly Step[];
    };

/** What executes a plan: runtime/gpu, runtime/cpu, or the float64 interpreter of the driver. */
export interface Executor {
  /** For the one line that says what runs where: `GPU: llvmpipe (software)`. */
  readonly description: string;
  readonly target: 'gpu' | 'cpu' | 'interpreter';
  /** Runs a procedure `times` times in order; may return before the device has finished. Rejects with FlowError on device trouble. */
  run(procedure: string, times?: number): Promise<void>;
  /** Contents of a variable, after everything enqueued before; bool variables as 0/1. */
  read(variable: string): Promise<Float64Array>;
  write(variable: string, data: Float64Array): Promise<void>;
  /** Bytes on the device. */
  readonly bytes: number;
  dispose(): Promise<void>;
}
