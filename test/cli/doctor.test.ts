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
import { inspectGpu, reportOf, reportOfTrouble } from '../../compiler/cli/doctor_gpu.ts';
import { fail } from '../../compiler/support/diagnostic.ts';
import type { AdapterInfo } from '../../runtime/gpu/index.ts';

const card: AdapterInfo = {
  description: 'NVIDIA H200',
  software: false,
  vendor: 'nvidia',
  architecture: 'hopper',
  driver: 'NVIDIA H200 570.1',
  backend: 'vulkan',
  limits: { maxStorageBufferBindingSize: 2 ** 27 },
  features: ['subgroups', 'depth-clip-control'],
};

describe('the report', () => {
  test('WebAssembly features of this engine are asked, and Node 20 has SIMD and threads', () => {
    const features = inspectWebAssembly();
    expect(features.simd).toBe(true);
    expect(features.threads).toBe(true);
    expect(['yes', 'behind a flag']).toContain(features.relaxedSimd);
  });

  test('a machine without a GPU runs on the processor and is told what to install', () => {
    const report: MachineReport = inspectMachine('0.0.0', reportOfTrouble(troubleOf(noAdapter)));
    expect(report.targets[0]).toMatch(/^cpu \(WebAssembly SIMD/);
    expect(report.targets.some((target) => target.startsWith('gpu'))).toBe(false);
    const text = machineText(report);
    expect(text).toMatch(/^gpu +none: no adapter$/m);
    expect(text).toMatch(/^Advice\n- install a driver\n- or use the processor$/m);
  });

  test('hardware comes first, software only on demand', () => {
    expect(inspectMachine('0', reportOf(card)).targets[0]).toBe('gpu (NVIDIA H200)');
    const { targets, advice } = inspectMachine('0', reportOf({ ...card, software: true }));
    expect(targets[0]).toMatch(/^cpu/);
    expect(targets[1]).toContain('only with --target gpu');
    expect(advice.join()).toContain('software');
  });

  test('the text has one row a fact', () => {
    const text = machineText(inspectMachine('1.2.3', reportOf(card)));
    expect(text).toMatch(/^flowc +1\.2\.3$/m);
    expect(text).toMatch(/^ {2}maxStorageBufferBindingSize +128 MiB$/m);
    expect(text).toMatch(/^ {2}maxBufferSize +unknown$/m);
    expect(text).toMatch(/^ {2}features +subgroups$/m);
    expect(text).toMatch(/^gpu kind +hardware$/m);
    expect(text).not.toContain('Advice');
  });

  test('the report survives JSON', () => {
    const report = inspectMachine('0', reportOf(card));
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });
});

function noAdapter(): never {
  return fail('R040', 'no adapter', undefined, 'install a driver; or use the processor');
}

function troubleOf(action: () => unknown): unknown {
  try {
    return action();
  } catch (trouble) {
    return trouble;
  }
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

  test('bytes in binary units', () => {
    expect([0, 1023, 2 ** 20, 2.5 * 2 ** 30].map(binaryBytes)).toEqual([
      '0 bytes',
      '1023 bytes',
      '1 MiB',
      '2.5 GiB',
    ]);
  });

  test('asking for the GPU never throws, and either finds one or says why not', async () => {
    const report = await inspectGpu();
    if (report.adapter)
      expect(report.adapter.limits['maxStorageBufferBindingSize']).toBeGreaterThanOrEqual(2 ** 27);
    else expect(report.trouble).toMatch(/\S/);
  });
});
