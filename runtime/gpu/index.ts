// The GPU part of the runtime: the only room that loads the package `webgpu`.

export {
  type AdapterInfo,
  findAdapter,
  type GpuDevice,
  type GpuOptions,
  inspectAdapter,
  openDevice,
} from './device.ts';
export { createGpuExecutor } from './executor.ts';
export { planRequirements, type GpuRequirements } from './requirements.ts';
