// The programs on which the design was measured: their plans compute what the interpreter computes, in as many kernels as the design promises, in as much memory as predicted.

import { describe, expect, it } from 'vitest';
import { Graph } from '../../compiler/ir/graph.ts';
import type { NdArray } from '../../compiler/ir/ndarray.ts';
import type { AdjointPolicy, Node } from '../../compiler/ir/types.ts';
import type { Schedule } from '../../compiler/schedule/schedule.ts';
import { at } from '../../compiler/support/lists.ts';
import { array, generator } from '../autodiff/checks.ts';
import type { Settings, Simulation } from './cases.ts';
import { burgers, heat, lorenz, predators, wave, withGradient } from './cases.ts';
import { execute, expectSame, functionOf, scheduleFunction } from './support.ts';

/** Sums are added in another order than the interpreter's. */
const TOLERANCE = 1e-11;

function values(params: readonly Node[]): NdArray[] {
  const random = generator(3);
  return params.map((p) => array(p, () => 0.5 + random()));
}

interface Made {
  readonly schedule: Schedule;
  readonly outputs: Float64Array[];
}

async function run(
  make: (g: Graph, s: Settings) => Simulation,
  settings: Settings,
  over: readonly number[],
): Promise<Made> {
  const g = new Graph();
  const simulation = make(g, settings);
  const results =
    over.length > 0 ? withGradient(g, simulation, over) : [simulation.loss, ...simulation.final];
  const fn = functionOf(simulation.params, results);
  const inputs = values(simulation.params);
  const schedule = await expectSame(g, fn, inputs, { tolerance: TOLERANCE });
  for (const kernel of schedule.kernels) expect(kernel.buffers.length, kernel.name).toBeLessThanOrEqual(8);
  return { schedule, outputs: await execute(schedule, fn, inputs) };
}

const perStep = (s: Schedule): number[] => s.report.loops.map((l) => l.kernelsPerStep);
const policies: readonly AdjointPolicy[] = [
  { kind: 'store' },
  { kind: 'recompute' },
  { kind: 'checkpoint', bytes: 5000 },
];

const fields: readonly {
  readonly name: string;
  readonly make: (g: Graph, s: Settings) => Simulation;
  readonly over: readonly number[];
  readonly forward: number;
  readonly adjoint: number;
}[] = [
  { name: 'heat', make: (g, s) => heat(g, 12, s), over: [0, 1], forward: 4, adjoint: 4 },
  { name: 'heat, initial field only', make: (g, s) => heat(g, 12, s), over: [0], forward: 4, adjoint: 4 },
  { name: 'wave', make: (g, s) => wave(g, 12, s), over: [0, 1], forward: 1, adjoint: 1 },
  { name: 'wave, initial field only', make: (g, s) => wave(g, 12, s), over: [0], forward: 1, adjoint: 1 },
  { name: 'burgers', make: (g, s) => burgers(g, 96, s), over: [0, 1, 2], forward: 4, adjoint: 7 },
];

describe('fields', () => {
  for (const { name, make, over, forward, adjoint } of fields) {
    it(`${name}: ${forward} kernels a step, ${adjoint} an adjoint step`, async () => {
      const alone = await run(make, { steps: 21 }, []);
      expect(perStep(alone.schedule)).toEqual([forward]);
      expect(alone.schedule.report.loops[0]?.copiesPerStep).toBe(0);
      const both = await run(make, { steps: 21, adjoint: { kind: 'store' } }, over);
      expect(perStep(both.schedule)).toEqual([forward, adjoint]);
      for (const loop of both.schedule.report.loops) expect(loop.copiesPerStep).toBe(0);
    });
    it(`${name}: the gradient is the same under every checkpoint policy`, async () => {
      let reference: readonly Float64Array[] | undefined;
      for (const adjointPolicy of policies) {
        const { outputs, schedule } = await run(make, { steps: 21, adjoint: adjointPolicy }, over);
        reference ??= outputs;
        expect(outputs).toEqual(reference);
        expect(schedule.report.loops.map((l) => l.kernelsPerForwardStep + l.kernelsPerStep)).not.toContain(0);
      }
    });
  }

  it('recomputes with the kernels of the loop itself', () => {
    const g = new Graph();
    const simulation = heat(g, 32, { steps: 64, adjoint: { kind: 'recompute' } });
    const made = scheduleFunction(g, functionOf(simulation.params, withGradient(g, simulation, [0, 1])));
    const reverse = at(made.procedures['f']?.steps.filter((s) => s.kind === 'reverse') ?? [], 0);
    const loop = at(made.procedures['f']?.steps.filter((s) => s.kind === 'loop') ?? [], 0);
    if (reverse.kind !== 'reverse' || loop.kind !== 'loop') throw new Error('unreachable');
    const kernels = (steps: typeof loop.body): Set<number> =>
      new Set(steps.flatMap((s) => (s.kind === 'dispatch' ? [s.kernel] : [])));
    expect(kernels(reverse.forward)).toEqual(kernels(loop.body));
  });

  it('keeps the carried states once, and a few fields', () => {
    const field = 32 * 32 * 8;
    const g = new Graph();
    const simulation = heat(g, 32, { steps: 100, adjoint: { kind: 'store' } });
    const { bytes, report } = scheduleFunction(
      g,
      functionOf(simulation.params, withGradient(g, simulation, [0, 1])),
    );
    // 101 states, 2 face conductivities and 2 accumulators, two cotangents, stages.
    expect(report.bytes.temporaries).toBeLessThan((101 + 13) * field * 1.04 + 8192);
    expect(bytes).toBe(report.bytes.temporaries + report.bytes.variables + report.bytes.constants);
  });
});

describe('systems', () => {
  it('Lotka-Volterra: value and gradient of 2,000 steps are one kernel', async () => {
    const make = (g: Graph, s: Settings): Simulation => predators(g, { ...s, saves: 20 });
    const alone = await run(make, { steps: 2000 }, []);
    expect(alone.schedule.report).toMatchObject({ dispatches: { f: 1 } });
    expect(alone.schedule.report.loops.every((l) => l.kind === 'scan')).toBe(true);
    const both = await run(make, { steps: 2000, adjoint: { kind: 'store' } }, [0, 1, 2, 3, 4, 5]);
    expect(both.schedule.report).toMatchObject({ dispatches: { f: 1 } });
    expect(both.schedule.report.loops.every((l) => l.kind === 'scan')).toBe(true);
    for (const adjoint of policies) {
      const { outputs } = await run(make, { steps: 200, adjoint }, [0, 1, 2, 3, 4, 5]);
      const again = await run(make, { steps: 200, adjoint: { kind: 'store' } }, [0, 1, 2, 3, 4, 5]);
      expect(outputs).toEqual(again.outputs);
    }
  });

  it('an ensemble of Lorenz systems: one kernel forwards and backwards, a thread a member', async () => {
    const make = (g: Graph, s: Settings): Simulation => lorenz(g, 70, s);
    const { schedule } = await run(make, { steps: 30, adjoint: { kind: 'store' } }, [0, 1]);
    expect(schedule.report.loops.map((l) => [l.kind, l.steps])).toEqual([
      ['scan', 30],
      ['scan', 30],
    ]);
    expect(schedule.report.kernels.filter((k) => k.loops && k.points === 70)).toHaveLength(1);
    for (const adjoint of policies) await run(make, { steps: 30, adjoint }, [0, 1]);
  });
});
