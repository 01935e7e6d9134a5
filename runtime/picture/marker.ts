// Marks of single points: shapes that stay apart when printed without colour.

import type { Canvas, FillStyle, Point } from './canvas.ts';
import { fill_convex, fill_disc } from './canvas.ts';

export type MarkerShape = 'disc' | 'square' | 'triangle' | 'diamond';

const shapes: readonly MarkerShape[] = ['disc', 'square', 'triangle', 'diamond'];

export function markerShape(index: number): MarkerShape {
  return shapes[index % shapes.length] ?? 'disc';
}

/** Corners on a circle, degrees against the clock; areas are made alike by the factor on the radius. */
const polygons: Readonly<
  Record<Exclude<MarkerShape, 'disc'>, { readonly factor: number; readonly angles: readonly number[] }>
> = {
  square: { factor: 1.28, angles: [45, 135, 225, 315] },
  triangle: { factor: 1.45, angles: [90, 210, 330] },
  diamond: { factor: 1.4, angles: [0, 90, 180, 270] },
};

export function draw_marker(
  canvas: Canvas,
  shape: MarkerShape,
  centre: Point,
  radius: number,
  style: FillStyle,
): void {
  if (shape === 'disc') {
    fill_disc(canvas, centre, radius, style);
    return;
  }
  const { factor, angles } = polygons[shape];
  const corners = angles.map((degrees) => ({
    x: centre.x + radius * factor * Math.cos((degrees * Math.PI) / 180),
    y: centre.y - radius * factor * Math.sin((degrees * Math.PI) / 180),
  }));
  fill_convex(canvas, corners, style);
}
