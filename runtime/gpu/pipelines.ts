// Shaders to pipelines. In: the kernels of a plan with their WGSL. Out: one pipeline a kernel, all compiled at the same time. A shader that the driver refuses is a bug of the
// compiler: the error names the kernel and shows the line of WGSL.

import { launchOf } from '../../compiler/kernel/launch.ts';
import type { Kernel } from '../../compiler/kernel/types.ts';
import { InternalError } from '../../compiler/support/diagnostic.ts';
import { ShaderStage } from './constants.ts';
import { workOf } from './work.ts';

export interface CompiledKernel {
  readonly kernel: Kernel;
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly grid: readonly [number, number];
  readonly work: number;
}

export async function compileKernels(
  device: GPUDevice,
  kernels: readonly { readonly kernel: Kernel; readonly wgsl: string }[],
): Promise<readonly CompiledKernel[]> {
  return Promise.all(kernels.map(({ kernel, wgsl }) => compileKernel(device, kernel, wgsl)));
}

async function compileKernel(device: GPUDevice, kernel: Kernel, wgsl: string): Promise<CompiledKernel> {
  const entries: GPUBindGroupLayoutEntry[] = kernel.buffers.map((buffer, binding) => ({
    binding,
    visibility: ShaderStage.compute,
    buffer: { type: buffer.access === 'read' ? 'read-only-storage' : 'storage' },
  }));
  if (kernel.uniforms.length > 0) {
    entries.push({
      binding: kernel.buffers.length,
      visibility: ShaderStage.compute,
      buffer: { type: 'uniform', hasDynamicOffset: true, minBindingSize: kernel.uniforms.length * 4 },
    });
  }
  const label = kernel.name;
  // Errors of this shader belong to this kernel, not to the device as a whole.
  device.pushErrorScope('validation');
  const layout = device.createBindGroupLayout({ label, entries });
  const pipelineLayout = device.createPipelineLayout({ label, bindGroupLayouts: [layout] });
  const module = device.createShaderModule({ label, code: wgsl });
  const refused = device.popErrorScope();
  const pipeline = device
    .createComputePipelineAsync({ label, layout: pipelineLayout, compute: { module, entryPoint: 'main' } })
    .catch((trouble: unknown) => trouble);
  const [error, made] = await Promise.all([refused, pipeline]);
  if (error !== null || !isPipeline(made)) {
    const why = error?.message ?? (made instanceof Error ? made.message : String(made));
    throw new InternalError('gpu', await explain(kernel, module, wgsl, why));
  }
  return { kernel, pipeline: made, layout, grid: launchOf(kernel).grid, work: workOf(kernel) };
}

function isPipeline(value: unknown): value is GPUComputePipeline {
  return typeof value === 'object' && value !== null && 'getBindGroupLayout' in value;
}

async function explain(kernel: Kernel, module: GPUShaderModule, wgsl: string, why: string): Promise<string> {
  const info = await module.getCompilationInfo();
  const lines = wgsl.split('\n');
  const problems = info.messages
    .filter((message) => message.type === 'error')
    .map(
      (message) =>
        `line ${message.lineNum}: ${message.message}\n  ${lines[message.lineNum - 1]?.trim() ?? ''}`,
    );
  const details = problems.length > 0 ? problems.join('\n') : why;
  return `the WGSL of kernel ${kernel.name} is refused:\n${details}`;
}
