// Region operations as sequences of kernels. Carried values alternate between two places, made static by writing the loop's body twice; a loop that keeps every carried state writes
// each into its slot of the tape and reads it there, so that neither costs a copy. What a step stacks, and the slices it is given, are addressed by the counter.
//
// The first step reads the initial values where they lie. Under a checkpoint schedule with fewer slots than steps, and in `while`, the carried values stay in one place each.

import { InternalError } from '../support/diagnostic.ts';
import { at, range } from '../support/lists.ts';
import type { Affine, BufferRange, Step } from '../plan/types.ts';
import * as k from '../kernel/build.ts';
import { BYTES } from '../kernel/types.ts';
import type { Node, NodeOf } from '../ir/types.ts';
import { sizeOf } from '../ir/types.ts';
import type { Emitter } from './emit.ts';
import type { Item } from './items.ts';
import type { RegionPlan } from './partition.ts';
import { base } from './storage_points.ts';
import type { Counter, Environment, Location } from './storage.ts';
import {
  addAffine,
  isCounter,
  sameLocation,
  bufferType,
  constantOffset,
  scaleAffine,
  shiftLocation,
  whole,
} from './storage.ts';

/** Loops of at least this many steps copy carried values from and to the places that an outer loop moves along. */
const SETTLING = 16;

type Written = ReadonlyMap<Node, readonly Location[]>;

export function emitSequence(
  emitter: Emitter,
  item: Item,
  environment: Environment,
  written: Written,
  block: Step[],
  last: (node: Node) => boolean,
): void {
  const { node } = item;
  const label = emitter.label;
  const context = new LoopContext(emitter, item, environment, written, block, last);
  emitter.depth++;
  switch (node.op) {
    case 'scan':
      emitter.label = `${label}_step`;
      emitScan(context, node);
      break;
    case 'adjoint_scan':
      emitter.label = `${label}_adjoint`;
      emitAdjoint(context, node);
      break;
    case 'while':
      emitter.label = `${label}_turn`;
      emitWhile(context, node);
      break;
    case 'cond':
      emitter.label = `${label}_branch`;
      emitCond(context, node);
      break;
    default:
      throw new InternalError('schedule.loop', `${node.op} is no region operation`);
  }
  emitter.label = label;
  emitter.depth--;
  context.finish();
}

class LoopContext {
  private readonly outputs = new Map<number, readonly Location[]>();
  private readonly sizes = new Map<number, number>();

  constructor(
    readonly emitter: Emitter,
    item: Item,
    readonly environment: Environment,
    written: Written,
    readonly block: Step[],
    /** Whether nobody reads a value after this loop. */
    readonly last: (node: Node) => boolean,
  ) {
    for (const output of item.outputs) {
      if (output.op !== 'project') continue;
      const list = written.get(output);
      if (list === undefined) continue;
      this.outputs.set(output.attrs.index, list);
      this.sizes.set(output.attrs.index, sizeOf(output.shape));
    }
  }

  /** Where output `index` goes first; undefined when it is not wanted. */
  target(index: number): Location | undefined {
    return this.outputs.get(index)?.[0];
  }

  /** Copies outputs that are wanted in more than one place. */
  finish(): void {
    for (const [index, list] of this.outputs) {
      const [first, ...rest] = list;
      if (first !== undefined)
        for (const other of rest) this.emitter.copy(first, other, this.sizes.get(index) ?? 0, this.block);
    }
  }

  /** Where an operand lies, as something a kernel can read. */
  operand(arg: Node): Location | Counter {
    const b = base(arg);
    if (b.op === 'literal') return this.emitter.literalNode(b);
    const location = this.environment.get(b);
    if (location !== undefined) return location;
    if (b.op === 'const') return this.emitter.literal([b.attrs.value], bufferType(b.dtype));
    if (sizeOf(b.shape) === 0)
      return whole(this.emitter.storage('slot', 'empty', bufferType(b.dtype), 0, this.block));
    throw new InternalError('schedule.loop', `an operand of a loop is not stored (${b.op})`);
  }

  /** Where an operand lies in memory. */
  memory(arg: Node): Location {
    const location = this.operand(arg);
    if (!isCounter(location)) return location;
    const temporary = this.emitter.temporary(arg, `${this.emitter.label}_index`, this.block);
    const kernel = this.emitter.library.add(
      {
        kind: 'map',
        buffers: [{ name: 'b0', type: 'i32', length: temporary.storage.length, access: 'write' }],
        uniforms: ['u0'],
        space: [],
        axes: [],
        body: [{ kind: 'store', buffer: 0, index: k.int(temporary.offset.constant), value: k.uniform(0) }],
      },
      `${this.emitter.label}_index`,
      [],
    );
    this.block.push({
      kind: 'dispatch',
      kernel,
      buffers: [temporary.storage.id],
      uniforms: [location.counter],
    });
    return temporary;
  }
}

/** Arrays that a kernel cannot bind whole are read and written a slice at a time, through copies. */
function fitsBinding(emitter: Emitter, { storage }: Location): boolean {
  return storage.length * BYTES[storage.type] <= emitter.options.maxBinding;
}

/** A slice of a stacked array as a kernel can read it. */
function sliceIn(
  emitter: Emitter,
  location: Location | Counter,
  index: Affine,
  param: Node,
  into: Step[],
): Location {
  const size = sizeOf(param.shape);
  const slice = sliceAt(location, index, size);
  if (fitsBinding(emitter, slice)) return slice;
  const copy = emitter.separate(param, `${emitter.label}_slice`, into);
  emitter.copy(slice, copy, size, into);
  return copy;
}

/** Where a kernel writes slices of stacked arrays; `finish` brings those there that it could not write. */
class SlicesOut {
  private readonly copies: { readonly from: Location; readonly to: Location; readonly size: number }[] = [];

  constructor(
    private readonly emitter: Emitter,
    private readonly into: Step[],
  ) {}

  at(target: Location | undefined, index: Affine, value: Node): Location | undefined {
    if (target === undefined) return undefined;
    const size = sizeOf(value.shape);
    const to = sliceAt(target, index, size);
    if (fitsBinding(this.emitter, to)) return to;
    const from = this.emitter.separate(value, `${this.emitter.label}_slice`, this.into);
    this.copies.push({ from, to, size });
    return from;
  }

  finish(): void {
    for (const { from, to, size } of this.copies) this.emitter.copy(from, to, size, this.into);
  }
}

function sliceAt(location: Location | Counter, index: Affine, size: number): Location {
  if (isCounter(location)) throw new InternalError('schedule.loop', 'a counter has no slices');
  // Given at run time also where it is a number: the steps written out beside the loop run its kernels.
  return { ...shiftLocation(location, scaleAffine(index, size)), dynamic: true };
}

function bindAll(
  params: readonly Node[],
  locations: readonly (Location | Counter)[],
): [Node, Location | Counter][] {
  return params.map((param, i) => [param, at(locations, i)]);
}

/** Small carried values in a pack: addressed at run time, so that both halves of the loop run one kernel. */
function moving(location: Location): Location {
  return location.storage.packed ? { ...location, dynamic: true } : location;
}

interface Carry {
  readonly node: Node;
  readonly init: Location;
  readonly target: Location | undefined;
  /** Place of the value before step `counter` (0 .. length) when all of them are kept; the first holds the initial value already. */
  readonly slot: ((counter: Affine) => Location) | undefined;
  /** The step hands the value on as it is: it is read where it lies. */
  readonly unchanged: boolean;
  /** The next value may be written over the value: it has one place, which the initial value is copied to. */
  readonly inPlace: boolean;
}

/**
 * The steps of a loop with carried values. `emit` writes one step: its counter (how many steps have been done), where the carried values are and where they go (undefined: nowhere).
 */
function emitSteps(
  context: LoopContext,
  length: number,
  plan: RegionPlan,
  carries: readonly Carry[],
  emit: (
    counter: Affine,
    from: readonly Location[],
    to: readonly (Location | undefined)[],
    block: Step[],
  ) => void,
): void {
  const { emitter, block } = context;
  const long = plan.units.some((u) => u.kind === 'step' && u.item.kind === 'sequence');
  // A loop of some length has carried values of its own when the given ones lie at offsets of an outer loop: else its first and last step would need kernels of their own.
  const settles = length >= SETTLING;
  const moves = ({ offset, storage }: Location): boolean => offset.terms.length > 0 && !storage.packed;
  const alternates = (c: Carry): boolean => c.slot === undefined && !c.unchanged && !c.inPlace;
  for (const carry of carries)
    if (carry.target !== undefined && (carry.unchanged || (length === 0 && carry.slot === undefined)))
      emitter.copy(carry.init, carry.target, sizeOf(carry.node.shape), block);
  let settled: readonly Location[] = [];
  if (length > 0) {
    const final = carries.map((c) =>
      moving(
        c.slot !== undefined || c.unchanged
          ? c.init
          : c.target === undefined || (settles && moves(c.target))
            ? emitter.temporary(c.node, `${emitter.label}_carry`, block)
            : c.target,
      ),
    );
    settled = final;
    // A single step reads the initial values where they lie and needs no other place, but for those that lie where it writes.
    const apart = (c: Carry, i: number): boolean => length === 1 && !sameLocation(c.init, at(final, i));
    const other = carries.map((c, i) =>
      !alternates(c) || apart(c, i)
        ? at(final, i)
        : at(final, i).storage.packed
          ? moving(emitter.temporary(c.node, `${emitter.label}_carry`, block))
          : emitter.separate(c.node, `${emitter.label}_carry`, block),
    );
    /** Places before step `counter`; of the steps left only the parity matters. */
    const places = (counter: Affine, left: number): Location[] =>
      carries.map((c, i) => c.slot?.(counter) ?? (left % 2 === 0 ? at(final, i) : at(other, i)));
    // The first step reads the initial values where they lie, unless that would have to be overwritten, or the step is long.
    const first = places(constantOffset(0), length);
    const aligned = carries.map(
      (c, i) => !alternates(c) || (long && length > 1) || sameLocation(c.init, at(final, i)),
    );
    carries.forEach((c, i) => {
      if (at(aligned, i) && c.slot === undefined && !c.unchanged)
        emitter.copy(c.init, at(first, i), sizeOf(c.node.shape), block);
    });
    const step = (counter: Affine, left: number, into: Step[]): void => {
      const isFirst = counter.terms.length === 0 && counter.constant === 0;
      const now = places(counter, left);
      const from = isFirst ? carries.map((c, i) => (at(aligned, i) ? at(now, i) : moving(c.init))) : now;
      const to = places(addAffine(counter, constantOffset(1)), left - 1);
      emit(
        counter,
        from,
        to.map((place, i) => (at(carries, i).unchanged ? undefined : place)),
        into,
      );
    };
    const alternating = carries.some(alternates);
    const stride = alternating ? 2 : 1;
    let done = 0;
    if (!aligned.every(Boolean)) step(constantOffset(done), length - done++, block);
    for (; (length - done) % stride !== 0; done++) step(constantOffset(done), length - done, block);
    const turns = (length - done) / stride;
    if (turns > 0) {
      const id = emitter.nextLoop();
      emitter.loopFacts.set(id, { length, stride });
      const body: Step[] = [];
      for (const offset of range(stride))
        step({ constant: done + offset, terms: [{ loop: id, scale: stride }] }, length - done - offset, body);
      block.push({ kind: 'loop', id, count: turns, body });
    }
  }
  for (const { node, target, slot } of carries)
    if (slot !== undefined && target !== undefined)
      emitter.copy(slot(constantOffset(length)), target, sizeOf(node.shape), block);
  settled.forEach((place, i) => {
    const { node, target, slot, unchanged } = at(carries, i);
    if (target !== undefined && slot === undefined && !unchanged)
      emitter.copy(place, target, sizeOf(node.shape), block);
  });
}

function emitScan(context: LoopContext, node: NodeOf<'scan'>): void {
  const { emitter, block } = context;
  const { length, carries, xs, reverse, snapshots } = node.attrs;
  const body = emitter.regions.of(node.attrs.body);
  const plan = emitter.plan(body, carries, body.params.slice(1, 1 + carries));
  const outputs = body.results.length - carries;
  const carryParams = body.params.slice(1, 1 + carries);
  const xParams = body.params.slice(1 + carries, 1 + carries + xs);
  const xLocations = node.args.slice(carries, carries + xs).map((arg) => context.memory(arg));
  const constants = bindAll(
    body.params.slice(1 + carries + xs),
    node.args.slice(carries + xs).map((arg) => context.operand(arg)),
  );
  const init = node.args.slice(0, carries).map((arg) => context.memory(arg));
  const tapes = range(carries).map((c) =>
    snapshots > 0 ? context.target(carries + outputs + c) : undefined,
  );
  const indexOf = (counter: Affine): Affine =>
    reverse ? addAffine(constantOffset(length - 1), scaleAffine(counter, -1)) : counter;
  // A full tape has one slot more than steps: the last one takes the final value, so that all steps are alike.
  const full = tapes.map((tape, c) => {
    if (tape === undefined || snapshots < length || length === 0) return undefined;
    const param = at(carryParams, c);
    const size = sizeOf(param.shape);
    if ((length + 1) * size * BYTES[tape.storage.type] > emitter.options.maxBinding) return undefined;
    const extended = extend(context, tape, param, snapshots);
    emitter.copy(at(init, c), extended, size, block);
    return extended;
  });
  emitSteps(
    context,
    length,
    plan,
    range(carries).map((c) => {
      const tape = at(full, c);
      const param = at(carryParams, c);
      const size = sizeOf(param.shape);
      return {
        node: param,
        init: at(init, c),
        target: context.target(c),
        slot: tape === undefined ? undefined : (counter: Affine) => sliceAt(tape, counter, size),
        unchanged: tape === undefined && base(at(body.results, c)) === param,
        inPlace: emitter.overwrites(plan, param, c),
      };
    }),
    (counter, from, to, into) => {
      const index = indexOf(counter);
      if (snapshots < length) snapshotStep(counter, length, snapshots, carryParams, from, tapes, into);
      else
        tapes.forEach((tape, c) => {
          const size = sizeOf(at(carryParams, c).shape);
          if (tape !== undefined && full[c] === undefined)
            emitter.copy(at(from, c), sliceAt(tape, counter, size), size, into);
        });
      const out = new SlicesOut(emitter, into);
      const environment: Environment = new Map<Node, Location | Counter>([
        [at(body.params, 0), { counter: index }],
        ...bindAll(carryParams, from),
        ...xParams.map((param, i): [Node, Location] => [
          param,
          sliceIn(emitter, at(xLocations, i), index, param, into),
        ]),
        ...constants,
      ]);
      const ys = range(outputs).map((i) =>
        out.at(context.target(carries + i), index, at(body.results, carries + i)),
      );
      emitter.region(plan, environment, [...to, ...ys], into);
      out.finish();
    },
  );
  full.forEach((extended, c) => {
    const tape = at(tapes, c);
    const size = length * sizeOf(at(carryParams, c).shape);
    if (tape !== undefined && extended !== undefined) emitter.copy(extended, tape, size, block);
  });
}

/** The tape with a slot more: itself where it is a temporary, else another one. */
function extend(context: LoopContext, tape: Location, param: Node, slots: number): Location {
  const size = sizeOf(param.shape);
  const { storage } = tape;
  if (storage.home !== undefined && storage.length === slots * size) {
    storage.length += size;
    return tape;
  }
  const shape = [slots + 1, ...param.shape];
  return context.emitter.separate(
    { dtype: param.dtype, shape },
    `${context.emitter.label}_tape`,
    context.block,
  );
}

function rangeOf(location: Location, length: number): BufferRange {
  return { buffer: location.storage.id, type: location.storage.type, offset: location.offset, length };
}

function snapshotStep(
  index: Affine,
  length: number,
  slots: number,
  params: readonly Node[],
  from: readonly Location[],
  tapes: readonly (Location | undefined)[],
  into: Step[],
): void {
  const state: BufferRange[] = [];
  const snapshots: number[] = [];
  tapes.forEach((tape, c) => {
    if (tape === undefined) return;
    if (tape.offset.constant !== 0 || tape.offset.terms.length > 0)
      throw new InternalError('schedule.loop', 'snapshots that do not begin their buffer');
    state.push(rangeOf(at(from, c), sizeOf(at(params, c).shape)));
    snapshots.push(tape.storage.id);
  });
  if (state.length > 0) into.push({ kind: 'snapshot', index, length, slots, state, snapshots });
}

function emitAdjoint(context: LoopContext, node: NodeOf<'adjoint_scan'>): void {
  const { emitter, block } = context;
  const { length, slots, carries, cotangents, xs } = node.attrs;
  const forward = emitter.regions.of(node.attrs.forward);
  const backward = emitter.regions.of(node.attrs.backward);
  const first = 1 + carries + cotangents;
  const plan = emitter.plan(backward, backward.results.length, backward.params.slice(1 + carries, first));
  const stateParams = backward.params.slice(1, 1 + carries);
  const ctParams = backward.params.slice(1 + carries, first);
  const xLocations = node.args
    .slice(carries + cotangents, carries + cotangents + xs)
    .map((arg) => context.memory(arg));
  const constantArgs = node.args.slice(carries + cotangents + xs).map((arg) => context.operand(arg));
  const init = node.args.slice(carries, carries + cotangents).map((arg) => context.memory(arg));
  const snapshots = node.args.slice(0, carries).map((arg) => context.memory(arg));
  const outputs = backward.results.length - cotangents;
  const slices = (params: readonly Node[], index: Affine, into: Step[]): [Node, Location][] =>
    params.map((param, i) => [param, sliceIn(emitter, at(xLocations, i), index, param, into)]);
  const backwardStep = (
    index: Affine,
    state: readonly Location[],
    from: readonly Location[],
    to: readonly (Location | undefined)[],
    into: Step[],
    hazards: boolean,
  ): void => {
    const environment: Environment = new Map<Node, Location | Counter>([
      [at(backward.params, 0), { counter: index }],
      ...bindAll(stateParams, state),
      ...bindAll(ctParams, from),
      ...slices(backward.params.slice(first, first + xs), index, into),
      ...bindAll(backward.params.slice(first + xs), constantArgs),
    ]);
    const out = new SlicesOut(emitter, into);
    const ys = range(outputs).map((i) =>
      out.at(context.target(cotangents + i), index, at(backward.results, cotangents + i)),
    );
    emitter.region(plan, environment, [...to, ...ys], into, hazards);
    out.finish();
  };

  if (slots >= length) {
    emitSteps(
      context,
      length,
      plan,
      ctParams.map((param, c) => ({
        node: param,
        init: at(init, c),
        target: context.target(c),
        slot: undefined,
        unchanged: base(at(backward.results, c)) === param,
        inPlace: emitter.overwrites(plan, param, c),
      })),
      (counter, from, to, into) => {
        const index = addAffine(constantOffset(length - 1), scaleAffine(counter, -1));
        const state = stateParams.map((param, c) => sliceIn(emitter, at(snapshots, c), index, param, into));
        backwardStep(index, state, from, to, into, false);
      },
    );
    return;
  }

  const places = ctParams.map(
    (param, c) => context.target(c) ?? emitter.temporary(param, `${emitter.label}_carry`, block),
  );
  ctParams.forEach((param, c) => emitter.copy(at(init, c), at(places, c), sizeOf(param.shape), block));
  const state = stateParams.map((param) => emitter.separate(param, `${emitter.label}_state`, block));
  // Snapshots that are used up make room for others: those that somebody else reads stay as they are.
  const aligned = snapshots.map((location, c) => {
    const ownBuffer = location.offset.constant === 0 && location.offset.terms.length === 0;
    if (ownBuffer && context.last(base(at(node.args, c)))) return location;
    const length_ = slots * sizeOf(at(stateParams, c).shape);
    const copy = emitter.separate({ dtype: at(stateParams, c).dtype, shape: [length_] }, 'snapshots', block);
    emitter.copy(location, copy, length_, block);
    return copy;
  });
  const id = emitter.nextLoop();
  const index: Affine = { constant: 0, terms: [{ loop: id, scale: 1 }] };
  const forwardSteps: Step[] = [];
  emitter.region(
    emitter.plan(forward, carries, forward.params.slice(1, 1 + carries)),
    new Map<Node, Location | Counter>([
      [at(forward.params, 0), { counter: index }],
      ...bindAll(forward.params.slice(1, 1 + carries), state),
      ...slices(forward.params.slice(1 + carries, 1 + carries + xs), index, forwardSteps),
      ...bindAll(forward.params.slice(1 + carries + xs), constantArgs),
    ]),
    state,
    forwardSteps,
    true,
  );
  const backwardSteps: Step[] = [];
  backwardStep(index, state, places, places, backwardSteps, true);
  block.push({
    kind: 'reverse',
    id,
    length,
    slots,
    state: state.map((s, c) => rangeOf(s, sizeOf(at(stateParams, c).shape))),
    snapshots: aligned.map((l) => l.storage.id),
    forward: forwardSteps,
    backward: backwardSteps,
  });
}

/** A value at the beginning of a buffer of its own, as flags and counts must be. */
function alone(context: LoopContext, location: Location, node: Node): Location {
  const { offset, storage } = location;
  if (offset.constant === 0 && offset.terms.length === 0 && storage.role !== 'constant') return location;
  const copy = context.emitter.separate(node, 'flag', context.block);
  context.emitter.copy(location, copy, 1, context.block);
  return copy;
}

function emitWhile(context: LoopContext, node: NodeOf<'while'>): void {
  const { emitter, block } = context;
  const { carries, limit } = node.attrs;
  const condition = emitter.regions.of(node.attrs.condition);
  const body = emitter.regions.of(node.attrs.body);
  const carryParams = body.params.slice(1, 1 + carries);
  const constantArgs = node.args.slice(carries).map((arg) => context.operand(arg));
  const places = carryParams.map(
    (param, c) => context.target(c) ?? emitter.temporary(param, `${emitter.label}_carry`, block),
  );
  carryParams.forEach((param, c) =>
    emitter.copy(context.memory(at(node.args, c)), at(places, c), sizeOf(param.shape), block),
  );
  const flag = emitter.separate({ dtype: 'bool', shape: [] }, `${emitter.label}_flag`, block);
  const test: Step[] = [];
  emitter.region(
    emitter.plan(condition, 1, []),
    new Map<Node, Location | Counter>([
      ...bindAll(condition.params.slice(0, carries), places),
      ...bindAll(condition.params.slice(carries), constantArgs),
    ]),
    [flag],
    test,
  );
  const id = emitter.nextLoop();
  const steps: Step[] = [];
  emitter.region(
    emitter.plan(body, carries, carryParams),
    new Map<Node, Location | Counter>([
      [at(body.params, 0), { counter: { constant: 0, terms: [{ loop: id, scale: 1 }] } }],
      ...bindAll(carryParams, places),
      ...bindAll(body.params.slice(1 + carries), constantArgs),
    ]),
    places,
    steps,
    true,
  );
  const target = context.target(carries);
  const turns =
    target === undefined
      ? undefined
      : emitter.separate({ dtype: 'i32', shape: [] }, `${emitter.label}_turns`, block);
  block.push({
    kind: 'while',
    id,
    limit,
    test,
    condition: flag.storage.id,
    body: steps,
    ...(turns === undefined ? {} : { turns: turns.storage.id }),
  });
  if (turns !== undefined && target !== undefined) emitter.copy(turns, target, 1, block);
}

function emitCond(context: LoopContext, node: NodeOf<'cond'>): void {
  const { emitter, block } = context;
  const predicate = at(node.args, 0);
  const flag = alone(context, context.memory(predicate), predicate);
  const operands = node.args.slice(1).map((arg) => context.operand(arg));
  const targets = node.outputs.map((_, i) => context.target(i));
  const branch = (given: typeof node.attrs.then): Step[] => {
    const steps: Step[] = [];
    const region = emitter.regions.of(given);
    emitter.region(
      emitter.plan(region, region.results.length, []),
      new Map(bindAll(region.params, operands)),
      targets,
      steps,
    );
    return steps;
  };
  const then = branch(node.attrs.then);
  const otherwise = branch(node.attrs.else);
  block.push({ kind: 'if', condition: flag.storage.id, then, else: otherwise });
}
