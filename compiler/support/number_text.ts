// Numbers as the user reads them: in `print`, messages, logs. In: a number and how many significant digits. Out: text; what was printed can be read back.

const defaultDigits = 6;

/**
 * Six significant digits unless asked otherwise, without trailing zeros; whole numbers below 1e15 in full when no digits are asked for; an exponent below 1e-3 and where the digits
 * asked for do not reach the unit. `1e15`, `-0` as `0`, `NaN`, `Infinity`.
 */
export function showNumber(x: number, digits?: number): string {
  if (!Number.isFinite(x)) return String(x);
  if (x === 0) return '0';
  if (digits === undefined && Number.isInteger(x) && Math.abs(x) < 1e15) return String(x);
  const precision = Math.min(100, Math.max(1, Math.round(digits ?? defaultDigits)));
  const [mantissa = '0', power = '0'] = x.toExponential(precision - 1).split('e');
  const exponent = Number(power);
  if (exponent < -3 || exponent >= Math.max(precision, defaultDigits))
    return `${withoutZeros(mantissa)}e${exponent}`;
  return withoutZeros(Number(x.toPrecision(precision)).toFixed(Math.max(0, precision - 1 - exponent)));
}

function withoutZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
