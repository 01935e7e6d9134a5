// The doctor: what it finds on any machine, and what it advises on machines that are not here.

import { describe, expect, test } from 'vitest';
import type { MachineReport } from '../../compiler/cli/doctor.ts';
import {
  binaryBytes,
  inspectMachine,
  inspectWebAssembly,
  machineText,
  nodeIsSupported,
} from '../../compiler/cli/doctor.ts';
import type { GpuReport } from '../../compiler/cli/doctor_gpu.ts';
import {
  adviceWithoutAdapter,
  inspectGpu,
  isSoftwareName,
  nativeBackend,
} from '../../compiler/cli/doctor_gpu.ts';

const noGpu: GpuReport = { trouble: 'no vulkan adapter', advice: adviceWithoutAdapter('linux') };
const card: GpuReport = {
  adapter: {
    vendor: 'nvidia',
    architecture: 'hopper',
    device: 'h200',
    description: 'NVIDIA H200',
    backend: 'vulkan',
    software: false,
    limits: [{ name: 'maxStorageBufferBindingSize', value: 2 ** 27, bytes: true }],
    features: ['subgroups'],
  },
  advice: [],
};

describe('the report', () => {
  test('WebAssembly features of this engine are asked, and Node 20 has SIMD and threads', () => {
    const features = inspectWebAssembly();
    expect(features.simd).toBe(true);
    expect(features.threads).toBe(true);
    expect(['yes', 'behind a flag']).toContain(features.relaxedSimd);
  });

  test('a machine without a GPU runs on the processor and is told what to install', () => {
    const report: MachineReport = inspectMachine('0.0.0', noGpu);
    expect(report.targets[0]).toMatch(/^cpu \(WebAssembly SIMD/);
    expect(report.targets.some((target) => target.startsWith('gpu'))).toBe(false);
    const text = machineText(report);
    expect(text).toMatch(/^gpu +none: no vulkan adapter$/m);
    expect(text).toContain('mesa-vulkan-drivers');
  });

  test('hardware comes first, software only on demand', () => {
    expect(inspectMachine('0', card).targets[0]).toBe('gpu (NVIDIA H200)');
    const soft: GpuReport = { ...card, adapter: { ...cardAdapter(), software: true } };
    const { targets } = inspectMachine('0', soft);
    expect(targets[0]).toMatch(/^cpu/);
    expect(targets[1]).toContain('only with --target gpu');
  });

  test('the text has one row a fact', () => {
    const text = machineText(inspectMachine('1.2.3', card));
    expect(text).toMatch(/^flowc +1\.2\.3$/m);
    expect(text).toMatch(/^ {2}maxStorageBufferBindingSize +128 MiB$/m);
    expect(text).toMatch(/^gpu kind +hardware$/m);
    expect(text).not.toContain('Advice');
  });

  test('the report survives JSON', () => {
    const report = inspectMachine('0', card);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });
});

function cardAdapter(): NonNullable<GpuReport['adapter']> {
  if (!card.adapter) throw new Error('the card has an adapter');
  return card.adapter;
}

describe('the parts', () => {
  test('versions of Node', () => {
    expect(['18.20.0', '20.18.1', '20.19.0', '22.0.0'].map(nodeIsSupported)).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  test('software adapters by name', () => {
    for (const name of [
      'llvmpipe (LLVM 15)',
      'SwiftShader Device',
      'Microsoft Basic Render Driver',
      'mesa software x',
    ]) {
      expect(isSoftwareName(name)).toBe(true);
    }
    for (const name of ['NVIDIA H200', 'Apple M2', 'AMD Radeon RX 7900', 'Intel Iris Xe'])
      expect(isSoftwareName(name)).toBe(false);
  });

  test('each platform has its backend and its advice', () => {
    expect(['linux', 'darwin', 'win32'].map(nativeBackend)).toEqual(['vulkan', 'metal', 'd3d12']);
    for (const platform of ['linux', 'darwin', 'win32', 'freebsd'])
      expect(adviceWithoutAdapter(platform)[0]).toContain('CPU target');
  });

  test('bytes in binary units', () => {
    expect([0, 1023, 2 ** 20, 2.5 * 2 ** 30].map(binaryBytes)).toEqual([
      '0 bytes',
      '1023 bytes',
      '1 MiB',
      '2.5 GiB',
    ]);
  });

  test('asking for the GPU never throws, and either finds one or says why not', async () => {
    const report = await inspectGpu(process.platform);
    if (report.adapter) expect(report.adapter.limits.every(({ value }) => value > 0)).toBe(true);
    else expect(report.trouble).toMatch(/\S/);
  });
});
