// WebAssembly text to binary by wabt: what the encoder of the CPU target is compared with. In: a module in text form. Out: its bytes, not validated.

import { InternalError } from '../../compiler/support/diagnostic.ts';

const features = {
  simd: true,
  relaxed_simd: true,
  threads: true,
  bulk_memory: true,
  sat_float_to_int: true,
  sign_extension: true,
  mutable_globals: true,
  multi_value: true,
} as const;

export async function assembleWat(name: string, text: string): Promise<Uint8Array> {
  const { default: load } = await import('wabt');
  const wabt = await load();
  try {
    const module = wabt.parseWat(`${name}.wat`, text, features);
    try {
      module.resolveNames();
      // A copy: the buffer lies in wabt's own memory, which the next module may move.
      return Uint8Array.from(module.toBinary({ write_debug_names: false }).buffer);
    } finally {
      module.destroy();
    }
  } catch (error) {
    throw new InternalError(
      'wasm.assemble',
      error instanceof Error ? error.message.slice(0, 2000) : String(error),
    );
  }
}
