// Helper functions of a module in text form, emitted when something calls them: integer division that does not trap, fills, the barrier, the split of the binomial checkpoint schedule.

import { InternalError } from '../../support/diagnostic.ts';

/** Words of the barrier: threads that have arrived, the number of the round, threads that may sleep. */
export const BARRIER_ARRIVED = 64;
export const BARRIER_ROUND = 128;
const BARRIER_SLEEPERS = 192;

/** Loads of the round before a thread goes to sleep. */
const spins = 20000;

/** Threads wait for each other; loads and stores before it are seen after it. Spins first, so that short waits are short, then sleeps, so that a busy neighbour gets the core. Waking is a call
 *  into the engine, left out while nobody sleeps: who counts himself among the sleepers too late finds a new round and does not sleep. */
const barrier = `  ;; waits until all $threads threads have arrived
  (func $barrier (param $threads i32) (local $round i32) (local $spins i32)
    (if (i32.le_u (local.get $threads) (i32.const 1)) (then (return)))
    (local.set $round (i32.atomic.load (i32.const ${BARRIER_ROUND})))
    (if (i32.eq (i32.atomic.rmw.add (i32.const ${BARRIER_ARRIVED}) (i32.const 1)) (i32.sub (local.get $threads) (i32.const 1)))
      (then
        (i32.atomic.store (i32.const ${BARRIER_ARRIVED}) (i32.const 0))
        (i32.atomic.store (i32.const ${BARRIER_ROUND}) (i32.add (local.get $round) (i32.const 1)))
        (if (i32.atomic.load (i32.const ${BARRIER_SLEEPERS}))
          (then (drop (memory.atomic.notify (i32.const ${BARRIER_ROUND}) (i32.const -1)))))
        (return)))
    (loop $again
      (if (i32.ne (i32.atomic.load (i32.const ${BARRIER_ROUND})) (local.get $round)) (then (return)))
      (local.set $spins (i32.add (local.get $spins) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $spins) (i32.const ${spins})))
      (drop (i32.atomic.rmw.add (i32.const ${BARRIER_SLEEPERS}) (i32.const 1)))
      (drop (memory.atomic.wait32 (i32.const ${BARRIER_ROUND}) (local.get $round) (i64.const -1)))
      (drop (i32.atomic.rmw.add (i32.const ${BARRIER_SLEEPERS}) (i32.const -1)))
      (br $again)))`;

/** Fills count elements of 4 or 8 bytes. */
function fill(bits: 32 | 64): string {
  const bytes = bits / 8;
  return `  (func $fill${bits} (param $to i32) (param $count i32) (param $value i${bits}) (local $end i32)
    (local.set $end (i32.add (local.get $to) (i32.mul (local.get $count) (i32.const ${bytes}))))
    (block $done
      (loop $again
        (br_if $done (i32.ge_u (local.get $to) (local.get $end)))
        (i${bits}.store (local.get $to) (local.get $value))
        (local.set $to (i32.add (local.get $to) (i32.const ${bytes})))
        (br $again))))`;
}

/** Two parts of memory change places; lengths are multiples of 8. */
const exchange = `  ;; exchanges $bytes bytes
  (func $exchange (param $a i32) (param $b i32) (param $bytes i32) (local $end i32) (local $x i64)
    (local.set $end (i32.add (local.get $a) (local.get $bytes)))
    (block $done
      (loop $again
        (br_if $done (i32.ge_u (local.get $a) (local.get $end)))
        (local.set $x (i64.load (local.get $a)))
        (i64.store (local.get $a) (i64.load (local.get $b)))
        (i64.store (local.get $b) (local.get $x))
        (local.set $a (i32.add (local.get $a) (i32.const 8)))
        (local.set $b (i32.add (local.get $b) (i32.const 8)))
        (br $again))))`;

const i32Div = `  ;; truncated quotient; 0 for a divisor of 0
  (func $i32_div (param $a i32) (param $b i32) (result i32)
    (if (result i32) (i32.eqz (local.get $b)) (then (i32.const 0))
      (else (if (result i32) (i32.eq (local.get $b) (i32.const -1)) (then (i32.sub (i32.const 0) (local.get $a)))
        (else (i32.div_s (local.get $a) (local.get $b)))))))`;

const i32Rem = `  ;; floored remainder; 0 for a divisor of 0
  (func $i32_rem (param $a i32) (param $b i32) (result i32) (local $r i32)
    (if (i32.eqz (local.get $b)) (then (return (i32.const 0))))
    (local.set $r (i32.rem_s (local.get $a) (local.get $b)))
    (if (i32.and (i32.ne (local.get $r) (i32.const 0)) (i32.lt_s (i32.xor (local.get $r) (local.get $b)) (i32.const 0)))
      (then (local.set $r (i32.add (local.get $r) (local.get $b)))))
    (local.get $r))`;

const i32Idiv = `  ;; floored quotient; 0 for a divisor of 0
  (func $i32_idiv (param $a i32) (param $b i32) (result i32) (local $q i32)
    (if (i32.eqz (local.get $b)) (then (return (i32.const 0))))
    (if (i32.eq (local.get $b) (i32.const -1)) (then (return (i32.sub (i32.const 0) (local.get $a)))))
    (local.set $q (i32.div_s (local.get $a) (local.get $b)))
    (if (i32.and
          (i32.ne (i32.mul (local.get $q) (local.get $b)) (local.get $a))
          (i32.lt_s (i32.xor (local.get $a) (local.get $b)) (i32.const 0)))
      (then (local.set $q (i32.sub (local.get $q) (i32.const 1)))))
    (local.get $q))`;

function u32Division(name: string, op: string): string {
  return `  (func $${name} (param $a i32) (param $b i32) (result i32)
    (if (result i32) (i32.eqz (local.get $b)) (then (i32.const 0))
      (else (${op} (local.get $a) (local.get $b)))))`;
}

/** C(s + r, s), 0 for r < 0, as support/revolve.ts computes it. */
const revolveBeta = `  (func $revolve_beta (param $s i32) (param $r i32) (result i32)
    (local $i i32) (local $few i32) (local $many i32) (local $value f64)
    (if (i32.lt_s (local.get $r) (i32.const 0)) (then (return (i32.const 0))))
    (local.set $few (select (local.get $s) (local.get $r) (i32.lt_s (local.get $s) (local.get $r))))
    (local.set $many (select (local.get $r) (local.get $s) (i32.lt_s (local.get $s) (local.get $r))))
    (local.set $value (f64.const 1))
    (local.set $i (i32.const 1))
    (block $done
      (loop $again
        (br_if $done (i32.gt_s (local.get $i) (local.get $few)))
        (local.set $value
          (f64.div
            (f64.mul (local.get $value) (f64.convert_i32_s (i32.add (local.get $many) (local.get $i))))
            (f64.convert_i32_s (local.get $i))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $again)))
    (i32.trunc_sat_f64_s (local.get $value)))`;

/** How far to advance before storing, when $steps > 1 are to be reversed with $places > 1 slots (support/revolve.ts, splitAt). */
const revolveSplit = `  (func $revolve_split (param $steps i32) (param $places i32) (result i32)
    (local $r i32) (local $reach f64) (local $a i32) (local $b i32)
    (local.set $reach (f64.const 1))
    (block $done
      (loop $again
        (br_if $done (f64.ge (local.get $reach) (f64.convert_i32_s (local.get $steps))))
        (local.set $r (i32.add (local.get $r) (i32.const 1)))
        (local.set $reach
          (f64.div
            (f64.mul (local.get $reach) (f64.convert_i32_s (i32.add (local.get $places) (local.get $r))))
            (f64.convert_i32_s (local.get $r))))
        (br $again)))
    (local.set $a (call $revolve_beta (local.get $places) (i32.sub (local.get $r) (i32.const 1))))
    (local.set $b
      (i32.sub
        (local.get $steps)
        (call $revolve_beta (i32.sub (local.get $places) (i32.const 1)) (i32.sub (local.get $r) (i32.const 1)))))
    (select (local.get $a) (local.get $b) (i32.lt_s (local.get $a) (local.get $b))))`;

/** Place of a value in an ascending table; -1 when it is not there. */
const rank = `  (func $rank (param $table i32) (param $count i32) (param $value i32) (result i32)
    (local $low i32) (local $high i32) (local $middle i32) (local $found i32)
    (local.set $high (local.get $count))
    (block $done
      (loop $again
        (br_if $done (i32.ge_s (local.get $low) (local.get $high)))
        (local.set $middle (i32.shr_u (i32.add (local.get $low) (local.get $high)) (i32.const 1)))
        (local.set $found (i32.load (i32.add (local.get $table) (i32.shl (local.get $middle) (i32.const 2)))))
        (if (i32.eq (local.get $found) (local.get $value)) (then (return (local.get $middle))))
        (if (i32.lt_s (local.get $found) (local.get $value))
          (then (local.set $low (i32.add (local.get $middle) (i32.const 1))))
          (else (local.set $high (local.get $middle))))
        (br $again)))
    (i32.const -1))`;

const texts: Readonly<Record<string, readonly string[]>> = {
  barrier: [barrier],
  fill32: [fill(32)],
  fill64: [fill(64)],
  exchange: [exchange],
  i32_div: [i32Div],
  i32_rem: [i32Rem],
  i32_idiv: [i32Idiv],
  u32_div: [u32Division('u32_div', 'i32.div_u')],
  u32_idiv: [u32Division('u32_idiv', 'i32.div_u')],
  u32_rem: [u32Division('u32_rem', 'i32.rem_u')],
  rank: [rank],
  revolve_split: [revolveBeta, revolveSplit],
};

/** The lines of a helper function; undefined for names that are not in this file. */
export function helperText(name: string): readonly string[] | undefined {
  return texts[name]?.flatMap((text) => text.split('\n'));
}

export function unknownHelper(name: string): never {
  throw new InternalError('wasm.helpers', `no helper function ${name}`);
}
