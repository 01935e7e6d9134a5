// The CPU part of the runtime: plans as WebAssembly on worker threads.

export { engineFeatures, type EngineFeatures } from './engine.ts';
export { createCpuExecutor, type CpuOptions } from './executor.ts';
