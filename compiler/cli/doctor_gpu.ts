// The GPU part of `flowc doctor`. In: the platform. Out: a GpuReport: the adapter Dawn would take, its limits, and what to
// install when there is none. No device is made. Dawn must stay referenced while an adapter is in use and be let go after,
// or Node does not exit; here both live inside one function.

/** The limits that decide which kernels fit, in the order of printing. */
const reportedLimits = [
  { name: 'maxBufferSize', bytes: true },
  { name: 'maxStorageBufferBindingSize', bytes: true },
  { name: 'maxStorageBuffersPerShaderStage', bytes: false },
  { name: 'maxComputeWorkgroupStorageSize', bytes: true },
  { name: 'maxComputeInvocationsPerWorkgroup', bytes: false },
  { name: 'maxComputeWorkgroupSizeX', bytes: false },
  { name: 'maxComputeWorkgroupsPerDimension', bytes: false },
] as const;

/** Features that kernels can profit from. */
const reportedFeatures: readonly string[] = ['shader-f16', 'subgroups', 'timestamp-query'];

export interface GpuLimit {
  readonly name: string;
  readonly value: number;
  readonly bytes: boolean;
}

export interface GpuAdapterReport {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  readonly backend: string;
  /** Runs on the processor (llvmpipe, SwiftShader, WARP). */
  readonly software: boolean;
  readonly limits: readonly GpuLimit[];
  readonly features: readonly string[];
}

export interface GpuReport {
  readonly adapter?: GpuAdapterReport;
  /** Why there is none. */
  readonly trouble?: string;
  readonly advice: readonly string[];
}

/** Dawn's native backend on each platform. */
export function nativeBackend(platform: string): 'vulkan' | 'metal' | 'd3d12' {
  if (platform === 'darwin') return 'metal';
  if (platform === 'win32') return 'd3d12';
  return 'vulkan';
}

/** Asks Dawn for the adapter of the platform's native backend; never throws. */
export async function inspectGpu(platform: string): Promise<GpuReport> {
  const backend = nativeBackend(platform);
  let dawn: typeof import('webgpu');
  try {
    dawn = await import('webgpu');
  } catch (trouble) {
    const reason = trouble instanceof Error ? (trouble.message.split('\n')[0] ?? '') : String(trouble);
    return {
      trouble: `the package "webgpu" does not load here (${reason})`,
      advice: adviceWithoutPackage(platform),
    };
  }
  try {
    const gpu = dawn.create([`backend=${backend}`]);
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (adapter === null) {
      return { trouble: `no ${backend} adapter`, advice: adviceWithoutAdapter(platform) };
    }
    const report = describeAdapter(adapter, backend);
    return { adapter: report, advice: report.software ? adviceWithSoftware(platform) : [] };
  } catch (trouble) {
    return {
      trouble: trouble instanceof Error ? trouble.message : String(trouble),
      advice: adviceWithoutAdapter(platform),
    };
  }
}

function describeAdapter(adapter: GPUAdapter, backend: string): GpuAdapterReport {
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
  const limits = reportedLimits.map(({ name, bytes }) => ({ name, bytes, value: adapter.limits[name] }));
  return {
    vendor,
    architecture,
    device,
    description,
    backend,
    software: isFallbackAdapter || isSoftwareName(`${architecture} ${device} ${description}`),
    limits,
    features: reportedFeatures.filter((name) => adapter.features.has(name)),
  };
}

/** Software rasterisers by the names they give themselves. */
export function isSoftwareName(name: string): boolean {
  return /llvmpipe|lavapipe|swiftshader|microsoft basic render|\bwarp\b|\bsoftware\b/i.test(name);
}

export function adviceWithoutAdapter(platform: string): readonly string[] {
  if (platform === 'linux') {
    return [
      'Programs run on the CPU target; a GPU needs a Vulkan driver.',
      'NVIDIA: the vendor driver 525 or newer and the package libvulkan1. AMD, Intel: mesa-vulkan-drivers 24 or newer and libvulkan1.',
      "In a container the device (/dev/dri or NVIDIA's container toolkit with the graphics capability) must be passed in.",
      'For tests without a GPU, Mesa 24 or newer brings llvmpipe; on Debian 12 it comes from bookworm-backports: apt-get install -t bookworm-backports mesa-vulkan-drivers libvulkan1.',
    ];
  }
  if (platform === 'darwin') {
    return [
      'Programs run on the CPU target; Metal needs macOS 11 or newer and a session with access to the GPU.',
    ];
  }
  if (platform === 'win32') {
    return [
      "Programs run on the CPU target; Direct3D 12 needs Windows 10 or newer and the GPU vendor's current driver.",
    ];
  }
  return [`Programs run on the CPU target; Dawn has no GPU backend for ${platform}.`];
}

function adviceWithSoftware(platform: string): readonly string[] {
  const start =
    'The only adapter is software: good for tests, slower than the CPU target, so "--target auto" leaves it alone.';
  return platform === 'linux'
    ? [
        start,
        'If this machine has a GPU, install its Vulkan driver (NVIDIA: vendor driver; AMD, Intel: mesa-vulkan-drivers).',
      ]
    : [start, "If this machine has a GPU, install the vendor's current driver."];
}

function adviceWithoutPackage(platform: string): readonly string[] {
  const install =
    'Run "npm install webgpu" beside flowc; ready-made files exist for Linux, macOS and Windows on x64 and arm64.';
  return platform === 'linux'
    ? [
        install,
        'The file needs glibc 2.34 or newer and libstdc++ (Debian 12, Ubuntu 22.04 or newer); Alpine (musl) has no GPU target.',
      ]
    : [install];
}
