// What a schedule came to, for `flowc explain` and the benchmark: kernels a step of every loop, operations and loads a point, bytes.

import type { Expr, Kernel, Statement } from '../kernel/types.ts';
import type { PlanBuffer, Procedure, Step } from '../plan/types.ts';
import { innerBlocks } from './memory.ts';
import { operandsOf } from '../kernel/walk.ts';

export interface KernelReport {
  readonly name: string;
  readonly points: number;
  /** One point, loops counted once. */
  readonly flops: number;
  readonly loads: number;
  readonly stores: number;
  readonly buffers: number;
  /** It contains a loop over steps: a whole time loop in one dispatch. */
  readonly loops: boolean;
}

export interface LoopReport {
  readonly procedure: string;
  /** loop, reverse, while: steps of kernels; scan: a whole loop inside one kernel. */
  readonly kind: 'loop' | 'reverse' | 'while' | 'scan';
  readonly steps: number;
  /** Dispatches of one step (of a reversal: of one backward step). */
  readonly kernelsPerStep: number;
  /** Dispatches of one recomputed step. */
  readonly kernelsPerForwardStep: number;
  readonly copiesPerStep: number;
}

export interface ScheduleReport {
  readonly kernels: readonly KernelReport[];
  readonly loops: readonly LoopReport[];
  /** Dispatches outside loops, by procedure. */
  readonly dispatches: Readonly<Record<string, number>>;
  readonly bytes: { readonly variables: number; readonly temporaries: number; readonly constants: number };
}

/** What the steps of a plan do not say of a loop: how many steps of the program it is, those beside it included, and for how many of them its body is written. */
export interface LoopFacts {
  readonly length: number;
  readonly stride: number;
}

export function reportOf(
  kernels: readonly Kernel[],
  procedures: Readonly<Record<string, Procedure>>,
  buffers: readonly PlanBuffer[],
  facts: ReadonlyMap<number, LoopFacts>,
): ScheduleReport {
  const loops: LoopReport[] = [];
  const dispatches: Record<string, number> = {};
  for (const { name, steps } of Object.values(procedures)) {
    dispatches[name] = count(steps, 'dispatch', false);
    collect(name, steps, kernels, facts, loops);
  }
  const sum = (role: PlanBuffer['role']): number =>
    buffers.filter((b) => b.role === role).reduce((n, b) => n + b.bytes, 0);
  return {
    kernels: kernels.map(kernelReport),
    loops,
    dispatches,
    bytes: { variables: sum('variable'), temporaries: sum('slot'), constants: sum('constant') },
  };
}

function count(steps: readonly Step[], kind: 'dispatch' | 'copy', inner: boolean): number {
  let n = 0;
  for (const step of steps) {
    if (step.kind === kind) n++;
    if (inner || step.kind === 'if') for (const block of innerBlocks(step)) n += count(block, kind, inner);
  }
  return n;
}

function collect(
  procedure: string,
  steps: readonly Step[],
  kernels: readonly Kernel[],
  facts: ReadonlyMap<number, LoopFacts>,
  into: LoopReport[],
): void {
  for (const step of steps) {
    if (step.kind === 'dispatch') {
      for (const length of innerLoops(kernels[step.kernel]))
        into.push({
          procedure,
          kind: 'scan',
          steps: length,
          kernelsPerStep: 0,
          kernelsPerForwardStep: 0,
          copiesPerStep: 0,
        });
    } else if (step.kind === 'loop') {
      const { length, stride } = facts.get(step.id) ?? { length: step.count, stride: 1 };
      into.push({
        procedure,
        kind: 'loop',
        steps: length,
        kernelsPerStep: count(step.body, 'dispatch', true) / stride,
        kernelsPerForwardStep: 0,
        copiesPerStep: count(step.body, 'copy', true) / stride,
      });
    } else if (step.kind === 'reverse')
      into.push({
        procedure,
        kind: 'reverse',
        steps: step.length,
        kernelsPerStep: count(step.backward, 'dispatch', true),
        kernelsPerForwardStep: count(step.forward, 'dispatch', true),
        copiesPerStep: count(step.backward, 'copy', true),
      });
    else if (step.kind === 'while')
      into.push({
        procedure,
        kind: 'while',
        steps: step.limit,
        kernelsPerStep: count(step.body, 'dispatch', true) + count(step.test, 'dispatch', true),
        kernelsPerForwardStep: 0,
        copiesPerStep: count(step.body, 'copy', true),
      });
    for (const block of innerBlocks(step)) collect(procedure, block, kernels, facts, into);
  }
}

/** Lengths of the outermost loops over steps inside a kernel (`t0`, `t1`, … in its text). */
function innerLoops(kernel: Kernel | undefined): readonly number[] {
  if (kernel?.kind !== 'map') return [];
  return kernel.body.flatMap((s) =>
    s.kind === 'for' && /^t\d+$/.test(s.name) && s.to.kind === 'const' ? [s.to.value] : [],
  );
}

function kernelReport(kernel: Kernel): KernelReport {
  const common = { name: kernel.name, buffers: kernel.buffers.length };
  if (kernel.kind === 'matmul')
    return {
      ...common,
      points: kernel.batch * kernel.m * kernel.n,
      flops: 2 * kernel.k,
      loads: 2 * kernel.k,
      stores: 1,
      loops: false,
    };
  const total = { flops: 0, loads: 0, stores: 0, loops: false };
  const expr = (e: Expr): void => {
    if (e.kind === 'load') {
      // Index arithmetic is not counted.
      total.loads++;
      return;
    }
    const float = e.type === 'f32' || e.type === 'f64';
    if (float && (e.kind === 'unary' || e.kind === 'binary')) total.flops++;
    for (const child of operandsOf(e)) expr(child);
  };
  const block = (list: readonly Statement[]): void => {
    for (const s of list)
      switch (s.kind) {
        case 'let':
        case 'var':
        case 'assign':
          expr(s.value);
          break;
        case 'random_block':
        case 'array':
          break;
        case 'assign_local':
          expr(s.value);
          break;
        case 'store':
          total.stores++;
          expr(s.value);
          break;
        case 'for':
          total.loops = true;
          block(s.body);
          break;
        case 'while':
          total.loops = true;
          block(s.before);
          expr(s.condition);
          block(s.body);
          break;
        case 'if':
          expr(s.condition);
          block(s.then);
          block(s.else);
          break;
        case 'reduce':
          block(s.body);
          expr(s.value);
          break;
      }
  };
  block(kernel.body);
  return { ...common, ...total, points: kernel.space.reduce((n, extent) => n * extent, 1) };
}
