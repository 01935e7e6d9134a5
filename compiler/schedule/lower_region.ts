// Loops and branches that run inside a kernel, one thread a member of the leading axes: carried values in registers (`var`) or local arrays, stacked outputs and tapes stored as
// they come, what is stacked in an inner loop in scratch memory of the thread.
//
// An adjoint loop with fewer snapshots than steps recomputes segment by segment: from each snapshot (last first) forwards through the steps up to the next one, the carried states
// into scratch memory, then backwards over them. Source of the snapshot positions: support/revolve.ts.

import { InternalError, assertNever } from '../support/diagnostic.ts';
import { at, range } from '../support/lists.ts';
import { snapshotPositions } from '../support/revolve.ts';
import { isRegionNode } from '../ir/classes.ts';
import { reachable } from '../ir/region.ts';
import type { DType, Node, NodeOf, Region } from '../ir/types.ts';
import { sameShape, sizeOf } from '../ir/types.ts';
import * as k from '../kernel/build.ts';
import type { BufferType, Expr } from '../kernel/types.ts';
import type { Index } from './index_algebra.ts';
import type { Lowering, RegionRunner, Source } from './lower.ts';
import { Frame } from './lower.ts';
import { isBatched, laneCondition, neededOutputs, restShape } from './threads.ts';
import type { Place, Value, Writer } from './writer.ts';

/** What a kernel that runs loops knows about them. */
export interface ThreadContext {
  readonly space: readonly number[];
  readonly point: readonly Index[];
  readonly arrays: ReadonlySet<Node>;
  /** Where the outputs of an outermost region operation go; undefined entries are not stored. */
  readonly places: (node: Node) => readonly (Place | undefined)[] | undefined;
  /** Constant array of integers, for snapshot positions. */
  readonly table: (data: readonly number[]) => Place;
}

export function regionRunner(context: ThreadContext): RegionRunner {
  const runner = new Runner(context);
  return (lowering, frame, node) => runner.run(lowering, frame, node);
}

/** The registers of one carried array. */
interface Bank {
  readonly type: DType;
  readonly shape: readonly number[];
  readonly names: readonly string[];
  readonly array: string | undefined;
}

/** Bodies longer than this are lowered node by node first, so that no recursion gets deep. */
const LONG_BODY = 150;

class Runner {
  private readonly needed = new Map<Region, Map<Node, Set<number>>>();
  /** Outputs that the results of the region around a node need, for nodes inside bodies. */
  private readonly inner = new Map<Node, ReadonlySet<number>>();

  constructor(private readonly context: ThreadContext) {}

  run(lowering: Lowering, frame: Frame, node: Node): readonly Source[] {
    if (!isRegionNode(node)) throw new InternalError('schedule.lower', `${node.op} is no region operation`);
    if (node.op !== 'cond') this.prime(lowering, frame, node);
    switch (node.op) {
      case 'scan':
        return this.scan(lowering, frame, node);
      case 'adjoint_scan':
        return this.adjoint(lowering, frame, node);
      case 'while':
        return this.turns(lowering, frame, node);
      case 'cond':
        return this.branch(lowering, frame, node);
      default:
        return assertNever(node);
    }
  }

  // ---- registers

  private rest(shape: readonly number[]): readonly number[] {
    return restShape(shape, this.context.space);
  }

  /** Every element a thread holds of an array of this shape: its full index, constant but for the thread's own. */
  private elements(writer: Writer, shape: readonly number[]): Index[][] {
    const rest = this.rest(shape);
    const lead = isBatched(shape, this.context.space) ? this.context.point : [];
    return range(sizeOf(rest)).map((flat) => [
      ...lead,
      ...writer.index.unflat(writer.index.constant(flat), rest),
    ]);
  }

  private restIndex(writer: Writer, shape: readonly number[], tuple: readonly Index[]): Index {
    const rest = this.rest(shape);
    return writer.index.flat(tuple.slice(tuple.length - rest.length), rest);
  }

  /** Registers with these start values (zeros when absent). */
  private bank(
    lowering: Lowering,
    type: DType,
    shape: readonly number[],
    dynamic: boolean,
    start?: (tuple: readonly Index[]) => Expr,
  ): Bank {
    const { writer } = lowering;
    const elements = this.elements(writer, shape);
    if (dynamic && elements.length > 1) {
      const array = writer.fresh('a');
      const values = start === undefined ? [] : elements.map(start);
      writer.append({ kind: 'array', name: array, type, length: elements.length });
      values.forEach((value, e) => {
        writer.append({ kind: 'assign_local', array, index: k.int(e), value });
      });
      return { type, shape, names: [], array };
    }
    const values = elements.map((tuple) => (start === undefined ? k.constant(type, 0) : start(tuple)));
    const names = values.map((value) => {
      const name = writer.fresh('c');
      writer.append({ kind: 'var', name, value });
      return name;
    });
    return { type, shape, names, array: undefined };
  }

  private source(lowering: Lowering, bank: Bank): Source {
    const { writer } = lowering;
    const depth = writer.depth;
    return (tuple) => {
      const flat = this.restIndex(writer, bank.shape, tuple);
      if (bank.array !== undefined)
        return writer.bind(
          k.local(bank.type, bank.array, writer.index.expr(flat)),
          Math.max(depth, flat.depth),
        );
      if (flat.terms.length > 0)
        throw new InternalError('schedule.lower', 'a register at an index of run time');
      return { expr: k.variable(bank.type, at(bank.names, flat.constant)), depth };
    };
  }

  /** New values for several banks at once: all are computed before any is assigned. */
  private assign(lowering: Lowering, banks: readonly Bank[], values: readonly (readonly Value[])[]): void {
    const { writer } = lowering;
    const own = (b: number, e: number, { expr }: Value): boolean =>
      expr.kind === 'var' && expr.name === banks[b]?.names[e];
    const frozen = values.map((list, b) => list.map((v, e) => (own(b, e, v) ? v : writer.freeze(v))));
    banks.forEach((bank, b) => {
      at(frozen, b).forEach(({ expr }, e) => {
        if (bank.array !== undefined)
          writer.append({ kind: 'assign_local', array: bank.array, index: k.int(e), value: expr });
        else {
          const name = at(bank.names, e);
          if (expr.kind !== 'var' || expr.name !== name) writer.append({ kind: 'assign', name, value: expr });
        }
      });
    });
  }

  // ---- frames

  /**
   * What a loop takes from outside is computed before it: the loops its operands come from, and its scalar operands. A source is asked for inside the loop only, and would be
   * computed there in every turn.
   */
  private prime(lowering: Lowering, frame: Frame, node: Node): void {
    const known = { has: (n: Node): boolean => frame.sources.has(n) };
    for (const n of reachable(node.args, known)) {
      const [operand] = n.args;
      if (n.op === 'project' && operand !== undefined && isRegionNode(operand) && !known.has(n))
        lowering.region(frame, operand);
    }
    for (const arg of node.args) if (arg.shape.length === 0) lowering.expr(frame, arg, []);
  }

  private operands(
    lowering: Lowering,
    frame: Frame,
    params: readonly Node[],
    args: readonly Node[],
  ): [Node, Source][] {
    return params.map((param, i) => {
      const arg = at(args, i);
      return [param, (tuple: readonly Index[]) => lowering.value(frame, arg, tuple)];
    });
  }

  private slices(
    lowering: Lowering,
    frame: Frame,
    params: readonly Node[],
    args: readonly Node[],
    step: Index,
  ): [Node, Source][] {
    return params.map((param, i) => {
      const arg = at(args, i);
      return [param, (tuple: readonly Index[]) => lowering.value(frame, arg, [step, ...tuple])];
    });
  }

  private frame(region: Region, sources: readonly (readonly [Node, Source])[]): Frame {
    let needed = this.needed.get(region);
    if (needed === undefined) {
      needed = neededOutputs(region.results);
      this.needed.set(region, needed);
      for (const [node, outputs] of needed) this.inner.set(node, outputs);
    }
    return new Frame(new Map(sources));
  }

  /** All elements a thread computes of the results. */
  private results(lowering: Lowering, frame: Frame, results: readonly Node[]): Value[][] {
    const { writer } = lowering;
    const order = reachable(results);
    const { space, point } = this.context;
    if (order.length > LONG_BODY)
      for (const node of order) {
        if (isRegionNode(node)) continue;
        if (space.length > 0 && sameShape(node.shape, space)) lowering.value(frame, node, point);
        else if (space.length === 0 && node.shape.length === 0) lowering.value(frame, node, []);
      }
    return results.map((r) => this.elements(writer, r.shape).map((tuple) => lowering.value(frame, r, tuple)));
  }

  private intSource(expr: Expr, depth: number): Source {
    return () => ({ expr, depth });
  }

  // ---- stacked outputs

  /** Where output `index` of the node is stacked: its place in memory, or scratch; undefined when nothing needs it. */
  private stack(
    lowering: Lowering,
    node: Node,
    index: number,
    length: number,
    shape: readonly number[],
    type: DType,
  ): Stack | undefined {
    const places = this.context.places(node);
    if (places !== undefined) {
      const place = places[index];
      return place === undefined ? undefined : this.placed(lowering, place, shape, type);
    }
    if (this.inner.get(node)?.has(index) !== true) return undefined;
    return this.scratch(lowering, length, shape, type);
  }

  private placed(lowering: Lowering, place: Place, shape: readonly number[], type: DType): Stack {
    const { writer } = lowering;
    writer.willWrite(place.buffer);
    const ix = writer.index;
    const flat = (step: Index, tuple: readonly Index[]): Index =>
      ix.add(ix.scale(step, sizeOf(shape)), ix.flat(tuple, shape));
    return {
      store: (step, tuple, value) => writer.store(place, flat(step, tuple), value),
      load: (step, tuple) => writer.load(place, flat(step, tuple), type),
    };
  }

  private scratch(lowering: Lowering, length: number, shape: readonly number[], type: DType): Stack {
    const { writer } = lowering;
    const ix = writer.index;
    const { space, point } = this.context;
    const rest = sizeOf(this.rest(shape));
    const threads = sizeOf(space);
    const bufferType: BufferType = type === 'bool' ? 'u32' : type;
    const place = writer.scratchPlace(bufferType, length * rest, threads);
    writer.willWrite(place.buffer);
    const thread = ix.flat(point, space);
    const flat = (step: Index, tuple: readonly Index[]): Index =>
      ix.add(ix.scale(ix.add(ix.scale(step, rest), this.restIndex(writer, shape, tuple)), threads), thread);
    return {
      store: (step, tuple, value) => writer.store(place, flat(step, tuple), value),
      load: (step, tuple) => writer.load(place, flat(step, tuple), type),
    };
  }

  private stackSource(stack: Stack | undefined): Source {
    return (tuple) => {
      if (stack === undefined) throw new InternalError('schedule.lower', 'an output that was not stored');
      return stack.load(at(tuple, 0), tuple.slice(1));
    };
  }

  private stackAll(
    lowering: Lowering,
    stack: Stack | undefined,
    step: Index,
    shape: readonly number[],
    values: readonly Value[],
  ): void {
    if (stack === undefined) return;
    this.elements(lowering.writer, shape).forEach((tuple, e) => stack.store(step, tuple, at(values, e).expr));
  }

  // ---- the four operations

  private scan(lowering: Lowering, frame: Frame, node: NodeOf<'scan'>): readonly Source[] {
    const { writer } = lowering;
    const { length, carries, xs, body, reverse, snapshots } = node.attrs;
    const carryParams = body.params.slice(1, 1 + carries);
    const init = node.args.slice(0, carries);
    const banks = carryParams.map((param, c) =>
      this.bank(lowering, param.dtype, param.shape, this.context.arrays.has(param), (tuple) =>
        lowering.expr(frame, at(init, c), tuple),
      ),
    );
    const ys = body.results.slice(carries);
    const yStacks = ys.map((y, i) => this.stack(lowering, node, carries + i, length, y.shape, y.dtype));
    const tapes =
      snapshots === 0
        ? []
        : carryParams.map((param, c) =>
            this.stack(lowering, node, carries + ys.length + c, snapshots, param.shape, param.dtype),
          );
    const positions = snapshotPositions(length, Math.max(1, Math.min(snapshots, length)));
    const slot = snapshots > 0 && snapshots < length ? writer.fresh('slot') : undefined;
    if (slot !== undefined) writer.append({ kind: 'var', name: slot, value: k.int(0) });
    if (length > 0) {
      const name = writer.fresh('t');
      const depth = writer.open();
      const counter = k.variable('i32', name);
      const step = writer.index.variable(counter, 0, length - 1, depth);
      const carry = banks.map((bank) => this.source(lowering, bank));
      // Snapshots are counted in the order of time.
      const done = reverse ? writer.index.shift(writer.index.scale(step, -1), length - 1) : step;
      if (slot === undefined)
        tapes.forEach((tape, c) => {
          const { shape } = at(carryParams, c);
          const values = this.elements(writer, shape).map((tuple) => at(carry, c)(tuple));
          this.stackAll(lowering, tape, done, shape, values);
        });
      else this.snapshot(lowering, slot, positions, done, carryParams, carry, tapes);
      const inside = this.frame(body, [
        [at(body.params, 0), this.intSource(writer.index.expr(step), step.depth)],
        ...carryParams.map((param, c): [Node, Source] => [param, at(carry, c)]),
        ...this.slices(
          lowering,
          frame,
          body.params.slice(1 + carries, 1 + carries + xs),
          node.args.slice(carries, carries + xs),
          step,
        ),
        ...this.operands(lowering, frame, body.params.slice(1 + carries + xs), node.args.slice(carries + xs)),
      ]);
      const values = this.results(lowering, inside, body.results);
      ys.forEach((y, i) => this.stackAll(lowering, at(yStacks, i), step, y.shape, at(values, carries + i)));
      this.assign(lowering, banks, values.slice(0, carries));
      const statements = writer.close();
      writer.append({
        kind: 'for',
        name,
        from: k.int(0),
        to: k.int(length),
        down: reverse,
        body: statements,
      });
    }
    return [
      ...banks.map((bank) => this.source(lowering, bank)),
      ...yStacks.map((stack) => this.stackSource(stack)),
      ...tapes.map((stack) => this.stackSource(stack)),
    ];
  }

  /** Stores the carried state when the step is the next snapshot position. */
  private snapshot(
    lowering: Lowering,
    slot: string,
    positions: readonly number[],
    done: Index,
    carryParams: readonly Node[],
    carry: readonly Source[],
    tapes: readonly (Stack | undefined)[],
  ): void {
    const { writer } = lowering;
    const ix = writer.index;
    const table = this.context.table([...positions, -1]);
    const slotExpr = k.variable('i32', slot);
    const due = writer.load(table, ix.variable(slotExpr, 0, positions.length, writer.depth), 'i32');
    const condition = k.compare('eq', ix.expr(done), due.expr);
    const depth = writer.open(true);
    const place = ix.variable(slotExpr, 0, positions.length, depth);
    tapes.forEach((tape, c) => {
      const { shape } = at(carryParams, c);
      const values = this.elements(writer, shape).map((tuple) => at(carry, c)(tuple));
      this.stackAll(lowering, tape, place, shape, values);
    });
    writer.append({ kind: 'assign', name: slot, value: k.add(slotExpr, k.int(1)) });
    writer.append({ kind: 'if', condition, then: writer.close(), else: [] });
  }

  private adjoint(lowering: Lowering, frame: Frame, node: NodeOf<'adjoint_scan'>): readonly Source[] {
    const { writer } = lowering;
    const { length, slots, carries, cotangents, xs, backward } = node.attrs;
    const first = 1 + carries + cotangents;
    const stateParams = backward.params.slice(1, 1 + carries);
    const ctParams = backward.params.slice(1 + carries, first);
    const banks = ctParams.map((param, c) =>
      this.bank(lowering, param.dtype, param.shape, this.context.arrays.has(param), (tuple) =>
        lowering.expr(frame, at(node.args, carries + c), tuple),
      ),
    );
    const ys = backward.results.slice(cotangents);
    const yStacks = ys.map((y, i) => this.stack(lowering, node, cotangents + i, length, y.shape, y.dtype));

    /** One step backwards; the present scope is the loop's body. */
    const reverseStep = (step: Index, state: readonly Source[]): void => {
      const carry = banks.map((bank) => this.source(lowering, bank));
      const inside = this.frame(backward, [
        [at(backward.params, 0), this.intSource(writer.index.expr(step), step.depth)],
        ...stateParams.map((param, c): [Node, Source] => [param, at(state, c)]),
        ...ctParams.map((param, c): [Node, Source] => [param, at(carry, c)]),
        ...this.slices(
          lowering,
          frame,
          backward.params.slice(first, first + xs),
          node.args.slice(carries + cotangents, carries + cotangents + xs),
          step,
        ),
        ...this.operands(
          lowering,
          frame,
          backward.params.slice(first + xs),
          node.args.slice(carries + cotangents + xs),
        ),
      ]);
      const values = this.results(lowering, inside, backward.results);
      ys.forEach((y, i) =>
        this.stackAll(lowering, at(yStacks, i), step, y.shape, at(values, cotangents + i)),
      );
      this.assign(lowering, banks, values.slice(0, cotangents));
    };

    if (length > 0 && slots >= length) {
      const name = writer.fresh('t');
      const depth = writer.open();
      const step = writer.index.variable(k.variable('i32', name), 0, length - 1, depth);
      reverseStep(
        step,
        range(carries).map((c) => (tuple) => lowering.value(frame, at(node.args, c), [step, ...tuple])),
      );
      const body = writer.close();
      writer.append({ kind: 'for', name, from: k.int(0), to: k.int(length), down: true, body });
    } else if (length > 0) this.segments(lowering, frame, node, reverseStep);
    return [
      ...banks.map((bank) => this.source(lowering, bank)),
      ...yStacks.map((stack) => this.stackSource(stack)),
    ];
  }

  private segments(
    lowering: Lowering,
    frame: Frame,
    node: NodeOf<'adjoint_scan'>,
    reverseStep: (step: Index, state: readonly Source[]) => void,
  ): void {
    const { writer } = lowering;
    const ix = writer.index;
    const { length, slots, carries, cotangents, xs, forward } = node.attrs;
    const positions = [...snapshotPositions(length, slots), length];
    const longest = Math.max(...positions.slice(1).map((end, s) => end - at(positions, s)));
    const table = this.context.table(positions);
    const stateParams = forward.params.slice(1, 1 + carries);
    const tapes = stateParams.map((p) => this.scratch(lowering, longest, p.shape, p.dtype));

    const segment = writer.fresh('segment');
    const depth = writer.open();
    const s = ix.variable(k.variable('i32', segment), 0, slots - 1, depth);
    const from = writer.load(table, s, 'i32').expr;
    const to = writer.load(table, ix.shift(s, 1), 'i32').expr;

    const banks = stateParams.map((param, c) =>
      this.bank(lowering, param.dtype, param.shape, this.context.arrays.has(param), (tuple) =>
        lowering.expr(frame, at(node.args, c), [s, ...tuple]),
      ),
    );
    {
      const name = writer.fresh('t');
      const inner = writer.open();
      const counter = k.variable('i32', name);
      const step = ix.variable(counter, 0, length - 1, inner);
      const local = ix.variable(k.sub(counter, from), 0, longest - 1, inner);
      const state = banks.map((bank) => this.source(lowering, bank));
      stateParams.forEach((param, c) => {
        const values = this.elements(writer, param.shape).map((tuple) => at(state, c)(tuple));
        this.stackAll(lowering, at(tapes, c), local, param.shape, values);
      });
      const inside = this.frame(forward, [
        [at(forward.params, 0), this.intSource(counter, inner)],
        ...stateParams.map((param, c): [Node, Source] => [param, at(state, c)]),
        ...this.slices(
          lowering,
          frame,
          forward.params.slice(1 + carries, 1 + carries + xs),
          node.args.slice(carries + cotangents, carries + cotangents + xs),
          step,
        ),
        ...this.operands(
          lowering,
          frame,
          forward.params.slice(1 + carries + xs),
          node.args.slice(carries + cotangents + xs),
        ),
      ]);
      this.assign(lowering, banks, this.results(lowering, inside, forward.results));
      const body = writer.close();
      writer.append({ kind: 'for', name, from, to, down: false, body });
    }
    {
      const name = writer.fresh('t');
      const inner = writer.open();
      const counter = k.variable('i32', name);
      const step = ix.variable(counter, 0, length - 1, inner);
      const local = ix.variable(k.sub(counter, from), 0, longest - 1, inner);
      reverseStep(
        step,
        tapes.map((tape) => (tuple) => tape.load(local, tuple)),
      );
      const body = writer.close();
      writer.append({ kind: 'for', name, from, to, down: true, body });
    }
    const body = writer.close();
    writer.append({ kind: 'for', name: segment, from: k.int(0), to: k.int(slots), down: true, body });
  }

  private turns(lowering: Lowering, frame: Frame, node: NodeOf<'while'>): readonly Source[] {
    const { writer } = lowering;
    const { carries, body, limit } = node.attrs;
    const condition = laneCondition(node, this.context.space);
    const carryParams = body.params.slice(1, 1 + carries);
    const tested = condition.params.slice(0, carries);
    const banks = carryParams.map((param, c) =>
      this.bank(
        lowering,
        param.dtype,
        param.shape,
        this.context.arrays.has(param) || this.context.arrays.has(at(tested, c)),
        (tuple) => lowering.expr(frame, at(node.args, c), tuple),
      ),
    );
    const counter = writer.fresh('turn');
    const consts = node.args.slice(carries);

    // Operands that do not change are computed before the loop, as far as their scope allows.
    writer.open();
    const before = this.frame(condition, [
      ...tested.map((param, c): [Node, Source] => [param, this.source(lowering, at(banks, c))]),
      ...this.operands(lowering, frame, condition.params.slice(carries), consts),
    ]);
    const test = at(at(this.results(lowering, before, condition.results), 0), 0).expr;
    const beforeStatements = writer.close();

    const depth = writer.open();
    const inside = this.frame(body, [
      [at(body.params, 0), this.intSource(k.variable('i32', counter), depth)],
      ...carryParams.map((param, c): [Node, Source] => [param, this.source(lowering, at(banks, c))]),
      ...this.operands(lowering, frame, body.params.slice(1 + carries), consts),
    ]);
    this.assign(lowering, banks, this.results(lowering, inside, body.results));
    const statements = writer.close();
    writer.append({
      kind: 'while',
      counter,
      limit,
      before: beforeStatements,
      condition: test,
      body: statements,
    });
    return [
      ...banks.map((bank) => this.source(lowering, bank)),
      this.intSource(k.variable('i32', counter), writer.depth),
    ];
  }

  private branch(lowering: Lowering, frame: Frame, node: NodeOf<'cond'>): readonly Source[] {
    const { writer } = lowering;
    const predicate = lowering.expr(frame, at(node.args, 0), []);
    const banks = node.outputs.map((o) =>
      this.bank(lowering, o.dtype, o.shape, this.context.arrays.has(node)),
    );
    const run = (region: Region): ReturnType<Writer['close']> => {
      writer.open(true);
      const inside = this.frame(region, this.operands(lowering, frame, region.params, node.args.slice(1)));
      this.assign(lowering, banks, this.results(lowering, inside, region.results));
      return writer.close();
    };
    const then = run(node.attrs.then);
    const otherwise = run(node.attrs.else);
    writer.append({ kind: 'if', condition: predicate, then, else: otherwise });
    return banks.map((bank) => this.source(lowering, bank));
  }
}

interface Stack {
  readonly store: (step: Index, tuple: readonly Index[], value: Expr) => void;
  readonly load: (step: Index, tuple: readonly Index[]) => Value;
}
