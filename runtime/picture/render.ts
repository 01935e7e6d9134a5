// One picture. In: a PlotSpec. Out: the bytes of a PNG file. The steps: plan the panels, let each say how large it is, lay them
// out on a grid whose rows and columns are as large as their largest panel, paint, encode. The same spec gives the same bytes.

import { encode } from 'fast-png';
import { assertNever } from '../../compiler/support/diagnostic.ts';
import type { Span } from '../../compiler/support/span.ts';
import { sizes } from './axes.ts';
import type { Canvas } from './canvas.ts';
import { make_canvas } from './canvas.ts';
import { draw_curves } from './curves.ts';
import type { Drawing } from './drawing.ts';
import { draw_heat } from './heat.ts';
import { draw_histogram } from './histogram.ts';
import type { Panel } from './panels.ts';
import { plan_panels } from './panels.ts';
import type { PlotSpec } from './spec.ts';
import { draw_text, fitText } from './text.ts';

const defaultScale = 2;
/** Frames in units. */
const frames = {
  line: { width: 360, height: 235 },
  scatter: { width: 300, height: 280 },
  heat: 300,
  heatBesideOthers: 225,
} as const;
/** White around the picture and between panels, in units. */
const outerMargin = 7;
const panelGap = 12;

/** Draws and encodes. Throws FlowErrors R120–R122 for values that have no picture. */
export function render_plot(spec: PlotSpec, span?: Span): Uint8Array {
  const { width, height, pixels } = draw_plot(spec, span);
  return encode({ width, height, data: pixels, channels: 3, depth: 8 });
}

/** The picture before it is encoded. */
export function draw_plot(spec: PlotSpec, span?: Span): Canvas {
  const scale = spec.scale ?? defaultScale;
  const panels = plan_panels(spec, span);
  const drawings = panels.map((panel) => drawingOf(panel, panels.length > 1, scale));
  return paint_grid(drawings, spec.title ?? '', scale);
}

function drawingOf(panel: Panel, besideOthers: boolean, scale: number): Drawing {
  switch (panel.kind) {
    case 'heat':
      return draw_heat(panel, (besideOthers ? frames.heatBesideOthers : frames.heat) * scale, scale);
    case 'line':
      return draw_curves(panel, frames.line.width * scale, frames.line.height * scale, scale);
    case 'scatter':
      return draw_curves(panel, frames.scatter.width * scale, frames.scatter.height * scale, scale);
    case 'histogram':
      return draw_histogram(panel, frames.line.width * scale, frames.line.height * scale, scale);
    default:
      return assertNever(panel);
  }
}

/** Up to three panels in a row; four make a square. */
function columnsFor(count: number): number {
  if (count <= 3) return count;
  return count === 4 ? 2 : 3;
}

function paint_grid(drawings: readonly Drawing[], title: string, scale: number): Canvas {
  const columns = columnsFor(drawings.length);
  const rows = Math.ceil(drawings.length / columns);
  const gap = panelGap * scale;
  const outer = outerMargin * scale;
  const titleRoom = title === '' ? 0 : (sizes.titleText + 12) * scale;
  const inColumn = (column: number): readonly Drawing[] => drawings.filter((_, i) => i % columns === column);
  const inRow = (row: number): readonly Drawing[] =>
    drawings.filter((_, i) => Math.floor(i / columns) === row);
  const most = (list: readonly Drawing[], size: (drawing: Drawing) => number): number =>
    Math.ceil(Math.max(0, ...list.map(size)));

  const columnBoxes = Array.from({ length: columns }, (_, column) => {
    const list = inColumn(column);
    const before = most(list, (drawing) => drawing.margins.left);
    return { before, total: before + most(list, (drawing) => drawing.width + drawing.margins.right) };
  });
  const rowBoxes = Array.from({ length: rows }, (_, row) => {
    const list = inRow(row);
    const before = most(list, (drawing) => drawing.margins.top);
    return { before, total: before + most(list, (drawing) => drawing.height + drawing.margins.bottom) };
  });
  const sum = (boxes: readonly { total: number }[]): number =>
    boxes.reduce((total, box) => total + box.total, 0) + gap * Math.max(0, boxes.length - 1);
  const width = Math.ceil(sum(columnBoxes) + 2 * outer);
  const height = Math.ceil(sum(rowBoxes) + 2 * outer + titleRoom);
  const canvas = make_canvas(width, height);

  const titleSize = (sizes.titleText + 1) * scale;
  draw_text(
    canvas,
    fitText(title, titleSize, width - 2 * outer),
    { x: width / 2, y: outer + titleSize + 2 * scale },
    { size: titleSize, anchor: 'middle', bold: true },
  );
  drawings.forEach((drawing, i) => {
    const column = i % columns;
    const row = Math.floor(i / columns);
    const leftBefore =
      sum(columnBoxes.slice(0, column)) + (column > 0 ? gap : 0) + (columnBoxes[column]?.before ?? 0);
    const topBefore = sum(rowBoxes.slice(0, row)) + (row > 0 ? gap : 0) + (rowBoxes[row]?.before ?? 0);
    // Whole pixels, so that cells and the colour bar have sharp borders.
    const left = Math.round(outer + leftBefore);
    const top = Math.round(outer + titleRoom + topBefore);
    drawing.paint(canvas, { left, top, right: left + drawing.width, bottom: top + drawing.height });
  });
  return canvas;
}
