// `solver: cg(tol: 1e-8)` of a solve: what the linear systems in the steps of an implicit method are solved with. Methods find it as `sys.solver()`, a record of std.linalg; a method that never asks for it solves no such systems,
// and the argument is refused.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import type { Given } from '../builtins/registry.ts';
import { define } from '../builtins/registry.ts';
import type { Value } from '../values/values.ts';
import { describe } from '../values/values.ts';

export interface ChosenSolver {
  /** For `sys`: nothing without `solver:`. */
  readonly entries: readonly (readonly [string, Value])[];
  /** To be called when the steps are made: whether they have asked for it. */
  readonly check: () => void;
}

export function chosenSolver(ctx: Context, a: Given): ChosenSolver {
  const named = a.get('solver');
  if (named === undefined) return { entries: [], check: () => undefined };
  const span = a.spanOf('solver');
  const solver = named.kind === 'function' ? ctx.call(named, [], span) : named;
  if (solver.kind !== 'record' || !solver.entries.has('direct') || !solver.entries.has('solve'))
    return failAt(
      ctx,
      'E505',
      `\`solver:\` is what linear systems are solved with, but this is ${describe(solver)}`,
      span,
      'use std.linalg { cg } and write solver: cg(tol: 1e-8); it has gmres, bicgstab, minres, pcg and lu too',
    );
  let asked = false;
  const give = define(ctx, 'solver', [], () => {
    asked = true;
    return solver;
  });
  return {
    entries: [['solver', give]],
    check: () => {
      if (!asked)
        failAt(
          ctx,
          'E505',
          'the steps of this method solve no linear systems, so there is nothing for `solver:` to do',
          span,
          'leave it out, or take an implicit method: use std.ode { crank_nicolson, sdirk, rosenbrock, bdf }',
        );
    },
  };
}
