// Elementary functions of numbers in registers: a scalar becomes a call of the module's scalar function.

import type { BinaryOp, UnaryOp } from '../../ir/types.ts';
import type { Expr } from '../../kernel/types.ts';
import { at } from '../../support/lists.ts';
import type { ModuleContext } from './module.ts';
import type { Num, Ops } from './ops.ts';
import { scalarTypeOf } from './ops.ts';

export type ElementaryUnary = Exclude<
  UnaryOp,
  'neg' | 'abs' | 'sign' | 'sqrt' | 'floor' | 'ceil' | 'round' | 'not'
>;
export type ElementaryBinary = Extract<BinaryOp, 'pow' | 'atan2'>;

export function elementaryUnary(context: ModuleContext, ops: Ops, op: ElementaryUnary, a: Num): Num {
  return ops.lanes(a.type, [a], (x) => call(context, ops, op, [x]));
}

export function elementaryBinary(
  context: ModuleContext,
  ops: Ops,
  op: ElementaryBinary,
  a: Num,
  b: Num,
  exponent: Expr,
): Num {
  if (op === 'pow' && exponent.kind === 'const') {
    const power = smallPower(ops, a, exponent.value);
    if (power !== undefined) return power;
  }
  return ops.lanes(a.type, [a, b], (x, y) => call(context, ops, op, [x, y]));
}

/** Powers that products give within 2 ulp. */
function smallPower(ops: Ops, a: Num, exponent: number): Num | undefined {
  switch (exponent) {
    case 0:
      return ops.constant(a.type, 1);
    case 1:
      return a;
    case 2:
      return ops.mul(a, a);
    case 3:
      return ops.mul(ops.mul(a, a), a);
    case -1:
      return ops.div(ops.constant(a.type, 1), a);
    default:
      return undefined;
  }
}

function call(
  context: ModuleContext,
  ops: Ops,
  op: ElementaryUnary | ElementaryBinary,
  args: readonly Num[],
): Num {
  const { type } = at(args, 0);
  const name = context.helper(`${op}_${type}`);
  const reg = ops.f.pure(
    `call ${name}`,
    scalarTypeOf(type),
    args.map((a) => at(a.regs, 0)),
  );
  return ops.scalar(type, reg);
}
