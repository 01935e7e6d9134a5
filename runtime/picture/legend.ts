// The legend of curves. In: entries and where the data lie in the frame. Out: a place inside the frame that covers no data, or
// rows above the frame when there is none.

import type { Canvas, Colour, Point, Rect } from './canvas.ts';
import { dash_path, fill_rect, stroke_paths, white, widthOf } from './canvas.ts';
import { borderOf, sizes } from './axes.ts';
import type { MarkerShape } from './marker.ts';
import { draw_marker } from './marker.ts';
import { draw_text, fitText, textWidth } from './text.ts';

export interface LegendEntry {
  readonly label: string;
  readonly colour: Colour;
  readonly line: boolean;
  readonly dash?: readonly [number, number];
  readonly marker?: MarkerShape;
  /** A filled swatch instead of a line (histograms). */
  readonly swatch?: boolean;
}

/** `inside` is relative to the frame's upper left corner; `above` needs `height` pixels over the frame. */
export type LegendPlace =
  | { readonly kind: 'none' }
  | { readonly kind: 'inside'; readonly box: Rect }
  | { readonly kind: 'above'; readonly height: number; readonly rows: readonly (readonly LegendEntry[])[] };

const look = { key: 20, keyGap: 5, row: 11.5, pad: 6, columnGap: 14, inset: 7 } as const;

/** Chooses the place for a frame of the given size; `inked` are pixels that the data use, from the frame's corner. */
export function place_legend(
  entries: readonly LegendEntry[],
  width: number,
  height: number,
  inked: readonly Point[],
  scale: number,
): LegendPlace {
  if (entries.length < 2) return { kind: 'none' };
  const boxWidth = Math.max(...entries.map((entry) => entryWidth(entry, scale))) + 2 * look.pad * scale;
  const boxHeight = (entries.length * look.row + 2 * look.pad - 4) * scale;
  if (boxWidth < 0.6 * width && boxHeight < 0.6 * height) {
    const box = freeBox(boxWidth, boxHeight, width, height, inked, scale);
    if (box) return { kind: 'inside', box };
  }
  const rows = legendRows(entries, width, scale);
  return { kind: 'above', height: (rows.length * look.row + 5) * scale, rows };
}

/** The first of the corners and edge middles that no data point touches. */
function freeBox(
  w: number,
  h: number,
  width: number,
  height: number,
  inked: readonly Point[],
  scale: number,
): Rect | undefined {
  const inset = look.inset * scale;
  const [right, middle, bottom] = [width - inset - w, (width - w) / 2, height - inset - h];
  const corners: readonly (readonly [number, number])[] = [
    [right, inset],
    [inset, inset],
    [right, bottom],
    [inset, bottom],
    [middle, inset],
    [middle, bottom],
    [right, (height - h) / 2],
    [inset, (height - h) / 2],
  ];
  const near = 3 * scale;
  return corners
    .map(([left, top]) => ({ left, top, right: left + w, bottom: top + h }))
    .find(
      (box) =>
        !inked.some(
          ({ x, y }) =>
            x > box.left - near && x < box.right + near && y > box.top - near && y < box.bottom + near,
        ),
    );
}

function entryWidth(entry: LegendEntry, scale: number): number {
  return (look.key + look.keyGap) * scale + textWidth(entry.label, sizes.tickText * scale);
}

/** Fills rows from the left as far as entries fit. */
function legendRows(
  entries: readonly LegendEntry[],
  width: number,
  scale: number,
): readonly (readonly LegendEntry[])[] {
  const rows: LegendEntry[][] = [];
  let used = Infinity;
  for (const entry of entries) {
    const needed = entryWidth(entry, scale) + look.columnGap * scale;
    if (used + needed > width + look.columnGap * scale) {
      rows.push([]);
      used = 0;
    }
    rows.at(-1)?.push(entry);
    used += needed;
  }
  return rows;
}

export function draw_legend(
  canvas: Canvas,
  place: LegendPlace,
  entries: readonly LegendEntry[],
  frame: Rect,
  scale: number,
): void {
  if (place.kind === 'inside') {
    const box = {
      left: frame.left + place.box.left,
      right: frame.left + place.box.right,
      top: frame.top + place.box.top,
      bottom: frame.top + place.box.bottom,
    };
    fill_rect(canvas, box, { colour: white, alpha: 0.9 });
    stroke_paths(canvas, [borderOf(box)], { colour: [205, 206, 210], width: 0.7 * scale });
    entries.forEach((entry, i) => {
      const y = box.top + (look.pad + look.row * (i + 0.5) - 2) * scale;
      draw_entry(canvas, entry, { x: box.left + look.pad * scale, y }, widthOf(box), scale);
    });
  } else if (place.kind === 'above') {
    place.rows.forEach((row, i) => {
      const y = frame.top - place.height + look.row * (i + 0.5) * scale;
      let x = frame.left;
      for (const entry of row) {
        draw_entry(canvas, entry, { x, y }, widthOf(frame), scale);
        x += entryWidth(entry, scale) + look.columnGap * scale;
      }
    });
  }
}

function draw_entry(canvas: Canvas, entry: LegendEntry, place: Point, width: number, scale: number): void {
  const key = look.key * scale;
  const size = sizes.tickText * scale;
  if (entry.swatch === true) {
    const half = 3.4 * scale;
    const box = {
      left: place.x + 3 * scale,
      right: place.x + key - 3 * scale,
      top: place.y - half,
      bottom: place.y + half,
    };
    fill_rect(canvas, box, { colour: entry.colour, alpha: 0.45 });
    stroke_paths(canvas, [borderOf(box)], { colour: entry.colour, width: scale });
  }
  if (entry.line) {
    const path = [place, { x: place.x + key, y: place.y }];
    const dashes = entry.dash ? dash_path(path, entry.dash[0] * scale, entry.dash[1] * scale) : [path];
    stroke_paths(canvas, dashes, { colour: entry.colour, width: sizes.line * scale });
  }
  if (entry.marker)
    draw_marker(canvas, entry.marker, { x: place.x + key / 2, y: place.y }, 2.3 * scale, {
      colour: entry.colour,
    });
  const textPlace = { x: place.x + key + look.keyGap * scale, y: place.y };
  draw_text(canvas, fitText(entry.label, size, width), textPlace, { size, baseline: 'middle' });
}
