// scatter_add by an index of run time: the updates are sorted by the place they go to (stably, so that the order of additions is that of the updates; emit_sort.ts), then every place finds its
// run by bisection and sums it. No atomics; the bits do not depend on the number of threads.

import { InternalError } from '../support/diagnostic.ts';
import { at } from '../support/lists.ts';
import * as k from '../kernel/build.ts';
import type { Expr, Statement } from '../kernel/types.ts';
import type { Step } from '../plan/types.ts';
import type { NodeOf } from '../ir/types.ts';
import { sizeOf } from '../ir/types.ts';
import type { Emitter } from './emit.ts';
import { sortRows } from './emit_sort.ts';
import type { Item } from './items.ts';
import { base } from './storage_points.ts';
import type { Environment, Location } from './storage.ts';
import { bufferType, isCounter } from './storage.ts';

const i32 = (name: string): Expr => k.variable('i32', name);

export function emitScatter(
  emitter: Emitter,
  item: Item,
  environment: Environment,
  targets: readonly Location[],
  block: Step[],
): void {
  const { node } = item;
  const [target, ...others] = targets;
  if (target === undefined || sizeOf(node.shape) === 0) return;
  if (node.op !== 'scatter_add') throw new InternalError('schedule.scatter', `${node.op} is no scatter`);
  const place = (i: number): Location => {
    const b = base(at(node.args, i));
    const location = b.op === 'literal' ? emitter.literalNode(b) : environment.get(b);
    if (location === undefined || isCounter(location))
      throw new InternalError('schedule.scatter', 'an operand of a scatter is not stored');
    return location;
  };
  const [index, update] = [place(0), place(1)];
  const count = sizeOf(at(node.args, 0).shape);
  const keys = emitter.separate({ dtype: 'i32', shape: [count] }, `${emitter.label}_keys`, block);
  const positions = emitter.separate({ dtype: 'i32', shape: [count] }, `${emitter.label}_positions`, block);
  keysKernel(emitter, node, count, index, keys, block);
  const sorted = sortRows(emitter, 'i32', keys, 1, count, positions, block);
  sumKernel(emitter, node, count, { keys: sorted, positions, update, target }, block);
  for (const other of others) emitter.copy(target, other, sizeOf(node.shape), block);
}

/** key = batch * size + place of every update, in the order of the updates. */
function keysKernel(
  emitter: Emitter,
  node: NodeOf<'scatter_add'>,
  count: number,
  index: Location,
  keys: Location,
  block: Step[],
): void {
  const { batch, size } = node.attrs;
  const inner = Math.max(1, sizeOf(at(node.args, 0).shape.slice(batch)));
  const i = i32('i0');
  const value = k.load('i32', 0, k.add(i, k.uniform(0)));
  const clamped = k.binary('max', k.int(0), k.binary('min', value, k.int(size - 1)));
  const key = k.add(k.mul(k.binary('idiv', i, k.int(inner)), k.int(size)), clamped);
  const kernel = emitter.library.add(
    {
      kind: 'map',
      buffers: [
        { name: 'b0', type: 'i32', length: index.storage.length, access: 'read' },
        { name: 'b1', type: 'i32', length: count, access: 'write' },
      ],
      uniforms: ['u0'],
      space: [count],
      axes: ['i0'],
      body: [k.store(1, i, key)],
    },
    `${emitter.label}_keys`,
    [],
  );
  block.push({
    kind: 'dispatch',
    kernel,
    buffers: [index.storage.id, keys.storage.id],
    uniforms: [index.offset],
  });
}

interface SumPlaces {
  readonly keys: Location;
  readonly positions: Location;
  readonly update: Location;
  readonly target: Location;
}

function sumKernel(
  emitter: Emitter,
  node: NodeOf<'scatter_add'>,
  count: number,
  { keys, positions, update, target }: SumPlaces,
  block: Step[],
): void {
  const { batch } = node.attrs;
  const rows = sizeOf(node.shape.slice(0, batch + 1));
  const width = sizeOf(node.shape.slice(batch + 1));
  const type = bufferType(node.dtype);
  if (node.dtype === 'bool') throw new InternalError('schedule.scatter', 'a scatter of bool');
  // One buffer is never bound twice: updates that lie in the target's buffer are copied out of it.
  let source = update;
  if (update.storage === target.storage) {
    source = emitter.separate(
      { dtype: node.dtype, shape: [count * width] },
      `${emitter.label}_updates`,
      block,
    );
    emitter.copy(update, source, count * width, block);
  }
  const [row, column] = [i32('i0'), i32('i1')];
  const total = k.variable(node.dtype, 'total');
  const at_ = i32('at');
  const body: Statement[] = [
    { kind: 'var', name: 'low', value: k.int(0) },
    { kind: 'var', name: 'high', value: k.int(count) },
    {
      kind: 'for',
      name: 'halving',
      from: k.int(0),
      to: k.int(Math.ceil(Math.log2(count)) + 2),
      down: false,
      body: [
        {
          kind: 'if',
          condition: k.lessThan(i32('low'), i32('high')),
          then: [
            k.let_('middle', k.binary('shr', k.add(i32('low'), i32('high')), k.int(1))),
            {
              kind: 'if',
              condition: k.lessThan(k.load('i32', 0, i32('middle')), row),
              then: [{ kind: 'assign', name: 'low', value: k.add(i32('middle'), k.int(1)) }],
              else: [{ kind: 'assign', name: 'high', value: i32('middle') }],
            },
          ],
          else: [],
        },
      ],
    },
    { kind: 'var', name: 'total', value: k.constant(node.dtype, 0) },
    k.let_('start', i32('low')),
    {
      kind: 'while',
      counter: 'turn',
      limit: count,
      before: [
        k.let_('at', k.add(i32('start'), i32('turn'))),
        k.let_('here', k.load('i32', 0, k.binary('min', at_, k.int(count - 1)))),
      ],
      condition: k.and(k.lessThan(at_, k.int(count)), k.compare('eq', i32('here'), row)),
      body: [
        k.let_('position', k.load('i32', 1, k.add(i32('start'), i32('turn')))),
        {
          kind: 'assign',
          name: 'total',
          value: k.add(
            total,
            k.load(type, 2, k.add(k.add(k.mul(i32('position'), k.int(width)), column), k.uniform(0))),
          ),
        },
      ],
    },
    k.store(3, k.add(k.add(k.mul(row, k.int(width)), column), k.uniform(1)), total),
  ];
  const kernel = emitter.library.add(
    {
      kind: 'map',
      buffers: [
        { name: 'b0', type: 'i32', length: keys.storage.length, access: 'read' },
        { name: 'b1', type: 'i32', length: positions.storage.length, access: 'read' },
        { name: 'b2', type, length: source.storage.length, access: 'read' },
        { name: 'b3', type, length: target.storage.length, access: 'write' },
      ],
      uniforms: ['u0', 'u1'],
      space: [rows, width],
      axes: ['i0', 'i1'],
      body,
    },
    `${emitter.label}_scatter`,
    node.origin === undefined ? [] : [node.origin],
  );
  block.push({
    kind: 'dispatch',
    kernel,
    buffers: [keys, positions, source, target].map((l) => l.storage.id),
    uniforms: [source.offset, target.offset],
  });
}
