// Batched matrix products. In: a matmul kernel. Out: a function over its work units (blocks of rows and columns of a product), and once a module and type the product of blocks that it calls.
//
// As K. Goto and R. van de Geijn (TOMS 2008) do it: panels of A four rows high and panels of B two vectors wide are copied to scratch memory in the order of use, 256 of the inner dimension at a time; the inmost loop
// keeps 4 x 2 vectors of sums in registers (more spill on this engine) and reads four scalars and two vectors a turn. What hangs over the edge is padded with zeros.
// Products with fewer than four rows or columns are lowered as map kernels with a sum.
// The order of summation depends on the inner dimension alone.

import * as k from '../../kernel/build.ts';
import type { MapKernel, MatmulKernel, MatrixView } from '../../kernel/types.ts';
import { BYTES } from '../../kernel/types.ts';
import { at, range } from '../../support/lists.ts';
import { lowerMapKernel, type LoweredKernel } from './map_kernel.ts';
import { originComments, type ModuleContext } from './module.ts';
import { Ops } from './ops.ts';
import { FunctionWriter, type Reg, type Variable } from './writer.ts';

type Float = 'f32' | 'f64';

/** Rows of a panel of A, inner extent of a packed block, rows of a block at most, columns of a block. */
const PANEL = 4;
const INNER = 256;
const LARGEST_ROWS = 120;
const COLUMNS = 1024;

const lanesOf = (type: Float): 2 | 4 => (type === 'f32' ? 4 : 2);

export function lowerMatmul(kernel: MatmulKernel, context: ModuleContext): LoweredKernel {
  const { batch, m, n, k: inner, type } = kernel;
  if (Math.min(m, n) < 4 || inner < 4 || batch * m * n === 0) return lowerMapKernel(asMap(kernel), context);
  context.helper(`gemm_${type}`);
  const width = 2 * lanesOf(type);
  const tile = PANEL * width * BYTES[type];
  context.scratch = Math.max(context.scratch, (LARGEST_ROWS + width) * INNER * BYTES[type] + tile);
  // Enough blocks for many threads, none so low that packing B costs more than a few percent.
  const wanted = Math.ceil((m * batch) / 32 / PANEL) * PANEL;
  const rows = Math.min(LARGEST_ROWS, Math.max(32, wanted));
  const rowBlocks = Math.ceil(m / rows);
  const columns = rowBlocks * batch >= 16 ? Math.ceil(n / width) * width : COLUMNS;
  const columnBlocks = Math.ceil(n / columns);
  const f = new FunctionWriter({
    name: kernel.name,
    params: [
      ...kernel.buffers.map((b) => ({ name: `at_${b.name}`, type: 'i32' as const })),
      ...kernel.uniforms.map((name) => ({ name: `run_${name}`, type: 'i32' as const })),
      ...['scratch', 'from', 'to'].map((name) => ({ name, type: 'i32' as const })),
    ],
    nested: true,
    constants: context.constants,
    comment: [
      ...originComments(kernel.origins),
      `${kernel.name}: ${batch} products [${m}, ${inner}] @ [${inner}, ${n}] in blocks of ${rows} x ${columns}`,
    ],
  });
  const common = kernel.buffers.length + kernel.uniforms.length;
  const [scratch, from, to] = [f.param(common), f.param(common + 1), f.param(common + 2)];
  const bytes = BYTES[type];
  const times = (a: Reg, c: number) => f.pure('i32.mul', 'i32', [a, f.i32(c)]);
  const plus = (a: Reg, b: Reg) => f.pure('i32.add', 'i32', [a, b]);
  const least = (a: Reg, b: Reg) => f.pure('select', 'i32', [a, b, f.pure('i32.lt_s', 'i32', [a, b])]);
  const place = (view: MatrixView, q: Reg, row: Reg, column: Reg) =>
    [
      times(q, view.batchStride * bytes),
      times(row, view.rowStride * bytes),
      times(column, view.columnStride * bytes),
    ].reduce(plus, plus(f.param(view.buffer), f.i32(view.offset * bytes)));
  f.count(from, to, 1, 'unit', [], (unit) => {
    const q = f.pure('i32.div_u', 'i32', [unit, f.i32(rowBlocks * columnBlocks)]);
    const block = f.pure('i32.sub', 'i32', [unit, times(q, rowBlocks * columnBlocks)]);
    const rowBlock = f.pure('i32.div_u', 'i32', [block, f.i32(columnBlocks)]);
    const row = times(rowBlock, rows);
    const column = times(f.pure('i32.sub', 'i32', [block, times(rowBlock, columnBlocks)]), columns);
    const zero = f.i32(0);
    const strides = [kernel.a, kernel.b, kernel.c].flatMap((v) => [
      v.rowStride * bytes,
      v.columnStride * bytes,
    ]);
    f.effect(`call $gemm_${type}`, [
      place(kernel.a, q, row, zero),
      place(kernel.b, q, zero, column),
      place(kernel.c, q, row, column),
      least(f.pure('i32.sub', 'i32', [f.i32(m), row]), f.i32(rows)),
      least(f.pure('i32.sub', 'i32', [f.i32(n), column]), f.i32(columns)),
      f.i32(inner),
      ...strides.map((s) => f.i32(s)),
      scratch,
    ]);
  });
  return {
    name: kernel.name,
    units: batch * rowBlocks * columnBlocks,
    cost: (batch * m * n * inner) / 2,
    buffers: kernel.buffers,
    access: kernel.buffers.map((b) => b.access),
    filled: () => 0,
    lines: f.print(),
  };
}

/** The product as a sum at every element. */
function asMap(kernel: MatmulKernel): MapKernel {
  const { batch, m, n, k: inner, type } = kernel;
  const [q, i, j, l] = ['q', 'i', 'j', 'l'].map((name) => k.variable('i32', name));
  const axis = { q: q ?? k.int(0), i: i ?? k.int(0), j: j ?? k.int(0), l: l ?? k.int(0) };
  const index = (view: MatrixView, row: typeof axis.i, column: typeof axis.i) =>
    [
      k.mul(axis.q, k.int(view.batchStride)),
      k.mul(row, k.int(view.rowStride)),
      k.mul(column, k.int(view.columnStride)),
    ].reduce(k.add, k.int(view.offset));
  const { buffers, uniforms, origins, name } = kernel;
  const value = k.mul(
    k.load(type, kernel.a.buffer, index(kernel.a, axis.i, axis.l)),
    k.load(type, kernel.b.buffer, index(kernel.b, axis.l, axis.j)),
  );
  const product = k.variable(type, 'product');
  return {
    kind: 'map',
    name,
    buffers,
    uniforms,
    origins,
    space: n === 1 ? [batch, m] : [batch, m, n],
    axes: n === 1 ? ['q', 'i'] : ['q', 'i', 'j'],
    body: [
      ...(n === 1 ? [k.let_('j', k.int(0))] : []),
      {
        kind: 'reduce',
        name: 'product',
        type,
        combine: 'sum',
        loops: [{ name: 'l', extent: inner }],
        body: [],
        value,
      },
      k.store(kernel.c.buffer, index(kernel.c, axis.i, axis.j), product),
    ],
  };
}

// ---- the product of blocks

export function gemmText(type: Float, context: ModuleContext): readonly string[] {
  return [...tileText(type, context), ...blockText(type, context)];
}

/** Sums of one tile: packed A (4 a turn) times packed B (two vectors a turn) over `count` turns, to memory at `tile`. */
function tileText(type: Float, context: ModuleContext): readonly string[] {
  const f = new FunctionWriter({
    name: `gemm_${type}_tile`,
    params: ['a', 'b', 'count', 'tile'].map((name) => ({ name, type: 'i32' as const })),
    constants: context.constants,
  });
  const o = new Ops(f, { width: lanesOf(type), groups: 2 * PANEL, fused: context.fused });
  const bytes = BYTES[type];
  const [a, b] = [f.variable('i32', 'pa', f.param(0)), f.variable('i32', 'pb', f.param(1))];
  const end = f.pure('i32.add', 'i32', [
    f.param(0),
    f.pure('i32.mul', 'i32', [f.param(2), f.i32(PANEL * bytes)]),
  ]);
  const zero = f.vectorConstant(f.i32(0));
  const sums: Variable[] = range(2 * PANEL).map((i) => f.variable('v128', `sum${i}`, zero));
  f.loop([a, b, ...sums], (again) => {
    const [pa, pb] = [f.get(a), f.get(b)];
    const read = (op: string, pointer: Reg, offset: number) =>
      f.load(`${op}${offset === 0 ? '' : ` offset=${offset}`}`, 'v128', [pointer], `${op} ${offset}`, false);
    const columns = [read('v128.load', pb, 0), read('v128.load', pb, 16)];
    for (let row = 0; row < PANEL; row++) {
      const x = o.vector(type, read(`v128.load${8 * bytes}_splat`, pa, row * bytes));
      columns.forEach((y, c) => {
        const sum = at(sums, 2 * row + c);
        f.set(sum, at(o.fma(x, o.vector(type, y), o.vector(type, f.get(sum))).regs, 0));
      });
    }
    const next = f.pure('i32.add', 'i32', [pa, f.i32(PANEL * bytes)]);
    f.set(a, next);
    f.set(b, f.pure('i32.add', 'i32', [pb, f.i32(32)]));
    f.branch(again, f.pure('i32.lt_u', 'i32', [next, end]));
  });
  sums.forEach((sum, i) => f.effect(`v128.store offset=${16 * i}`, [f.param(3), f.get(sum)]));
  return f.print();
}

/** c = a @ b for blocks given by address, extents and strides in bytes. */
function blockText(type: Float, context: ModuleContext): readonly string[] {
  const names = ['a', 'b', 'c', 'm', 'n', 'k', 'ai', 'ak', 'bk', 'bj', 'ci', 'cj', 'scratch'];
  const f = new FunctionWriter({
    name: `gemm_${type}`,
    params: names.map((name) => ({ name, type: 'i32' as const })),
    nested: true,
    comment: ['c = a @ b, blocks of matrices with strides in bytes'],
    constants: context.constants,
  });
  new BlockProduct(f, type, names).write();
  return f.print();
}

class BlockProduct {
  private readonly bytes: number;
  private readonly width: number;
  private readonly zero: Reg;

  constructor(
    private readonly f: FunctionWriter,
    private readonly type: Float,
    private readonly names: readonly string[],
  ) {
    this.bytes = BYTES[type];
    this.width = 2 * lanesOf(type);
    this.zero = type === 'f32' ? f.f32(0) : f.f64(0);
  }

  private p(name: string): Reg {
    return this.f.param(this.names.indexOf(name));
  }

  private plus(...terms: readonly Reg[]): Reg {
    return terms.reduce((a, b) => this.f.pure('i32.add', 'i32', [a, b]));
  }

  private times(a: Reg, b: Reg): Reg {
    return this.f.pure('i32.mul', 'i32', [a, b]);
  }

  private n(value: number): Reg {
    return this.f.i32(value);
  }

  private read(address: Reg, offset = 0): Reg {
    const op = `${this.type}.load${offset === 0 ? '' : ` offset=${offset}`}`;
    return this.f.load(op, this.type, [address], op, false);
  }

  write(): void {
    const { f } = this;
    const packedB = this.plus(this.p('scratch'), this.n(LARGEST_ROWS * INNER * this.bytes));
    const tile = this.plus(packedB, this.n(this.width * INNER * this.bytes));
    f.count(this.n(0), this.p('k'), INNER, 'l', [], (l) => {
      const rest = f.pure('i32.sub', 'i32', [this.p('k'), l]);
      const inner = f.pure('select', 'i32', [
        rest,
        this.n(INNER),
        f.pure('i32.lt_s', 'i32', [rest, this.n(INNER)]),
      ]);
      this.packA(l, inner);
      f.count(this.n(0), this.p('n'), this.width, 'j', [], (j) => {
        this.packB(l, inner, j, packedB);
        f.count(this.n(0), this.p('m'), PANEL, 'i', [], (i) => {
          const packedA = this.plus(this.p('scratch'), this.times(this.times(i, inner), this.n(this.bytes)));
          f.effect(`call $gemm_${this.type}_tile`, [packedA, packedB, inner, tile]);
          f.touch();
          this.addTile(l, i, j, tile);
        });
      });
    });
  }

  /** Rows of A in panels of four: for each l the four elements of the panel. */
  private packA(l: Reg, inner: Reg): void {
    const { f } = this;
    f.count(this.n(0), this.p('m'), PANEL, 'i', [], (i) => {
      const to = this.plus(this.p('scratch'), this.times(this.times(i, inner), this.n(this.bytes)));
      range(PANEL).forEach((row) => {
        const inside = f.pure('i32.lt_s', 'i32', [this.plus(i, this.n(row)), this.p('m')]);
        const start = this.plus(
          this.p('a'),
          this.times(this.plus(i, this.n(row)), this.p('ai')),
          this.times(l, this.p('ak')),
        );
        f.count(this.n(0), inner, 1, 'x', [], (x) => {
          const value = f.variable(this.type, 'value', this.zero);
          f.if(inside, () => f.set(value, this.read(this.plus(start, this.times(x, this.p('ak'))))));
          const place = this.plus(to, this.times(x, this.n(PANEL * this.bytes)));
          f.effect(`${this.type}.store${row === 0 ? '' : ` offset=${row * this.bytes}`}`, [
            place,
            f.get(value),
          ]);
        });
      });
    });
    f.touch();
  }

  /** Columns j .. of B, two vectors wide. */
  private packB(l: Reg, inner: Reg, j: Reg, to: Reg): void {
    const { f } = this;
    const start = this.plus(this.p('b'), this.times(l, this.p('bk')), this.times(j, this.p('bj')));
    const full = f.pure('i32.le_s', 'i32', [this.plus(j, this.n(this.width)), this.p('n')]);
    const dense = f.pure('i32.eq', 'i32', [this.p('bj'), this.n(this.bytes)]);
    const row = (x: Reg) => this.plus(start, this.times(x, this.p('bk')));
    const place = (x: Reg) => this.plus(to, this.times(x, this.n(32)));
    const elementwise = (column: number): void => {
      const inside = f.pure('i32.lt_s', 'i32', [this.plus(j, this.n(column)), this.p('n')]);
      const offset = this.times(this.n(column), this.p('bj'));
      f.count(this.n(0), inner, 1, 'x', [], (x) => {
        const value = f.variable(this.type, 'value', this.zero);
        f.if(inside, () => f.set(value, this.read(this.plus(row(x), offset))));
        f.effect(`${this.type}.store offset=${column * this.bytes}`, [place(x), f.get(value)]);
      });
    };
    f.if(
      f.pure('i32.and', 'i32', [full, dense]),
      () =>
        f.count(this.n(0), inner, 1, 'x', [], (x) => {
          for (const offset of [0, 16]) {
            const v = f.load(`v128.load offset=${offset}`, 'v128', [row(x)], `b${offset}`, false);
            f.effect(`v128.store offset=${offset}`, [place(x), v]);
          }
        }),
      () => range(this.width).forEach(elementwise),
    );
    f.touch();
  }

  /** Puts a tile into C, or adds it after the first block of the inner dimension. */
  private addTile(l: Reg, i: Reg, j: Reg, tile: Reg): void {
    const { f } = this;
    const whole = [
      f.pure('i32.le_s', 'i32', [this.plus(i, this.n(PANEL)), this.p('m')]),
      f.pure('i32.le_s', 'i32', [this.plus(j, this.n(this.width)), this.p('n')]),
      f.pure('i32.eq', 'i32', [this.p('cj'), this.n(this.bytes)]),
    ].reduce((a, b) => f.pure('i32.and', 'i32', [a, b]));
    const start = this.plus(this.p('c'), this.times(i, this.p('ci')), this.times(j, this.p('cj')));
    const shape = this.type === 'f32' ? 'f32x4' : 'f64x2';
    const vectors = (add: boolean): void =>
      range(PANEL).forEach((row) => {
        const place = this.plus(start, this.times(this.n(row), this.p('ci')));
        for (const offset of [0, 16]) {
          const sum = f.load(
            `v128.load offset=${32 * row + offset}`,
            'v128',
            [tile],
            `tile ${row} ${offset}`,
            false,
          );
          const old = add
            ? f.load(`v128.load offset=${offset}`, 'v128', [place], `old ${offset}`, false)
            : sum;
          f.effect(`v128.store offset=${offset}`, [
            place,
            add ? f.pure(`${shape}.add`, 'v128', [old, sum]) : sum,
          ]);
        }
      });
    const elements = (): void =>
      range(PANEL).forEach((row) =>
        range(this.width).forEach((column) => {
          const inside = f.pure('i32.and', 'i32', [
            f.pure('i32.lt_s', 'i32', [this.plus(i, this.n(row)), this.p('m')]),
            f.pure('i32.lt_s', 'i32', [this.plus(j, this.n(column)), this.p('n')]),
          ]);
          f.if(inside, () => {
            const place = this.plus(
              start,
              this.times(this.n(row), this.p('ci')),
              this.times(this.n(column), this.p('cj')),
            );
            const sum = this.read(tile, 32 * row + column * this.bytes);
            const value = f.variable(this.type, 'value', sum);
            f.if(l, () => f.set(value, f.pure(`${this.type}.add`, this.type, [this.read(place), sum])));
            f.effect(`${this.type}.store`, [place, f.get(value)]);
            f.touch();
          });
        }),
      );
    f.if(
      whole,
      () =>
        f.if(
          l,
          () => vectors(true),
          () => vectors(false),
        ),
      elements,
    );
    f.touch();
  }
}
