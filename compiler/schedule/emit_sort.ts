// argsort: the positions of the elements of every row in ascending order, stable, NaN last. No workgroup memory, no atomics; the same bits for any number of threads.
//
// Blocks of a few elements are ranked: element i of a block finds its place by counting the elements before it. Then runs are merged in pairs: every thread finds where its part of the
// output begins in both runs by bisection along a diagonal, and merges that part one by one. A pass costs n log n comparisons at worst, there are log2(n / BLOCK) of them.
//
// Source: O. Green, S. Odeh & Y. Birk, "Merge Path: a visually intuitive approach to parallel merging", 2014.

import { InternalError } from '../support/diagnostic.ts';
import { at } from '../support/lists.ts';
import * as k from '../kernel/build.ts';
import type { BufferType, Expr, Statement } from '../kernel/types.ts';
import type { DType } from '../ir/types.ts';
import type { Step } from '../plan/types.ts';
import { sizeOf } from '../ir/types.ts';
import type { Emitter } from './emit.ts';
import type { Item } from './items.ts';
import { bindKey, keyBefore, keyType } from './sort_keys.ts';
import { base } from './storage_points.ts';
import type { Environment, Location } from './storage.ts';
import { bufferType, constantOffset, isCounter } from './storage.ts';

/** Elements that are ranked by counting. */
const BLOCK = 32;
/** Elements of the output that one thread merges; divides every pair of runs. */
const PART = 64;

const i32 = (name: string): Expr => k.variable('i32', name);

export function emitSort(
  emitter: Emitter,
  item: Item,
  environment: Environment,
  targets: readonly Location[],
  block: Step[],
): void {
  const { node } = item;
  const [target, ...others] = targets;
  if (target === undefined || sizeOf(node.shape) === 0) return;
  if (node.op !== 'argsort') throw new InternalError('schedule.sort', `${node.op} does not sort`);
  const operand = base(at(node.args, 0));
  const source = operand.op === 'literal' ? emitter.literalNode(operand) : environment.get(operand);
  if (source === undefined || isCounter(source))
    throw new InternalError('schedule.sort', 'the operand of a sort is not stored');
  const n = at(node.shape, -1);
  sortRows(emitter, operand.dtype, source, sizeOf(node.shape) / n, n, target, block);
  for (const other of others) emitter.copy(target, other, sizeOf(node.shape), block);
}

/** Writes the order of each of `rows` rows of n elements to `target`; returns where the keys lie in that order. */
export function sortRows(
  emitter: Emitter,
  dtype: DType,
  source: Location,
  rows: number,
  n: number,
  target: Location,
  block: Step[],
): Location {
  const type = keyType(dtype);
  const length = rows * n;
  const keys = (): Location =>
    emitter.separate({ dtype: type, shape: [length] }, `${emitter.label}_keys`, block);
  const order = (): Location =>
    emitter.separate({ dtype: 'i32', shape: [length] }, `${emitter.label}_order`, block);
  let passes = 0;
  for (let run = BLOCK; run < n; run *= 2) passes++;
  // One buffer is never bound twice: small values that share one with the target are sorted elsewhere.
  const direct = target.storage !== source.storage;
  const end = direct ? target : order();
  let [fromKeys, fromOrder] = [keys(), passes === 0 ? end : order()];
  block.push({
    kind: 'dispatch',
    kernel: rankKernel(emitter, dtype, source, rows, n, fromKeys, fromOrder),
    buffers: [source, fromKeys, fromOrder].map((l) => l.storage.id),
    uniforms: [source.offset, fromOrder.offset],
  });
  if (passes > 0) {
    let [spareKeys, spareOrder] = [keys(), passes === 1 ? undefined : order()];
    for (let pass = 0, run = BLOCK; pass < passes; pass++, run *= 2) {
      const toOrder = pass === passes - 1 ? end : (spareOrder ?? end);
      block.push({
        kind: 'dispatch',
        kernel: mergeKernel(emitter, type, rows, n, fromOrder, toOrder),
        buffers: [fromKeys, fromOrder, spareKeys, toOrder].map((l) => l.storage.id),
        uniforms: [constantOffset(run), toOrder.offset],
      });
      [fromKeys, spareKeys] = [spareKeys, fromKeys];
      [fromOrder, spareOrder] = [toOrder, fromOrder];
    }
  }
  if (!direct) emitter.copy(end, target, length, block);
  return fromKeys;
}

/** Every element of a block of BLOCK finds its place by counting. */
function rankKernel(
  emitter: Emitter,
  dtype: DType,
  source: Location,
  rows: number,
  n: number,
  keys: Location,
  order: Location,
): number {
  const type = keyType(dtype);
  const [row, i, j] = [i32('i0'), i32('i1'), i32('j')];
  const element = (index: Expr): Expr =>
    k.load(bufferType(dtype), 0, k.add(k.add(k.mul(row, k.int(n)), index), k.uniform(0)));
  const [mine, other] = [k.variable(type, 'mine'), k.variable(type, 'other')];
  // Of equal ones the earlier comes first.
  const before = k.select(k.lessThan(j, i), k.not(keyBefore(mine, other)), keyBefore(other, mine));
  const body: Statement[] = [
    ...bindKey('mine', dtype, element(i)),
    k.let_('start', k.mul(k.binary('idiv', i, k.int(BLOCK)), k.int(BLOCK))),
    k.let_('end', k.binary('min', k.add(i32('start'), k.int(BLOCK)), k.int(n))),
    { kind: 'var', name: 'rank', value: i32('start') },
    {
      kind: 'for',
      name: 'j',
      from: i32('start'),
      to: i32('end'),
      down: false,
      body: [
        ...bindKey('other', dtype, element(j)),
        { kind: 'assign', name: 'rank', value: k.add(i32('rank'), k.cast('i32', before)) },
      ],
    },
    k.let_('place', k.add(k.mul(row, k.int(n)), i32('rank'))),
    k.store(1, i32('place'), mine),
    k.store(2, k.add(i32('place'), k.uniform(1)), i),
  ];
  return emitter.library.add(
    {
      kind: 'map',
      buffers: [
        { name: 'b0', type: bufferType(dtype), length: source.storage.length, access: 'read' },
        { name: 'b1', type, length: keys.storage.length, access: 'write' },
        { name: 'b2', type: 'i32', length: order.storage.length, access: 'write' },
      ],
      uniforms: ['u0', 'u1'],
      space: [rows, n],
      axes: ['i0', 'i1'],
      body,
    },
    'sort_blocks',
    [],
  );
}

/** One pass: pairs of sorted runs of `u0` elements become runs of twice as many. */
function mergeKernel(
  emitter: Emitter,
  type: BufferType,
  rows: number,
  n: number,
  from: Location,
  to: Location,
): number {
  const [row, part] = [i32('i0'), i32('i1')];
  const run = k.uniform(0);
  const origin = k.mul(row, k.int(n));
  const key = (index: Expr): Expr => k.load(type, 0, k.add(origin, index));
  const clampTo = (x: Expr): Expr => k.binary('min', x, k.int(n));
  const [left, right] = [k.add(i32('start'), i32('taken')), k.add(i32('middle'), i32('other'))];
  const body: Statement[] = [
    k.let_('out', k.mul(part, k.int(PART))),
    k.let_('start', k.mul(k.binary('idiv', i32('out'), k.add(run, run)), k.add(run, run))),
    k.let_('middle', clampTo(k.add(i32('start'), run))),
    k.let_('end', clampTo(k.add(i32('middle'), run))),
    k.let_('diagonal', k.sub(i32('out'), i32('start'))),
    {
      kind: 'var',
      name: 'low',
      value: k.binary('max', k.int(0), k.sub(i32('diagonal'), k.sub(i32('end'), i32('middle')))),
    },
    {
      kind: 'var',
      name: 'high',
      value: k.binary('min', i32('diagonal'), k.sub(i32('middle'), i32('start'))),
    },
    {
      kind: 'while',
      counter: 'halving',
      limit: Math.ceil(Math.log2(n)) + 2,
      before: [],
      condition: k.lessThan(i32('low'), i32('high')),
      body: [
        k.let_('half', k.binary('shr', k.add(i32('low'), i32('high')), k.int(1))),
        k.let_('mine', key(k.add(i32('start'), i32('half')))),
        k.let_('theirs', key(k.add(i32('middle'), k.sub(k.sub(i32('diagonal'), i32('half')), k.int(1))))),
        {
          kind: 'if',
          condition: keyBefore(k.variable(type, 'theirs'), k.variable(type, 'mine')),
          then: [{ kind: 'assign', name: 'high', value: i32('half') }],
          else: [{ kind: 'assign', name: 'low', value: k.add(i32('half'), k.int(1)) }],
        },
      ],
    },
    { kind: 'var', name: 'taken', value: i32('low') },
    { kind: 'var', name: 'other', value: k.sub(i32('diagonal'), i32('low')) },
    {
      kind: 'for',
      name: 'step',
      from: k.int(0),
      to: k.binary('min', k.int(PART), k.sub(k.int(n), i32('out'))),
      down: false,
      body: [
        k.let_('a', left),
        k.let_('b', right),
        k.let_('keyA', key(k.binary('min', i32('a'), k.int(n - 1)))),
        k.let_('keyB', key(k.binary('min', i32('b'), k.int(n - 1)))),
        k.let_(
          'first',
          k.and(
            k.lessThan(i32('a'), i32('middle')),
            k.or(
              k.atMost(i32('end'), i32('b')),
              k.not(keyBefore(k.variable(type, 'keyB'), k.variable(type, 'keyA'))),
            ),
          ),
        ),
        k.let_('place', k.add(origin, k.add(i32('out'), i32('step')))),
        k.let_('chosen', k.select(k.variable('bool', 'first'), i32('a'), i32('b'))),
        k.store(
          2,
          i32('place'),
          k.select(k.variable('bool', 'first'), k.variable(type, 'keyA'), k.variable(type, 'keyB')),
        ),
        k.store(3, k.add(i32('place'), k.uniform(1)), k.load('i32', 1, k.add(origin, i32('chosen')))),
        {
          kind: 'assign',
          name: 'taken',
          value: k.add(i32('taken'), k.cast('i32', k.variable('bool', 'first'))),
        },
        {
          kind: 'assign',
          name: 'other',
          value: k.add(i32('other'), k.cast('i32', k.not(k.variable('bool', 'first')))),
        },
      ],
    },
  ];
  return emitter.library.add(
    {
      kind: 'map',
      buffers: [
        { name: 'b0', type, length: rows * n, access: 'read' },
        { name: 'b1', type: 'i32', length: from.storage.length, access: 'read' },
        { name: 'b2', type, length: rows * n, access: 'write' },
        { name: 'b3', type: 'i32', length: to.storage.length, access: 'write' },
      ],
      uniforms: ['u0', 'u1'],
      space: [rows, Math.ceil(n / PART)],
      axes: ['i0', 'i1'],
      body,
    },
    'sort_merge',
    [],
  );
}
