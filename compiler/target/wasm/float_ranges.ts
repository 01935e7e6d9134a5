// Intervals of float expressions, as far as their form shows them: uniform random numbers, clamped values, results of bounded functions. In: expressions. Out: intervals that hold for every value
// that is a number, with room for rounding. Elementary functions whose argument is known to stay in the range of the fast path need no other.

import type { Expr } from '../../kernel/types.ts';
import { everything, type Interval } from './affine.ts';

/** Relative room for rounding, in either direction. */
const slack = 1e-6;

export class FloatRanges {
  private readonly names = new Map<string, Interval>();

  /** Names are bound once in their scope; a name of an earlier scope is overwritten. */
  bind(name: string, value: Expr): void {
    this.names.set(name, this.of(value));
  }

  of(e: Expr): Interval {
    switch (e.kind) {
      case 'const':
        return { lo: e.value, hi: e.value };
      case 'var':
        return this.names.get(e.name) ?? everything;
      case 'cast':
        return e.type === 'bool' || e.a.type === 'bool' ? { lo: 0, hi: 1 } : this.of(e.a);
      case 'select': {
        const [a, b] = [this.of(e.then), this.of(e.else)];
        return { lo: Math.min(a.lo, b.lo), hi: Math.max(a.hi, b.hi) };
      }
      case 'unary':
        return this.unary(e.op, this.of(e.a), e.type);
      case 'binary':
        return this.binary(e);
      case 'random':
        return { lo: 0, hi: 2 ** 32 };
      default:
        return everything;
    }
  }

  private unary(op: string, a: Interval, type: string): Interval {
    if (type !== 'f32' && type !== 'f64') return everything;
    switch (op) {
      case 'neg':
        return { lo: -a.hi, hi: -a.lo };
      case 'abs': {
        const hi = Math.max(Math.abs(a.lo), Math.abs(a.hi));
        return { lo: a.lo > 0 ? a.lo : a.hi < 0 ? -a.hi : 0, hi };
      }
      case 'sin':
      case 'cos':
      case 'tanh':
        return { lo: -1 - slack, hi: 1 + slack };
      case 'exp':
      case 'cosh':
        return { lo: 0, hi: Infinity };
      case 'sqrt':
        return widened({ lo: Math.sqrt(Math.max(0, a.lo)), hi: Math.sqrt(Math.max(0, a.hi)) });
      default:
        return everything;
    }
  }

  private binary(e: Extract<Expr, { kind: 'binary' }>): Interval {
    const [a, b] = [this.of(e.a), this.of(e.b)];
    if (e.type === 'u32') {
      if (e.op === 'shr' && e.b.kind === 'const') return { lo: 0, hi: 2 ** (32 - e.b.value) };
      if (e.op === 'and' && e.b.kind === 'const') return { lo: 0, hi: e.b.value };
      if (e.op === 'or') return { lo: Math.max(a.lo, b.lo), hi: 2 ** 32 };
      return { lo: 0, hi: 2 ** 32 };
    }
    if (e.type !== 'f32' && e.type !== 'f64') return everything;
    switch (e.op) {
      case 'add':
        return widened({ lo: a.lo + b.lo, hi: a.hi + b.hi });
      case 'sub':
        return widened({ lo: a.lo - b.hi, hi: a.hi - b.lo });
      case 'mul': {
        const products = [a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi];
        if (products.some(Number.isNaN)) return everything;
        return widened({ lo: Math.min(...products), hi: Math.max(...products) });
      }
      case 'max':
        return { lo: Math.max(a.lo, b.lo), hi: Math.max(a.hi, b.hi) };
      case 'min':
        return { lo: Math.min(a.lo, b.lo), hi: Math.min(a.hi, b.hi) };
      default:
        return everything;
    }
  }
}

function widened({ lo, hi }: Interval): Interval {
  if (Number.isNaN(lo) || Number.isNaN(hi)) return everything;
  return { lo: lo - Math.abs(lo) * slack, hi: hi + Math.abs(hi) * slack };
}
