// What this machine offers to flowc: Node, processor, WebAssembly features, GPU. In: nothing but the machine. Out: a
// MachineReport (plain data, printed by `flowc doctor --json`) and its text with advice. WebAssembly features are asked by
// validating four tiny modules, never guessed from the version of Node.

import { availableParallelism, cpus, totalmem } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import type { GpuReport } from './doctor_gpu.ts';
import { reportedFeatures, reportedLimits } from './doctor_gpu.ts';

/** The only part of the global that is used here; Node's own type declarations leave it out. */
declare const WebAssembly: { validate(bytes: Uint8Array): boolean };

export interface MachineReport {
  readonly flowc: string;
  readonly node: { readonly version: string; readonly supported: boolean };
  readonly platform: string;
  readonly processor: { readonly name: string; readonly cores: number; readonly memoryBytes: number };
  readonly webassembly: WebAssemblyReport;
  readonly gpu: GpuReport;
  /** What `--target auto` has to choose from, best first. */
  readonly targets: readonly string[];
  /** What to install or change, one sentence an entry; empty when all is well. */
  readonly advice: readonly string[];
}

export interface WebAssemblyReport {
  readonly simd: boolean;
  readonly relaxedSimd: 'yes' | 'behind a flag' | 'no';
  readonly threads: boolean;
}

/** Oldest Node that runs flowc, as [major, minor]. */
const oldestNode: readonly [number, number] = [20, 19];

const simdPrefix = 0xfd;
/** `i32.const 0; i8x16.splat`: a vector on the stack. */
const aVector: readonly number[] = [0x41, 0x00, simdPrefix, 0x0f];
const relaxedMultiplyAdd: readonly number[] = [simdPrefix, 0x85, 0x02];
const wasmHeader: readonly number[] = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** A module with one function of no arguments that returns the vector its body leaves. */
function vectorModule(body: readonly number[]): Uint8Array {
  const type = [0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b];
  const functions = [0x03, 0x02, 0x01, 0x00];
  const code = [0x0a, body.length + 4, 0x01, body.length + 2, 0x00, ...body, 0x0b];
  return Uint8Array.from([...wasmHeader, ...type, ...functions, ...code]);
}

/** A module whose only content is a shared memory of one page. */
const sharedMemoryModule = Uint8Array.from([...wasmHeader, 0x05, 0x04, 0x01, 0x03, 0x01, 0x01]);

/** Asks the engine; turning on relaxed SIMD by its flag is harmless for a process that only reports. */
export function inspectWebAssembly(): WebAssemblyReport {
  const multiplyAdd = vectorModule([...aVector, ...aVector, ...aVector, ...relaxedMultiplyAdd]);
  const relaxed = (): boolean => WebAssembly.validate(multiplyAdd);
  const relaxedAtOnce = relaxed();
  if (!relaxedAtOnce) setFlagsFromString('--experimental-wasm-relaxed-simd');
  return {
    simd: WebAssembly.validate(vectorModule(aVector)),
    relaxedSimd: relaxedAtOnce ? 'yes' : relaxed() ? 'behind a flag' : 'no',
    threads: typeof SharedArrayBuffer === 'function' && WebAssembly.validate(sharedMemoryModule),
  };
}

/** Gathers everything but the GPU; `gpu` comes from doctor_gpu.ts, `flowc` is the version. */
export function inspectMachine(flowc: string, gpu: GpuReport): MachineReport {
  const webassembly = inspectWebAssembly();
  const supported = nodeIsSupported(process.versions.node);
  return {
    flowc,
    node: { version: process.versions.node, supported },
    platform: `${process.platform} ${process.arch}`,
    processor: {
      name: cpus()[0]?.model.trim() ?? 'unknown',
      cores: availableParallelism(),
      memoryBytes: totalmem(),
    },
    webassembly,
    gpu,
    targets: availableTargets(gpu, webassembly),
    advice: [
      ...(supported
        ? []
        : [`Install Node ${oldestNode.join('.')} or newer; this is ${process.versions.node}.`]),
      ...(webassembly.simd
        ? []
        : ['This engine has no WebAssembly SIMD: the CPU target will be several times slower.']),
      ...gpu.advice,
    ],
  };
}

export function nodeIsSupported(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
}

function availableTargets(gpu: GpuReport, webassembly: WebAssemblyReport): readonly string[] {
  const cpu = `cpu (WebAssembly${webassembly.simd ? ' SIMD' : ''}${webassembly.threads ? ', threads' : ''})`;
  if (gpu.adapter === undefined) return [cpu, 'interpreter'];
  const name = gpu.adapter.description;
  return gpu.adapter.software
    ? [cpu, `gpu (${name}: only with --target gpu)`, 'interpreter']
    : [`gpu (${name})`, cpu, 'interpreter'];
}

/** The report as a page of text, widths aligned, advice last. */
export function machineText(report: MachineReport): string {
  const { adapter } = report.gpu;
  const rows: [string, string][] = [
    ['flowc', report.flowc],
    ['node', `${report.node.version}${report.node.supported ? '' : ' (too old)'}`],
    ['platform', report.platform],
    [
      'processor',
      `${report.processor.name}, ${report.processor.cores} core${report.processor.cores === 1 ? '' : 's'}`,
    ],
    ['memory', binaryBytes(report.processor.memoryBytes)],
    ['wasm simd', yesNo(report.webassembly.simd)],
    ['wasm relaxed simd', report.webassembly.relaxedSimd],
    ['wasm threads', yesNo(report.webassembly.threads)],
  ];
  if (adapter === undefined) {
    rows.push(['gpu', `none: ${report.gpu.trouble ?? 'no adapter found'}`]);
  } else {
    rows.push(
      ['gpu', adapter.description],
      ['gpu driver', adapter.driver || 'unnamed'],
      ['gpu vendor', [adapter.vendor, adapter.architecture].filter(Boolean).join(', ') || 'unknown'],
      ['gpu backend', adapter.backend],
      ['gpu kind', adapter.software ? 'software (runs on the processor)' : 'hardware'],
      ...reportedLimits.map(({ name, bytes }) => limitRow(name, adapter.limits[name], bytes)),
      ['  features', reportedFeatures.filter((name) => adapter.features.includes(name)).join(' ') || 'none'],
    );
  }
  rows.push(['targets', report.targets.join('; ')]);
  const width = Math.max(...rows.map(([key]) => key.length));
  const table = rows.map(([key, value]) => `${key.padEnd(width)}  ${value}`);
  const advice =
    report.advice.length === 0 ? [] : ['', 'Advice', ...report.advice.map((line) => `- ${line}`)];
  return [...table, ...advice].join('\n');
}

function limitRow(name: string, value: number | undefined, bytes: boolean): [string, string] {
  if (value === undefined) return [`  ${name}`, 'unknown'];
  return [`  ${name}`, bytes ? binaryBytes(value) : String(value)];
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}

/** Bytes in the largest binary unit that keeps the number at or above one: `128 MiB`, `2.5 GiB`. */
export function binaryBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${units[unit] ?? ''}`;
}
