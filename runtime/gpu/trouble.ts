// What can go wrong with a GPU, as messages for the user. Codes: R040 no adapter or no package, R041 float64, R042 limits, R043 out of memory, R044 device lost.

import { showBytes } from '../../compiler/plan/print.ts';
import { FlowError } from '../../compiler/support/diagnostic.ts';

export function gpuError(code: string, message: string, help: string): FlowError {
  return new FlowError([{ severity: 'error', code, message, help }]);
}

const useCpu = 'or run with `--target cpu`';

/** What to install so that there is an adapter. `platform` as process.platform. */
export function adapterAdvice(platform: string): string {
  switch (platform) {
    case 'linux':
      return `install a Vulkan driver: NVIDIA's own (525 or newer) with libvulkan1; for AMD and Intel mesa-vulkan-drivers 24 or newer (Debian 12: from bookworm-backports) and libvulkan1, which also bring a software adapter for tests; in a container pass the device in; ${useCpu}. \`flowc doctor\` shows what is found`;
    case 'darwin':
      return `Metal needs macOS 11 or newer and a session with access to the GPU; ${useCpu}. \`flowc doctor\` shows what is found`;
    case 'win32':
      return `install the vendor's current driver (Direct3D 12 needs Windows 10 or newer); ${useCpu}. \`flowc doctor\` shows what is found`;
    case 'browser':
      return 'WebGPU is missing or switched off in this browser: use a current Chrome, Edge, Safari or Firefox';
    default:
      return `there is no GPU backend for ${platform}: run with \`--target cpu\``;
  }
}

export function noAdapter(platform: string, why: string): FlowError {
  return gpuError('R040', `no GPU adapter was found (${why})`, adapterAdvice(platform));
}

export function noPackage(why: string): FlowError {
  return gpuError(
    'R040',
    `the package "webgpu", which drives the GPU, does not load here (${why})`,
    `install it beside flowc with \`npm install webgpu\` (glibc 2.34 or newer on Linux; not for musl), ${useCpu}`,
  );
}

export function noFloat64(): FlowError {
  return gpuError(
    'R041',
    'this program computes in float64, which GPUs reached through WebGPU do not have',
    'run it with `--target cpu`, or let it compute in float32',
  );
}

export function limitExceeded(what: string, wanted: string, offered: string, adapter: string): FlowError {
  return gpuError(
    'R042',
    `the program needs ${what} of ${wanted}, the GPU (${adapter}) offers ${offered}`,
    `use fewer cells, steps kept or samples, ${useCpu}`,
  );
}

export function outOfMemory(wanted: number, adapter: string, name?: string): FlowError {
  const what = name === undefined ? '' : ` (refused at ${name})`;
  return gpuError(
    'R043',
    `out of memory on the GPU (${adapter}): the program needs ${showBytes(wanted)}${what}`,
    `use fewer cells or a smaller budget, as in \`adjoint: checkpoint(memory: "256 MB")\`, ${useCpu}`,
  );
}

export function deviceLost(reason: string, adapter: string): FlowError {
  return gpuError(
    'R044',
    `the GPU (${adapter}) stopped answering: ${reason === '' ? 'device lost' : reason}`,
    `run again (a checkpoint, if the program writes one, is kept); if it happens at the same place again, one kernel runs longer than the driver allows: use fewer cells, ${useCpu}`,
  );
}
