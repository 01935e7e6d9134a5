// Labels of terms: `dt(T) = diffusion: div(k*grad(T)) + source: q - loss(T)`. A label names the one term behind it, equal labels add, terms without one are the part `rest`. Methods that split and IMEX
// methods ask for the rates of one part; here the right side of an equation is reduced to it.

import type * as ast from '../syntax/ast.ts';

/** The part of the terms without a label. */
export const REST = 'rest';

/** The parts of a right side in the order they stand there. */
export function partsOf(e: ast.Expression): readonly string[] {
  return [...new Set(terms(e).map((t) => (t.kind === 'labelled' ? t.label.name : REST)))];
}

/** The right side with the terms of one part only; undefined when it has none. */
export function termsOfPart(e: ast.Expression, part: string): ast.Expression | undefined {
  if (isSum(e)) {
    const [left, right] = [termsOfPart(e.left, part), termsOfPart(e.right, part)];
    if (right === undefined) return left;
    if (left !== undefined) return { ...e, left, right };
    return e.op === '+' ? right : { kind: 'unary', op: '-', operand: right, span: e.span };
  }
  const own = e.kind === 'labelled' ? e.label.name : REST;
  return own === part ? e : undefined;
}

function terms(e: ast.Expression): readonly ast.Expression[] {
  return isSum(e) ? [...terms(e.left), ...terms(e.right)] : [e];
}

/** Sums of terms. */
function isSum(e: ast.Expression): e is ast.BinaryExpression & { readonly op: '+' | '-' } {
  return e.kind === 'binary' && (e.op === '+' || e.op === '-');
}
