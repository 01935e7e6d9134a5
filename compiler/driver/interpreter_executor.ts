// The executor that runs a program's array IR itself, in float64, before any kernel exists: the oracle of the targets, and `--target interpreter`.
// In: variables and procedures as the elaborator made them. Out: an Executor. A procedure reads all its variables before it writes any. bool variables are 0 and 1 to the outside.

import { prepareFunction } from '../ir/interpret.ts';
import { ndarray, type NdArray } from '../ir/ndarray.ts';
import { sizeOf, type ArrayFunction, type ArrayType } from '../ir/types.ts';
import type { Executor } from '../plan/types.ts';
import { InternalError } from '../support/diagnostic.ts';

export interface InterpretedVariable {
  readonly name: string;
  readonly type: ArrayType;
  /** Row-major; zeros when absent. */
  readonly initial?: Float64Array;
}

export interface InterpretedProcedure {
  readonly name: string;
  readonly fn: ArrayFunction;
  /** Input of `fn` -> variable. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Output of `fn` -> variable. */
  readonly outputs: Readonly<Record<string, string>>;
}

export interface InterpretedProgram {
  readonly variables: readonly InterpretedVariable[];
  readonly procedures: readonly InterpretedProcedure[];
}

const bytesOfElement = { f32: 8, f64: 8, i32: 4, u32: 4, bool: 1 } as const;

export function createInterpreterExecutor(program: InterpretedProgram): Executor {
  const memory = new Map<string, NdArray>();
  for (const { name, type, initial } of program.variables) {
    if (memory.has(name)) throw new InternalError('driver.interpreter', `two variables are called ${name}`);
    memory.set(name, ndarray(type.dtype, type.shape, initial ?? new Float64Array(sizeOf(type.shape))));
  }
  const sources = new Map(program.procedures.map((procedure) => [procedure.name, procedure]));
  /** Prepared when first called. */
  const calls = new Map<string, () => void>();

  const variable = (name: string): NdArray => {
    const value = memory.get(name);
    if (value === undefined) throw new InternalError('driver.interpreter', `there is no variable ${name}`);
    return value;
  };

  const call = (name: string): (() => void) => {
    const known = calls.get(name);
    if (known !== undefined) return known;
    const procedure = sources.get(name);
    if (procedure === undefined)
      throw new InternalError('driver.interpreter', `there is no procedure ${name}`);
    const evaluate = prepareFunction(procedure.fn);
    const made = (): void => {
      const inputs = Object.fromEntries(
        Object.entries(procedure.inputs).map(([input, from]) => [input, variable(from)]),
      );
      const outputs = evaluate(inputs);
      for (const [output, to] of Object.entries(procedure.outputs)) assign(procedure, output, to, outputs);
    };
    calls.set(name, made);
    return made;
  };

  const assign = (
    procedure: InterpretedProcedure,
    output: string,
    to: string,
    outputs: Readonly<Record<string, NdArray>>,
  ): void => {
    const value = outputs[output];
    const old = variable(to);
    if (value === undefined || value.dtype !== old.dtype || value.data.length !== old.data.length)
      throw new InternalError(
        'driver.interpreter',
        `${procedure.name} writes ${output} to ${to}, which is of another type`,
      );
    memory.set(to, { dtype: old.dtype, shape: old.shape, data: value.data });
  };

  return {
    description: 'interpreter (float64)',
    target: 'interpreter',
    bytes: program.variables.reduce(
      (sum, { type }) => sum + sizeOf(type.shape) * bytesOfElement[type.dtype],
      0,
    ),
    async run(name, times = 1) {
      const procedure = call(name);
      for (let i = 0; i < times; i++) procedure();
    },
    async read(name) {
      return Float64Array.from(variable(name).data);
    },
    async write(name, data) {
      const { dtype, shape } = variable(name);
      if (data.length !== sizeOf(shape))
        throw new InternalError(
          'driver.interpreter',
          `${name} has ${sizeOf(shape)} elements, is given ${data.length}`,
        );
      const values = dtype === 'bool' ? data.map((x) => (x === 0 ? 0 : 1)) : data;
      memory.set(name, ndarray(dtype, shape, values));
    },
    async dispose() {
      memory.clear();
      calls.clear();
    },
  };
}
