// Arrows of a vector field over the heat map of its length. In: a panel whose data are lengths, and the components. Out: paint. One arrow stands for a block of cells, their mean, in the middle of the block; the longest is as long
// as blocks are wide, so arrows never touch. Blocks with a component that is not finite have none.

import type { Canvas, Colour, Point, Rect } from './canvas.ts';
import { fill_convex, heightOf, stroke_paths, white, widthOf } from './canvas.ts';
import type { HeatPanel } from './panels.ts';
import type { Range } from './ticks.ts';
import { fraction } from './ticks.ts';

/** Along the longer side. */
const mostArrows = 18;
const ink: Colour = [20, 20, 20];

interface Arrow {
  /** Where its middle lies, in the coordinates of the axes. */
  readonly x: number;
  readonly y: number;
  readonly u: number;
  readonly v: number;
}

export function paint_arrows(
  canvas: Canvas,
  frame: Rect,
  panel: HeatPanel,
  xRange: Range,
  yRange: Range,
  scale: number,
): void {
  const { arrows } = panel;
  if (arrows === undefined) return;
  const list = blocks(panel, arrows);
  const longest = Math.max(...list.map(({ u, v }) => Math.hypot(u, v)), 0);
  if (!(longest > 0)) return;
  const [columns, rows] = [panel.xEdges.length - 1, panel.yEdges.length - 1];
  const stride = strideOf(columns, rows);
  const room = 0.92 * stride * Math.min(widthOf(frame) / columns, heightOf(frame) / rows);
  for (const { x, y, u, v } of list) {
    const length = (room * Math.hypot(u, v)) / longest;
    if (length < 1.5 * scale) continue;
    const along: Point = { x: u / Math.hypot(u, v), y: -v / Math.hypot(u, v) };
    const middle: Point = {
      x: frame.left + fraction(x, xRange) * widthOf(frame),
      y: frame.bottom - fraction(y, yRange) * heightOf(frame),
    };
    const at = (forward: number, aside: number): Point => ({
      x: middle.x + forward * along.x - aside * along.y,
      y: middle.y + forward * along.y + aside * along.x,
    });
    const head = Math.min(0.45 * length, 5 * scale);
    const neck = length / 2 - 0.8 * head;
    const shaft = [[at(-length / 2, 0), at(neck, 0)]];
    const tip = [at(length / 2, 0), at(length / 2 - head, 0.42 * head), at(length / 2 - head, -0.42 * head)];
    stroke_paths(canvas, shaft, { colour: white, width: 2.4 * scale, alpha: 0.7, clip: frame });
    stroke_paths(canvas, [[...tip, at(length / 2, 0)]], {
      colour: white,
      width: 1.4 * scale,
      alpha: 0.7,
      clip: frame,
    });
    stroke_paths(canvas, shaft, { colour: ink, width: 1.1 * scale, clip: frame });
    fill_convex(canvas, tip, { colour: ink, clip: frame });
  }
}

const strideOf = (columns: number, rows: number): number =>
  Math.max(1, Math.ceil(Math.max(columns, rows) / mostArrows));

function blocks(panel: HeatPanel, { u, v }: NonNullable<HeatPanel['arrows']>): readonly Arrow[] {
  const { xEdges, yEdges } = panel;
  const [columns, rows] = [xEdges.length - 1, yEdges.length - 1];
  const stride = strideOf(columns, rows);
  const list: Arrow[] = [];
  for (let i = 0; i < columns; i += stride)
    for (let j = 0; j < rows; j += stride) {
      const [right, top] = [Math.min(i + stride, columns), Math.min(j + stride, rows)];
      let [mu, mv] = [0, 0];
      for (let a = i; a < right; a++)
        for (let c = j; c < top; c++) {
          mu += u[a * rows + c] ?? NaN;
          mv += v[a * rows + c] ?? NaN;
        }
      const cells = (right - i) * (top - j);
      if (Number.isFinite(mu + mv))
        list.push({
          x: ((xEdges[i] ?? 0) + (xEdges[right] ?? 0)) / 2,
          y: ((yEdges[j] ?? 0) + (yEdges[top] ?? 0)) / 2,
          u: mu / cells,
          v: mv / cells,
        });
    }
  return list;
}
