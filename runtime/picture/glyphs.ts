// The font of the pictures: strokes on a grid, drawn for flowc. Cap height 14, height of small letters 10, baseline 0, descent
// to -4.2, y upwards. An entry is the width of its box, then pieces: `M x y` starts, `L x y` a line, `C` a cubic Bézier curve
// (two control points and the end), `Z` closes, `O cx cy rx ry` an ellipse, `A cx cy rx ry from to` an arc in degrees counted
// against the clock. Pieces need not be joined: the pen is round. A letter without an entry is drawn as an empty box.

import type { Point } from './canvas.ts';

export const capHeight = 14;
export const descent = 4.2;

export interface Glyph {
  readonly width: number;
  /** Polylines, y upwards from the baseline. */
  readonly paths: readonly (readonly Point[])[];
}

const figures: Readonly<Record<string, string>> = {
  '0': '8 O 4 7 4 7',
  '1': '8 M 1.2 11 L 4.8 14 L 4.8 0 M 1.6 0 L 8 0',
  '2': '8 A 4 10.1 3.8 3.9 168 -22 M 7.52 8.64 C 6.8 6.4 3 3.4 0.2 0 L 8 0',
  '3': '8 A 3.9 10.5 3.5 3.5 152 -90 M 2.8 7 L 4 7 A 3.9 3.5 4.1 3.5 90 -152',
  '4': '8 M 6.2 0 L 6.2 14 L 0 4.2 L 8.4 4.2',
  '5': '8 M 7.3 14 L 1.5 14 L 0.8 7.5 A 3.8 4.5 4.2 4.5 137.6 -148',
  '6': '8 O 4 4.4 4 4.4 M 0 4.4 C 0 9.8 2.4 13.4 6.8 14',
  '7': '8 M 0 14 L 8 14 L 3 0',
  '8': '8 O 4 10.6 3.4 3.4 O 4 3.6 4 3.6',
  '9': '8 O 4 9.6 4 4.4 M 8 9.6 C 8 4.2 5.6 0.6 1.2 0',
};

const capitals: Readonly<Record<string, string>> = {
  A: '11 M 0 0 L 5.5 14 L 11 0 M 1.9 4.8 L 9.1 4.8',
  B: '9 M 4.8 14 L 0 14 L 0 0 L 5 0 A 4.8 10.6 3.5 3.4 90 -90 M 0 7.2 L 5 7.2 A 5 3.6 4 3.6 90 -90',
  C: '10.4 A 6 7 6 7 46 314',
  D: '10 M 4 14 L 0 14 L 0 0 L 4 0 A 4 7 6 7 90 -90',
  E: '8 M 8 14 L 0 14 L 0 0 L 8 0 M 0 7.3 L 7 7.3',
  F: '7.6 M 7.6 14 L 0 14 L 0 0 M 0 7.2 L 6.6 7.2',
  G: '11.4 A 6 7 6 7 46 330 M 7 6.8 L 11.3 6.8 L 11.3 3.4',
  H: '9.6 M 0 0 L 0 14 M 9.6 0 L 9.6 14 M 0 7.3 L 9.6 7.3',
  I: '0 M 0 0 L 0 14',
  J: '6 M 6 14 L 6 3.6 A 3 3.6 3 3.6 0 -165',
  K: '9 M 0 0 L 0 14 M 8.6 14 L 0 5.2 M 3 8.2 L 9 0',
  L: '7.4 M 0 14 L 0 0 L 7.4 0',
  M: '12 M 0 0 L 0 14 L 6 3.4 L 12 14 L 12 0',
  N: '9.8 M 0 0 L 0 14 L 9.8 0 L 9.8 14',
  O: '12 O 6 7 6 7',
  P: '8.6 M 0 0 L 0 14 L 4.6 14 A 4.6 10.1 4 3.9 90 -90 M 0 6.2 L 4.6 6.2',
  Q: '12 O 6 7 6 7 M 7.4 3.6 L 11.6 -1',
  R: '9 M 0 0 L 0 14 L 4.6 14 A 4.6 10.1 4 3.9 90 -90 M 0 6.2 L 4.6 6.2 L 9 0',
  S: '8.4 M 8 11.6 C 7.4 13.2 6 14 4.3 14 C 2 14 0.4 12.6 0.4 10.6 C 0.4 8.4 2.2 7.8 4.3 7.2 C 6.6 6.6 8.4 5.9 8.4 3.7 C 8.4 1.5 6.6 0 4.2 0 C 2.1 0 0.6 0.9 0 2.7',
  T: '9.6 M 0 14 L 9.6 14 M 4.8 14 L 4.8 0',
  U: '9.4 M 0 14 L 0 4.7 A 4.7 4.7 4.7 4.7 180 360 M 9.4 4.7 L 9.4 14',
  V: '10.6 M 0 14 L 5.3 0 L 10.6 14',
  W: '15 M 0 14 L 3.9 0 L 7.5 14 L 11.1 0 L 15 14',
  X: '9.6 M 0 0 L 9.2 14 M 0.4 14 L 9.6 0',
  Y: '10 M 0 14 L 5 6.8 L 10 14 M 5 6.8 L 5 0',
  Z: '9 M 0.2 14 L 8.8 14 L 0 0 L 9 0',
};

const smallLetters: Readonly<Record<string, string>> = {
  a: '7.2 M 0.7 8.2 C 1.5 9.5 2.8 10 4 10 C 6 10 7.2 8.8 7.2 6.6 L 7.2 0 M 7.2 5.9 C 3.2 5.9 0 5.4 0 2.8 C 0 1 1.3 0 3.1 0 C 5.2 0 7.2 1.4 7.2 4.2',
  b: '8 M 0 0 L 0 14.6 O 4 5 4 5',
  c: '7.2 A 4.1 5 4.1 5 48 312',
  d: '8 M 8 0 L 8 14.6 O 4 5 4 5',
  e: '8.2 M 0 5.4 L 8.2 5.4 A 4.1 5 4.1 5 5 318',
  f: '5 M 1.9 0 L 1.9 11.4 C 1.9 13.9 3.2 14.9 5.4 14.4 M 0 10 L 4.8 10',
  g: '8 O 4 5 4 5 M 8 10 L 8 -0.4 A 4 -0.4 4 3.8 0 -150',
  h: '7.4 M 0 0 L 0 14.6 A 3.7 6.2 3.7 3.8 180 0 M 7.4 6.2 L 7.4 0',
  i: '0 M 0 0 L 0 10 O 0 13.4 0.25 0.25',
  j: '2 M 2 10 L 2 -1.4 C 2 -3.4 1.2 -4.3 -0.6 -4.1 O 2 13.4 0.25 0.25',
  k: '7 M 0 0 L 0 14.6 M 6.6 10 L 0 3.8 M 2.6 6.2 L 7 0',
  l: '0 M 0 14.6 L 0 0',
  m: '12.4 M 0 0 L 0 10 A 3.1 6.6 3.1 3.4 180 0 M 6.2 6.6 L 6.2 0 A 9.3 6.6 3.1 3.4 180 0 M 12.4 6.6 L 12.4 0',
  n: '7.4 M 0 0 L 0 10 A 3.7 6.2 3.7 3.8 180 0 M 7.4 6.2 L 7.4 0',
  o: '8.4 O 4.2 5 4.2 5',
  p: '8 M 0 10 L 0 -4.2 O 4 5 4 5',
  q: '8 M 8 10 L 8 -4.2 O 4 5 4 5',
  r: '4.4 M 0 0 L 0 10 A 4.2 5.8 4.2 4.2 180 82',
  s: '6.8 M 6.4 8.3 C 6 9.4 4.9 10 3.5 10 C 1.7 10 0.4 9 0.4 7.5 C 0.4 5.9 1.8 5.5 3.5 5.1 C 5.3 4.7 6.8 4.2 6.8 2.6 C 6.8 1 5.4 0 3.4 0 C 1.7 0 0.5 0.7 0 2',
  t: '5 M 2 13 L 2 3 C 2 0.8 3 -0.2 5.2 0.2 M 0 10 L 4.9 10',
  u: '7.4 M 0 10 L 0 3.8 A 3.7 3.8 3.7 3.8 180 360 M 7.4 10 L 7.4 0',
  v: '7.8 M 0 10 L 3.9 0 L 7.8 10',
  w: '11.6 M 0 10 L 3 0 L 5.8 10 L 8.6 0 L 11.6 10',
  x: '7.6 M 0 0 L 7.3 10 M 0.3 10 L 7.6 0',
  y: '8 M 0 10 L 4.2 0 M 8 10 L 3.4 -2 C 2.7 -3.7 1.8 -4.4 0.2 -4.1',
  z: '7.2 M 0.2 10 L 7 10 L 0 0 L 7.2 0',
};

const signs: Readonly<Record<string, string>> = {
  ' ': '2',
  '.': '0 O 0 0.3 0.35 0.35',
  ',': '0.6 O 0.4 0.3 0.3 0.3 M 0.5 0.2 L -0.3 -2.4',
  ':': '0 O 0 0.3 0.35 0.35 O 0 8.6 0.35 0.35',
  ';': '0.6 O 0.4 8.6 0.35 0.35 O 0.4 0.3 0.3 0.3 M 0.5 0.2 L -0.3 -2.4',
  '!': '0 M 0 14 L 0 4 O 0 0.3 0.35 0.35',
  '?': '6.6 A 3.3 10.5 3.3 3.5 165 -35 M 6 8.5 C 5.2 7.2 3.4 6.6 3.4 4 O 3.4 0.3 0.35 0.35',
  "'": '0 M 0 14.6 L 0 10.6',
  '"': '2.8 M 0 14.6 L 0 10.6 M 2.8 14.6 L 2.8 10.6',
  '′': '2 M 1.8 14.6 L 0.2 10.8',
  '`': '2 M 0 14.4 L 2 11.8',
  '-': '4.4 M 0 5.2 L 4.4 5.2',
  '−': '8 M 0 7 L 8 7',
  '–': '7 M 0 5.2 L 7 5.2',
  '—': '12 M 0 5.2 L 12 5.2',
  '+': '8 M 0 7 L 8 7 M 4 3 L 4 11',
  '±': '8 M 0 8 L 8 8 M 4 4.2 L 4 11.8 M 0 1 L 8 1',
  '=': '8 M 0 5.2 L 8 5.2 M 0 8.8 L 8 8.8',
  '≈': '8 M 0 4.6 C 2 7 6 2.6 8 5 M 0 8.6 C 2 11 6 6.6 8 9',
  '<': '8 M 8 12 L 0 7 L 8 2',
  '>': '8 M 0 12 L 8 7 L 0 2',
  '≤': '8 M 8 13 L 0 8.6 L 8 4.2 M 0 1 L 8 1',
  '≥': '8 M 0 13 L 8 8.6 L 0 4.2 M 0 1 L 8 1',
  '(': '3 M 3 15.6 C -1 11 -1 0.6 3 -4',
  ')': '3 M 0 15.6 C 4 11 4 0.6 0 -4',
  '[': '3 M 3 15.4 L 0 15.4 L 0 -3.8 L 3 -3.8',
  ']': '3 M 0 15.4 L 3 15.4 L 3 -3.8 L 0 -3.8',
  '{': '4 M 4 15.4 C 0.4 15.4 2.6 6.4 0 5.8 C 2.6 5.2 0.4 -3.8 4 -3.8',
  '}': '4 M 0 15.4 C 3.6 15.4 1.4 6.4 4 5.8 C 1.4 5.2 3.6 -3.8 0 -3.8',
  '|': '0 M 0 15.4 L 0 -3.8',
  '/': '5.6 M 0 -2.4 L 5.6 15',
  '\\': '5.6 M 0 15 L 5.6 -2.4',
  _: '7.4 M 0 -2 L 7.4 -2',
  '^': '6 M 0 10.4 L 3 14.6 L 6 10.4',
  '~': '8 M 0 6.2 C 2 9.4 6 4.2 8 7.4',
  '*': '6 M 3 14 L 3 7.6 M 0.2 12.4 L 5.8 9.2 M 5.8 12.4 L 0.2 9.2',
  '×': '7 M 0 3.5 L 7 10.5 M 0 10.5 L 7 3.5',
  '·': '0 O 0 6.6 0.4 0.4',
  '°': '4 O 2 12.2 2 2',
  '%': '11.6 O 2.6 10.9 2.6 3.1 O 9 3.1 2.6 3.1 M 9.6 14 L 2 0',
  '#': '9 M 2.8 0 L 4.2 14 M 6 0 L 7.4 14 M 0.6 4.8 L 8.8 4.8 M 1 9.4 L 9.2 9.4',
  '&': '10 M 10 0 L 2.4 9.4 C 0.8 11.6 1.8 14 4.2 14 C 6.8 14 7.4 11 5.4 9.2 L 2.2 7 C -1 4.6 0 0 4 0 C 6.8 0 9 2.4 9.4 6',
  '@': '13 O 6.4 5.4 2.7 3.2 M 9.2 8.6 L 9 4 C 9 2.4 12.6 2 12.6 6.4 C 12.6 10.4 9.8 12.8 6.4 12.8 C 2.6 12.8 0 9.8 0 5.8 C 0 1.4 2.8 -1.6 6.6 -1.6 C 8 -1.6 9.4 -1.2 10.4 -0.6',
  $: '8 M 7.6 11 C 7 12.4 5.8 13 4.1 13 C 2 13 0.4 12 0.4 10 C 0.4 8 2.2 7.6 4.1 7 C 6.4 6.4 8 5.8 8 3.9 C 8 2 6.4 1 4.1 1 C 2.2 1 0.8 1.8 0 3.2 M 4 15.4 L 4 -1.4',
  '…': '8 O 0 0.3 0.35 0.35 O 4 0.3 0.35 0.35 O 8 0.3 0.35 0.35',
  '→': '11 M 0 6 L 11 6 M 7.6 9 L 11 6 L 7.6 3',
  '∞': '12 M 6 6 C 4.4 8.6 3.6 9.2 2.8 9.2 C 1.2 9.2 0 7.8 0 6 C 0 4.2 1.2 2.8 2.8 2.8 C 3.6 2.8 4.4 3.4 6 6 C 7.6 8.6 8.4 9.2 9.2 9.2 C 10.8 9.2 12 7.8 12 6 C 12 4.2 10.8 2.8 9.2 2.8 C 8.4 2.8 7.6 3.4 6 6',
  '√': '9 M 0 6.6 L 1.8 7.6 L 4.4 0 L 8 15 L 9.4 15',
  '∫': '6 M 6 14.6 C 4.4 15.6 3.6 14.6 3.4 12.6 L 2.6 -1.6 C 2.4 -3.8 1.6 -4.6 0 -3.6',
  '∂': '8 M 0.8 12.8 C 1.8 14 3 14.4 4 14.4 C 6.6 14.4 8 11.6 8 7.6 C 8 3 6.4 0 3.8 0 C 1.6 0 0 1.7 0 4 C 0 6.4 1.7 8.2 4 8.2 C 5.9 8.2 7.4 7 8 5.4',
  '∇': '10.4 M 0 14 L 10.4 14 L 5.2 0 Z',
};

const greek: Readonly<Record<string, string>> = {
  α: '9.2 M 8.6 10 C 7.2 4.5 5.6 0 3.4 0 C 1.3 0 0 2.2 0 5 C 0 7.8 1.3 10 3.4 10 C 5.8 10 7 5.4 7.6 2 C 7.9 0.6 8.4 0 9.2 0.1',
  β: '8 M 0 -4.2 L 0 10.6 C 0 13 1.4 14.6 3.6 14.6 C 5.6 14.6 7 13.3 7 11.4 C 7 9.4 5.4 8.2 3 8.2 C 5.8 8.2 8 6.8 8 4.1 C 8 1.6 6.2 0 3.9 0 C 2.1 0 0.7 0.8 0 2.2',
  γ: '8.2 M 0 9.2 C 1.8 11 3 8.5 4.2 1 L 4.2 -4.2 M 8.2 10 L 4.2 1',
  δ: '8 M 7.2 13.6 C 5.4 15 2 15 2 12.6 C 2 10.6 8 9.6 8 4.8 C 8 2 6.3 0 4 0 C 1.7 0 0 2 0 4.4 C 0 7 1.8 8.8 4.2 8.8',
  ε: '6.6 M 6.2 8.6 C 5.4 9.6 4.5 10 3.5 10 C 1.9 10 0.6 9 0.6 7.6 C 0.6 6.1 1.8 5.3 3.6 5.3 C 1.4 5.3 0 4.3 0 2.7 C 0 1 1.5 0 3.4 0 C 4.7 0 5.8 0.5 6.6 1.6',
  ζ: '6.8 M 1 14.4 L 6.6 14.4 C 3 12 0 8 0 4.4 C 0 1.6 1.8 0.8 4 0.5 C 6 0.2 6.6 -0.6 6.2 -2 C 5.9 -3.2 5 -3.8 4 -4',
  η: '7.2 M 0 0 L 0 10 A 3.6 6.2 3.6 3.8 180 0 M 7.2 6.2 L 7.2 -4.2',
  θ: '7.6 O 3.8 7.2 3.8 7.2 M 0 7.2 L 7.6 7.2',
  ι: '2.2 M 0 10 L 0 2.4 C 0 0.7 0.8 -0.1 2.2 0.1',
  κ: '7 M 0 0 L 0 10 M 6.6 10 L 0 4.2 M 2.6 6.4 L 7 0',
  λ: '8 M 0.4 14.4 C 2 14.8 2.6 13.6 3.2 12 L 8 0 M 4.2 9.4 L 0 0',
  μ: '7.2 M 0 10 L 0 -4.2 A 3.6 3.8 3.6 3.8 180 360 M 7.2 10 L 7.2 0',
  ν: '7.6 M 0 10 L 3.6 0 C 5.8 3.2 7.4 6.6 7.6 10',
  ξ: '6.6 M 1 14.4 L 6.4 14.4 C 3 14 0.8 13 0.8 11 C 0.8 9 2.4 8 5.4 8 C 2 8 0 6.6 0 4.2 C 0 1.8 1.8 0.9 4 0.5 C 6 0.1 6.6 -0.6 6.2 -2 C 5.9 -3.2 5 -3.8 4 -4',
  ο: '8.4 O 4.2 5 4.2 5',
  π: '9 M 0 10 L 9 10 M 2.2 10 L 2.2 0 M 6.8 10 L 6.8 2.2 C 6.8 0.7 7.6 -0.1 9 0.2',
  ρ: '8 M 0 -4.2 L 0 5 O 4 5 4 5',
  ς: '6.6 M 6.4 9 C 4 11 0 9.4 0 5.4 C 0 2 2 1 4 0.5 C 6 0 6.6 -0.8 6.2 -2 C 5.9 -3.2 5 -3.8 4 -4',
  σ: '9.2 O 4 4.9 4 4.9 M 4 9.8 L 9.2 9.8',
  τ: '7.4 M 0 10 L 7.4 10 M 3.6 10 L 3.6 2.2 C 3.6 0.6 4.4 -0.1 5.8 0.1',
  υ: '7.2 M 0 10 L 0 3.8 A 3.6 3.8 3.6 3.8 180 360 M 7.2 3.8 L 7.2 10',
  φ: '9.2 O 4.6 5 4.6 5 M 4.6 14 L 4.6 -4.2',
  χ: '8.8 M 0 10 C 1.6 10.4 2.4 9.4 3 8 L 6 -2 C 6.6 -3.6 7.4 -4.4 8.8 -4 M 8.4 10 L 0.2 -4.2',
  ψ: '9.2 M 0 10 L 0 5 C 0 1.8 2 0 4.6 0 C 7.2 0 9.2 1.8 9.2 5 L 9.2 10 M 4.6 13.4 L 4.6 -4.2',
  ω: '10.8 M 2 10 C 0.6 8.6 0 6.8 0 4.6 C 0 1.8 1.1 0 2.9 0 C 4.6 0 5.4 1.4 5.4 3.6 L 5.4 6 M 5.4 3.6 C 5.4 1.4 6.2 0 7.9 0 C 9.7 0 10.8 1.8 10.8 4.6 C 10.8 6.8 10.2 8.6 8.8 10',
  Γ: '7.4 M 0 0 L 0 14 L 7.4 14',
  Δ: '10.4 M 0 0 L 5.2 14 L 10.4 0 Z',
  Θ: '12 O 6 7 6 7 M 3.4 7 L 8.6 7',
  Λ: '10.4 M 0 0 L 5.2 14 L 10.4 0',
  Ξ: '8.8 M 0 14 L 8.8 14 M 1.2 7 L 7.6 7 M 0 0 L 8.8 0',
  Π: '9.4 M 0 0 L 0 14 L 9.4 14 L 9.4 0',
  Σ: '8.8 M 8.4 14 L 0 14 L 5 7 L 0 0 L 8.8 0',
  Φ: '11.2 O 5.6 7 5.6 4.4 M 5.6 14 L 5.6 0',
  Ψ: '10.8 M 0 14 L 0 9 C 0 5.4 2.4 4 5.4 4 C 8.4 4 10.8 5.4 10.8 9 L 10.8 14 M 5.4 14 L 5.4 0',
  Ω: '11.2 M 0 0 L 3.8 0 C 1.6 1.6 0.4 4.2 0.4 7.4 C 0.4 11.4 2.6 14 5.6 14 C 8.6 14 10.8 11.4 10.8 7.4 C 10.8 4.2 9.6 1.6 7.4 0 L 11.2 0',
};

/** Letters that look like another one, and spellings of the same letter. */
const lookalikes: Readonly<Record<string, string>> = {
  ...{
    Α: 'A',
    Β: 'B',
    Ε: 'E',
    Ζ: 'Z',
    Η: 'H',
    Ι: 'I',
    Κ: 'K',
    Μ: 'M',
    Ν: 'N',
    Ο: 'O',
    Ρ: 'P',
    Τ: 'T',
    Υ: 'Y',
    Χ: 'X',
  },
  ...{
    µ: 'μ',
    '\u2206': 'Δ',
    '\u2126': 'Ω',
    ϵ: 'ε',
    ϕ: 'φ',
    ϑ: 'θ',
    ϱ: 'ρ',
    '⋅': '·',
    '∗': '*',
    '\u00a0': ' ',
  },
};

const missingGlyph = '7 M 0 0 L 7 0 L 7 14 L 0 14 Z';

/** The strokes of one letter; accents are dropped, an unknown letter is a box. */
export function glyph(letter: string): Glyph {
  const source = glyphSource(letter) ?? glyphSource(letter.normalize('NFD').charAt(0)) ?? missingGlyph;
  return readGlyph(source);
}

/** Whether a letter has strokes of its own. */
export function hasGlyph(letter: string): boolean {
  return glyphSource(letter) !== undefined;
}

function glyphSource(letter: string): string | undefined {
  const known = lookalikes[letter] ?? letter;
  return figures[known] ?? capitals[known] ?? smallLetters[known] ?? signs[known] ?? greek[known];
}

function readGlyph(source: string): Glyph {
  const words = source.split(' ');
  const cursor = { next: 0 };
  const number = (): number => Number(words[cursor.next++]);
  const point = (): Point => ({ x: number(), y: number() });
  const width = number();
  const paths: Point[][] = [];
  let path: Point[] = [];
  while (cursor.next < words.length) {
    const command = words[cursor.next++];
    const start = path[0];
    const here = path.at(-1) ?? { x: 0, y: 0 };
    if (command === 'M') {
      path = [point()];
      paths.push(path);
    } else if (command === 'L') {
      path.push(point());
    } else if (command === 'Z') {
      if (start) path.push(start);
    } else if (command === 'C') {
      path.push(...cubic(here, point(), point(), point()));
    } else if (command === 'O') {
      paths.push(arc(point(), point(), 0, 360));
    } else {
      paths.push(arc(point(), point(), number(), number()));
    }
  }
  return { width, paths };
}

const curvePieces = 12;

function cubic(a: Point, b: Point, c: Point, d: Point): Point[] {
  return Array.from({ length: curvePieces }, (_, i) => {
    const t = (i + 1) / curvePieces;
    const s = 1 - t;
    const weight = [s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t] as const;
    return {
      x: weight[0] * a.x + weight[1] * b.x + weight[2] * c.x + weight[3] * d.x,
      y: weight[0] * a.y + weight[1] * b.y + weight[2] * c.y + weight[3] * d.y,
    };
  });
}

function arc(centre: Point, radius: Point, from: number, to: number): Point[] {
  const pieces = Math.max(8, Math.ceil(Math.abs(to - from) / 10));
  return Array.from({ length: pieces + 1 }, (_, i) => {
    const angle = ((from + ((to - from) * i) / pieces) * Math.PI) / 180;
    return { x: centre.x + radius.x * Math.cos(angle), y: centre.y + radius.y * Math.sin(angle) };
  });
}
