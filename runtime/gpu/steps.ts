// The steps of a procedure as actions on a recorder. In: a procedure and what its ids mean on the device. Out: one action that records (and, at `while` and `if`, waits for) everything. Done
// once a procedure, so that a loop of thousands of turns only evaluates counters and records.
//
// Loop counters live in one array; an affine index is a function of it. Actions return a promise only where they must wait: at loops, which give way when the device falls behind, and where
// the host reads a condition.

import { BYTES } from '../../compiler/kernel/types.ts';
import type { Affine, BufferRange, Step } from '../../compiler/plan/types.ts';
import { assertNever, InternalError } from '../../compiler/support/diagnostic.ts';
import { at } from '../../compiler/support/lists.ts';
import { revolveActions, snapshotPositions } from '../../compiler/support/revolve.ts';
import { fillLaunch, type FillPipeline } from './fill.ts';
import type { GpuMemory } from './memory.ts';
import type { CompiledKernel } from './pipelines.ts';
import type { Dispatch, Recorder } from './recorder.ts';
import { uniformBytes } from './uniform_table.ts';

export type Action = () => Promise<void> | undefined;

export interface StepContext {
  readonly device: GPUDevice;
  readonly recorder: Recorder;
  readonly memory: GpuMemory;
  readonly kernel: (index: number) => CompiledKernel;
  readonly fill: () => FillPipeline;
  /** First word of a buffer, after everything recorded so far. */
  readonly readWord: (buffer: GPUBuffer) => Promise<number>;
  /** Scratch memory for copies inside one buffer. */
  readonly scratch: (bytes: number) => GPUBuffer;
}

/** Straight-line repetitions up to this length need no pause. */
const shortLoop = 64;

export class StepCompiler {
  private readonly counters: number[] = [];
  private readonly counterIndex = new Map<number, number>();
  private readonly groups = new Map<string, GPUBindGroup>();

  constructor(private readonly context: StepContext) {}

  /** The steps in order. */
  compile(steps: readonly Step[]): Action {
    return sequence(steps.map((step) => this.step(step)));
  }

  private step(step: Step): Action {
    switch (step.kind) {
      case 'dispatch':
        return this.dispatch(step);
      case 'copy':
        return this.copy(step.from, step.to);
      case 'fill':
        return this.fill(step);
      case 'loop':
        return this.loop(step);
      case 'while':
        return this.whileLoop(step);
      case 'if': {
        const condition = this.context.memory.buffer(step.condition);
        const then = this.compile(step.then);
        const otherwise = this.compile(step.else);
        return async () => {
          await ((await this.context.readWord(condition)) !== 0 ? then() : otherwise());
        };
      }
      case 'snapshot':
        return this.snapshot(step);
      case 'reverse':
        return this.reverse(step);
      default:
        return assertNever(step);
    }
  }

  private counter(loop: number): number {
    let index = this.counterIndex.get(loop);
    if (index === undefined) {
      index = this.counters.length;
      this.counters.push(0);
      this.counterIndex.set(loop, index);
    }
    return index;
  }

  private affine(a: Affine): () => number {
    const { counters } = this;
    const { constant } = a;
    if (a.terms.length === 0) return () => constant;
    const terms = a.terms.map(({ loop, scale }) => ({ index: this.counter(loop), scale }));
    const [first] = terms;
    if (first !== undefined && terms.length === 1)
      return () => constant + first.scale * (counters[first.index] ?? 0);
    return () => terms.reduce((sum, { index, scale }) => sum + scale * (counters[index] ?? 0), constant);
  }

  // ---- dispatches

  private group(
    key: string,
    layout: GPUBindGroupLayout,
    bindings: readonly GPUBufferBinding[],
  ): GPUBindGroup {
    let group = this.groups.get(key);
    if (group === undefined) {
      const entries = bindings.map((resource, binding) => ({ binding, resource }));
      group = this.context.device.createBindGroup({ label: key, layout, entries });
      this.groups.set(key, group);
    }
    return group;
  }

  private dispatch(step: Extract<Step, { kind: 'dispatch' }>): Action {
    const { recorder, memory } = this.context;
    const { kernel, pipeline, layout, grid, work } = this.context.kernel(step.kernel);
    if (grid[0] === 0) return () => undefined;
    const bindings = kernel.buffers.map((b, i) => ({
      buffer: memory.buffer(at(step.buffers, i)),
      size: Math.max(4, b.length * BYTES[b.type]),
    }));
    const key = `${kernel.name}(${step.buffers.join(', ')})`;
    const make = (all: readonly GPUBufferBinding[], chunk: string): Dispatch => ({
      pipeline,
      grid,
      work,
      group: this.group(key + chunk, layout, all),
    });
    if (step.uniforms.length === 0) {
      const dispatch = make(bindings, '');
      return () => {
        recorder.dispatch(dispatch, undefined);
        return undefined;
      };
    }
    if (step.uniforms.length * 4 > uniformBytes)
      throw new InternalError('gpu', `${kernel.name} has ${step.uniforms.length} run-time integers`);
    const values = step.uniforms.map((u) => this.affine(u));
    const size = step.uniforms.length * 4;
    return this.withUniforms(values, size, (buffer, chunk) =>
      make([...bindings, { buffer, size }], ` ${chunk}`),
    );
  }

  /** A dispatch whose last binding is a tuple of run-time integers; `make` gives it for a chunk of the uniform table. */
  private withUniforms(
    values: readonly (() => number)[],
    size: number,
    make: (buffer: GPUBuffer, chunk: number) => Dispatch,
  ): Action {
    const { recorder } = this.context;
    const dispatches: Dispatch[] = [];
    return () => {
      const place = recorder.uniforms.place(values.map((value) => value()));
      let dispatch = dispatches[place.chunk];
      if (dispatch === undefined) {
        const buffer = recorder.uniforms.buffer(place.chunk);
        if (buffer === undefined) throw new InternalError('gpu', `no uniforms of ${size} bytes`);
        dispatch = make(buffer, place.chunk);
        dispatches[place.chunk] = dispatch;
      }
      recorder.dispatch(dispatch, place);
      return undefined;
    };
  }

  // ---- memory

  private copy(from: BufferRange, to: BufferRange): Action {
    const { recorder, memory, scratch } = this.context;
    const source = memory.buffer(from.buffer);
    const target = memory.buffer(to.buffer);
    const unit = BYTES[from.type];
    const bytes = from.length * unit;
    const [sourceOffset, targetOffset] = [this.affine(from.offset), this.affine(to.offset)];
    return () => {
      if (source !== target) {
        recorder.copy(source, sourceOffset() * unit, target, targetOffset() * unit, bytes);
        return undefined;
      }
      const between = scratch(bytes);
      recorder.copy(source, sourceOffset() * unit, between, 0, bytes);
      recorder.copy(between, 0, target, targetOffset() * unit, bytes);
      return undefined;
    };
  }

  private fill(step: Extract<Step, { kind: 'fill' }>): Action {
    const { recorder, memory } = this.context;
    const buffer = memory.buffer(step.to.buffer);
    const { length, type } = step.to;
    const offset = this.affine(step.to.offset);
    const bits = bitsOf(type, step.value);
    if (length === 0) return () => undefined;
    if (bits === 0) {
      return () => {
        recorder.clear(buffer, offset() * 4, length * 4);
        return undefined;
      };
    }
    const { pipeline, layout } = this.context.fill();
    const launch = fillLaunch(length);
    return this.withUniforms([offset, () => length, () => bits], 12, (uniforms, chunk) => ({
      pipeline,
      ...launch,
      group: this.group(`fill(${step.to.buffer}) ${chunk}`, layout, [
        { buffer },
        { buffer: uniforms, size: 12 },
      ]),
    }));
  }

  // ---- control

  private loop(step: Extract<Step, { kind: 'loop' }>): Action {
    const { recorder } = this.context;
    const { counters } = this;
    const index = this.counter(step.id);
    const body = this.compile(step.body);
    if (step.count <= shortLoop && step.body.every(isStraight)) {
      return () => {
        for (let i = 0; i < step.count; i++) {
          counters[index] = i;
          body();
        }
        return undefined;
      };
    }
    return async () => {
      for (let i = 0; i < step.count; i++) {
        counters[index] = i;
        const wait = body();
        if (wait !== undefined) await wait;
        if (recorder.crowded) await recorder.room();
      }
    };
  }

  private whileLoop(step: Extract<Step, { kind: 'while' }>): Action {
    const { recorder, memory, device, readWord } = this.context;
    const { counters } = this;
    const index = this.counter(step.id);
    const test = this.compile(step.test);
    const body = this.compile(step.body);
    const condition = memory.buffer(step.condition);
    const result = step.turns === undefined ? undefined : memory.buffer(step.turns);
    return async () => {
      let turns = 0;
      for (; ; turns++) {
        counters[index] = turns;
        await test();
        if (turns >= step.limit || (await readWord(condition)) === 0) break;
        await body();
      }
      if (result === undefined) return;
      recorder.submit();
      device.queue.writeBuffer(result, 0, Int32Array.of(turns));
    };
  }

  /** Copying a carried state to and from a slot of its snapshots. */
  private carries(step: Extract<Step, { kind: 'reverse' | 'snapshot' }>): {
    readonly store: (slot: number) => void;
    readonly restore: (slot: number) => void;
  } {
    const { recorder, memory } = this.context;
    const carries = step.state.map((range, i) => {
      const unit = BYTES[range.type];
      return {
        state: memory.buffer(range.buffer),
        offset: this.affine(range.offset),
        unit,
        bytes: range.length * unit,
        snapshots: memory.buffer(at(step.snapshots, i)),
      };
    });
    return {
      store(slot) {
        for (const c of carries)
          recorder.copy(c.state, c.offset() * c.unit, c.snapshots, slot * c.bytes, c.bytes);
      },
      restore(slot) {
        for (const c of carries)
          recorder.copy(c.snapshots, slot * c.bytes, c.state, c.offset() * c.unit, c.bytes);
      },
    };
  }

  private snapshot(step: Extract<Step, { kind: 'snapshot' }>): Action {
    const index = this.affine(step.index);
    const { store } = this.carries(step);
    const slots = new Map(
      snapshotPositions(step.length, step.slots).map((position, slot) => [position, slot]),
    );
    return () => {
      const slot = slots.get(index());
      if (slot !== undefined) store(slot);
      return undefined;
    };
  }

  private reverse(step: Extract<Step, { kind: 'reverse' }>): Action {
    const { recorder } = this.context;
    const { counters } = this;
    const index = this.counter(step.id);
    const forward = this.compile(step.forward);
    const backward = this.compile(step.backward);
    const { store, restore } = this.carries(step);
    return async () => {
      for (const action of revolveActions(step.length, step.slots)) {
        switch (action.kind) {
          case 'restore':
            restore(action.slot);
            break;
          case 'store':
            store(action.slot);
            break;
          case 'advance':
            for (let i = action.from; i < action.to; i++) {
              counters[index] = i;
              const wait = forward();
              if (wait !== undefined) await wait;
              if (recorder.crowded) await recorder.room();
            }
            break;
          case 'backward': {
            counters[index] = action.step;
            const wait = backward();
            if (wait !== undefined) await wait;
            break;
          }
          default:
            assertNever(action);
        }
        if (recorder.crowded) await recorder.room();
      }
    };
  }
}

/** Records without ever waiting. */
function isStraight(step: Step): boolean {
  switch (step.kind) {
    case 'dispatch':
    case 'copy':
    case 'fill':
    case 'snapshot':
      return true;
    case 'loop':
      return step.count <= shortLoop && step.body.every(isStraight);
    case 'while':
    case 'if':
    case 'reverse':
      return false;
    default:
      return assertNever(step);
  }
}

function sequence(actions: readonly Action[]): Action {
  const [only] = actions;
  if (only !== undefined && actions.length === 1) return only;
  return () => {
    for (let i = 0; i < actions.length; i++) {
      const wait = actions[i]?.();
      if (wait !== undefined) return rest(actions, i + 1, wait);
    }
    return undefined;
  };
}

async function rest(actions: readonly Action[], from: number, first: Promise<void>): Promise<void> {
  await first;
  for (let i = from; i < actions.length; i++) {
    const wait = actions[i]?.();
    if (wait !== undefined) await wait;
  }
}

/** The 32 bits of a value, as i32. */
function bitsOf(type: BufferRange['type'], value: number): number {
  if (type === 'f32') return new Int32Array(Float32Array.of(value).buffer)[0] ?? 0;
  if (type === 'f64') throw new InternalError('gpu', 'float64 on a GPU');
  return value | 0;
}
