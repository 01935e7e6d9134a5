// From what the user asked for to what is drawn. In: a PlotSpec. Out: panels in normal form: heat maps with cell edges, curves
// with abscissae, groups of numbers for a histogram. Every choice `auto` makes is made here.
// Errors: R120 nothing to plot, R121 a value of the wrong rank for the kind, R122 a pair of unequal lengths.

import { InternalError, assertNever, fail } from '../../compiler/support/diagnostic.ts';
import type { Span } from '../../compiler/support/span.ts';
import type { PlotAxis, PlotSeries, PlotSpec } from './spec.ts';
import { formatNumber } from './ticks.ts';

export interface Curve {
  readonly label: string;
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** Place in a family of snapshots, 0 to 1; the colour then follows it. */
  readonly shade?: number;
}

export interface CurvePanel {
  readonly kind: 'line' | 'scatter';
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly curves: readonly Curve[];
  readonly log: { readonly x: boolean; readonly y: boolean };
  /** Ends of the domains that the abscissae come from; the axis reaches to them. */
  readonly xEnds: readonly number[];
  /** Numbers that the ordinate reaches to, besides those of the curves. */
  readonly spanned: readonly Float64Array[];
}

export interface HeatPanel {
  readonly kind: 'heat';
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** Increasing or decreasing, one more than there are cells along the axis. */
  readonly xEdges: Float64Array;
  readonly yEdges: Float64Array;
  /** data[i * rows + j] belongs to column i (along x) and row j (along y). */
  readonly data: Float64Array;
  /** The numbers that span the colours: those of all snapshots of one array. */
  readonly coloured: Float64Array;
  /** Both axes are lengths, or both indices: one unit is as long on either. */
  readonly equal: boolean;
  /** Components of a vector field, laid out like the data, which are its lengths. */
  readonly arrows?: { readonly u: Float64Array; readonly v: Float64Array };
}

export interface HistogramPanel {
  readonly kind: 'histogram';
  readonly title: string;
  readonly xLabel: string;
  readonly groups: readonly { readonly label: string; readonly data: Float64Array }[];
}

export type Panel = CurvePanel | HeatPanel | HistogramPanel;

/** How many snapshots of a family are shown. */
const mostSnapshots = 6;
const mostHeatSnapshots = 4;
/** A rank-2 array without coordinates and with at most this many columns is several curves, not snapshots. */
const mostComponents = 8;

export function plan_panels(spec: PlotSpec, span?: Span): readonly Panel[] {
  if (spec.series.length === 0) fail('R120', 'there is nothing to plot', span);
  for (const series of spec.series) checkSeries(series, span);
  const kinds = spec.series.map((series) => ({ series, kind: kindOf(spec, series, span) }));
  const ofKind = (kind: Panel['kind']): readonly PlotSeries[] =>
    kinds.filter((entry) => entry.kind === kind).map((entry) => entry.series);

  const panels: Panel[] = ofKind('heat').flatMap((series) => heatPanels(series, spec, span));
  const lines = ofKind('line');
  if (lines.length > 0) panels.push(curvePanel('line', lines, spec, span));
  const clouds = ofKind('scatter');
  if (clouds.length > 0) panels.push(curvePanel('scatter', clouds, spec, span));
  const samples = ofKind('histogram');
  if (samples.length > 0) panels.push(histogramPanel(samples, spec));
  return panels;
}

function checkSeries(series: PlotSeries, span?: Span): void {
  const size = series.shape.reduce((product, extent) => product * extent, 1);
  if (size !== series.data.length) {
    throw new InternalError(
      'picture',
      `${series.label}: ${series.data.length} numbers for shape [${series.shape.join(', ')}]`,
    );
  }
  if (size === 0) fail('R120', `"${series.label}" is empty: there is nothing to plot`, span);
  if (series.shape.length === 0) {
    fail(
      'R121',
      `"${series.label}" is a single number and has no picture`,
      span,
      `print it: print "{${series.label}}"`,
    );
  }
  if (series.x && series.x.data.length !== series.shape[0]) {
    const sizes = `"${series.x.label}" has ${series.x.data.length} values and "${series.label}" has ${series.shape[0]}`;
    fail('R122', `a pair needs equal lengths: ${sizes}`, span);
  }
}

function kindOf(spec: PlotSpec, series: PlotSeries, span?: Span): Panel['kind'] {
  const rank = series.shape.length;
  const refuse = (advice: string): never =>
    fail('R121', `"${series.label}" has ${rank} axes and cannot be drawn as ${spec.kind}`, span, advice);
  if (series.vector === true || spec.kind === 'quiver')
    return rank === 3 && series.shape[0] === 2 && (spec.kind === 'auto' || spec.kind === 'quiver')
      ? 'heat'
      : refuse(
          'arrows are drawn of two components with two axes each, plot "v.png": (u, v) as quiver; of other vectors draw the components or norm(v)',
        );
  switch (spec.kind) {
    case 'auto':
      if (rank === 1 || series.x) return 'line';
      return rank <= 3 ? 'heat' : refuse('choose a part of it, for example a[0, .., ..]');
    case 'line':
      return rank <= 2 ? 'line' : refuse('choose a part of it, for example a[0, ..]');
    case 'scatter':
      return rank <= 2 ? 'scatter' : refuse('points are an array of shape [n, 2], or a pair (x, y)');
    case 'heat':
      return rank === 2 || rank === 3
        ? 'heat'
        : refuse('a heat map needs an array with two axes; a vector is drawn as line');
    case 'histogram':
      return 'histogram';
    default:
      return assertNever(spec.kind);
  }
}

// ------------------------------------------------------------------------------------------------------------- heat maps

function heatPanels(series: PlotSeries, spec: PlotSpec, span?: Span): readonly HeatPanel[] {
  if (series.vector === true || spec.kind === 'quiver') return [quiverPanel(series, spec)];
  if (series.shape.length === 2) return [heatPanel(series, spec)];
  const [count = 0, columns = 0, rows = 0] = series.shape;
  if (columns * rows === 0) return fail('R120', `"${series.label}" is empty: there is nothing to plot`, span);
  const axis = series.axes?.[0];
  const coordinates = sampleCoordinates(axis, count);
  return spread(count, mostHeatSnapshots).map((index) => {
    const label = `${series.label}, ${axis?.name ?? 'index'} = ${formatNumber(coordinates[index] ?? NaN)}`;
    const data = series.data.subarray(index * columns * rows, (index + 1) * columns * rows);
    return heatPanel(
      { ...series, label, shape: [columns, rows], data, axes: series.axes?.slice(1) },
      spec,
      series.data,
    );
  });
}

function heatPanel(series: PlotSeries, spec: PlotSpec, coloured = series.spanned ?? series.data): HeatPanel {
  const [columns = 0, rows = 0] = series.shape;
  const [xAxis, yAxis] = series.axes ?? [];
  return {
    kind: 'heat',
    title: withUnit(series.label, series.unit),
    xLabel: spec.xLabel ?? axisLabel(xAxis, 'i'),
    yLabel: spec.yLabel ?? axisLabel(yAxis, 'j'),
    xEdges: cellEdges(xAxis, columns),
    yEdges: cellEdges(yAxis, rows),
    data: series.data,
    coloured,
    equal: axesAreAlike(xAxis, yAxis),
  };
}

/** Lengths as colours, under arrows. */
function quiverPanel(series: PlotSeries, spec: PlotSpec): HeatPanel {
  const half = series.data.length / 2;
  const [u, v] = [series.data.subarray(0, half), series.data.subarray(half)];
  const data = u.map((x, i) => Math.hypot(x, v[i] ?? NaN));
  const shape = series.shape.slice(1);
  return { ...heatPanel({ ...series, shape, data, axes: series.axes?.slice(1) }, spec), arrows: { u, v } };
}

/** Lengths and lengths, or indices and indices; never a time beside a length. */
function axesAreAlike(a: PlotAxis | undefined, b: PlotAxis | undefined): boolean {
  const isLength = (axis: PlotAxis | undefined): boolean =>
    axis !== undefined && axis.extent !== undefined && !axis.values && !/^(t|time|τ)$/i.test(axis.name);
  const isIndex = (axis: PlotAxis | undefined): boolean => !axis?.extent && !axis?.values;
  return (isLength(a) && isLength(b) && a?.unit === b?.unit) || (isIndex(a) && isIndex(b));
}

// ---------------------------------------------------------------------------------------------------------------- curves

function curvePanel(
  kind: 'line' | 'scatter',
  list: readonly PlotSeries[],
  spec: PlotSpec,
  span?: Span,
): CurvePanel {
  const curves = list.flatMap((series) => (kind === 'line' ? lineCurves(series) : [cloudOf(series, span)]));
  const only = list.length === 1 ? list[0] : undefined;
  const xLabels = distinct(list.map((series) => abscissaLabel(series, kind)));
  return {
    kind,
    title: kind === 'scatter' && only && !only.x ? only.label : '',
    xLabel: spec.xLabel ?? xLabels.join(', '),
    yLabel: spec.yLabel ?? (only ? ordinateLabel(only, kind) : sharedOrdinateLabel(list, kind)),
    curves,
    xEnds: list.flatMap((series) =>
      series.x || kind === 'scatter' ? [] : (abscissaAxis(series)?.extent ?? []),
    ),
    spanned: list.flatMap((series) => series.spanned ?? []),
    log: { x: spec.log === 'x' || spec.log === 'xy', y: spec.log === 'y' || spec.log === 'xy' },
  };
}

function abscissaLabel(series: PlotSeries, kind: 'line' | 'scatter'): string {
  if (series.x) return withUnit(series.x.label, series.x.unit);
  if (kind === 'scatter') return 'first component';
  return axisLabel(abscissaAxis(series), 'index');
}

/** The axis of an array that runs along its curves. */
function abscissaAxis(series: PlotSeries): PlotAxis | undefined {
  return series.axes?.[isFamily(series) ? 1 : 0];
}

function ordinateLabel(series: PlotSeries, kind: 'line' | 'scatter'): string {
  return kind === 'scatter' && !series.x ? 'second component' : withUnit(series.label, series.unit);
}

/** What several curves have in common: components of points, or a unit. */
function sharedOrdinateLabel(list: readonly PlotSeries[], kind: 'line' | 'scatter'): string {
  if (kind === 'scatter' && list.every((series) => !series.x)) return 'second component';
  const units = distinct(list.map((series) => series.unit ?? ''));
  return units.length === 1 && units[0] ? `(${units[0]})` : '';
}

/** Whether the rows of a rank-2 array are snapshots along its second axis (else its columns are components along the first). */
function isFamily(series: PlotSeries): boolean {
  const [, columns = 0] = series.shape;
  return (
    series.shape.length === 2 && !series.x && (series.axes?.[1] !== undefined || columns > mostComponents)
  );
}

function lineCurves(series: PlotSeries): readonly Curve[] {
  const [first = 0, columns = 1] = series.shape;
  const abscissae = series.x?.data ?? sampleCoordinates(series.axes?.[0], first);
  if (series.shape.length === 1) return [{ label: series.label, x: abscissae, y: series.data }];
  if (isFamily(series)) {
    const axis = series.axes?.[0];
    const rows = spread(first, mostSnapshots);
    const labels = sampleCoordinates(axis, first);
    const x = sampleCoordinates(series.axes?.[1], columns);
    return rows.map((row, i) => ({
      label: `${series.label}, ${axis?.name ?? 'row'} = ${formatNumber(labels[row] ?? NaN)}`,
      x,
      y: series.data.subarray(row * columns, (row + 1) * columns),
      shade: rows.length === 1 ? 0 : i / (rows.length - 1),
    }));
  }
  const kept = spread(columns, mostComponents);
  return kept.map((column) => ({
    label: `${series.label}[${column}]`,
    x: abscissae,
    y: Float64Array.from({ length: first }, (_, row) => series.data[row * columns + column] ?? NaN),
  }));
}

/** Points of shape [n, 2] (further columns are left out), or a pair. */
function cloudOf(series: PlotSeries, span?: Span): Curve {
  const [count = 0, columns = 1] = series.shape;
  if (series.x && series.shape.length === 1) return { label: series.label, x: series.x.data, y: series.data };
  if (series.shape.length === 1) {
    return { label: series.label, x: sampleCoordinates(series.axes?.[0], count), y: series.data };
  }
  if (columns < 2) {
    return fail(
      'R121',
      `"${series.label}" has points with one component`,
      span,
      'points are an array of shape [n, 2], or a pair (x, y)',
    );
  }
  const component = (k: number): Float64Array =>
    Float64Array.from({ length: count }, (_, i) => series.data[i * columns + k] ?? NaN);
  return { label: series.label, x: component(0), y: component(1) };
}

function histogramPanel(list: readonly PlotSeries[], spec: PlotSpec): HistogramPanel {
  const only = list.length === 1 ? list[0] : undefined;
  const units = distinct(list.map((series) => series.unit ?? ''));
  const commonUnit = units.length === 1 && units[0] ? `(${units[0]})` : 'value';
  return {
    kind: 'histogram',
    title: '',
    xLabel: spec.xLabel ?? (only ? withUnit(only.label, only.unit) : commonUnit),
    groups: list.map(({ label, data }) => ({ label, data })),
  };
}

// ----------------------------------------------------------------------------------------------------------- coordinates

/** Where the samples of an axis lie. */
export function sampleCoordinates(axis: PlotAxis | undefined, count: number): Float64Array {
  if (axis?.values && axis.values.length === count) return axis.values;
  const [low, high] = axis?.extent ?? [0, count];
  if (!axis?.extent) return Float64Array.from({ length: count }, (_, i) => i);
  if (axis.samples === 'nodes') {
    return Float64Array.from({ length: count }, (_, i) =>
      count === 1 ? low : low + ((high - low) * i) / (count - 1),
    );
  }
  return Float64Array.from({ length: count }, (_, i) => low + ((high - low) * (i + 0.5)) / count);
}

/** Borders of the cells around the samples of an axis, one more than there are samples. */
export function cellEdges(axis: PlotAxis | undefined, count: number): Float64Array {
  const edges = new Float64Array(count + 1);
  if (axis?.extent && !axis.values && axis.samples !== 'nodes') {
    const [low, high] = axis.extent;
    return edges.map((_, i) => (i === count ? high : low + ((high - low) * i) / count));
  }
  const samples = sampleCoordinates(axis, count);
  const sample = (i: number): number => samples[i] ?? NaN;
  if (count === 1) return Float64Array.from([sample(0) - 0.5, sample(0) + 0.5]);
  return edges.map((_, i) => {
    if (i === 0) return sample(0) - (sample(1) - sample(0)) / 2;
    if (i === count) return sample(count - 1) + (sample(count - 1) - sample(count - 2)) / 2;
    return (sample(i - 1) + sample(i)) / 2;
  });
}

/** At most `most` indices from 0 to count - 1, evenly spread, both ends included. */
function spread(count: number, most: number): readonly number[] {
  if (count <= most) return Array.from({ length: count }, (_, i) => i);
  return Array.from({ length: most }, (_, i) => Math.round((i * (count - 1)) / (most - 1)));
}

function axisLabel(axis: PlotAxis | undefined, otherwise: string): string {
  return axis ? withUnit(axis.name, axis.unit) : otherwise;
}

function withUnit(label: string, unit: string | undefined): string {
  return unit ? `${label} (${unit})` : label;
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}
