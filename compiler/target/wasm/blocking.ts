// How many points a map kernel advances together: the width of its vectors, and the block of rows and columns of vectors. In: the kernel and its guard-free body. Out: the block.
//
// Measured on x86 with the 15 vector registers that the engine gives out (spec/decisions has the table): stencils that read neighbouring rows gain from 4 rows x 2 vectors, row after row, because rows
// share loads; long bodies with many loads lose by any block; loops over time in registers wait for their own results and want 2-3 independent vectors, interleaved operation by operation;
// sums over rows want several vectors of columns.

import type { Expr, MapKernel, Statement } from '../../kernel/types.ts';
import { everyExpr, everyStatement, expressionsOf } from '../../kernel/walk.ts';
import { costOf } from './cost.ts';
import type { Interior } from './simplify.ts';
import { variationOf } from './variation.ts';

export interface Blocking {
  readonly width: 1 | 2 | 4;
  readonly rows: number;
  readonly columns: number;
  /** Rows of a block are computed one after another instead of interleaved. */
  readonly byRow: boolean;
}

const one: Blocking = { width: 1, rows: 1, columns: 1, byRow: false };

export function chooseBlocking(kernel: MapKernel, interior: Interior): Blocking {
  const inner = kernel.axes.at(-1);
  const extent = kernel.space.at(-1) ?? 1;
  if (inner === undefined) return one;
  const { body } = interior;
  const variation = variationOf(body, inner);
  const width = variation.types.has('f64') ? 2 : 4;
  if (extent < width || preferReductionLanes(body, inner)) return one;
  const divisors = divisorsOf(body);
  const fit = (columns: number) => {
    const most = Math.max(1, Math.min(columns, Math.floor(extent / width)));
    // One division serves a block only when the divisor is a multiple of it.
    const shared = divisors.every((d) => d % width !== 0 || d % (width * most) === 0);
    return shared ? most : 1;
  };
  const block = (rows: number, columns: number, byRow = false): Blocking => ({
    width,
    rows,
    columns: fit(columns),
    byRow,
  });
  const kinds = new Set<Statement['kind']>();
  everyStatement(body, (s) => kinds.add(s.kind));
  const divergent = isDivergent(body, (e) => variation.varies(e));
  if (kinds.has('reduce') && !kinds.has('for') && !kinds.has('while'))
    return block(1, costOf(body) > 1e5 ? 2 : 4);
  if (kinds.has('for') || kinds.has('while') || kinds.has('if')) {
    const cells = countCells(body);
    // Two vectors hide each other's latency (a loop of adaptive steps: half the time); with more, lanes wait for too many others.
    if (divergent) return block(1, cells <= 12 ? 2 : 1);
    return block(1, cells <= 4 ? (kinds.has('random_block') ? 2 : 3) : cells <= 8 ? 2 : 1);
  }
  const loads = loadsOf(body);
  const cost = costOf(body);
  const rowAxis = kernel.axes.at(-2);
  const rows = kernel.space.at(-2) ?? 1;
  if (rowAxis !== undefined && rows >= 8 && loads.length <= 8 && sharesRows(loads, rowAxis))
    return block(4, 2, true);
  return block(1, cost <= 40 && loads.length <= 5 ? 2 : 1);
}

/** Constants by which integers are divided. */
function divisorsOf(body: readonly Statement[]): readonly number[] {
  const found = new Set<number>();
  everyStatement(body, (s) => {
    for (const e of expressionsOf(s))
      everyExpr(e, (x) => {
        if (x.kind !== 'binary' || x.type !== 'i32' || (x.op !== 'idiv' && x.op !== 'rem')) return;
        if (x.b.kind === 'const' && x.b.value > 0) found.add(x.b.value);
      });
  });
  return [...found];
}

/** Variables that live across the turns of a loop: the most that any of the loops, which run one after another, changes. */
function countCells(body: readonly Statement[]): number {
  let most = 0;
  for (const s of body) {
    if (s.kind !== 'for' && s.kind !== 'while' && s.kind !== 'if' && s.kind !== 'reduce') continue;
    const names = new Set<string>();
    everyStatement([s], (inner) => {
      if (inner.kind === 'assign') names.add(inner.name);
    });
    most = Math.max(most, names.size);
  }
  everyStatement(body, (s) => {
    if (s.kind === 'array' && s.unset !== true) most += s.length;
  });
  return most;
}

function isDivergent(body: readonly Statement[], varies: (e: Expr) => boolean): boolean {
  let found = false;
  everyStatement(body, (s) => {
    if ((s.kind === 'while' || s.kind === 'if') && varies(s.condition)) found = true;
    if (s.kind === 'for' && (varies(s.from) || varies(s.to))) found = true;
  });
  return found;
}

/** Whether the loads of long reductions run along the reduction rather than along the innermost axis. */
function preferReductionLanes(body: readonly Statement[], inner: string): boolean {
  let along = 0;
  let across = 0;
  everyStatement(body, (s) => {
    if (s.kind !== 'reduce') return;
    const loop = s.loops.at(-1);
    if (loop === undefined || loop.extent < 8) return;
    for (const e of [s.value, ...s.body.flatMap(expressionsOf)])
      everyExpr(e, (x) => {
        if (x.kind !== 'load') return;
        if (strideOf(x.index, loop.name) === 1) along++;
        if (strideOf(x.index, inner) === 1) across++;
      });
  });
  return along > across;
}

interface Load {
  readonly buffer: number;
  readonly index: Expr;
}

/** The different loads of a body. */
function loadsOf(body: readonly Statement[]): readonly Load[] {
  const seen = new Map<string, Load>();
  everyStatement(body, (s) => {
    for (const e of expressionsOf(s))
      everyExpr(e, (x) => {
        if (x.kind === 'load') seen.set(`${x.buffer} ${JSON.stringify(x.index)}`, x);
      });
  });
  return [...seen.values()];
}

/** Whether two loads of a buffer lie a whole number of rows apart. */
function sharesRows(loads: readonly Load[], rowAxis: string): boolean {
  return loads.some((a) =>
    loads.some((b) => {
      const pitch = strideOf(a.index, rowAxis);
      if (a === b || a.buffer !== b.buffer || pitch === 0 || strideOf(b.index, rowAxis) !== pitch)
        return false;
      const distance = constantOf(a.index) - constantOf(b.index);
      return distance !== 0 && distance % pitch === 0;
    }),
  );
}

/** The constant of an index, as far as sums show it. */
function constantOf(e: Expr): number {
  if (e.kind === 'const') return e.value;
  if (e.kind !== 'binary') return 0;
  if (e.op === 'add') return constantOf(e.a) + constantOf(e.b);
  if (e.op === 'sub') return constantOf(e.a) - constantOf(e.b);
  return 0;
}

/** Coefficient of a variable in an index, as far as sums and constant products show it. */
function strideOf(e: Expr, variable: string): number {
  if (e.kind === 'var') return e.name === variable ? 1 : 0;
  if (e.kind !== 'binary') return 0;
  const [a, b] = [strideOf(e.a, variable), strideOf(e.b, variable)];
  if (e.op === 'add') return a + b;
  if (e.op === 'sub') return a - b;
  if (e.op === 'mul' && e.b.kind === 'const') return a * e.b.value;
  if (e.op === 'mul' && e.a.kind === 'const') return b * e.a.value;
  return 0;
}
