// What the GPU tests share: a device or the reason why there is none, and plans made by hand.

import type { Kernel } from '../../compiler/kernel/types.ts';
import { BYTES, type BufferType } from '../../compiler/kernel/types.ts';
import type { Plan, PlanBuffer, Step } from '../../compiler/plan/types.ts';
import { validatePlan } from '../../compiler/plan/validate.ts';
import { FlowError } from '../../compiler/support/diagnostic.ts';
import { emitWgsl } from '../../compiler/target/wgsl/emit.ts';
import { openDevice, type GpuDevice } from '../../runtime/gpu/index.ts';

export type TestDevice =
  | { readonly gpu: GpuDevice; readonly reason: undefined }
  | { readonly gpu: undefined; readonly reason: string };

/** A device with the default limits; its absence is reported once, visibly, and the tests skip themselves. */
export async function openTestDevice(): Promise<TestDevice> {
  try {
    return { gpu: await openDevice(), reason: undefined };
  } catch (error) {
    if (!(error instanceof FlowError)) throw error;
    const reason = error.diagnostics.map((d) => d.message).join('; ');
    console.warn(`GPU tests skipped: ${reason}`);
    return { gpu: undefined, reason };
  }
}

export interface VariableSpec {
  readonly name: string;
  readonly type: BufferType;
  readonly length: number;
  readonly initial?: readonly number[];
}

/** A plan of variables only; buffer ids are positions in `variables`. Validated. */
export function planOf(
  variables: readonly VariableSpec[],
  kernels: readonly Kernel[],
  procedures: Readonly<Record<string, readonly Step[]>>,
): Plan {
  const buffers: PlanBuffer[] = variables.map(({ name, type, length, initial }, id) => ({
    id,
    role: 'variable',
    name,
    bytes: length * BYTES[type],
    type,
    shape: [length],
    ...(initial === undefined ? {} : { initial: Float64Array.from(initial) }),
  }));
  const plan: Plan = {
    version: 1,
    name: 'test',
    precision: 'f32',
    buffers,
    kernels,
    procedures: Object.fromEntries(
      Object.entries(procedures).map(([name, steps]) => [name, { name, steps }]),
    ),
    script: { inputs: [], files: [], setup: [], runs: {}, tests: [], params: [], kept: [] },
    code: { wgsl: kernels.map((kernel) => emitWgsl(kernel)) },
    bytes: buffers.reduce((sum, b) => sum + b.bytes, 0),
  };
  validatePlan(plan);
  return plan;
}
