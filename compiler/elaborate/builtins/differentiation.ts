// Derivatives by name: each takes a function and gives a function (`gradient(f)(x)`), or works on a value `over` a parameter.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import {
  forwardDerivative,
  gradientOver,
  reverseDerivative,
  valueAndGradient,
} from '../expressions/derivatives.ts';
import { hessian, jacobian } from '../expressions/jacobians.ts';
import type { BuiltinValue, CallArgument, Value } from '../values/values.ts';
import { describe, record } from '../values/values.ts';
import { define } from './registry.ts';
import type { Span } from '../../support/span.ts';

export function differentiation(ctx: Context): BuiltinValue[] {
  /** A derivative of f as a function of what f takes: it is by the first argument, the others are handed on. */
  const derivativeOf = (
    f: Value,
    name: string,
    apply: (f: Value, x: Value, span: Span) => Value,
  ): BuiltinValue => ({
    kind: 'builtin',
    name,
    params: ['x'],
    apply: (args, span) => {
      const first = args.find((a) => a.name === undefined) ?? args[0];
      if (first === undefined)
        return failAt(ctx, 'E175', `${name} is taken at a point, and none is given`, span);
      const rest = args.filter((a) => a !== first);
      if (rest.length === 0) return apply(f, first.value, span);
      const closed: BuiltinValue = {
        kind: 'builtin',
        name,
        params: ['x'],
        apply: ([x], where) =>
          ctx.call(f, x === undefined ? rest : [{ ...x, ...named(first) }, ...rest], where),
      };
      return apply(closed, first.value, span);
    },
  });
  const named = (a: CallArgument): { readonly name?: string } =>
    a.name === undefined ? {} : { name: a.name };
  const isFunction = (v: Value): boolean =>
    v.kind === 'function' ||
    v.kind === 'builtin' ||
    (v.kind === 'field' && v.grid === undefined) ||
    (v.kind === 'record' && (v.call !== undefined || v.entries.has('call')));
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
    derivativeOf(f, 'the gradient', (of, x, span) => valueAndGradient(ctx, of, x, span).gradient);
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
      return derivativeOf(f, 'the value and gradient', (of, x, span) => {
        const r = valueAndGradient(ctx, of, x, span);
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
      return derivativeOf(f, 'the Jacobian', (of, x, span) => jacobian(ctx, of, x, span));
    }),
    define(ctx, 'hessian', ['f'], (a) => {
      const f = functionOf(a.need('f'), a.spanOf('f'), 'hessian');
      return derivativeOf(f, 'the Hessian', (of, x, span) => hessian(ctx, gradient(of), x, span));
    }),
  ];
}
