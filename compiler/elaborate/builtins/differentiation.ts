// Derivatives by name: each takes a function and gives a function (`gradient(f)(x)`), or works on a value `over` a parameter.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { hasComplex } from '../complex_parts.ts';
import {
  forwardDerivative,
  gradientOver,
  jacobian,
  reverseDerivative,
  valueAndGradient,
} from '../derivatives.ts';
import type { BuiltinValue, Value } from '../values.ts';
import { describe, record } from '../values.ts';
import { define } from './registry.ts';
import type { Span } from '../../support/span.ts';

export function differentiation(ctx: Context): BuiltinValue[] {
  const lambda = (name: string, apply: (x: Value, span: Span) => Value): BuiltinValue =>
    define(ctx, name, ['x'], (a) => apply(a.need('x'), a.span));
  const isFunction = (v: Value): boolean =>
    v.kind === 'function' || v.kind === 'builtin' || (v.kind === 'field' && v.grid === undefined);
  const functionOf = (v: Value, span: Span, name: string): Value => {
    if (isFunction(v)) return v;
    return failAt(
      ctx,
      'E274',
      `${name} takes a function, but this is ${describe(v)}`,
      span,
      name === 'gradient' ? 'of a loss or a value say in what: gradient(misfit, over: k)' : undefined,
    );
  };
  const gradient = (f: Value): BuiltinValue =>
    lambda('the gradient', (x, span) => valueAndGradient(ctx, f, x, span).gradient);
  return [
    define(ctx, 'gradient', ['f', 'over?'], (a) => {
      const f = a.need('f');
      const over = a.get('over');
      if (over !== undefined)
        return gradientOver(
          ctx,
          isFunction(f)
            ? failAt(ctx, 'E274', 'with `over` the first argument is a loss or a value', a.span)
            : f,
          over,
          a.span,
        );
      return gradient(functionOf(f, a.spanOf('f'), 'gradient'));
    }),
    define(ctx, 'value_and_gradient', ['f'], (a) => {
      const f = functionOf(a.need('f'), a.spanOf('f'), 'value_and_gradient');
      return lambda('the value and gradient', (x, span) => {
        const r = valueAndGradient(ctx, f, x, span);
        return record([
          ['value', r.value],
          ['gradient', r.gradient],
        ]);
      });
    }),
    define(ctx, 'jvp', ['f', 'x', 'v'], (a) =>
      forwardDerivative(
        ctx,
        functionOf(a.need('f'), a.spanOf('f'), 'jvp'),
        a.need('x'),
        a.need('v'),
        a.span,
        a.spanOf('v'),
      ),
    ),
    define(ctx, 'vjp', ['f', 'x'], (a) => {
      const r = reverseDerivative(ctx, functionOf(a.need('f'), a.spanOf('f'), 'vjp'), a.need('x'), a.span);
      return record([
        ['value', r.value],
        ['pull', define(ctx, 'pull', ['ct'], (p) => r.pull(p.need('ct'), p.span))],
      ]);
    }),
    define(ctx, 'hvp', ['f', 'x', 'v'], (a) =>
      forwardDerivative(
        ctx,
        gradient(functionOf(a.need('f'), a.spanOf('f'), 'hvp')),
        a.need('x'),
        a.need('v'),
        a.span,
        a.spanOf('v'),
      ),
    ),
    define(ctx, 'jacobian', ['f'], (a) => {
      const f = functionOf(a.need('f'), a.spanOf('f'), 'jacobian');
      return lambda('the Jacobian', (x, span) => jacobian(ctx, f, x, span));
    }),
    define(ctx, 'hessian', ['f'], (a) => {
      const f = functionOf(a.need('f'), a.spanOf('f'), 'hessian');
      return lambda('the Hessian', (x, span) => {
        if (hasComplex(x))
          failAt(
            ctx,
            'E273',
            `the second derivatives of a function of complex numbers are no complex matrix, but the point is ${describe(x)}`,
            span,
            'multiply with them, hvp(f, z, v); or take them by real pairs, hessian(p => f(unflatten(p, like: z)))(flatten(z))',
          );
        return jacobian(ctx, gradient(f), x, span);
      });
    }),
  ];
}
