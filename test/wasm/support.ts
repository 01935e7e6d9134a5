// Runs single kernels on the CPU target and on the reference evaluator.

import * as k from '../../compiler/kernel/build.ts';
import type {
  BufferType,
  Expr,
  Kernel,
  KernelBuffer,
  MapKernel,
  Statement,
} from '../../compiler/kernel/types.ts';
import { BYTES } from '../../compiler/kernel/types.ts';
import { verifyKernel } from '../../compiler/kernel/verify.ts';
import { createReferenceExecutor } from '../../compiler/plan/reference_executor.ts';
import type { Plan, PlanBuffer, Procedure, Step } from '../../compiler/plan/types.ts';
import { PLAN_VERSION } from '../../compiler/plan/types.ts';
import { emitWasm } from '../../compiler/target/wasm/emit.ts';
import { createCpuExecutor, type CpuOptions } from '../../runtime/cpu/executor.ts';

export const script = {
  inputs: [],
  files: [],
  setup: [],
  runs: {},
  tests: [],
  params: [],
  kept: [],
} as const;

export function mapKernel(
  space: readonly number[],
  buffers: readonly KernelBuffer[],
  body: readonly Statement[],
  uniforms: readonly string[] = [],
  name = 'test',
): MapKernel {
  const axes = space.map((_, i) => `i${i}`);
  const kernel: MapKernel = { kind: 'map', name, space, axes, buffers, uniforms, origins: [], body };
  verifyKernel(kernel);
  return kernel;
}

export function buffer(
  name: string,
  type: BufferType,
  length: number,
  access: KernelBuffer['access'] = 'read',
): KernelBuffer {
  return { name, type, length, access };
}

export function axis(i: number): Expr {
  return k.variable('i32', `i${i}`);
}

export function variableBuffer(id: number, name: string, type: BufferType, length: number): PlanBuffer {
  return { id, role: 'variable', name, type, shape: [length], bytes: Math.max(4, length * BYTES[type]) };
}

export function makePlan(
  buffers: readonly PlanBuffer[],
  kernels: readonly Kernel[],
  procedures: Readonly<Record<string, readonly Step[]>>,
  precision: 'f32' | 'f64' = 'f64',
): Plan {
  const named: Record<string, Procedure> = {};
  for (const [name, steps] of Object.entries(procedures)) named[name] = { name, steps };
  const bytes = buffers.reduce((sum, b) => sum + b.bytes, 0);
  return {
    version: PLAN_VERSION,
    name: 'test',
    precision,
    buffers,
    kernels,
    procedures: named,
    script,
    code: {},
    bytes,
  };
}

/** A plan with one procedure `main` that dispatches one kernel on variables named like its buffers. */
export function kernelPlan(kernel: Kernel, uniforms: readonly number[] = []): Plan {
  const buffers = kernel.buffers.map((b, i) => variableBuffer(i, b.name, b.type, b.length));
  const dispatch: Step = {
    kind: 'dispatch',
    kernel: 0,
    buffers: buffers.map((b) => b.id),
    uniforms: uniforms.map((constant) => ({ constant, terms: [] })),
  };
  return makePlan(buffers, [kernel], { main: [dispatch] });
}

export type Contents = Readonly<Record<string, Float64Array>>;

async function contentsAfter(
  executor: {
    run(p: string): Promise<void>;
    read(v: string): Promise<Float64Array>;
    write(v: string, d: Float64Array): Promise<void>;
    dispose(): Promise<void>;
  },
  plan: Plan,
  inputs: Contents,
): Promise<Contents> {
  for (const [name, data] of Object.entries(inputs)) await executor.write(name, data);
  await executor.run('main');
  const result: Record<string, Float64Array> = {};
  for (const b of plan.buffers) if (b.role === 'variable') result[b.name] = await executor.read(b.name);
  await executor.dispose();
  return result;
}

export async function onCpu(
  plan: Plan,
  inputs: Contents,
  { fast = false, ...options }: CpuOptions & { readonly fast?: boolean } = {},
): Promise<Contents> {
  const wasm = await emitWasm(plan, { variants: options.strict === false ? 'relaxed' : 'strict', fast });
  const executor = await createCpuExecutor(
    { ...plan, code: { wasm } },
    { inline: true, strict: true, ...options },
  );
  return contentsAfter(executor, plan, inputs);
}

export async function onReference(
  plan: Plan,
  inputs: Contents,
  rounding: 'f32' | 'f64' = 'f32',
): Promise<Contents> {
  return contentsAfter(createReferenceExecutor(plan, { rounding }), plan, inputs);
}
