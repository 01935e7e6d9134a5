// The value of a field expression at one point, exactly: functions of coordinates are evaluated there, and a derivative is that of the function, by forward differentiation in the coordinate. No grid takes
// part. At a wall `dn` and `normal` have a meaning. Grid fields have values at their unknowns only and are refused.

import { jvp } from '../autodiff/jvp.ts';
import * as b from '../ir/build.ts';
import type { Graph } from '../ir/graph.ts';
import { substitute } from '../ir/region.ts';
import type { FloatType, Node } from '../ir/types.ts';
import { fail } from '../support/diagnostic.ts';
import type { FieldExpr } from './types.ts';

/** Coordinates and the time by name: scalars. */
export type Point = Readonly<Record<string, Node>>;

export interface ExactPlace {
  readonly graph: Graph;
  readonly dtype: FloatType;
  readonly point: Point;
  /** The axis that the wall is an end of, and which way the normal points along it. */
  readonly wall?: { readonly axis: string; readonly sign: 1 | -1 } | undefined;
}

export function valueAt(place: ExactPlace, e: FieldExpr): Node {
  return new Evaluation(place).value(e);
}

class Evaluation {
  private readonly known = new Map<FieldExpr, Node>();

  constructor(private readonly place: ExactPlace) {}

  value(e: FieldExpr): Node {
    const before = this.known.get(e);
    if (before !== undefined) return before;
    const made = this.place.graph.withOrigin(e.span, () => this.compute(e));
    this.known.set(e, made);
    return made;
  }

  private compute(e: FieldExpr): Node {
    const { graph: g, dtype, point } = this.place;
    switch (e.kind) {
      case 'scalar':
        return e.node;
      case 'coordinate':
        return point[e.axis] ?? unknown(e.axis, e);
      case 'analytic':
        return e.apply(g, point);
      case 'map':
        return e.apply(
          g,
          e.args.map((x) => this.value(x)),
        );
      case 'diff':
        return this.derivative(e.arg, e.axis);
      case 'at':
      case 'harmonic':
        return this.value(e.arg);
      case 'dn': {
        const { axis, sign } = this.wall('dn', e);
        const d = this.derivative(e.arg, axis);
        return sign < 0 ? b.neg(g, d) : d;
      }
      case 'normal': {
        const { axis, sign } = this.wall('normal', e);
        return g.constant(e.axis === axis ? sign : 0, dtype);
      }
      case 'leaf':
        return fail(
          'E316',
          `${e.name === 'field' ? 'a field' : `\`${e.name}\``} has values on the cells of ${e.grid.name} only, and is wanted as a function of coordinates`,
          e.span ?? g.place(),
          'write it as a function of coordinates, field f(x) = …, or as a network',
        );
    }
  }

  private derivative(e: FieldExpr, axis: string): Node {
    const { graph: g, point } = this.place;
    const at = point[axis];
    if (at === undefined) return g.constant(0, this.place.dtype);
    const moved = g.param(axis, { dtype: at.dtype, shape: [] });
    const value = valueAt({ ...this.place, point: { ...point, [axis]: moved } }, e);
    const [d] = jvp(g, [value], [moved], [g.constant(1, at.dtype)]);
    if (d === undefined) return g.constant(0, value.dtype);
    return substitute(g, [d], new Map([[moved, at]]))[0] ?? d;
  }

  private wall(what: string, e: FieldExpr): NonNullable<ExactPlace['wall']> {
    return (
      this.place.wall ??
      fail('E311', `\`${what}\` has a meaning at a wall only`, e.span, 'it stands in boundary conditions')
    );
  }
}

function unknown(axis: string, e: FieldExpr): never {
  return fail('E317', `the coordinate \`${axis}\` is not known here`, e.span);
}
