// The elementwise functions and operators of generated expressions: text with places for the arguments, and meaning. `%` and `$` are the arguments, `~` the remainder.

import type { Machine } from './reference.ts';
import { roundEven, wrapInt } from './reference.ts';

export interface Template {
  readonly text: string;
  readonly f: (m: Machine, x: number) => number;
}

const sigmoid = (x: number): number => 0.5 * (1 + Math.tanh(0.5 * x));
/** Real functions of one number; `%` is the argument. */
export const UNARY: readonly Template[] = [
  { text: 'sin(%)', f: (m, x) => m.real(Math.sin(x)) },
  { text: 'cos(%)', f: (m, x) => m.real(Math.cos(x)) },
  { text: 'tanh(%)', f: (m, x) => m.real(Math.tanh(x)) },
  { text: '-%', f: (_m, x) => -x },
  { text: '%^2', f: (m, x) => m.real(x * x) },
  { text: 'sin(%)^3', f: (m, x) => m.real(Math.sin(x) ** 3) },
  { text: 'abs(%)', f: (m, x) => (m.decide(Math.sign(x)), Math.abs(x)) },
  { text: 'sign(%)', f: (m, x) => m.decide(Math.sign(x)) },
  { text: 'exp(-abs(%))', f: (m, x) => (m.decide(Math.sign(x)), m.real(Math.exp(-Math.abs(x)))) },
  { text: 'exp(sin(%))', f: (m, x) => m.real(Math.exp(m.real(Math.sin(x)))) },
  { text: 'log(1.5 + %^2)', f: (m, x) => m.real(Math.log(m.real(1.5 + m.real(x * x)))) },
  { text: 'log1p(%^2)', f: (m, x) => m.real(Math.log1p(m.real(x * x))) },
  { text: 'sqrt(1 + %^2)', f: (m, x) => m.real(Math.sqrt(m.real(1 + m.real(x * x)))) },
  { text: 'expm1(0.3*tanh(%))', f: (m, x) => m.real(Math.expm1(m.real(0.3 * m.real(Math.tanh(x))))) },
  { text: 'atan(%)', f: (m, x) => m.real(Math.atan(x)) },
  { text: 'asin(0.9*sin(%))', f: (m, x) => m.real(Math.asin(m.real(0.9 * m.real(Math.sin(x))))) },
  { text: 'acos(0.9*sin(%))', f: (m, x) => m.real(Math.acos(m.real(0.9 * m.real(Math.sin(x))))) },
  { text: 'sinh(tanh(%))', f: (m, x) => m.real(Math.sinh(m.real(Math.tanh(x)))) },
  { text: 'cosh(sin(%))', f: (m, x) => m.real(Math.cosh(m.real(Math.sin(x)))) },
  { text: 'tan(sin(%))', f: (m, x) => m.real(Math.tan(m.real(Math.sin(x)))) },
  { text: 'sigmoid(%)', f: (m, x) => m.real(sigmoid(x)) },
  { text: 'relu(%)', f: (m, x) => (m.decide(Math.sign(x)), Math.max(x, 0)) },
  { text: 'silu(%)', f: (m, x) => m.real(x * m.real(sigmoid(x))) },
  { text: 'softplus(%)', f: (m, x) => m.real(Math.max(x, 0) + m.real(Math.log1p(Math.exp(-Math.abs(x))))) },
  {
    text: 'clip(%, -0.5, 0.75)',
    f: (m, x) => (m.decide(x < -0.5 ? 0 : x > 0.75 ? 2 : 1), Math.min(Math.max(x, -0.5), 0.75)),
  },
  { text: '1/(2 + sin(%))', f: (m, x) => m.real(1 / m.real(2 + m.real(Math.sin(x)))) },
  { text: '(1.2 + cos(%))^1.5', f: (m, x) => m.real(m.real(1.2 + m.real(Math.cos(x))) ** 1.5) },
  { text: '(% ~ 0.75)', f: (m, x) => m.real(x - 0.75 * m.decide(Math.floor(x / 0.75))) },
  // What is discarded may be NaN or infinite.
  {
    text: 'where(% > 0.1, log(%), 0.3*%)',
    f: (m, x) => (m.decide(x > 0.1 ? 1 : 0) === 1 ? m.real(Math.log(x)) : m.real(0.3 * x)),
  },
  {
    text: 'where(abs(%) > 0.2, sin(%)/%, 1.0)',
    f: (m, x) => (m.decide(Math.abs(x) > 0.2 ? Math.sign(x) : 0) === 0 ? 1 : m.real(m.real(Math.sin(x)) / x)),
  },
  {
    text: 'where(% < 0.3, 0.2, sqrt(% - 0.2))',
    f: (m, x) => (m.decide(x < 0.3 ? 1 : 0) === 1 ? 0.2 : m.real(Math.sqrt(m.real(x - 0.2)))),
  },
  { text: 'real(floor(%))', f: (m, x) => m.decide(Math.floor(x)) },
  { text: 'real(round(%))', f: (m, x) => m.decide(roundEven(x)) },
  { text: 'real(ceil(2*%))', f: (m, x) => m.decide(Math.ceil(2 * x)) },
];

export interface Template2 {
  readonly text: string;
  readonly f: (m: Machine, x: number, y: number) => number;
}
export const BINARY: readonly Template2[] = [
  { text: '(% + $)', f: (m, x, y) => m.real(x + y) },
  { text: '(% - $)', f: (m, x, y) => m.real(x - y) },
  { text: '%*$', f: (m, x, y) => m.real(x * y) },
  { text: '%/(1.5 + $^2)', f: (m, x, y) => m.real(x / m.real(1.5 + m.real(y * y))) },
  { text: 'max(%, $)', f: (m, x, y) => (m.decide(Math.sign(x - y)), Math.max(x, y)) },
  { text: 'min(%, $)', f: (m, x, y) => (m.decide(Math.sign(x - y)), Math.min(x, y)) },
  { text: 'atan2(%, 2 + cos($))', f: (m, x, y) => m.real(Math.atan2(x, m.real(2 + m.real(Math.cos(y))))) },
  {
    text: '(1.5 + sin(%))^$',
    f: (m, x, y) => m.real(m.real(1.5 + m.real(Math.sin(x))) ** Math.min(Math.max(y, -8), 8)),
  },
  {
    text: '(% // (1.25 + cos($)))',
    f: (m, x, y) => m.decide(Math.floor(x / m.real(1.25 + m.real(Math.cos(y))))),
  },
];

export const COMPARE: readonly Template2[] = [
  { text: '(% < $)', f: (m, x, y) => (m.decide(Math.sign(x - y)), x < y ? 1 : 0) },
  { text: '(% <= $)', f: (m, x, y) => (m.decide(Math.sign(x - y)), x <= y ? 1 : 0) },
  { text: '(% > $)', f: (m, x, y) => (m.decide(Math.sign(x - y)), x > y ? 1 : 0) },
  { text: '(% >= $)', f: (m, x, y) => (m.decide(Math.sign(x - y)), x >= y ? 1 : 0) },
  { text: '(% == $)', f: (m, x, y) => (m.decide(Math.sign(x - y)), x === y ? 1 : 0) },
  { text: '(% != $)', f: (m, x, y) => (m.decide(Math.sign(x - y)), x !== y ? 1 : 0) },
  {
    text: '(-1.5 < % < $)',
    f: (m, x, y) => (m.decide(Math.sign(x - y) + 3 * Math.sign(x + 1.5)), -1.5 < x && x < y ? 1 : 0),
  },
];

export const floored = (x: number, y: number): number => (y === 0 ? 0 : Math.floor(x / y));
export const INTS: readonly Template2[] = [
  { text: '(% + $)', f: (_m, x, y) => wrapInt(x + y) },
  { text: '(% - $)', f: (_m, x, y) => wrapInt(x - y) },
  { text: '%*($ ~ 7)', f: (_m, x, y) => Math.imul(x, y - 7 * floored(y, 7)) },
  { text: '(% // max(abs($ ~ 9), 1))', f: (_m, x, y) => floored(x, Math.max(y - 9 * floored(y, 9), 1)) },
  {
    text: '(% ~ -max(abs($ ~ 5), 2))',
    f: (_m, x, y) => {
      const n = -Math.max(y - 5 * floored(y, 5), 2);
      return x - n * floored(x, n);
    },
  },
  { text: '(% // -3)', f: (_m, x) => floored(x, -3) },
  { text: '(% ~ 4)', f: (_m, x) => x - 4 * floored(x, 4) },
  { text: 'max(%, $)', f: (_m, x, y) => Math.max(x, y) },
  { text: 'min(%, $)', f: (_m, x, y) => Math.min(x, y) },
  { text: 'bit_and(%, $)', f: (_m, x, y) => x & y },
  { text: 'bit_or(%, $)', f: (_m, x, y) => x | y },
  { text: 'bit_xor(%, $)', f: (_m, x, y) => x ^ y },
  { text: 'shift_left(%, 2)', f: (_m, x) => x << 2 },
  { text: 'shift_right(%, 1)', f: (_m, x) => x >> 1 },
  { text: '(-abs(%))', f: (_m, x) => wrapInt(-Math.abs(x)) },
  { text: 'sign(%)', f: (_m, x) => Math.sign(x) },
  { text: '(% ~ 6)^2', f: (_m, x) => (x - 6 * floored(x, 6)) ** 2 },
];
