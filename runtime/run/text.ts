// Values as text: the run-time holes of `print`, `assert` and paths. In: parts of a string and a way to read variables. Out: text, and the values that were read, so that the caller can
// see whether they are finite.

import type { ShownKind, TextPart } from '../../compiler/plan/script.ts';
import { showNumber } from '../../compiler/support/number_text.ts';

/** Arrays of at most this many values are shown whole. */
const mostShown = 12;
const shownOfMany = 3;

export interface ReadText {
  readonly text: string;
  /** False when a value read is NaN or infinite. */
  readonly finite: boolean;
}

export async function readText(
  parts: readonly TextPart[],
  read: (variable: string) => Promise<Float64Array>,
): Promise<ReadText> {
  const pieces: string[] = [];
  let finite = true;
  for (const part of parts) {
    if ('text' in part) {
      pieces.push(part.text);
      continue;
    }
    const data = await read(part.variable);
    finite &&= data.every(Number.isFinite);
    const shape = part.shape ?? (data.length === 1 ? [] : [data.length]);
    pieces.push(showValue(data, shape, part.kind ?? 'real', part.digits));
  }
  return { text: pieces.join(''), finite };
}

/** `0.25`, `[1, 2, 3]`, `[[1, 0], [0, 1]]`, `[0.1, 0.2, 0.3, … (64 × 64 values)]`. */
export function showValue(
  data: Float64Array,
  shape: readonly number[],
  kind: ShownKind,
  digits?: number,
): string {
  if (kind === 'complex') return showComplex(data, shape.slice(0, -1), digits);
  const one = (i: number): string => {
    const value = data[i] ?? NaN;
    if (kind === 'bool') return value === 0 ? 'false' : 'true';
    return showNumber(value, kind === 'int' ? undefined : digits);
  };
  return showNested(data.length, shape, one);
}

/** `1 - 2i`, pair by pair. */
function showComplex(data: Float64Array, shape: readonly number[], digits?: number): string {
  return showNested(data.length / 2, shape, (i) => {
    const [x, y] = [data[2 * i] ?? NaN, data[2 * i + 1] ?? NaN];
    const negative = y < 0 || Object.is(y, -0);
    return `${showNumber(x, digits)} ${negative ? '-' : '+'} ${showNumber(Math.abs(y), digits)}i`;
  });
}

function showNested(count: number, shape: readonly number[], one: (i: number) => string): string {
  if (count > mostShown) {
    const first = Array.from({ length: shownOfMany }, (_, i) => one(i));
    return `[${first.join(', ')}, … (${shape.join(' × ')} values)]`;
  }
  const nested = (axis: number, start: number, end: number): string => {
    if (axis === shape.length) return one(start);
    const extent = shape[axis] ?? 0;
    const stride = extent === 0 ? 0 : (end - start) / extent;
    const rows = Array.from({ length: extent }, (_, i) =>
      nested(axis + 1, start + i * stride, start + (i + 1) * stride),
    );
    return `[${rows.join(', ')}]`;
  };
  return nested(0, 0, count);
}

/** Digits of losses in logs and progress lines. */
export const logDigits = 5;

/** `misfit 1.234e-5  rough 3.2e-7` */
export function showNumbers(values: readonly { readonly label: string; readonly value: number }[]): string {
  return values.map(({ label, value }) => `${label} ${showNumber(value, logDigits)}`).join('  ');
}
