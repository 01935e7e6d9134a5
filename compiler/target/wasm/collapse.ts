// Short rows made long: two innermost axes become one where the body never tells them apart. In: a map kernel. Out: the same work over a space of lower rank, when every index uses the two axes as
// `extent * outer + inner`. Rows of three components would waste a vector each; as one row they fill it.

import * as k from '../../kernel/build.ts';
import type { Expr, MapKernel, Statement } from '../../kernel/types.ts';
import { at } from '../../support/lists.ts';
import { addScaled, coefficient, constantAffine, scaled, variableAffine, type Affine } from './affine.ts';

/** Rows at least so long are left alone. */
const longRow = 64;

export function collapseRows(kernel: MapKernel): MapKernel {
  let result = kernel;
  while (result.space.length >= 2 && at(result.space, -1) < longRow) {
    const next = collapseLast(result);
    if (next === undefined) return result;
    result = next;
  }
  return result;
}

function collapseLast(kernel: MapKernel): MapKernel | undefined {
  const [outer, inner] = [at(kernel.axes, -2), at(kernel.axes, -1)];
  const extent = at(kernel.space, -1);
  const rewriter = new Rewriter(outer, inner, extent);
  const body = rewriter.statements(kernel.body);
  if (!rewriter.possible) return undefined;
  return {
    ...kernel,
    space: [...kernel.space.slice(0, -2), at(kernel.space, -2) * extent],
    axes: [...kernel.axes.slice(0, -2), inner],
    body,
  };
}

/** Replaces `extent * outer + inner` by the new axis, which keeps the name of the inner one. */
class Rewriter {
  possible = true;

  constructor(
    private readonly outer: string,
    private readonly inner: string,
    private readonly extent: number,
  ) {}

  statements(list: readonly Statement[]): readonly Statement[] {
    return list.map((s) => this.statement(s));
  }

  private statement(s: Statement): Statement {
    switch (s.kind) {
      case 'let':
      case 'var':
      case 'assign':
        return { ...s, value: this.expr(s.value) };
      case 'random_block':
        return { ...s, key: this.exprs(s.key), counter: this.exprs(s.counter) };
      case 'array':
        return s;
      case 'assign_local':
      case 'store':
        return { ...s, index: this.expr(s.index), value: this.expr(s.value) };
      case 'for':
        return { ...s, from: this.expr(s.from), to: this.expr(s.to), body: this.statements(s.body) };
      case 'while':
        return {
          ...s,
          before: this.statements(s.before),
          condition: this.expr(s.condition),
          body: this.statements(s.body),
        };
      case 'if':
        return {
          ...s,
          condition: this.expr(s.condition),
          then: this.statements(s.then),
          else: this.statements(s.else),
        };
      case 'reduce':
        return { ...s, body: this.statements(s.body), value: this.expr(s.value) };
    }
  }

  private exprs(list: readonly Expr[]): readonly Expr[] {
    return list.map((e) => this.expr(e));
  }

  private expr(e: Expr): Expr {
    if (e.type === 'i32') {
      const affine = this.affine(e);
      if (affine !== undefined) return this.replaced(e, affine);
    }
    switch (e.kind) {
      case 'load':
      case 'local':
        return { ...e, index: this.expr(e.index) };
      case 'unary':
      case 'cast':
      case 'bitcast':
        return { ...e, a: this.expr(e.a) };
      case 'binary':
      case 'compare':
        return { ...e, a: this.expr(e.a), b: this.expr(e.b) };
      case 'select':
        return {
          ...e,
          condition: this.expr(e.condition),
          then: this.expr(e.then),
          else: this.expr(e.else),
        };
      case 'random':
        return { ...e, key: this.exprs(e.key), counter: this.exprs(e.counter) };
      default:
        return e;
    }
  }

  /** A sum of variables and uniforms; undefined for anything else. */
  private affine(e: Expr): Affine | undefined {
    switch (e.kind) {
      case 'const':
        return constantAffine(e.value);
      case 'var':
        return variableAffine(e.name);
      case 'uniform':
        return variableAffine(`@${e.index}`);
      case 'binary': {
        const [a, b] = [this.affine(e.a), this.affine(e.b)];
        if (a === undefined || b === undefined) return undefined;
        if (e.op === 'add' || e.op === 'sub') return addScaled(a, b, e.op === 'add' ? 1 : -1);
        if (e.op !== 'mul') return undefined;
        if (b.terms.length === 0) return scaled(a, b.constant);
        return a.terms.length === 0 ? scaled(b, a.constant) : undefined;
      }
      default:
        return undefined;
    }
  }

  private replaced(e: Expr, affine: Affine): Expr {
    const step = coefficient(affine, this.inner);
    if (coefficient(affine, this.outer) !== step * this.extent) {
      this.possible = false;
      return e;
    }
    if (step === 0) return e;
    let sum: Expr = k.mul(k.variable('i32', this.inner), k.int(step));
    for (const [name, c] of affine.terms) {
      if (name === this.inner || name === this.outer) continue;
      const part = name.startsWith('@') ? k.uniform(Number(name.slice(1))) : k.variable('i32', name);
      sum = k.add(sum, k.mul(part, k.int(c)));
    }
    return k.add(sum, k.int(affine.constant));
  }
}
