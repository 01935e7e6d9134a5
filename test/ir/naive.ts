// Every operation without region, defined element by element from the documentation of compiler/ir/types.ts: slow, obvious, and independent of the
// interpreter's kernels.

import type { NdArray } from '../../compiler/ir/interpret.ts';
import { ndarray } from '../../compiler/ir/ndarray.ts';
import type { DType, Node } from '../../compiler/ir/types.ts';
import { sizeOf } from '../../compiler/ir/types.ts';
import { at, range } from '../../compiler/support/lists.ts';
import { threefry4x32 } from '../../compiler/support/threefry.ts';

/** All multi-indices of a shape, row-major. */
export function indices(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (heads, extent) => heads.flatMap((head) => range(extent).map((i) => [...head, i])),
    [[]],
  );
}

export function element(array: NdArray, index: readonly number[]): number {
  const flat = index.reduce((sum, i, axis) => sum * at(array.shape, axis) + i, 0);
  const value = array.data[flat];
  if (value === undefined) throw new Error(`no element [${index.join(', ')}] of [${array.shape.join(', ')}]`);
  return value;
}

const modulo = (i: number, n: number): number => ((i % n) + n) % n;
const clampIndex = (i: number, n: number): number => Math.min(n - 1, Math.max(0, i));

/** Half to even; zero keeps the sign of x, as in IEEE 754. */
function roundEven(x: number): number {
  const below = Math.floor(x);
  const up = x - below > 0.5 || (x - below === 0.5 && below % 2 !== 0);
  const whole = up ? below + 1 : below;
  return whole === 0 && (x < 0 || Object.is(x, -0)) ? -0 : whole;
}

function wrapped(exact: bigint, dtype: DType): number {
  return Number(dtype === 'u32' ? BigInt.asUintN(32, exact) : BigInt.asIntN(32, exact));
}

function floorDivide(x: bigint, y: bigint): bigint {
  const q = x / y;
  return x % y !== 0n && x < 0n !== y < 0n ? q - 1n : q;
}

function floatElement(op: string, x: number, y: number): number {
  switch (op) {
    case 'neg':
      return -x;
    case 'abs':
      return x > 0 ? x : 0 - x;
    case 'sign':
      return x > 0 ? 1 : x < 0 ? -1 : x;
    case 'round':
      return roundEven(x);
    case 'add':
      return x + y;
    case 'sub':
      return x - y;
    case 'mul':
      return x * y;
    case 'div':
      return x / y;
    case 'pow':
      return Math.pow(x, y);
    case 'max':
      return x > y ? x : y;
    case 'min':
      return x < y ? x : y;
    case 'rem':
      return x - y * Math.floor(x / y);
    case 'atan2':
      return Math.atan2(x, y);
    case 'exp':
    case 'expm1':
    case 'log':
    case 'log1p':
    case 'sin':
    case 'cos':
    case 'tan':
    case 'asin':
    case 'acos':
    case 'atan':
    case 'sinh':
    case 'cosh':
    case 'tanh':
    case 'sqrt':
    case 'floor':
    case 'ceil':
      return Math[op](x);
    default:
      throw new Error(`no naive ${op} of floats`);
  }
}

function integerElement(op: string, dtype: DType, x: bigint, y: bigint): bigint {
  switch (op) {
    case 'neg':
      return -x;
    case 'abs':
      return x < 0n ? -x : x;
    case 'sign':
      return x > 0n ? 1n : x < 0n ? -1n : 0n;
    case 'not':
      return dtype === 'bool' ? 1n - x : ~x;
    case 'add':
      return x + y;
    case 'sub':
      return x - y;
    case 'mul':
      return x * y;
    case 'max':
      return x > y ? x : y;
    case 'min':
      return x < y ? x : y;
    case 'idiv':
      return y === 0n ? 0n : floorDivide(x, y);
    case 'rem':
      return y === 0n ? 0n : x - y * floorDivide(x, y);
    case 'and':
      return x & y;
    case 'or':
      return x | y;
    case 'xor':
      return x ^ y;
    case 'shl':
      return x << (y & 31n);
    case 'shr':
      return x >> (y & 31n);
    default:
      throw new Error(`no naive ${op} of integers`);
  }
}

function elementwise(op: string, dtype: DType, x: number, y: number): number {
  if (dtype === 'f32' || dtype === 'f64') return floatElement(op, x, y);
  return wrapped(integerElement(op, dtype, BigInt(x), BigInt(y)), dtype);
}

function castElement(x: number, from: DType, to: DType): number {
  if (to === 'bool') return x === 0 ? 0 : 1;
  if (to === 'f32' || to === 'f64') return x;
  if (from !== 'f32' && from !== 'f64') return wrapped(BigInt(x), to);
  if (Number.isNaN(x)) return 0;
  const [low, high] = to === 'i32' ? [-(2 ** 31), 2 ** 31 - 1] : [0, 2 ** 32 - 1];
  return x <= low ? low : x >= high ? high : Math.trunc(x);
}

function bits(x: number, from: DType, to: DType): number {
  const cells = { f32: Float32Array, i32: Int32Array, u32: Uint32Array } as const;
  if (from === 'f64' || from === 'bool' || to === 'f64' || to === 'bool')
    throw new Error('bits of 32-bit types');
  return at(Array.from(new cells[to](cells[from].of(x).buffer)), 0);
}

function combine(kind: string, values: readonly number[], dtype: DType): number {
  switch (kind) {
    case 'sum':
      return values.reduce((s, x) => elementwise('add', dtype, s, x), 0);
    case 'prod':
      return values.reduce((s, x) => elementwise('mul', dtype, s, x), 1);
    case 'max':
      return values.reduce((s, x) => (x > s ? x : s));
    case 'min':
      return values.reduce((s, x) => (x < s ? x : s));
    case 'any':
      return values.some((x) => x !== 0) ? 1 : 0;
    default:
      return values.every((x) => x !== 0) ? 1 : 0;
  }
}

/** The element of `node` at `index`, from the values of its operands. */
function define(node: Node, args: readonly NdArray[], index: readonly number[]): number {
  const here = (i: number): number => element(at(args, i), index);
  const shape0 = args[0]?.shape ?? [];
  switch (node.op) {
    case 'const':
      return node.attrs.value;
    case 'literal':
      return element({ dtype: node.dtype, shape: node.shape, data: node.attrs.data }, index);
    case 'iota':
      return at(index, node.attrs.axis);
    case 'eq':
      return here(0) === here(1) ? 1 : 0;
    case 'ne':
      return here(0) === here(1) ? 0 : 1;
    case 'lt':
      return here(0) < here(1) ? 1 : 0;
    case 'le':
      return here(0) <= here(1) ? 1 : 0;
    case 'select':
      return here(0) !== 0 ? here(1) : here(2);
    case 'cast':
      return castElement(here(0), at(args, 0).dtype, node.attrs.dtype);
    case 'bitcast':
      return bits(here(0), at(args, 0).dtype, node.attrs.dtype);
    case 'keep':
    case 'stop_gradient':
    case 'path_mean':
      return here(0);
    case 'random_bits': {
      const out = new Uint32Array(4);
      threefry4x32(here(0), here(1), here(2), here(3), here(4), here(5), here(6), here(7), out);
      return at(Array.from(out), node.attrs.word);
    }
    case 'reshape': {
      const flat = index.reduce((sum, i, axis) => sum * at(node.shape, axis) + i, 0);
      return at(Array.from(at(args, 0).data), flat);
    }
    case 'transpose': {
      const source = shape0.map(() => 0);
      node.attrs.perm.forEach((p, axis) => (source[p] = at(index, axis)));
      return element(at(args, 0), source);
    }
    case 'broadcast':
      return element(
        at(args, 0),
        node.attrs.axes.map((axis) => at(index, axis)),
      );
    case 'slice': {
      const { start, stride } = node.attrs;
      return element(
        at(args, 0),
        index.map((i, axis) => at(start, axis) + i * at(stride, axis)),
      );
    }
    case 'pad': {
      const { low, interior } = node.attrs;
      const source = index.map((i, axis) => (i - at(low, axis)) / (at(interior, axis) + 1));
      const inside = source.every((i, axis) => Number.isInteger(i) && i >= 0 && i < at(shape0, axis));
      return inside ? element(at(args, 0), source) : 0;
    }
    case 'concat': {
      let rest = at(index, node.attrs.axis);
      for (const part of args) {
        const extent = at(part.shape, node.attrs.axis);
        if (rest < extent) return element(part, index.with(node.attrs.axis, rest));
        rest -= extent;
      }
      throw new Error('behind the last part');
    }
    case 'reverse':
      return element(
        at(args, 0),
        index.map((i, axis) => (node.attrs.axes.includes(axis) ? at(shape0, axis) - 1 - i : i)),
      );
    case 'roll': {
      const { axis, shift } = node.attrs;
      return element(at(args, 0), index.with(axis, modulo(at(index, axis) + shift, at(shape0, axis))));
    }
    case 'reduce': {
      const { axes, kind } = node.attrs;
      const kept = range(shape0.length).filter((axis) => !axes.includes(axis));
      const values = indices(shape0).filter((i) => kept.every((axis, k) => i[axis] === index[k]));
      return combine(
        kind,
        values.map((i) => element(at(args, 0), i)),
        node.dtype,
      );
    }
    case 'arg_reduce': {
      const { axis, kind } = node.attrs;
      const values = range(at(shape0, axis)).map((i) => element(at(args, 0), index.toSpliced(axis, 0, i)));
      return values.indexOf(kind === 'max' ? Math.max(...values) : Math.min(...values));
    }
    case 'argsort': {
      const axis = shape0.length - 1;
      const row = range(at(shape0, axis)).map((i) => ({ i, x: element(at(args, 0), index.with(axis, i)) }));
      const ordered = row.filter(({ x }) => !Number.isNaN(x)).sort((p, q) => p.x - q.x || p.i - q.i);
      const last = row.filter(({ x }) => Number.isNaN(x));
      return at([...ordered, ...last], at(index, axis)).i;
    }
    case 'cumsum': {
      const { axis, reverse } = node.attrs;
      const stop = at(index, axis);
      const summed = range(at(shape0, axis)).filter((i) => (reverse ? i >= stop : i <= stop));
      return combine(
        'sum',
        (reverse ? summed.toReversed() : summed).map((i) => element(at(args, 0), index.with(axis, i))),
        node.dtype,
      );
    }
    case 'dot': {
      const batch = index.slice(0, -2);
      const [i, j] = index.slice(-2);
      const terms = range(at(shape0, shape0.length - 1)).map((l) =>
        elementwise(
          'mul',
          node.dtype,
          element(at(args, 0), [...batch, i ?? 0, l]),
          element(at(args, 1), [...batch, l, j ?? 0]),
        ),
      );
      return combine('sum', terms, node.dtype);
    }
    case 'gather': {
      const { batch } = node.attrs;
      const rank = at(args, 1).shape.length;
      const row = clampIndex(element(at(args, 1), index.slice(0, rank)), at(shape0, batch));
      return element(at(args, 0), [...index.slice(0, batch), row, ...index.slice(rank)]);
    }
    case 'rows_of': {
      const { batch, size } = node.attrs;
      const count = shape0.reduce((n, e) => n * e, 1);
      const inner = shape0.slice(batch).reduce((n, e) => n * e, 1);
      const places = indices(shape0).map((place) => element(at(args, 0), place));
      const rows = places.map((x, i) => Math.floor(i / inner) * size + Math.max(0, Math.min(size - 1, x)));
      const length = at(node.shape, 0) - 1 - count;
      const position = at(index, 0);
      if (position <= length) return rows.filter((r) => r < position).length;
      const order = range(count).sort((i, j) => at(rows, i) - at(rows, j) || i - j);
      return at(order, position - length - 1);
    }
    case 'scatter_add': {
      const { batch, size } = node.attrs;
      const index1 = at(args, 0);
      const rank = index1.shape.length;
      const hits = indices(index1.shape).filter(
        (i) =>
          i.slice(0, batch).every((k, axis) => k === index[axis]) &&
          clampIndex(element(index1, i), size) === at(index, batch),
      );
      return combine(
        'sum',
        hits.map((i) => element(at(args, 1), [...i.slice(0, rank), ...index.slice(batch + 1)])),
        node.dtype,
      );
    }
    default:
      return elementwise(node.op, node.dtype, here(0), args.length > 1 ? here(1) : 0);
  }
}

/** The value of one node from the values of its operands. */
export function naive(node: Node, args: readonly NdArray[]): NdArray {
  const values = indices(node.shape).map((index) => define(node, args, index));
  if (values.length !== sizeOf(node.shape)) throw new Error('indices do not cover the shape');
  return ndarray(node.dtype, node.shape, values);
}
