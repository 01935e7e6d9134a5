// The linear memory of a plan as variables: typed views, initial contents. In: a plan and the places of its buffers. Out: reads and writes of variables by name.

import { BYTES, type BufferType } from '../../compiler/kernel/types.ts';
import type { Plan, PlanBuffer } from '../../compiler/plan/types.ts';
import { assertNever, fail, InternalError } from '../../compiler/support/diagnostic.ts';

export interface PlanMemory {
  readonly memory: WebAssembly.Memory;
  read(variable: string): Float64Array;
  write(variable: string, data: Float64Array): void;
  readonly bytes: number;
}

const page = 65536;

type Numbers = Float32Array | Float64Array | Int32Array | Uint32Array;

export function createMemory(
  plan: Plan,
  variant: 'strict' | 'relaxed',
  threads: number,
  shared: boolean,
): PlanMemory {
  const layout = plan.code.wasm?.layout;
  const place = (key: string): number => {
    const value = layout?.[`${variant}.${key}`];
    if (value === undefined) throw new InternalError('cpu.memory', `the module has no place for ${key}`);
    return value;
  };
  const bytes = place('scratch') + threads * place('scratchBytes');
  const pages = Math.ceil(bytes / page);
  const memory = allocate(pages, shared);
  const variables = new Map<string, PlanBuffer>();

  const view = (buffer: PlanBuffer, type: BufferType): Numbers => {
    const start = place(`buffer.${buffer.id}`);
    const length = elements(buffer, type);
    switch (type) {
      case 'f32':
        return new Float32Array(memory.buffer, start, length);
      case 'f64':
        return new Float64Array(memory.buffer, start, length);
      case 'i32':
        return new Int32Array(memory.buffer, start, length);
      case 'u32':
        return new Uint32Array(memory.buffer, start, length);
      default:
        return assertNever(type);
    }
  };
  for (const buffer of plan.buffers) {
    if (buffer.role === 'variable') variables.set(buffer.name, buffer);
    if (buffer.initial !== undefined && buffer.type !== undefined)
      view(buffer, buffer.type).set(buffer.initial);
  }
  const variable = (name: string): Numbers => {
    const buffer = variables.get(name);
    if (buffer?.type === undefined)
      throw new InternalError('cpu.memory', `no variable ${name} in ${plan.name}`);
    return view(buffer, buffer.type);
  };
  return {
    memory,
    bytes: pages * page,
    read: (name) => Float64Array.from(variable(name)),
    write: (name, data) => {
      const target = variable(name);
      if (data.length !== target.length)
        throw new InternalError(
          'cpu.memory',
          `${name} has ${target.length} elements, is given ${data.length}`,
        );
      target.set(data);
    },
  };
}

function elements(buffer: PlanBuffer, type: BufferType): number {
  return buffer.shape?.reduce((n, extent) => n * extent, 1) ?? Math.floor(buffer.bytes / BYTES[type]);
}

function allocate(pages: number, shared: boolean): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: shared ? pages : 65536, shared });
  } catch {
    const size = (pages * page) / 1e6;
    return fail(
      'R052',
      `the ${size >= 1000 ? `${(size / 1000).toFixed(1)} GB` : `${Math.ceil(size)} MB`} of memory that this program needs could not be had from the system`,
      undefined,
      'close other programs, use fewer cells or steps, `precision f32`, or keep fewer states for the gradient: `adjoint: checkpoint(memory: "200 MB")`',
    );
  }
}
