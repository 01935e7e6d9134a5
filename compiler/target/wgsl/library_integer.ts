// Integer division that rounds down, remainders, the Threefry generator and NaN, as WGSL text (see library.ts).

import { THREEFRY_PARITY, THREEFRY_ROTATIONS } from '../../support/threefry.ts';
import type { LibraryFunction } from './library_function.ts';

/** Threefry-4x32-20: rounds written out, the key schedule folded in. */
function threefryText(): string {
  const lines: string[] = [];
  THREEFRY_ROTATIONS.concat(THREEFRY_ROTATIONS, THREEFRY_ROTATIONS)
    .slice(0, 20)
    .forEach(([a, b], round) => {
      const [p, q] = round % 2 === 0 ? ['y', 'w'] : ['w', 'y'];
      lines.push(
        `  x.x += x.${p}; x.${p} = ((x.${p} << ${a}u) | (x.${p} >> ${32 - a}u)) ^ x.x;` +
          ` x.z += x.${q}; x.${q} = ((x.${q} << ${b}u) | (x.${q} >> ${32 - b}u)) ^ x.z;`,
      );
      if (round % 4 !== 3) return;
      const s = (round + 1) / 4;
      const word = (i: number) => {
        const j = (s + i) % 5;
        return j === 4 ? 'parity' : `key.${'xyzw'.charAt(j)}`;
      };
      lines.push(`  x += vec4<u32>(${word(0)}, ${word(1)}, ${word(2)}, ${word(3)} + ${s}u);`);
    });
  return `
// Threefry-4x32-20 (Salmon et al. 2011): four random words from a key and a counter.
fn flow_threefry(key: vec4<u32>, counter: vec4<u32>) -> vec4<u32> {
  let parity = 0x${THREEFRY_PARITY.toString(16)}u ^ key.x ^ key.y ^ key.z ^ key.w;
  var x = counter + key;
${lines.join('\n')}
  return x;
}`;
}

export const integerFunctions: Readonly<Record<string, LibraryFunction>> = {
  flow_idiv: {
    uses: [],
    text: `
// Quotient rounded down.
fn flow_idiv(a: i32, b: i32) -> i32 {
  let q = a / b;
  return select(q, q - 1, (a % b != 0) & ((a < 0) != (b < 0)));
}`,
  },
  flow_rem_i32: {
    uses: [],
    text: `
// Remainder of the division rounded down: the sign of b.
fn flow_rem_i32(a: i32, b: i32) -> i32 {
  let r = a % b;
  return select(r, r + b, (r != 0) & ((r < 0) != (b < 0)));
}`,
  },
  flow_rem_f32: {
    uses: [],
    text: `
// a - b * floor(a / b) without the rounding of the product, kept between 0 and b where the rounding of the quotient would leave it.
fn flow_rem_f32(a: f32, b: f32) -> f32 {
  let q = floor(a / b);
  let b_high = bitcast<f32>(bitcast<u32>(b) & 0xfffff000u);
  let r = (a - b_high * q) - (b - b_high) * q;
  let low = select(r, r + b, (r != 0.0f) & ((r < 0.0f) != (b < 0.0f)));
  return select(low, low - b, abs(low) >= abs(b));
}`,
  },
  flow_nan_bits: {
    uses: [],
    text: `
var<private> flow_nan_bits: u32 = 0x7fc00000u;`,
  },
  flow_nan: {
    uses: ['flow_nan_bits'],
    text: `
// Not a number: made at run time, WGSL has no constant for it.
fn flow_nan() -> f32 {
  return bitcast<f32>(flow_nan_bits);
}`,
  },
  flow_is_nan: {
    uses: [],
    text: `
// By the bits: comparisons of a number with itself are optimised away.
fn flow_is_nan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}`,
  },
  flow_rounded: {
    uses: [],
    text: `
// x itself: no compiler contracts a product behind integer operations with a sum, and of all numbers only one NaN changes, into another.
fn flow_rounded(x: f32) -> f32 {
  return bitcast<f32>(min(bitcast<u32>(x), 0xfffffffeu));
}`,
  },
  flow_threefry: { uses: [], text: threefryText() },
};
