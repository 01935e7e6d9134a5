// rows_of: which elements of an index array found at run time go to each row, in their own order. A counting sort by digits, least significant first, stable, without atomics; the same list for any number
// of threads:
//
//   count   every thread counts the digits of its part of the elements
//   offsets for every digit, how many elements the threads before have of it
//   begin   for every digit, how many elements have a smaller one
//   place   every thread puts the elements of its part where they belong
//
// One round of that for each digit; one digit suffices up to 2^MOST_BITS rows. The result is the array of the rows' beginnings (one more than there are rows) with the list of elements behind it.
// Source: M. Zagha & G. E. Blelloch, "Radix sort for vector multiprocessors", Supercomputing 1991.

import { InternalError } from '../support/diagnostic.ts';
import { at } from '../support/lists.ts';
import * as k from '../kernel/build.ts';
import type { Expr, KernelBuffer, Statement } from '../kernel/types.ts';
import type { Affine, Step } from '../plan/types.ts';
import type { NodeOf } from '../ir/types.ts';
import { sizeOf } from '../ir/types.ts';
import type { Emitter } from './emit.ts';
import type { Item } from './items.ts';
import { base } from './storage_points.ts';
import type { Environment, Location } from './storage.ts';
import { isCounter } from './storage.ts';

/** Bits of a digit at most, and elements that a thread counts at least. */
const MOST_BITS = 10;
const PART = 512;
/** Digits whose beginnings one thread works out. */
const GROUP = 32;

const i32 = (name: string): Expr => k.variable('i32', name);

export function emitRows(
  emitter: Emitter,
  item: Item,
  environment: Environment,
  targets: readonly Location[],
  block: Step[],
): void {
  const { node } = item;
  const [target, ...others] = targets;
  if (target === undefined) return;
  if (node.op !== 'rows_of') throw new InternalError('schedule.rows', `${node.op} has no rows`);
  const operand = base(at(node.args, 0));
  const found = operand.op === 'literal' ? emitter.literalNode(operand) : environment.get(operand);
  if (found === undefined || isCounter(found))
    throw new InternalError('schedule.rows', 'the index of a scatter is not stored');
  let source = found;
  if (source.storage === target.storage) {
    // One buffer is never bound twice.
    source = emitter.separate({ dtype: 'i32', shape: operand.shape }, `${emitter.label}_index`, block);
    emitter.copy(found, source, sizeOf(operand.shape), block);
  }
  new Rows(emitter, node, source, target, block).emit();
  for (const other of others) emitter.copy(target, other, sizeOf(node.shape), block);
}

/** A buffer with the number of its first element, as kernels are given it. */
interface Bound {
  readonly location: Location;
  readonly access: KernelBuffer['access'];
}

/** Elements in order of the digits so far, and the row of each. */
interface Sorted {
  readonly list: Location;
  readonly rows: Location | undefined;
}

class Rows {
  private readonly count: number;
  private readonly rows: number;
  private readonly bits: number;
  private readonly rounds: number;
  private readonly digits: number;
  private readonly part: number;
  private readonly threads: number;

  constructor(
    private readonly emitter: Emitter,
    private readonly node: NodeOf<'rows_of'>,
    private readonly source: Location,
    private readonly target: Location,
    private readonly block: Step[],
  ) {
    this.count = sizeOf(at(node.args, 0).shape);
    this.rows = at(node.shape, 0) - 1 - this.count;
    const all = Math.max(1, Math.ceil(Math.log2(Math.max(2, this.rows))));
    this.rounds = Math.ceil(all / MOST_BITS);
    this.bits = Math.ceil(all / this.rounds);
    this.digits = 2 ** this.bits;
    this.part = Math.max(PART, this.digits);
    this.threads = Math.max(1, Math.ceil(this.count / this.part));
  }

  emit(): void {
    const temporary = (length: number, name: string): Location =>
      this.emitter.separate({ dtype: 'i32', shape: [length] }, `${this.emitter.label}_${name}`, this.block);
    const counts = temporary(this.threads * this.digits, 'counts');
    const totals = temporary(this.digits, 'totals');
    const begins = this.rounds === 1 ? this.target : temporary(this.digits + 1, 'begins');
    let from: Sorted | undefined;
    for (let round = 0; round < this.rounds; round++) {
      const last = round === this.rounds - 1;
      const list = last ? this.target : temporary(this.count, 'list');
      // The rows go along with the elements, so that later rounds read them in order.
      const next: Sorted = { list, rows: this.rounds === 1 ? undefined : temporary(this.count, 'rows') };
      this.countDigits(round, from, counts);
      this.offsets(counts, totals);
      this.begin(totals, begins);
      this.place(round, from, counts, begins, next, last ? this.rows + 1 : 0);
      from = next;
    }
    if (from?.rows !== undefined) this.rowBegins(from.rows);
  }

  private dispatch(
    name: string,
    bound: readonly Bound[],
    uniforms: readonly Affine[],
    space: number,
    body: readonly Statement[],
  ): void {
    const kernel = this.emitter.library.add(
      {
        kind: 'map',
        buffers: bound.map((b, i) => ({
          name: `b${i}`,
          type: 'i32',
          length: b.location.storage.length,
          access: b.access,
        })),
        uniforms: uniforms.map((_, i) => `u${i}`),
        space: [space],
        axes: ['i0'],
        body,
      },
      name,
      this.node.origin === undefined ? [] : [this.node.origin],
    );
    this.block.push({
      kind: 'dispatch',
      kernel,
      buffers: bound.map((b) => b.location.storage.id),
      uniforms,
    });
  }

  /** The row of an element, from buffer 0. */
  private row(element: Expr): Expr {
    const { size, batch } = this.node.attrs;
    const inner = Math.max(1, sizeOf(at(this.node.args, 0).shape.slice(batch)));
    const value = k.load('i32', 0, k.add(element, k.uniform(0)));
    const clamped = k.binary('max', k.int(0), k.binary('min', value, k.int(size - 1)));
    return batch === 0
      ? clamped
      : k.add(k.mul(k.binary('idiv', element, k.int(inner)), k.int(size)), clamped);
  }

  private digit(round: number, row: Expr): Expr {
    const moved = round === 0 ? row : k.binary('shr', row, k.int(round * this.bits));
    return this.rounds === 1 ? moved : k.binary('and', moved, k.int(this.digits - 1));
  }

  /**
   * Statements for every element of the thread's part. The source of rows is buffer 0: the index itself, or the rows in the order so far; `slot` is the place of the element's digit in the
   * counts.
   */
  private eachElement(
    round: number,
    sorted: boolean,
    counted: (position: Expr, slot: Expr, row: Expr, digit: Expr) => readonly Statement[],
  ): Statement[] {
    const position = i32('position');
    const row = sorted ? k.load('i32', 0, position) : this.row(position);
    return [
      k.let_('start', k.mul(i32('i0'), k.int(this.part))),
      {
        kind: 'for',
        name: 'position',
        from: i32('start'),
        to: k.binary('min', k.add(i32('start'), k.int(this.part)), k.int(this.count)),
        down: false,
        body: [
          k.let_('row', row),
          k.let_('digit', this.digit(round, i32('row'))),
          k.let_('slot', k.add(k.mul(i32('i0'), k.int(this.digits)), i32('digit'))),
          ...counted(position, i32('slot'), i32('row'), i32('digit')),
        ],
      },
    ];
  }

  /** Where the rows are read: buffer 0 of the kernels that go over elements, with its offset as uniform 0. */
  private rowSource(from: Sorted | undefined): Location {
    return from?.rows ?? this.source;
  }

  private countDigits(round: number, from: Sorted | undefined, counts: Location): void {
    const source = this.rowSource(from);
    const bound: Bound[] = [
      { location: source, access: 'read' },
      { location: counts, access: 'read_write' },
    ];
    this.dispatch('rows_count', bound, [source.offset], this.threads, [
      {
        kind: 'for',
        name: 'each',
        from: k.int(0),
        to: k.int(this.digits),
        down: false,
        body: [k.store(1, k.add(k.mul(i32('i0'), k.int(this.digits)), i32('each')), k.int(0))],
      },
      ...this.eachElement(round, from !== undefined, (_position, slot) => [
        k.store(1, slot, k.add(k.load('i32', 1, slot), k.int(1))),
      ]),
    ]);
  }

  private offsets(counts: Location, totals: Location): void {
    const bound: Bound[] = [
      { location: counts, access: 'read_write' },
      { location: totals, access: 'write' },
    ];
    this.dispatch('rows_offsets', bound, [], this.digits, [
      { kind: 'var', name: 'before', value: k.int(0) },
      {
        kind: 'for',
        name: 'thread',
        from: k.int(0),
        to: k.int(this.threads),
        down: false,
        body: [
          k.let_('slot', k.add(k.mul(i32('thread'), k.int(this.digits)), i32('i0'))),
          k.let_('own', k.load('i32', 0, i32('slot'))),
          k.store(0, i32('slot'), i32('before')),
          { kind: 'assign', name: 'before', value: k.add(i32('before'), i32('own')) },
        ],
      },
      k.store(1, i32('i0'), i32('before')),
    ]);
  }

  /** The beginnings of digits 0 .. min(digits, rows), for one round those of the rows. */
  private begin(totals: Location, begins: Location): void {
    const length = this.rounds === 1 ? this.rows + 1 : this.digits + 1;
    const bound: Bound[] = [
      { location: totals, access: 'read' },
      { location: begins, access: 'write' },
    ];
    const sum = (name: string, from: Expr, to: Expr, before: readonly Statement[]): Statement => ({
      kind: 'for',
      name,
      from,
      to,
      down: false,
      body: [
        ...before,
        {
          kind: 'assign',
          name: 'total',
          value: k.add(i32('total'), k.load('i32', 0, k.binary('min', i32(name), k.int(this.digits - 1)))),
        },
      ],
    });
    this.dispatch('rows_begin', bound, [begins.offset], Math.ceil(length / GROUP), [
      { kind: 'var', name: 'total', value: k.int(0) },
      k.let_('start', k.mul(i32('i0'), k.int(GROUP))),
      sum('earlier', k.int(0), i32('start'), []),
      sum('own', i32('start'), k.binary('min', k.add(i32('start'), k.int(GROUP)), k.int(length)), [
        k.store(1, k.add(i32('own'), k.uniform(0)), i32('total')),
      ]),
    ]);
  }

  private place(
    round: number,
    from: Sorted | undefined,
    counts: Location,
    begins: Location,
    next: Sorted,
    shift: number,
  ): void {
    const source = this.rowSource(from);
    const together = begins === next.list;
    const bound: Bound[] = [
      { location: source, access: 'read' },
      { location: counts, access: 'read_write' },
      { location: next.list, access: together ? 'read_write' : 'write' },
    ];
    const bind = (location: Location | undefined, access: Bound['access']): number =>
      location === undefined ? -1 : bound.push({ location, access }) - 1;
    const [beginAt, listAt, rowsAt] = [
      together ? 2 : bind(begins, 'read'),
      bind(from?.list, 'read'),
      bind(next.rows, 'write'),
    ];
    const uniforms = [source.offset, next.list.offset, begins.offset];
    this.dispatch('rows_place', bound, uniforms, this.threads, [
      ...this.eachElement(round, from !== undefined, (position, slot, row, digit) => [
        k.let_('before', k.load('i32', 1, slot)),
        k.store(1, slot, k.add(i32('before'), k.int(1))),
        k.let_('to', k.add(k.load('i32', beginAt, k.add(digit, k.uniform(2))), i32('before'))),
        k.store(
          2,
          k.add(i32('to'), k.add(k.uniform(1), k.int(shift))),
          listAt < 0 ? position : k.load('i32', listAt, position),
        ),
        ...(rowsAt < 0 ? [] : [k.store(rowsAt, i32('to'), row)]),
      ]),
    ]);
  }

  /** After several rounds: every row finds its first element by bisection of the rows in order. */
  private rowBegins(sorted: Location): void {
    const { target, rows, count } = this;
    this.dispatch(
      'rows_first',
      [
        { location: sorted, access: 'read' },
        { location: target, access: 'write' },
      ],
      [target.offset],
      rows + 1,
      [
        { kind: 'var', name: 'low', value: k.int(0) },
        { kind: 'var', name: 'high', value: k.int(count) },
        {
          kind: 'while',
          counter: 'halving',
          limit: Math.ceil(Math.log2(Math.max(2, count))) + 2,
          before: [],
          condition: k.lessThan(i32('low'), i32('high')),
          body: [
            k.let_('middle', k.binary('shr', k.add(i32('low'), i32('high')), k.int(1))),
            {
              kind: 'if',
              condition: k.lessThan(k.load('i32', 0, i32('middle')), i32('i0')),
              then: [{ kind: 'assign', name: 'low', value: k.add(i32('middle'), k.int(1)) }],
              else: [{ kind: 'assign', name: 'high', value: i32('middle') }],
            },
          ],
        },
        k.store(1, k.add(i32('i0'), k.uniform(0)), i32('low')),
      ],
    );
  }
}
