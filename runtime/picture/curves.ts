// Lines and clouds of points. In: curves. Out: a drawing with axes and a legend. A line is broken where a value is missing;
// a curve with very many samples keeps, for every column of pixels, its first, lowest, highest and last one.

import type { Axis } from './axes.ts';
import {
  axisFraction,
  draw_frame,
  draw_grid,
  horizontal_axis,
  marginsFor,
  sizes,
  vertical_axis,
} from './axes.ts';
import type { Canvas, Colour, Point, Rect } from './canvas.ts';
import { dash_path, heightOf, stroke_paths, widthOf } from './canvas.ts';
import { lineColour, lineColourCount, mapColour, sequential_map } from './colour.ts';
import type { Drawing } from './drawing.ts';
import type { LegendEntry } from './legend.ts';
import { draw_legend, place_legend } from './legend.ts';
import { draw_marker, markerShape } from './marker.ts';
import type { Curve, CurvePanel } from './panels.ts';
import type { Range } from './ticks.ts';
import { drawable_range, finiteRange, padded_range, unionRange } from './ticks.ts';

/** Curves with at most this many samples show them as marks. */
const mostMarked = 32;
/** Dashes (ink, gap) that keep few curves apart where they lie on each other. */
const dashes: readonly (readonly [number, number] | undefined)[] = [undefined, [7, 3], [2.6, 2.6], undefined];

export function draw_curves(panel: CurvePanel, width: number, height: number, scale: number): Drawing {
  const marked = panel.kind === 'scatter' || panel.curves.some((curve) => curve.x.length <= mostMarked);
  const xData = [...panel.curves.map((curve) => curve.x), Float64Array.from(panel.xEnds)];
  const xRange = rangeOf(xData, panel.log.x, marked ? 0.03 : 0);
  const yRange = rangeOf([...panel.curves.map((curve) => curve.y), ...panel.spanned], panel.log.y, 0.06);
  const x = horizontal_axis(xRange, panel.xLabel, width, scale, panel.log.x);
  const y = vertical_axis(yRange, panel.yLabel, height, scale, panel.log.y);
  const entries = legendEntries(panel);
  const inked = inkedPoints(panel, x, y, width, height);
  const legend = place_legend(entries, width, height, inked, scale);
  const margins = marginsFor(x, y, panel.title, scale);
  const above = legend.kind === 'above' ? legend.height : 0;
  return {
    width,
    height,
    margins: { ...margins, top: margins.top + above },
    paint: (canvas, frame) => {
      draw_grid(canvas, frame, x, y, scale);
      panel.curves.forEach((curve, i) => {
        const entry = entries[i];
        if (entry) draw_curve(canvas, frame, curve, x, y, entry, panel.kind, scale);
      });
      draw_frame(canvas, frame, x, y, { scale, title: panel.title, grid: true });
      draw_legend(canvas, legend, entries, frame, scale);
    },
  };
}

/** The common range of several lists, of their decimal logarithms on a logarithmic axis. */
function rangeOf(lists: readonly Float64Array[], log: boolean, pad: number): Range {
  const known = lists.map((list) =>
    finiteRange(log ? list.map((value) => (value > 0 ? Math.log10(value) : NaN)) : list),
  );
  const range = unionRange(known);
  if (log && range && range.low === range.high) return { low: range.low - 0.5, high: range.high + 0.5 };
  return padded_range(drawable_range(range), pad);
}

function legendEntries(panel: CurvePanel): readonly LegendEntry[] {
  const map = panel.curves.some((curve) => curve.shade !== undefined) ? sequential_map() : [];
  const few = panel.curves.length <= dashes.length;
  return panel.curves.map((curve, i) => {
    const colour: Colour = curve.shade === undefined ? lineColour(i) : mapColour(map, curve.shade * 0.88);
    const repeated = Math.floor(i / lineColourCount) % 2 === 1;
    const single = curve.x.length <= mostMarked;
    const dash =
      curve.shade !== undefined || single ? undefined : few ? dashes[i] : repeated ? dashes[1] : undefined;
    return {
      label: curve.label,
      colour,
      line: panel.kind === 'line',
      ...(dash ? { dash } : {}),
      ...(panel.kind === 'scatter' || single ? { marker: markerShape(i) } : {}),
    };
  });
}

function draw_curve(
  canvas: Canvas,
  frame: Rect,
  curve: Curve,
  x: Axis,
  y: Axis,
  entry: LegendEntry,
  kind: 'line' | 'scatter',
  scale: number,
): void {
  const clip = { ...frame };
  if (kind === 'line') {
    const runs = thinned(pixelRuns(curve, x, y, frame), widthOf(frame));
    const { dash } = entry;
    const paths = dash ? runs.flatMap((run) => dash_path(run, dash[0] * scale, dash[1] * scale)) : runs;
    stroke_paths(canvas, paths, { colour: entry.colour, width: sizes.line * scale, clip });
  }
  if (entry.marker) {
    const { radius, alpha } = markSize(curve.x.length, kind);
    for (const run of pixelRuns(curve, x, y, frame)) {
      for (const point of run)
        draw_marker(canvas, entry.marker, point, radius * scale, { colour: entry.colour, alpha, clip });
    }
  }
}

/** Many points are drawn smaller and let each other shine through. */
function markSize(count: number, kind: 'line' | 'scatter'): { radius: number; alpha: number } {
  if (kind === 'line' || count <= 200) return { radius: 2.3, alpha: 1 };
  if (count <= 2000) return { radius: 1.7, alpha: 0.7 };
  if (count <= 20000) return { radius: 1.2, alpha: 0.4 };
  return { radius: 0.9, alpha: 0.2 };
}

/** Unbroken runs of samples that have a place in the frame. */
function pixelRuns(curve: Curve, x: Axis, y: Axis, frame: Rect): readonly (readonly Point[])[] {
  const runs: Point[][] = [];
  let run: Point[] = [];
  for (let i = 0; i < curve.x.length; i += 1) {
    const u = axisFraction(x, curve.x[i] ?? NaN);
    const v = axisFraction(y, curve.y[i] ?? NaN);
    if (Number.isFinite(u) && Number.isFinite(v)) {
      if (run.length === 0) runs.push(run);
      run.push({ x: frame.left + u * widthOf(frame), y: frame.bottom - v * heightOf(frame) });
    } else if (run.length > 0) {
      run = [];
    }
  }
  return runs;
}

/** Keeps four samples a column of pixels where a run that moves to one side has many more. */
function thinned(runs: readonly (readonly Point[])[], columns: number): readonly (readonly Point[])[] {
  return runs.map((run) => {
    if (run.length <= 8 * columns || run.some((point, i) => i > 0 && point.x < (run[i - 1]?.x ?? point.x)))
      return run;
    const kept: Point[] = [];
    let start = 0;
    while (start < run.length) {
      const column = Math.floor(run[start]?.x ?? 0);
      let end = start;
      let low = start;
      let high = start;
      while (end < run.length && Math.floor(run[end]?.x ?? 0) === column) {
        if ((run[end]?.y ?? 0) < (run[low]?.y ?? 0)) low = end;
        if ((run[end]?.y ?? 0) > (run[high]?.y ?? 0)) high = end;
        end += 1;
      }
      const places = [...new Set([start, Math.min(low, high), Math.max(low, high), end - 1])];
      kept.push(...places.flatMap((place) => run[place] ?? []));
      start = end;
    }
    return kept;
  });
}

const mostInkedPoints = 40_000;

/** Where the legend must not lie: points along all curves, from the frame's corner. */
function inkedPoints(panel: CurvePanel, x: Axis, y: Axis, width: number, height: number): readonly Point[] {
  const frame = { left: 0, top: 0, right: width, bottom: height };
  const points: Point[] = [];
  for (const curve of panel.curves) {
    for (const run of thinned(pixelRuns(curve, x, y, frame), width)) {
      run.forEach((point, i) => {
        points.push(point);
        const next = run[i + 1];
        if (panel.kind !== 'line' || !next) return;
        const pieces = Math.floor(Math.hypot(next.x - point.x, next.y - point.y) / 6);
        for (let piece = 1; piece < pieces; piece += 1) {
          const t = piece / pieces;
          points.push({ x: point.x + t * (next.x - point.x), y: point.y + t * (next.y - point.y) });
        }
      });
    }
  }
  const stride = Math.ceil(points.length / mostInkedPoints);
  return stride <= 1 ? points : points.filter((_, i) => i % stride === 0);
}
