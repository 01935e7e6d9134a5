// What the JavaScript engine at hand offers, and modules compiled for it. In: the binaries of a plan. Out: a compiled module and which binary it is.
//
// V8 compiles WebAssembly quickly first and well later, but never exchanges the code of a call that is running: a time loop of minutes would stay in the slow code to its end (measured: 2.8
// times slower). So modules of plans are compiled by the optimising compiler at once. Its flags are set around that compilation only; other modules of the process keep their way.

import type { WasmCode } from '../../compiler/plan/types.ts';
import { fail } from '../../compiler/support/diagnostic.ts';

export interface EngineFeatures {
  readonly simd: boolean;
  /** Fused multiply-add. */
  readonly relaxed: boolean;
  readonly sharedMemory: boolean;
}

// (module (func (result v128) (v128.const i32x4 0 0 0 0)))
const simdProbe = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 22, 1, 20, 0, 253, 12],
  ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11],
);

// (module (func (param v128) (result v128) (f32x4.relaxed_madd (local.get 0) (local.get 0) (local.get 0))))
const relaxedProbe = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 123, 1, 123, 3, 2, 1, 0, 10, 13, 1, 11, 0],
  ...[32, 0, 32, 0, 32, 0, 253, 133, 2, 11],
);

/** What sets flags of V8, where there is V8; elsewhere it does nothing. */
async function flagSetter(): Promise<(...flags: readonly string[]) => void> {
  if (typeof process === 'undefined' || process.versions.v8 === undefined) return () => undefined;
  const { setFlagsFromString } = await import('node:v8');
  return (...flags) => {
    for (const flag of flags) setFlagsFromString(flag);
  };
}

/** Node 20 has fused multiply-add behind a flag, which must be set before the first module is compiled; later versions have no such flag. */
export async function engineFeatures(): Promise<EngineFeatures> {
  if (typeof process !== 'undefined' && Number.parseInt(process.versions.node, 10) < 22)
    (await flagSetter())('--experimental-wasm-relaxed-simd');
  return {
    simd: WebAssembly.validate(simdProbe),
    relaxed: WebAssembly.validate(relaxedProbe),
    sharedMemory: typeof SharedArrayBuffer !== 'undefined',
  };
}

export interface CompiledModule {
  readonly module: WebAssembly.Module;
  readonly variant: 'strict' | 'relaxed';
}

/** Compiles the binary that suits: `relaxed` where the engine can and `strict` is not asked for. */
export async function compileModule(
  code: WasmCode,
  features: EngineFeatures,
  strict: boolean,
): Promise<CompiledModule> {
  if (!features.simd)
    fail(
      'R050',
      'this JavaScript engine has no 128-bit SIMD, which the CPU target needs',
      undefined,
      'use Node 20.19 or later, or a browser of 2023 or later',
    );
  const relaxed = !strict && features.relaxed && code.relaxed !== undefined;
  const variant = relaxed || code.binary.length === 0 ? 'relaxed' : 'strict';
  const binary = variant === 'relaxed' && code.relaxed !== undefined ? code.relaxed : code.binary;
  const bytes = Uint8Array.from(features.sharedMemory ? binary : withoutSharedMemory(binary));
  const setFlags = await flagSetter();
  // Nothing else may run between here and the end: flags are those of the process, and others may be compiling too.
  setFlags('--no-liftoff', '--no-wasm-lazy-compilation');
  try {
    return { module: new WebAssembly.Module(bytes), variant };
  } catch (error) {
    return fail(
      'R051',
      `the program's WebAssembly module was refused: ${error instanceof Error ? error.message : String(error)}`,
      undefined,
      variant === 'relaxed'
        ? 'try `--strict`, which does without relaxed SIMD'
        : 'use a newer Node or browser',
    );
  } finally {
    setFlags('--liftoff', '--wasm-lazy-compilation');
  }
}

/** The module with its memory import declared as not shared: one byte, the flags of the limits. */
export function withoutSharedMemory(binary: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(binary);
  let at = 8;
  const number = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const section = bytes[at++];
    const size = number();
    const end = at + size;
    if (section === 2) {
      number(); // imports: one, the memory
      // The names of module and memory, and the kind.
      const moduleName = number();
      at += moduleName;
      const name = number();
      at += name + 1;
      bytes[at] = 1; // a maximum, not shared
      return bytes;
    }
    at = end;
  }
  return bytes;
}
