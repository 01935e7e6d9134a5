// The flat list of operands and operators of an expression -> a tree, by precedence (language.md §5), loosest first:
//   or · and · not · comparisons (chain) · `..` · + - · * / // % @ · unary - + · ^ (right)
// Recursion only into the operands of prefixes and of `^`, so that long sums do not nest.

import { spanning, type Span } from '../support/span.ts';
import type { BinaryOperator, CompareOperator, Expression, Identifier, LabelledExpression } from './ast.ts';
import type { SyntaxCode } from './codes.ts';

/** `to` of a range is absent when its end is open: `a[50..]`. */
export type FlatPart =
  | { readonly kind: 'operand'; readonly value: Expression }
  | { readonly kind: 'prefix'; readonly image: string; readonly span: Span }
  | { readonly kind: 'label'; readonly label: Identifier }
  | { readonly kind: 'infix'; readonly image: string; readonly span: Span }
  | { readonly kind: 'range'; readonly span: Span; readonly open: boolean };

export interface Fold {
  readonly value: Expression;
  /** The value is a range whose end is open; its `to` only repeats its `from`. */
  readonly open: boolean;
  /** The labelled terms in it. */
  readonly labelled: readonly LabelledExpression[];
}

type Report = (code: SyntaxCode, message: string, span: Span, help: string) => void;

const levels: readonly (readonly string[])[] = [
  ['or'],
  ['and'],
  [],
  ['==', '!=', '<', '<=', '>', '>='],
  ['..'],
  ['+', '-'],
  ['*', '/', '//', '%', '@'],
];
const comparison = 3;
const range = 4;
const product = 6;
const unary = 7;

const levelOf: ReadonlyMap<string, number> = new Map(
  levels.flatMap((ops, level) => ops.map((op) => [op, level] as const)),
);
const binaryOps: ReadonlyMap<string, BinaryOperator> = new Map(
  (['+', '-', '*', '/', '//', '%', '@', '^'] as const).map((op) => [op, op]),
);
const compareOps: ReadonlyMap<string, CompareOperator> = new Map(
  (['==', '!=', '<', '<=', '>', '>='] as const).map((op) => [op, op]),
);

/** Folds the parts; undefined only for an empty list or one that does not end in an operand. */
export function foldOperators(parts: readonly FlatPart[], report: Report): Fold | undefined {
  const folder = new Folder(parts, report);
  const value = folder.fold(0);
  return value && { value, open: folder.open, labelled: folder.labelled };
}

class Folder {
  open = false;
  readonly labelled: LabelledExpression[] = [];
  private next = 0;

  constructor(
    private readonly parts: readonly FlatPart[],
    private readonly report: Report,
  ) {}

  private infix(): { image: string; span: Span; open: boolean } | undefined {
    const part = this.parts[this.next];
    if (part?.kind === 'infix') return { image: part.image, span: part.span, open: false };
    if (part?.kind === 'range') return { image: '..', span: part.span, open: part.open };
    return undefined;
  }

  /** An expression of operators at `level` and tighter. */
  fold(level: number): Expression | undefined {
    const part = this.parts[this.next];
    let left: Expression | undefined;
    if (part?.kind === 'prefix') {
      this.next += 1;
      if (part.image === 'not') {
        const operand = this.fold(comparison - 1);
        left = operand && { kind: 'not', operand, span: spanning(part.span, operand.span) };
        if (level >= comparison)
          this.report('S064', '`not` as an operand stands in brackets', part.span, 'write `(not a)`');
      } else {
        const operand = this.fold(unary);
        const op = part.image === '+' ? '+' : '-';
        left = operand && { kind: 'unary', op, operand, span: spanning(part.span, operand.span) };
      }
    } else if (part?.kind === 'label') {
      this.next += 1;
      return this.labelledTerm(part.label, level);
    } else if (part?.kind === 'operand') {
      this.next += 1;
      left = part.value;
    }
    if (!left) return undefined;
    return this.operators(this.power(left), level);
  }

  /** `left` and the operators behind it, as far as they bind at `level` or tighter. */
  private operators(first: Expression, level: number): Expression | undefined {
    let left: Expression | undefined = first;
    for (;;) {
      const operator = this.infix();
      const own = operator && levelOf.get(operator.image);
      if (!operator || own === undefined || own < level) return left;
      left = own === comparison ? this.chain(left) : this.combine(left, operator, own);
      if (!left) return undefined;
    }
  }

  /** `source: 2*q`: the label names the product behind it. */
  private labelledTerm(label: Identifier, level: number): Expression | undefined {
    const term = this.fold(product);
    if (!term) return undefined;
    const labelled: LabelledExpression = {
      kind: 'labelled',
      label,
      term,
      span: spanning(label.span, term.span),
    };
    this.labelled.push(labelled);
    return this.operators(labelled, level);
  }

  /** `^` binds tighter than a prefix before it and takes a prefix behind it: -x^2 is -(x^2), x^-2. */
  private power(base: Expression): Expression {
    const operator = this.infix();
    if (operator?.image !== '^') return base;
    this.next += 1;
    const exponent = this.fold(unary);
    if (!exponent) return base;
    return this.binary('^', base, exponent);
  }

  private chain(first: Expression): Expression | undefined {
    const operands = [first];
    const ops: CompareOperator[] = [];
    for (;;) {
      const op = compareOps.get(this.infix()?.image ?? '');
      if (!op) break;
      this.next += 1;
      const operand = this.fold(comparison + 1);
      if (!operand) return undefined;
      ops.push(op);
      operands.push(operand);
    }
    const end = operands[operands.length - 1] ?? first;
    return { kind: 'compare', operands, ops, span: spanning(first.span, end.span) };
  }

  private combine(
    left: Expression,
    operator: { image: string; span: Span; open: boolean },
    level: number,
  ): Expression | undefined {
    this.next += 1;
    if (level === range) return this.range(left, operator);
    const right = this.fold(level + 1);
    if (!right) return undefined;
    if (operator.image === 'and' || operator.image === 'or') {
      return { kind: 'logical', op: operator.image, left, right, span: spanning(left.span, right.span) };
    }
    return this.binary(binaryOps.get(operator.image) ?? '+', left, right);
  }

  private range(from: Expression, operator: { span: Span; open: boolean }): Expression | undefined {
    if (from.kind === 'range') {
      this.report(
        'S066',
        'a range has two ends',
        operator.span,
        'write `a[0..n by 2]` for a step, `linspace(a, b, n)` for points',
      );
    }
    if (operator.open) {
      this.open = true;
      return { kind: 'range', from, to: from, span: spanning(from.span, operator.span) };
    }
    const to = this.fold(range + 1);
    return to && { kind: 'range', from, to, span: spanning(from.span, to.span) };
  }

  private binary(op: BinaryOperator, left: Expression, right: Expression): Expression {
    return { kind: 'binary', op, left, right, span: spanning(left.span, right.span) };
  }
}
