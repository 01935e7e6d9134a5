// What the rest of flowc uses of this room: a specification in, the bytes of a PNG out.

export { render_plot } from './render.ts';
export type { PlotAxis, PlotKind, PlotSeries, PlotSpec } from './spec.ts';
