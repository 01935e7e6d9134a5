// Constants as WGSL text. WGSL has no literal for infinity or NaN, and refuses a shader whose constant expressions overflow, so infinities become the largest finite number and NaN is
// made at run time (`flow_nan`, library.ts). f32 constants have nine significant digits, which identify every float32, a point, and the suffix f (without it constant expressions are evaluated in
// higher precision than the reference).

import { InternalError } from '../../support/diagnostic.ts';

export const LARGEST_F32 = 3.4028234663852886e38;

/** The f32 nearest to `value`; infinities become the largest finite number. NaN is not accepted. */
export function f32Literal(value: number): string {
  if (Number.isNaN(value)) throw new InternalError('wgsl', 'NaN has no literal');
  const x = Math.fround(Math.max(-LARGEST_F32, Math.min(LARGEST_F32, value)));
  // Nine digits of the largest number round up past it, which WGSL refuses.
  if (Math.abs(x) === LARGEST_F32) return `${x < 0 ? '-' : ''}0x1.fffffep+127f`;
  if (x === 0) return Object.is(x, -0) ? '-0.0f' : '0.0f';
  if (Number.isInteger(x) && Math.abs(x) < 1e9) return `${x}.0f`;
  const small = Math.abs(x) < 1e-4;
  const write = (digits: number) => (small ? x.toExponential(digits - 1) : x.toPrecision(digits));
  let text = write(9);
  // The shortest text that still reads back as x.
  for (let digits = 1; digits < 9; digits++) {
    const shorter = write(digits);
    if (Math.fround(Number(shorter)) === x) {
      text = shorter;
      break;
    }
  }
  const [mantissa = '0', exponent] = text.split('e');
  const withPoint = mantissa.includes('.') ? mantissa : `${mantissa}.0`;
  return exponent === undefined ? `${withPoint}f` : `${withPoint}e${exponent.replace('+', '')}f`;
}

/** i32 constants are written without suffix, u32 constants with `u`. */
export function integerLiteral(type: 'i32' | 'u32', value: number): string {
  return type === 'u32' ? `${value >>> 0}u` : String(value | 0);
}
