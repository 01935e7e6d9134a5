// `a[i, j]`, slices, index arrays and the modes `wrap`, `clamp`, `else`. Static positions become slices, run-time ones gathers; a run-time start with a constant length is a slice too.
// A record of arrays is indexed leaf by leaf, so `ps[i].x` is `ps.x[i]`.

import { indexedFunction } from './closures.ts';
import { complexNodes, shapeOfComplex } from './complex_parts.ts';
import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { joined, staticInteger, staticNumber, toNode } from './leaves.ts';
import type { Scope } from '../names/scope.ts';
import { recordOfArrays } from './stacking.ts';
import type { Value } from './values.ts';
import { array, complex, describe, list, real } from './values.ts';
import { takePositions } from './gathers.ts';
import type { AxisPositions } from './gathers.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import { isFloat } from '../../ir/types.ts';
import { at, range } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

/** One axis of an index after evaluation. */
export type AxisIndex =
  | { readonly kind: 'position'; readonly value: number; readonly span: Span }
  | PositionsIndex
  | {
      readonly kind: 'slice';
      readonly from: number;
      readonly to: number;
      readonly by: number;
      readonly span: Span;
    };

/** Run-time positions (i32, any shape; shape [] removes the axis). `outside`: what is read beyond the ends. */
export interface PositionsIndex {
  readonly kind: 'positions';
  readonly node: Node;
  readonly outside: Outside | undefined;
  readonly span: Span;
  /** Set where the positions are a slice with a run-time start: start, start + by, … */
  readonly slice?: { readonly start: Node; readonly by: number };
}

type Outside =
  | { readonly kind: 'wrap' }
  | { readonly kind: 'clamp' }
  /** `imaginary`: set where a complex number is read beyond the ends. */
  | { readonly kind: 'else'; readonly value: Node; readonly imaginary?: Node };

export function index(ctx: Context, e: ast.IndexExpression, scope: Scope): Value {
  return ctx.graph.withOrigin(e.span, () =>
    indexValue(ctx, ctx.evaluate(e.target, scope), e.entries, scope, e.span),
  );
}

function indexValue(
  ctx: Context,
  target: Value,
  entries: readonly ast.IndexEntry[],
  scope: Scope,
  span: Span,
): Value {
  switch (target.kind) {
    case 'list':
    case 'tuple': {
      const first = entries[0];
      if (first !== undefined && entries.length === 1) {
        const chosen = staticElement(ctx, target.elements, first, scope);
        if (chosen !== undefined) return chosen;
      }
      const all = joined(ctx, { kind: 'list', elements: target.elements }, span);
      const whole = all.kind === 'list' ? (recordOfArrays(ctx, all, span) ?? all) : all;
      if (whole.kind === 'list')
        return failAt(
          ctx,
          'E230',
          `${describe(target)} is indexed by numbers known at compile time`,
          span,
          'choose between values: [f(x) for f in fs][k], or with `if`',
        );
      return indexValue(ctx, whole, entries, scope, span);
    }
    case 'record': {
      // Leaf by leaf; what holds no numbers stays.
      const leaf = (v: Value): Value => {
        switch (v.kind) {
          case 'record':
            return { ...v, entries: new Map([...v.entries].map(([k, e]) => [k, leaf(e)])) };
          case 'tuple':
            return { ...v, elements: v.elements.map(leaf) };
          case 'list': {
            const whole = joined(ctx, v, span);
            return whole.kind === 'list' ? list(v.elements.map(leaf)) : leaf(whole);
          }
          case 'field':
            return v.grid === undefined ? v : indexValue(ctx, v, entries, scope, span);
          case 'array':
          case 'complex':
            return indexValue(ctx, v, entries, scope, span);
          case 'function':
            return v.captured === undefined || v.captured.rows.length === 0
              ? v
              : indexValue(ctx, v, entries, scope, span);
          case 'number':
          case 'bool':
            return indexValue(ctx, array(toNode(ctx, v, span, 'an index')), entries, scope, span);
          default:
            return v;
        }
      };
      return leaf(target);
    }
    case 'field':
      return indexValue(ctx, array(toNode(ctx, target, span, 'an index')), entries, scope, span);
    case 'function': {
      const { captured } = target;
      if (captured === undefined || captured.rows.length === 0) return notIndexed(ctx, target, span);
      const axes = evaluateEntries(ctx, captured.rows, entries, scope, span);
      const rows = [...axes.flatMap(extentsTaken), ...captured.rows.slice(axes.length)];
      return indexedFunction(ctx, target, rows, (node) => indexNode(ctx, node, axes, span), span);
    }
    case 'complex':
    case 'array': {
      const shape = target.kind === 'array' ? target.node.shape : shapeOfComplex(target);
      const axes = evaluateEntries(ctx, shape, entries, scope, span);
      if (target.kind === 'array' && !axes.some(readsComplex))
        return array(indexNode(ctx, target.node, axes, span));
      const whole = target.kind === 'complex' ? target : complex(target, real(0));
      const [re, im] = complexNodes(ctx, whole, span);
      const imaginary = axes.map((a) => imaginaryOutside(ctx, a));
      return complex(array(indexNode(ctx, re, axes, span)), array(indexNode(ctx, im, imaginary, span)));
    }
    default:
      return notIndexed(ctx, target, span);
  }
}

const notIndexed = (ctx: Context, target: Value, span: Span): never =>
  failAt(ctx, 'E231', `${describe(target)} cannot be indexed`, span);

/** The axes that an index leaves in the place of its own. */
function extentsTaken(axis: AxisIndex): readonly number[] {
  switch (axis.kind) {
    case 'position':
      return [];
    case 'slice':
      return [Math.ceil((axis.to - axis.from) / axis.by)];
    case 'positions':
      return axis.node.shape;
  }
}

function staticElement(
  ctx: Context,
  elements: readonly Value[],
  entry: ast.IndexEntry,
  scope: Scope,
): Value | undefined {
  if (entry.kind === 'at') {
    const value = ctx.evaluate(entry.value, scope);
    const i = staticNumber(value);
    if (i === undefined || entry.outside !== undefined) return undefined;
    return elements[i] ?? outsideAxis(ctx, i, elements.length, entry.span);
  }
  if (entry.outside !== undefined) return undefined;
  const bound = (e: ast.Expression | undefined, otherwise: number): number | undefined =>
    e === undefined ? otherwise : staticNumber(ctx.evaluate(e, scope));
  const [from, to, by] = [bound(entry.from, 0), bound(entry.to, elements.length), bound(entry.by, 1)];
  if (from === undefined || to === undefined || by === undefined) return undefined;
  checkSlice(ctx, from, to, by, elements.length, entry.span);
  return list(elements.slice(from, to).filter((_, i) => i % by === 0));
}

/** An index known at compile time that names no element. */
function outsideAxis(ctx: Context, i: number, extent: number, span: Span): never {
  if (!Number.isInteger(i))
    failAt(
      ctx,
      'E111',
      `an index is a whole number, but this is ${i}`,
      span,
      'int(…), round(…) or floor(…) make whole numbers',
    );
  return failAt(
    ctx,
    'E232',
    extent === 0
      ? `the index ${i} is outside: there are no elements`
      : `the index ${i} is outside 0 .. ${extent - 1}`,
    span,
    i < 0
      ? 'the last element is a.last, the one before it a[len(a) - 2]; a[i wrap] counts round'
      : i === extent
        ? 'indices start at 0'
        : undefined,
  );
}

function checkStride(ctx: Context, by: number, span: Span): void {
  if (!Number.isInteger(by) || by < 1)
    failAt(ctx, 'E234', `the stride of a slice is a whole number from 1, but this is ${by}`, span);
}

function checkSlice(ctx: Context, lo: number, hi: number, by: number, extent: number, span: Span): void {
  checkStride(ctx, by, span);
  if (Number.isInteger(lo) && Number.isInteger(hi) && 0 <= lo && lo <= hi && hi <= extent) return;
  failAt(
    ctx,
    'E232',
    lo > hi ? `the slice ${lo}..${hi} runs backwards` : `the slice ${lo}..${hi} does not lie in 0..${extent}`,
    span,
    lo > hi ? 'reverse(a) turns an array round' : 'a range leaves its end out',
  );
}

const readsComplex = (axis: AxisIndex): boolean =>
  axis.kind === 'positions' && axis.outside?.kind === 'else' && axis.outside.imaginary !== undefined;

/** The same places, with the imaginary part of what is read beyond the ends. */
function imaginaryOutside(ctx: Context, axis: AxisIndex): AxisIndex {
  if (axis.kind !== 'positions' || axis.outside?.kind !== 'else') return axis;
  const value = axis.outside.imaginary ?? ctx.graph.constant(0, ctx.real);
  return { ...axis, outside: { kind: 'else', value } };
}

export function evaluateEntries(
  ctx: Context,
  shape: readonly number[],
  entries: readonly ast.IndexEntry[],
  scope: Scope,
  span: Span,
): AxisIndex[] {
  const flat = entries.flatMap((entry): readonly (ast.IndexEntry | Value)[] => {
    if (entry.kind !== 'at') return [entry];
    return entry.value.kind === 'tuple' && entry.value.elements.length > 1
      ? entry.value.elements.map((value): ast.IndexEntry => ({ kind: 'at', value, span: value.span }))
      : [entry];
  });
  if (flat.length > shape.length)
    failAt(
      ctx,
      'E233',
      shape.length === 0
        ? 'a number has no elements'
        : `${flat.length} indices for an array of shape [${shape.join(', ')}]`,
      span,
      shape.length === 0
        ? undefined
        : `it has ${shape.length === 1 ? 'one axis' : `${shape.length} axes`}: write at most as many indices`,
    );
  const out: AxisIndex[] = [];
  flat.forEach((entry, axis) => {
    const extent = at(shape, axis);
    if (!('span' in entry)) return;
    if (entry.kind === 'at') out.push(positionOf(ctx, entry, extent, scope));
    else if (entry.kind === 'slice') out.push(sliceOf(ctx, entry, extent, scope));
  });
  return out;
}

function outsideOf(
  ctx: Context,
  mode: ast.OutsideMode | undefined,
  scope: Scope,
  span: Span,
): Outside | undefined {
  if (mode === undefined) return undefined;
  if (mode.kind !== 'else') return mode;
  const value = ctx.evaluate(mode.value, scope);
  if (value.kind === 'complex') {
    const [re, im] = complexNodes(ctx, value, span);
    return { kind: 'else', value: re, imaginary: im };
  }
  return { kind: 'else', value: toNode(ctx, value, span, 'the value after `else`') };
}

function positionOf(
  ctx: Context,
  entry: Extract<ast.IndexEntry, { kind: 'at' }>,
  extent: number,
  scope: Scope,
): AxisIndex {
  const value = ctx.evaluate(entry.value, scope);
  const i = staticNumber(value);
  const outside = outsideOf(ctx, entry.outside, scope, entry.span);
  if (i !== undefined && outside === undefined) {
    if (!Number.isInteger(i) || i < 0 || i >= extent) outsideAxis(ctx, i, extent, entry.span);
    return { kind: 'position', value: i, span: entry.span };
  }
  if (value.kind === 'complex')
    failAt(ctx, 'E111', `an index is a whole number, but this is ${describe(value)}`, entry.span);
  const node = toNode(ctx, value, entry.span, 'an index');
  if (isFloat(node.dtype) || node.dtype === 'bool')
    failAt(
      ctx,
      'E111',
      `an index is a whole number, but this is ${describe(array(node))}`,
      entry.span,
      node.dtype === 'bool' ? 'mask with where(m, a, 0)' : 'int(…), round(…) or floor(…) make whole numbers',
    );
  return { kind: 'positions', node: b.cast(ctx.graph, node, 'i32'), outside, span: entry.span };
}

function sliceOf(
  ctx: Context,
  entry: Extract<ast.IndexEntry, { kind: 'slice' }>,
  extent: number,
  scope: Scope,
): AxisIndex {
  const g = ctx.graph;
  const value = (e: ast.Expression | undefined): Value | undefined =>
    e === undefined ? undefined : ctx.evaluate(e, scope);
  const [from, to] = [value(entry.from), value(entry.to)];
  const by =
    entry.by === undefined
      ? 1
      : staticInteger(ctx, ctx.evaluate(entry.by, scope), entry.by.span, 'the stride');
  const outside = outsideOf(ctx, entry.outside, scope, entry.span);
  const [lo, hi] = [
    from === undefined ? 0 : staticNumber(from),
    to === undefined ? extent : staticNumber(to),
  ];
  if (lo !== undefined && hi !== undefined) {
    if (outside !== undefined) {
      checkStride(ctx, by, entry.span);
      return {
        kind: 'positions',
        node: g.literal(
          Float64Array.from(range(Math.max(0, Math.ceil((hi - lo) / by))), (i) => lo + i * by),
          [Math.max(0, Math.ceil((hi - lo) / by))],
          'i32',
        ),
        outside,
        span: entry.span,
      };
    }
    checkSlice(ctx, lo, hi, by, extent, entry.span);
    return { kind: 'slice', from: lo, to: hi, by, span: entry.span };
  }
  const start = toNode(ctx, from ?? array(g.constant(0, 'i32')), entry.span, 'a slice');
  const end = toNode(ctx, to ?? array(g.constant(extent, 'i32')), entry.span, 'a slice');
  const length = constantDifference(ctx, start, end);
  if (length === undefined)
    return failAt(
      ctx,
      'E235',
      'the length of a slice must be known at compile time',
      entry.span,
      'write a[s .. s + 5]: a run-time start with a constant length',
    );
  checkStride(ctx, by, entry.span);
  const count = Math.ceil(length / by);
  const first = b.cast(g, start, 'i32');
  return {
    kind: 'positions',
    node: b.add(g, b.broadcastTo(g, first, [count]), b.mul(g, g.iota([count], 0, 'i32'), by)),
    outside,
    span: entry.span,
    slice: { start: first, by },
  };
}

/** end - start when both are the same run-time number up to constants. */
function constantDifference(ctx: Context, start: Node, end: Node): number | undefined {
  const split = (n: Node): { base: Node; offset: number } => {
    if (n.op === 'add' || n.op === 'sub') {
      const [x, y] = n.args;
      if (x !== undefined && y !== undefined && y.op === 'const') {
        const s = split(x);
        return { base: s.base, offset: s.offset + (n.op === 'add' ? y.attrs.value : -y.attrs.value) };
      }
      if (n.op === 'add' && x !== undefined && y !== undefined && x.op === 'const') {
        const s = split(y);
        return { base: s.base, offset: s.offset + x.attrs.value };
      }
    }
    return { base: n, offset: 0 };
  };
  const [a, c] = [split(start), split(end)];
  return a.base === c.base
    ? c.offset - a.offset
    : (staticNumber(array(b.sub(ctx.graph, end, start))) ?? undefined);
}

export function indexNode(ctx: Context, x: Node, entries: readonly AxisIndex[], span: Span): Node {
  const g = ctx.graph;
  // Positions that are no plain function of the indices of loops are taken together at the end, by one gather; the others become slices where the loop is a comprehension.
  const scattered = entries.filter((e) => e.kind === 'positions' && !followsLoops(ctx, e.node));
  const together: AxisPositions[] = [];
  let result = x;
  let axis = 0;
  for (const entry of entries) {
    switch (entry.kind) {
      case 'position':
        result = b.indexAxis(g, result, axis, entry.value);
        break;
      case 'slice':
        result = b.sliceAxis(g, result, axis, entry.from, entry.to, entry.by);
        axis++;
        break;
      case 'positions':
        if (scattered.length > 1 && scattered.includes(entry)) {
          together.push({ axis, entry });
          axis++;
          break;
        }
        result = takePositions(ctx, result, [{ axis, entry }], span);
        axis += entry.node.shape.length;
        break;
    }
  }
  return together.length === 0 ? result : takePositions(ctx, result, together, span);
}

/** Whether an index is linear in the indices of loops and comprehensions. */
function followsLoops(ctx: Context, node: Node): boolean {
  switch (node.op) {
    case 'const':
    case 'iota':
      return true;
    case 'param':
      return ctx.extents.has(node);
    case 'add':
    case 'sub':
    case 'mul':
    case 'broadcast':
      return node.args.every((a) => followsLoops(ctx, a));
    default:
      return false;
  }
}
