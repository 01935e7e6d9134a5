// Type annotations: checked where written, and they bind the sizes they name (`x: real[n]` makes `n` a number known in the function).

import { asComplex, paired } from './complex.ts';
import { complexNodes, isComplexFunction, shapeOfComplex } from './complex_parts.ts';
import type { Context } from './context.ts';
import { failAt, notYet } from './context.ts';
import { arrayOfList, flatten, staticInteger, toNode } from './leaves.ts';
import { find } from './names.ts';
import { complexOnGrid, onGrid } from './on_grid.ts';
import { placeGrid } from './places.ts';
import type { Scope } from './scope.ts';
import type { Value } from './values.ts';
import { array, describe, int, record, tuple } from './values.ts';
import * as b from '../ir/build.ts';
import type { DType, Node } from '../ir/types.ts';
import { isFloat } from '../ir/types.ts';
import { at } from '../support/lists.ts';
import type { Span } from '../support/span.ts';
import type * as ast from '../syntax/ast.ts';

/**
 * `value` as something of this type, or an error. `what` names it in messages. In a `signature` a plain name of a size means the size found, whatever else has that name, unless an
 * earlier argument or size of the same signature has it.
 */
export function bindType(
  ctx: Context,
  type: ast.TypeExpression,
  value: Value,
  scope: Scope,
  span: Span,
  what: string,
  signature = false,
): Value {
  switch (type.kind) {
    case 'named-type':
      return named(ctx, type, value, scope, span, what, signature);
    case 'array-type':
      return arrayTyped(ctx, type, value, scope, span, what, signature);
    case 'record-type': {
      if (value.kind !== 'record')
        return failAt(
          ctx,
          'E160',
          `${what} is a record { ${type.fields.map((f) => f.name.name).join(', ')} }, but this is ${describe(value)}`,
          span,
        );
      return record(
        type.fields.map((f) => {
          const v = value.entries.get(f.name.name);
          return [
            f.name.name,
            v === undefined
              ? failAt(ctx, 'E160', `${what} has no part \`${f.name.name}\``, span)
              : bindType(ctx, f.type, v, scope, span, `the part \`${f.name.name}\` of ${what}`, signature),
          ] as const;
        }),
      );
    }
    case 'tuple-type': {
      const parts = value.kind === 'tuple' || value.kind === 'list' ? value.elements : undefined;
      if (parts === undefined || parts.length !== type.elements.length)
        return failAt(
          ctx,
          'E160',
          `${what} is a tuple of ${type.elements.length}, but this is ${describe(value)}`,
          span,
        );
      return tuple(type.elements.map((t, i) => bindType(ctx, t, at(parts, i), scope, span, what, signature)));
    }
    case 'function-type':
      if (
        value.kind !== 'function' &&
        value.kind !== 'builtin' &&
        value.kind !== 'field' &&
        value.kind !== 'record'
      )
        return failAt(ctx, 'E163', `${what} is a function, but this is ${describe(value)}`, span);
      return value;
    case 'located-type':
      return located(ctx, type, value, scope, span, what);
  }
}

function named(
  ctx: Context,
  type: ast.NamedType,
  value: Value,
  scope: Scope,
  span: Span,
  what: string,
  signature: boolean,
): Value {
  const name = type.name.name;
  if (name === 'complex') return complexOf(ctx, value, span, what);
  switch (name) {
    case 'real':
    case 'int':
    case 'bool':
      return scalarOf(ctx, name, value, span, what);
    case 'scalar':
    case 'vector':
    case 'tensor':
      return value;
    default: {
      const alias = scope.module.items.get(name);
      if (alias?.kind === 'type-alias') return bindType(ctx, alias.type, value, scope, span, what, signature);
      return failAt(
        ctx,
        'E164',
        `the type \`${name}\` is not known`,
        type.span,
        FOREIGN[name] !== undefined
          ? `write \`${FOREIGN[name]}\``
          : 'types are real, int, bool, complex, arrays real[n], records, functions, and scalar, vector, tensor for fields',
      );
    }
  }
}

/** Names of types in other languages. */
const FOREIGN: Readonly<Record<string, string>> = {
  float: 'real',
  float32: 'real',
  float64: 'real',
  double: 'real',
  number: 'real',
  integer: 'int',
  i32: 'int',
  boolean: 'bool',
  field: 'scalar on D',
};

function scalarOf(
  ctx: Context,
  name: 'real' | 'int' | 'bool',
  value: Value,
  span: Span,
  what: string,
): Value {
  if (value.kind === 'number') {
    if (name === 'real') return value.integer ? { ...value, integer: false } : value;
    if (name === 'int' && Number.isInteger(value.value)) return int(value.value);
  }
  if (value.kind === 'bool' && name === 'bool') return value;
  const joined = value.kind === 'list' ? arrayOfList(ctx, value) : undefined;
  if (joined !== undefined) return scalarOf(ctx, name, array(joined), span, what);
  if (value.kind === 'array') {
    if (value.node.shape.length > 0)
      return failAt(ctx, 'E162', `${what} is one ${name}, but this is ${describe(value)}`, span);
    return array(element(ctx, name, value.node, span, what));
  }
  return failAt(ctx, 'E161', `${what} is one ${name}, but this is ${describe(value)}`, span);
}

/** One complex number; a real one becomes complex. */
function complexOf(ctx: Context, value: Value, span: Span, what: string): Value {
  const z = asComplex(ctx, value, span);
  if (z === undefined || isComplexFunction(z))
    return failAt(ctx, 'E161', `${what} is one complex number, but this is ${describe(value)}`, span);
  if (shapeOfComplex(z).length > 0)
    return failAt(ctx, 'E162', `${what} is one complex number, but this is ${describe(value)}`, span);
  return z;
}

/** The parts are arrays of the type's shape. */
function complexArray(
  ctx: Context,
  type: ast.ArrayType,
  value: Value,
  scope: Scope,
  span: Span,
  what: string,
  signature: boolean,
): Value {
  const z = asComplex(ctx, value, span);
  if (z === undefined)
    return failAt(
      ctx,
      'E161',
      `${what} is an array of complex numbers, but this is ${describe(value)}`,
      span,
    );
  const wanted = type.shape.map((e) => sizeKnown(ctx, e, scope, signature));
  const known = wanted.filter((n) => n !== undefined);
  const wrong = (): never =>
    failAt(
      ctx,
      'E162',
      `${what} has shape complex[${wanted.map((n, i) => n ?? show(at(type.shape, i))).join(', ')}], but this is ${describe(value)}`,
      span,
    );
  let [re, im] = complexNodes(ctx, z, span);
  if (re.shape.length === 0 && known.length === wanted.length)
    [re, im] = [b.broadcastTo(ctx.graph, re, known), b.broadcastTo(ctx.graph, im, known)];
  if (re.shape.length !== wanted.length) wrong();
  type.shape.forEach((e, axis) => {
    const extent = at(re.shape, axis);
    if (wanted[axis] === undefined) {
      if (e.kind === 'name') scope.define(e.name, int(extent), e.span);
    } else if (wanted[axis] !== extent) wrong();
  });
  return paired(ctx, array(re), array(im), span);
}

function element(ctx: Context, name: string, node: Node, span: Span, what: string): Node {
  const wanted: DType = name === 'real' ? ctx.real : name === 'int' ? 'i32' : 'bool';
  if (
    node.dtype === wanted ||
    (name === 'real' && isFloat(node.dtype)) ||
    (name === 'int' && node.dtype === 'u32')
  )
    return node;
  if (name === 'real' && node.dtype !== 'bool') return b.cast(ctx.graph, node, ctx.real);
  return failAt(ctx, 'E161', `${what} holds ${name}s, but this is ${describe(array(node))}`, span);
}

function arrayTyped(
  ctx: Context,
  type: ast.ArrayType,
  value: Value,
  scope: Scope,
  span: Span,
  what: string,
  signature: boolean,
): Value {
  const sizes = type.shape;
  const name = type.element.kind === 'named-type' ? type.element.name.name : undefined;
  const elementType = name === 'real' || name === 'int' || name === 'bool' ? name : undefined;
  if (elementType === undefined) {
    if (name === 'complex') return complexArray(ctx, type, value, scope, span, what, signature);
    return arrayOfRecords(ctx, type, value, scope, span, what, signature);
  }
  // A plain number or an array of fitting trailing shape stands for an array full of it when all sizes are known: `param b: real[m] = 0`.
  const wanted = sizes.map((s) => sizeKnown(ctx, s, scope, signature));
  let node: Node;
  if (
    (value.kind === 'number' || (value.kind === 'array' && value.node.shape.length === 0)) &&
    wanted.every((x) => x !== undefined)
  ) {
    node = b.broadcastTo(
      ctx.graph,
      toNode(ctx, value, span, what),
      wanted.filter((x) => x !== undefined),
    );
  } else node = toNode(ctx, value, span, what);
  if (node.shape.length !== sizes.length)
    return failAt(
      ctx,
      'E162',
      `${what} has ${sizes.length} ${sizes.length === 1 ? 'axis' : 'axes'}, ${elementType}[${sizes.map(show).join(', ')}], but this is ${describe(array(node))}`,
      span,
    );
  sizes.forEach((s, axis) => {
    const extent = at(node.shape, axis);
    const known = wanted[axis];
    if (known === undefined) {
      if (s.kind === 'name') scope.define(s.name, int(extent), s.span);
      return;
    }
    if (known !== extent)
      failAt(
        ctx,
        'E162',
        `${what} has shape ${elementType}[${wanted.map((w, i) => w ?? show(at(sizes, i))).join(', ')}], but this is ${describe(array(node))}`,
        span,
      );
  });
  return array(element(ctx, elementType, node, span, what));
}

const show = (e: ast.Expression): string => (e.kind === 'name' ? e.name : e.kind === 'number' ? e.text : '…');

/** The size an expression stands for, if it is already known here; a free plain name is bound by the value. */
function sizeKnown(ctx: Context, e: ast.Expression, scope: Scope, signature: boolean): number | undefined {
  if (e.kind !== 'name') return staticInteger(ctx, ctx.evaluate(e, scope), e.span, 'a size');
  const value = signature ? scope.own(e.name) : find(ctx, e.name, scope);
  return value === undefined ? undefined : staticInteger(ctx, value, e.span, `the size \`${e.name}\``);
}

function arrayOfRecords(
  ctx: Context,
  type: ast.ArrayType,
  value: Value,
  scope: Scope,
  span: Span,
  what: string,
  signature: boolean,
): Value {
  const wanted = type.shape.map((s) => sizeKnown(ctx, s, scope, signature));
  for (const leaf of flatten(ctx, value, span).leaves) {
    wanted.forEach((w, axis) => {
      const extent = leaf.node.shape[axis];
      if (w !== undefined && extent !== w)
        failAt(
          ctx,
          'E162',
          `${what}.${leaf.path} has ${extent ?? 'no'} elements along axis ${axis}, but ${w} are wanted`,
          span,
        );
      const s = type.shape[axis];
      if (w === undefined && s?.kind === 'name' && extent !== undefined)
        scope.define(s.name, int(extent), s.span);
    });
  }
  return value;
}

function located(
  ctx: Context,
  type: ast.LocatedType,
  value: Value,
  scope: Scope,
  span: Span,
  what: string,
): Value {
  if (type.at !== undefined && type.at.name !== 'cells')
    return notYet(ctx, `a field \`at ${type.at.name}\``, type.at.span);
  if (type.on === undefined) return bindType(ctx, type.type, value, scope, span, what);
  const grid = placeGrid(ctx, type.on, scope);
  const kind = type.type.kind === 'named-type' ? type.type.name.name : 'scalar';
  if (type.type.kind === 'named-type' && type.type.complex)
    return complexOnGrid(ctx, value, grid, kind, span, what);
  return onGrid(ctx, value, grid, kind, span, what);
}
