// sin, cos, tan and their inverses for float32, as WGSL text (see library.ts). Arguments up to 12,867 are reduced by multiples of pi/2 in four parts (Cody and Waite 1980), larger ones by the
// bits of 2/pi in integer arithmetic (Payne and Hanek 1983), so that sin(1e20) is right as well. Polynomials are minimax fits, rounded to float32.

import type { LibraryFunction } from './library_function.ts';

export const trigonometricFunctions: Readonly<Record<string, LibraryFunction>> = {
  flow_two_over_pi: {
    uses: [],
    text: `
// The binary digits of 2/pi.
const flow_two_over_pi = array<u32, 8>(0u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu);`,
  },
  flow_multiply_high: {
    uses: [],
    text: `
// The upper 32 bits of a product of 64.
fn flow_multiply_high(a: u32, b: u32) -> u32 {
  let a0 = a & 0xffffu;
  let a1 = a >> 16u;
  let b0 = b & 0xffffu;
  let b1 = b >> 16u;
  let middle = a1 * b0 + ((a0 * b0) >> 16u);
  let other = a0 * b1 + (middle & 0xffffu);
  return a1 * b1 + (middle >> 16u) + (other >> 16u);
}`,
  },
  flow_angle: {
    uses: [],
    text: `
// An angle as quadrant * pi/2 + rest, |rest| <= pi/4.
struct flow_angle {
  rest: f32,
  quadrant: u32,
}`,
  },
  flow_reduce_large: {
    uses: ['flow_two_over_pi', 'flow_multiply_high', 'flow_angle'],
    text: `
// For x >= 2^13: mantissa times the digits of 2/pi that matter, modulo 4, in 96 bits.
fn flow_reduce_large(x: f32) -> flow_angle {
  let bits = bitcast<u32>(x);
  let mantissa = (bits & 0x007fffffu) | 0x00800000u;
  let offset = (bits >> 23u) - 120u;
  let word = offset >> 5u;
  let shift = offset & 31u;
  var digits = array<u32, 4>(0u, 0u, 0u, 0u);
  for (var i = 0u; i < 4u; i++) {
    digits[i] = flow_two_over_pi[min(word + i, 7u)];
  }
  var high = digits[0];
  var middle = digits[1];
  var low = digits[2];
  if (shift != 0u) {
    high = (digits[0] << shift) | (digits[1] >> (32u - shift));
    middle = (digits[1] << shift) | (digits[2] >> (32u - shift));
    low = (digits[2] << shift) | (digits[3] >> (32u - shift));
  }
  let low_product = mantissa * low;
  let middle_product = mantissa * middle;
  let product_1 = middle_product + flow_multiply_high(mantissa, low);
  let carry = select(0u, 1u, product_1 < middle_product);
  let product_2 = mantissa * high + flow_multiply_high(mantissa, middle) + carry;
  // Two bits of quadrant, then the fraction of a quadrant.
  var quadrant = product_2 >> 30u;
  var fraction = (product_2 << 2u) | (product_1 >> 30u);
  var below = (product_1 << 2u) | (low_product >> 30u);
  let negative = fraction >= 0x80000000u;
  if (negative) {
    quadrant += 1u;
    below = ~below + 1u;
    fraction = ~fraction + select(0u, 1u, below == 0u);
  }
  let zeros = countLeadingZeros(fraction);
  if (zeros >= 32u) {
    fraction = below;
  } else if (zeros > 0u) {
    fraction = (fraction << zeros) | (below >> (32u - zeros));
  }
  // fraction * 2^-32 * pi/2, the conversion of 32 bits in two exact parts.
  let scale = bitcast<f32>((95u - min(zeros, 60u)) << 23u);
  let top = f32(fraction & 0xffff0000u) * scale;
  let rest = f32(fraction & 0xffffu) * scale;
  let sum = top * 1.5703125f + (top * 0.000483826792f + rest * 1.57079637f);
  return flow_angle(select(sum, -sum, negative), quadrant & 3u);
}`,
  },
  flow_reduce: {
    uses: ['flow_reduce_large', 'flow_angle', 'flow_nan'],
    text: `
fn flow_reduce(x: f32) -> flow_angle {
  let a = abs(x);
  var angle: flow_angle;
  if (a < 12867.0f) {
    let k = round(a * 0.636619747f);
    angle.rest = (((a - k * 1.5703125f) - k * 0.000483751297f) - k * 7.54953362e-8f) - k * 2.56334407e-12f;
    angle.quadrant = u32(k) & 3u;
  } else if (a <= 0x1.fffffep+127f) {
    angle = flow_reduce_large(a);
  } else {
    angle.rest = flow_nan();
    angle.quadrant = 0u;
  }
  return angle;
}`,
  },
  flow_sine: {
    uses: ['flow_angle'],
    text: `
// The sine of a reduced angle; that of the angle one quadrant on is the cosine.
fn flow_sine(rest: f32, quadrant: u32) -> f32 {
  let z = rest * rest;
  let s = rest + rest * z * (-0.166666552f + z * (0.00833219197f + z * -0.000195187866f));
  let c = 1.0f - z * (0.5f - z * (0.0416666456f + z * (-0.0013887313f + z * 2.44329694e-5f)));
  let y = select(s, c, (quadrant & 1u) != 0u);
  return select(y, -y, (quadrant & 2u) != 0u);
}`,
  },
  flow_sin: {
    uses: ['flow_reduce', 'flow_sine'],
    text: `
fn flow_sin(x: f32) -> f32 {
  let angle = flow_reduce(x);
  let y = flow_sine(angle.rest, angle.quadrant);
  return select(y, -y, x < 0.0f);
}`,
  },
  flow_cos: {
    uses: ['flow_reduce', 'flow_sine'],
    text: `
fn flow_cos(x: f32) -> f32 {
  let angle = flow_reduce(x);
  return flow_sine(angle.rest, angle.quadrant + 1u);
}`,
  },
  flow_tan: {
    uses: ['flow_reduce', 'flow_sine'],
    text: `
fn flow_tan(x: f32) -> f32 {
  let angle = flow_reduce(x);
  let y = flow_sine(angle.rest, angle.quadrant) / flow_sine(angle.rest, angle.quadrant + 1u);
  return select(y, -y, x < 0.0f);
}`,
  },
  flow_asin_tail: {
    uses: [],
    text: `
// asin(t) - t for 0 <= t <= 1/2.
fn flow_asin_tail(t: f32) -> f32 {
  let z = t * t;
  return t * z * (0.166666597f + z * (0.0750051811f + z * (0.0445145778f + z * (0.0318258703f + z * (0.0143747898f + z * 0.0376006626f)))));
}`,
  },
  flow_asin: {
    uses: ['flow_asin_tail', 'flow_nan'],
    text: `
fn flow_asin(x: f32) -> f32 {
  let a = abs(x);
  if (a > 1.0f) {
    return flow_nan();
  }
  let far = a > 0.5f;
  let t = select(a, sqrt(max(0.5f - 0.5f * a, 0.0f)), far);
  let tail = flow_asin_tail(t);
  let y = select(t + tail, 1.57079637f - (2.0f * t + (2.0f * tail + 4.37113883e-8f)), far);
  return select(y, -y, x < 0.0f);
}`,
  },
  flow_acos: {
    uses: ['flow_asin_tail', 'flow_nan'],
    text: `
fn flow_acos(x: f32) -> f32 {
  let a = abs(x);
  if (a > 1.0f) {
    return flow_nan();
  }
  let far = a > 0.5f;
  let t = select(a, sqrt(max(0.5f - 0.5f * a, 0.0f)), far);
  let tail = flow_asin_tail(t);
  let near_half = select(t + tail, -(t + tail), x < 0.0f);
  let middle = 1.57079637f - (near_half + 4.37113883e-8f);
  let small = 2.0f * (t + tail);
  let edge = select(small, 3.14159274f - (small + 8.74227766e-8f), x < 0.0f);
  return select(middle, edge, far);
}`,
  },
  flow_atan_tail: {
    uses: [],
    text: `
// atan(t) - t for |t| <= tan(pi/8).
fn flow_atan_tail(t: f32) -> f32 {
  let z = t * t;
  return t * z * (-0.333333164f + z * (0.19998534f + z * (-0.142445475f + z * (0.106004603f + z * -0.0609345622f))));
}`,
  },
  flow_atan_ratio: {
    uses: ['flow_atan_tail'],
    text: `
// atan(y / x) for 0 <= y <= x, x > 0.
fn flow_atan_ratio(y: f32, x: f32) -> f32 {
  let far = y > 0.414213568f * x;
  let t = select(y, y - x, far) / select(x, y + x, far);
  let tail = flow_atan_tail(t);
  return select(t + tail, 0.785398185f + (t + (tail - 2.18556941e-8f)), far);
}`,
  },
  flow_atan: {
    uses: ['flow_atan_ratio'],
    text: `
fn flow_atan(x: f32) -> f32 {
  let a = abs(x);
  let beyond = a > 1.0f;
  let y = flow_atan_ratio(select(a, 1.0f, beyond), select(1.0f, a, beyond));
  let z = select(y, 1.57079637f - (y + 4.37113883e-8f), beyond);
  return select(z, -z, x < 0.0f);
}`,
  },
  flow_atan2: {
    uses: ['flow_atan_ratio'],
    text: `
// The angle of the point (x, y); the sign of a zero counts.
fn flow_atan2(y: f32, x: f32) -> f32 {
  let a = abs(x);
  let b = abs(y);
  let steep = b > a;
  let large = select(a, b, steep);
  // Scaled away from the ends of the range of exponents; 0 over 0 is 0.
  let scale = select(select(1.0f, 0.0625f, large > 1.0e37f), 16777216.0f, large < 1.0e-30f);
  let longer = select(large * scale, 1.0f, large == 0.0f);
  let acute = flow_atan_ratio(select(b, a, steep) * scale, longer);
  let first = select(acute, 1.57079637f - (acute + 4.37113883e-8f), steep);
  let left = (bitcast<u32>(x) >> 31u) != 0u;
  let below = (bitcast<u32>(y) >> 31u) != 0u;
  let z = select(first, 3.14159274f - (first + 8.74227766e-8f), left);
  return select(z, -z, below);
}`,
  },
};
