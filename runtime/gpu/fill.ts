// The one shader of the runtime itself: fills a range of a buffer with a 32-bit pattern other than zero (zero is a command of WebGPU).

import { ShaderStage } from './constants.ts';
import { workOfLaunch } from './work.ts';

const source = `
struct Range {
  offset: u32,
  length: u32,
  bits: u32,
}
@group(0) @binding(0) var<storage, read_write> elements: array<u32>;
@group(0) @binding(1) var<uniform> range: Range;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup_id: vec3<u32>, @builtin(local_invocation_index) local_index: u32) {
  let i = (workgroup_id.y * 65535u + workgroup_id.x) * 256u + local_index;
  if (i < range.length) {
    elements[range.offset + i] = range.bits;
  }
}
`;

export interface FillPipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

export async function createFillPipeline(device: GPUDevice): Promise<FillPipeline> {
  const label = 'fill';
  const layout = device.createBindGroupLayout({
    label,
    entries: [
      { binding: 0, visibility: ShaderStage.compute, buffer: { type: 'storage' } },
      {
        binding: 1,
        visibility: ShaderStage.compute,
        buffer: { type: 'uniform', hasDynamicOffset: true, minBindingSize: 12 },
      },
    ],
  });
  const pipeline = await device.createComputePipelineAsync({
    label,
    layout: device.createPipelineLayout({ label, bindGroupLayouts: [layout] }),
    compute: { module: device.createShaderModule({ label, code: source }), entryPoint: 'main' },
  });
  return { pipeline, layout };
}

/** Grid and work for `length` elements. */
export function fillLaunch(length: number): {
  readonly grid: readonly [number, number];
  readonly work: number;
} {
  const workgroups = Math.ceil(length / 256);
  const grid: readonly [number, number] =
    workgroups <= 65535 ? [workgroups, 1] : [65535, Math.ceil(workgroups / 65535)];
  return { grid, work: workOfLaunch + length };
}
