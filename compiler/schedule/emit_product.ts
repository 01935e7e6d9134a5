// Matrix products: one kernel on views of stored matrices. A transposed operand is a view with exchanged strides.

import { InternalError } from '../support/diagnostic.ts';
import { at } from '../support/lists.ts';
import type { MatrixView } from '../kernel/types.ts';
import type { Affine, Step } from '../plan/types.ts';
import type { Node } from '../ir/types.ts';
import { sizeOf } from '../ir/types.ts';
import type { Emitter } from './emit.ts';
import type { Item } from './items.ts';
import { base } from './storage_points.ts';
import type { Environment, Location, Storage } from './storage.ts';
import { bufferType, isCounter, sameLocation } from './storage.ts';

interface Operand {
  readonly location: Location;
  readonly batchStride: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

/** Where the matrix [..., rows, columns] lies, with its strides; undefined when it is no view of something stored. */
function viewOf(emitter: Emitter, node: Node, environment: Environment): Operand | undefined {
  const place = (stored: Node): Location | undefined => {
    if (stored.op === 'literal') return emitter.literalNode(stored);
    const location = environment.get(stored);
    return location === undefined || isCounter(location) ? undefined : location;
  };
  const rank = node.shape.length;
  const rows = at(node.shape, rank - 2);
  const columns = at(node.shape, rank - 1);
  const direct = place(base(node));
  if (direct !== undefined)
    return { location: direct, batchStride: rows * columns, rowStride: columns, columnStride: 1 };
  let inner = node;
  while (inner.op === 'keep' || inner.op === 'stop_gradient') inner = at(inner.args, 0);
  if (inner.op === 'broadcast') {
    // One matrix for the whole batch.
    const matrix = at(inner.args, 0);
    const last = inner.attrs.axes.join() === `${rank - 2},${rank - 1}`;
    const view = last ? viewOf(emitter, matrix, environment) : undefined;
    return view === undefined ? undefined : { ...view, batchStride: 0 };
  }
  if (inner.op !== 'transpose') return undefined;
  const { perm } = inner.attrs;
  const swapsLast = perm.every((p, i) => p === (i < rank - 2 ? i : i === rank - 2 ? rank - 1 : rank - 2));
  if (!swapsLast) return undefined;
  const location = place(base(at(inner.args, 0)));
  if (location === undefined) return undefined;
  return { location, batchStride: rows * columns, rowStride: 1, columnStride: rows };
}

export function emitProduct(
  emitter: Emitter,
  item: Item,
  environment: Environment,
  targets: readonly Location[],
  block: Step[],
): void {
  const { node } = item;
  const target = targets[0];
  if (target === undefined) return;
  const [x, y] = node.args;
  if (
    node.op !== 'dot' ||
    x === undefined ||
    y === undefined ||
    (node.dtype !== 'f32' && node.dtype !== 'f64')
  )
    throw new InternalError('schedule.emit', `${node.op} of ${node.dtype} as a matrix product`);
  const a = viewOf(emitter, x, environment);
  const b = viewOf(emitter, y, environment);
  if (a === undefined || b === undefined)
    throw new InternalError('schedule.emit', 'an operand of a matrix product is not stored');
  const rank = node.shape.length;
  const [m, n, k] = [at(node.shape, rank - 2), at(node.shape, rank - 1), at(x.shape, rank - 1)];
  const batch = sizeOf(node.shape.slice(0, -2));
  // Offsets given at run time: matrices at such places are copied first (a view has constant offsets).
  const fixed = (operand: Operand, rows: number, columns: number): Operand => {
    if (operand.location.offset.terms.length === 0) return operand;
    const length = (operand.batchStride === 0 ? 1 : batch) * rows * columns;
    const copy = emitter.separate({ dtype: node.dtype, shape: [length] }, `${emitter.label}_matrix`, block);
    emitter.copy(operand.location, copy, length, block);
    return { ...operand, location: copy };
  };
  const [left, right] = [fixed(a, m, k), fixed(b, k, n)];
  const moves =
    target.offset.terms.length > 0 ||
    target.storage === left.location.storage ||
    target.storage === right.location.storage;
  const out = moves ? emitter.separate(node, `${emitter.label}_product`, block) : target;
  const storages: Storage[] = [];
  const view = (location: Location, strides: Omit<MatrixView, 'buffer' | 'offset'>): MatrixView => {
    let buffer = storages.indexOf(location.storage);
    if (buffer < 0) buffer = storages.push(location.storage) - 1;
    return { buffer, offset: constantOf(location.offset), ...strides };
  };
  const viewA = view(left.location, strides(left));
  const viewB = view(right.location, strides(right));
  const viewC = view(out, { batchStride: m * n, rowStride: n, columnStride: 1 });
  const kernel = emitter.library.add(
    {
      kind: 'matmul',
      buffers: storages.map((s, i) => ({
        name: `b${i}`,
        type: bufferType(s.type),
        length: s.length,
        access: s === out.storage ? 'write' : 'read',
      })),
      uniforms: [],
      type: node.dtype,
      batch,
      m,
      n,
      k,
      a: viewA,
      b: viewB,
      c: viewC,
    },
    `${emitter.label}_product`,
    node.origin === undefined ? [] : [node.origin],
  );
  block.push({ kind: 'dispatch', kernel, buffers: storages.map((s) => s.id), uniforms: [] });
  const length = batch * m * n;
  if (moves) emitter.copy(out, target, length, block);
  for (const other of targets.slice(1))
    if (!sameLocation(other, target)) emitter.copy(out, other, length, block);
}

function strides(o: Operand): Omit<MatrixView, 'buffer' | 'offset'> {
  return { batchStride: o.batchStride, rowStride: o.rowStride, columnStride: o.columnStride };
}

function constantOf(offset: Affine): number {
  return offset.constant;
}
