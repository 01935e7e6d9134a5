// Array IR to expressions: the value of a node at a tuple of indices. Movement operations rewrite the tuple, elementwise operations become operators, leaves become loads; each
// (node, tuple) of a frame is computed once. Loops that run inside the kernel are in `lower_region.ts`.
//
// A frame is one instance of a region: its parameters have sources (loads, registers, or the lowering of an operand in the frame around it). Guards of pads and concatenations
// become `select`; where an index can only be one number (a ghost cell), that number is used, so that the unused arm stays cheap and inside its array.

import { InternalError, assertNever } from '../support/diagnostic.ts';
import { at, range } from '../support/lists.ts';
import * as k from '../kernel/build.ts';
import type { Expr, Statement } from '../kernel/types.ts';
import type { BinaryOp, Node, NodeOf, ReduceKind } from '../ir/types.ts';
import { isFloat, sizeOf } from '../ir/types.ts';
import { bindKey, keyBefore, keyType } from './sort_keys.ts';
import type { Guard, Index } from './index_algebra.ts';
import { CHAIN } from './reads.ts';
import type { Place, Value, Writer } from './writer.ts';

export type Source = (tuple: readonly Index[]) => Value;

export class Frame {
  readonly memo = new Map<Node, Map<number, Value>>();
  readonly blocks = new Map<string, { readonly names: readonly string[]; readonly depth: number }>();
  /** Outputs of the region operations that have run in this frame. */
  readonly results = new Map<Node, readonly Source[]>();

  /** `sources` gives leaves their values: parameters, and nodes that lie in memory. */
  constructor(readonly sources: Map<Node, Source>) {}
}

/** For every place that a scatter writes to (batch and target, flat), the updates that go there: positions list[start[p]] .. list[start[p + 1] - 1] in the index array, ascending. */
export interface Rows {
  readonly start: Place;
  readonly list: Place;
  readonly length: number;
}

/** What runs a region inside the kernel; returns its outputs. */
export type RegionRunner = (lowering: Lowering, frame: Frame, node: Node) => readonly Source[];

export class Lowering {
  constructor(
    readonly writer: Writer,
    private readonly literal: (node: NodeOf<'literal'>) => Place,
    private readonly rows: (node: NodeOf<'scatter_add'>) => Rows | undefined,
    private readonly runRegion: RegionRunner,
    private readonly decides: (product: Node) => boolean,
  ) {}

  /** The element of `node` at `tuple`. */
  value(frame: Frame, node: Node, tuple: readonly Index[]): Value {
    const id = this.writer.index.tupleId(tuple);
    let values = frame.memo.get(node);
    const known = values?.get(id);
    if (known !== undefined) return known;
    const source = frame.sources.get(node);
    const value = source !== undefined ? source(tuple) : this.compute(frame, node, tuple);
    if (values === undefined) {
      values = new Map();
      frame.memo.set(node, values);
    }
    values.set(id, value);
    const remembered = values;
    this.writer.whenClosed(value.depth, () => remembered.delete(id));
    return value;
  }

  /** As `value`, but computed anew from the operands. */
  recompute(frame: Frame, node: Node, tuple: readonly Index[]): Value {
    return this.compute(frame, node, tuple);
  }

  expr(frame: Frame, node: Node, tuple: readonly Index[]): Expr {
    return this.value(frame, node, tuple).expr;
  }

  /** Runs a region operation in this frame, once. */
  region(frame: Frame, node: Node): readonly Source[] {
    let results = frame.results.get(node);
    if (results === undefined) {
      results = this.runRegion(this, frame, node);
      frame.results.set(node, results);
      this.writer.whenClosed(this.writer.depth, () => frame.results.delete(node));
    }
    return results;
  }

  private args(frame: Frame, node: Node, tuple: readonly Index[]): Value[] {
    return node.args.map((a) => this.value(frame, a, tuple));
  }

  private combine(values: readonly Value[], make: (...exprs: Expr[]) => Expr): Value {
    let depth = 0;
    for (const v of values) depth = Math.max(depth, v.depth);
    return this.writer.bind(make(...values.map((v) => v.expr)), depth);
  }

  private compute(frame: Frame, node: Node, tuple: readonly Index[]): Value {
    const ix = this.writer.index;
    const one = (): Node => at(node.args, 0);
    const pass = (operand: readonly Index[]): Value => this.value(frame, one(), operand);
    switch (node.op) {
      case 'param':
        throw new InternalError('schedule.lower', `parameter ${node.attrs.name} has no source`);
      case 'const':
        return { expr: k.constant(node.dtype, node.attrs.value), depth: 0 };
      case 'literal':
        return this.literalValue(node, tuple);
      case 'iota': {
        const index = at(tuple, node.attrs.axis);
        return this.writer.bind(k.cast(node.dtype, ix.expr(index)), index.depth);
      }
      case 'neg':
      case 'abs':
      case 'sign':
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
      case 'round':
      case 'not': {
        const { op } = node;
        const a = pass(tuple);
        return this.writer.bind(k.unary(op, a.expr), a.depth);
      }
      case 'add':
      case 'sub':
      case 'div':
      case 'pow':
      case 'atan2':
      case 'max':
      case 'min':
      case 'rem':
      case 'idiv':
      case 'and':
      case 'or':
      case 'xor':
      case 'shl':
      case 'shr': {
        const a = pass(tuple);
        const b = this.value(frame, at(node.args, 1), tuple);
        return this.writer.bind(k.binary(node.op, a.expr, b.expr), Math.max(a.depth, b.depth));
      }
      case 'mul': {
        const a = pass(tuple);
        const b = this.value(frame, at(node.args, 1), tuple);
        return this.combine([a, b], this.product(node));
      }
      case 'eq':
      case 'ne':
      case 'lt':
      case 'le': {
        const a = pass(tuple);
        const b = this.value(frame, at(node.args, 1), tuple);
        return this.writer.bind(k.compare(node.op, a.expr, b.expr), Math.max(a.depth, b.depth));
      }
      case 'select':
        return this.selectValue(frame, node, tuple);
      case 'cast': {
        const a = pass(tuple);
        return this.writer.bind(k.cast(node.dtype, a.expr), a.depth);
      }
      case 'bitcast': {
        const a = pass(tuple);
        return this.writer.bind(k.bitcast(node.dtype, a.expr), a.depth);
      }
      case 'keep':
      case 'stop_gradient':
      case 'path_mean':
        return pass(tuple);
      case 'random_bits':
        return this.randomWord(frame, node, tuple);
      case 'reshape':
        return pass(ix.reshape(tuple, node.shape, one().shape));
      case 'transpose': {
        const operand: Index[] = tuple.slice();
        node.attrs.perm.forEach((p, i) => {
          operand[p] = at(tuple, i);
        });
        return pass(operand);
      }
      case 'broadcast':
        return pass(node.attrs.axes.map((axis) => at(tuple, axis)));
      case 'slice': {
        const { start, stride } = node.attrs;
        return pass(tuple.map((index, i) => ix.shift(ix.scale(index, at(stride, i)), at(start, i))));
      }
      case 'reverse':
        return pass(
          tuple.map((index, i) =>
            node.attrs.axes.includes(i) ? ix.shift(ix.scale(index, -1), at(node.shape, i) - 1) : index,
          ),
        );
      case 'roll': {
        const { axis, shift } = node.attrs;
        const n = at(node.shape, axis);
        // The representative nearest to zero, so that a comparison suffices.
        const turned = shift - n * Math.round(shift / n);
        return pass(tuple.map((index, i) => (i === axis ? ix.wrap(ix.shift(index, turned), n) : index)));
      }
      case 'pad':
        return this.padded(frame, node, tuple);
      case 'concat':
        return this.joined(frame, node, tuple);
      case 'reduce': {
        const { axes, kind } = node.attrs;
        const operand = one();
        return this.sumOver(
          kind,
          node.dtype,
          axes.map((axis) => at(operand.shape, axis)),
          (terms) => {
            let kept = 0;
            return this.value(
              frame,
              operand,
              operand.shape.map((_, axis) => {
                const place = axes.indexOf(axis);
                return place >= 0 ? at(terms, place) : at(tuple, kept++);
              }),
            );
          },
        );
      }
      case 'dot': {
        const [a, b] = [one(), at(node.args, 1)];
        const batch = tuple.slice(0, -2);
        const [i, j] = [at(tuple, -2), at(tuple, -1)];
        return this.sumOver('sum', node.dtype, [at(a.shape, -1)], (terms) => {
          const l = at(terms, 0);
          const x = this.value(frame, a, [...batch, i, l]);
          const y = this.value(frame, b, [...batch, l, j]);
          return this.combine([x, y], this.product(node));
        });
      }
      case 'arg_reduce':
        return this.argReduce(frame, node, tuple);
      case 'argsort':
        return this.sorted(frame, node, tuple);
      case 'cumsum': {
        // Element j needs the terms 0..j (or j..n-1): a sum over all with a guard. Whole lines are computed by `emit_map.ts`.
        const { axis, reverse } = node.attrs;
        const j = at(tuple, axis);
        return this.sumOver('sum', node.dtype, [at(node.shape, axis)], (terms) => {
          const l = at(terms, 0);
          const term = this.value(
            frame,
            one(),
            tuple.map((index, i) => (i === axis ? l : index)),
          );
          const inside = k.atMost(ix.expr(reverse ? j : l), ix.expr(reverse ? l : j));
          return this.combine([term, { expr: inside, depth: Math.max(j.depth, l.depth) }], (x, g) =>
            k.select(g, x, k.constant(node.dtype, 0)),
          );
        });
      }
      case 'gather': {
        const { batch } = node.attrs;
        const [table, index] = [one(), at(node.args, 1)];
        const rank = index.shape.length;
        const position = this.runtimeIndex(
          this.value(frame, index, tuple.slice(0, rank)),
          at(table.shape, batch),
        );
        return pass([...tuple.slice(0, batch), position, ...tuple.slice(rank)]);
      }
      case 'scatter_add':
        return this.scattered(frame, node, tuple);
      case 'rows_of':
        throw new InternalError('schedule.lower', 'rows_of is not stored');
      case 'project': {
        const { index } = node.attrs;
        return at(this.region(frame, one()), index)(tuple);
      }
      case 'scan':
      case 'adjoint_scan':
      case 'while':
      case 'cond':
      case 'custom':
      case 'transposed':
      case 'linear_solve':
      case 'check':
        throw new InternalError('schedule.lower', `${node.op} has no value of its own`);
      default:
        return assertNever(node);
    }
  }

  private product(node: Node): (a: Expr, b: Expr) => Expr {
    return isFloat(node.dtype) && this.decides(node) ? k.roundedProduct : k.mul;
  }

  private literalValue(node: NodeOf<'literal'>, tuple: readonly Index[]): Value {
    const flat = this.writer.index.flat(tuple, node.shape);
    if (flat.terms.length === 0)
      return { expr: k.constant(node.dtype, node.attrs.data[flat.constant] ?? 0), depth: 0 };
    return this.writer.load(this.literal(node), flat, node.dtype);
  }

  private selectValue(frame: Frame, node: NodeOf<'select'>, tuple: readonly Index[]): Value {
    const mask = this.value(frame, at(node.args, 0), tuple);
    if (mask.expr.kind === 'const')
      return this.value(frame, at(node.args, mask.expr.value !== 0 ? 1 : 2), tuple);
    const [, a, b] = this.args(frame, node, tuple);
    if (a === undefined || b === undefined) throw new InternalError('schedule.lower', 'select of one value');
    return this.combine([mask, a, b], (m, x, y) => k.select(m, x, y));
  }

  private randomWord(frame: Frame, node: NodeOf<'random_bits'>, tuple: readonly Index[]): Value {
    const words = this.args(frame, node, tuple);
    const exprs = words.map((w) => w.expr);
    // Neighbouring elements may have one block: its number decides, not the element.
    const key = `random ${JSON.stringify(exprs)}`;
    let block = frame.blocks.get(key);
    if (block === undefined) {
      const names = [0, 1, 2, 3].map(() => this.writer.fresh('r'));
      const depth = this.writer.appendAt(Math.max(0, ...words.map((w) => w.depth)), {
        kind: 'random_block',
        names: [at(names, 0), at(names, 1), at(names, 2), at(names, 3)],
        key: exprs.slice(0, 4),
        counter: exprs.slice(4),
      });
      block = { names, depth };
      frame.blocks.set(key, block);
      this.writer.whenClosed(depth, () => frame.blocks.delete(key));
    }
    return { expr: k.variable('u32', at(block.names, node.attrs.word)), depth: block.depth };
  }

  /** The conjunction of the guards with its depth, or undefined when one of them is never met. */
  private guarded(guards: readonly (readonly [Guard, Index])[]): Value | undefined {
    let expr: Expr = k.bool(true);
    let depth = 0;
    for (const [guard, index] of guards) {
      if (guard === false) return undefined;
      if (guard === true) continue;
      expr = k.and(expr, guard);
      depth = Math.max(depth, index.depth);
    }
    return { expr, depth };
  }

  private padded(frame: Frame, node: NodeOf<'pad'>, tuple: readonly Index[]): Value {
    const ix = this.writer.index;
    const { low, interior } = node.attrs;
    const operand = at(node.args, 0);
    const zero = k.constant(node.dtype, 0);
    if (sizeOf(operand.shape) === 0) return { expr: zero, depth: 0 };
    const guards: [Guard, Index][] = [];
    const inner = tuple.map((index, axis) => {
      const extent = at(operand.shape, axis);
      const step = at(interior, axis) + 1;
      const shifted = ix.shift(index, -at(low, axis));
      guards.push([ix.atLeast(shifted, 0), shifted], [ix.below(shifted, (extent - 1) * step + 1), shifted]);
      if (extent === 1) return ix.constant(0);
      if (step === 1) return shifted;
      const rest = ix.remainder(shifted, step);
      guards.push([ix.below(rest, 1), rest]);
      return ix.quotient(shifted, step);
    });
    const guard = this.guarded(guards);
    if (guard === undefined) return { expr: zero, depth: 0 };
    const value = this.value(frame, operand, inner);
    return this.combine([guard, value], (g, x) => k.select(g, x, zero));
  }

  private joined(frame: Frame, node: NodeOf<'concat'>, tuple: readonly Index[]): Value {
    const ix = this.writer.index;
    const { axis } = node.attrs;
    const index = at(tuple, axis);
    const arms: { readonly value: Value; readonly guard: Guard }[] = [];
    let from = 0;
    for (const part of node.args) {
      const extent = at(part.shape, axis);
      const [start, end] = [from, from + extent];
      from = end;
      if (extent === 0 || index.high < start || index.low >= end) continue;
      const inner = extent === 1 ? ix.constant(0) : ix.shift(index, -start);
      const value = this.value(
        frame,
        part,
        tuple.map((other, i) => (i === axis ? inner : other)),
      );
      arms.push({ value, guard: ix.below(index, end) });
      if (index.high < end) break;
    }
    const tail = arms.pop();
    if (tail === undefined) return { expr: k.constant(node.dtype, 0), depth: 0 };
    return arms.reduceRight<Value>(
      (rest, { value, guard }) =>
        guard === true
          ? value
          : guard === false
            ? rest
            : this.combine([{ expr: guard, depth: index.depth }, value, rest], (g, x, y) =>
                k.select(g, x, y),
              ),
      tail.value,
    );
  }

  /** Combines the values of a nest of loops: written out when short, else a `reduce` statement. */
  sumOver(
    kind: ReduceKind,
    type: Node['dtype'],
    extents: readonly number[],
    term: (terms: readonly Index[]) => Value,
  ): Value {
    const ix = this.writer.index;
    const count = sizeOf(extents);
    if (count > 0 && count <= CHAIN) {
      const op = combineOp(kind);
      let sum: Value | undefined;
      for (const flat of range(count)) {
        const next = term(ix.unflat(ix.constant(flat), extents));
        sum = sum === undefined ? next : this.combine([sum, next], (a, b) => k.binary(op, a, b));
      }
      if (sum !== undefined) return sum;
    }
    const { writer } = this;
    const loops = extents.map((extent) => ({ name: writer.fresh('k'), extent }));
    const depth = writer.open();
    const value = term(
      loops.map(({ name, extent }) => ix.variable(k.variable('i32', name), 0, extent - 1, depth)),
    );
    const body = writer.close();
    const name = writer.fresh('s');
    writer.append({ kind: 'reduce', name, type, combine: kind, loops, body, value: value.expr });
    return { expr: k.variable(type, name), depth: writer.depth };
  }

  private argReduce(frame: Frame, node: NodeOf<'arg_reduce'>, tuple: readonly Index[]): Value {
    const { writer } = this;
    const ix = writer.index;
    const operand = at(node.args, 0);
    const { axis, kind } = node.attrs;
    const element = (index: Index): Value =>
      this.value(frame, operand, [...tuple.slice(0, axis), index, ...tuple.slice(axis)]);
    const [best, place] = [writer.fresh('best'), writer.fresh('place')];
    writer.append({ kind: 'var', name: best, value: element(ix.constant(0)).expr });
    writer.append({ kind: 'var', name: place, value: k.int(0) });
    const extent = at(operand.shape, axis);
    if (extent > 1) {
      const name = writer.fresh('k');
      const depth = writer.open();
      const index = ix.variable(k.variable('i32', name), 0, extent - 1, depth);
      const x = element(index).expr;
      const champion = k.variable(operand.dtype, best);
      const better = kind === 'max' ? k.lessThan(champion, x) : k.lessThan(x, champion);
      const then: Statement[] = [
        { kind: 'assign', name: best, value: x },
        { kind: 'assign', name: place, value: k.variable('i32', name) },
      ];
      writer.append({ kind: 'if', condition: better, then, else: [] });
      writer.append({
        kind: 'for',
        name,
        from: k.int(1),
        to: k.int(extent),
        down: false,
        body: writer.close(),
      });
    }
    return { expr: k.variable('i32', place), depth: writer.depth };
  }

  /** The order of the row that the element belongs to, in an array of the thread: every element of the row finds its rank by counting. */
  private sorted(frame: Frame, node: NodeOf<'argsort'>, tuple: readonly Index[]): Value {
    const { writer } = this;
    const ix = writer.index;
    const [operand, row] = [at(node.args, 0), tuple.slice(0, -1)];
    const n = at(node.shape, -1);
    const key = `${node.id}@${ix.tupleId(row)}`;
    let order = frame.blocks.get(key);
    if (order === undefined) {
      const type = keyType(operand.dtype);
      const element = (name: string, index: Index): Expr => {
        const value = this.expr(frame, operand, [...row, index]);
        for (const s of bindKey(name, operand.dtype, value)) writer.append(s);
        return k.variable(type, name);
      };
      const [array, rank, i, j] = [
        writer.fresh('order'),
        writer.fresh('rank'),
        writer.fresh('k'),
        writer.fresh('k'),
      ];
      const [mine, other] = [writer.fresh('key'), writer.fresh('key')];
      writer.append({ kind: 'array', name: array, type: 'i32', length: n });
      const outer = writer.open();
      const place = ix.variable(k.variable('i32', i), 0, n - 1, outer);
      const own = element(mine, place);
      writer.append({ kind: 'var', name: rank, value: k.int(0) });
      const inner = writer.open();
      const against = ix.variable(k.variable('i32', j), 0, n - 1, inner);
      const its = element(other, against);
      const before = k.select(
        k.lessThan(k.variable('i32', j), k.variable('i32', i)),
        k.not(keyBefore(own, its)),
        keyBefore(its, own),
      );
      writer.append({
        kind: 'assign',
        name: rank,
        value: k.add(k.variable('i32', rank), k.cast('i32', before)),
      });
      const counting = writer.close();
      writer.append({ kind: 'for', name: j, from: k.int(0), to: k.int(n), down: false, body: counting });
      writer.append({
        kind: 'assign_local',
        array,
        index: k.variable('i32', rank),
        value: k.variable('i32', i),
      });
      const body = writer.close();
      writer.append({ kind: 'for', name: i, from: k.int(0), to: k.int(n), down: false, body });
      const depth = writer.depth;
      order = { names: [array], depth };
      frame.blocks.set(key, order);
      writer.whenClosed(depth, () => frame.blocks.delete(key));
    }
    const position = at(tuple, -1);
    return writer.bind(
      k.local('i32', at(order.names, 0), ix.expr(position)),
      Math.max(order.depth, position.depth),
    );
  }

  /** Sum over the updates that go to this element: those listed when the index is known, else over all with a test. */
  private scattered(frame: Frame, node: NodeOf<'scatter_add'>, tuple: readonly Index[]): Value {
    const ix = this.writer.index;
    const { batch, size } = node.attrs;
    const [index, update] = [at(node.args, 0), at(node.args, 1)];
    const target = at(tuple, batch);
    const zero = k.constant(node.dtype, 0);
    const listed = node.args[2];
    if (listed !== undefined) return this.rowSum(frame, node, tuple, this.listedRows(frame, node, listed));
    const rows = this.rows(node);
    if (rows !== undefined)
      return this.rowSum(frame, node, tuple, {
        begin: (row) => this.writer.load(rows.start, row, 'i32'),
        element: (place) => this.writer.load(rows.list, place, 'i32'),
        length: rows.length,
      });
    return this.sumOver('sum', node.dtype, index.shape.slice(batch), (terms) => {
      const place = [...tuple.slice(0, batch), ...terms];
      const to = this.runtimeIndex(this.value(frame, index, place), size);
      const x = this.value(frame, update, [...place, ...tuple.slice(batch + 1)]);
      const hit = k.compare('eq', ix.expr(to), ix.expr(target));
      return this.combine([{ expr: hit, depth: Math.max(to.depth, target.depth) }, x], (h, v) =>
        k.select(h, v, zero),
      );
    });
  }

  /** Rows found at run time: their beginnings, then their lists, in one array. */
  private listedRows(frame: Frame, node: NodeOf<'scatter_add'>, listed: Node): RowLists {
    const length = sizeOf(at(node.args, 0).shape);
    const lists = at(listed.shape, 0) - length;
    const ix = this.writer.index;
    return {
      begin: (row) => this.value(frame, listed, [row]),
      element: (place) => this.value(frame, listed, [ix.shift(place, lists)]),
      length,
    };
  }

  private rowSum(frame: Frame, node: NodeOf<'scatter_add'>, tuple: readonly Index[], rows: RowLists): Value {
    const { writer } = this;
    const ix = writer.index;
    const { batch, size } = node.attrs;
    const [index, update] = [at(node.args, 0), at(node.args, 1)];
    const row = ix.flat(tuple.slice(0, batch + 1), [...index.shape.slice(0, batch), size]);
    const from = rows.begin(row);
    const to = rows.begin(ix.shift(row, 1));
    const sum = writer.fresh('sum');
    writer.append({ kind: 'var', name: sum, value: k.constant(node.dtype, 0) });
    const total = k.variable(node.dtype, sum);
    const name = writer.fresh('q');
    const depth = writer.open();
    const place = ix.variable(k.variable('i32', name), 0, Math.max(0, rows.length - 1), depth);
    const position = rows.element(place);
    const last = Math.max(0, sizeOf(index.shape) - 1);
    const point = ix.unflat(ix.variable(position.expr, 0, last, position.depth), index.shape);
    const x = this.value(frame, update, [...point, ...tuple.slice(batch + 1)]);
    writer.append({ kind: 'assign', name: sum, value: k.add(total, x.expr) });
    const body = writer.close();
    writer.append({ kind: 'for', name, from: from.expr, to: to.expr, down: false, body });
    return { expr: total, depth: writer.depth };
  }

  /** An index found at run time, clamped to 0..n-1. */
  private runtimeIndex(value: Value, n: number): Index {
    if (value.expr.kind === 'const')
      return this.writer.index.constant(Math.max(0, Math.min(n - 1, value.expr.value)));
    const clamped = this.writer.bind(
      k.binary('max', k.int(0), k.binary('min', value.expr, k.int(n - 1))),
      value.depth,
    );
    return this.writer.index.variable(clamped.expr, 0, n - 1, clamped.depth);
  }
}

/** The updates of every row: where its list begins, and the element at a place of the lists. */
interface RowLists {
  readonly begin: (row: Index) => Value;
  readonly element: (place: Index) => Value;
  readonly length: number;
}

export function combineOp(kind: ReduceKind): BinaryOp {
  switch (kind) {
    case 'sum':
      return 'add';
    case 'prod':
      return 'mul';
    case 'max':
      return 'max';
    case 'min':
      return 'min';
    case 'any':
      return 'or';
    case 'all':
      return 'and';
    default:
      return assertNever(kind);
  }
}
