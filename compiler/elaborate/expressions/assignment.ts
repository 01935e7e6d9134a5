// Assignment to a `var`: to the name, to an element or slice (`a[i, j] = v`), to a part of a record, to a tuple of such; `+=` and its kin; and the scatter
// `a[idx] += w for p in 0..n` (scatter_statement.ts). All are functional updates: the name is bound to a new value.

import { asComplex } from '../values/complex.ts';
import { complexNodes, hasComplex } from '../values/complex_parts.ts';
import { conform } from '../values/conform.ts';
import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { linearIndex, takePositions } from '../values/gathers.ts';
import type { AxisIndex } from '../values/indexing.ts';
import { evaluateEntries } from '../values/indexing.ts';
import { arrayOfList, staticNumber, toNode } from '../values/leaves.ts';
import { operators } from '../values/operators.ts';
import { scattered } from './scatter_statement.ts';
import type { Scope } from '../names/scope.ts';
import type { Value } from '../values/values.ts';
import { array, complex, describe } from '../values/values.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import { isFloat } from '../../ir/types.ts';
import { didYouMean } from '../../support/did_you_mean.ts';
import { at, range } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

const COMBINE = {
  '+=': operators.add,
  '-=': operators.sub,
  '*=': operators.mul,
  '/=': operators.div,
} as const;

export function assign(ctx: Context, s: ast.AssignStatement, scope: Scope): void {
  if (s.generators !== undefined) {
    if (s.target.kind !== 'index' || (s.op !== '+=' && s.op !== '-='))
      return failAt(
        ctx,
        'E255',
        'with `for`, an assignment adds to elements: a[i] += v for i in 0..n',
        s.span,
        s.op === '='
          ? 'several of the values may go to one element; to take the last of them, assign in a loop: for p in 0..n { a[i[p]] = v[p] }'
          : undefined,
      );
    assignTo(ctx, s.target.target, scattered(ctx, s, s.target, s.generators, scope), scope, s.span);
    return;
  }
  const value = ctx.evaluate(s.value, scope);
  if ((s.op === '+=' || s.op === '-=') && s.target.kind === 'index') {
    const updated = addedInPlace(ctx, s.target, s.op, value, scope, s.span);
    if (updated !== undefined) {
      assignTo(ctx, s.target.target, updated, scope, s.value.span);
      return;
    }
  }
  const combined =
    s.op === '=' ? value : ctx.elementwise(COMBINE[s.op], [ctx.evaluate(s.target, scope), value], s.span);
  assignTo(ctx, s.target, combined, scope, s.value.span);
}

export function assignTo(ctx: Context, target: ast.Expression, value: Value, scope: Scope, span: Span): void {
  switch (target.kind) {
    case 'name': {
      const binding = variable(ctx, target, scope);
      binding.value = value;
      return;
    }
    case 'tuple': {
      const parts = value.kind === 'tuple' || value.kind === 'list' ? value.elements : undefined;
      if (parts === undefined || parts.length !== target.elements.length)
        failAt(
          ctx,
          'E180',
          `a tuple of ${target.elements.length} is wanted here, but this is ${describe(value)}`,
          span,
        );
      target.elements.forEach((t, i) => assignTo(ctx, t, at(parts, i), scope, span));
      return;
    }
    case 'member': {
      const whole = ctx.evaluate(target.target, scope);
      const part = target.name.name;
      if (whole.kind !== 'record')
        failAt(
          ctx,
          'E250',
          `${describe(whole)} has no part \`${part}\``,
          target.name.span,
          part === 'last' ? 'write a[len(a) - 1] = v' : part === 'first' ? 'write a[0] = v' : undefined,
        );
      if (!whole.entries.has(part))
        failAt(
          ctx,
          'E240',
          `${describe(whole)} has no part \`${part}\``,
          target.name.span,
          `assignments keep the parts of a record; a record with one more: { ...r, ${part}: v }`,
        );
      assignTo(
        ctx,
        target.target,
        { ...whole, entries: new Map([...whole.entries, [target.name.name, value]]) },
        scope,
        span,
      );
      return;
    }
    case 'index': {
      const whole = ctx.evaluate(target.target, scope);
      const updated =
        replaceElement(ctx, whole, target.entries, value, scope) ??
        updateElements(ctx, whole, target.entries, value, scope, span);
      assignTo(ctx, target.target, updated, scope, span);
      return;
    }
    default:
      failAt(ctx, 'E251', 'a name, an element or a part of a `var` can be assigned', target.span);
  }
}

/** `a[i] += v` of a real array at places of run time: every element that is named is itself plus v, so that nothing is read elsewhere in the array. */
function addedInPlace(
  ctx: Context,
  target: ast.IndexExpression,
  op: '+=' | '-=',
  value: Value,
  scope: Scope,
  span: Span,
): Value | undefined {
  const whole = ctx.evaluate(target.target, scope);
  if (whole.kind !== 'array' || value.kind !== 'array' || !isFloat(whole.node.dtype)) return undefined;
  const { node } = whole;
  if (node.dtype !== value.node.dtype) return undefined;
  const places = evaluateEntries(ctx, node.shape, target.entries, scope, span);
  if (!places.some((e) => e.kind === 'positions')) return undefined;
  const combine = op === '+=' ? b.add : b.sub;
  return array(setElements(ctx, node, places, value.node, span, (old, v) => combine(ctx.graph, old, v)));
}

function variable(ctx: Context, target: ast.NameExpression, scope: Scope): { value: Value } {
  const binding = scope.find(target.name);
  if (binding === undefined) {
    const known = scope.visible().filter((name) => scope.find(name)?.mutable === true);
    const guess = didYouMean(target.name, known);
    return failAt(
      ctx,
      'E252',
      `\`${target.name}\` is not a variable of this block`,
      target.span,
      guess === undefined
        ? `declare it before: var ${target.name} = …`
        : `did you mean \`${guess}\`? A new one is declared before: var ${target.name} = …`,
    );
  }
  if (!binding.mutable)
    return failAt(
      ctx,
      'E253',
      `\`${target.name}\` was declared with \`let\` and cannot be assigned`,
      target.span,
      `declare it with \`var ${target.name} = …\``,
    );
  if (ctx.regions.slice(binding.depth ?? Infinity).some((assigned) => !assigned.includes(binding)))
    failAt(
      ctx,
      'E258',
      `what is assigned to \`${target.name}\` would be lost: it is declared outside, and this part runs by itself`,
      target.span,
      'assign in statements of loops and `if`; what an element of a comprehension, a choice `if … then … else …`, `recompute` or a function called in a loop or derivative finds is returned',
    );
  return binding;
}

/** `net.body[0] = …`: an element of a static list that is no array. */
function replaceElement(
  ctx: Context,
  whole: Value,
  entries: readonly ast.IndexEntry[],
  value: Value,
  scope: Scope,
): Value | undefined {
  const [entry] = entries;
  if (whole.kind !== 'list' && whole.kind !== 'tuple') return undefined;
  if (entries.length !== 1 || entry?.kind !== 'at') return undefined;
  if (whole.kind === 'list' && arrayOfList(ctx, whole) !== undefined) return undefined;
  const i = staticNumber(ctx.evaluate(entry.value, scope));
  if (i === undefined) return undefined;
  if (!Number.isInteger(i) || i < 0 || i >= whole.elements.length)
    failAt(ctx, 'E232', `the index ${i} is outside 0 .. ${whole.elements.length - 1}`, entry.span);
  return { ...whole, elements: whole.elements.map((e, k) => (k === i ? value : e)) };
}

function updateElements(
  ctx: Context,
  whole: Value,
  entries: readonly ast.IndexEntry[],
  value: Value,
  scope: Scope,
  span: Span,
): Value {
  if (whole.kind === 'record') {
    if (value.kind !== 'record')
      return failAt(
        ctx,
        'E160',
        `an element of ${describe(whole)} is a record too, but this is ${describe(value)}`,
        span,
      );
    return {
      ...whole,
      entries: new Map(
        [...whole.entries].map(([k, w]) => {
          const v = value.entries.get(k);
          return [
            k,
            v === undefined
              ? failAt(ctx, 'E160', `\`${k}\` is missing`, span)
              : updateElements(ctx, w, entries, v, scope, span),
          ];
        }),
      ),
    };
  }
  if (hasComplex(whole) || hasComplex(value)) {
    const [x, y] = [asComplex(ctx, whole, span), asComplex(ctx, value, span)];
    if (x !== undefined && y !== undefined) {
      const [re, im] = complexNodes(ctx, x, span);
      const [vre, vim] = complexNodes(ctx, y, span);
      const places = evaluateEntries(ctx, re.shape, entries, scope, span);
      return complex(
        array(setElements(ctx, re, places, vre, span)),
        array(setElements(ctx, im, places, vim, span)),
      );
    }
  }
  let node = toNode(ctx, whole, span, 'an assignment to elements');
  let v = toNode(ctx, value, span, 'an assignment to elements');
  const g = ctx.graph;
  if (isFloat(v.dtype) && !isFloat(node.dtype)) node = b.cast(g, node, v.dtype);
  else v = b.cast(g, v, node.dtype);
  return array(setElements(ctx, node, evaluateEntries(ctx, node.shape, entries, scope, span), v, span));
}

/** x with the elements named by the entries replaced, or combined with the new values: a mask per axis, and the new values moved to their places. */
function setElements(
  ctx: Context,
  x: Node,
  entries: readonly AxisIndex[],
  v: Node,
  span: Span,
  combine: (old: Node, v: Node) => Node = (_, v) => v,
): Node {
  const g = ctx.graph;
  const shape = x.shape;
  const region: number[] = [];
  entries.forEach((e) => {
    if (e.kind === 'slice') region.push(Math.ceil((e.to - e.from) / e.by));
    else if (e.kind === 'positions' && e.slice !== undefined && e.outside === undefined)
      region.push(at(e.node.shape, 0));
    else if (e.kind === 'positions' && e.node.shape.length > 0)
      failAt(
        ctx,
        'E254',
        'an assignment to many run-time positions is a scatter',
        e.span,
        'write a[idx[p]] += w[p] for p in 0..n',
      );
  });
  region.push(...shape.slice(entries.length));
  const spread = conform(ctx, array(v), array(b.full(g, region, 0, v.dtype)), span, 'the place assigned to');
  let moved = spread.kind === 'array' ? spread.node : v;
  let mask: Node | undefined;
  let axis = 0;
  entries.forEach((e, k) => {
    const extent = at(shape, k);
    const iota = g.iota(shape, k, 'i32');
    if (e.kind === 'slice') {
      const count = at(moved.shape, axis);
      const high = extent - e.from - (count === 0 ? 0 : (count - 1) * e.by + 1);
      moved = b.padAxis(g, moved, axis, e.from, high, e.by - 1);
      const inside = b.and(g, b.ge(g, iota, e.from), b.lt(g, iota, e.to));
      const here = e.by === 1 ? inside : b.and(g, inside, b.eq(g, b.rem(g, b.sub(g, iota, e.from), e.by), 0));
      if (e.from !== 0 || e.to !== extent || e.by !== 1)
        mask = mask === undefined ? here : b.and(g, mask, here);
    } else if (e.kind === 'positions' && e.slice !== undefined) {
      // From a run-time start: the element for place x is (x - start)/by.
      const offset = b.sub(g, g.iota([extent], 0, 'i32'), b.broadcastTo(g, e.slice.start, [extent]));
      const { by } = e.slice;
      moved = takePositions(
        ctx,
        moved,
        [
          {
            axis,
            entry: { kind: 'positions', node: b.idiv(g, offset, by), outside: undefined, span: e.span },
          },
        ],
        e.span,
      );
      const count = at(e.node.shape, 0);
      const within = b.and(g, b.ge(g, offset, 0), b.lt(g, offset, count * by));
      const chosen = by === 1 ? within : b.and(g, within, b.eq(g, b.rem(g, offset, by), 0));
      const here = b.broadcastAxes(g, chosen, shape, [k]);
      mask = mask === undefined ? here : b.and(g, mask, here);
    } else {
      moved = b.broadcastAxes(
        g,
        moved,
        [...moved.shape.slice(0, axis), extent, ...moved.shape.slice(axis)],
        range(moved.shape.length).map((a) => (a < axis ? a : a + 1)),
      );
      const position = e.kind === 'position' ? g.constant(e.value, 'i32') : linearIndex(ctx, [extent], [e]);
      const here = b.eq(g, iota, b.broadcastTo(g, position, shape));
      mask = mask === undefined ? here : b.and(g, mask, here);
    }
    axis++;
  });
  const changed = combine(x, moved);
  return mask === undefined ? changed : b.select(g, mask, changed, x);
}
