// Functions that make, measure and rearrange arrays; and those that treat any value as a vector of its leaves (`map`, `flatten`, `zeros_like`).

import { spread, partOf } from '../values/complex.ts';
import { countOf, hasComplex, shapeOfComplex } from '../values/complex_parts.ts';
import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import {
  flatten,
  joined,
  staticInteger,
  staticList,
  staticNumber,
  staticNumbers,
  toNode,
  toReal,
} from '../values/leaves.ts';
import { lift } from '../values/lifting.ts';
import type { BuiltinValue, Value } from '../values/values.ts';
import { staticText } from '../values/strings.ts';
import { array, bool, describe, int, list, real, text, tuple } from '../values/values.ts';
import { define } from './registry.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import { isFloat, sizeOf } from '../../ir/types.ts';
import { at, range } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';

export function arrays(ctx: Context): BuiltinValue[] {
  const g = ctx.graph;
  const filled = (name: string, value: number): BuiltinValue =>
    define(ctx, name, ['shape'], (a) =>
      array(b.full(g, shapeOf(ctx, a.need('shape'), a.spanOf('shape')), value, ctx.real)),
    );
  const filledLike = (x: Value, value: number, span: Span): Value => {
    if (x.kind === 'complex') return spread(ctx, value, partOf(ctx, 're', x, span), span, x);
    const flat = flatten(ctx, x, span);
    return flat.rebuild(
      flat.leaves.map((l) =>
        isFloat(l.node.dtype)
          ? b.full(g, l.node.shape, value, l.node.dtype)
          : l.node.dtype === 'bool'
            ? l.node
            : b.full(g, l.node.shape, value, l.node.dtype),
      ),
    );
  };
  const like = (name: string, value: number): BuiltinValue =>
    define(ctx, name, ['x'], (a) => {
      const x = a.need('x');
      if (hasComplex(x))
        return lift(
          ctx,
          name,
          [x],
          a.span,
          ([v]) => (v === undefined ? x : filledLike(v, value, a.span)),
          false,
        );
      return filledLike(x, value, a.span);
    });
  const shape = (given: Value, span: Span): readonly number[] => {
    const v = given.kind === 'list' ? joined(ctx, given, span) : given;
    switch (v.kind) {
      case 'number':
      case 'bool':
        return [];
      case 'complex':
        return shapeOfComplex(v);
      case 'list':
      case 'tuple':
        return [v.elements.length];
      default:
        return toNode(ctx, v, span, 'the shape').shape;
    }
  };
  return [
    filled('zeros', 0),
    filled('ones', 1),
    like('zeros_like', 0),
    like('ones_like', 1),
    define(ctx, 'linspace', ['from', 'to', 'count'], (a) => {
      const n = staticInteger(ctx, a.need('count'), a.spanOf('count'), 'the number of points');
      const [x, y] = [
        toReal(ctx, a.need('from'), a.span, 'linspace'),
        toReal(ctx, a.need('to'), a.span, 'linspace'),
      ];
      if (n === 1) return array(b.broadcastTo(g, x, [1]));
      const t = b.mul(g, g.iota([n], 0, ctx.real), 1 / (n - 1));
      return array(b.add(g, b.mul(g, b.sub(g, b.full(g, [n], 1, ctx.real), t), x), b.mul(g, t, y)));
    }),
    define(ctx, 'concat', ['...parts', 'axis?'], (a) => {
      const axisValue = a.get('axis');
      const axis = axisValue === undefined ? 0 : staticInteger(ctx, axisValue, a.spanOf('axis'), 'an axis');
      const nodes = a.rest.map((p) => toNode(ctx, p.value, p.span, 'concat'));
      const dtype = nodes.find((n) => isFloat(n.dtype))?.dtype ?? nodes[0]?.dtype;
      if (dtype === undefined) return failAt(ctx, 'E262', 'concat of nothing', a.span);
      const parts = nodes
        .filter((n) => n.shape.length !== 1 || at(n.shape, 0) > 0)
        .map((n) => b.cast(g, n, dtype));
      const first = parts[0];
      if (first === undefined) return array(at(nodes, 0));
      parts.forEach((n, i) => {
        if (n.shape.length === 0)
          failAt(
            ctx,
            'E263',
            'concat joins arrays, but this is a number',
            a.rest[i]?.span ?? a.span,
            'put it in brackets: [x]',
          );
        if (
          n.shape.length !== first.shape.length ||
          n.shape.some((e, k) => k !== axis && e !== first.shape[k])
        )
          failAt(
            ctx,
            'E122',
            `the shapes do not fit in concat: [${first.shape.join(', ')}] and [${n.shape.join(', ')}] along axis ${axis}`,
            a.rest[i]?.span ?? a.span,
          );
      });
      return array(b.concat(g, parts, axis));
    }),
    define(ctx, 'reshape', ['x', 'shape'], (a) => {
      const x = toNode(ctx, a.need('x'), a.span, 'reshape');
      const to = shapeOf(ctx, a.need('shape'), a.spanOf('shape'));
      if (sizeOf(to) !== sizeOf(x.shape))
        return failAt(
          ctx,
          'E264',
          `an array of ${sizeOf(x.shape)} elements cannot have the shape [${to.join(', ')}]`,
          a.span,
        );
      return array(b.reshape(g, x, to));
    }),
    define(ctx, 'transpose', ['x', 'axes?'], (a) => {
      const x = toNode(ctx, a.need('x'), a.span, 'transpose');
      const axesValue = a.get('axes');
      const axes = axesValue === undefined ? range(x.shape.length).reverse() : staticList(axesValue);
      if (
        axes === undefined ||
        [...axes].sort((p, q) => p - q).some((p, i) => p !== i) ||
        axes.length !== x.shape.length
      )
        return failAt(
          ctx,
          'E265',
          `the axes of transpose are an order of 0 .. ${x.shape.length - 1}`,
          a.spanOf('axes'),
        );
      return array(b.transposePerm(g, x, axes));
    }),
    define(ctx, 'reverse', ['x', 'axis?'], (a) => {
      const x = toNode(ctx, a.need('x'), a.span, 'reverse');
      const axis = a.get('axis');
      return array(
        b.reverse(g, x, [axis === undefined ? 0 : staticInteger(ctx, axis, a.spanOf('axis'), 'an axis')]),
      );
    }),
    define(ctx, 'roll', ['x', 'shift', 'axis?'], (a) => {
      const x = toNode(ctx, a.need('x'), a.span, 'roll');
      const axis = a.get('axis');
      return array(
        b.roll(
          g,
          x,
          axis === undefined ? 0 : staticInteger(ctx, axis, a.spanOf('axis'), 'an axis'),
          staticInteger(ctx, a.need('shift'), a.spanOf('shift'), 'a shift'),
        ),
      );
    }),
    define(ctx, 'cumsum', ['x', 'axis?'], (a) => {
      const axis = a.get('axis');
      return array(
        b.cumsum(
          g,
          toReal(ctx, a.need('x'), a.span, 'cumsum'),
          axis === undefined ? 0 : staticInteger(ctx, axis, a.spanOf('axis'), 'an axis'),
        ),
      );
    }),
    define(ctx, 'identity', ['n'], (a) => {
      const n = staticInteger(ctx, a.need('n'), a.spanOf('n'), 'the size of a matrix');
      return array(b.cast(g, b.eq(g, g.iota([n, n], 0, 'i32'), g.iota([n, n], 1, 'i32')), ctx.real));
    }),
    define(ctx, 'diagonal', ['x'], (a) => {
      const x = toReal(ctx, a.need('x'), a.span, 'diagonal');
      const n = at([...x.shape, 0], 0);
      const mask = b.eq(g, g.iota([n, n], 0, 'i32'), g.iota([n, n], 1, 'i32'));
      if (x.shape.length === 1)
        return array(b.select(g, mask, b.broadcastAxes(g, x, [n, n], [0]), b.full(g, [n, n], 0, x.dtype)));
      return array(b.reduceSum(g, b.select(g, mask, x, b.zerosLike(g, x)), [1]));
    }),
    define(ctx, 'outer', ['a', 'b'], (a) => {
      const [x, y] = [toReal(ctx, a.need('a'), a.span, 'outer'), toReal(ctx, a.need('b'), a.span, 'outer')];
      const to = [...x.shape, ...y.shape];
      return array(
        b.mul(
          g,
          b.broadcastAxes(g, x, to, range(x.shape.length)),
          b.broadcastAxes(
            g,
            y,
            to,
            range(y.shape.length).map((i) => i + x.shape.length),
          ),
        ),
      );
    }),
    define(ctx, 'len', ['x'], (a) => {
      const v = a.need('x');
      if (v.kind === 'record') return int(flatten(ctx, v, a.span).leaves[0]?.node.shape[0] ?? v.entries.size);
      const s = shape(v, a.span);
      return s.length > 0 ? int(at(s, 0)) : failAt(ctx, 'E266', `${describe(v)} has no length`, a.span);
    }),
    define(ctx, 'size', ['x'], (a) => {
      const v = a.need('x');
      return int(
        hasComplex(v)
          ? countOf(v)
          : v.kind === 'record' || v.kind === 'tuple' || v.kind === 'list'
            ? flatten(ctx, v, a.span).leaves.reduce((n, l) => n + sizeOf(l.node.shape), 0)
            : sizeOf(shape(v, a.span)),
      );
    }),
    define(ctx, 'shape', ['x'], (a) => list(shape(a.need('x'), a.span).map(int))),
    define(ctx, 'rank', ['x'], (a) => int(shape(a.need('x'), a.span).length)),
    define(ctx, 'epsilon', ['x?'], (a) => {
      const x = a.get('x');
      const dtype = x === undefined ? ctx.real : toReal(ctx, x, a.span, 'epsilon').dtype;
      return real(dtype === 'f64' ? 2 ** -52 : 2 ** -23);
    }),
    define(ctx, 'has_part', ['x', 'name'], (a) => {
      const x = a.need('x');
      const name = staticText(ctx, a.need('name'), a.spanOf('name'), 'the name of a part');
      return bool(x.kind === 'record' && x.entries.has(name));
    }),
    define(ctx, 'is_record', ['x'], (a) => bool(a.need('x').kind === 'record')),
    define(ctx, 'is_tuple', ['x'], (a) => bool(a.need('x').kind === 'tuple')),
    define(ctx, 'is_list', ['x'], (a) => bool(['list', 'tuple'].includes(a.need('x').kind))),
    define(ctx, 'is_function', ['x'], (a) => {
      const v = a.need('x');
      return bool(
        v.kind === 'function' || v.kind === 'builtin' || (v.kind === 'field' && v.grid === undefined),
      );
    }),
    define(ctx, 'copy', ['x'], (a) => a.need('x')),
    define(ctx, 'constant', ['x'], (a) => {
      const flat = flatten(ctx, a.need('x'), a.span, { keepStatic: true });
      return flat.rebuild(
        flat.leaves.map(({ node }) => {
          if (node.op === 'literal' || node.op === 'const') return node;
          const numbers =
            staticNumbers(node) ??
            failAt(
              ctx,
              'E110',
              'constant(…) is computed while the program is compiled, but this depends on run-time numbers',
              a.spanOf('x'),
              'leave `constant` out, or make what it needs a `const`',
            );
          return g.literal(numbers, node.shape, node.dtype);
        }),
      );
    }),
    define(ctx, 'map', ['f', '...xs'], (a) => {
      const f = a.need('f');
      const values = a.rest.map((x) => x.value);
      const first = values[0];
      if (first?.kind === 'list' || first?.kind === 'array')
        return failAt(
          ctx,
          'E267',
          '`map` goes over the leaves of records; over an array write a comprehension',
          a.span,
          '[f(x) for x in xs]',
        );
      return lift(
        ctx,
        'map',
        values,
        a.span,
        (leaves) =>
          ctx.call(
            f,
            leaves.map((value) => ({ value, span: a.span })),
            a.span,
          ),
        false,
      );
    }),
    define(ctx, 'flatten', ['x'], (a) => {
      const flat = flatten(ctx, a.need('x'), a.span);
      const nodes = flat.leaves.map((l) => b.reshape(g, l.node, [sizeOf(l.node.shape)]));
      if (nodes.every((n) => n.dtype === 'i32') && nodes.length > 0) return array(b.concat(g, nodes, 0));
      const parts = nodes
        .filter((n) => n.dtype !== 'bool')
        .map((n) => (isFloat(n.dtype) ? n : b.cast(g, n, ctx.real)));
      return array(
        parts.length === 0 ? g.literal(new Float64Array(0), [0], ctx.real) : b.concat(g, parts, 0),
      );
    }),
    define(ctx, 'unflatten', ['v', 'like'], (a) => {
      const v = toNode(ctx, a.need('v'), a.span, 'unflatten');
      const flat = flatten(ctx, a.need('like'), a.span);
      const total = flat.leaves.reduce((n, l) => n + sizeOf(l.node.shape), 0);
      if (v.shape.length !== 1 || at(v.shape, 0) !== total)
        return failAt(
          ctx,
          'E264',
          `unflatten wants a vector of ${total} elements, but this is ${describe(array(v))}`,
          a.span,
        );
      let start = 0;
      return flat.rebuild(
        flat.leaves.map((l): Node => {
          const n = sizeOf(l.node.shape);
          const part = b.reshape(g, b.sliceAxis(g, v, 0, start, start + n), l.node.shape);
          start += n;
          return part;
        }),
      );
    }),
    define(ctx, 'append', ['list', 'x'], (a) => {
      const xs = a.need('list');
      if (xs.kind !== 'list' && xs.kind !== 'tuple')
        return failAt(
          ctx,
          'E268',
          `append adds to a static list, but this is ${describe(xs)}`,
          a.span,
          'join arrays with concat(a, b)',
        );
      return list([...xs.elements, a.need('x')]);
    }),
    define(ctx, 'list', ['...xs'], (a) => list(a.rest.map((x) => x.value))),
    define(ctx, 'parts', ['x'], (a) => {
      const x = a.need('x');
      return x.kind === 'record'
        ? list([...x.entries.values()])
        : failAt(
            ctx,
            'E499',
            `parts(…) gives the parts of a record in their order, but this is ${describe(x)}`,
            a.span,
          );
    }),
    define(ctx, 'part_names', ['x'], (a) => {
      const x = a.need('x');
      return x.kind === 'record'
        ? list([...x.entries.keys()].map((name) => text(name)))
        : failAt(
            ctx,
            'E499',
            `part_names(…) gives the names of the parts of a record, but this is ${describe(x)}`,
            a.span,
          );
    }),
    define(ctx, 'tuple', ['...xs'], (a) => tuple(a.rest.map((x) => x.value))),
  ];
}

const atRunTime = (v: Value): Value =>
  (v.kind === 'list' ? v.elements.find((e) => staticNumber(e) === undefined) : undefined) ?? v;

/** A shape written as `[n, m]`, or a number for a vector. */
export function shapeOf(ctx: Context, v: Value, span: Span): readonly number[] {
  const n = staticNumber(v);
  const sizes = n !== undefined ? [n] : staticList(v);
  if (sizes === undefined)
    return failAt(
      ctx,
      'E110',
      `a shape must be known at compile time, but this is ${describe(atRunTime(v))}`,
      span,
      'write [n, m] with sizes from numbers, const and len(…)',
    );
  for (const s of sizes)
    if (!Number.isInteger(s) || s < 0)
      failAt(ctx, 'E111', `a size is a whole number, but this is ${s}`, span);
  return sizes;
}
