// The rasteriser: coverage is what geometry says, and nothing is painted outside.

import { describe, expect, test } from 'vitest';
import type { Canvas, Colour } from '../../../runtime/picture/canvas.ts';
import {
  dash_path,
  fill_convex,
  fill_disc,
  fill_rect,
  make_canvas,
  pixelAt,
  stroke_paths,
} from '../../../runtime/picture/canvas.ts';
import { diverging_map, mapColour, sequential_map } from '../../../runtime/picture/colour.ts';
import { glyph, hasGlyph } from '../../../runtime/picture/glyphs.ts';
import { draw_text, fitText, textWidth } from '../../../runtime/picture/text.ts';

const black: Colour = [0, 0, 0];

/** Ink on a white canvas, in pixels. */
function inkOf(canvas: Canvas): number {
  let sum = 0;
  for (let i = 0; i < canvas.pixels.length; i += 3) sum += 1 - (canvas.pixels[i] ?? 255) / 255;
  return sum;
}

describe('shapes', () => {
  test('a rectangle covers its area, also of pixels in part', () => {
    const canvas = make_canvas(20, 20);
    fill_rect(canvas, { left: 2.5, top: 3, right: 10, bottom: 8.25 }, { colour: black });
    expect(inkOf(canvas)).toBeCloseTo(7.5 * 5.25, 0);
    expect(pixelAt(canvas, 2, 4)).toEqual([128, 128, 128]);
    expect(pixelAt(canvas, 5, 5)).toEqual([0, 0, 0]);
    expect(pixelAt(canvas, 10, 5)).toEqual([255, 255, 255]);
  });

  test('a stroke has the area of a capsule', () => {
    const canvas = make_canvas(80, 80);
    stroke_paths(
      canvas,
      [
        [
          { x: 15, y: 20 },
          { x: 60, y: 55 },
        ],
      ],
      { colour: black, width: 6 },
    );
    const length = Math.hypot(45, 35);
    expect(inkOf(canvas)).toBeGreaterThan(0.99 * (6 * length + Math.PI * 9));
    expect(inkOf(canvas)).toBeLessThan(1.01 * (6 * length + Math.PI * 9));
  });

  test('overlapping pieces of one translucent stroke are painted once', () => {
    const once = make_canvas(40, 40);
    const twice = make_canvas(40, 40);
    const path = [
      { x: 5, y: 20 },
      { x: 35, y: 20 },
    ];
    const style = { colour: black, width: 5, alpha: 0.5 };
    stroke_paths(once, [path], style);
    stroke_paths(twice, [path, path], style);
    expect(twice.pixels).toEqual(once.pixels);
    expect(pixelAt(once, 20, 20)).toEqual([128, 128, 128]);
  });

  test('a thin line keeps its ink', () => {
    const canvas = make_canvas(60, 20);
    stroke_paths(
      canvas,
      [
        [
          { x: 5, y: 10.5 },
          { x: 55, y: 10.5 },
        ],
      ],
      { colour: black, width: 0.5 },
    );
    expect(inkOf(canvas)).toBeGreaterThan(15);
    expect(inkOf(canvas)).toBeLessThan(40);
  });

  test('discs and polygons have their areas', () => {
    const disc = make_canvas(40, 40);
    fill_disc(disc, { x: 20, y: 20 }, 10, { colour: black });
    expect(inkOf(disc)).toBeCloseTo(Math.PI * 100, -1);
    const triangle = make_canvas(40, 40);
    fill_convex(
      triangle,
      [
        { x: 5, y: 5 },
        { x: 35, y: 5 },
        { x: 5, y: 35 },
      ],
      { colour: black },
    );
    expect(Math.abs(inkOf(triangle) - 450)).toBeLessThan(5);
  });

  test('a clip and the borders of the image hold', () => {
    const canvas = make_canvas(30, 30);
    const clip = { left: 10, top: 10, right: 20, bottom: 20 };
    stroke_paths(
      canvas,
      [
        [
          { x: -1e6, y: 15 },
          { x: 1e6, y: 15 },
        ],
      ],
      { colour: black, width: 40, clip },
    );
    expect(inkOf(canvas)).toBe(100);
    expect(() => fill_disc(canvas, { x: 1e9, y: -1e9 }, 3, { colour: black })).not.toThrow();
    expect(inkOf(canvas)).toBe(100);
  });

  test('dashes and gaps share the length of the line', () => {
    const dashes = dash_path(
      [
        { x: 0, y: 0 },
        { x: 40, y: 0 },
        { x: 40, y: 60 },
      ],
      7,
      3,
    );
    const length = (path: readonly { x: number; y: number }[]): number =>
      path.reduce((sum, point, i) => {
        const before = path[i - 1];
        return before ? sum + Math.hypot(point.x - before.x, point.y - before.y) : 0;
      }, 0);
    expect(dashes).toHaveLength(10);
    expect(dashes.reduce((sum, dash) => sum + length(dash), 0)).toBeCloseTo(70, 9);
  });
});

describe('text', () => {
  test('every letter that labels need has strokes of its own', () => {
    const needed = '0123456789−+.,:;()[]{}<>=/*^_|%#@&!?\'"×·°±≤≥≈→∞∂∇√∫…′–—~$\\`-';
    const latin = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
    const greek = 'αβγδεζηθικλμνξοπρςστυφχψωΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩµ';
    expect([...needed, ...latin, ...greek].filter((letter) => !hasGlyph(letter))).toEqual([]);
  });

  test('different letters look different', () => {
    const letters = [...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkmnopqrstuvwxyzαβγδεζηθκλνξπρστφχψω'];
    const looks = new Set(letters.map((letter) => JSON.stringify(glyph(letter).paths)));
    expect(looks.size).toBe(letters.length);
  });

  test('figures are equally wide, accents fall back, scripts are smaller', () => {
    expect(new Set([...'0123456789'].map((digit) => textWidth(digit, 14))).size).toBe(1);
    expect(glyph('é')).toEqual(glyph('e'));
    expect(textWidth('10^{3}', 14)).toBeLessThan(textWidth('103', 14));
    expect(textWidth('x₀', 14)).toBeCloseTo(textWidth('x_{0}', 14), 12);
  });

  test('a text is drawn within its width, and nowhere when empty', () => {
    const canvas = make_canvas(200, 40);
    draw_text(canvas, '', { x: 100, y: 30 }, { size: 14 });
    expect(inkOf(canvas)).toBe(0);
    draw_text(canvas, 'temperature', { x: 100, y: 30 }, { size: 14, anchor: 'middle' });
    const half = textWidth('temperature', 14) / 2;
    for (let y = 0; y < 40; y += 1) {
      for (let x = 0; x < 200; x += 1) {
        if (Math.abs(x + 0.5 - 100) > half + 1) expect(pixelAt(canvas, x, y)).toEqual([255, 255, 255]);
      }
    }
    expect(inkOf(canvas)).toBeGreaterThan(100);
  });

  test('a long text is cut with an ellipsis', () => {
    const cut = fitText('resample(disc, on: plate)', 14, 100);
    expect(cut.endsWith('…')).toBe(true);
    expect(textWidth(cut, 14)).toBeLessThanOrEqual(100);
    expect(fitText('short', 14, 100)).toBe('short');
  });
});

describe('colour maps', () => {
  const lightness = ([r, g, b]: Colour): number =>
    0.2126 * (r / 255) ** 2.2 + 0.7152 * (g / 255) ** 2.2 + 0.0722 * (b / 255) ** 2.2;

  test('the sequential map gets lighter all the way', () => {
    const map = sequential_map();
    for (let i = 4; i < map.length; i += 4) {
      expect(lightness(map[i] ?? black)).toBeGreaterThan(lightness(map[i - 4] ?? black));
    }
  });

  test('the diverging map is light in the middle and alike in lightness on both sides', () => {
    const map = diverging_map();
    for (const away of [0.1, 0.3, 0.5]) {
      const [cool, warm] = [lightness(mapColour(map, 0.5 - away)), lightness(mapColour(map, 0.5 + away))];
      expect(Math.abs(cool - warm)).toBeLessThan(0.12);
      expect(cool).toBeLessThan(lightness(mapColour(map, 0.5)));
    }
    const [r, , b] = mapColour(map, 1);
    expect(r).toBeGreaterThan(b + 60);
  });
});
