// `adjoint: reversible`: the steps of a solve as one operation with a derivative rule. Forwards it is the loop; its rule goes back from the states at the end, which are what the loop gave, by the method's
// `back`, and keeps no state of any step (autodiff/reversible_sweep.ts). Forward mode is that of the loop.
//
// A step back must meet the noise of the step it undoes: what `sys.noise` gave there is handed to `back`, call by call. Draws of its own it cannot have.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { define } from '../builtins/registry.ts';
import { flatten } from '../values/leaves.ts';
import type { RecordValue, Value } from '../values/values.ts';
import { record } from '../values/values.ts';
import { vjp } from '../../autodiff/vjp.ts';
import * as b from '../../ir/build.ts';
import { makeCustom } from '../../ir/make_rules.ts';
import { closeRegions, reachable, substitute } from '../../ir/region.ts';
import type { AdjointPolicy, Node, Region } from '../../ir/types.ts';
import { isFloat } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';

// ---- noise, forwards and back

/** `sys` with a noise that can be handed out again. */
export interface ReplayedNoise {
  readonly sys: RecordValue;
  /** The step that is called now: what its noise is will be known. */
  readonly forwards: <T>(work: () => T) => T;
  /** The step back of the last one: it gets the same noise. */
  readonly backwards: <T>(work: () => T) => T;
  /** Everything the step drew. */
  readonly drawn: () => readonly Node[];
  /** What the step asked for, and what it was given. */
  readonly calls: () => readonly NoiseCall[];
}

/** A call of `sys.noise` or `sys.noise_integral` for the step with the leaves `k`, inside as many loops. */
export interface NoiseCall {
  readonly name: string;
  readonly k: readonly Node[];
  readonly value: Value;
  readonly loops: number;
}

const NOISES = ['noise', 'noise_integral'];

export function replayedNoise(ctx: Context, sys: RecordValue, span: Span): ReplayedNoise {
  let known: NoiseCall[] = [];
  let next: number | undefined;
  let loops = 0;
  const step = (v: Value): readonly Node[] => flatten(ctx, v, span).leaves.map((l) => l.node);
  const other = (why: string): never =>
    failAt(
      ctx,
      'E498',
      `the \`back\` of this method ${why}`,
      span,
      'a step back asks for the noise of its step as the step does: the same calls of sys.noise(k, y), with the same k, in the same order',
    );
  const wrapped = (name: string, original: Value): Value =>
    define(ctx, name, name === 'noise' ? ['k', 'y?'] : ['k', 'w'], (a) => {
      const k = step(a.need('k'));
      if (next === undefined) {
        const [more] = [name === 'noise' ? a.get('y') : a.need('w')];
        const given = [a.need('k'), ...(more === undefined ? [] : [more])];
        const value = ctx.call(
          original,
          given.map((v) => ({ value: v, span: a.span })),
          a.span,
        );
        known.push({ name, k, value, loops: ctx.draws.turns.length });
        return value;
      }
      const before = known[next++] ?? other('asks for more noise than its step');
      if (before.loops > loops) other('undoes a step that asks for noise in a loop');
      if (k.length !== before.k.length || k.some((n, i) => n !== before.k[i]))
        other('asks for the noise of another step than the one it undoes');
      return before.value;
    });
  const entries = [...sys.entries].map(
    ([name, v]) => [name, NOISES.includes(name) ? wrapped(name, v) : v] as const,
  );
  return {
    sys: record(entries),
    forwards: (work) => {
      known = [];
      next = undefined;
      // The loop over the steps itself counts.
      loops = ctx.draws.turns.length + 1;
      return work();
    },
    backwards: (work) => {
      next = 0;
      try {
        return work();
      } finally {
        next = undefined;
      }
    },
    drawn: () => known.flatMap((x) => flatten(ctx, x.value, span).leaves.map((l) => l.node)),
    calls: () => known,
  };
}

// ---- the loop

export interface ReversibleSteps {
  readonly length: number;
  readonly init: readonly Node[];
  /** The states behind turn `j` of the loop, and those before it. */
  readonly step: (j: Node, leaves: readonly Node[]) => readonly Node[];
  readonly back: (j: Node, leaves: readonly Node[]) => readonly Node[];
  /** What the step drew by `sys.noise`. */
  readonly drawn: () => readonly Node[];
  readonly span: Span;
}

export function reversibleLoop(ctx: Context, steps: ReversibleSteps): readonly Node[] {
  const g = ctx.graph;
  const { init, length } = steps;
  const j = g.param('step', { dtype: 'i32', shape: [] });
  const pack = (n: Node): Node => (n.dtype === 'bool' ? b.cast(g, n, 'i32') : n);
  const unpack = (nodes: readonly Node[]): Node[] =>
    nodes.map((n, i) => (at(init, i).dtype === 'bool' ? b.ne(g, n, 0) : n));
  const fresh = (name: string): Node[] => init.map((c, i) => g.param(`${name}${i}`, pack(c)));
  const [before, after] = [fresh('carry'), fresh('after')];
  const forwards: Region = { params: [j, ...before], results: steps.step(j, unpack(before)).map(pack) };
  const backwards: Region = { params: [j, ...after], results: steps.back(j, unpack(after)).map(pack) };
  refuseOtherDraws(ctx, forwards, backwards, steps);
  const { regions, captured } = closeRegions(g, [forwards, backwards]);
  const [step, back] = [at(regions, 0), at(regions, 1)];
  const loop = (args: readonly Node[], adjoint: AdjointPolicy): Node =>
    g.node('scan', args, {
      length,
      carries: init.length,
      xs: 0,
      body: step,
      reverse: false,
      snapshots: 0,
      adjoint,
    });
  const made = makeCustom(g, {
    name: 'solve',
    args: [...init.map(pack), ...captured],
    mode: 'cotangent',
    exact: true,
    primal: (args) => b.projections(g, loop(args, { kind: 'auto' })),
    rule: (args, outputs, moves) => {
      const run = loop(args, { kind: 'reversible', back });
      const ends = b.projections(g, run);
      const floats = args.filter((x) => isFloat(x.dtype));
      const given = moves.values();
      const cts = ends.map((x) => (isFloat(x.dtype) ? given.next().value : undefined));
      const found = vjp(g, ends, floats, cts).map((ct, i) => ct ?? b.zerosLike(g, at(floats, i)));
      // The way back begins where the loop ended: it is not run again.
      const known = ends.flatMap((x, i): [Node, Node][] =>
        x.op === 'project' && x.args[0] === run ? [[x, at(outputs, i)]] : [],
      );
      return substitute(g, found, new Map(known));
    },
    nameOf: () => 'a value of the solve',
  });
  return unpack(made);
}

/** Random numbers of a step back are those of its step, or there is no way back. */
function refuseOtherDraws(
  ctx: Context,
  forwards: Region,
  backwards: Region,
  { drawn, span }: ReversibleSteps,
): void {
  const there = new Set(reachable([...forwards.results, ...drawn()]));
  const back = reachable(backwards.results);
  if (back.some((n) => n.op === 'random_bits' && !there.has(n)))
    failAt(
      ctx,
      'E498',
      'the `back` of this method draws random numbers that its step did not draw',
      span,
      'draws in a method with `back` come from sys.noise(k, y), which a step back sees again; a model whose right side draws has no way back',
    );
  const states = new Set(forwards.params.slice(1));
  if (back.some((n) => states.has(n)))
    failAt(
      ctx,
      'E498',
      'the noise of this model depends on its states before the step, which a step back does not know',
      span,
      'write adjoint: checkpoint(memory: "16 MB")',
    );
}
