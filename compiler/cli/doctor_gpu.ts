// The GPU part of `flowc doctor`. In: nothing but the machine. Out: a GpuReport: the adapter that a run would take, its limits,
// or why there is none and what to install. The runtime's GPU room does the asking; trouble it throws becomes part of the report.

import type { AdapterInfo } from '../../runtime/gpu/index.ts';
import { FlowError } from '../support/diagnostic.ts';

export interface GpuReport {
  readonly adapter?: AdapterInfo;
  /** Why there is none. */
  readonly trouble?: string;
  readonly advice: readonly string[];
}

/** The limits that decide which kernels fit, in the order of printing, and whether they are bytes. */
export const reportedLimits: readonly { readonly name: string; readonly bytes: boolean }[] = [
  { name: 'maxBufferSize', bytes: true },
  { name: 'maxStorageBufferBindingSize', bytes: true },
  { name: 'maxStorageBuffersPerShaderStage', bytes: false },
  { name: 'maxComputeWorkgroupStorageSize', bytes: true },
  { name: 'maxComputeInvocationsPerWorkgroup', bytes: false },
  { name: 'maxComputeWorkgroupSizeX', bytes: false },
  { name: 'maxComputeWorkgroupsPerDimension', bytes: false },
];

/** Features that kernels can profit from. */
export const reportedFeatures: readonly string[] = ['shader-f16', 'subgroups', 'timestamp-query'];

const softwareAdvice =
  'The only adapter is software: good for tests, slower than the CPU target, so "--target auto" leaves it alone. ' +
  "If this machine has a GPU, install its vendor's driver.";

/** Asks for the adapter; never throws. */
export async function inspectGpu(): Promise<GpuReport> {
  // Loaded here, so that the rest of the report does not depend on it.
  const { inspectAdapter } = await import('../../runtime/gpu/index.ts');
  try {
    return reportOf(await inspectAdapter());
  } catch (trouble) {
    return reportOfTrouble(trouble);
  }
}

export function reportOf(adapter: AdapterInfo): GpuReport {
  return { adapter, advice: adapter.software ? [softwareAdvice] : [] };
}

/** The first message, and its help as advice: one entry a half-sentence. */
export function reportOfTrouble(trouble: unknown): GpuReport {
  if (!(trouble instanceof FlowError)) {
    return { trouble: trouble instanceof Error ? trouble.message : String(trouble), advice: [] };
  }
  const [first] = trouble.diagnostics;
  return {
    trouble: first?.message ?? trouble.message,
    advice: (first?.help ?? '').split('; ').filter(Boolean),
  };
}
