// Moving pictures. In: arrays whose first axis are the frames. Out: the bytes of an animated GIF: lines where a frame is a vector, heat maps where it is a matrix, every frame with the same
// colours and ordinates. Of very many frames some are left out, evenly.
// Errors: R120 nothing to show, R121 an array whose frames are neither vectors nor matrices, R122 series with different numbers of frames.

import { fail } from '../../compiler/support/diagnostic.ts';
import type { Span } from '../../compiler/support/span.ts';
import { encode_gif } from '../io/gif.ts';
import { draw_plot } from './render.ts';
import type { PlotKind, PlotSeries } from './spec.ts';

const mostFrames = 200;

export function render_animation(kind: PlotKind, series: readonly PlotSeries[], span?: Span): Uint8Array {
  const [first] = series;
  if (first === undefined) return fail('R120', 'there is nothing to show', span);
  const count = first.shape[0] ?? 0;
  for (const s of series) {
    if (s.shape.length < 2 || s.shape.length > 3)
      fail(
        'R121',
        `"${s.label}" has ${s.shape.length} axes, and a moving picture wants two or three`,
        span,
        'the first axis are the frames: a solve with save: every(steps: n) gives them',
      );
    if (s.shape[0] !== count)
      fail('R122', `"${first.label}" has ${count} frames and "${s.label}" has ${s.shape[0] ?? 0}`, span);
  }
  if (count === 0) fail('R120', `"${first.label}" has no frames`, span);
  const shown = Math.min(count, mostFrames);
  const frames = Array.from({ length: shown }, (_, i) =>
    Math.round((i * (count - 1)) / Math.max(1, shown - 1)),
  );
  return encode_gif(
    frames.map((frame) =>
      draw_plot(
        { kind, series: series.map((s) => frameOf(s, frame)), title: `${frame + 1} of ${count}`, scale: 1 },
        span,
      ),
    ),
  );
}

function frameOf(s: PlotSeries, frame: number): PlotSeries {
  const shape = s.shape.slice(1);
  const size = shape.reduce((n, extent) => n * extent, 1);
  return {
    ...s,
    shape,
    data: s.data.subarray(frame * size, (frame + 1) * size),
    spanned: s.data,
    ...(s.axes ? { axes: s.axes.slice(1) } : {}),
  };
}
