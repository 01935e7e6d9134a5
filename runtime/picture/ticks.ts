// Axes of numbers. In: a range of data. Out: a range that can be drawn, round tick values and their labels.
// Steps are 1, 2 or 5 times a power of ten. A tick is an integer multiple of its step and its label is made from that integer, so
// that 0.3 is never 0.30000000000000004. Large, small and narrow ranges share a factor 10^n and an offset, shown once.
// Works from 1e-300 to 1.7e308 in either sign: differences are taken of halves, so that they cannot overflow.

/** An interval with low < high, both finite. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

export interface Ticks {
  readonly values: readonly number[];
  readonly labels: readonly string[];
  /** What is written once at the end of the axis: ` ×10^{-3}`, `+ 1000`, or nothing. */
  readonly note: string;
}

/** Values closer to zero than this count as zero. */
const tiny = 1e-300;
/** More multiples of a step than this are never asked for. */
const mostMultiples = 400;
/** Relative width below which a range holds one value only. */
const narrowest = 1e-13;

/** Smallest and largest finite value; undefined when there is none. */
export function finiteRange(data: Float64Array): Range | undefined {
  let low = Infinity;
  let high = -Infinity;
  for (const value of data) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low > high ? undefined : { low, high };
}

export function unionRange(ranges: readonly (Range | undefined)[]): Range | undefined {
  const known = ranges.filter((range) => range !== undefined);
  if (known.length === 0) return undefined;
  return {
    low: Math.min(...known.map((range) => range.low)),
    high: Math.max(...known.map((range) => range.high)),
  };
}

/** Widens a range that holds one value (or nothing) so that it can be drawn. */
export function drawable_range(range: Range | undefined): Range {
  if (!range) return { low: 0, high: 1 };
  const { low, high } = range;
  const size = Math.max(Math.abs(low), Math.abs(high));
  if (size < tiny) return { low: -1, high: 1 };
  if (high / 2 - low / 2 > (narrowest * size) / 2) return range;
  const middle = low / 2 + high / 2;
  const half = Math.abs(middle) / 2;
  return clamped({ low: middle - half, high: middle + half });
}

/** Adds a share of its length at both ends. */
export function padded_range(range: Range, share: number): Range {
  const pad = (range.high / 2 - range.low / 2) * 2 * share;
  return clamped({ low: range.low - pad, high: range.high + pad });
}

function clamped({ low, high }: Range): Range {
  return { low: Math.max(low, -Number.MAX_VALUE), high: Math.min(high, Number.MAX_VALUE) };
}

/** Place of a value in a range: 0 at its low end, 1 at its high end. */
export function fraction(value: number, { low, high }: Range): number {
  return (value / 2 - low / 2) / (high / 2 - low / 2);
}

/** Round ticks inside a range, at most `most` of them and at least two. */
export function nice_ticks(range: Range, most: number): Ticks {
  const { mantissa, exponent } = niceStep(range, Math.max(2, most));
  const multiples = multiplesIn(range, mantissa, exponent);
  const whole = multiples.map((multiple) => multiple * mantissa);
  return labelled(whole, exponent);
}

interface Step {
  readonly mantissa: 1 | 2 | 5;
  readonly exponent: number;
}

/** The finest of the round steps that gives at most `most` ticks; a finer one if that leaves fewer than two. */
function niceStep(range: Range, most: number): Step {
  const log = Math.log10(range.high / 2 - range.low / 2) + Math.log10(2) - Math.log10(most);
  const start = Math.floor(log) - 1;
  let finer: Step = { mantissa: 1, exponent: start };
  for (let exponent = start; exponent <= start + 3; exponent += 1) {
    for (const mantissa of [1, 2, 5] as const) {
      const count = multiplesIn(range, mantissa, exponent).length;
      if (count < 2) return finer;
      finer = { mantissa, exponent };
      if (count <= most) return finer;
    }
  }
  return finer;
}

/** Integers n with n * mantissa * 10^exponent inside the range, allowing for rounding at its ends. */
function multiplesIn(range: Range, mantissa: number, exponent: number): readonly number[] {
  const slack = 1e-9;
  const first = Math.ceil(shifted(range.low / mantissa, -exponent) - slack);
  const last = Math.floor(shifted(range.high / mantissa, -exponent) + slack);
  // A step much too fine gives more multiples than anyone asks for: no need to list them.
  return Array.from(
    { length: Math.min(Math.max(0, last - first + 1), mostMultiples) },
    (_, i) => first + i || 0,
  );
}

/** value * 10^power without leaving the range of doubles on the way. */
function shifted(value: number, power: number): number {
  if (Math.abs(power) > 300)
    return value * 10 ** (power - Math.trunc(power / 2)) * 10 ** Math.trunc(power / 2);
  return power >= 0 ? value * 10 ** power : value / 10 ** -power;
}

/** Digits after which labels turn to a common factor. */
const mostDigits = 5;

/** Labels of the numbers whole[i] * 10^exponent. */
function labelled(whole: readonly number[], exponent: number): Ticks {
  const values = whole.map((n) => shifted(n, exponent));
  const largest = Math.max(0, ...whole.map(Math.abs));
  // Many digits before the differing ones: show the differences to a base.
  const base = largest >= 10 ** mostDigits ? offsetOf(whole) : 0;
  const shown = whole.map((n) => n - base);
  const top = Math.max(1, ...shown.map(Math.abs));
  const order = Math.floor(Math.log10(top)) + exponent;
  const factor = order >= mostDigits || order <= -4 ? order : 0;
  const labels = shown.map((n) => decimalText(n, exponent - factor));
  const notes = [
    factor === 0 ? '' : `×10^{${factor < 0 ? '−' : ''}${Math.abs(factor)}}`,
    base === 0 ? '' : offsetText(base, exponent),
  ];
  return { values, labels: trimmed(labels), note: notes.filter((note) => note !== '').join(' ') };
}

/** A round number in the middle of them, when they are many steps from zero. */
function offsetOf(whole: readonly number[]): number {
  const low = Math.min(...whole);
  const high = Math.max(...whole);
  if (low < 0 && high > 0) return 0;
  const spread = 10 ** Math.ceil(Math.log10(Math.max(1, high - low)));
  const base = Math.round((low + high) / 2 / spread) * spread;
  return Math.abs(base) < 100 * spread ? 0 : base;
}

/** `+ 101325`, `− 9.99×10^{7}`: all digits that count, and a power of ten when there are many zeros. */
function offsetText(base: number, exponent: number): string {
  const sign = base < 0 ? '−' : '+';
  const digits = String(Math.abs(base)).replace(/0+$/, '');
  const order = String(Math.abs(base)).length - 1 + exponent;
  if (order >= -3 && order < 8) {
    const text = decimalText(Math.abs(base), exponent);
    return `${sign} ${text.includes('.') ? text.replace(/\.?0+$/, '') : text}`;
  }
  const mantissa = digits.length > 1 ? `${digits.charAt(0)}.${digits.slice(1)}` : digits;
  return `${sign} ${mantissa}×10^{${order < 0 ? '−' : ''}${Math.abs(order)}}`;
}

/** The integer n times 10^power in plain digits, with a real minus sign. */
function decimalText(n: number, power: number): string {
  const sign = n < 0 ? '−' : '';
  const digits = String(Math.abs(n));
  if (n === 0) return power < 0 ? `0.${'0'.repeat(-power)}` : '0';
  if (digits.includes('e')) return formatNumber(n * 10 ** power);
  if (power >= 0)
    return power > 15 ? `${sign}${digits}×10^{${power}}` : `${sign}${digits}${'0'.repeat(power)}`;
  const padded = digits.padStart(1 - power, '0');
  return `${sign}${padded.slice(0, power)}.${padded.slice(power)}`;
}

/** Takes trailing zeros that all labels share. */
function trimmed(labels: readonly string[]): readonly string[] {
  let result = labels;
  while (result.length > 0 && result.every((label) => label.includes('.') && /[0.]$/.test(label))) {
    const last = result.every((label) => label.endsWith('.')) || result.every((label) => label.endsWith('0'));
    if (!last) break;
    result = result.map((label) => label.slice(0, -1));
  }
  return result;
}

/** Ticks of a logarithmic axis over positive numbers: powers of ten, with 2 and 5 between them when there are few. */
export function log_ticks(range: Range, most: number): Ticks {
  const first = Math.floor(Math.log10(range.low));
  const last = Math.ceil(Math.log10(range.high));
  const inside = (value: number): boolean =>
    value >= range.low * (1 - 1e-9) && value <= range.high * (1 + 1e-9);
  const decades = Array.from({ length: last - first + 1 }, (_, i) => first + i).filter((e) =>
    inside(10 ** e),
  );
  if (decades.length < 2) return nice_ticks(range, most);
  const stride = Math.max(1, Math.ceil(decades.length / most));
  const kept = decades.filter((e) => (e - (decades[0] ?? 0)) % stride === 0);
  return {
    values: kept.map((e) => 10 ** e),
    labels: kept.map((e) => (e >= 0 && e <= 3 ? String(10 ** e) : `10^{${e < 0 ? '−' : ''}${Math.abs(e)}}`)),
    note: '',
  };
}

/** A number with four significant digits, as it is set in a legend: `0.125`, `1.2×10^{−7}`. */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  const [mantissa = '0', power = '0'] = value.toExponential(3).split('e');
  const exponent = Number(power);
  if (exponent >= -3 && exponent < 5) return String(Number(value.toPrecision(4))).replace('-', '−');
  return `${String(Number(mantissa)).replace('-', '−')}×10^{${exponent < 0 ? '−' : ''}${Math.abs(exponent)}}`;
}
