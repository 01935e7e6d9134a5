// Text in pictures. In: a string and a size. Out: its width, or its strokes on the canvas. Superscripts and subscripts are
// written `10^{-3}` and `x_{0}`, or with the Unicode digits (x₀, m²), and are set smaller. A minus sign stands before numbers.

import type { Canvas, Colour, Point } from './canvas.ts';
import { stroke_paths } from './canvas.ts';
import { capHeight, descent, glyph } from './glyphs.ts';

export interface TextStyle {
  /** Height of a capital letter in pixels. */
  readonly size: number;
  readonly colour?: Colour;
  /** Which point of the text stands at the given place. */
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly baseline?: 'base' | 'middle' | 'top';
  /** Turned a quarter against the clock: it reads upwards. */
  readonly upwards?: boolean;
  readonly bold?: boolean;
}

export const ink: Colour = [32, 33, 36];

const letterGap = 3.4;
const scriptScale = 0.72;
/** Raise of a superscript and drop of a subscript, in units of the font's grid. */
const superRaise = 7;
const subDrop = -3.4;
/** Width of the pen in units of the font's grid. */
const regularPen = 1.5;
const boldPen = 2.2;
const scriptPen = 0.85;

interface PlacedLetter {
  readonly letter: string;
  readonly level: -1 | 0 | 1;
}

const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾';
const subscripts = '₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎';
const scriptLetters = '0123456789+−=()';

/** Splits a string into letters with their script level. */
function placedLetters(text: string): readonly PlacedLetter[] {
  const letters: PlacedLetter[] = [];
  let level: -1 | 0 | 1 = 0;
  const source = [...text.normalize('NFC')];
  for (let i = 0; i < source.length; i += 1) {
    const letter = source[i] ?? '';
    if ((letter === '^' || letter === '_') && source[i + 1] === '{' && level === 0) {
      level = letter === '^' ? 1 : -1;
      i += 1;
    } else if (letter === '}' && level !== 0) {
      level = 0;
    } else if (superscripts.includes(letter)) {
      letters.push({ letter: scriptLetters.charAt(superscripts.indexOf(letter)), level: 1 });
    } else if (subscripts.includes(letter)) {
      letters.push({ letter: scriptLetters.charAt(subscripts.indexOf(letter)), level: -1 });
    } else {
      letters.push({ letter, level });
    }
  }
  return letters;
}

interface TextLayout {
  readonly width: number;
  /** Polylines in grid units, y upwards, x from the left end; scripts apart, for a finer pen. */
  readonly plain: readonly (readonly Point[])[];
  readonly scripts: readonly (readonly Point[])[];
}

function layoutText(text: string): TextLayout {
  const plain: Point[][] = [];
  const scripts: Point[][] = [];
  let x = 0;
  for (const { letter, level } of placedLetters(text)) {
    const scale = level === 0 ? 1 : scriptScale;
    const raise = level === 1 ? superRaise : level === -1 ? subDrop : 0;
    const { width, paths: strokes } = glyph(letter);
    const start = x + (letterGap / 2) * scale;
    for (const stroke of strokes) {
      const placed = stroke.map((point) => ({ x: start + point.x * scale, y: raise + point.y * scale }));
      (level === 0 ? plain : scripts).push(placed);
    }
    x += (width + letterGap) * scale;
  }
  return { width: x, plain, scripts };
}

/** Width of a text in pixels. */
export function textWidth(text: string, size: number): number {
  return (layoutText(text).width * size) / capHeight;
}

/** Pixels that letters such as g and p reach below the baseline. */
export function descentOf(size: number): number {
  return (descent * size) / capHeight;
}

/** Draws a text with its anchor at a point. */
export function draw_text(canvas: Canvas, text: string, place: Point, style: TextStyle): void {
  const unit = style.size / capHeight;
  const layout = layoutText(text);
  const along = { start: 0, middle: -layout.width / 2, end: -layout.width }[style.anchor ?? 'start'];
  const down = { base: 0, middle: capHeight / 2, top: capHeight }[style.baseline ?? 'base'];
  const toPixel = ({ x, y }: Point): Point => {
    const u = (x + along) * unit;
    const v = (down - y) * unit;
    return style.upwards === true ? { x: place.x + v, y: place.y - u } : { x: place.x + u, y: place.y + v };
  };
  const colour = style.colour ?? ink;
  const pen = (style.bold === true ? boldPen : regularPen) * unit;
  const toPixels = (paths: readonly (readonly Point[])[]): Point[][] =>
    paths.map((path) => path.map(toPixel));
  stroke_paths(canvas, toPixels(layout.plain), { colour, width: pen });
  stroke_paths(canvas, toPixels(layout.scripts), { colour, width: pen * scriptPen });
}

/** The text, or as much of it as fits with an ellipsis. */
export function fitText(text: string, size: number, width: number): string {
  if (textWidth(text, size) <= width) return text;
  const letters = [...text];
  while (letters.length > 1 && textWidth(`${letters.join('')}…`, size) > width) letters.pop();
  return `${letters.join('').trimEnd()}…`;
}
