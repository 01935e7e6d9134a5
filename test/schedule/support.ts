// Runs scheduled functions on the reference executor and compares them with the interpreter of the array IR.

import { expect } from 'vitest';
import type { Graph } from '../../compiler/ir/graph.ts';
import { interpret } from '../../compiler/ir/interpret.ts';
import type { NdArray } from '../../compiler/ir/ndarray.ts';
import type { ArrayFunction, Node } from '../../compiler/ir/types.ts';
import type { Plan } from '../../compiler/plan/types.ts';
import { PLAN_VERSION } from '../../compiler/plan/types.ts';
import { createReferenceExecutor } from '../../compiler/plan/reference_executor.ts';
import { validatePlan } from '../../compiler/plan/validate.ts';
import type {
  ProcedureSource,
  Schedule,
  ScheduleOptions,
  VariableDeclaration,
} from '../../compiler/schedule/schedule.ts';
import { schedule } from '../../compiler/schedule/schedule.ts';
import { at } from '../../compiler/support/lists.ts';

export function functionOf(params: readonly Node[], results: readonly Node[], name = 'f'): ArrayFunction {
  return {
    name,
    inputs: params.map((_, i) => `x${i}`),
    outputs: results.map((_, i) => `y${i}`),
    region: { params, results },
  };
}

/** A procedure with a variable for every input (`x0`, …) and output (`y0`, …). */
export function procedureOf(fn: ArrayFunction): {
  readonly variables: VariableDeclaration[];
  readonly procedure: ProcedureSource;
} {
  const declare = (name: string, node: Node): VariableDeclaration => ({
    name,
    type: { dtype: node.dtype, shape: node.shape },
  });
  return {
    variables: [
      ...fn.inputs.map((name, i) => declare(name, at(fn.region.params, i))),
      ...fn.outputs.map((name, i) => declare(name, at(fn.region.results, i))),
    ],
    procedure: {
      name: fn.name,
      fn,
      inputs: Object.fromEntries(fn.inputs.map((n) => [n, n])),
      outputs: Object.fromEntries(fn.outputs.map((n) => [n, n])),
    },
  };
}

export function planOf(made: Schedule): Plan {
  return {
    version: PLAN_VERSION,
    name: 'test',
    precision: 'f64',
    buffers: made.buffers,
    kernels: made.kernels,
    procedures: made.procedures,
    script: { inputs: [], files: [], setup: [], runs: {}, tests: [], params: [], kept: [] },
    code: {},
    bytes: made.bytes,
  };
}

export function scheduleFunction(g: Graph, fn: ArrayFunction, options: ScheduleOptions = {}): Schedule {
  const { variables, procedure } = procedureOf(fn);
  return schedule(g, variables, [procedure], options);
}

export async function execute(
  made: Schedule,
  fn: ArrayFunction,
  inputs: readonly NdArray[],
): Promise<Float64Array[]> {
  const plan = planOf(made);
  validatePlan(plan);
  const executor = createReferenceExecutor(plan, { poison: true });
  for (const [i, name] of fn.inputs.entries())
    await executor.write(name, Float64Array.from(at(inputs, i).data));
  await executor.run(fn.name);
  const outputs: Float64Array[] = [];
  for (const name of fn.outputs) outputs.push(await executor.read(name));
  await executor.dispose();
  return outputs;
}

/** Schedules and runs the function; its outputs must be those of the interpreter, to the bit or (sums in another order) to a tolerance. */
export async function expectSame(
  g: Graph,
  fn: ArrayFunction,
  inputs: readonly NdArray[],
  { tolerance = 0, ...options }: ScheduleOptions & { readonly tolerance?: number } = {},
): Promise<Schedule> {
  const made = scheduleFunction(g, fn, options);
  const found = await execute(made, fn, inputs);
  const wanted = interpret(fn.region.results, new Map(fn.region.params.map((p, i) => [p, at(inputs, i)])));
  wanted.forEach((w, i) => {
    const f = at(found, i);
    expect(f.length, `size of output ${i}`).toBe(w.data.length);
    const scale = Math.max(1e-300, ...Array.from(w.data, Math.abs));
    w.data.forEach((x, j) => {
      const y = f[j] ?? NaN;
      const same = x === y || (Number.isNaN(x) && Number.isNaN(y)) || Math.abs(x - y) <= tolerance * scale;
      if (!same) expect.fail(`output ${i}[${j}]: ${y}, interpreter ${x}`);
    });
  });
  return made;
}
