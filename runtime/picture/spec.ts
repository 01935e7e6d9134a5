// What a picture shows, as plain data: the argument of `render_plot`. Nothing here knows of pixels.
// Arrays are row-major float64; NaN and infinities are allowed anywhere and are left out or greyed.
// Convention: the first axis of an array is drawn horizontally, the second vertically and upwards, as a[i, j] lies at (x_i, y_j).

/** `auto`: a pair or a rank-1 array is a line, a rank-2 array a heat map, rank 3 heat maps of some of its first indices. */
export type PlotKind = 'auto' | 'line' | 'heat' | 'scatter' | 'histogram' | 'quiver';

/** One axis of an array: what its index means. */
export interface PlotAxis {
  readonly name: string;
  readonly unit?: string;
  /** The interval the axis covers; indices when absent. */
  readonly extent?: readonly [number, number];
  /** Whether samples lie in the middle of equal cells (default) or on nodes that include both ends of the extent. */
  readonly samples?: 'cells' | 'nodes';
  /** Places of the samples where they are not equally spaced (saved times); wins over `extent`. */
  readonly values?: Float64Array;
}

export interface PlotSeries {
  /** Shown in the legend, or as the title of a panel. */
  readonly label: string;
  readonly unit?: string;
  readonly shape: readonly number[];
  readonly data: Float64Array;
  /** Abscissae of a pair `(x, y)`: as many as the first axis of the data is long. */
  readonly x?: { readonly label: string; readonly unit?: string; readonly data: Float64Array };
  /** The numbers that span colours and ordinates, where these are not those of the data alone: of all frames of a moving picture. */
  readonly spanned?: Float64Array;
  /** The first axis are the components of a vector field: drawn as arrows. */
  readonly vector?: true;
  /** One entry an axis of the data, where known. */
  readonly axes?: readonly PlotAxis[];
}

export interface PlotSpec {
  readonly kind: PlotKind;
  readonly series: readonly PlotSeries[];
  readonly title?: string;
  /** Replaces the label made from the series. */
  readonly xLabel?: string;
  readonly yLabel?: string;
  /** Logarithmic axes of lines and scatter plots; values that are not positive are left out. */
  readonly log?: 'x' | 'y' | 'xy';
  /** Pixels for one typographic unit (1/72 inch at scale 1); default 2. */
  readonly scale?: number;
}
