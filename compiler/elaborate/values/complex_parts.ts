// The two parts of a complex value as nodes. In: a complex value; out: real nodes of one shape, and the way back. Parts are numbers known at compile time, arrays or fields (values.ts); what
// bundles values into leaves (leaves.ts) stands on this.

import type { Context } from '../context.ts';
import { cellValues, gridShape, leafOnGrid } from '../fields/grids.ts';
import { broadcastAll } from './levelling.ts';
import type { ComplexPart, ComplexValue, Value } from './values.ts';
import { array, complex } from './values.ts';
import type { Grid } from '../../field/types.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import { sizeOf } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';

export const isPart = (v: Value): v is ComplexPart =>
  v.kind === 'number' || v.kind === 'array' || v.kind === 'field';

/** The number 0, known at compile time. */
export const isZero = (v: Value): boolean => v.kind === 'number' && v.value === 0;

/** The grid that the parts lie on, if they do. */
export function gridOfComplex(v: ComplexValue): Grid | undefined {
  const of = (p: ComplexPart): Grid | undefined => (p.kind === 'field' ? p.grid : undefined);
  return of(v.re) ?? of(v.im);
}

/** A function of coordinates that lies on no grid has no values to be taken apart. */
export const isComplexFunction = (v: ComplexValue): boolean =>
  gridOfComplex(v) === undefined && (v.re.kind === 'field' || v.im.kind === 'field');

export function shapeOfComplex(v: ComplexValue): readonly number[] {
  const grid = gridOfComplex(v);
  if (grid !== undefined) return gridShape(grid);
  const shape = (p: ComplexPart): readonly number[] => (p.kind === 'array' ? p.node.shape : []);
  return shape(v.re).length > 0 ? shape(v.re) : shape(v.im);
}

/** The parts as real arrays of one shape; those of a field at the unknowns of its grid. */
export function complexNodes(ctx: Context, v: ComplexValue, span: Span): readonly [Node, Node] {
  const g = ctx.graph;
  const grid = gridOfComplex(v);
  const node = (p: ComplexPart): Node => {
    switch (p.kind) {
      case 'number':
        return grid === undefined
          ? g.constant(p.value, ctx.real)
          : b.full(g, gridShape(grid), p.value, ctx.real);
      case 'array':
        return grid === undefined || p.node.shape.length > 0
          ? p.node
          : b.broadcastTo(g, p.node, gridShape(grid));
      case 'field':
        return cellValues(ctx, p, span, grid);
    }
  };
  const level = broadcastAll(ctx, 'a complex value', [node(v.re), node(v.im)], span);
  return [at(level, 0), at(level, 1)];
}

/** A value of the kind of `like` (on its grid, with its boundary rules) from nodes. */
export function complexFrom(ctx: Context, re: Node, im: Node, like: ComplexValue): ComplexValue {
  const grid = gridOfComplex(like);
  if (grid === undefined) return complex(array(re), array(im));
  const part = (node: Node, p: ComplexPart): ComplexPart =>
    leafOnGrid(ctx, node, grid, p.kind === 'field' ? p : undefined);
  return complex(part(re, like.re), part(im, like.im));
}

/** Whether a complex number stands anywhere in a value. */
export function hasComplex(v: Value): boolean {
  switch (v.kind) {
    case 'complex':
      return true;
    case 'tuple':
    case 'list':
      return v.elements.some(hasComplex);
    case 'record':
      return [...v.entries.values()].some(hasComplex);
    default:
      return false;
  }
}

/** How many numbers a value holds; a complex one is one. */
export function countOf(v: Value): number {
  switch (v.kind) {
    case 'number':
      return 1;
    case 'array':
      return v.node.dtype === 'bool' ? 0 : sizeOf(v.node.shape);
    case 'field':
      return v.grid === undefined ? 0 : sizeOf(gridShape(v.grid));
    case 'complex':
      return sizeOf(shapeOfComplex(v));
    case 'tuple':
    case 'list':
      return v.elements.reduce((n, e) => n + countOf(e), 0);
    case 'record':
      return [...v.entries.values()].reduce((n, e) => n + countOf(e), 0);
    default:
      return 0;
  }
}
