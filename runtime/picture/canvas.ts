// A small rasteriser. In: shapes in pixel coordinates (y down, pixel (i, j) covers [i, i+1] x [j, j+1]). Out: an RGB image in
// memory. Anti-aliasing is analytic: coverage of a pixel is taken from the signed distance of its centre to the shape, which is
// exact for straight edges wider than a pixel. A stroke of many pieces is one mask, so that overlaps are not painted twice.

/** Red, green, blue, each 0 to 255. */
export type Colour = readonly [number, number, number];

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Half-open: left <= x < right. */
export interface Rect {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface Canvas {
  readonly width: number;
  readonly height: number;
  /** Three bytes a pixel, rows from the top. */
  readonly pixels: Uint8Array;
}

export interface StrokeStyle {
  readonly colour: Colour;
  readonly width: number;
  readonly alpha?: number;
  readonly clip?: Rect;
}

export interface FillStyle {
  readonly colour: Colour;
  readonly alpha?: number;
  readonly clip?: Rect;
}

export const white: Colour = [255, 255, 255];

export function make_canvas(width: number, height: number, background: Colour = white): Canvas {
  const pixels = new Uint8Array(width * height * 3);
  for (let i = 0; i < pixels.length; i += 3) pixels.set(background, i);
  return { width, height, pixels };
}

export function widthOf(rect: Rect): number {
  return rect.right - rect.left;
}

export function heightOf(rect: Rect): number {
  return rect.bottom - rect.top;
}

/** Paints one pixel over what is there; outside the image nothing happens. */
export function blend_pixel(canvas: Canvas, x: number, y: number, colour: Colour, alpha: number): void {
  if (x < 0 || y < 0 || x >= canvas.width || y >= canvas.height || !(alpha > 0)) return;
  const start = (y * canvas.width + x) * 3;
  const keep = 1 - Math.min(alpha, 1);
  for (let channel = 0; channel < 3; channel += 1) {
    const below = canvas.pixels[start + channel] ?? 0;
    canvas.pixels[start + channel] = Math.round(below * keep + (colour[channel] ?? 0) * (1 - keep));
  }
}

export function pixelAt(canvas: Canvas, x: number, y: number): Colour {
  const start = (y * canvas.width + x) * 3;
  return [canvas.pixels[start] ?? 0, canvas.pixels[start + 1] ?? 0, canvas.pixels[start + 2] ?? 0];
}

/** Fills an axis-parallel rectangle; edges between pixels are covered in part. */
export function fill_rect(canvas: Canvas, rect: Rect, style: FillStyle): void {
  const { left, top, right, bottom } = style.clip ? intersection(rect, style.clip) : rect;
  for (let y = Math.max(0, Math.floor(top)); y < Math.min(canvas.height, bottom); y += 1) {
    const rows = Math.min(bottom, y + 1) - Math.max(top, y);
    for (let x = Math.max(0, Math.floor(left)); x < Math.min(canvas.width, right); x += 1) {
      const columns = Math.min(right, x + 1) - Math.max(left, x);
      blend_pixel(canvas, x, y, style.colour, rows * columns * (style.alpha ?? 1));
    }
  }
}

/** Strokes polylines with round joins and caps. A path of one point is a dot. */
export function stroke_paths(canvas: Canvas, paths: readonly (readonly Point[])[], style: StrokeStyle): void {
  const radius = style.width / 2;
  const bounds = pixelBounds(canvas, paths, radius + 1, style.clip);
  const width = widthOf(bounds);
  if (width <= 0 || heightOf(bounds) <= 0) return;
  const mask = new Float32Array(width * heightOf(bounds));
  for (const path of paths) {
    path.forEach((from, i) => {
      const to = path[i + 1];
      if (to) cover_segment(mask, bounds, from, to, radius);
      else if (path.length === 1) cover_segment(mask, bounds, from, from, radius);
    });
  }
  paint_mask(canvas, mask, bounds, style);
}

/** Raises the mask to the coverage of a capsule around one segment. */
function cover_segment(mask: Float32Array, bounds: Rect, from: Point, to: Point, radius: number): void {
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const lengthSquared = dx * dx + dy * dy;
  const reach = radius + 1;
  const width = widthOf(bounds);
  const firstRow = Math.max(bounds.top, Math.floor(Math.min(from.y, to.y) - reach));
  const lastRow = Math.min(bounds.bottom - 1, Math.ceil(Math.max(from.y, to.y) + reach));
  for (let row = firstRow; row <= lastRow; row += 1) {
    const y = row + 0.5;
    // The part of the segment within reach of this row bounds the pixels that can be touched.
    let low = 0;
    let high = 1;
    if (dy !== 0) {
      const a = (y - reach - from.y) / dy;
      const b = (y + reach - from.y) / dy;
      low = Math.max(0, Math.min(a, b));
      high = Math.min(1, Math.max(a, b));
      if (low > high) continue;
    }
    const xa = from.x + low * dx;
    const xb = from.x + high * dx;
    const first = Math.max(bounds.left, Math.floor(Math.min(xa, xb) - reach));
    const last = Math.min(bounds.right - 1, Math.ceil(Math.max(xa, xb) + reach));
    for (let column = first; column <= last; column += 1) {
      const px = column + 0.5 - from.x;
      const py = y - from.y;
      const along = lengthSquared === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / lengthSquared));
      const distance = Math.sqrt((px - along * dx) ** 2 + (py - along * dy) ** 2);
      raise_mask(mask, (row - bounds.top) * width + column - bounds.left, radius - distance);
    }
  }
}

/** A disc. */
export function fill_disc(canvas: Canvas, centre: Point, radius: number, style: FillStyle): void {
  fill_shape(canvas, centre, radius, style, (x, y) => radius - Math.hypot(x - centre.x, y - centre.y));
}

/** A convex polygon, corners in either order. */
export function fill_convex(canvas: Canvas, corners: readonly Point[], style: FillStyle): void {
  if (corners.length < 3) return;
  const centre = {
    x: corners.reduce((sum, corner) => sum + corner.x, 0) / corners.length,
    y: corners.reduce((sum, corner) => sum + corner.y, 0) / corners.length,
  };
  const reach = Math.max(...corners.map((corner) => Math.hypot(corner.x - centre.x, corner.y - centre.y)));
  const edges = corners.map((from, i) => {
    const to = corners[(i + 1) % corners.length] ?? from;
    const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
    const nx = (to.y - from.y) / length;
    const ny = (from.x - to.x) / length;
    const inside = (centre.x - from.x) * nx + (centre.y - from.y) * ny;
    const sign = inside < 0 ? -1 : 1;
    return { from, nx: nx * sign, ny: ny * sign };
  });
  fill_shape(canvas, centre, reach, style, (x, y) =>
    Math.min(...edges.map(({ from, nx, ny }) => (x - from.x) * nx + (y - from.y) * ny)),
  );
}

/** Fills where `inside` (signed distance, positive inside, in pixels) says so, within `reach` of a centre. */
function fill_shape(
  canvas: Canvas,
  centre: Point,
  reach: number,
  style: FillStyle,
  inside: (x: number, y: number) => number,
): void {
  const bounds = pixelBounds(canvas, [[centre]], reach + 1, style.clip);
  for (let y = bounds.top; y < bounds.bottom; y += 1) {
    for (let x = bounds.left; x < bounds.right; x += 1) {
      const coverage = Math.min(1, Math.max(0, inside(x + 0.5, y + 0.5) + 0.5));
      blend_pixel(canvas, x, y, style.colour, coverage * (style.alpha ?? 1));
    }
  }
}

function raise_mask(mask: Float32Array, index: number, depth: number): void {
  const coverage = Math.min(1, depth + 0.5);
  if (coverage > (mask[index] ?? 1)) mask[index] = coverage;
}

function paint_mask(canvas: Canvas, mask: Float32Array, bounds: Rect, style: StrokeStyle): void {
  const width = widthOf(bounds);
  // A stroke thinner than a pixel keeps its ink by becoming paler.
  const alpha = (style.alpha ?? 1) * Math.min(1, style.width);
  for (let i = 0; i < mask.length; i += 1) {
    const coverage = mask[i] ?? 0;
    if (coverage > 0) {
      blend_pixel(
        canvas,
        bounds.left + (i % width),
        bounds.top + Math.floor(i / width),
        style.colour,
        coverage * alpha,
      );
    }
  }
}

/** Pixels that shapes around these points can touch, inside the image and the clip; whole numbers. */
function pixelBounds(canvas: Canvas, paths: readonly (readonly Point[])[], reach: number, clip?: Rect): Rect {
  let left = Infinity;
  let top = Infinity;
  let right = -Infinity;
  let bottom = -Infinity;
  for (const path of paths) {
    for (const { x, y } of path) {
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
  }
  const touched = { left: left - reach, top: top - reach, right: right + reach, bottom: bottom + reach };
  const image = { left: 0, top: 0, right: canvas.width, bottom: canvas.height };
  const inside = intersection(intersection(touched, image), clip ?? image);
  return {
    left: Math.floor(inside.left),
    top: Math.floor(inside.top),
    right: Math.ceil(inside.right),
    bottom: Math.ceil(inside.bottom),
  };
}

export function intersection(a: Rect, b: Rect): Rect {
  const left = Math.max(a.left, b.left);
  const top = Math.max(a.top, b.top);
  return {
    left,
    top,
    right: Math.max(left, Math.min(a.right, b.right)),
    bottom: Math.max(top, Math.min(a.bottom, b.bottom)),
  };
}

/** Cuts a polyline into dashes of the given lengths (ink, gap), in pixels. */
export function dash_path(path: readonly Point[], ink: number, gap: number): readonly (readonly Point[])[] {
  const dashes: Point[][] = [];
  let dash: Point[] = [];
  let left = ink;
  let inking = true;
  path.forEach((from, i) => {
    const to = path[i + 1];
    if (!to) return;
    const length = Math.hypot(to.x - from.x, to.y - from.y);
    let done = 0;
    if (inking && dash.length === 0) dash.push(from);
    while (length - done > left) {
      done += left;
      const here = {
        x: from.x + ((to.x - from.x) * done) / length,
        y: from.y + ((to.y - from.y) * done) / length,
      };
      if (inking) dashes.push([...dash, here]);
      dash = inking ? [] : [here];
      inking = !inking;
      left = inking ? ink : gap;
    }
    left -= length - done;
    if (inking) dash.push(to);
  });
  if (dash.length > 1) dashes.push(dash);
  return dashes;
}
