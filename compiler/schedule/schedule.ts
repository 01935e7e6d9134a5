// Array IR functions to kernels, steps and buffers: the middle of the compiler.
//
// In: the functions of a program as procedures over named variables. Out: kernels (shared between procedures), the steps of every procedure, and a memory plan whose peak is known.
// A procedure behaves as if it read all its inputs before it wrote any output, also when both are one variable.

import { InternalError } from '../support/diagnostic.ts';
import { at } from '../support/lists.ts';
import type { Kernel } from '../kernel/types.ts';
import type { PlanBuffer, Procedure, Step } from '../plan/types.ts';
import type { Graph } from '../ir/graph.ts';
import type { ArrayFunction, ArrayType, Node } from '../ir/types.ts';
import { sameShape, showType, sizeOf } from '../ir/types.ts';
import { Emitter } from './emit.ts';
import { TooManyBuffers, isSmallVariable } from './emit_map.ts';
import type { Contents } from './memory.ts';
import { liftSums } from './lift_sums.ts';
import { prepareFunction } from './prepare.ts';
import { assignBuffers, planMemory } from './memory.ts';
import type { ScheduleReport } from './report.ts';
import { reportOf } from './report.ts';
import type { Environment, Location, Storage } from './storage.ts';
import { bufferType, whole } from './storage.ts';

export type { ScheduleReport } from './report.ts';

/** A named array that lives across procedures. bool is stored as u32. */
export interface VariableDeclaration {
  readonly name: string;
  readonly type: ArrayType;
  readonly initial?: Float64Array;
  readonly role?: 'variable' | 'constant';
}

export interface ProcedureSource {
  readonly name: string;
  readonly fn: ArrayFunction;
  /** Function input -> variable. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Function output -> variable. */
  readonly outputs: Readonly<Record<string, string>>;
}

export interface ScheduleOptions {
  /** Storage buffers a kernel may have; WebGPU guarantees 8. */
  readonly maxBuffers?: number;
  /** Operations saved that make up for storing a value. */
  readonly storeCost?: number;
  /** Whether loops of few values may run inside one kernel (default true). */
  readonly threads?: boolean;
  /** Values of at most this many elements are computed one after another by a single thread (default 32). */
  readonly serial?: number;
  /** Bytes that one binding may span (default 128 MiB, which WebGPU guarantees). */
  readonly maxBinding?: number;
  /** Bytes of memory of its own that a thread of an ensemble may use (default 2 KiB, which a GPU keeps near its cores). */
  readonly ownBytes?: number;
}

export interface Schedule {
  readonly buffers: readonly PlanBuffer[];
  readonly kernels: readonly Kernel[];
  readonly procedures: Readonly<Record<string, Procedure>>;
  /** Of all buffers. */
  readonly bytes: number;
  readonly report: ScheduleReport;
}

export function schedule(
  graph: Graph,
  variables: readonly VariableDeclaration[],
  procedures: readonly ProcedureSource[],
  options: ScheduleOptions = {},
): Schedule {
  const emitter = new Emitter({
    maxBuffers: options.maxBuffers ?? 8,
    storeCost: options.storeCost ?? 64,
    threads: options.threads ?? true,
    serial: options.serial ?? 32,
    maxBinding: options.maxBinding ?? 2 ** 27,
    ownBytes: options.ownBytes ?? 2 ** 11,
  });
  const contents = new Map<Storage, Contents>();
  const storageOf = new Map<string, { readonly storage: Storage; readonly type: ArrayType }>();
  for (const { name, type, initial, role } of variables) {
    const storage = emitter.storage(role ?? 'variable', name, bufferType(type.dtype), sizeOf(type.shape));
    contents.set(storage, { shape: type.shape, ...(initial === undefined ? {} : { initial }) });
    storageOf.set(name, { storage, type });
  }
  const locate = (name: string, node: Node, procedure: string): Location => {
    const known = storageOf.get(name);
    if (known === undefined) throw new InternalError('schedule', `${procedure}: no variable ${name}`);
    if (!sameShape(known.type.shape, node.shape) || bufferType(known.type.dtype) !== bufferType(node.dtype))
      throw new InternalError(
        'schedule',
        `${procedure}: variable ${name} is ${showType(known.type)}, the value ${showType(node)}`,
      );
    return whole(known.storage);
  };

  const stepsOf = new Map<string, Step[]>();
  const prepared = procedures.map((given) => ({
    ...given,
    fn: prepareFunction(
      graph,
      liftSums(graph, given.fn, emitter.strategies),
      emitter.strategies,
      emitter.options.ownBytes,
    ),
  }));
  for (const { fn } of prepared) emitter.decisions.add(fn);
  for (const source of prepared) {
    const write = (packVariables: boolean): Step[] => emitProcedure(emitter, source, locate, packVariables);
    let steps: Step[];
    try {
      steps = write(false);
    } catch (error) {
      if (!(error instanceof TooManyBuffers)) throw error;
      steps = write(true);
    }
    stepsOf.set(source.name, steps);
  }

  for (const [storage, data] of emitter.constantData) {
    const initial = new Float64Array(storage.length);
    initial.set(data);
    contents.set(storage, { shape: [storage.length], initial });
  }
  const kernels = emitter.library.keepUsed([...stepsOf.values()]);
  const memory = planMemory(emitter.storages, [...stepsOf.values()], contents);
  const done: Record<string, Procedure> = {};
  for (const [name, steps] of stepsOf)
    done[name] = { name, steps: assignBuffers(steps, memory.bufferOf, kernels.numberOf) };
  return {
    buffers: memory.buffers,
    kernels: kernels.kernels,
    procedures: done,
    bytes: memory.bytes,
    report: reportOf(kernels.kernels, done, memory.buffers, emitter.loopFacts),
  };
}

/**
 * The steps of one procedure. With `packVariables` its small variables are copied to the packed small values before it begins, and its small results from there when it ends: a kernel
 * that needs a dozen of them binds one buffer.
 */
function emitProcedure(
  emitter: Emitter,
  { name, fn, inputs, outputs }: ProcedureSource,
  locate: (variable: string, node: Node, procedure: string) => Location,
  packVariables: boolean,
): Step[] {
  emitter.beginProcedure(name, packVariables);
  const block: Step[] = [];
  const packed = ({ storage }: Location): Location | undefined =>
    packVariables && isSmallVariable(storage) ? emitter.packed(storage.type, storage.length) : undefined;
  const environment: Environment = new Map();
  fn.inputs.forEach((input, i) => {
    const variable = inputs[input];
    if (variable === undefined)
      throw new InternalError('schedule', `${name}: input ${input} has no variable`);
    const param = at(fn.region.params, i);
    const location = locate(variable, param, name);
    const inside = packed(location);
    if (inside !== undefined) emitter.copy(location, inside, location.storage.length, block);
    environment.set(param, inside ?? location);
  });
  const after: (() => void)[] = [];
  const targets = fn.outputs.map((output, i) => {
    const variable = outputs[output];
    if (variable === undefined) return undefined;
    const location = locate(variable, at(fn.region.results, i), name);
    const inside = packed(location);
    if (inside !== undefined)
      after.push(() => emitter.copy(inside, location, location.storage.length, block));
    return inside ?? location;
  });
  emitter.region(emitter.plan(fn.region, fn.region.results.length, []), environment, targets, block, true);
  for (const copy of after) copy();
  return block;
}
