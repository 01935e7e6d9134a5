// A WebGPU device for the runtime. In: what the plan needs beyond the default limits. Out: a GpuDevice, or a FlowError that says what to install or what does not fit.
//
// Lifetime: Dawn (package `webgpu`) crashes when the object that `create` returns is collected while anything made from it is still reachable or on its way out, which no order of
// dropping references can exclude. So one such object is made per set of flags and kept for the life of the process. It does not keep Node from exiting: live devices do, until `dispose`
// destroys them. In a browser `navigator.gpu` takes its place.
//
// The default limits of WebGPU are requested, larger ones only where the plan needs them: what runs here runs on every device.

import { InternalError, type FlowError } from '../../compiler/support/diagnostic.ts';
import { noRequirements, type GpuRequirements } from './requirements.ts';
import { deviceLost, limitExceeded, noAdapter, noPackage } from './trouble.ts';
import { showBytes } from '../../compiler/plan/print.ts';

export interface GpuOptions {
  readonly requirements?: GpuRequirements;
  /** Dawn's backend: `vulkan`, `metal`, `d3d12`, `null` (compiles shaders, computes nothing), …; default: the platform's own. */
  readonly backend?: string;
  /** Part of an adapter's name, when there are several. */
  readonly adapter?: string;
  /** Refuses software adapters (llvmpipe, SwiftShader, WARP). */
  readonly hardwareOnly?: boolean;
}

export interface GpuDevice {
  readonly device: GPUDevice;
  /** `NVIDIA RTX 4090`, `llvmpipe (software)`. */
  readonly description: string;
  readonly software: boolean;
  /** The error if the device is lost or has refused something, else undefined. */
  trouble(): Error | undefined;
  /** Destroys the device, so that Node can exit. */
  dispose(): void;
}

/** Tells whether there is an adapter, and which; throws as `openDevice` does. Makes no device. */
export async function findAdapter(
  options: GpuOptions = {},
): Promise<{ readonly description: string; readonly software: boolean }> {
  const gpu = await entry(options);
  const adapter = await requestAdapter(gpu, options);
  return describeAdapter(adapter.info);
}

/** What an adapter says of itself, as plain data. */
export interface AdapterInfo {
  readonly description: string;
  readonly software: boolean;
  readonly vendor: string;
  readonly architecture: string;
  /** The whole name the driver gives, with versions. */
  readonly driver: string;
  /** Dawn's backend, or `browser`. */
  readonly backend: string;
  readonly limits: Readonly<Record<string, number>>;
  readonly features: readonly string[];
}

/** All about the adapter that `findAdapter` tells in short; throws as `openDevice` does. Makes no device. */
export async function inspectAdapter(options: GpuOptions = {}): Promise<AdapterInfo> {
  const gpu = await entry(options);
  const { info, limits, features } = await requestAdapter(gpu, options);
  const limitNames = Object.getOwnPropertyNames(Object.getPrototypeOf(limits)).filter((name) =>
    name.startsWith('m'),
  );
  return {
    ...describeAdapter(info),
    vendor: info.vendor,
    architecture: info.architecture,
    driver: info.description,
    backend: options.backend ?? nativeBackend(platform()) ?? platform(),
    limits: Object.fromEntries(limitNames.map((name) => [name, Number(Reflect.get(limits, name))])),
    features: [...features].sort(),
  };
}

export async function openDevice(options: GpuOptions = {}): Promise<GpuDevice> {
  const adapter = await requestAdapter(await entry(options), options);
  const { description, software } = describeAdapter(adapter.info);
  const requiredLimits = limitsFor(options.requirements ?? noRequirements, adapter.limits, description);
  const device = await adapter.requestDevice({ label: 'flowc', requiredLimits });
  let trouble: Error | undefined;
  device.addEventListener('uncapturederror', (event) => {
    trouble ??= new InternalError('gpu', event.error.message);
  });
  void device.lost.then((info) => {
    if (info.reason !== 'destroyed') trouble = deviceLost(info.message, description);
  });
  return {
    device,
    description,
    software,
    trouble: () => trouble,
    dispose() {
      trouble ??= new InternalError('gpu', 'the device has been disposed of');
      device.destroy();
    },
  };
}

/** Dawn's entry points by their flags; never emptied (see the head of this file). */
const entryPoints = new Map<string, GPU>();

/** The GPU entry point: the browser's, or Dawn's. */
async function entry(options: GpuOptions): Promise<GPU> {
  const browser = (globalThis as { readonly navigator?: { readonly gpu?: GPU } }).navigator?.gpu;
  if (browser !== undefined && options.backend === undefined) return browser;
  let dawn: typeof import('webgpu');
  try {
    dawn = await import('webgpu');
  } catch (trouble) {
    throw noPackage(firstLine(trouble));
  }
  const backend = options.backend ?? nativeBackend(platform());
  const flags = [
    ...(backend === undefined ? [] : [`backend=${backend}`]),
    ...(options.adapter === undefined ? [] : [`adapter=${options.adapter}`]),
  ];
  const key = flags.join(' ');
  const known = entryPoints.get(key);
  if (known !== undefined) return known;
  const made = dawn.create(flags);
  entryPoints.set(key, made);
  return made;
}

function platform(): string {
  return typeof process === 'undefined' ? 'browser' : process.platform;
}

function nativeBackend(name: string): string | undefined {
  if (name === 'darwin') return 'metal';
  if (name === 'win32') return 'd3d12';
  return name === 'linux' ? 'vulkan' : undefined;
}

async function requestAdapter(gpu: GPU, options: GpuOptions): Promise<GPUAdapter> {
  let adapter: GPUAdapter | null;
  try {
    adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  } catch (trouble) {
    throw noAdapter(platform(), firstLine(trouble));
  }
  if (adapter === null) throw noAdapter(platform(), 'none offered by the driver');
  const { software, description } = describeAdapter(adapter.info);
  if (software && options.hardwareOnly === true) throw noAdapter(platform(), `only ${description}`);
  return adapter;
}

function firstLine(trouble: unknown): string {
  const text = trouble instanceof Error ? trouble.message : String(trouble);
  return text.split('\n')[0] ?? '';
}

function describeAdapter(info: GPUAdapterInfo): { description: string; software: boolean } {
  const names = `${info.architecture} ${info.device} ${info.description}`;
  const software =
    info.isFallbackAdapter ||
    /llvmpipe|lavapipe|swiftshader|microsoft basic render|\bwarp\b|\bsoftware\b/i.test(names);
  const known = /llvmpipe|swiftshader/i.exec(names)?.[0];
  const name =
    known?.toLowerCase() ?? [info.device, info.description, info.vendor].find((n) => n !== '') ?? 'GPU';
  return { description: software ? `${name} (software)` : name, software };
}

/** Limits above the defaults that the plan needs. */
function limitsFor(
  needs: GpuRequirements,
  offered: GPUSupportedLimits,
  adapter: string,
): Record<string, number> {
  const limits: Record<string, number> = {};
  const want = (
    limit: 'maxStorageBuffersPerShaderStage' | 'maxStorageBufferBindingSize' | 'maxBufferSize',
    byDefault: number,
    needed: number,
    refuse: (offered: number) => FlowError,
  ): void => {
    if (needed <= byDefault) return;
    if (needed > offered[limit]) throw refuse(offered[limit]);
    limits[limit] = needed;
  };
  want('maxStorageBuffersPerShaderStage', 8, needs.storageBuffers, (has) =>
    limitExceeded('a kernel with a number of arrays', String(needs.storageBuffers), String(has), adapter),
  );
  want('maxStorageBufferBindingSize', 128 * 1024 * 1024, needs.bindingBytes, (has) =>
    limitExceeded('an array', showBytes(needs.bindingBytes), `at most ${showBytes(has)}`, adapter),
  );
  want('maxBufferSize', 256 * 1024 * 1024, needs.bufferBytes, (has) =>
    limitExceeded(
      `an array (${needs.largest})`,
      showBytes(needs.bufferBytes),
      `at most ${showBytes(has)}`,
      adapter,
    ),
  );
  return limits;
}
