// exp, log, pow and the hyperbolic functions of float32, as WGSL text (see library.ts). Polynomials are minimax fits of relative error below 2^-30, rounded to float32; the argument
// reductions are the usual ones (Muller, "Elementary Functions", ch. 11). Drivers simplify sums as if they were exact (`(a + b) - a` becomes b), so what is lost to rounding is never
// found that way: numbers are split with bit masks, which no optimiser can undo.

import type { LibraryFunction } from './library_function.ts';

export const exponentialFunctions: Readonly<Record<string, LibraryFunction>> = {
  flow_power_of_two: {
    uses: [],
    text: `
// 2^k for -126 <= k <= 127.
fn flow_power_of_two(k: i32) -> f32 {
  return bitcast<f32>(u32(k + 127) << 23u);
}`,
  },
  flow_expm1_reduced: {
    uses: [],
    text: `
// exp(r) - 1 for |r| <= ln(2)/2.
fn flow_expm1_reduced(r: f32) -> f32 {
  let p = 0.5f + r * (0.166666687f + r * (0.0416664742f + r * (0.00833283924f + r * (0.00139340351f + r * 0.00020153902f))));
  return r + r * r * p;
}`,
  },
  flow_exp_split: {
    uses: ['flow_power_of_two', 'flow_expm1_reduced'],
    text: `
// exp(x + low), low small against x.
fn flow_exp_split(x: f32, low: f32) -> f32 {
  let clipped = select(select(x, 89.0f, x > 89.0f), -104.0f, x < -104.0f);
  let k = round(clipped * 1.44269502f);
  let r = ((clipped - k * 0.693145752f) - k * 1.42860677e-6f) + select(low, 0.0f, abs(x) > 104.0f);
  let e = 1.0f + flow_expm1_reduced(r);
  // Two factors, so that neither leaves the range of exponents.
  let half = i32(k) / 2;
  return (e * flow_power_of_two(half)) * flow_power_of_two(i32(k) - half);
}`,
  },
  flow_exp: {
    uses: ['flow_exp_split'],
    text: `
fn flow_exp(x: f32) -> f32 {
  return flow_exp_split(x, 0.0f);
}`,
  },
  flow_expm1: {
    uses: ['flow_power_of_two', 'flow_expm1_reduced'],
    text: `
// exp(x) - 1 without cancellation near 0.
fn flow_expm1(x: f32) -> f32 {
  let clipped = select(select(x, 89.0f, x > 89.0f), -30.0f, x < -30.0f);
  let k = round(clipped * 1.44269502f);
  let e = flow_expm1_reduced((clipped - k * 0.693145752f) - k * 1.42860677e-6f);
  let half = flow_power_of_two(i32(k) - 1);
  return 2.0f * (half * e + (half - 0.5f));
}`,
  },
  flow_log1p_reduced: {
    uses: [],
    text: `
// log(1 + f) for sqrt(1/2) <= 1 + f <= sqrt(2), without its first term f.
fn flow_log1p_reduced(f: f32) -> f32 {
  let p = 0.333333105f + f * (-0.249999866f + f * (0.200022236f + f * (-0.166692495f + f * (0.142187163f + f * (-0.123844013f + f * (0.118726179f + f * (-0.117893793f + f * 0.0691563264f)))))));
  return f * f * (f * p - 0.5f);
}`,
  },
  flow_log: {
    uses: ['flow_log1p_reduced'],
    text: `
fn flow_log(x: f32) -> f32 {
  if (!(x > 0.0f && x <= 0x1.fffffep+127f)) {
    return log(x);
  }
  let tiny = x < 1.17549435e-38f;
  let bits = bitcast<u32>(select(x, x * 8388608.0f, tiny));
  // 1 + f = x / 2^k between sqrt(1/2) and sqrt(2).
  let shifted = bits - 0x3f3504f3u;
  let k = f32(i32(shifted) >> 23u) - select(0.0f, 23.0f, tiny);
  let f = bitcast<f32>((shifted & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
  return k * 0.693145752f + (f + (flow_log1p_reduced(f) + k * 1.42860677e-6f));
}`,
  },
  flow_log1p: {
    uses: ['flow_log1p_reduced', 'flow_log', 'flow_power_of_two'],
    text: `
// log(1 + x) without cancellation near 0.
fn flow_log1p(x: f32) -> f32 {
  if (x > -0.2928f && x < 0.4142f) {
    return x + flow_log1p_reduced(x);
  }
  let u = 1.0f + x;
  if (!(u > 0.0f && u < 1.0e9f)) {
    return flow_log(u);
  }
  // 1 + f = (1 + x) / 2^k; f from x itself, so that the rounding of u does no harm.
  let k = i32(bitcast<u32>(u) - 0x3f3504f3u) >> 23u;
  let f = (x + (1.0f - flow_power_of_two(k))) * flow_power_of_two(-k);
  return f32(k) * 0.693145752f + (f + (flow_log1p_reduced(f) + f32(k) * 1.42860677e-6f));
}`,
  },
  flow_sinh: {
    uses: ['flow_expm1', 'flow_exp'],
    text: `
fn flow_sinh(x: f32) -> f32 {
  let a = abs(x);
  if (a > 80.0f) {
    let h = flow_exp(0.5f * a);
    return sign(x) * ((0.5f * h) * h);
  }
  let e = flow_expm1(a);
  let y = 0.5f * (e + e / (e + 1.0f));
  return select(y, -y, x < 0.0f);
}`,
  },
  flow_cosh: {
    uses: ['flow_exp'],
    text: `
fn flow_cosh(x: f32) -> f32 {
  let a = abs(x);
  if (a > 80.0f) {
    let h = flow_exp(0.5f * a);
    return (0.5f * h) * h;
  }
  let e = flow_exp(a);
  return 0.5f * e + 0.5f / e;
}`,
  },
  flow_tanh: {
    uses: ['flow_expm1'],
    text: `
fn flow_tanh(x: f32) -> f32 {
  let a = select(abs(x), 10.0f, abs(x) > 10.0f);
  let e = flow_expm1(2.0f * a);
  let y = e / (e + 2.0f);
  return select(y, -y, x < 0.0f);
}`,
  },
  flow_high: {
    uses: [],
    text: `
// The leading 12 bits of a number: products of two such are exact.
fn flow_high(x: f32) -> f32 {
  return bitcast<f32>(bitcast<u32>(x) & 0xfffff000u);
}`,
  },
  flow_pow_positive: {
    uses: ['flow_high', 'flow_exp_split'],
    text: `
// x^y for x > 0: exp(y * log(x)) with the logarithm and the product in two parts each.
fn flow_pow_positive(x: f32, y: f32) -> f32 {
  let tiny = x < 1.17549435e-38f;
  let bits = bitcast<u32>(select(x, x * 8388608.0f, tiny));
  let shifted = bits - 0x3f3504f3u;
  let k = f32(i32(shifted) >> 23u) - select(0.0f, 23.0f, tiny);
  let f = bitcast<f32>((shifted & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
  // log(1 + f) = 2 atanh(s), s = f / (2 + f) = s_high + s_low.
  let d = 2.0f + f;
  let d_high = flow_high(d);
  let d_low = f - (d_high - 2.0f);
  let s = f / d;
  let s_high = flow_high(s);
  let s_low = ((f - s_high * d_high) - s_high * d_low) / d;
  let z = s * s;
  let tail = s * z * (0.666666627f + z * (0.400008529f + z * (0.285098881f + z * 0.240344301f)));
  // log(x) = high + low.
  let a = k * 0.693145752f;
  let b = 2.0f * s_high;
  let sum = flow_high(a + b);
  let rest = select((b - sum) + a, (a - sum) + b, abs(a) >= abs(b));
  let small = (2.0f * s_low + tail) + (rest + k * 1.42860677e-6f);
  let high = flow_high(sum + small);
  let low = (sum - high) + small;
  // y * log(x) = whole + part.
  let y_high = flow_high(y);
  let product = high * y_high;
  let product_low = high * (y - y_high) + low * y;
  let whole = flow_high(product + product_low);
  return flow_exp_split(whole, (product - whole) + product_low);
}`,
  },
  flow_pow: {
    uses: ['flow_pow_positive', 'flow_nan', 'flow_is_nan'],
    text: `
// x^y; a negative x wants an integral y; x^0 = 1.
fn flow_pow(x: f32, y: f32) -> f32 {
  if (y == 0.0f || x == 1.0f) {
    return 1.0f;
  }
  if (flow_is_nan(x) || flow_is_nan(y)) {
    return x + y;
  }
  let integral = floor(y) == y;
  let odd = integral && abs(y) < 16777216.0f && (i32(y) & 1) != 0;
  let a = abs(x);
  var r: f32;
  if (a == 0.0f) {
    r = select(0.0f, 1.0f / a, y < 0.0f);
  } else if (a > 0x1.fffffep+127f || abs(y) > 0x1.fffffep+127f) {
    r = pow(a, y);
  } else {
    r = flow_pow_positive(a, y);
  }
  if (x < 0.0f) {
    if (!integral) {
      return flow_nan();
    }
    return select(r, -r, odd);
  }
  return r;
}`,
  },
};
