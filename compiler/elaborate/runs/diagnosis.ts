// When a run becomes non-finite: procedures that find the first step after which a state of a solve is not finite, and estimate the largest stable step from the spectral radius of the
// right side at the start (power iteration on its derivative) and the method's stability interval. Of the members of an ensemble (a comprehension, `paths:`) the one that is lost first.
//
// They are run when NaN has been seen, and repeat the solve: healthy programs pay nothing while they run.

import type { Context, Members, SolveRecord } from '../context.ts';
import { placeOf } from './outputs.ts';
import { inPrecision } from '../values/precision.ts';
import type { Variables } from '../variables.ts';
import { batch } from '../../autodiff/batch.ts';
import { jvp } from '../../autodiff/jvp.ts';
import * as b from '../../ir/build.ts';
import { makeScan, reachable, substitute } from '../../ir/region.ts';
import type { Node } from '../../ir/types.ts';
import { isFloat } from '../../ir/types.ts';
import type { Diagnosis } from '../../plan/script.ts';
import { InternalError } from '../../support/diagnostic.ts';
import { at } from '../../support/lists.ts';

const MOST_SOLVES = 4;
const MOST_OF_A_PLACE = 2;
const POWER_STEPS = 60;
const NEVER = 2 ** 30;

type SolveDiagnosis = Diagnosis['solves'][number];

/** What has been made for the solves of a program: statements that look at one solve share it. */
export interface DiagnosedSolves {
  /** Whether a solve can be looked at from outside. */
  readonly open: Map<SolveRecord, boolean>;
  readonly byRecord: Map<SolveRecord, SolveDiagnosis | undefined>;
  /** By the nodes that tell it: the same solve elaborated again. */
  readonly byNodes: Map<string, SolveDiagnosis>;
}

/** Diagnoses the solves elaborated so far that depend on nothing but variables and the members of an ensemble: `MOST_SOLVES` of them. */
export function diagnosisOf(
  ctx: Context,
  variables: Variables,
  made: DiagnosedSolves,
): Diagnosis | undefined {
  const isOpen = (record: SolveRecord): boolean => {
    let answer = made.open.get(record);
    if (answer === undefined) {
      const { initial, startTime, stepSize, within } = record;
      answer = isKnown(variables, [...initial, startTime, stepSize], within);
      made.open.set(record, answer);
    }
    return answer;
  };
  const solves = new Set<SolveDiagnosis>();
  for (const record of candidates(ctx.solves.filter(isOpen))) {
    if (solves.size >= MOST_SOLVES) break;
    if (!made.byRecord.has(record))
      made.byRecord.set(
        record,
        inPrecision(ctx, record.real, () => procedureFor(ctx, variables, record, made)),
      );
    const found = made.byRecord.get(record);
    if (found !== undefined) solves.add(found);
  }
  return solves.size === 0 ? undefined : { solves: [...solves] };
}

/** The first solve of every place in the source; then the last ones there (of a function called several times, of elements written out one by one), the latest first. */
function candidates(solves: readonly SolveRecord[]): readonly SolveRecord[] {
  const places = new Map<string, SolveRecord[]>();
  for (const record of solves) {
    const place = `${record.span.file.path}:${record.span.start}`;
    const there = places.get(place);
    if (there === undefined) places.set(place, [record]);
    else there.push(record);
  }
  return [
    ...[...places.values()].flatMap((there) => there.slice(0, 1)),
    ...[...places.values()].flatMap((there) => there.slice(1).slice(-MOST_OF_A_PLACE).reverse()),
  ];
}

/** Whether the nodes depend on variables and on members of the ensemble alone. */
function isKnown(
  variables: Variables,
  nodes: readonly Node[],
  within: readonly Members[] | undefined,
): boolean {
  const members = new Map((within ?? []).flatMap((m) => [...m.mapping]));
  const behind = [...nodes, ...members.values()];
  return reachable(behind).every(
    (n) => n.op !== 'param' || members.has(n) || variables.nameOf(n) !== undefined,
  );
}

function procedureFor(
  ctx: Context,
  variables: Variables,
  record: SolveRecord,
  { byNodes }: DiagnosedSolves,
): SolveDiagnosis | undefined {
  const { within } = record;
  const found = lostMember(ctx, within ?? [], followed(ctx, record));
  const outputs = new Map<string, Node>();
  const put = (node: Node, hint: string): string => {
    const name = variables.result(ctx, node, `diagnose.${hint}`);
    outputs.set(name, node);
    return name;
  };
  const { firsts, before, start, step, time, stable } = found.one;
  const nodes = [...firsts, ...before, start, step, time, stable];
  if (!isKnown(variables, nodes, undefined)) return undefined;
  const key = `${record.model} ${nodes.map((n) => n.id).join()} ${(within ?? []).map((m) => m.only).join()}`;
  const known = byNodes.get(key);
  if (known !== undefined) return known;
  const told: Omit<SolveDiagnosis, 'procedure'> = {
    model: record.model,
    states: firsts.map((first, k) => {
      const { dtype, shape } = at(record.initial, k);
      return {
        name: at(record.leafNames, k),
        firstBadStep: put(first, 'first'),
        ...(isFloat(dtype) ? { before: put(at(before, k), 'before') } : {}),
        ...(shape.length > 0 ? { largest: true } : {}),
      };
    }),
    startTime: put(start, 'start'),
    stepSize: put(step, 'step'),
    time: put(time, 'time'),
    stableStep: put(stable, 'stable'),
    place: placeOf(record.span),
    ...(within === undefined
      ? {}
      : {
          members: {
            axes: within
              .map(({ word, count, only }) => ({ word, count, ...(only === undefined ? {} : { only }) }))
              .reverse(),
            index: put(found.index, 'member'),
            lost: put(found.lost, 'lost'),
          },
        }),
  };
  const entry = { ...told, procedure: variables.procedure('diagnose', outputs) };
  byNodes.set(key, entry);
  return entry;
}

/** What is known of a solve: scalars, or for many members vectors of such. */
interface Followed {
  /** By state the first step after which it is not finite, -1 if there is none. */
  readonly firsts: readonly Node[];
  /** By state its value (the largest absolute one of an array) before the first such step of all states. */
  readonly before: readonly Node[];
  readonly start: Node;
  readonly step: Node;
  /** The end of that step. */
  readonly time: Node;
  readonly stable: Node;
}

/** The solve once more, beside its states what they have been. */
function followed(ctx: Context, record: SolveRecord): Followed {
  const g = ctx.graph;
  const all = record.initial.length;
  const states = record.initial.slice(0, record.leafNames.length);
  const count = states.length;
  const size = (x: Node): Node =>
    !isFloat(x.dtype)
      ? g.constant(0, ctx.real)
      : b.cast(g, x.shape.length === 0 ? x : b.reduceAll(g, 'max', b.abs(g, x)), ctx.real);
  const run = makeScan(g, {
    length: record.steps,
    init: [
      ...record.initial,
      ...states.map(() => g.constant(-1, 'i32')),
      ...states.map(() => g.constant(0, ctx.real)),
    ],
    body: (i, carries) => {
      const leaves = carries.slice(0, all);
      const next = record.advance(i, leaves);
      const earlier = carries.slice(all, all + count);
      const bad = states.map((_, k) => b.reduceAll(g, 'any', notFinite(ctx, at(next, k))));
      const fine = earlier.map((first) => b.lt(g, first, 0)).reduce((x, y) => b.and(g, x, y));
      const lost = b.and(
        g,
        fine,
        bad.reduce((x, y) => b.or(g, x, y)),
      );
      const firsts = earlier.map((first, k) =>
        b.select(g, b.and(g, b.lt(g, first, 0), at(bad, k)), i, first),
      );
      const before = carries
        .slice(all + count)
        .map((seen, k) => b.select(g, lost, size(at(leaves, k)), seen));
      return { carries: [...next, ...firsts, ...before], ys: [] };
    },
  });
  const firsts = run.carries.slice(all, all + count);
  const earliest = earliestOf(ctx, firsts);
  return {
    firsts,
    before: run.carries.slice(all + count),
    start: record.startTime,
    step: record.stepSize,
    time: record.timeAt(b.min(g, b.add(g, earliest, 1), record.steps)),
    stable:
      record.stability === undefined
        ? g.constant(0, ctx.real)
        : stableStep(ctx, record, states, record.stability),
  };
}

/** The smallest that is not negative, else more steps than there are. */
function earliestOf(ctx: Context, firsts: readonly Node[]): Node {
  const g = ctx.graph;
  return firsts
    .map((first) => b.select(g, b.lt(g, first, 0), g.constant(NEVER, 'i32'), first))
    .reduce((x, y) => b.min(g, x, y));
}

/** Of many members the one that is lost first (of several the one with the lowest number), and how many are lost. */
function lostMember(
  ctx: Context,
  within: readonly Members[],
  one: Followed,
): { readonly one: Followed; readonly index: Node; readonly lost: Node } {
  const g = ctx.graph;
  const count = within.reduce((n, m) => n * m.count, 1);
  const states = one.firsts.length;
  const scalars = [
    earliestOf(ctx, one.firsts),
    one.start,
    one.step,
    one.time,
    one.stable,
    ...one.firsts,
    ...one.before,
  ];
  const [earliest, ...rest] = within
    .filter((m) => m.only === undefined)
    .reduce((nodes, m) => batch(g, nodes, m.mapping, m.count), scalars)
    .map((x) => b.reshape(g, x, [count]));
  if (earliest === undefined) throw new InternalError('elaborate.diagnosis', 'a batch of nothing');
  const index = g.node('arg_reduce', [earliest], { kind: 'min', axis: 0 });
  const taken = rest.map((x) => b.gather(g, x, index));
  return {
    one: {
      start: at(taken, 0),
      step: at(taken, 1),
      time: at(taken, 2),
      stable: at(taken, 3),
      firsts: taken.slice(4, 4 + states),
      before: taken.slice(4 + states),
    },
    index,
    lost: b.sumAll(g, b.cast(g, b.lt(g, earliest, NEVER), 'i32')),
  };
}

/** True where x is NaN or infinite; by its bits in f32, where a target may assume that neither exists. */
function notFinite(ctx: Context, x: Node): Node {
  const g = ctx.graph;
  if (x.dtype === 'f32') return b.eq(g, b.and(g, b.bitcast(g, x, 'u32'), 0x7f800000), 0x7f800000);
  if (isFloat(x.dtype)) return b.not(g, b.le(g, b.abs(g, x), Number.MAX_VALUE));
  return b.cast(g, b.zerosLike(g, x), 'bool');
}

/** stability / spectral radius of d(rate)/dy at the start. */
function stableStep(ctx: Context, record: SolveRecord, states: readonly Node[], stability: number): Node {
  const g = ctx.graph;
  const params = states.map((s, i) => g.param(`y${i}`, s));
  const rates = record.rate([...params, ...record.initial.slice(states.length)]);
  const start = states.map((s, k) => {
    const n = s.shape.reduce((p, e) => p * e, 1);
    const wave =
      s.shape.length === 0
        ? g.constant(1, s.dtype)
        : b.reshape(
            g,
            b.sin(g, b.mul(g, b.add(g, b.cast(g, g.iota([n], 0, 'i32'), s.dtype), 1 + k), 2.399963)),
            s.shape,
          );
    return wave;
  });
  const norm = (v: readonly Node[]): Node =>
    b.sqrt(
      g,
      v.map((x) => b.sumAll(g, b.mul(g, x, x))).reduce((x, y) => b.add(g, x, y)),
    );
  const scaled = (v: readonly Node[]): Node[] => {
    const n = b.max(g, norm(v), 1e-30);
    return v.map((x) => b.div(g, x, b.broadcastTo(g, n, x.shape)));
  };
  const result = makeScan(g, {
    length: POWER_STEPS,
    init: [...scaled(start), g.constant(0, ctx.real)],
    body: (_i, carries) => {
      const v = carries.slice(0, states.length);
      const moved = jvp(g, rates, params, v).map((t, i) => t ?? b.zerosLike(g, at(states, i)));
      const inner = substituteStates(g, moved, params, states);
      return { carries: [...scaled(inner), norm(inner)], ys: [] };
    },
  });
  const radius = at(result.carries, states.length);
  return b.div(g, g.constant(stability, ctx.real), b.max(g, radius, 1e-30));
}

function substituteStates(
  g: Context['graph'],
  nodes: readonly Node[],
  params: readonly Node[],
  states: readonly Node[],
): Node[] {
  return substitute(g, nodes, new Map(params.map((p, i) => [p, at(states, i)])));
}
