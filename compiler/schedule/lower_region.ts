// Loops and branches that run inside a kernel, one thread a member of the leading axes: carried values in registers (`var`) or local arrays, stacked outputs and tapes stored as
// they come, what is stacked in an inner loop in memory of the thread (thread_values.ts).
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
import type { Expr } from '../kernel/types.ts';
import { BYTES } from '../kernel/types.ts';
import type { Index } from './index_algebra.ts';
import type { Lowering, RegionRunner, Source } from './lower.ts';
import { Frame } from './lower.ts';
import type { Bank, Stack } from './thread_values.ts';
import { ThreadValues } from './thread_values.ts';
import type { KeptValue, TapeLevels, Twin } from './own_tapes.ts';
import { ENSEMBLE, adjointNames, keptValues, scanNames, stateBytes, tapeLevels } from './own_tapes.ts';
import { laneCondition, lanePredicate, neededOutputs } from './threads.ts';
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
  /** Bytes of memory of its own that a thread may use. */
  readonly ownBytes: number;
  /** Scans of the kernel whose steps are the forward steps of an adjoint loop of the kernel. */
  readonly twins: ReadonlyMap<Node, Twin>;
}

export function regionRunner(context: ThreadContext): RegionRunner {
  const runner = new Runner(context);
  return (lowering, frame, node) => runner.run(lowering, frame, node);
}

/** Bodies longer than this are lowered node by node first, so that no recursion gets deep. */
const LONG_BODY = 150;

class Runner extends ThreadValues {
  private readonly needed = new Map<Region, Map<Node, Set<number>>>();
  /** Outputs that the results of the region around a node need, for nodes inside bodies. */
  private readonly inner = new Map<Node, ReadonlySet<number>>();
  /** What the forward steps of adjoint loops have left for the backward steps. */
  private readonly tapes = new Map<Node, Tape>();

  constructor(private readonly context: ThreadContext) {
    super(context.space, context.point, sizeOf(context.space) < ENSEMBLE ? 0 : context.ownBytes);
  }

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

  private stackSource(stack: Stack | undefined): Source {
    return (tuple) => {
      if (stack === undefined) throw new InternalError('schedule.lower', 'an output that was not stored');
      return stack.load(at(tuple, 0), tuple.slice(1));
    };
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
    const sparse = snapshots < length && tapes.some((tape) => tape !== undefined);
    const slot = sparse ? writer.fresh('slot') : undefined;
    const twin = this.context.twins.get(node);
    const left = twin === undefined ? undefined : this.tapeOfTwin(lowering, node, twin);
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
      if (twin !== undefined && left !== undefined)
        this.record(
          lowering,
          inside,
          left,
          step,
          twin.carries.map((c) => [at(carryParams, c), at(carry, c)]),
        );
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
    const reverseStep: ReverseStep = (step, state, kept) => {
      const carry = banks.map((bank) => this.source(lowering, bank));
      const inside = this.frame(backward, [
        [at(backward.params, 0), this.intSource(writer.index.expr(step), step.depth)],
        ...stateParams.map((param, c): [Node, Source] => [param, at(state, c)]),
        ...ctParams.map((param, c): [Node, Source] => [param, at(carry, c)]),
        ...kept,
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

    const levels = this.levelsOf(node);
    const tape = this.tapes.get(node);
    if (length > 0 && slots >= length) {
      const name = writer.fresh('t');
      const depth = writer.open();
      const step = writer.index.variable(k.variable('i32', name), 0, length - 1, depth);
      reverseStep(
        step,
        range(carries).map((c) => (tuple) => lowering.value(frame, at(node.args, c), [step, ...tuple])),
        [],
      );
      const body = writer.close();
      writer.append({ kind: 'for', name, from: k.int(0), to: k.int(length), down: true, body });
    } else if (tape !== undefined) this.backwards(lowering, tape, this.wholeLoop(length), reverseStep);
    else if (levels !== undefined) this.ownStates(lowering, frame, node, levels, reverseStep);
    else if (length > 0) this.segments(lowering, frame, node, reverseStep);
    return [
      ...banks.map((bank) => this.source(lowering, bank)),
      ...yStacks.map((stack) => this.stackSource(stack)),
    ];
  }

  private segments(
    lowering: Lowering,
    frame: Frame,
    node: NodeOf<'adjoint_scan'>,
    reverseStep: ReverseStep,
  ): void {
    const { writer } = lowering;
    const ix = writer.index;
    const { length, slots, forward, carries } = node.attrs;
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
    const turns: Turns = { from, to, low: 0, high: length - 1, local: { from, longest } };
    const tape: Tape = { states: tapes, kept: [] };
    this.forwards(lowering, frame, node, banks, tape, turns);
    this.backwards(lowering, tape, turns, reverseStep);
    const body = writer.close();
    writer.append({ kind: 'for', name: segment, from: k.int(0), to: k.int(slots), down: true, body });
  }

  // ---- states in the thread's own memory

  private levelsOf(node: NodeOf<'adjoint_scan'>): TapeLevels | undefined {
    const { length, slots, carries, forward } = node.attrs;
    if (slots !== 1 || length < 2 || sizeOf(this.context.space) < ENSEMBLE) return undefined;
    const bytes = stateBytes(forward.params.slice(1, 1 + carries), this.context.space);
    return tapeLevels(length, bytes, this.ownLeft);
  }

  private wholeLoop(length: number): Turns {
    return { from: k.int(0), to: k.int(length), low: 0, high: length - 1, local: undefined };
  }

  /** Room for the states of some steps, and for what else the backward steps want as far as there is room. */
  private newTape(
    lowering: Lowering,
    node: NodeOf<'adjoint_scan'>,
    longest: number,
    kept: readonly KeptValue[],
  ): Tape {
    const { carries, forward } = node.attrs;
    const states = forward.params
      .slice(1, 1 + carries)
      .map((p) => this.scratch(lowering, longest, p.shape, p.dtype));
    const values = kept.flatMap((value) => {
      const { dtype, shape } = value.forward;
      const bytes = longest * sizeOf(this.rest(shape)) * BYTES[dtype === 'bool' ? 'u32' : dtype];
      if (bytes > this.ownLeft) return [];
      return [{ value, stack: this.scratch(lowering, longest, shape, dtype) }];
    });
    return { states, kept: values };
  }

  /** What a scan leaves for the adjoint loop in its kernel; nothing where there is no room for all steps. */
  private tapeOfTwin(lowering: Lowering, node: NodeOf<'scan'>, { adjoint, carries }: Twin): Tape | undefined {
    const levels = this.levelsOf(adjoint);
    if (levels === undefined || levels.slots > 1) return undefined;
    const names = scanNames(node, (carry) => (carries.includes(carry) ? carries.indexOf(carry) : undefined));
    const kept = keptValues(adjoint, node.attrs.body, names, this.context.space);
    const tape = this.newTape(lowering, adjoint, levels.longest, kept);
    this.tapes.set(adjoint, tape);
    return tape;
  }

  /** Stores the states before a step, and what the step has computed. */
  private record(
    lowering: Lowering,
    inside: Frame,
    tape: Tape,
    place: Index,
    states: readonly (readonly [Node, Source])[],
  ): void {
    const { writer } = lowering;
    states.forEach(([param, source], c) => {
      const values = this.elements(writer, param.shape).map((tuple) => source(tuple));
      this.stackAll(lowering, at(tape.states, c), place, param.shape, values);
    });
    for (const { value, stack } of tape.kept) {
      const { shape } = value.forward;
      const values = this.elements(writer, shape).map((t) => lowering.value(inside, value.forward, t));
      this.stackAll(lowering, stack, place, shape, values);
    }
  }

  /** The loop over some steps, with the index of a step and its place on the tape. */
  private overTurns(
    writer: Writer,
    { from, to, low, high, local }: Turns,
    down: boolean,
    body: (step: Index, place: Index) => void,
  ): void {
    const ix = writer.index;
    const name = writer.fresh('t');
    const depth = writer.open();
    const counter = k.variable('i32', name);
    const step = ix.variable(counter, low, high, depth);
    const place =
      local === undefined ? step : ix.variable(k.sub(counter, local.from), 0, local.longest - 1, depth);
    body(step, place);
    const statements = writer.close();
    writer.append({ kind: 'for', name, from, to, down, body: statements });
  }

  /** Runs some forward steps of an adjoint loop on the states in the banks, and records them. */
  private forwards(
    lowering: Lowering,
    frame: Frame,
    node: NodeOf<'adjoint_scan'>,
    banks: readonly Bank[],
    tape: Tape | undefined,
    turns: Turns,
    before: (step: Index, state: readonly Source[]) => void = () => undefined,
  ): void {
    const { carries, cotangents, xs, forward } = node.attrs;
    const stateParams = forward.params.slice(1, 1 + carries);
    this.overTurns(lowering.writer, turns, false, (step, place) => {
      const state = banks.map((bank) => this.source(lowering, bank));
      before(step, state);
      const inside = this.frame(forward, [
        [at(forward.params, 0), this.intSource(lowering.writer.index.expr(step), step.depth)],
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
      const values = this.results(lowering, inside, forward.results);
      if (tape !== undefined)
        this.record(
          lowering,
          inside,
          tape,
          place,
          stateParams.map((p, c) => [p, at(state, c)]),
        );
      this.assign(lowering, banks, values);
    });
  }

  private backwards(lowering: Lowering, tape: Tape, turns: Turns, reverseStep: ReverseStep): void {
    this.overTurns(lowering.writer, turns, true, (step, place) =>
      reverseStep(
        step,
        tape.states.map((stack) => (tuple) => stack.load(place, tuple)),
        tape.kept.map(({ value, stack }) => [value.backward, (tuple) => stack.load(place, tuple)]),
      ),
    );
  }

  /** Forwards from the start, then backwards; with two levels the forward pass keeps the states that segments begin with, and each segment is run again. */
  private ownStates(
    lowering: Lowering,
    frame: Frame,
    node: NodeOf<'adjoint_scan'>,
    { slots, longest }: TapeLevels,
    reverseStep: ReverseStep,
  ): void {
    const { writer } = lowering;
    const ix = writer.index;
    const { length, carries, forward } = node.attrs;
    const params = forward.params.slice(1, 1 + carries);
    const banks = params.map((param, c) =>
      this.bank(lowering, param.dtype, param.shape, this.context.arrays.has(param), (tuple) =>
        lowering.expr(frame, at(node.args, c), [ix.constant(0), ...tuple]),
      ),
    );
    const kept = keptValues(node, forward, adjointNames(node, 'forward'), this.context.space);
    if (slots === 1) {
      const tape = this.newTape(lowering, node, longest, kept);
      this.forwards(lowering, frame, node, banks, tape, this.wholeLoop(length));
      this.backwards(lowering, tape, this.wholeLoop(length), reverseStep);
      return;
    }
    const starts = params.map((p) => this.scratch(lowering, slots, p.shape, p.dtype));
    const tape = this.newTape(lowering, node, longest, kept);
    const segments = (body: (s: Index, turns: Turns) => void): void => {
      const name = writer.fresh('segment');
      const depth = writer.open();
      const s = ix.variable(k.variable('i32', name), 0, slots - 1, depth);
      const from = writer.bind(ix.expr(ix.scale(s, longest)), depth).expr;
      const end = k.binary('min', k.add(from, k.int(longest)), k.int(length));
      const to = writer.bind(end, depth).expr;
      body(s, { from, to, low: 0, high: length - 1, local: { from, longest } });
      const statements = writer.close();
      writer.append({ kind: 'for', name, from: k.int(0), to: k.int(slots), down: true, body: statements });
    };
    // One loop of known length, so that neighbouring turns share their draws.
    this.forwards(lowering, frame, node, banks, undefined, this.wholeLoop(length), (step, state) => {
      const condition = k.compare('eq', ix.expr(ix.remainder(step, longest)), k.int(0));
      writer.open(true);
      params.forEach((p, c) => {
        const values = this.elements(writer, p.shape).map((tuple) => at(state, c)(tuple));
        this.stackAll(lowering, at(starts, c), ix.quotient(step, longest), p.shape, values);
      });
      writer.append({ kind: 'if', condition, then: writer.close(), else: [] });
    });
    segments((s, turns) => {
      params.forEach((p, c) => {
        const values = this.elements(writer, p.shape).map((tuple) => at(starts, c).load(s, tuple));
        this.assign(lowering, [at(banks, c)], [values]);
      });
      this.forwards(lowering, frame, node, banks, tape, turns);
      this.backwards(lowering, tape, turns, reverseStep);
    });
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
    // The predicate of a branch that is a kernel's own is in memory, one for all.
    const outermost = this.context.places(node) !== undefined;
    const tested = outermost ? at(node.args, 0) : lanePredicate(node, this.context.space);
    const predicate = lowering.expr(frame, tested, tested.shape.length === 0 ? [] : this.context.point);
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
    const together = node.attrs.lanes === undefined ? {} : { together: true as const };
    writer.append({ kind: 'if', condition: predicate, then, else: otherwise, ...together });
    return banks.map((bank) => this.source(lowering, bank));
  }
}

type ReverseStep = (
  step: Index,
  state: readonly Source[],
  kept: readonly (readonly [Node, Source])[],
) => void;

/** States of some steps of an adjoint loop, and values that its backward steps need not compute again. */
interface Tape {
  readonly states: readonly Stack[];
  readonly kept: readonly { readonly value: KeptValue; readonly stack: Stack }[];
}

/** Some steps of a loop: from .. to-1, which lie in low .. high; `local`: where they begin on the tape. */
interface Turns {
  readonly from: Expr;
  readonly to: Expr;
  readonly low: number;
  readonly high: number;
  readonly local: { readonly from: Expr; readonly longest: number } | undefined;
}
