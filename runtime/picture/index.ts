// What the rest of flowc uses of this room: a specification in, the bytes of a PNG or GIF out.

export { render_animation } from './animation.ts';
export { render_plot } from './render.ts';
export type { PlotAxis, PlotKind, PlotSeries, PlotSpec } from './spec.ts';
