// Histograms. In: groups of numbers. Out: a drawing of bars over common bins, as counts for one group and as densities for
// several. The width of the bins follows Freedman and Diaconis (1981), rounded to 1, 2 or 5 times a power of ten.

import { axisFraction, draw_frame, draw_grid, horizontal_axis, marginsFor, vertical_axis } from './axes.ts';
import type { Point } from './canvas.ts';
import { fill_rect, heightOf, stroke_paths, widthOf } from './canvas.ts';
import { lineColour } from './colour.ts';
import type { Drawing } from './drawing.ts';
import { draw_legend, place_legend } from './legend.ts';
import type { HistogramPanel } from './panels.ts';
import type { Range } from './ticks.ts';
import { drawable_range, finiteRange, nice_ticks, padded_range, unionRange } from './ticks.ts';

export interface Bins {
  /** Increasing, one more than there are bins. */
  readonly edges: readonly number[];
}

const fewestBins = 5;
const mostBins = 80;

/** Bin borders for all groups together; they lie at round numbers. */
export function choose_bins(groups: readonly Float64Array[]): Bins {
  const range = drawable_range(unionRange(groups.map(finiteRange)));
  const sorted = Float64Array.from(groups.flatMap((group) => [...group.filter(Number.isFinite)])).sort();
  const count = Math.min(mostBins, Math.max(fewestBins, freedmanDiaconis(sorted, range)));
  // Ticks over a slightly wider range are round borders that enclose the data.
  const { values } = nice_ticks(range, count + 1);
  const [first, second] = values;
  if (first === undefined || second === undefined) return { edges: [range.low, range.high] };
  const step = second - first;
  const edges = [...values];
  if (first > range.low) edges.unshift(first - step);
  if ((edges.at(-1) ?? first) < range.high) edges.push((edges.at(-1) ?? first) + step);
  return { edges };
}

function freedmanDiaconis(sorted: Float64Array, range: Range): number {
  const quantile = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  const spread = quantile(0.75) - quantile(0.25);
  const sturges = Math.ceil(Math.log2(Math.max(1, sorted.length))) + 1;
  const count = Math.ceil((range.high - range.low) / ((2 * spread) / Math.cbrt(Math.max(1, sorted.length))));
  return Number.isFinite(count) && count > 0 ? count : sturges;
}

/** Numbers in each bin; the last bin includes its upper border. */
export function count_bins(data: Float64Array, { edges }: Bins): readonly number[] {
  const counts = edges.slice(1).map(() => 0);
  for (const value of data) {
    if (!Number.isFinite(value)) continue;
    let low = 0;
    let high = counts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((edges[middle] ?? Infinity) <= value) low = middle;
      else high = middle - 1;
    }
    counts[low] = (counts[low] ?? 0) + 1;
  }
  return counts;
}

export function draw_histogram(panel: HistogramPanel, width: number, height: number, scale: number): Drawing {
  const bins = choose_bins(panel.groups.map((group) => group.data));
  const several = panel.groups.length > 1;
  const bars = panel.groups.map((group) => barHeights(count_bins(group.data, bins), bins, several));
  const xRange = { low: bins.edges[0] ?? 0, high: bins.edges.at(-1) ?? 1 };
  const top = Math.max(0, ...bars.flat());
  const x = horizontal_axis(padded_range(xRange, 0.02), panel.xLabel, width, scale);
  const y = vertical_axis(
    { low: 0, high: top > 0 ? top * 1.08 : 1 },
    several ? 'density' : 'count',
    height,
    scale,
  );
  const entries = panel.groups.map(({ label }, i) => ({
    label,
    colour: lineColour(i),
    line: false,
    swatch: true,
  }));

  const outline = (heights: readonly number[], left: number, bottom: number): readonly Point[] => {
    const xs = bins.edges.map((edge) => left + axisFraction(x, edge) * width);
    const start = { x: xs[0] ?? left, y: bottom };
    const steps = heights.flatMap((value, i) => {
      const py = bottom - axisFraction(y, value) * height;
      return [
        { x: xs[i] ?? left, y: py },
        { x: xs[i + 1] ?? left, y: py },
      ];
    });
    return [start, ...steps, { x: xs.at(-1) ?? left, y: bottom }];
  };
  const inked = bars.flatMap((heights) => filledPoints(outline(heights, 0, height), height));
  const legend = place_legend(entries, width, height, inked, scale);
  const margins = marginsFor(x, y, panel.title, scale);
  const above = legend.kind === 'above' ? legend.height : 0;
  return {
    width,
    height,
    margins: { ...margins, top: margins.top + above },
    paint: (canvas, frame) => {
      draw_grid(canvas, frame, x, y, scale);
      bars.forEach((heights, i) => {
        const colour = lineColour(i);
        heights.forEach((value, k) => {
          const left = frame.left + axisFraction(x, bins.edges[k] ?? 0) * widthOf(frame);
          const right = frame.left + axisFraction(x, bins.edges[k + 1] ?? 0) * widthOf(frame);
          const topEdge = frame.bottom - axisFraction(y, value) * heightOf(frame);
          fill_rect(
            canvas,
            { left, right, top: topEdge, bottom: frame.bottom },
            { colour, alpha: several ? 0.35 : 0.5 },
          );
        });
        stroke_paths(canvas, [outline(heights, frame.left, frame.bottom)], {
          colour,
          width: 1.1 * scale,
          clip: frame,
        });
      });
      draw_frame(canvas, frame, x, y, { scale, title: panel.title, grid: true });
      draw_legend(canvas, legend, entries, frame, scale);
    },
  };
}

function barHeights(counts: readonly number[], { edges }: Bins, density: boolean): readonly number[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (!density || total === 0) return counts;
  return counts.map((count, i) => count / total / ((edges[i + 1] ?? 1) - (edges[i] ?? 0)));
}

/** Points that fill the area under an outline, for the choice of the legend's place. */
function filledPoints(outline: readonly Point[], bottom: number): readonly Point[] {
  return outline.flatMap(({ x, y }) =>
    Array.from({ length: 12 }, (_, i) => ({ x, y: y + ((bottom - y) * i) / 11 })),
  );
}
