// The GPU part of the runtime: the only room that loads the package `webgpu`.

export { findAdapter, openDevice, type GpuDevice, type GpuOptions } from './device.ts';
export { createGpuExecutor } from './executor.ts';
export { planRequirements, type GpuRequirements } from './requirements.ts';
