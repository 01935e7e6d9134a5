// The buffers of a plan on a device. In: a plan. Out: a GPUBuffer for every buffer id, constants and initial values written, or a FlowError when the memory does not suffice.

import type { BufferType } from '../../compiler/kernel/types.ts';
import { BYTES } from '../../compiler/kernel/types.ts';
import type { Plan, PlanBuffer } from '../../compiler/plan/types.ts';
import { assertNever, InternalError } from '../../compiler/support/diagnostic.ts';
import { BufferUsage } from './constants.ts';
import type { GpuDevice } from './device.ts';
import { outOfMemory } from './trouble.ts';
import { showBytes } from '../../compiler/plan/print.ts';

export interface GpuVariable {
  readonly buffer: GPUBuffer;
  readonly type: BufferType;
  readonly length: number;
}

export interface GpuMemory {
  readonly bytes: number;
  buffer(id: number): GPUBuffer;
  variable(name: string): GpuVariable;
  destroy(): void;
}

/** At most this much is handed to the device in one write. */
const largestWrite = 64 * 1024 * 1024;

/** Numbers as elements of a 32-bit type. */
export function encodeElements(
  type: BufferType,
  data: ArrayLike<number>,
): Float32Array | Int32Array | Uint32Array {
  switch (type) {
    case 'f32':
      return Float32Array.from(data);
    case 'i32':
      return Int32Array.from(data);
    case 'u32':
      return Uint32Array.from(data);
    case 'f64':
      throw new InternalError('gpu', 'float64 data for a GPU');
    default:
      return assertNever(type);
  }
}

export function decodeElements(type: BufferType, bytes: ArrayBuffer, length: number): Float64Array {
  switch (type) {
    case 'f32':
      return Float64Array.from(new Float32Array(bytes, 0, length));
    case 'i32':
      return Float64Array.from(new Int32Array(bytes, 0, length));
    case 'u32':
      return Float64Array.from(new Uint32Array(bytes, 0, length));
    case 'f64':
      throw new InternalError('gpu', 'float64 data from a GPU');
    default:
      return assertNever(type);
  }
}

export async function allocateMemory(gpu: GpuDevice, plan: Plan): Promise<GpuMemory> {
  const { device } = gpu;
  const buffers = new Map<number, GPUBuffer>();
  const variables = new Map<string, GpuVariable>();
  const destroy = (): void => {
    for (const buffer of buffers.values()) buffer.destroy();
    buffers.clear();
  };
  refuseSoftware(gpu, plan);
  let bytes = 0;
  const usage = BufferUsage.storage | BufferUsage.copySource | BufferUsage.copyTarget;
  const scopes: Promise<{ readonly error: GPUError | null; readonly name: string }>[] = [];
  for (const buffer of plan.buffers) {
    const size = Math.max(4, Math.ceil(buffer.bytes / 4) * 4);
    bytes += size;
    device.pushErrorScope('out-of-memory');
    buffers.set(buffer.id, device.createBuffer({ label: buffer.name, size, usage }));
    scopes.push(device.popErrorScope().then((error) => ({ error, name: buffer.name })));
  }
  const refused = (await Promise.all(scopes)).find(({ error }) => error !== null);
  if (refused !== undefined) {
    destroy();
    throw outOfMemory(bytes, gpu.description, refused.name);
  }
  const trouble = gpu.trouble();
  if (trouble !== undefined) throw trouble;

  for (const buffer of plan.buffers) {
    const target = buffers.get(buffer.id);
    if (target === undefined || buffer.type === undefined) continue;
    if (buffer.initial !== undefined)
      writeBuffer(device, target, encodeElements(buffer.type, buffer.initial));
    if (buffer.role === 'variable')
      variables.set(buffer.name, {
        buffer: target,
        type: buffer.type,
        length: elementsOf(buffer, buffer.type),
      });
  }
  return {
    bytes,
    buffer(id) {
      return buffers.get(id) ?? missing(`buffer ${id}`, plan);
    },
    variable(name) {
      return variables.get(name) ?? missing(`variable ${name}`, plan);
    },
    destroy,
  };
}

/** A software adapter promises memory that the machine may not have, and the process is killed when it is touched. */
function refuseSoftware(gpu: GpuDevice, plan: Plan): void {
  if (!gpu.software || typeof process === 'undefined') return;
  const needed = plan.buffers.reduce((sum, buffer) => sum + buffer.bytes, 0);
  const available = availableMemory();
  if (needed > available)
    throw outOfMemory(needed, `${gpu.description}, with ${showBytes(available)} to spare`);
}

/** Bytes this process may still take: free memory, or what a container leaves of its limit. */
function availableMemory(): number {
  const { availableMemory: ask } = process as { readonly availableMemory?: () => number };
  return ask?.() ?? Infinity;
}

function elementsOf(buffer: PlanBuffer, type: BufferType): number {
  return buffer.shape?.reduce((n, extent) => n * extent, 1) ?? Math.floor(buffer.bytes / BYTES[type]);
}

function missing(what: string, plan: Plan): never {
  throw new InternalError('gpu', `no ${what} in ${plan.name}`);
}

export function writeBuffer(
  device: GPUDevice,
  target: GPUBuffer,
  data: Float32Array | Int32Array | Uint32Array,
): void {
  for (let start = 0; start < data.byteLength; start += largestWrite) {
    const size = Math.min(largestWrite, data.byteLength - start);
    device.queue.writeBuffer(target, start, data.buffer, data.byteOffset + start, size);
  }
}
