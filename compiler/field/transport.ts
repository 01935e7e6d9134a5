// Transport by one-sided values (upwind schemes). In the rate of a state u, a derivative along an axis whose scheme has `biased` values is
//
//   D[(F(u-) + F(u+))/2]  with the dissipation  |dr/dD| D[a (u+ - u-)/2],  a = max(|F'(u-)|, |F'(u+)|),
//
// where u- and u+ are the values at a face seen from below and from above, F(u) what is differentiated without its own derivatives (fluxes like nu*dx(u) in it are central), D the difference of faces, and r the rate:
// local Lax and Friedrichs, Rusanov 1961. For F = u this is c*dx(u) with the difference taken against the wind, whatever gives c; for -dx(f(u)) the fluxes stay conservative. The dissipation depends on how the derivative enters the
// rate, which is known when the rate is: meanwhile a parameter stands for the derivative (upwind.ts).

import { jvp } from '../autodiff/jvp.ts';
import { abs, add, max, mul, onesLike, sub } from '../ir/build.ts';
import { reachable, substitute } from '../ir/region.ts';
import type { Node } from '../ir/types.ts';
import { at, range } from '../support/lists.ts';
import type { Evaluation } from './evaluation.ts';
import { leavesOf, partsOf } from './expression.ts';
import { locationKey, replaceRange, shapeOf, spacing, unknowns } from './grid.ts';
import { neighbours } from './neighbours.ts';
import { weighted } from './schemes.ts';
import { cyclic, section, timesNumber } from './stencil.ts';
import type { Diff, Location, StencilScheme } from './types.ts';

/** The derivative as a parameter, noted down with what it is; undefined where it transports nothing, or is wanted elsewhere than at the unknowns. */
export function transported(
  scheme: StencilScheme,
  ev: Evaluation,
  e: Diff,
  location: Location,
  axis: number,
): Node | undefined {
  const { transport } = ev;
  const { graph: g, grid, dtype } = ev.context;
  if (transport === undefined || scheme.biased === undefined || !isUnknowns(ev, location)) return undefined;
  const { own, terms } = transport;
  if (!leavesOf(e.arg).includes(own)) return undefined;
  const along = at(grid.axes, axis);
  const m = scheme.slope.length / 2;
  // Faces 1 - m … count - 1 + m; a periodic axis has them all in 0 … count - 1.
  const [lo, hi] = along.periodic ? [0, along.count] : [1 - m, along.count + m];
  const faces = replaceRange(location, axis, { kind: 'face', lo, hi });
  const face = g.param(`${own.name} at faces`, { dtype, shape: shapeOf(faces) });
  const flux = (value: Node, still: boolean): Node => {
    const inner = {
      ...ev,
      memo: new Map(),
      transport: undefined,
      given: { leaf: own, node: value, place: locationKey(faces) },
      still,
    };
    return inner.demand(inner, e.arg, faces);
  };
  const alone = flux(face, true);
  if (!reachable([alone]).includes(face)) return undefined;
  const [slope] = jvp(g, [alone], [face], [onesLike(g, face)]);
  if (slope === undefined) return undefined;
  const { reach, apply } = scheme.biased;
  const centres = replaceRange(location, axis, { kind: 'centre', lo, hi });
  const around = (middle: number): readonly Node[] =>
    neighbours(
      ev,
      own,
      centres,
      axis,
      range(2 * reach + 1).map((i) => middle + i - reach),
    );
  const below = apply(around(-1));
  const above = apply(around(0).toReversed());
  const with_ = (x: Node, value: Node): Node => at(substitute(g, [x], new Map([[face, value]])), 0);
  const half = (x: Node): Node => mul(g, x, 0.5);
  const speed = max(g, abs(g, with_(slope, below)), abs(g, with_(slope, above)));
  let mean = half(add(g, with_(alone, below), with_(alone, above)));
  if (partsOf(e.arg).some((part) => part.kind === 'diff')) {
    const middle = half(add(g, below, above));
    mean = add(g, mean, sub(g, flux(middle, false), with_(alone, middle)));
  }
  const h = spacing(along);
  const difference = (x: Node): Node => {
    const moved = scheme.slope.map((_, i) =>
      along.periodic
        ? cyclic(g, x, axis, i + 1 - m, i + 1 - m + along.count)
        : section(g, x, axis, i, i + along.count),
    );
    return timesNumber(g, weighted(g, moved, scheme.slope), 1 / h);
  };
  const stand = g.param(`d ${own.name}`, { dtype, shape: shapeOf(location) });
  terms.push({
    stand,
    mean: difference(mean),
    jump: difference(half(mul(g, speed, sub(g, above, below)))),
  });
  return stand;
}

function isUnknowns(ev: Evaluation, location: Location): boolean {
  return unknowns(ev.context.grid).every((r, i) => {
    const own = at(location, i);
    return own.kind === r.kind && own.lo === r.lo && own.hi === r.hi;
  });
}
