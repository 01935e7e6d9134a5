// The largest and least value an integer can have, as far as that follows from how it is computed: indices of loops, constants, min, max, clip and sums of such.

import type { Context } from '../context.ts';
import { staticNumbers } from './leaves.ts';
import type { Node } from '../../ir/types.ts';
import { sizeOf } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';

export interface Bounds {
  readonly least: number;
  readonly largest: number;
}

const UNKNOWN: Bounds = { least: -Infinity, largest: Infinity };
const DEPTH = 40;
/** Arrays of numbers known now are looked through up to this size. */
const LITERAL = 4096;

export function boundsOf(ctx: Context, node: Node, depth = DEPTH): Bounds {
  const of = (i: number): Bounds => boundsOf(ctx, at(node.args, i), depth - 1);
  if (depth === 0 || node.dtype === 'f32' || node.dtype === 'f64') return UNKNOWN;
  switch (node.op) {
    case 'const':
      return { least: node.attrs.value, largest: node.attrs.value };
    case 'literal':
    case 'iota': {
      if (sizeOf(node.shape) > LITERAL) return UNKNOWN;
      const values = staticNumbers(node);
      return values === undefined || values.length === 0
        ? UNKNOWN
        : { least: Math.min(...values), largest: Math.max(...values) };
    }
    case 'param': {
      const extent = ctx.extents.get(node);
      return extent === undefined ? UNKNOWN : { least: 0, largest: Math.max(0, extent - 1) };
    }
    case 'min': {
      const [x, y] = [of(0), of(1)];
      return { least: Math.min(x.least, y.least), largest: Math.min(x.largest, y.largest) };
    }
    case 'max': {
      const [x, y] = [of(0), of(1)];
      return { least: Math.max(x.least, y.least), largest: Math.max(x.largest, y.largest) };
    }
    case 'add': {
      const [x, y] = [of(0), of(1)];
      return { least: x.least + y.least, largest: x.largest + y.largest };
    }
    case 'sub': {
      const [x, y] = [of(0), of(1)];
      return { least: x.least - y.largest, largest: x.largest - y.least };
    }
    case 'mul': {
      const [x, y] = [of(0), of(1)];
      if (![x.least, x.largest, y.least, y.largest].every(Number.isFinite)) return UNKNOWN;
      const products = [x.least * y.least, x.least * y.largest, x.largest * y.least, x.largest * y.largest];
      return { least: Math.min(...products), largest: Math.max(...products) };
    }
    case 'rem': {
      const y = of(1);
      return y.least > 0 && Number.isFinite(y.largest) ? { least: 0, largest: y.largest - 1 } : UNKNOWN;
    }
    case 'select': {
      const [x, y] = [of(1), of(2)];
      return { least: Math.min(x.least, y.least), largest: Math.max(x.largest, y.largest) };
    }
    case 'gather':
    case 'slice':
    case 'reshape':
    case 'transpose':
    case 'broadcast':
    case 'keep':
      return of(0);
    case 'cast':
      return at(node.args, 0).dtype === 'bool' ? { least: 0, largest: 1 } : of(0);
    default:
      return UNKNOWN;
  }
}
