// Labels of terms: `dt(T) = diffusion: div(k*grad(T)) + source: q - loss(T)`. A label names the one term behind it, equal labels add, terms without one are the part `rest`. Methods that split and IMEX
// methods ask for the rates of one part; here the right side of an equation is reduced to it.

import type * as ast from '../../syntax/ast.ts';

/** The part of the terms without a label. */
export const REST = 'rest';

/** The parts of a right side in the order they stand there. */
export function partsOf(e: ast.Expression): readonly string[] {
  return [...new Set(terms(e).map(labelOf))];
}

/** Which terms of the right sides are meant. */
export type Terms = (term: ast.Expression) => boolean;

export function withLabel(part: string): Terms {
  return (term) => labelOf(term) === part;
}

export function labelOf(term: ast.Expression): string {
  return term.kind === 'labelled' ? term.label.name : REST;
}

/** The right side with some of its terms only; undefined when it has none of them. */
export function termsOf(e: ast.Expression, chosen: Terms): ast.Expression | undefined {
  if (isSum(e)) {
    const [left, right] = [termsOf(e.left, chosen), termsOf(e.right, chosen)];
    if (right === undefined) return left;
    if (left !== undefined) return { ...e, left, right };
    return e.op === '+' ? right : { kind: 'unary', op: '-', operand: right, span: e.span };
  }
  return chosen(e) ? e : undefined;
}

/** The terms of a right side. */
export function terms(e: ast.Expression): readonly ast.Expression[] {
  return isSum(e) ? [...terms(e.left), ...terms(e.right)] : [e];
}

/** Sums of terms. */
function isSum(e: ast.Expression): e is ast.BinaryExpression & { readonly op: '+' | '-' } {
  return e.kind === 'binary' && (e.op === '+' || e.op === '-');
}
