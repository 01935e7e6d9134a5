// Linear functions by name: `adjoint(L)`, the operation `linear_solve` that the library's linear solves are made of, and `implicit_solution` behind `implicit`.

import { adjointMatrix } from '../values/complex_lifting.ts';
import type { Context } from '../context.ts';
import { adjointOf, implicitValue, linearSolve } from '../expressions/linear.ts';
import { failAtOwn } from '../names/own_place.ts';
import type { BuiltinValue, Value } from '../values/values.ts';
import { describe } from '../values/values.ts';
import type { Given } from './registry.ts';
import { define } from './registry.ts';

export function linear(ctx: Context): BuiltinValue[] {
  const isFunction = (v: Value): boolean =>
    v.kind === 'function' || v.kind === 'builtin' || (v.kind === 'record' && v.call !== undefined);
  const isArray = (v: Value): boolean => v.kind === 'array' || v.kind === 'complex' || v.kind === 'list';
  const functionOf = (a: Given, name: string): Value => {
    const v = a.need(name);
    if (isFunction(v)) return v;
    return failAtOwn(
      ctx,
      'E274',
      name === 'F'
        ? `an implicit equation is a function, z => F(z), but this is ${describe(v)}`
        : `\`${name}\` of ${a.name} is a function, but this is ${describe(v)}`,
      a.spanOf(name),
    );
  };
  return [
    define(ctx, 'adjoint', ['L', 'like?'], (a) =>
      isArray(a.need('L'))
        ? adjointMatrix(ctx, a.need('L'), a.spanOf('L'))
        : adjointOf(ctx, functionOf(a, 'L'), a.get('like'), a.spanOf('L')),
    ),
    define(ctx, 'linear_solve', ['A', 'b', 'solve', 'adjoint_solve?', 'symmetric?', 'prepare?'], (a) => {
      const symmetric = a.get('symmetric');
      return linearSolve(
        ctx,
        {
          operator: functionOf(a, 'A'),
          right: a.need('b'),
          prepare: a.get('prepare') && functionOf(a, 'prepare'),
          solve: functionOf(a, 'solve'),
          adjointSolve: functionOf(a, a.get('adjoint_solve') === undefined ? 'solve' : 'adjoint_solve'),
          symmetric: symmetric?.kind === 'bool' && symmetric.value,
        },
        a.span,
      );
    }),
    define(ctx, 'implicit_solution', ['F', 'z', 'solve'], (a) =>
      implicitValue(ctx, functionOf(a, 'F'), a.need('z'), functionOf(a, 'solve'), a.span),
    ),
  ];
}
