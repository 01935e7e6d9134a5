// Axes around a frame. In: a range, a label, the length in pixels. Out: an Axis (ticks that fit), and its drawing.
// All lengths in this room are given in typographic units and multiplied by the scale of the picture.

import type { Canvas, Colour, Point, Rect } from './canvas.ts';
import { heightOf, stroke_paths, widthOf } from './canvas.ts';
import { draw_text, fitText, ink, textWidth } from './text.ts';
import type { Range, Ticks } from './ticks.ts';
import { fraction, log_ticks, nice_ticks } from './ticks.ts';

/** Sizes in units; a unit is 1/72 inch at scale 1. */
export const sizes = {
  tickText: 6.4,
  labelText: 7,
  titleText: 7.4,
  tick: 3.5,
  tickGap: 4,
  labelGap: 7,
  border: 0.9,
  line: 1.35,
} as const;

export interface Axis {
  /** In log axes the range of the decimal logarithm. */
  readonly range: Range;
  readonly ticks: Ticks;
  readonly label: string;
  readonly log: boolean;
}

/** Where a value lies on an axis, 0 to 1; NaN where it has no place. */
export function axisFraction(axis: Axis, value: number): number {
  if (!axis.log) return fraction(value, axis.range);
  return value > 0 ? fraction(Math.log10(value), axis.range) : NaN;
}

/** A horizontal axis whose tick labels do not touch each other in `length` pixels. */
export function horizontal_axis(
  range: Range,
  label: string,
  length: number,
  scale: number,
  log = false,
): Axis {
  const gap = 9 * scale;
  let most = 9;
  let ticks = ticksFor(range, most, log);
  while (most > 2 && crowded(ticks, range, length, gap, scale, log)) {
    most -= 1;
    ticks = ticksFor(range, most, log);
  }
  return { range, ticks, label, log };
}

function crowded(
  ticks: Ticks,
  range: Range,
  length: number,
  gap: number,
  scale: number,
  log: boolean,
): boolean {
  const axis: Axis = { range, ticks, label: '', log };
  return ticks.values.some((value, i) => {
    const next = ticks.values[i + 1];
    if (next === undefined) return false;
    const apart = (axisFraction(axis, next) - axisFraction(axis, value)) * length;
    const half = (text: string | undefined): number => textWidth(text ?? '', sizes.tickText * scale) / 2;
    return half(ticks.labels[i]) + half(ticks.labels[i + 1]) + gap > apart;
  });
}

export function vertical_axis(range: Range, label: string, length: number, scale: number, log = false): Axis {
  const most = Math.max(2, Math.min(8, Math.floor(length / (20 * scale))));
  return { range, ticks: ticksFor(range, most, log), label, log };
}

function ticksFor(range: Range, most: number, log: boolean): Ticks {
  if (!log) return nice_ticks(range, most);
  // The padded ends of a logarithm may stand for numbers that no double can hold.
  const low = Math.max(10 ** range.low, smallestNormal);
  return log_ticks({ low, high: Math.min(10 ** range.high, Number.MAX_VALUE) }, most);
}

const smallestNormal = 2 ** -1022;

/** Width of the widest tick label in pixels. */
export function tickLabelWidth(axis: Axis, scale: number): number {
  return Math.max(0, ...axis.ticks.labels.map((label) => textWidth(label, sizes.tickText * scale)));
}

export interface Margins {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Room that ticks, labels and the title need around a frame, in pixels. */
export function marginsFor(x: Axis, y: Axis, title: string, scale: number): Margins {
  const tickRoom = (sizes.tick + sizes.tickGap) * scale;
  const text = (sizes.labelText + sizes.labelGap) * scale;
  const lastLabel = x.ticks.labels.at(-1) ?? '';
  return {
    left: tickRoom + tickLabelWidth(y, scale) + (y.label === '' ? 0 : text) + 6 * scale,
    right: textWidth(lastLabel, sizes.tickText * scale) / 2 + 4 * scale,
    top: topRoom(title, y.ticks.note, scale),
    bottom:
      tickRoom + sizes.tickText * scale + (x.label === '' && x.ticks.note === '' ? 0 : text) + 7 * scale,
  };
}

function topRoom(title: string, note: string, scale: number): number {
  const titleRoom = title === '' ? 0 : sizes.titleText + 8;
  const noteRoom = note === '' ? 0 : sizes.tickText + 6;
  return (titleRoom + noteRoom + 6) * scale;
}

export interface FrameStyle {
  readonly scale: number;
  readonly title: string;
  readonly grid: boolean;
}

const gridColour: Colour = [228, 229, 232];

/** Faint lines at the ticks; drawn before the data. */
export function draw_grid(canvas: Canvas, frame: Rect, x: Axis, y: Axis, scale: number): void {
  const verticals = tickPlaces(x, frame.left, frame.right).map((place) => [
    { x: place, y: frame.top },
    { x: place, y: frame.bottom },
  ]);
  const horizontals = tickPlaces(y, frame.bottom, frame.top).map((place) => [
    { x: frame.left, y: place },
    { x: frame.right, y: place },
  ]);
  stroke_paths(canvas, [...verticals, ...horizontals], { colour: gridColour, width: 0.7 * scale });
}

/** Pixel coordinate of every tick between two ends of a frame. */
function tickPlaces(axis: Axis, start: number, end: number): readonly number[] {
  return axis.ticks.values.map((value) => start + (end - start) * axisFraction(axis, value));
}

/** Border, ticks, tick labels, axis labels and title; drawn after the data. */
export function draw_frame(canvas: Canvas, frame: Rect, x: Axis, y: Axis, style: FrameStyle): void {
  const { scale } = style;
  const tick = sizes.tick * scale;
  const xPlaces = tickPlaces(x, frame.left, frame.right);
  const yPlaces = tickPlaces(y, frame.bottom, frame.top);
  stroke_paths(canvas, [borderOf(frame)], { colour: ink, width: sizes.border * scale });
  stroke_paths(
    canvas,
    [
      ...xPlaces.map((place) => [at(place, frame.bottom), at(place, frame.bottom + tick)]),
      ...yPlaces.map((place) => [at(frame.left - tick, place), at(frame.left, place)]),
    ],
    { colour: ink, width: sizes.border * scale },
  );
  const textTop = frame.bottom + tick + sizes.tickGap * scale;
  const textRight = frame.left - tick - sizes.tickGap * scale;
  const size = sizes.tickText * scale;
  xPlaces.forEach((place, i) => {
    draw_text(canvas, x.ticks.labels[i] ?? '', at(place, textTop), {
      size,
      anchor: 'middle',
      baseline: 'top',
    });
  });
  yPlaces.forEach((place, i) => {
    draw_text(canvas, y.ticks.labels[i] ?? '', at(textRight, place), {
      size,
      anchor: 'end',
      baseline: 'middle',
    });
  });
  draw_axis_names(canvas, frame, x, y, textTop + size, textRight - tickLabelWidth(y, scale), style);
}

function draw_axis_names(
  canvas: Canvas,
  frame: Rect,
  x: Axis,
  y: Axis,
  below: number,
  before: number,
  { scale, title }: FrameStyle,
): void {
  const size = sizes.labelText * scale;
  const noteSize = sizes.tickText * scale;
  const gap = sizes.labelGap * scale;
  const centre = (frame.left + frame.right) / 2;
  const width = widthOf(frame);
  draw_text(canvas, fitText(x.label, size, width), at(centre, below + gap), {
    size,
    anchor: 'middle',
    baseline: 'top',
  });
  draw_text(canvas, x.ticks.note, at(frame.right, below + gap), {
    size: noteSize,
    anchor: 'end',
    baseline: 'top',
  });
  draw_text(
    canvas,
    fitText(y.label, size, heightOf(frame)),
    at(before - gap, (frame.top + frame.bottom) / 2),
    {
      size,
      anchor: 'middle',
      upwards: true,
    },
  );
  const noteRoom = y.ticks.note === '' ? 0 : noteSize + 6 * scale;
  draw_text(canvas, y.ticks.note, at(frame.left, frame.top - 6 * scale), { size: noteSize });
  const titleSize = sizes.titleText * scale;
  draw_text(canvas, fitText(title, titleSize, width * 1.1), at(centre, frame.top - noteRoom - 7 * scale), {
    size: titleSize,
    anchor: 'middle',
  });
}

export function borderOf({ left, top, right, bottom }: Rect): readonly Point[] {
  return [at(left, top), at(right, top), at(right, bottom), at(left, bottom), at(left, top)];
}

function at(x: number, y: number): Point {
  return { x, y };
}
