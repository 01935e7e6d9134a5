// Arguments that the fast paths of elementary functions leave out, one at a time: huge angles, denormal numbers, zeros, infinities, NaN. Plain WebAssembly text.

import { range } from '../../support/lists.ts';

/** Bits of 2/pi behind the point, 64 a word, after one word of zeros. */
const TWO_OVER_PI_WORDS: readonly bigint[] = [
  0n,
  0xa2f9836e4e441529n,
  0xfc2757d1f534ddc0n,
  0xdb6295993c439041n,
  0xfe5163abdebbc561n,
  0xb7246e3a424dd2e0n,
  0x06492eea09d1921cn,
  0xfe1deb1cb129a73en,
  0xe88235f52ebb4484n,
  0xe99c7026b45f7e41n,
  0x3991d639835339f4n,
  0x9c845f8bbdf9283bn,
  0x1ff897ffde05980fn,
  0xef2f118b5a0a6d1fn,
  0x6d367ecf27cb09b7n,
  0x4f463f669e5fea2dn,
  0x7527bac7ebe5f17bn,
  0x3d0739f78a5292ean,
  0x6bfb5fb11f8d5d08n,
  0x56033046fc7b6babn,
];

/** The table as i32 words, low half first. */
export function twoOverPiTable(): readonly number[] {
  return range(TWO_OVER_PI_WORDS.length).flatMap((i) => {
    const word = TWO_OVER_PI_WORDS[i] ?? 0n;
    return [Number(BigInt.asIntN(32, word)), Number(BigInt.asIntN(32, word >> 32n))];
  });
}

/**
 * The reduction of M. Payne and R. Hanek (1983): quarter turns as the result, the rest of the angle as the sum of two globals. The 53-bit integer of x is multiplied by the 192 bits of 2/pi that
 * matter, modulo 4.
 */
export function angleText(table: number): string {
  const word = (offset: number) => `(i64.load offset=${table + offset} (local.get $place))`;
  const window = (offset: number) => `(i64.or
        (i64.shl ${word(offset)} (local.get $shift))
        (i64.shr_u (i64.shr_u ${word(offset + 8)} (i64.const 1)) (i64.sub (i64.const 63) (local.get $shift))))`;
  return `  (global $angle_r (mut f64) (f64.const 0))
  (global $angle_low (mut f64) (f64.const 0))
  ;; upper 64 bits of a product
  (func $mulhi (param $a i64) (param $b i64) (result i64) (local $ah i64) (local $al i64) (local $bh i64) (local $bl i64) (local $t i64)
    (local.set $ah (i64.shr_u (local.get $a) (i64.const 32)))
    (local.set $al (i64.and (local.get $a) (i64.const 0xffffffff)))
    (local.set $bh (i64.shr_u (local.get $b) (i64.const 32)))
    (local.set $bl (i64.and (local.get $b) (i64.const 0xffffffff)))
    (local.set $t (i64.add (i64.mul (local.get $ah) (local.get $bl)) (i64.shr_u (i64.mul (local.get $al) (local.get $bl)) (i64.const 32))))
    (i64.add
      (i64.add (i64.mul (local.get $ah) (local.get $bh)) (i64.shr_u (local.get $t) (i64.const 32)))
      (i64.shr_u
        (i64.add (i64.mul (local.get $al) (local.get $bh)) (i64.and (local.get $t) (i64.const 0xffffffff)))
        (i64.const 32))))
  ;; quarter turns of a finite angle; the rest in $angle_r + $angle_low
  (func $angle (param $x f64) (result i64)
    (local $bits i64) (local $m i64) (local $start i32) (local $place i32) (local $shift i64)
    (local $w2 i64) (local $w1 i64) (local $w0 i64) (local $p1 i64) (local $p0 i64) (local $low i64) (local $q i64) (local $negative i32)
    (local $s f64) (local $sl f64) (local $high f64) (local $r f64) (local $rl f64) (local $sh f64) (local $error f64) (local $sign f64)
    (local.set $bits (i64.and (i64.reinterpret_f64 (local.get $x)) (i64.const 0x7fffffffffffffff)))
    (local.set $m (i64.or (i64.and (local.get $bits) (i64.const 0xfffffffffffff)) (i64.const 0x10000000000000)))
    (local.set $start (i32.sub (i32.wrap_i64 (i64.shr_u (local.get $bits) (i64.const 52))) (i32.const ${1075 - 62})))
    (local.set $place (i32.shl (i32.shr_u (local.get $start) (i32.const 6)) (i32.const 3)))
    (local.set $shift (i64.extend_i32_u (i32.and (local.get $start) (i32.const 63))))
    (local.set $w2 ${window(0)})
    (local.set $w1 ${window(8)})
    (local.set $w0 ${window(16)})
    (local.set $low (call $mulhi (local.get $m) (local.get $w0)))
    (local.set $p0 (i64.add (i64.mul (local.get $m) (local.get $w1)) (local.get $low)))
    (local.set $p1
      (i64.add
        (i64.add (i64.mul (local.get $m) (local.get $w2)) (call $mulhi (local.get $m) (local.get $w1)))
        (i64.extend_i32_u (i64.lt_u (local.get $p0) (local.get $low)))))
    (local.set $q (i64.shr_u (local.get $p1) (i64.const 62)))
    (local.set $p1 (i64.or (i64.shl (local.get $p1) (i64.const 2)) (i64.shr_u (local.get $p0) (i64.const 62))))
    (local.set $p0 (i64.shl (local.get $p0) (i64.const 2)))
    (local.set $sign (f64.const 1))
    (if (i64.lt_s (local.get $p1) (i64.const 0))
      (then
        (local.set $q (i64.add (local.get $q) (i64.const 1)))
        (local.set $sign (f64.const -1))
        (local.set $p0 (i64.sub (i64.const 0) (local.get $p0)))
        (local.set $p1
          (i64.add (i64.xor (local.get $p1) (i64.const -1)) (i64.extend_i32_u (i64.eqz (local.get $p0)))))))
    ;; the fraction of a quarter turn as s + sl
    (local.set $high (f64.mul (f64.convert_i64_u (i64.and (local.get $p1) (i64.const -2048))) (f64.const 0x1p-64)))
    (local.set $sl
      (f64.add
        (f64.mul (f64.convert_i64_u (i64.and (local.get $p1) (i64.const 2047))) (f64.const 0x1p-64))
        (f64.mul (f64.convert_i64_u (local.get $p0)) (f64.const 0x1p-128))))
    (local.set $s (f64.add (local.get $high) (local.get $sl)))
    (local.set $sl (f64.add (f64.sub (local.get $high) (local.get $s)) (local.get $sl)))
    ;; times pi/2, with the product's rounding error
    (local.set $r (f64.mul (local.get $s) (f64.const 1.5707963267948966)))
    (local.set $sh (f64.reinterpret_i64 (i64.and (i64.reinterpret_f64 (local.get $s)) (i64.const -134217728))))
    (local.set $error (f64.sub (f64.mul (local.get $sh) (f64.const 1.5707963109016418)) (local.get $r)))
    (local.set $error (f64.add (local.get $error) (f64.mul (local.get $sh) (f64.const 1.5893254712295857e-8))))
    (local.set $error
      (f64.add (local.get $error) (f64.mul (f64.sub (local.get $s) (local.get $sh)) (f64.const 1.5707963109016418))))
    (local.set $error
      (f64.add (local.get $error) (f64.mul (f64.sub (local.get $s) (local.get $sh)) (f64.const 1.5893254712295857e-8))))
    (local.set $error
      (f64.add
        (local.get $error)
        (f64.add
          (f64.mul (local.get $s) (f64.const 6.123233995736766e-17))
          (f64.mul (local.get $sl) (f64.const 1.5707963267948966)))))
    (local.set $rl (f64.add (local.get $r) (local.get $error)))
    (local.set $error (f64.add (f64.sub (local.get $r) (local.get $rl)) (local.get $error)))
    (local.set $negative (f64.lt (local.get $x) (f64.const 0)))
    (local.set $sign (select (f64.neg (local.get $sign)) (local.get $sign) (local.get $negative)))
    (global.set $angle_r (f64.mul (local.get $sign) (local.get $rl)))
    (global.set $angle_low (f64.mul (local.get $sign) (local.get $error)))
    (select (i64.sub (i64.const 0) (local.get $q)) (local.get $q) (local.get $negative)))`;
}

/** Zero, negative, infinite, NaN and denormal arguments. */
export const logSlow = `  (func $log_f64_slow (param $x f64) (result f64)
    (if (f64.ne (local.get $x) (local.get $x)) (then (return (local.get $x))))
    (if (f64.lt (local.get $x) (f64.const 0)) (then (return (f64.const nan))))
    (if (f64.eq (local.get $x) (f64.const 0)) (then (return (f64.const -inf))))
    (if (f64.eq (local.get $x) (f64.const inf)) (then (return (f64.const inf))))
    (f64.sub (call $log_f64 (f64.mul (local.get $x) (f64.const 0x1p54))) (f64.const 37.42994775023705)))`;

/** At and below -1, infinite, NaN. */
export const log1pSlow = `  (func $log1p_f64_slow (param $x f64) (result f64)
    (if (f64.eq (local.get $x) (f64.const -1)) (then (return (f64.const -inf))))
    (if (f64.lt (local.get $x) (f64.const -1)) (then (return (f64.const nan))))
    (local.get $x))`;

/** Bases that are not positive and finite, exponents that are not finite; as IEEE 754 has it. */
export const powSlow = `  (func $pow_f64_slow (param $x f64) (param $y f64) (result f64) (local $a f64) (local $odd i32) (local $whole i32) (local $r f64)
    (if (i32.or (f64.eq (local.get $y) (f64.const 0)) (f64.eq (local.get $x) (f64.const 1))) (then (return (f64.const 1))))
    (if (i32.or (f64.ne (local.get $x) (local.get $x)) (f64.ne (local.get $y) (local.get $y))) (then (return (f64.const nan))))
    (local.set $a (f64.abs (local.get $x)))
    (if (f64.eq (f64.abs (local.get $y)) (f64.const inf))
      (then
        (if (f64.eq (local.get $a) (f64.const 1)) (then (return (f64.const 1))))
        (return
          (select (f64.const inf) (f64.const 0)
            (i32.eq (f64.gt (local.get $a) (f64.const 1)) (f64.gt (local.get $y) (f64.const 0)))))))
    (local.set $whole (f64.eq (f64.trunc (local.get $y)) (local.get $y)))
    (local.set $odd
      (i32.and
        (local.get $whole)
        (i32.and
          (f64.lt (f64.abs (local.get $y)) (f64.const 9007199254740992))
          (f64.ne (f64.trunc (f64.mul (local.get $y) (f64.const 0.5))) (f64.mul (local.get $y) (f64.const 0.5))))))
    (if (i32.or (f64.eq (local.get $a) (f64.const 0)) (f64.eq (local.get $a) (f64.const inf)))
      (then
        (local.set $r
          (select (f64.const 0) (f64.const inf)
            (i32.eq (f64.eq (local.get $a) (f64.const 0)) (f64.gt (local.get $y) (f64.const 0)))))
        (return (select (f64.copysign (local.get $r) (local.get $x)) (local.get $r) (local.get $odd)))))
    (if (i32.eqz (local.get $whole)) (then (return (f64.const nan))))
    (local.set $r (call $pow_f64 (local.get $a) (local.get $y)))
    (select (f64.neg (local.get $r)) (local.get $r) (local.get $odd)))`;
