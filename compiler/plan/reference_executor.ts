// The oracle of the plan: executes every kind of step on typed arrays, with kernels compiled by `evaluate.ts`. In: a plan. Out: an Executor. Slow and single-threaded on
// purpose: what a GPU or CPU executor does must equal what happens here (to the bit on integers, to rounding on floats).
//
// Memory: under rounding `f32` a buffer is its bytes, as on a device. Under `f64` each buffer holds one array for every element type it is used with (f32 elements become float64),
// so a slot that serves i32 and f32 values by turns works as long as no value is read as another type than it was written with.

import { BYTES, type BufferType } from '../kernel/types.ts';
import type { Affine, BufferRange, Executor, Plan, Step } from './types.ts';
import { assertNever, InternalError } from '../support/diagnostic.ts';
import { at, get } from '../support/lists.ts';
import { revolveActions, snapshotPositions } from '../support/revolve.ts';
import {
  compileKernel,
  kernelArray,
  type KernelArray,
  type KernelFunction,
  type Rounding,
} from '../kernel/evaluate.ts';

export interface ReferenceOptions {
  /** Default `f64`. */
  readonly rounding?: Rounding;
  /** Fills float slots with NaN before every procedure, so that reading what was never written shows. Default false. */
  readonly poison?: boolean;
}

type Counters = ReadonlyMap<number, number>;

/** Memory of one buffer, seen as elements of a type. */
type Memory = (type: BufferType) => KernelArray;

function byteMemory(bytes: number): Memory {
  const memory = new ArrayBuffer(Math.ceil(bytes / 8) * 8);
  const views = {
    f32: new Float32Array(memory, 0, Math.floor(bytes / 4)),
    f64: new Float64Array(memory, 0, Math.floor(bytes / 8)),
    i32: new Int32Array(memory, 0, Math.floor(bytes / 4)),
    u32: new Uint32Array(memory, 0, Math.floor(bytes / 4)),
  };
  return (type) => views[type];
}

function typedMemory(bytes: number): Memory {
  const made = new Map<BufferType, KernelArray>();
  return (type) => {
    let array = made.get(type);
    if (array === undefined) {
      array = kernelArray(type, 'f64', Math.floor(bytes / BYTES[type]));
      made.set(type, array);
    }
    return array;
  };
}

function evaluateAffine(affine: Affine, counters: Counters): number {
  let value = affine.constant;
  for (const { loop, scale } of affine.terms) value += scale * get(counters, loop);
  return value;
}

export function createReferenceExecutor(plan: Plan, options: ReferenceOptions = {}): Executor {
  const rounding = options.rounding ?? 'f64';
  const memory = new Map<number, Memory>();
  const variables = new Map<
    string,
    { readonly id: number; readonly type: BufferType; readonly length: number }
  >();
  const compiled = new Map<number, KernelFunction>();

  for (const buffer of plan.buffers) {
    memory.set(buffer.id, rounding === 'f32' ? byteMemory(buffer.bytes) : typedMemory(buffer.bytes));
    if (buffer.type === undefined) continue;
    const length = Math.floor(buffer.bytes / BYTES[buffer.type]);
    if (buffer.initial !== undefined) view(buffer.id, buffer.type).set(buffer.initial);
    if (buffer.role === 'variable') {
      const elements = buffer.shape?.reduce((n, extent) => n * extent, 1) ?? length;
      variables.set(buffer.name, { id: buffer.id, type: buffer.type, length: elements });
    }
  }

  function view(id: number, type: BufferType): KernelArray {
    return get(memory, id)(type);
  }

  function range(r: BufferRange, counters: Counters): KernelArray {
    const whole = view(r.buffer, r.type);
    const offset = evaluateAffine(r.offset, counters);
    if (offset < 0 || offset + r.length > whole.length)
      throw new InternalError(
        'plan.execute',
        `range ${offset}..${offset + r.length} of buffer ${r.buffer}, which has ${whole.length} elements`,
      );
    return whole.subarray(offset, offset + r.length);
  }

  function copy(from: KernelArray, to: KernelArray): void {
    if (from.length !== to.length)
      throw new InternalError('plan.execute', `copy of ${from.length} elements to ${to.length}`);
    to.set(from);
  }

  function kernelFunction(index: number): KernelFunction {
    let run = compiled.get(index);
    if (run === undefined) {
      run = compileKernel(at(plan.kernels, index), rounding);
      compiled.set(index, run);
    }
    return run;
  }

  /** The first element of a u32 buffer. */
  function flag(id: number): boolean {
    return view(id, 'u32')[0] !== 0;
  }

  function runSteps(steps: readonly Step[], counters: Counters): void {
    for (const step of steps) runStep(step, counters);
  }

  function runStep(step: Step, counters: Counters): void {
    switch (step.kind) {
      case 'dispatch': {
        const kernel = at(plan.kernels, step.kernel);
        const buffers = kernel.buffers.map((b, i) => view(at(step.buffers, i), b.type));
        kernelFunction(step.kernel)(
          buffers,
          step.uniforms.map((u) => evaluateAffine(u, counters)),
        );
        return;
      }
      case 'copy':
        copy(range(step.from, counters), range(step.to, counters));
        return;
      case 'fill':
        range(step.to, counters).fill(step.value);
        return;
      case 'loop':
        for (let i = 0; i < step.count; i++) runSteps(step.body, bind(counters, step.id, i));
        return;
      case 'while': {
        let turns = 0;
        for (; ; turns++) {
          const inner = bind(counters, step.id, turns);
          runSteps(step.test, inner);
          if (!flag(step.condition) || turns >= step.limit) break;
          runSteps(step.body, inner);
        }
        if (step.turns !== undefined) view(step.turns, 'i32')[0] = turns;
        return;
      }
      case 'if':
        runSteps(flag(step.condition) ? step.then : step.else, counters);
        return;
      case 'snapshot': {
        const slot = snapshotPositions(step.length, step.slots).indexOf(evaluateAffine(step.index, counters));
        if (slot < 0) return;
        step.state.forEach((r, i) => {
          const to = view(at(step.snapshots, i), r.type);
          copy(range(r, counters), to.subarray(slot * r.length, (slot + 1) * r.length));
        });
        return;
      }
      case 'reverse': {
        const state = step.state.map((r) => range(r, counters));
        const slot = (s: number) =>
          step.snapshots.map((id, i) => {
            const { type, length } = at(step.state, i);
            return view(id, type).subarray(s * length, (s + 1) * length);
          });
        for (const action of revolveActions(step.length, step.slots)) {
          if (action.kind === 'restore') slot(action.slot).forEach((from, i) => copy(from, at(state, i)));
          else if (action.kind === 'store') slot(action.slot).forEach((to, i) => copy(at(state, i), to));
          else if (action.kind === 'advance')
            for (let i = action.from; i < action.to; i++) runSteps(step.forward, bind(counters, step.id, i));
          else runSteps(step.backward, bind(counters, step.id, action.step));
        }
        return;
      }
      default:
        assertNever(step);
    }
  }

  function poisonSlots(): void {
    for (const buffer of plan.buffers) {
      if (buffer.role !== 'slot') continue;
      get(memory, buffer.id)('f32').fill(NaN);
      if (plan.precision === 'f64') get(memory, buffer.id)('f64').fill(NaN);
    }
  }

  function variable(name: string): { id: number; type: BufferType; length: number } {
    const found = variables.get(name);
    if (found === undefined) throw new InternalError('plan.execute', `no variable ${name} in ${plan.name}`);
    return found;
  }

  return {
    description: `interpreter (${rounding === 'f64' ? 'float64' : 'float32'})`,
    target: 'interpreter',
    bytes: plan.bytes,
    async run(name, times = 1) {
      const procedure = plan.procedures[name];
      if (procedure === undefined)
        throw new InternalError('plan.execute', `no procedure ${name} in ${plan.name}`);
      for (let i = 0; i < times; i++) {
        if (options.poison === true) poisonSlots();
        runSteps(procedure.steps, new Map());
      }
    },
    async read(name) {
      const { id, type, length } = variable(name);
      return Float64Array.from(view(id, type).subarray(0, length));
    },
    async write(name, data) {
      const { id, type, length } = variable(name);
      if (data.length !== length)
        throw new InternalError('plan.execute', `${name} has ${length} elements, is given ${data.length}`);
      view(id, type).set(data);
    },
    async dispose() {
      memory.clear();
    },
  };
}

function bind(counters: Counters, id: number, value: number): Counters {
  return new Map(counters).set(id, value);
}
