// Heat maps. In: a panel with cell edges and data. Out: a drawing with axes and a colour bar. Cells larger than a pixel are drawn
// as sharp rectangles, smaller ones are averaged over each pixel. Data on both sides of zero get the diverging map, centred at
// zero; everything else the sequential one. Cells without a finite value are grey, and the colour bar then says so.

import {
  draw_frame,
  horizontal_axis,
  marginsFor,
  sizes,
  tickLabelWidth,
  vertical_axis,
  borderOf,
} from './axes.ts';
import type { Canvas, Colour, Rect } from './canvas.ts';
import { blend_pixel, fill_rect, heightOf, stroke_paths, widthOf } from './canvas.ts';
import type { ColourMap } from './colour.ts';
import { diverging_map, mapColour, missingColour, sequential_map } from './colour.ts';
import type { Drawing } from './drawing.ts';
import type { HeatPanel } from './panels.ts';
import { paint_arrows } from './quiver.ts';
import { draw_text, ink, textWidth } from './text.ts';
import type { Range } from './ticks.ts';
import { drawable_range, finiteRange, fraction } from './ticks.ts';

export interface ColourScale {
  readonly range: Range;
  readonly diverging: boolean;
}

/** Smaller side of data around zero, as a share of the larger, from which they count as symmetric. */
const symmetricShare = 0.3;

export function colour_scale(data: Float64Array): ColourScale {
  const known = finiteRange(data);
  if (known && known.low < 0 && known.high > 0) {
    const [small, large] = [Math.min(-known.low, known.high), Math.max(-known.low, known.high)];
    if (small >= symmetricShare * large) return { range: { low: -large, high: large }, diverging: true };
  }
  return { range: drawable_range(known), diverging: false };
}

const bar = { gap: 9, width: 10 } as const;
/** Axes of equal units may differ this much in length before the shorter one is stretched. */
const mostSlender = 4;

/** `side` is the length of the longer side of the frame in pixels. */
export function draw_heat(panel: HeatPanel, side: number, scale: number): Drawing {
  const xRange = edgeRange(panel.xEdges);
  const yRange = edgeRange(panel.yEdges);
  const { width, height } = frameSize(panel, xRange, yRange, side);
  const x = horizontal_axis(xRange, panel.xLabel, width, scale);
  const y = vertical_axis(yRange, panel.yLabel, height, scale);
  const colours = colour_scale(panel.coloured);
  const map = colours.diverging ? diverging_map() : sequential_map();
  const barAxis = vertical_axis(colours.range, '', height, scale);
  const missing = panel.data.some((value) => !Number.isFinite(value));
  const margins = marginsFor(x, y, panel.title, scale);
  const noteRoom = barAxis.ticks.note === '' ? 0 : (sizes.tickText + 6) * scale;
  const barRoom = (bar.gap + bar.width + sizes.tick + sizes.tickGap) * scale + tickLabelWidth(barAxis, scale);
  const noteWidth = bar.gap * scale + textWidth(barAxis.ticks.note, sizes.tickText * scale);
  const titleOver = textWidth(panel.title, sizes.titleText * scale) / 2 - width / 2;
  return {
    width,
    height,
    margins: {
      ...margins,
      top: Math.max(margins.top, noteRoom + 6 * scale),
      right: Math.max(
        margins.right,
        barRoom + 4 * scale,
        noteWidth + 4 * scale,
        Math.min(titleOver, 0.05 * width),
      ),
    },
    paint: (canvas, frame) => {
      paint_cells(canvas, frame, panel, xRange, yRange, colours.range, map);
      paint_arrows(canvas, frame, panel, xRange, yRange, scale);
      draw_frame(canvas, frame, x, y, { scale, title: panel.title, grid: false });
      const box = {
        left: frame.right + bar.gap * scale,
        right: frame.right + (bar.gap + bar.width) * scale,
        top: frame.top,
        bottom: frame.bottom,
      };
      paint_bar(canvas, box, map);
      draw_bar_ticks(canvas, box, barAxis, missing, scale);
    },
  };
}

function frameSize(panel: HeatPanel, x: Range, y: Range, side: number): { width: number; height: number } {
  const { width, height } = wantedSize(panel, x, y, side);
  return {
    width: wholeCells(width, panel.xEdges.length - 1),
    height: wholeCells(height, panel.yEdges.length - 1),
  };
}

function wantedSize(panel: HeatPanel, x: Range, y: Range, side: number): { width: number; height: number } {
  const ratio = (y.high - y.low) / (x.high - x.low);
  if (!panel.equal || !Number.isFinite(ratio)) return { width: side, height: Math.round(side * 0.75) };
  const kept = Math.min(mostSlender, Math.max(1 / mostSlender, ratio));
  return kept <= 1
    ? { width: side, height: Math.round(side * kept) }
    : { width: Math.round(side / kept), height: side };
}

/** A length near the given one in which every cell has equally many pixels; the same if cells are about as small as pixels. */
function wholeCells(length: number, cells: number): number {
  return cells > 0 && cells <= length / 4 ? Math.floor(length / cells) * cells : length;
}

function edgeRange(edges: Float64Array): Range {
  return drawable_range(finiteRange(edges));
}

function paint_cells(
  canvas: Canvas,
  frame: Rect,
  panel: HeatPanel,
  x: Range,
  y: Range,
  values: Range,
  map: ColourMap,
): void {
  const columns = panel.xEdges.length - 1;
  const rows = panel.yEdges.length - 1;
  const across = cellsOfPixels(panel.xEdges, x, Math.round(widthOf(frame)));
  const upwards = cellsOfPixels(panel.yEdges, y, Math.round(heightOf(frame)));
  if (columns === 0 || rows === 0) return;
  const left = Math.round(frame.left);
  const bottom = Math.round(frame.bottom);
  across.forEach(([i0, i1], px) => {
    upwards.forEach(([j0, j1], py) => {
      const place = meanPlace(panel.data, rows, i0, i1, j0, j1, values);
      const colour: Colour = Number.isNaN(place) ? missingColour : mapColour(map, place);
      blend_pixel(canvas, left + px, bottom - 1 - py, colour, 1);
    });
  });
}

/** For every pixel along an axis the cells it shows: first and one past the last. */
function cellsOfPixels(
  edges: Float64Array,
  range: Range,
  pixels: number,
): readonly (readonly [number, number])[] {
  const count = edges.length - 1;
  const descending = (edges[0] ?? 0) > (edges[count] ?? 0);
  const cellAt = (share: number): number => {
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      const edge = fraction(edges[middle] ?? NaN, range);
      if (descending ? edge >= share : edge <= share) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  return Array.from({ length: pixels }, (_, pixel): readonly [number, number] => {
    const centre = cellAt((pixel + 0.5) / pixels);
    if (count <= pixels) return [centre, centre + 1];
    const ends = [cellAt(pixel / pixels), cellAt((pixel + 1) / pixels)];
    const first = Math.min(...ends);
    return [first, Math.max(first + 1, Math.max(...ends))];
  });
}

/** Mean place on the colour scale of a block of cells; NaN when one of them has no value. */
function meanPlace(
  data: Float64Array,
  rows: number,
  i0: number,
  i1: number,
  j0: number,
  j1: number,
  values: Range,
): number {
  let sum = 0;
  for (let i = i0; i < i1; i += 1) {
    for (let j = j0; j < j1; j += 1) {
      const value = data[i * rows + j] ?? NaN;
      if (!Number.isFinite(value)) return NaN;
      sum += fraction(value, values);
    }
  }
  return sum / ((i1 - i0) * (j1 - j0));
}

function paint_bar(canvas: Canvas, box: Rect, map: ColourMap): void {
  const height = heightOf(box);
  for (let row = 0; row < height; row += 1) {
    const colour = mapColour(map, 1 - (row + 0.5) / height);
    fill_rect(
      canvas,
      { left: box.left, right: box.right, top: box.top + row, bottom: box.top + row + 1 },
      { colour },
    );
  }
}

function draw_bar_ticks(
  canvas: Canvas,
  box: Rect,
  axis: ReturnType<typeof vertical_axis>,
  missing: boolean,
  scale: number,
): void {
  const size = sizes.tickText * scale;
  const tick = sizes.tick * scale;
  const border = { colour: ink, width: sizes.border * scale };
  stroke_paths(canvas, [borderOf(box)], border);
  axis.ticks.values.forEach((value, i) => {
    const y = box.bottom - fraction(value, axis.range) * heightOf(box);
    stroke_paths(
      canvas,
      [
        [
          { x: box.right, y },
          { x: box.right + tick, y },
        ],
      ],
      border,
    );
    const place = { x: box.right + tick + sizes.tickGap * scale, y };
    draw_text(canvas, axis.ticks.labels[i] ?? '', place, { size, baseline: 'middle' });
  });
  draw_text(canvas, axis.ticks.note, { x: box.left, y: box.top - 6 * scale }, { size });
  if (missing) {
    const y = box.bottom + (sizes.tick + sizes.tickGap) * scale;
    const swatch = { left: box.left, right: box.right, top: y, bottom: y + size };
    fill_rect(canvas, swatch, { colour: missingColour });
    draw_text(
      canvas,
      'NaN',
      { x: box.right + sizes.tickGap * scale, y: y + size / 2 },
      { size, baseline: 'middle' },
    );
  }
}
