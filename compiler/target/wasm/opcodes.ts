// Instructions of WebAssembly by name, as far as this target may emit them: WebAssembly Core Specification 2.0, chapter 5.4, threads and relaxed SIMD as in their proposals. Names stand in the order of
// their codes; a number sets the code of the next name.

const plain: readonly (string | number)[] = [
  0x00,
  'unreachable nop',
  0x0f,
  'return',
  0x1a,
  'drop select',
  0x45,
  ...names('i32', 'eqz eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u'),
  ...names('i64', 'eqz eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u'),
  ...names('f32', 'eq ne lt gt le ge'),
  ...names('f64', 'eq ne lt gt le ge'),
  ...names('i32', 'clz ctz popcnt add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr'),
  ...names('i64', 'clz ctz popcnt add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr'),
  ...names('f32', 'abs neg ceil floor trunc nearest sqrt add sub mul div min max copysign'),
  ...names('f64', 'abs neg ceil floor trunc nearest sqrt add sub mul div min max copysign'),
  ...names('i32', 'wrap_i64 trunc_f32_s trunc_f32_u trunc_f64_s trunc_f64_u'),
  ...names('i64', 'extend_i32_s extend_i32_u trunc_f32_s trunc_f32_u trunc_f64_s trunc_f64_u'),
  ...names('f32', 'convert_i32_s convert_i32_u convert_i64_s convert_i64_u demote_f64'),
  ...names('f64', 'convert_i32_s convert_i32_u convert_i64_s convert_i64_u promote_f32'),
  'i32.reinterpret_f32 i64.reinterpret_f64 f32.reinterpret_i32 f64.reinterpret_i64',
  ...names('i32', 'extend8_s extend16_s'),
  ...names('i64', 'extend8_s extend16_s extend32_s'),
];

const saturating: readonly (string | number)[] = [
  0,
  ...names('i32', 'trunc_sat_f32_s trunc_sat_f32_u trunc_sat_f64_s trunc_sat_f64_u'),
  ...names('i64', 'trunc_sat_f32_s trunc_sat_f32_u trunc_sat_f64_s trunc_sat_f64_u'),
];

const vector: readonly (string | number)[] = [
  14,
  'i8x16.swizzle i8x16.splat i16x8.splat i32x4.splat i64x2.splat f32x4.splat f64x2.splat',
  55,
  ...names('i32x4', 'eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u'),
  ...names('f32x4', 'eq ne lt gt le ge'),
  ...names('f64x2', 'eq ne lt gt le ge'),
  ...names('v128', 'not and andnot or xor bitselect any_true'),
  94,
  'f32x4.demote_f64x2_zero f64x2.promote_low_f32x4',
  103,
  ...names('f32x4', 'ceil floor trunc nearest'),
  116,
  ...names('f64x2', 'ceil floor'),
  122,
  'f64x2.trunc',
  148,
  'f64x2.nearest',
  160,
  ...names('i32x4', 'abs neg'),
  163,
  ...names('i32x4', 'all_true bitmask'),
  171,
  ...names('i32x4', 'shl shr_s shr_u add'),
  177,
  'i32x4.sub',
  181,
  ...names('i32x4', 'mul min_s min_u max_s max_u'),
  192,
  ...names('i64x2', 'abs neg'),
  195,
  ...names('i64x2', 'all_true bitmask'),
  199,
  ...names('i64x2', 'extend_low_i32x4_s extend_high_i32x4_s extend_low_i32x4_u extend_high_i32x4_u'),
  ...names('i64x2', 'shl shr_s shr_u add'),
  209,
  'i64x2.sub',
  213,
  ...names('i64x2', 'mul eq ne lt_s gt_s le_s ge_s'),
  224,
  ...names('f32x4', 'abs neg'),
  227,
  ...names('f32x4', 'sqrt add sub mul div min max pmin pmax'),
  ...names('f64x2', 'abs neg'),
  239,
  ...names('f64x2', 'sqrt add sub mul div min max pmin pmax'),
  ...names('i32x4', 'trunc_sat_f32x4_s trunc_sat_f32x4_u'),
  ...names('f32x4', 'convert_i32x4_s convert_i32x4_u'),
  ...names('i32x4', 'trunc_sat_f64x2_s_zero trunc_sat_f64x2_u_zero'),
  ...names('f64x2', 'convert_low_i32x4_s convert_low_i32x4_u'),
  261,
  'f32x4.relaxed_madd f32x4.relaxed_nmadd f64x2.relaxed_madd f64x2.relaxed_nmadd',
  267,
  'i32x4.relaxed_laneselect i64x2.relaxed_laneselect',
];

function names(prefix: string, list: string): string[] {
  return list.split(' ').map((name) => `${prefix}.${name}`);
}

/** What follows the code of an instruction. */
export type Immediate = 'none' | 'memory' | 'memory and lane' | 'lane';

export interface Opcode {
  /** First byte, and the code behind it where that byte is a prefix. */
  readonly prefix: number | undefined;
  readonly code: number;
  readonly immediate: Immediate;
  /** Memory instructions: the logarithm of the bytes touched. */
  readonly align: number;
}

/** Loads and stores: name, code, logarithm of bytes. */
const memory: readonly (readonly [string, number, number])[] = [
  ['i32.load', 0x28, 2],
  ['i64.load', 0x29, 3],
  ['f32.load', 0x2a, 2],
  ['f64.load', 0x2b, 3],
  ['i32.load8_s', 0x2c, 0],
  ['i32.load8_u', 0x2d, 0],
  ['i32.store', 0x36, 2],
  ['i64.store', 0x37, 3],
  ['f32.store', 0x38, 2],
  ['f64.store', 0x39, 3],
  ['i32.store8', 0x3a, 0],
];
const vectorMemory: readonly (readonly [string, number, number])[] = [
  ['v128.load', 0, 4],
  ['v128.load32_splat', 9, 2],
  ['v128.load64_splat', 10, 3],
  ['v128.store', 11, 4],
  ['v128.load32_zero', 92, 2],
  ['v128.load64_zero', 93, 3],
];
const lanesInMemory: readonly (readonly [string, number, number])[] = [
  ['v128.load32_lane', 86, 2],
  ['v128.load64_lane', 87, 3],
  ['v128.store32_lane', 90, 2],
  ['v128.store64_lane', 91, 3],
];
const atomic: readonly (readonly [string, number, number])[] = [
  ['memory.atomic.notify', 0x00, 2],
  ['memory.atomic.wait32', 0x01, 2],
  ['i32.atomic.load', 0x10, 2],
  ['i32.atomic.store', 0x17, 2],
  ['i32.atomic.rmw.add', 0x1e, 2],
];
const lanes: readonly (readonly [string, number])[] = [
  ['i32x4.extract_lane', 27],
  ['i32x4.replace_lane', 28],
  ['i64x2.extract_lane', 29],
  ['i64x2.replace_lane', 30],
  ['f32x4.extract_lane', 31],
  ['f32x4.replace_lane', 32],
  ['f64x2.extract_lane', 33],
  ['f64x2.replace_lane', 34],
];

/** Every instruction but those with immediates of their own kind: variables, calls, branches, constants, shuffles, bulk memory. */
export function opcodeTable(): ReadonlyMap<string, Opcode> {
  const table = new Map<string, Opcode>();
  const listed = (list: readonly (string | number)[], prefix: number | undefined): void => {
    let code = 0;
    for (const entry of list)
      if (typeof entry === 'number') code = entry;
      else
        for (const name of entry.split(' '))
          table.set(name, { prefix, code: code++, immediate: 'none', align: 0 });
  };
  listed(plain, undefined);
  listed(saturating, 0xfc);
  listed(vector, 0xfd);
  const touching = (
    list: readonly (readonly [string, number, number])[],
    prefix: number | undefined,
    immediate: Immediate,
  ): void => {
    for (const [name, code, align] of list) table.set(name, { prefix, code, immediate, align });
  };
  touching(memory, undefined, 'memory');
  touching(vectorMemory, 0xfd, 'memory');
  touching(lanesInMemory, 0xfd, 'memory and lane');
  touching(atomic, 0xfe, 'memory');
  for (const [name, code] of lanes) table.set(name, { prefix: 0xfd, code, immediate: 'lane', align: 0 });
  return table;
}
