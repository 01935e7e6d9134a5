// Functions of fields: differential operators, integrals, traces, interpolation, and the way between fields and arrays.

import { define } from './registry.ts';
import type { Given } from './registry.ts';
import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { gridOf } from '../fields/domains.ts';
import { functionOf, pointsOf } from '../fields/exact_fields.ts';
import { asField, commonGrid } from '../fields/field_maps.ts';
import { cellValues, contextOf, gridShape, leafOnGrid, showGrid } from '../fields/grids.ts';
import { flatten, toNode, toReal } from '../values/leaves.ts';
import { onGrid } from '../fields/on_grid.ts';
import type { BuiltinValue, FieldValue, Value } from '../values/values.ts';
import { array, describe, tuple } from '../values/values.ts';
import * as f from '../../field/expression.ts';
import { axisIndex } from '../../field/grid.ts';
import type { FieldExpr, Grid, Wall } from '../../field/types.ts';
import * as whole from '../../field/whole.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import { isFloat, sameShape } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';

export function fields(ctx: Context): BuiltinValue[] {
  const field = (expr: FieldExpr, grid: Grid | undefined): FieldValue => fieldOn(ctx, expr, grid);

  /** The grid of a derivative: that of its argument, or of the model around. */
  const gridFor = (v: Value, a: Given): Grid => {
    const parts = v.kind === 'tuple' || v.kind === 'list' ? v.elements : [v];
    const grid = commonGrid(ctx, parts, a.span, a.name) ?? ctx.modelGrid;
    return (
      grid ??
      coordinatesOf(parts) ??
      failAt(
        ctx,
        'E330',
        `${a.name} wants a field on a grid, but this is ${describe(v)}`,
        a.span,
        v.kind === 'field'
          ? 'put it on a domain first: resample(f, on: D)'
          : 'put an array on its domain with grid(D, a)',
      )
    );
  };
  const exprOf = (v: Value, grid: Grid, a: Given): FieldExpr => asField(ctx, v, a.span, a.name, grid);
  const vectorOf = (v: Value, grid: Grid, a: Given): readonly FieldExpr[] => {
    const parts =
      v.kind === 'tuple' || v.kind === 'list'
        ? v.elements
        : grid.axes.length === 1
          ? [v]
          : failAt(
              ctx,
              'E331',
              `${a.name} wants a vector with ${grid.axes.length} components, but this is ${describe(v)}`,
              a.span,
              'a vector is written as a tuple: (a, b)',
            );
    if (parts.length !== grid.axes.length)
      failAt(
        ctx,
        'E331',
        `${a.name} wants a vector with ${grid.axes.length} components, but this has ${parts.length}`,
        a.span,
      );
    return parts.map((p) => exprOf(p, grid, a));
  };
  const vector = (parts: readonly FieldExpr[], grid: Grid): Value =>
    tuple(
      parts.map((p) => field(p, grid)),
      grid.axes.map((x) => x.name),
    );
  const isVector = (v: Value): boolean => v.kind === 'tuple' || v.kind === 'list';
  /** Of a vector component by component. */
  const each = (v: Value, one: (part: Value) => Value): Value =>
    v.kind === 'tuple'
      ? { ...v, elements: v.elements.map(one) }
      : v.kind === 'list'
        ? tuple(v.elements.map(one))
        : one(v);
  const targetGrid = (v: Value, span: Span): Grid =>
    v.kind === 'grid'
      ? v.grid
      : v.kind === 'domain'
        ? gridOf(ctx, v, [], span)
        : failAt(ctx, 'E332', `a domain is wanted here, but this is ${describe(v)}`, span);
  const wallOf = (v: Value, grid: Grid, span: Span): Wall => {
    const [axis, side] =
      v.kind === 'option' && v.name === 'wall' ? [v.args.get('axis'), v.args.get('side')] : [];
    const word = (x: Value | undefined): string => (x?.kind === 'string' ? x.parts.join('') : '');
    const index = grid.axes.findIndex((x) => x.name === word(axis));
    if (index < 0)
      return failAt(
        ctx,
        'E333',
        `a wall of ${grid.name} is wanted here, but this is ${describe(v)}`,
        span,
        `write one of ${grid.axes.flatMap((x) => ['min', 'max'].map((s) => `${ctx.modelGrid === undefined ? `${grid.name}.` : ''}${x.name}.${s}`)).join(', ')}`,
      );
    if (grid.axes[index]?.periodic === true)
      failAt(ctx, 'E333', `${word(axis)} is periodic and has no walls`, span);
    return { axis: index, side: word(side) === 'min' ? 'min' : 'max' };
  };
  /** A field or vector of fields from outside a model keeps its own boundaries. */
  return [
    define(ctx, 'grad', ['u'], (a) => {
      const u = a.need('u');
      const grid = gridFor(u, a);
      if (isVector(u)) {
        const rows = f.vectorGradient(vectorOf(u, grid, a), grid, a.span);
        return tuple(
          rows.map((r) => vector(r, grid)),
          grid.axes.map((x) => x.name),
        );
      }
      return vector(f.gradient(exprOf(u, grid, a), grid, a.span), grid);
    }),
    define(ctx, 'div', ['v'], (a) => {
      const v = a.need('v');
      if (isVector(v) && (v.kind === 'tuple' || v.kind === 'list') && v.elements.some(isVector)) {
        const grid = gridFor(
          v.elements.flatMap((r) => (r.kind === 'tuple' || r.kind === 'list' ? r.elements : [r]))[0] ?? v,
          a,
        );
        return vector(
          f.tensorDivergence(
            v.elements.map((r) => vectorOf(r, grid, a)),
            grid,
            a.span,
          ),
          grid,
        );
      }
      const grid = gridFor(v, a);
      return field(f.divergence(vectorOf(v, grid, a), grid, a.span), grid);
    }),
    define(ctx, 'lap', ['u'], (a) => {
      const u = a.need('u');
      const grid = gridFor(u, a);
      if (isVector(u))
        return vector(
          vectorOf(u, grid, a).map((e) => f.laplacian(e, grid, a.span)),
          grid,
        );
      return field(f.laplacian(exprOf(u, grid, a), grid, a.span), grid);
    }),
    define(ctx, 'curl', ['v'], (a) => {
      const grid = gridFor(a.need('v'), a);
      const v = vectorOf(a.need('v'), grid, a);
      if (grid.axes.length === 2) return field(f.curl2(v, grid, a.span), grid);
      if (grid.axes.length === 3) return vector(f.curl3(v, grid, a.span), grid);
      return failAt(ctx, 'E334', 'curl wants a vector in two or three dimensions', a.span);
    }),
    define(ctx, 'advect', ['v', 'u'], (a) => {
      const [v, u] = [a.need('v'), a.need('u')];
      const parts = [v, u].flatMap((x) => (x.kind === 'tuple' || x.kind === 'list' ? x.elements : [x]));
      const grid = gridFor(tuple(parts), a);
      const velocity = vectorOf(v, grid, a);
      if (isVector(u))
        return vector(
          vectorOf(u, grid, a).map((e) => f.advect(velocity, e, grid, a.span)),
          grid,
        );
      return field(f.advect(velocity, exprOf(u, grid, a), grid, a.span), grid);
    }),
    define(ctx, 'diff', ['u', 'x', 'order?'], (a) => {
      const grid = gridFor(a.need('u'), a);
      const x = a.need('x');
      if (x.kind !== 'field' || x.expr.kind !== 'coordinate')
        return failAt(
          ctx,
          'E335',
          `diff differentiates by a coordinate, but this is ${describe(x)}`,
          a.spanOf('x'),
          `write diff(u, ${at(grid.axes, 0).name})`,
        );
      const order = a.get('order');
      const { axis } = x.expr;
      const n = order?.kind === 'number' ? order.value : 1;
      return each(a.need('u'), (u) => field(f.diff(exprOf(u, grid, a), axis, n, a.span), grid));
    }),
    define(ctx, 'dn', ['u'], (a) => {
      const grid = gridFor(a.need('u'), a);
      return each(a.need('u'), (u) => field(f.wallDerivative(exprOf(u, grid, a), a.span), grid));
    }),
    define(ctx, 'harmonic', ['u'], (a) => {
      const grid = gridFor(a.need('u'), a);
      return each(a.need('u'), (u) => field(f.harmonic(exprOf(u, grid, a), a.span), grid));
    }),
    define(ctx, 'integral', ['e', 'over?'], (a) => {
      const e = a.need('e');
      const over = a.get('over');
      // A number or a function of coordinates lies where the region lies.
      const parts = e.kind === 'tuple' || e.kind === 'list' ? e.elements : [e];
      const own = commonGrid(ctx, parts, a.span, a.name) ?? ctx.modelGrid;
      const home = over?.kind === 'field' ? (over.grid ?? over.home) : undefined;
      const grid = own === undefined && home !== undefined ? home : gridFor(e, a);
      const context = contextOf(ctx, grid);
      return each(e, (part) => {
        const expr = exprOf(part, grid, a);
        if (over === undefined) return array(whole.integral(context, expr));
        if (over.kind !== 'field')
          return array(whole.integralOver(context, expr, wallOf(over, grid, a.spanOf('over'))));
        const mask = asField(ctx, over, a.span, 'integral', grid);
        return array(
          whole.integral(
            context,
            f.map('where', [mask, expr], (g, [m, x]) =>
              m !== undefined && x !== undefined && m.dtype === 'bool'
                ? b.select(g, m, x, b.zerosLike(g, x))
                : failAt(ctx, 'E336', 'a region is a truth value in the coordinates', a.spanOf('over')),
            ),
          ),
        );
      });
    }),
    define(ctx, 'trace', ['e', 'wall?'], (a) => {
      const e = a.need('e');
      if (a.get('wall') === undefined && (e.kind === 'array' || e.kind === 'list'))
        return array(traceOf(ctx, toReal(ctx, e, a.span, 'trace'), a.span));
      const grid = gridFor(a.need('e'), a);
      const wall = wallOf(a.need('wall'), grid, a.spanOf('wall'));
      return each(a.need('e'), (e) => array(whole.trace(contextOf(ctx, grid), exprOf(e, grid, a), wall)));
    }),
    define(ctx, 'probe', ['u', 'at'], (a) => {
      const grid = gridFor(a.need('u'), a);
      const p = a.need('at');
      const points = p.kind === 'tuple' || p.kind === 'list' ? p.elements : [p];
      if (points.length !== grid.axes.length)
        failAt(
          ctx,
          'E172',
          `a place in ${grid.name} has ${grid.axes.length === 1 ? 'one coordinate' : `${grid.axes.length} coordinates`}, but this has ${points.length}`,
          a.span,
        );
      const place = points.map((x) => toReal(ctx, x, a.spanOf('at'), 'a coordinate'));
      return each(a.need('u'), (u) => array(whole.probe(contextOf(ctx, grid), exprOf(u, grid, a), place)));
    }),
    define(ctx, 'source', ['q', 'at'], (a) => {
      const grid =
        ctx.modelGrid ?? failAt(ctx, 'E330', '`source(at: p, q)` stands in a model on a domain', a.span);
      const p = a.need('at');
      const points = p.kind === 'tuple' || p.kind === 'list' ? p.elements : [p];
      return field(
        whole.pointSource(
          contextOf(ctx, grid),
          points.map((x) => toReal(ctx, x, a.span, 'a coordinate')),
          toReal(ctx, a.need('q'), a.span, 'the strength'),
        ),
        grid,
      );
    }),
    define(ctx, 'values', ['u'], (a) => {
      const u = a.need('u');
      if (u.kind === 'array' || u.kind === 'number') return u;
      const flat = flatten(ctx, u, a.span);
      return flat.leaves.length === 1 && flat.leaves[0] !== undefined
        ? array(flat.leaves[0].node)
        : failAt(ctx, 'E332', `values wants a field, but this is ${describe(u)}`, a.span);
    }),
    define(ctx, 'grid', ['on', 'values'], (a) => {
      const grid = targetGrid(a.need('on'), a.spanOf('on'));
      const node = toNode(ctx, a.need('values'), a.spanOf('values'), 'grid');
      if (!sameShape(node.shape, gridShape(grid)))
        return failAt(
          ctx,
          'E162',
          `${showGrid(grid)} wants an array [${gridShape(grid).join(', ')}], but this is ${describe(array(node))}`,
          a.spanOf('values'),
        );
      return leafOnGrid(ctx, isFloat(node.dtype) ? node : b.cast(ctx.graph, node, ctx.real), grid);
    }),
    define(ctx, 'resample', ['u', 'on'], (a) => {
      const u = a.need('u');
      const grid = targetGrid(a.need('on'), a.spanOf('on'));
      if (u.kind === 'tuple')
        return {
          ...u,
          elements: u.elements.map((e) => (e.kind === 'field' ? resampled(ctx, e, grid, a.span) : e)),
        };
      if (u.kind !== 'field') return onGrid(ctx, u, grid, 'scalar', a.span, 'resample');
      return resampled(ctx, u, grid, a.span);
    }),
  ];
}

function resampled(ctx: Context, u: FieldValue, grid: Grid, span: Span): Value {
  if (u.grid === undefined) return leafOnGrid(ctx, cellValues(ctx, u, span, grid), grid);
  const [here, there] = [u.grid, grid].map((g) => g.axes.map((a) => a.name).join(', '));
  if (here !== there)
    return failAt(
      ctx,
      'E315',
      `a field on ${u.grid.name} (${here}) cannot be resampled on ${grid.name} (${there})`,
      span,
      'both domains need the same coordinates in the same order',
    );
  return leafOnGrid(ctx, whole.resample(contextOf(ctx, u.grid), u.expr, grid), grid);
}

/** An expression on a grid; on the coordinates of a function it is a function again. */
function fieldOn(ctx: Context, expr: FieldExpr, grid: Grid | undefined): FieldValue {
  if (grid?.arguments !== undefined)
    return functionOf(ctx, 'this function', expr, grid.arguments, expr.span ?? ctx.graph.place());
  return { kind: 'field', expr, ...(grid ? { grid } : {}) };
}

/** The coordinates of the first function among some values. */
function coordinatesOf(values: readonly Value[]): Grid | undefined {
  const found = values.find((v) => v.kind === 'field' && v.coordinates !== undefined);
  return found?.kind === 'field' ? pointsOf(found) : undefined;
}

/** `dx`, `dxx`, `dxy` …: derivatives named after the coordinates of a domain. Undefined when the name is no such operator. */
export function derivativeOperator(
  ctx: Context,
  name: string,
  axisNames: readonly (readonly string[])[],
): BuiltinValue | undefined {
  if (!name.startsWith('d') || name.length < 2) return undefined;
  const axes = axisNames.map((names) => splitAxes(name.slice(1), names)).find((x) => x !== undefined);
  if (axes === undefined) return undefined;
  return define(ctx, name, ['u'], (a) => {
    const u = a.need('u');
    const apply = (v: Value): Value => {
      const grid = commonGrid(ctx, [v], a.span, name) ?? ctx.modelGrid ?? coordinatesOf([v]);
      if (grid === undefined)
        return failAt(
          ctx,
          'E330',
          `${name} wants a field on a grid, but this is ${describe(v)}`,
          a.span,
          'put an array on its domain with grid(D, a)',
        );
      let expr = asField(ctx, v, a.span, name, grid);
      if (grid.exact === true) for (const axis of axes) axisIndex(grid, axis, a.span);
      for (const axis of axes) expr = f.diff(expr, axis, 1, a.span);
      return fieldOn(ctx, expr, grid);
    };
    return u.kind === 'tuple' ? { ...u, elements: u.elements.map(apply) } : apply(u);
  });
}

function splitAxes(rest: string, names: readonly string[]): string[] | undefined {
  if (rest === '') return [];
  for (const n of names) {
    if (!rest.startsWith(n)) continue;
    const tail = splitAxes(rest.slice(n.length), names);
    if (tail !== undefined) return [n, ...tail];
  }
  return undefined;
}

/** The sum of the diagonal of a square matrix. */
function traceOf(ctx: Context, x: Node, span: Span): Node {
  const g = ctx.graph;
  const [n, m] = x.shape;
  if (x.shape.length !== 2 || n === undefined || n !== m)
    return failAt(
      ctx,
      'E211',
      `trace adds the diagonal of a square matrix, but this is ${describe(array(x))}`,
      span,
      'of a field at a wall write trace(u, x.max)',
    );
  const mask = b.eq(g, g.iota([n, n], 0, 'i32'), g.iota([n, n], 1, 'i32'));
  return b.sumAll(g, b.select(g, mask, x, b.zerosLike(g, x)));
}
