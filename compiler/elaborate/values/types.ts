// Type annotations: checked where written, and they bind the sizes they name (`x: real[n]` makes `n` a number known in the function).

import { asComplex, paired } from './complex.ts';
import { complexNodes, isComplexFunction, shapeOfComplex } from './complex_parts.ts';
import type { Context } from '../context.ts';
import { failAt, notYet } from '../context.ts';
import { arrayOfList, staticInteger, toNode } from './leaves.ts';
import { find } from '../names/names.ts';
import { complexOnGrid, onGrid } from '../fields/on_grid.ts';
import { placeGrid } from '../fields/places.ts';
import type { Module } from '../names/scope.ts';
import { Scope } from '../names/scope.ts';
import { stackValues } from './stacking.ts';
import type { Value } from './values.ts';
import { array, describe, int, record, tuple } from './values.ts';
import * as b from '../../ir/build.ts';
import type { DType, Node } from '../../ir/types.ts';
import { isFloat } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

/** Where a type stands. */
interface Site {
  readonly scope: Scope;
  readonly span: Span;
  /** Names the value in messages. */
  readonly what: string;
  /** In a signature a plain name of a size means the size found, whatever else has that name, unless an earlier argument or size of the same signature has it. */
  readonly signature: boolean;
  /** Inside a `type` item: what its file calls by the name of a size is that size. */
  readonly alias?: Module;
}

/** A size as written: `n`, `3`, `2*m`. */
interface Size {
  readonly written: ast.Expression;
  readonly site: Site;
}

/** `value` as something of this type, or an error. */
export function bindType(
  ctx: Context,
  type: ast.TypeExpression,
  value: Value,
  scope: Scope,
  span: Span,
  what: string,
  signature = false,
): Value {
  return bind(ctx, type, value, { scope, span, what, signature }, []);
}

/** `axes` stand in front of those of the type: an array of records is a record of arrays. */
function bind(
  ctx: Context,
  type: ast.TypeExpression,
  value: Value,
  site: Site,
  axes: readonly Size[],
): Value {
  const { span, what } = site;
  switch (type.kind) {
    case 'named-type':
      return named(ctx, type, value, site, axes);
    case 'array-type':
      return bind(ctx, type.element, value, site, [
        ...axes,
        ...type.shape.map((written) => ({ written, site })),
      ]);
    case 'record-type': {
      const whole = inRows(ctx, value, axes, span);
      if (whole.kind !== 'record')
        return failAt(
          ctx,
          'E160',
          `${what} is ${axes.length === 0 ? 'a record' : 'an array of records'} { ${type.fields.map((f) => f.name.name).join(', ')} }, but this is ${describe(whole)}`,
          span,
        );
      return {
        ...record(
          type.fields.map((f) => {
            const v = whole.entries.get(f.name.name);
            if (v === undefined) return failAt(ctx, 'E160', `${what} has no part \`${f.name.name}\``, span);
            return [
              f.name.name,
              bind(ctx, f.type, v, { ...site, what: `the part \`${f.name.name}\` of ${what}` }, axes),
            ] as const;
          }),
        ),
      };
    }
    case 'tuple-type': {
      const whole = value.kind === 'tuple' ? value : inRows(ctx, value, axes, span);
      const parts = whole.kind === 'tuple' || whole.kind === 'list' ? whole.elements : undefined;
      if (parts === undefined || parts.length !== type.elements.length)
        return failAt(
          ctx,
          'E160',
          `${what} is a tuple of ${type.elements.length}, but this is ${describe(value)}`,
          span,
        );
      return tuple(type.elements.map((t, i) => bind(ctx, t, at(parts, i), site, axes)));
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
      return located(ctx, type, value, site, axes);
  }
}

/** A list of records or tuples where an array of such is wanted: `[{ x: 0.0 }, { x: 1.0 }]`. */
function inRows(ctx: Context, value: Value, axes: readonly Size[], span: Span): Value {
  return axes.length > 0 && value.kind === 'list' ? stackValues(ctx, value.elements, span, true) : value;
}

function named(ctx: Context, type: ast.NamedType, value: Value, site: Site, axes: readonly Size[]): Value {
  const name = type.name.name;
  switch (name) {
    case 'complex':
      return complexTyped(ctx, value, site, axes);
    case 'real':
    case 'int':
    case 'bool':
      return axes.length === 0 ? scalarOf(ctx, name, value, site) : arrayTyped(ctx, name, value, site, axes);
    case 'scalar':
    case 'vector':
    case 'tensor':
      return value;
    default: {
      const { module } = site.scope;
      const used = module.uses.get(name);
      const home = module.items.has(name) ? module : used?.module;
      const alias = home?.items.get(home === module ? name : (used?.name ?? name));
      if (home !== undefined && alias?.kind === 'type-alias')
        return bind(ctx, alias.type, value, { ...site, alias: home }, axes);
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

type ElementName = 'real' | 'int' | 'bool';

function scalarOf(ctx: Context, name: ElementName, value: Value, site: Site): Value {
  const { what, span } = site;
  if (value.kind === 'number') {
    if (name === 'real') return value.integer ? { ...value, integer: false } : value;
    if (name === 'int' && Number.isInteger(value.value)) return int(value.value);
  }
  if (value.kind === 'bool' && name === 'bool') return value;
  const joined = value.kind === 'list' ? arrayOfList(ctx, value) : undefined;
  if (joined !== undefined) return scalarOf(ctx, name, array(joined), site);
  if (value.kind !== 'array')
    return failAt(ctx, 'E161', `${what} is one ${name}, but this is ${describe(value)}`, span);
  if (value.node.shape.length > 0) return wrongShape(ctx, `one ${name}`, value, site);
  return array(element(ctx, name, value.node, site));
}

/** A plain number stands for an array full of it when all sizes are known: `param b: real[m] = 0`. */
function arrayTyped(ctx: Context, name: ElementName, value: Value, site: Site, axes: readonly Size[]): Value {
  const node = toNode(ctx, value, site.span, site.what);
  const full = shapeOf(ctx, node.shape, name, array(node), site, axes);
  return array(element(ctx, name, full === undefined ? node : b.broadcastTo(ctx.graph, node, full), site));
}

/** The parts are arrays of the type's shape; a real number becomes complex. */
function complexTyped(ctx: Context, value: Value, site: Site, axes: readonly Size[]): Value {
  const { what, span } = site;
  const z = asComplex(ctx, value, span);
  if (z === undefined || (axes.length === 0 && isComplexFunction(z)))
    return failAt(
      ctx,
      'E161',
      `${what} is ${axes.length === 0 ? 'one complex number' : 'an array of complex numbers'}, but this is ${describe(value)}`,
      span,
    );
  if (axes.length === 0)
    return shapeOfComplex(z).length > 0 ? wrongShape(ctx, 'one complex number', value, site) : z;
  const [re, im] = complexNodes(ctx, z, span);
  const full = shapeOf(ctx, re.shape, 'complex', z, site, axes);
  const part = (n: Node): Value => array(full === undefined ? n : b.broadcastTo(ctx.graph, n, full));
  return paired(ctx, part(re), part(im), span);
}

const wrongShape = (ctx: Context, wanted: string, value: Value, { what, span }: Site): never =>
  failAt(ctx, 'E162', `${what} is ${wanted}, but this is ${describe(value)}`, span);

/** Compares the shape found with the axes and binds sizes that are not known yet. Out: the shape to spread a single number to. */
function shapeOf(
  ctx: Context,
  found: readonly number[],
  name: string,
  value: Value,
  site: Site,
  axes: readonly Size[],
): readonly number[] | undefined {
  const wanted = axes.map((size) => sizeKnown(ctx, size));
  const known = wanted.filter((n) => n !== undefined);
  if (found.length === 0 && known.length === wanted.length) return known;
  const shape = axes.map(({ written }, i) => wanted[i] ?? show(written));
  if (found.length !== wanted.length || wanted.some((n, i) => n !== undefined && n !== found[i]))
    wrongShape(ctx, `${name}[${shape.join(', ')}]`, value, site);
  axes.forEach(({ written, site: { scope } }, i) => {
    if (wanted[i] === undefined && written.kind === 'name')
      scope.define(written.name, int(at(found, i)), written.span);
  });
  return undefined;
}

function element(ctx: Context, name: ElementName, node: Node, { what, span }: Site): Node {
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

const show = (e: ast.Expression): string => (e.kind === 'name' ? e.name : e.kind === 'number' ? e.text : '…');

/** Where the names of a type are looked up. */
const homeOf = ({ scope, alias }: Site): Scope => (alias === undefined ? scope : new Scope(alias, undefined));

/** The size an expression stands for, if it is already known here; a free plain name is bound by the value. */
function sizeKnown(ctx: Context, { written: e, site }: Size): number | undefined {
  const { scope, alias, signature } = site;
  const home = homeOf(site);
  if (e.kind !== 'name') return staticInteger(ctx, ctx.evaluate(e, home), e.span, 'a size');
  const ownName = alias?.items.has(e.name) === true || alias?.uses.has(e.name) === true;
  const value = ownName ? find(ctx, e.name, home) : signature ? scope.own(e.name) : find(ctx, e.name, scope);
  return value === undefined ? undefined : staticInteger(ctx, value, e.span, `the size \`${e.name}\``);
}

function located(
  ctx: Context,
  type: ast.LocatedType,
  value: Value,
  site: Site,
  axes: readonly Size[],
): Value {
  if (type.at !== undefined && type.at.name !== 'cells')
    return notYet(ctx, `a field \`at ${type.at.name}\``, type.at.span);
  if (type.on === undefined) return bind(ctx, type.type, value, site, axes);
  const grid = placeGrid(ctx, type.on, homeOf(site));
  const kind = type.type.kind === 'named-type' ? type.type.name.name : 'scalar';
  if (type.type.kind === 'named-type' && type.type.complex)
    return complexOnGrid(ctx, value, grid, kind, site.span, site.what);
  return onGrid(ctx, value, grid, kind, site.span, site.what);
}
