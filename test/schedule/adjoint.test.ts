// Derivatives of loops, scheduled: reverse mode, forward mode and Hessian-vector products under every checkpoint policy, as sequences of kernels and inside kernels.

import { describe, expect, it } from 'vitest';
import { at } from '../../compiler/support/lists.ts';
import type { NdArray } from '../../compiler/ir/ndarray.ts';
import type { AdjointPolicy, Node } from '../../compiler/ir/types.ts';
import { isFloat } from '../../compiler/ir/types.ts';
import { jvp } from '../../compiler/autodiff/jvp.ts';
import { gradientOf, hvp } from '../../compiler/autodiff/operators.ts';
import { materialize } from '../../compiler/autodiff/tangent.ts';
import { vjp } from '../../compiler/autodiff/vjp.ts';
import { mul, sumAll } from '../../compiler/ir/build.ts';
import type { ScheduleOptions } from '../../compiler/schedule/schedule.ts';
import type { Case } from '../autodiff/checks.ts';
import { array, generator, programOf } from '../autodiff/checks.ts';
import { loopCases, withPolicy } from '../autodiff/loop_cases.ts';
import { execute, expectSame, functionOf, scheduleFunction } from './support.ts';

const policies: readonly AdjointPolicy[] = [
  { kind: 'store' },
  { kind: 'recompute' },
  { kind: 'checkpoint', bytes: 1 },
  { kind: 'checkpoint', bytes: 100 },
];
const variants: Readonly<Record<string, ScheduleOptions>> = {
  'inside kernels': {},
  'as kernels': { threads: false },
  'as kernels, no serial values': { threads: false, serial: 0 },
  'as kernels with small bindings': { threads: false, maxBinding: 20 },
};
const TOLERANCE = 1e-13;

interface Derived {
  readonly g: ReturnType<typeof programOf>['g'];
  readonly params: readonly Node[];
  readonly inputs: readonly NdArray[];
  readonly results: readonly Node[];
}

function reverse(c: Case): Derived {
  const { g, params, outputs } = programOf(c);
  const floats = params.filter((p) => isFloat(p.dtype));
  const floatOutputs = outputs.filter((y) => isFloat(y.dtype));
  const random = generator(7);
  const w = floatOutputs.map((y) => g.param('w', y));
  const results = vjp(g, floatOutputs, floats, w).map((t, i) => materialize(g, t, at(floats, i)));
  return {
    g,
    params: [...params, ...w],
    inputs: [...c.inputs, ...floatOutputs.map((y) => array(y, () => random() - 0.5))],
    results: [...outputs, ...results],
  };
}

function forward(c: Case): Derived {
  const { g, params, outputs } = programOf(c);
  const floats = params.filter((p) => isFloat(p.dtype));
  const floatOutputs = outputs.filter((y) => isFloat(y.dtype));
  const random = generator(8);
  const v = floats.map((p) => g.param('v', p));
  const results = jvp(g, floatOutputs, floats, v).map((t, i) => materialize(g, t, at(floatOutputs, i)));
  return {
    g,
    params: [...params, ...v],
    inputs: [...c.inputs, ...floats.map((y) => array(y, () => random() - 0.5))],
    results,
  };
}

function second(c: Case): Derived {
  const { g, params, outputs } = programOf(c);
  const floats = params.filter((p) => isFloat(p.dtype));
  const random = generator(9);
  const v = floats.map((p) => g.param('v', p));
  const first = outputs.filter((y) => isFloat(y.dtype));
  const loss = sumAll(g, mul(g, at(first, 0), at(first, 0)));
  return {
    g,
    params: [...params, ...v],
    inputs: [...c.inputs, ...floats.map((y) => array(y, () => random() - 0.5))],
    results: hvp(g, loss, floats, v),
  };
}

/** Forward over reverse and reverse over forward at once: two reverse loops start from the same snapshots. */
function bothOrders(c: Case): Derived {
  const { g, params, outputs } = programOf(c);
  const floats = params.filter((p) => isFloat(p.dtype));
  const random = generator(9);
  const v = floats.map((p) => g.param('v', p));
  const first = at(
    outputs.filter((y) => isFloat(y.dtype)),
    0,
  );
  const loss = sumAll(g, mul(g, first, first));
  const [slope] = jvp(g, [loss], floats, v);
  return {
    g,
    params: [...params, ...v],
    inputs: [...c.inputs, ...floats.map((y) => array(y, () => random() - 0.5))],
    results: [...hvp(g, loss, floats, v), ...(slope === undefined ? [] : gradientOf(g, slope, floats))],
  };
}

describe.each(Object.entries(variants))('loops %s', (_name, options) => {
  for (const [name, make] of Object.entries(loopCases)) {
    it(`${name}: values and cotangents`, async () => {
      let reference: readonly Float64Array[] | undefined;
      for (const policy of policies) {
        const { g, params, inputs, results } = reverse(make(withPolicy(policy)));
        const fn = functionOf(params, results);
        await expectSame(g, fn, inputs, { ...options, tolerance: TOLERANCE });
        const found = await execute(scheduleFunction(g, fn, options), fn, inputs);
        reference ??= found;
        expect(found, `policy ${policy.kind}`).toEqual(reference);
      }
    });
    it(`${name}: tangents`, async () => {
      const { g, params, inputs, results } = forward(make(withPolicy({ kind: 'store' })));
      await expectSame(g, functionOf(params, results), inputs, { ...options, tolerance: TOLERANCE });
    });
    it(`${name}: second derivatives`, async () => {
      for (const derive of [second, bothOrders]) {
        const { g, params, inputs, results } = derive(make(withPolicy({ kind: 'recompute' })));
        await expectSame(g, functionOf(params, results), inputs, { ...options, tolerance: TOLERANCE });
      }
    });
  }
});
