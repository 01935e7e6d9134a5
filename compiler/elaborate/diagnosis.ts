// When a run becomes non-finite: procedures that find the first step after which a state of a solve is not finite, and estimate the largest stable step from the spectral radius of the
// right side at the start (power iteration on its derivative) and the method's stability interval.

import type { Context, SolveRecord } from './context.ts';
import { placeOf } from './outputs.ts';
import type { Variables } from './variables.ts';
import { jvp } from '../autodiff/jvp.ts';
import * as b from '../ir/build.ts';
import { makeScan, reachable, substitute } from '../ir/region.ts';
import type { Node } from '../ir/types.ts';
import { isFloat } from '../ir/types.ts';
import type { Diagnosis } from '../plan/script.ts';
import { at } from '../support/lists.ts';

const MOST_SOLVES = 4;
const POWER_STEPS = 60;

/** Diagnoses the solves elaborated so far that depend on nothing but variables, one for each place in the source. */
export function diagnosisOf(ctx: Context, variables: Variables): Diagnosis | undefined {
  const seen = new Set<number>();
  const solves: Diagnosis['solves'][number][] = [];
  for (const record of ctx.solves) {
    if (solves.length >= MOST_SOLVES || seen.has(record.span.start)) continue;
    const known = reachable([...record.initial, record.startTime, record.stepSize]).every(
      (n) => n.op !== 'param' || variables.nameOf(n) !== undefined,
    );
    if (!known) continue;
    const made = procedureFor(ctx, variables, record);
    if (made === undefined) continue;
    seen.add(record.span.start);
    solves.push(made);
  }
  return solves.length === 0 ? undefined : { solves };
}

function procedureFor(
  ctx: Context,
  variables: Variables,
  record: SolveRecord,
): Diagnosis['solves'][number] | undefined {
  const g = ctx.graph;
  const states = record.initial.slice(0, record.leafNames.length);
  const count = states.length;
  const run = makeScan(g, {
    length: record.steps,
    init: [...record.initial, ...states.map(() => g.constant(-1, 'i32'))],
    body: (i, carries) => {
      const leaves = carries.slice(0, record.initial.length);
      const next = record.advance(i, leaves);
      const first = carries.slice(record.initial.length).map((before, k) => {
        const bad = b.reduceAll(g, 'any', notFinite(ctx, at(next, k)));
        return b.select(g, b.and(g, b.lt(g, before, 0), bad), i, before);
      });
      return { carries: [...next, ...first], ys: [] };
    },
  });
  const firsts = run.carries.slice(record.initial.length);
  const outputs = new Map<string, Node>();
  const put = (node: Node, hint: string): string => {
    const name = variables.result(ctx, node, `diagnose.${hint}`);
    outputs.set(name, node);
    return name;
  };
  const stable =
    record.stability === undefined
      ? g.constant(0, ctx.real)
      : stableStep(ctx, record, states, record.stability);
  if (reachable([...firsts, stable]).some((n) => n.op === 'param' && variables.nameOf(n) === undefined))
    return undefined;
  const entry = {
    model: record.model,
    states: record.leafNames
      .slice(0, count)
      .map((name, i) => ({ name, firstBadStep: put(at(firsts, i), 'first') })),
    startTime: put(record.startTime, 'start'),
    stepSize: put(record.stepSize, 'step'),
    stableStep: put(stable, 'stable'),
    place: placeOf(record.span),
  };
  return { ...entry, procedure: variables.procedure('diagnose', outputs) };
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
