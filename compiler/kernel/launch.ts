// How a kernel is spread over workgroups. In: a kernel. Out: its shape of launch. The WGSL emitter writes code for this shape and the GPU runtime dispatches it, so both call
// `launchOf` and nothing else decides.
//
// Strategies:
//   points      one invocation a point of the space, numbered row-major through a grid of workgroups
//   rows        likewise, but a workgroup lies within a row: the last axis along x, the others together along y (no division to find the point; neighbours stay neighbours)
//   workgroup   one workgroup a point: its invocations share the kernel's large reductions (few points, long reductions)
//   tiles       one workgroup a tile of a matrix product, several elements an invocation, in registers
// But for `rows` the grid is two-dimensional only because a dimension holds 65,535 workgroups: workgroup number = y * gridWidth + x.

import type { Expr, Kernel, MapKernel, MatmulKernel, Statement } from './types.ts';

/** WebGPU's default limit on workgroups in one dimension. */
const gridWidth = 65535;
/** Invocations of a workgroup for strategy `points`. */
const pointsPerWorkgroup = 64;
/** Rows are given workgroups of their own when that makes at most so many times the invocations. */
const mostPadding = 1.25;
/** Largest number of invocations of a workgroup under WebGPU's default limits. */
const largestWorkgroup = 256;
/** Reductions of at least this many elements are shared by a workgroup ... */
const longReduction = 128;
/** ... when there are fewer points than this: more points keep a GPU busy with one invocation each. */
const fewPoints = 8192;

/** A workgroup of 8 x 8 invocations computes a tile; each invocation so many rows and columns of it, 8 apart. */
export interface Tile {
  readonly rowsEach: number;
  readonly columnsEach: number;
}

/** Invocations along a side of a tile. */
export const tileSide = 8;

export interface Launch {
  readonly strategy: 'points' | 'rows' | 'workgroup' | 'tiles';
  /** Invocations of a workgroup (one-dimensional). */
  readonly workgroupSize: number;
  /** Number of workgroups that have work. */
  readonly workgroups: number;
  /** The dispatch: width and height of the grid; [0, 0] when there is nothing to do. */
  readonly grid: readonly [number, number];
  readonly tile?: Tile;
}

export function launchOf(kernel: Kernel): Launch {
  if (kernel.kind === 'matmul') {
    const map = matmulAsMap(kernel);
    return map === undefined ? tiledLaunch(kernel) : mapLaunch(map);
  }
  return mapLaunch(kernel);
}

function launch(
  strategy: Launch['strategy'],
  workgroupSize: number,
  workgroups: number,
  tile?: Tile,
): Launch {
  const grid: readonly [number, number] =
    workgroups === 0
      ? [0, 0]
      : workgroups <= gridWidth
        ? [workgroups, 1]
        : [gridWidth, Math.ceil(workgroups / gridWidth)];
  return { strategy, workgroupSize, workgroups, grid, ...(tile === undefined ? {} : { tile }) };
}

function mapLaunch(kernel: MapKernel): Launch {
  const points = kernel.space.reduce((n, extent) => n * extent, 1);
  const longest = Math.max(0, ...sharedReductions(kernel).map(reductionExtent));
  if (points > 0 && longest > 0) {
    let size = 64;
    while (size < largestWorkgroup && size * 4 <= longest) size *= 2;
    return launch('workgroup', size, points);
  }
  const row = kernel.space.at(-1) ?? 1;
  const rows = row === 0 ? 0 : points / row;
  const across = Math.ceil(row / pointsPerWorkgroup);
  if (rows > 1 && rows <= gridWidth && across * pointsPerWorkgroup <= row * mostPadding) {
    return {
      strategy: 'rows',
      workgroupSize: pointsPerWorkgroup,
      workgroups: across * rows,
      grid: [across, rows],
    };
  }
  return launch('points', pointsPerWorkgroup, Math.ceil(points / pointsPerWorkgroup));
}

type Reduce = Extract<Statement, { kind: 'reduce' }>;

export function reductionExtent(reduce: Reduce): number {
  return reduce.loops.reduce((n, loop) => n * loop.extent, 1);
}

/**
 * The reductions of a kernel that a workgroup shares: long ones at the top level of the body, none of them behind a store (invocations would read what one of them has written).
 * Empty when the kernel has points enough of its own.
 */
export function sharedReductions(kernel: MapKernel): readonly Reduce[] {
  const points = kernel.space.reduce((n, extent) => n * extent, 1);
  if (points >= fewPoints) return [];
  const isLong = (s: Statement): s is Reduce => s.kind === 'reduce' && reductionExtent(s) >= longReduction;
  const last = kernel.body.findLastIndex(isLong);
  if (kernel.body.slice(0, Math.max(0, last)).some(containsStore)) return [];
  return kernel.body.filter(isLong);
}

function containsStore(s: Statement): boolean {
  switch (s.kind) {
    case 'store':
      return true;
    case 'for':
    case 'reduce':
      return s.body.some(containsStore);
    case 'while':
      return s.before.some(containsStore) || s.body.some(containsStore);
    case 'if':
      return s.then.some(containsStore) || s.else.some(containsStore);
    default:
      return false;
  }
}

// ---- matrix products

/** A product with a side this thin gains nothing from tiles. */
const thin = 4;

/**
 * A matrix product as a map kernel with a reduction, for the shapes that tiles do not suit: a matrix times a vector, batches of small matrices. Undefined for the others.
 */
export function matmulAsMap(kernel: MatmulKernel): MapKernel | undefined {
  const { batch, m, n, k, type, a, b, c } = kernel;
  const small = m * n * k <= 512;
  if (!small && Math.min(m, n) > thin && k > 0) return undefined;
  const int = (value: number): Expr => ({ kind: 'const', type: 'i32', value });
  const variable = (name: string): Expr => ({ kind: 'var', type: 'i32', name });
  const times = (x: Expr, factor: number): Expr =>
    factor === 1 ? x : { kind: 'binary', type: 'i32', op: 'mul', a: x, b: int(factor) };
  const place = (offset: number, terms: readonly (readonly [string, number, number])[]): Expr => {
    let sum: Expr | undefined;
    for (const [name, extent, stride] of terms) {
      if (extent === 1 || stride === 0) continue;
      const term = times(variable(name), stride);
      sum = sum === undefined ? term : { kind: 'binary', type: 'i32', op: 'add', a: sum, b: term };
    }
    if (sum === undefined) return int(offset);
    return offset === 0 ? sum : { kind: 'binary', type: 'i32', op: 'add', a: sum, b: int(offset) };
  };
  const element = (
    view: MatmulKernel['a'],
    row: readonly [string, number],
    column: readonly [string, number],
  ): Expr =>
    place(view.offset, [
      ['batch_', batch, view.batchStride],
      [...row, view.rowStride],
      [...column, view.columnStride],
    ]);
  return {
    kind: 'map',
    name: kernel.name,
    buffers: kernel.buffers,
    uniforms: kernel.uniforms,
    origins: kernel.origins,
    space: [batch, m, n],
    axes: ['batch_', 'row_', 'column_'],
    body: [
      {
        kind: 'reduce',
        name: 'product_',
        type,
        combine: 'sum',
        loops: [{ name: 'k_', extent: k }],
        body: [],
        value: {
          kind: 'binary',
          type,
          op: 'mul',
          a: { kind: 'load', type, buffer: a.buffer, index: element(a, ['row_', m], ['k_', k]) },
          b: { kind: 'load', type, buffer: b.buffer, index: element(b, ['k_', k], ['column_', n]) },
        },
      },
      {
        kind: 'store',
        buffer: c.buffer,
        index: element(c, ['row_', m], ['column_', n]),
        value: { kind: 'var', type, name: 'product_' },
      },
    ],
  };
}

/** Products of at least this many multiplications are worth the larger shader of a larger tile. */
const largeProduct = 2 ** 24;

function tiledLaunch(kernel: MatmulKernel): Launch {
  const { batch, m, n, k } = kernel;
  const each = (extent: number, most: number): number => {
    let count = 1;
    while (count < most && extent > tileSide * count) count *= 2;
    return count;
  };
  const tile: Tile = { rowsEach: each(m, m * n * k >= largeProduct ? 8 : 4), columnsEach: each(n, 4) };
  const down = Math.ceil(m / (tileSide * tile.rowsEach));
  const across = Math.ceil(n / (tileSide * tile.columnsEach));
  return launch('tiles', tileSide * tileSide, batch * down * across, tile);
}
