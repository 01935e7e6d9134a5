// A compiled program as one file, `.flowpkg`: a zip archive that holds all a run needs, so that it runs without the compiler and without the program's data files. In: a plan with its
// target code. Out: bytes; and back. Reading validates: what comes out may be executed.
//
//   flowpkg.json    format, versions, name, hash of the sources, and length and CRC-32 of every other member
//   plan.json       the plan; typed arrays and code refer to other members; kernels without their places in the source
//   wgsl/*.wgsl     one shader a kernel, in their order
//   data/*.bin      contents of constants and variables (float64, little-endian), WebAssembly modules
//
// The same plan gives the same bytes. Errors: R130 no package, R131 made by a newer version, R132 damaged.

import { unzipSync, zipSync } from 'fflate';
import type { Zippable } from 'fflate';
import type { Plan } from '../compiler/plan/types.ts';
import { PLAN_VERSION } from '../compiler/plan/types.ts';
import { validatePlan } from '../compiler/plan/validate.ts';
import { InternalError, fail } from '../compiler/support/diagnostic.ts';

export const PACKAGE_VERSION = 1;

export interface FlowPackage {
  readonly plan: Plan;
  /** Version of flowc that made it. */
  readonly flowc: string;
  /** Hash of the program's text and of the modules and data it was made of; hexadecimal. */
  readonly sources: string;
  /** `const`s that were given when it was built. */
  readonly settings: Readonly<Record<string, string>>;
}

interface Manifest {
  readonly format: 'flowpkg';
  readonly version: number;
  readonly plan: number;
  readonly name: string;
  readonly flowc: string;
  readonly sources: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly members: Readonly<Record<string, { readonly bytes: number; readonly crc: number }>>;
}

const manifestName = 'flowpkg.json';
const planName = 'plan.json';
/** The zip format counts from 1980. */
const fixedDate = new Date(1980, 0, 1);

export function writePackage({ plan, flowc, sources, settings }: FlowPackage): Uint8Array {
  const members = new Map<string, Uint8Array>();
  const text = new TextEncoder();
  const { wgsl, ...code } = plan.code;
  const stored = {
    ...plan,
    kernels: plan.kernels.map((kernel) => ({ ...kernel, origins: [] })),
    code: {
      ...code,
      ...(wgsl === undefined
        ? {}
        : {
            wgsl: wgsl.map((shader, i) => {
              const name = `wgsl/${String(i).padStart(4, '0')}_${plan.kernels[i]?.name ?? 'kernel'}.wgsl`;
              members.set(name, text.encode(shader));
              return name;
            }),
          }),
    },
  };
  members.set(planName, text.encode(JSON.stringify(packed(stored, members))));
  const manifest: Manifest = {
    format: 'flowpkg',
    version: PACKAGE_VERSION,
    plan: PLAN_VERSION,
    name: plan.name,
    flowc,
    sources,
    settings,
    members: Object.fromEntries(
      [...members].map(([name, bytes]) => [name, { bytes: bytes.length, crc: crc32(bytes) }]),
    ),
  };
  const zip: Zippable = {
    [manifestName]: [text.encode(`${JSON.stringify(manifest, null, 2)}\n`), { level: 6, mtime: fixedDate }],
  };
  for (const [name, bytes] of members) zip[name] = [bytes, { level: 6, mtime: fixedDate }];
  return zipSync(zip);
}

/** Throws R130, R131, R132. `path` is for messages. */
export function readPackage(bytes: Uint8Array, path: string): FlowPackage {
  const members = unzipped(bytes, path);
  const manifest = manifestOf(members, path);
  for (const [name, { bytes: length, crc }] of Object.entries(manifest.members)) {
    const content = members[name];
    if (content === undefined || content.length !== length || crc32(content) !== crc)
      damaged(path, content === undefined ? `${name} is missing` : `${name} is not what was written`);
  }
  const content = (name: string): Uint8Array => members[name] ?? damaged(path, `${name} is missing`);
  const plan = unpacked(JSON.parse(new TextDecoder().decode(content(planName))), content);
  if (!looksLikePlan(plan)) return damaged(path, 'its plan is incomplete');
  const { wgsl } = plan.code;
  const whole: Plan = {
    ...plan,
    code: {
      ...plan.code,
      ...(wgsl === undefined ? {} : { wgsl: wgsl.map((name) => new TextDecoder().decode(content(name))) }),
    },
  };
  try {
    validatePlan(whole);
  } catch (trouble) {
    if (!(trouble instanceof InternalError)) throw trouble;
    return damaged(path, trouble.message);
  }
  const { flowc, sources, settings } = manifest;
  return { plan: whole, flowc, sources, settings };
}

function unzipped(bytes: Uint8Array, path: string): Readonly<Record<string, Uint8Array>> {
  // `PK`: else it is some other file, not a damaged package.
  if (bytes[0] !== 0x50 || bytes[1] !== 0x4b) return noPackage(path);
  try {
    return unzipSync(bytes);
  } catch (trouble) {
    return damaged(path, trouble instanceof Error ? trouble.message : String(trouble));
  }
}

function manifestOf(members: Readonly<Record<string, Uint8Array>>, path: string): Manifest {
  const bytes = members[manifestName];
  if (bytes === undefined) return noPackage(path);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return damaged(path, `${manifestName} cannot be read`);
  }
  if (!isRecord(value) || value['format'] !== 'flowpkg') return noPackage(path);
  const { version, plan, flowc } = value;
  if (version !== PACKAGE_VERSION || plan !== PLAN_VERSION)
    return fail(
      'R131',
      `"${path}" was built by flowc ${String(flowc)}, whose packages this version does not read`,
      undefined,
      'build it again with this version, or execute it with that one',
    );
  return isManifest(value) ? value : damaged(path, `${manifestName} is incomplete`);
}

function isManifest(value: unknown): value is Manifest {
  return (
    isRecord(value) &&
    ['name', 'flowc', 'sources'].every((key) => typeof value[key] === 'string') &&
    isRecord(value['settings']) &&
    Object.values(value['settings']).every((text) => typeof text === 'string') &&
    isRecord(value['members']) &&
    Object.values(value['members']).every(
      (m) => isRecord(m) && typeof m['bytes'] === 'number' && typeof m['crc'] === 'number',
    )
  );
}

/** The outline; `validatePlan` checks the rest, which a checksum has already found unchanged. */
function looksLikePlan(value: unknown): value is Plan {
  return (
    isRecord(value) &&
    typeof value['name'] === 'string' &&
    (value['precision'] === 'f32' || value['precision'] === 'f64') &&
    ['buffers', 'kernels'].every((key) => Array.isArray(value[key])) &&
    ['procedures', 'script', 'code'].every((key) => isRecord(value[key])) &&
    typeof value['bytes'] === 'number'
  );
}

function noPackage(path: string): never {
  return fail(
    'R130',
    `"${path}" is no package of flowc`,
    undefined,
    path.endsWith('.flow')
      ? `run a program with: flowc run ${path}`
      : 'make one with: flowc build program.flow -o program.flowpkg',
  );
}

function damaged(path: string, why: string): never {
  return fail('R132', `"${path}" is damaged: ${why}`, undefined, 'build it again, or copy it again');
}

// ---- plain data as JSON: typed arrays become members, numbers that JSON lacks become text

/** What stands in JSON for a typed array, and for NaN, infinities and -0. */
const f64Key = '$f64';
const u8Key = '$u8';
const numberKey = '$number';

function packed(value: unknown, members: Map<string, Uint8Array>): unknown {
  if (typeof value === 'number')
    return Number.isFinite(value) && !Object.is(value, -0)
      ? value
      : { [numberKey]: Object.is(value, -0) ? '-0' : String(value) };
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Float64Array) return { [f64Key]: member(members, littleEndian(value)) };
  if (value instanceof Uint8Array) return { [u8Key]: member(members, value) };
  if (Array.isArray(value)) return value.map((entry: unknown) => packed(entry, members));
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, packed(entry, members)]));
}

function member(members: Map<string, Uint8Array>, bytes: Uint8Array): string {
  const name = `data/${String(members.size).padStart(4, '0')}.bin`;
  members.set(name, bytes);
  return name;
}

function unpacked(value: unknown, content: (name: string) => Uint8Array): unknown {
  if (Array.isArray(value)) return value.map((entry: unknown) => unpacked(entry, content));
  if (!isRecord(value)) return value;
  const { [numberKey]: text, [f64Key]: numbers, [u8Key]: bytes } = value;
  if (typeof text === 'string') return Number(text);
  if (typeof bytes === 'string') return content(bytes);
  if (typeof numbers === 'string') return fromLittleEndian(content(numbers));
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, unpacked(entry, content)]));
}

function littleEndian(numbers: Float64Array): Uint8Array {
  const bytes = new Uint8Array(numbers.length * 8);
  const view = new DataView(bytes.buffer);
  numbers.forEach((x, i) => view.setFloat64(8 * i, x, true));
  return bytes;
}

function fromLittleEndian(bytes: Uint8Array): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float64Array.from({ length: Math.floor(bytes.length / 8) }, (_, i) => view.getFloat64(8 * i, true));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** CRC-32 of ISO 3309 (the one of zip), which fflate does not check when it reads. */
function crc32(bytes: Uint8Array): number {
  const table = crcTable();
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (table[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

function crcTable(): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, n) => {
    let c = n;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    return c >>> 0;
  });
}
