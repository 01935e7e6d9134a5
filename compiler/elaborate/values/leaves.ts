// Values as bundles of arrays. `flatten` takes a value apart into the nodes at its leaves and a function that puts new nodes in their place; loops carry, comprehensions batch and
// derivatives differentiate these leaves, so that one rule serves numbers, records, fields and the weights of a network alike.

import { complexFrom, complexNodes, hasComplex, isComplexFunction, isPart } from './complex_parts.ts';
import { cellValues, leafOnGrid } from '../fields/grids.ts';
import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import * as b from '../../ir/build.ts';
import { interpret } from '../../ir/interpret.ts';
import type { DType, Node } from '../../ir/types.ts';
import { isFloat, sameShape } from '../../ir/types.ts';
import { hasParameters } from '../../ir/region.ts';
import type { Span } from '../../support/span.ts';
import { InternalError } from '../../support/diagnostic.ts';
import type { ComplexPart, FunctionValue, ListValue, NumberValue, Value } from './values.ts';
import { array, complex, describe } from './values.ts';

export interface Leaf {
  readonly node: Node;
  /** Where in the value: `u`, `net.W`, `[2]`. */
  readonly path: string;
}

export interface Flattened {
  readonly leaves: readonly Leaf[];
  readonly rebuild: (nodes: readonly Node[]) => Value;
}

/** Whether an integer that is known when compiling is one at run time: those beyond 32 bits become reals. */
function isRunTimeInt(value: number): boolean {
  return value >= -(2 ** 31) && value < 2 ** 31;
}

export function numberNode(ctx: Context, v: NumberValue, dtype?: DType): Node {
  return ctx.graph.constant(v.value, dtype ?? (v.integer && isRunTimeInt(v.value) ? 'i32' : ctx.real));
}

/** Leaves in order of appearance. What exists at compile time only (strings, functions, static booleans) stays as it is; static numbers become nodes unless `keepStatic`. */
export function flatten(
  ctx: Context,
  value: Value,
  span: Span,
  options: { readonly keepStatic?: boolean } = {},
): Flattened {
  const leaves: Leaf[] = [];
  type Maker = (take: () => Node) => Value;
  const captured = capturedLeaves(ctx, leaves, span);
  const walk = (v: Value, path: string): Maker => {
    switch (v.kind) {
      case 'function':
        return captured(v, path);
      case 'array':
        leaves.push({ node: v.node, path });
        return (take) => array(take());
      case 'number': {
        if (options.keepStatic === true) return () => v;
        leaves.push({ node: numberNode(ctx, v), path });
        return (take) => array(take());
      }
      case 'bool': {
        if (options.keepStatic === true) return () => v;
        leaves.push({ node: ctx.graph.constant(v.value ? 1 : 0, 'bool'), path });
        return (take) => array(take());
      }
      case 'complex': {
        const known = v.re.kind === 'number' && v.im.kind === 'number';
        if (isComplexFunction(v) || (known && options.keepStatic === true)) return () => v;
        const [re, im] = complexNodes(ctx, v, span);
        const of = (part: string): string => (path === '' ? part : `${path}.${part}`);
        leaves.push({ node: re, path: of('re') }, { node: im, path: of('im') });
        return (take) => {
          const x = take();
          return complexFrom(ctx, x, take(), v);
        };
      }
      case 'tuple': {
        const makers = v.elements.map((e, i) => walk(e, `${path}[${i}]`));
        return (take) => ({ ...v, elements: makers.map((m) => m(take)) });
      }
      case 'list': {
        const whole = options.keepStatic === true ? v : joined(ctx, v, span);
        if (whole.kind !== 'list') return walk(whole, path);
        const makers = v.elements.map((e, i) => walk(e, `${path}[${i}]`));
        return (take) => ({ ...v, elements: makers.map((m) => m(take)) });
      }
      case 'record': {
        const makers = [...v.entries].map(
          ([k, e]) => [k, walk(e, path === '' ? k : `${path}.${k}`)] as const,
        );
        return (take) => ({ ...v, entries: new Map(makers.map(([k, m]) => [k, m(take)])) });
      }
      case 'field': {
        if (v.grid === undefined) return () => v;
        const grid = v.grid;
        leaves.push({ node: cellValues(ctx, v, span), path });
        return (take) => leafOnGrid(ctx, take(), grid, v);
      }
      default:
        return () => v;
    }
  };
  const make = walk(value, '');
  return {
    leaves,
    rebuild: (nodes) => {
      let next = 0;
      const rebuilt = make(() => {
        const node = nodes[next++];
        if (node === undefined)
          throw new InternalError('elaborate.leaves', 'too few leaves to rebuild a value');
        return node;
      });
      return rebuilt;
    },
  };
}

/** What functions captured: leaves like others, each once however many functions see it; what exists at compile time stays. */
function capturedLeaves(
  ctx: Context,
  leaves: Leaf[],
  span: Span,
): (f: FunctionValue, path: string) => (take: () => Node) => Value {
  const found = new Set<Node>();
  const given = new Map<Node, Node>();
  return (f, path) => {
    const { captured } = f;
    if (captured === undefined) return () => f;
    const parts = [...captured.values].map(([name, value]) => {
      const flat = flatten(ctx, value, span, { keepStatic: true });
      const own = flat.leaves.map(({ node, path: inner }) => {
        const first = !found.has(node);
        if (first) leaves.push({ node, path: [path, name, inner].filter((s) => s !== '').join('.') });
        found.add(node);
        return { node, first };
      });
      return { name, own, rebuild: flat.rebuild };
    });
    return (take) => ({
      ...f,
      captured: {
        rows: captured.rows,
        values: new Map(
          parts.map(({ name, own, rebuild }) => {
            const nodes = own.map(({ node, first }) => {
              if (first) given.set(node, take());
              return given.get(node) ?? node;
            });
            return [name, rebuild(nodes)] as const;
          }),
        ),
      },
    });
  };
}

/** The array that a list of numbers or of equally shaped arrays stands for; undefined when it is no array. */
export function arrayOfList(ctx: Context, v: ListValue): Node | undefined {
  if (v.elements.length === 0) return ctx.graph.literal(new Float64Array(0), [0], ctx.real);
  if (v.elements.every((e) => e.kind === 'number')) {
    const numbers = v.elements.filter((e) => e.kind === 'number');
    const integer = numbers.every((e) => e.integer && isRunTimeInt(e.value));
    return ctx.graph.literal(
      Float64Array.from(numbers, (e) => e.value),
      [numbers.length],
      integer ? 'i32' : ctx.real,
    );
  }
  if (v.elements.every((e) => e.kind === 'bool')) {
    const truths = v.elements.map((e) => (e.kind === 'bool' && e.value ? 1 : 0));
    return ctx.graph.literal(Float64Array.from(truths), [truths.length], 'bool');
  }
  const parts: Node[] = [];
  for (const e of v.elements) {
    const node =
      e.kind === 'number'
        ? numberNode(ctx, e)
        : e.kind === 'array'
          ? e.node
          : e.kind === 'list'
            ? arrayOfList(ctx, e)
            : undefined;
    if (node === undefined) return undefined;
    parts.push(node);
  }
  const dtype = parts.some((p) => isFloat(p.dtype)) ? ctx.real : (parts[0]?.dtype ?? ctx.real);
  const first = parts[0];
  if (first === undefined || parts.some((p) => !sameShape(p.shape, first.shape))) return undefined;
  if (parts.some((p) => (p.dtype === 'bool') !== (dtype === 'bool'))) return undefined;
  return b.stack(
    ctx.graph,
    parts.map((p) => b.cast(ctx.graph, p, dtype)),
  );
}

/** A list as the array it stands for, real or complex; as it is where it is none. */
export function joined(ctx: Context, v: ListValue, span: Span): Value {
  const node = arrayOfList(ctx, v);
  if (node !== undefined) return array(node);
  if (!hasComplex(v)) return v;
  const sides: { readonly re: Value[]; readonly im: Value[] } = { re: [], im: [] };
  for (const given of v.elements) {
    const e = given.kind === 'list' ? joined(ctx, given, span) : given;
    if (!isPart(e) && e.kind !== 'complex') return v;
    const value = e.kind === 'complex' ? e : complex(e, { kind: 'number', value: 0, integer: false });
    const level = [value.re, value.im].every((p) => p.kind === 'number')
      ? [value.re, value.im]
      : complexNodes(ctx, value, span).map((n): ComplexPart => array(n));
    sides.re.push(...level.slice(0, 1));
    sides.im.push(...level.slice(1));
  }
  const [re, im] = [sides.re, sides.im].map((elements) => arrayOfList(ctx, { kind: 'list', elements }));
  return re === undefined || im === undefined
    ? v
    : complex(array(b.cast(ctx.graph, re, ctx.real)), array(b.cast(ctx.graph, im, ctx.real)));
}

/** The one array behind a value, for functions that want an array (or a number). */
export function toNode(ctx: Context, v: Value, span: Span, what: string): Node {
  switch (v.kind) {
    case 'array':
      return v.node;
    case 'number':
      return numberNode(ctx, v);
    case 'bool':
      return ctx.graph.constant(v.value ? 1 : 0, 'bool');
    case 'list': {
      const node = arrayOfList(ctx, v);
      if (node !== undefined) return node;
      const whole = joined(ctx, v, span);
      if (whole.kind === 'complex') return toNode(ctx, whole, span, what);
      return failAt(
        ctx,
        'E101',
        `${what} wants an array, but the elements of this list differ in shape or are no numbers`,
        span,
      );
    }
    case 'field':
      if (v.grid !== undefined) return cellValues(ctx, v, span);
      return failAt(
        ctx,
        'E102',
        `${what} wants numbers, but this is a function of coordinates that lies on no grid`,
        span,
        'put it on a domain with resample(f, on: D), or call it with coordinates',
      );
    case 'complex':
      return failAt(
        ctx,
        'E126',
        `${what} takes real numbers, but this is ${describe(v)}`,
        span,
        'write re(z), im(z), abs(z) or arg(z)',
      );
    default:
      return failAt(ctx, 'E101', `${what} wants an array or a number, but this is ${describe(v)}`, span);
  }
}

/** As a real array: ints become real. */
export function toReal(ctx: Context, v: Value, span: Span, what: string): Node {
  if (v.kind === 'number') return ctx.graph.constant(v.value, ctx.real);
  const node = toNode(ctx, v, span, what);
  if (node.dtype === 'bool')
    return failAt(
      ctx,
      'E103',
      `${what} wants numbers, but this is a truth value`,
      span,
      'write where(c, 1, 0)',
    );
  return b.cast(ctx.graph, node, ctx.real);
}

/** A node that depends on no parameter and no input, evaluated now; undefined when it is not known at compile time. */
export function staticNumbers(node: Node): Float64Array | undefined {
  if (hasParameters(node)) return undefined;
  const [value] = interpret([node], new Map());
  return value === undefined ? undefined : Float64Array.from(value.data);
}

/** A number known at compile time behind a value, if it is one. */
export function staticNumber(v: Value): number | undefined {
  if (v.kind === 'number') return v.value;
  if (v.kind !== 'array' || v.node.shape.length > 0) return undefined;
  return staticNumbers(v.node)?.[0];
}

/** A list of numbers known at compile time behind a value. */
export function staticList(v: Value): readonly number[] | undefined {
  if (v.kind === 'list') {
    const numbers = v.elements.map((e) => staticNumber(e));
    return numbers.every((x) => x !== undefined) ? numbers.filter((x) => x !== undefined) : undefined;
  }
  if (v.kind === 'tuple') return staticList({ kind: 'list', elements: v.elements });
  if (v.kind !== 'array' || v.node.shape.length !== 1) return undefined;
  const data = staticNumbers(v.node);
  return data === undefined ? undefined : [...data];
}

/** An integer known at compile time (a size, an axis, a count), or an error that says what was found. */
export function staticInteger(ctx: Context, v: Value, span: Span, what: string): number {
  const n = staticNumber(v);
  if (n === undefined)
    return failAt(
      ctx,
      'E110',
      `${what} must be known at compile time, but this is ${describe(v)}`,
      span,
      'sizes and counts come from numbers, const and len(…)',
    );
  if (!Number.isInteger(n))
    return failAt(ctx, 'E111', `${what} must be a whole number, but this is ${n}`, span);
  return n;
}
