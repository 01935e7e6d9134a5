// The executor of a plan on a GPU. In: a plan with WGSL and an open device. Out: an Executor. Nothing runs before everything that can be refused (precision, limits, memory, shaders) has been
// accepted. Procedures are compiled to actions on first use; calls are taken one after another.

import type { Executor, Plan } from '../../compiler/plan/types.ts';
import { InternalError } from '../../compiler/support/diagnostic.ts';
import { at } from '../../compiler/support/lists.ts';
import { BufferUsage, MapMode } from './constants.ts';
import type { GpuDevice } from './device.ts';
import { createFillPipeline } from './fill.ts';
import { allocateMemory, decodeElements, encodeElements, writeBuffer } from './memory.ts';
import { compileKernels } from './pipelines.ts';
import { Recorder } from './recorder.ts';
import { planRequirements } from './requirements.ts';
import { StepCompiler, type Action } from './steps.ts';
import { limitExceeded, noFloat64 } from './trouble.ts';
import { showBytes } from '../../compiler/plan/print.ts';

/** Largest piece that is mapped at a time when a variable is read. */
const largestRead = 64 * 1024 * 1024;

export async function createGpuExecutor(plan: Plan, gpu: GpuDevice): Promise<Executor> {
  refuse(plan, gpu);
  const { device } = gpu;
  const shaders = plan.kernels.map((kernel, i) => {
    const wgsl = plan.code.wgsl?.[i];
    if (wgsl === undefined)
      throw new InternalError('gpu', `the plan ${plan.name} has no WGSL for ${kernel.name}`);
    return { kernel, wgsl };
  });
  const [kernels, fillPipeline] = await Promise.all([
    compileKernels(device, shaders),
    createFillPipeline(device),
  ]);
  const memory = await allocateMemory(gpu, plan);
  const recorder = new Recorder(device);
  const procedures = new Map<string, Action>();
  let word: GPUBuffer | undefined;
  let scratchBuffer: GPUBuffer | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let disposed = false;

  function check(): void {
    const trouble = gpu.trouble();
    if (trouble !== undefined) throw trouble;
    if (disposed) throw new InternalError('gpu', `${plan.name} was disposed of`);
  }

  /** Calls are executed in order, one at a time. */
  function inOrder<T>(task: () => Promise<T>): Promise<T> {
    const result = last.then(async () => {
      check();
      const value = await guarded(task);
      check();
      return value;
    });
    last = result.catch(() => undefined);
    return result;
  }

  /** A device that is lost rejects whatever is awaited; the cause is the better message. */
  async function guarded<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      // The event that tells why may arrive after the rejection.
      await Promise.resolve();
      throw gpu.trouble() ?? error;
    }
  }

  function mappable(size: number): GPUBuffer {
    return device.createBuffer({ label: 'read', size, usage: BufferUsage.mapRead | BufferUsage.copyTarget });
  }

  async function readWord(buffer: GPUBuffer): Promise<number> {
    const target = (word ??= mappable(4));
    recorder.copy(buffer, 0, target, 0, 4);
    recorder.submit();
    await target.mapAsync(MapMode.read);
    const value = new Uint32Array(target.getMappedRange())[0] ?? 0;
    target.unmap();
    return value;
  }

  function scratch(bytes: number): GPUBuffer {
    if (scratchBuffer !== undefined && scratchBuffer.size >= bytes) return scratchBuffer;
    // What has been recorded may still copy through the old one.
    recorder.submit();
    scratchBuffer?.destroy();
    scratchBuffer = device.createBuffer({
      label: 'scratch',
      size: bytes,
      usage: BufferUsage.copySource | BufferUsage.copyTarget,
    });
    return scratchBuffer;
  }

  const compiler = new StepCompiler({
    device,
    recorder,
    memory,
    kernel: (index) => at(kernels, index),
    fill: () => fillPipeline,
    readWord,
    scratch,
  });

  function procedure(name: string): Action {
    let action = procedures.get(name);
    if (action === undefined) {
      const found = plan.procedures[name];
      if (found === undefined) throw new InternalError('gpu', `no procedure ${name} in ${plan.name}`);
      action = compiler.compile(found.steps);
      procedures.set(name, action);
    }
    return action;
  }

  async function readVariable(name: string): Promise<Float64Array> {
    const { buffer, type, length } = memory.variable(name);
    const result = new Float64Array(length);
    const most = largestRead / 4;
    for (let start = 0; start < length; start += most) {
      const count = Math.min(most, length - start);
      const target = mappable(count * 4);
      recorder.copy(buffer, start * 4, target, 0, count * 4);
      recorder.submit();
      await target.mapAsync(MapMode.read);
      result.set(decodeElements(type, target.getMappedRange(), count), start);
      target.unmap();
      target.destroy();
    }
    return result;
  }

  return {
    description: `GPU: ${gpu.description}`,
    target: 'gpu',
    get bytes() {
      return memory.bytes + recorder.uniforms.bytes;
    },
    run: (name, times = 1) =>
      inOrder(async () => {
        const action = procedure(name);
        for (let i = 0; i < times; i++) {
          const wait = action();
          if (wait !== undefined) await wait;
          if (recorder.crowded) await recorder.room();
        }
        recorder.submit();
      }),
    read: (name) => inOrder(() => readVariable(name)),
    write: (name, data) =>
      inOrder(async () => {
        const { buffer, type, length } = memory.variable(name);
        if (data.length !== length)
          throw new InternalError('gpu', `${name} has ${length} elements, is given ${data.length}`);
        recorder.submit();
        writeBuffer(device, buffer, encodeElements(type, data));
      }),
    async dispose() {
      await last;
      if (disposed) return;
      disposed = true;
      if (gpu.trouble() === undefined) await recorder.idle();
      memory.destroy();
      recorder.destroy();
      word?.destroy();
      scratchBuffer?.destroy();
    },
  };
}

/** What a device of these limits cannot run. */
function refuse(plan: Plan, gpu: GpuDevice): void {
  const usesF64 =
    plan.precision === 'f64' || plan.kernels.some((k) => k.buffers.some((b) => b.type === 'f64'));
  if (usesF64) throw noFloat64();
  const needs = planRequirements(plan);
  const has = gpu.device.limits;
  const limits = [
    ['a kernel with a number of arrays', needs.storageBuffers, has.maxStorageBuffersPerShaderStage, String],
    ['an array', needs.bindingBytes, has.maxStorageBufferBindingSize, showBytes],
    [`an array (${needs.largest})`, needs.bufferBytes, has.maxBufferSize, showBytes],
  ] as const;
  for (const [what, wanted, offered, show] of limits) {
    if (wanted > offered)
      throw limitExceeded(what, show(wanted), `at most ${show(offered)}`, gpu.description);
  }
}
