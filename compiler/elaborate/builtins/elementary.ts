// Elementwise functions by name.

import type { Context } from '../context.ts';
import { operators } from '../values/operators.ts';
import type { BuiltinValue } from '../values/values.ts';
import { define } from './registry.ts';

const ONE = [
  'exp',
  'expm1',
  'log',
  'log1p',
  'sin',
  'cos',
  'tan',
  'asin',
  'acos',
  'atan',
  'sinh',
  'cosh',
  'tanh',
  'sqrt',
  'abs',
  'sign',
  'floor',
  'ceil',
  'round',
  'int',
  'real',
  'stop_gradient',
] as const;

export function elementary(ctx: Context): BuiltinValue[] {
  return [
    ...ONE.map((name) =>
      define(ctx, name, ['x'], (a) => ctx.elementwise(operators[name], [a.need('x')], a.span)),
    ),
    ...(['bit_and', 'bit_or', 'bit_xor', 'shift_left', 'shift_right'] as const).map((name) =>
      define(ctx, name, ['a', 'b'], (a) =>
        ctx.elementwise(operators[name], [a.need('a'), a.need('b')], a.span),
      ),
    ),
    define(ctx, 'atan2', ['y', 'x'], (a) =>
      ctx.elementwise(operators.atan2, [a.need('y'), a.need('x')], a.span),
    ),
    define(ctx, 'where', ['mask', 'a', 'b'], (a) =>
      ctx.elementwise(operators.where, [a.need('mask'), a.need('a'), a.need('b')], a.span),
    ),
  ];
}
