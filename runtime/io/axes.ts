// Where the values of a field lie: what formats that know coordinates write beside the numbers. In: the axes of a domain. Out: places, spacings, names.

export interface SavedAxis {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** The unknowns lie at points, the ends among them; in the middles of cells when absent. */
  readonly nodes?: true;
  readonly periodic?: true;
}

/** The distance of neighbouring unknowns of an axis with so many. */
export function spacingOf(axis: SavedAxis, count: number): number {
  const intervals = axis.nodes === true && axis.periodic !== true ? count - 1 : count;
  return intervals > 0 ? (axis.to - axis.from) / intervals : axis.to - axis.from;
}

/** The coordinate of the first unknown. */
export function firstOf(axis: SavedAxis, count: number): number {
  return axis.nodes === true ? axis.from : axis.from + spacingOf(axis, count) / 2;
}
