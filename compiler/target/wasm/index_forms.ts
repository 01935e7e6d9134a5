// Integer expressions as affine forms over registers (affine.ts), which addresses and bounds are made of. In: expressions of a kernel's body. Out: forms; what is no sum of others becomes a register of its own,
// with the interval that its values lie in.

import { binary, int } from '../../kernel/build.ts';
import type { Expr } from '../../kernel/types.ts';
import { at } from '../../support/lists.ts';
import {
  addScaled,
  constantAffine,
  everything,
  isExact,
  scaled,
  variableAffine,
  type Affine,
  type Interval,
} from './affine.ts';
import type { Body } from './body.ts';
import type { Num } from './ops.ts';

export class IndexForms {
  constructor(private readonly body: Body) {}

  /** A value that is no sum of others. */
  opaque(num: Num, interval: Interval): Affine {
    const [reg] = num.regs;
    if (!num.vector && num.regs.length === 1 && reg?.literal !== undefined)
      return constantAffine(reg.literal);
    const key = `%${num.regs.map((r) => r.id).join('.')}`;
    if (!this.body.atoms.has(key)) this.body.atoms.set(key, { kind: 'num', num, range: interval });
    return variableAffine(key);
  }

  /** An i32 expression. */
  affine(e: Expr): Affine {
    switch (e.kind) {
      case 'const':
        return constantAffine(e.value);
      case 'uniform': {
        const reg = at(this.body.options.uniforms, e.index);
        return this.opaque(
          this.body.ops.scalar('i32', reg),
          this.body.options.uniformRanges[e.index] ?? everything,
        );
      }
      case 'var': {
        const binding = this.body.env.get(e.name);
        if (binding?.kind === 'affine') return binding.affine;
        return this.opaque(this.body.num(e), everything);
      }
      case 'unary':
        if (e.op === 'neg') return scaled(this.affine(e.a), -1);
        break;
      case 'binary':
        return this.affineBinary(e);
      case 'select': {
        const condition = this.body.num(e.condition);
        const [a, b] = [this.affine(e.then), this.affine(e.else)];
        const [x, y] = [this.body.memory.intervalOf(a), this.body.memory.intervalOf(b)];
        const num = this.body.ops.select(condition, this.body.materialise(a), this.body.materialise(b));
        return this.opaque(num, { lo: Math.min(x.lo, y.lo), hi: Math.max(x.hi, y.hi) });
      }
      default:
    }
    return this.opaque(
      this.body.direct(e),
      e.kind === 'cast' && e.a.type === 'bool' ? { lo: 0, hi: 1 } : everything,
    );
  }

  private affineBinary(e: Extract<Expr, { kind: 'binary' }>): Affine {
    const a = this.affine(e.a);
    const b = this.affine(e.b);
    const [known, factor] = [b.terms.length === 0, b.constant];
    const linear = linearForm(e, a, b);
    if (linear !== undefined && isExact(linear)) return linear;
    if (known && a.terms.length === 0) {
      // Indices of unrolled loops; the constructor folds.
      const folded = binary(e.op, int(a.constant | 0), int(factor | 0));
      if (folded.kind === 'const') return constantAffine(folded.value);
    }
    if ((e.op === 'idiv' || e.op === 'rem') && known && factor > 0) return this.divided(e.op, a, factor);
    const num = this.body.binary(e, this.body.materialise(a), this.body.materialise(b));
    const [x, y] = [this.body.memory.intervalOf(a), this.body.memory.intervalOf(b)];
    switch (e.op) {
      case 'max':
      case 'min':
        return this.opaque(num, { lo: Math[e.op](x.lo, y.lo), hi: Math[e.op](x.hi, y.hi) });
      case 'and':
        return this.opaque(num, known && factor >= 0 ? { lo: 0, hi: factor } : everything);
      default:
        return this.opaque(num, everything);
    }
  }

  /** Floored quotient or remainder by a positive constant. */
  private divided(op: 'idiv' | 'rem', a: Affine, divisor: number): Affine {
    const whole = this.body.memory.intervalOf(a);
    const result =
      op === 'rem'
        ? { lo: 0, hi: divisor - 1 }
        : { lo: Math.floor(whole.lo / divisor), hi: Math.floor(whole.hi / divisor) };
    const base = this.commonBase(a, divisor);
    if (base === undefined)
      return this.opaque(this.dividedNum(op, this.body.materialise(a), divisor, whole.lo >= 0), result);
    // All lanes lie between the same multiples of the divisor: one division serves them.
    const quotient = this.dividedNum(op, this.body.materialise(base.affine), divisor, whole.lo >= 0);
    if (op === 'idiv') return this.opaque(quotient, result);
    const reg = at(quotient.regs, 0);
    const key = `rest ${reg.id}`;
    this.body.atoms.set(key, { kind: 'lane', reg, range: result, align: base.span });
    return variableAffine(key);
  }

  private dividedNum(op: 'idiv' | 'rem', a: Num, divisor: number, positive: boolean): Num {
    const { ops, f } = this.body;
    const shift = Math.log2(divisor);
    if (Number.isInteger(shift))
      return op === 'rem' ? ops.and(a, ops.constant('i32', divisor - 1)) : ops.shiftBy('shr_s', a, shift);
    const by = ops.constant('i32', divisor);
    if (!positive) return this.body.division(op, a, by);
    return ops.lanes('i32', [a, by], (x, y) => {
      const name = op === 'rem' ? 'i32.rem_u' : 'i32.div_u';
      return ops.scalar('i32', f.pure(name, 'i32', [at(x.regs, 0), at(y.regs, 0)]));
    });
  }

  /**
   * When the lanes and columns of `a` are consecutive, begin at a multiple of their number, and the divisor is such a multiple too, they have one quotient: `a` at the first of them.
   */
  private commonBase(
    a: Affine,
    divisor: number,
  ): { readonly affine: Affine; readonly span: number } | undefined {
    const span = this.body.ops.setup.width * this.body.groups.length;
    if (span === 1 || divisor % span !== 0 || a.constant % span !== 0) return undefined;
    if (this.body.groups.some((g, i) => g.row !== 0 || g.column !== i * this.body.ops.setup.width))
      return undefined;
    let lanes = 0;
    const terms: (readonly [string, number])[] = [];
    for (const [name, c] of a.terms) {
      const atom = this.body.atoms.get(name);
      if (atom === undefined || atom.kind === 'row') return undefined;
      if (atom.kind === 'lane') {
        if (c !== 1 || atom.align % span !== 0) return undefined;
        lanes++;
        const still = `still ${name}`;
        this.body.atoms.set(still, { kind: 'scalar', reg: atom.reg, range: atom.range });
        terms.push([still, 1]);
        continue;
      }
      if (atom.kind === 'num' && (atom.num.vector || atom.num.regs.length > 1)) return undefined;
      if (c % span !== 0) return undefined;
      terms.push([name, c]);
    }
    return lanes === 1 ? { affine: { terms, constant: a.constant }, span } : undefined;
  }
}

/** Sums, differences and products with a constant. */
function linearForm(e: Extract<Expr, { kind: 'binary' }>, a: Affine, b: Affine): Affine | undefined {
  if (e.op === 'add') return addScaled(a, b, 1);
  if (e.op === 'sub') return addScaled(a, b, -1);
  const known = b.terms.length === 0 ? b.constant : undefined;
  if (e.op === 'mul' && known !== undefined) return scaled(a, known);
  if (e.op === 'mul' && a.terms.length === 0) return scaled(b, a.constant);
  if (e.op === 'shl' && known !== undefined && known >= 0 && known < 31) return scaled(a, 2 ** known);
  return undefined;
}
