// Copies at the end of a step of a sweep that need not be made. In: the steps of a body that ends with `copy X -> Y` of whole arrays, and the kernels. Out: the pairs of buffers that may change places
// instead: what the body calls Y lies from then on where X did, and the other way round.
//
// The state that a step began with is read where it was kept, in place of a copy, as long as nothing writes it.
//
// Allowed when X is a slot that a kernel fills before anything reads it: then nobody sees that it holds something older than what was copied. All buffers that change places must have room for each other.

import type { Expr, MapKernel, Statement } from '../../kernel/types.ts';
import { BYTES } from '../../kernel/types.ts';
import type { BufferRange, PlanBuffer, Step } from '../../plan/types.ts';
import { at } from '../../support/lists.ts';
import { addScaled, coefficient, constantAffine, scaled, variableAffine, type Affine } from './affine.ts';
import type { LoweredKernel } from './map_kernel.ts';

export interface Exchange {
  readonly from: number;
  readonly to: number;
}

export interface Exchanges {
  readonly forward: readonly Exchange[];
  readonly backward: readonly Exchange[];
  /** All buffers that change places. */
  readonly buffers: readonly number[];
  /** Bytes of them that are in use. */
  readonly bytes: number;
  /** Which of the carried states nothing writes but such copies: they are read in the snapshots themselves. */
  readonly views: readonly number[];
}

type Reverse = Extract<Step, { kind: 'reverse' }>;
export const noExchanges: Exchanges = { forward: [], backward: [], buffers: [], bytes: 0, views: [] };

export function exchangesOf(
  step: Reverse,
  kernels: readonly LoweredKernel[],
  planned: (buffer: number) => PlanBuffer,
): Exchanges {
  const steps = [...step.forward, ...step.backward];
  if (steps.some((s) => s.kind !== 'dispatch' && s.kind !== 'copy' && s.kind !== 'fill')) return noExchanges;
  const forward = trailing(step.forward, kernels, planned);
  const backward = trailing(step.backward, kernels, planned);
  const buffers = [...new Set([...forward, ...backward].flatMap(({ from, to }) => [from, to]))];
  let bytes = 0;
  const use = (buffer: number, count: number): void => {
    if (buffers.includes(buffer)) bytes = Math.max(bytes, count);
  };
  const useRange = (r: BufferRange): void =>
    use(r.buffer, r.offset.terms.length > 0 ? Infinity : (r.offset.constant + r.length) * BYTES[r.type]);
  for (const s of steps) {
    if (s.kind === 'dispatch')
      s.buffers.forEach((id, b) => {
        const { type, length } = at(at(kernels, s.kernel).buffers, b);
        use(id, length * BYTES[type]);
      });
    if (s.kind === 'copy') useRange(s.from);
    if (s.kind === 'copy' || s.kind === 'fill') useRange(s.to);
  }
  step.state.forEach(useRange);
  if (buffers.some((b) => planned(b).bytes < bytes || step.snapshots.includes(b))) return noExchanges;
  const rest = [...withoutCopies(step.forward, forward), ...withoutCopies(step.backward, backward)];
  const views = step.state.flatMap(({ buffer }, i) =>
    isWhole(at(step.state, i)) &&
    ![...forward, ...backward].some((e) => e.from === buffer) &&
    !backward.some((e) => e.to === buffer) &&
    step.state.every((other, j) => j === i || other.buffer !== buffer) &&
    !rest.some((s) => writes(s, buffer, kernels))
      ? [i]
      : [],
  );
  return { forward, backward, buffers, bytes, views };
}

function writes(step: Step, buffer: number, kernels: readonly LoweredKernel[]): boolean {
  if (step.kind === 'dispatch') {
    const { access } = at(kernels, step.kernel);
    return step.buffers.some((id, b) => id === buffer && at(access, b) !== 'read');
  }
  return (step.kind === 'copy' || step.kind === 'fill') && step.to.buffer === buffer;
}

/** The steps without the copies that became exchanges. */
export function withoutCopies(list: readonly Step[], exchanges: readonly Exchange[]): readonly Step[] {
  return list.slice(0, list.length - exchanges.length);
}

function trailing(
  list: readonly Step[],
  kernels: readonly LoweredKernel[],
  planned: (buffer: number) => PlanBuffer,
): readonly Exchange[] {
  const found: Exchange[] = [];
  for (let i = list.length - 1; i >= 0; i--) {
    const step = at(list, i);
    if (step.kind !== 'copy' || !isWhole(step.from) || !isWhole(step.to)) break;
    const pair = { from: step.from.buffer, to: step.to.buffer };
    const known = found.some((f) => [f.from, f.to].some((b) => b === pair.from || b === pair.to));
    // Variables are seen from outside, slots are not.
    if (known || pair.from === pair.to || planned(pair.from).role !== 'slot') break;
    if (!isFilled(list.slice(0, i), pair.from, step.from.length, kernels)) break;
    found.push(pair);
  }
  // A buffer of the pairs that another copy or fill touches stays where it is: then none moves.
  const rest = list.slice(0, list.length - found.length);
  const touched = rest.flatMap((s) =>
    s.kind === 'copy' ? [s.from.buffer, s.to.buffer] : s.kind === 'fill' ? [s.to.buffer] : [],
  );
  return found.some(({ from, to }) => touched.includes(from) || touched.includes(to)) ? [] : found;
}

function isWhole({ offset }: BufferRange): boolean {
  return offset.constant === 0 && offset.terms.length === 0;
}

/** Whether the first step that touches the buffer writes its first elements, all of them. */
function isFilled(
  list: readonly Step[],
  buffer: number,
  length: number,
  kernels: readonly LoweredKernel[],
): boolean {
  for (const step of list) {
    if (step.kind !== 'dispatch') continue;
    const b = step.buffers.indexOf(buffer);
    if (b < 0) continue;
    const kernel = at(kernels, step.kernel);
    return at(kernel.access, b) === 'write' && kernel.filled(b) >= length;
  }
  return false;
}

/** How many elements of a buffer, from the first on, a kernel certainly writes. */
export function filledBy(kernel: MapKernel, buffer: number): number {
  const lets = new Map<string, Affine | undefined>();
  for (const s of kernel.body) {
    if (s.kind === 'let' && s.value.type === 'i32') lets.set(s.name, linear(s.value, kernel, lets));
    if (s.kind === 'store' && s.buffer === buffer)
      return rowMajor(linear(s.index, kernel, lets), kernel.axes, kernel.space);
    if (s.kind !== 'if' || s.else.length > 0) continue;
    const inner = s.then.find((t): t is Extract<Statement, { kind: 'store' }> => t.kind === 'store');
    if (inner?.buffer !== buffer) continue;
    const limits = kernel.space.map((extent, a) => limitOf(s.condition, at(kernel.axes, a), extent));
    if (limits.some((l) => l === undefined) || !onlyLimits(s.condition, kernel)) return 0;
    return rowMajor(
      linear(inner.index, kernel, lets),
      kernel.axes,
      limits.map((l) => l ?? 0),
    );
  }
  return 0;
}

function rowMajor(index: Affine | undefined, axes: readonly string[], extents: readonly number[]): number {
  if (index === undefined || index.constant !== 0) return 0;
  let stride = 1;
  for (let a = axes.length - 1; a >= 0; a--) {
    const extent = at(extents, a);
    if (extent > 1 && coefficient(index, at(axes, a)) !== stride) return 0;
    stride *= extent;
  }
  return stride;
}

/** An index over the axes. */
function linear(
  e: Expr,
  kernel: MapKernel,
  lets: ReadonlyMap<string, Affine | undefined>,
): Affine | undefined {
  if (e.kind === 'const') return constantAffine(e.value);
  if (e.kind === 'var') return kernel.axes.includes(e.name) ? variableAffine(e.name) : lets.get(e.name);
  if (e.kind !== 'binary') return undefined;
  const [a, b] = [linear(e.a, kernel, lets), linear(e.b, kernel, lets)];
  if (a === undefined || b === undefined) return undefined;
  if (e.op === 'add' || e.op === 'sub') return addScaled(a, b, e.op === 'add' ? 1 : -1);
  return e.op === 'mul' && b.terms.length === 0 ? scaled(a, b.constant) : undefined;
}

/** The extent that `axis < c` in a conjunction leaves. */
function limitOf(e: Expr, axis: string, extent: number): number | undefined {
  if (e.kind === 'binary' && e.op === 'and') {
    const [a, b] = [limitOf(e.a, axis, extent), limitOf(e.b, axis, extent)];
    return a === undefined || b === undefined ? undefined : Math.min(a, b);
  }
  if (!isLimit(e)) return undefined;
  return e.a.kind === 'var' && e.a.name === axis && e.b.kind === 'const'
    ? Math.min(extent, e.b.value)
    : extent;
}

function isLimit(e: Expr): e is Extract<Expr, { kind: 'compare' }> {
  return e.kind === 'compare' && e.op === 'lt' && e.a.kind === 'var' && e.b.kind === 'const';
}

function onlyLimits(e: Expr, kernel: MapKernel): boolean {
  if (e.kind === 'binary' && e.op === 'and') return onlyLimits(e.a, kernel) && onlyLimits(e.b, kernel);
  return isLimit(e) && e.a.kind === 'var' && kernel.axes.includes(e.a.name);
}
