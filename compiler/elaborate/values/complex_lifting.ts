// Functions of reals that are linear in some of their arguments, as functions of complex values: applied to the real parts, then to the imaginary parts. Which functions those are stands here.

import { bilinear, paired, partOf } from './complex.ts';
import { hasComplex } from './complex_parts.ts';
import type { Context } from '../context.ts';
import { joined } from './leaves.ts';
import { operators } from './operators.ts';
import type { BuiltinValue, CallArguments, Value } from './values.ts';
import type { Span } from '../../support/span.ts';

/** The arguments in which a function is linear, all together. */
const LINEAR: Readonly<Record<string, readonly string[]>> = {
  linspace: ['from', 'to'],
  concat: ['parts'],
  reshape: ['x'],
  transpose: ['x'],
  reverse: ['x'],
  roll: ['x'],
  cumsum: ['x'],
  diagonal: ['x'],
  grad: ['u'],
  div: ['v'],
  lap: ['u'],
  curl: ['v'],
  diff: ['u'],
  dn: ['u'],
  integral: ['e'],
  trace: ['e'],
  probe: ['u'],
  source: ['q'],
  values: ['u'],
  grid: ['values'],
  resample: ['u'],
};

/** Products: linear in either of their arguments. */
const BILINEAR: ReadonlySet<string> = new Set(['outer', 'advect']);

export function overParts(ctx: Context, f: BuiltinValue, linear = LINEAR[f.name]): BuiltinValue {
  if (BILINEAR.has(f.name))
    return {
      ...f,
      apply: (args, span) => {
        const [x, y] = args;
        if (x === undefined || y === undefined || args.length !== 2 || !args.some((a) => hasComplex(a.value)))
          return f.apply(args, span);
        return bilinear(ctx, x.value, y.value, span, (p, q) =>
          f.apply(
            [
              { ...x, value: p },
              { ...y, value: q },
            ],
            span,
          ),
        );
      },
    };
  if (linear === undefined) return f;
  const isLinear = (args: CallArguments, i: number): boolean => {
    const name = args[i]?.name;
    if (name !== undefined) return linear.includes(name);
    return f.name === 'concat' || linear.includes(f.params[i] ?? '');
  };
  return {
    ...f,
    apply: (args, span) => {
      if (!args.some((a, i) => isLinear(args, i) && hasComplex(a.value))) return f.apply(args, span);
      const [re, im] = (['re', 'im'] as const).map((which) =>
        f.apply(
          args.map((a, i) => (isLinear(args, i) ? { ...a, value: partOf(ctx, which, a.value, a.span) } : a)),
          span,
        ),
      );
      return re === undefined || im === undefined ? f.apply(args, span) : paired(ctx, re, im, span);
    },
  };
}

/** What is real stays as it is. */
export function conjugate(ctx: Context, given: Value, span: Span): Value {
  const v = given.kind === 'list' ? joined(ctx, given, span) : given;
  switch (v.kind) {
    case 'complex': {
      const im = ctx.elementwise(operators.neg, [v.im], span);
      return paired(ctx, v.re, im, span);
    }
    case 'tuple':
    case 'list':
      return { ...v, elements: v.elements.map((e) => conjugate(ctx, e, span)) };
    case 'record':
      return { ...v, entries: new Map([...v.entries].map(([k, e]) => [k, conjugate(ctx, e, span)])) };
    default:
      return v;
  }
}

/** The conjugate transpose of a matrix: the transpose, for a real one. */
export function adjointMatrix(ctx: Context, m: Value, span: Span): Value {
  const transpose = ctx.prelude('transpose');
  return transpose === undefined ? m : conjugate(ctx, ctx.call(transpose, [{ value: m, span }], span), span);
}
