// What a plan asks of a GPU beyond WebGPU's default limits. In: a plan. Out: the numbers a device must offer; a program that needs more than its adapter has is refused before anything runs.

import { BYTES } from '../../compiler/kernel/types.ts';
import type { Plan } from '../../compiler/plan/types.ts';

export interface GpuRequirements {
  /** Storage buffers of the kernel with most of them. */
  readonly storageBuffers: number;
  /** Bytes of the largest binding. */
  readonly bindingBytes: number;
  /** Bytes of the largest buffer. */
  readonly bufferBytes: number;
  /** Name of the largest buffer, for messages. */
  readonly largest: string;
}

/** Nothing beyond the default limits. */
export const noRequirements: GpuRequirements = {
  storageBuffers: 0,
  bindingBytes: 0,
  bufferBytes: 0,
  largest: '',
};

export function planRequirements(plan: Plan): GpuRequirements {
  let { storageBuffers, bindingBytes, bufferBytes, largest } = noRequirements;
  for (const kernel of plan.kernels) {
    storageBuffers = Math.max(storageBuffers, kernel.buffers.length);
    for (const buffer of kernel.buffers)
      bindingBytes = Math.max(bindingBytes, buffer.length * BYTES[buffer.type]);
  }
  for (const buffer of plan.buffers) {
    if (buffer.bytes <= bufferBytes) continue;
    bufferBytes = buffer.bytes;
    largest = buffer.name;
  }
  return { storageBuffers, bindingBytes, bufferBytes, largest };
}
