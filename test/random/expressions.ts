// Random expressions of Flow: the text, and what it means. In: decisions, the names in sight, the kind and shape wanted. Out: text with a function that computes its value from the oracle of
// reference.ts. Choice 0 is always the simplest, so that shrinking the decisions shrinks the program. Values stay small: what grows goes through functions that are bounded.

import { at, range } from '../../compiler/support/lists.ts';

import type { Decisions } from '../ir/random_program.ts';
import { along, indexed, moved, product, reduction, sumOver } from './array_expressions.ts';
import type { Value } from './reference.ts';
import {
  build,
  element,
  firstLargest,
  full,
  only,
  roundEven,
  rows,
  scalar,
  sizeOf,
  solved,
  stack,
  wrapInt,
  zip,
} from './reference.ts';
import { BINARY, COMPARE, INTS, UNARY, floored } from './templates.ts';
import type { Env, Expr, Kind, Named, Scope } from './terms.ts';
import { EXTENTS, bound, fill, intText, numberText, over, parenthesised, read, same } from './terms.ts';

/** Makes expressions. `fresh` gives names that nobody has. */
export class Expressions {
  private names = 0;

  constructor(readonly d: Decisions) {}

  fresh(prefix: string): string {
    return `${prefix}${this.names++}`;
  }

  shape(rank = this.d.below(4) === 3 ? 2 : this.d.below(3)): number[] {
    const shape = range(rank).map(() => this.d.pick(EXTENTS));
    return sizeOf(shape) > 60 ? shape.map((e) => Math.min(e, 4)) : shape;
  }

  expression(scope: Scope, kind: Kind, shape: readonly number[], depth: number): Expr {
    switch (kind) {
      case 'real':
        return this.real(scope, shape, depth);
      case 'int':
        return this.int(scope, shape, depth);
      case 'bool':
        return this.bool(scope, shape, depth);
    }
  }

  /** A name of the kind and shape, if there is one. */
  private known(scope: Scope, kind: Kind, shape: readonly number[]): Expr | undefined {
    const found = scope.names.filter((n) => n.kind === kind && same(n.shape, shape));
    if (found.length === 0) return undefined;
    // The latest first: what was just made is used.
    const { name } = at(found, found.length - 1 - (this.d.below(found.length) % found.length));
    return { text: name, run: (e) => read(e, name) };
  }

  leaf(scope: Scope, kind: Kind, shape: readonly number[]): Expr {
    const found = this.d.below(5) < 4 ? this.known(scope, kind, shape) : undefined;
    if (found !== undefined) return found;
    if (shape.length > 0) {
      const number =
        this.d.below(3) === 0
          ? undefined
          : scope.names.find(
              (n) =>
                n.kind === kind && n.shape.length === shape.length && sizeOf(n.shape) > 0 && kind !== 'bool',
            );
      if (number !== undefined) return this.cut(scope, number, shape);
      return this.table(scope, kind, shape);
    }
    switch (kind) {
      case 'real': {
        const x = this.d.pick([1, 0.5, -0.75, 2, 0, -1, 0.3, 1.7]);
        return { text: numberText(x), run: () => scalar(x) };
      }
      case 'int': {
        const x = this.d.pick([1, 0, 2, -1, 3, -3, 5]);
        return { text: intText(x), run: () => scalar(x) };
      }
      case 'bool':
        return this.comparison(scope, shape, 0);
    }
  }

  /** Of an array of the same rank, cut or repeated to a shape: each place counts round. */
  private cut(scope: Scope, from: Named, shape: readonly number[]): Expr {
    const names = shape.map(() => this.fresh('i'));
    void scope;
    return {
      text: `[${from.name}[${names.map((n, a) => (this.d.below(2) === 0 || at(from.shape, a) < at(shape, a) ? `${n} wrap` : n)).join(', ')}] for ${names.map((n, a) => `${n} in 0..${at(shape, a)}`).join(', ')}]`,
      run: (e) => {
        const v = read(e, from.name);
        return build(shape, (p) =>
          element(
            v,
            p.map((i, a) => i % at(from.shape, a)),
          ),
        );
      },
    };
  }

  /** Numbers written in place. */
  private table(scope: Scope, kind: Kind, shape: readonly number[]): Expr {
    if (kind === 'bool') return this.comparison(scope, shape, 0);
    const [n = 0, ...rest] = shape;
    if (rest.length > 0 || n > 5) {
      const names = shape.map(() => this.fresh('i'));
      const weights = names.map(() => this.d.pick([1, 2, -1, 3]));
      const total = names.map((name, a) => `${intText(at(weights, a))}*${name}`).join(' + ');
      const generators = names.map((name, a) => `${name} in 0..${at(shape, a)}`).join(', ');
      const value = (p: readonly number[]): number => p.reduce((s, i, a) => s + i * at(weights, a), 0);
      return kind === 'int'
        ? { text: `[${total} for ${generators}]`, run: () => build(shape, value) }
        : {
            text: `[0.4*sin(${total}) for ${generators}]`,
            run: (e) => build(shape, (p) => e.m.real(0.4 * e.m.real(Math.sin(value(p))))),
          };
    }
    const xs = range(n).map(() => this.d.pick([1, 0.5, -0.75, 2, 0, -1, 0.3, 1.7]));
    if (kind === 'int') {
      const ks = xs.map((x) => Math.floor(3 * x));
      if (n === 0) return { text: `[0 for ${this.fresh('i')} in 0..0]`, run: () => ({ shape, data: [] }) };
      return { text: `[${ks.map(intText).join(', ')}]`, run: () => ({ shape, data: ks }) };
    }
    if (n === 0) return { text: 'zeros([0])', run: () => ({ shape, data: [] }) };
    return {
      text: `[${xs.map(numberText).join(', ')}]`,
      run: (e) => ({ shape, data: xs.map((x) => e.m.real(x)) }),
    };
  }

  real(scope: Scope, shape: readonly number[], depth: number): Expr {
    if (depth <= 0) return this.leaf(scope, 'real', shape);
    const rank = shape.length;
    switch (this.d.below(20)) {
      case 0:
      case 1:
        return this.leaf(scope, 'real', shape);
      case 2:
      case 3:
      case 4: {
        const t = this.d.pick(UNARY);
        const x = this.real(scope, shape, depth - 1);
        return {
          text: fill(t.text, parenthesised(x.text)),
          run: (e) => zip([x.run(e)], (a = 0) => t.f(e.m, a)),
        };
      }
      case 5:
      case 6:
      case 7:
      case 8: {
        const t = this.d.pick(BINARY);
        const x = this.real(scope, shape, depth - 1);
        // The exponent, the place after a floor and so on stay bounded.
        const y = this.real(scope, this.lesser(shape), depth - 1);
        const bounded = t.text.endsWith('^$') ? { text: `clip(${y.text}, -8, 8)`, run: y.run } : y;
        return {
          text: fill(t.text, parenthesised(x.text), parenthesised(bounded.text)),
          run: (e) => zip([x.run(e), y.run(e)], (a = 0, b = 0) => t.f(e.m, a, b)),
        };
      }
      case 9: {
        const c = this.bool(scope, this.d.below(2) === 0 ? shape : this.lesser(shape), depth - 1);
        const [x, y] = [this.real(scope, shape, depth - 1), this.real(scope, shape, depth - 1)];
        return {
          text: `where(${c.text}, ${x.text}, ${y.text})`,
          run: (e) => zip([c.run(e), x.run(e), y.run(e)], (k = 0, a = 0, b = 0) => (k !== 0 ? a : b)),
        };
      }
      case 10: {
        const c = this.bool(scope, [], depth - 1);
        const [x, y] = [this.real(scope, shape, depth - 1), this.real(scope, shape, depth - 1)];
        return {
          text: `(if ${c.text} then ${x.text} else ${y.text})`,
          run: (e) => (only(c.run(e)) !== 0 ? x.run(e) : y.run(e)),
        };
      }
      case 11:
        return reduction(this, scope, shape, depth);
      case 12:
        return rank === 0
          ? reduction(this, scope, shape, depth)
          : this.comprehension(scope, 'real', shape, depth);
      case 13:
        return indexed(this, scope, 'real', shape, depth);
      case 14:
        return rank === 0
          ? indexed(this, scope, 'real', shape, depth)
          : moved(this, scope, 'real', shape, depth);
      case 15:
        return product(this, scope, shape, depth);
      case 16:
        return rank === 0 ? sumOver(this, scope, depth) : along(this, scope, shape, depth);
      case 17:
        return this.call(scope, shape, depth) ?? this.real(scope, shape, depth - 1);
      case 18: {
        const x = this.int(scope, shape, depth - 1);
        return {
          text: `sin(0.3*real(${x.text} % 64))`,
          run: (e) =>
            zip([x.run(e)], (k = 0) => e.m.real(Math.sin(e.m.real(0.3 * (k - 64 * floored(k, 64)))))),
        };
      }
      default:
        return this.structured(scope, shape, depth);
    }
  }

  /** A number, the shape, or the shape with an axis of 1. */
  lesser(shape: readonly number[]): readonly number[] {
    const k = this.d.below(5);
    if (k === 3) return [];
    if (k === 4 && shape.length > 0) {
      const axis = this.d.below(shape.length);
      return shape.map((e, a) => (a === axis ? 1 : e));
    }
    return shape;
  }

  private comprehension(scope: Scope, kind: Kind, shape: readonly number[], depth: number): Expr {
    const count = shape.length > 1 && this.d.below(2) === 1 ? 2 : 1;
    const rest = shape.slice(count);
    const extents = shape.slice(0, count);
    if (count === 1 && this.d.below(3) === 2) {
      const each = this.shape(this.d.below(2));
      const name = this.fresh('x');
      const typed = this.typedRows(scope, extents, each, depth);
      const inside = { ...scope, names: [...scope.names, { name, kind: typed.kind, shape: each }] };
      const body = this.expression(inside, kind, rest, depth - 1);
      return {
        text: `[${body.text} for ${name} in ${parenthesised(typed.expr.text)}]`,
        run: (e) =>
          stack(
            rows(typed.expr.run(e)).map((row) => bound(e, name, row, () => body.run(e))),
            rest,
          ),
      };
    }
    const names = extents.map(() => this.fresh('i'));
    const inside = {
      ...scope,
      names: [...scope.names, ...names.map((name): Named => ({ name, kind: 'int', shape: [] }))],
    };
    const body = this.expression(inside, kind, rest, depth - 1);
    return {
      text: `[${body.text} for ${names.map((n, a) => `${n} in 0..${at(extents, a)}`).join(', ')}]`,
      run: (e) => {
        const parts: Value[] = [];
        over(e, names, extents, () => (parts.push(body.run(e)), 0));
        return { shape, data: parts.flatMap((p) => p.data) };
      },
    };
  }

  private typedRows(
    scope: Scope,
    extents: readonly number[],
    each: readonly number[],
    depth: number,
  ): { kind: Kind; expr: Expr } {
    const kind: Kind = this.d.below(4) === 3 ? 'int' : 'real';
    return { kind, expr: this.expression(scope, kind, [...extents, ...each], depth - 1) };
  }

  /** A run-time place along an axis, anywhere. */
  place(scope: Scope, depth: number): Expr {
    const k = this.int(scope, [], Math.min(depth, 2));
    return {
      text: `here + ${parenthesised(k.text)}`,
      run: (e) => zip([read(e, 'here'), k.run(e)], (a = 0, b = 0) => wrapInt(a + b)),
    };
  }

  call(scope: Scope, shape: readonly number[], depth: number): Expr | undefined {
    const found = scope.functions.filter((f) => f.result.kind === 'real' && same(f.result.shape, shape));
    if (found.length === 0) return undefined;
    const f = this.d.pick(found);
    const args = f.params.map((p) => this.expression(scope, p.kind, p.shape, depth - 2));
    return {
      text: `${f.name}(${args.map((a) => a.text).join(', ')})`,
      run: (e) =>
        f.call(
          e.m,
          e,
          args.map((a) => a.run(e)),
        ),
    };
  }

  /** Through records, blocks, functions written in place, complex numbers. */
  private structured(scope: Scope, shape: readonly number[], depth: number): Expr {
    const [x, y] = [
      this.real(scope, shape, depth - 1),
      this.real(scope, this.d.below(2) === 0 ? shape : [], depth - 2),
    ];
    const both = (e: Env, f: (a: number, b: number) => number): Value =>
      zip([x.run(e), zip([full(shape, 1), y.run(e)], (a = 0, b = 0) => a * b)], (a = 0, b = 0) => f(a, b));
    switch (this.d.below(10)) {
      case 0:
        return {
          text: `(2*{ a: ${x.text}, b: ${y.text} }).a`,
          run: (e) => zip([x.run(e)], (a = 0) => e.m.real(2 * a)),
        };
      case 1: {
        const name = this.fresh('v');
        const body = this.real(
          { ...scope, names: [...scope.names, { name, kind: 'real', shape }] },
          shape,
          depth - 2,
        );
        return {
          text: `({ let ${name} = ${x.text}; return ${body.text} })`,
          run: (e) => bound(e, name, x.run(e), () => body.run(e)),
        };
      }
      case 2: {
        const name = this.fresh('v');
        const body = this.real(
          { ...scope, names: [...scope.names, { name, kind: 'real', shape }] },
          shape,
          depth - 2,
        );
        return {
          text: `(${name} => ${body.text})(${x.text})`,
          run: (e) => bound(e, name, x.run(e), () => body.run(e)),
        };
      }
      case 3:
        return {
          text: `re(complex(${x.text}, ${y.text})^2)`,
          run: (e) => both(e, (a, b) => e.m.real(e.m.real(a * a) - e.m.real(b * b))),
        };
      case 4:
        return {
          text: `im(exp(1i*complex(${y.text}, tanh(${x.text}))))`,
          run: (e) => both(e, (a, b) => e.m.real(e.m.real(Math.exp(-Math.tanh(a))) * e.m.real(Math.sin(b)))),
        };
      case 5:
        return {
          text: `abs2(complex(${x.text}, 1.0)*(2 - 1i)/(3 + 1i))`,
          run: (e) => zip([x.run(e)], (a = 0) => e.m.real(e.m.real(a * a + 1) * 0.5)),
        };
      case 7:
        return { text: `(recompute { let v = ${x.text}; return v })`, run: x.run };
      case 8:
        return { text: `(with precision f64 { return ${x.text} })`, run: x.run };
      case 9: {
        if (shape.length !== 1) return x;
        const [n = 0] = shape;
        const A = this.real(scope, [n, n], depth - 2);
        return {
          text: `linsolve(${n + 3}*identity(${n}) + tanh(${A.text}), ${x.text})`,
          run: (e) => {
            const M = zip([A.run(e)], (a = 0) => e.m.real(Math.tanh(a)));
            return solved(
              e.m,
              build([n, n], ([i = 0, j = 0]) => e.m.real(element(M, [i, j]) + (i === j ? n + 3 : 0))),
              x.run(e),
            );
          },
        };
      }
      default:
        return {
          text: `(if ${this.d.below(2) === 0} then ${x.text} else ${y.text})`
            .replace('if true then', 'if 1 < 2 then')
            .replace('if false then', 'if not 1 > 2 then'),
          run: x.run,
        };
    }
  }

  int(scope: Scope, shape: readonly number[], depth: number): Expr {
    if (depth <= 0) return this.leaf(scope, 'int', shape);
    const rank = shape.length;
    switch (this.d.below(9)) {
      case 0:
        return this.leaf(scope, 'int', shape);
      case 1:
      case 2:
      case 3: {
        const t = this.d.pick(INTS);
        const x = this.int(scope, shape, depth - 1);
        const y = this.int(scope, this.lesser(shape), depth - 1);
        return {
          text: fill(t.text, parenthesised(x.text), parenthesised(y.text)),
          run: (e) => zip([x.run(e), y.run(e)], (a = 0, b = 0) => t.f(e.m, a, b)),
        };
      }
      case 4: {
        const x = this.real(scope, shape, depth - 1);
        const [name, f] = this.d.pick<readonly [string, (x: number) => number]>([
          ['floor', Math.floor],
          ['round', roundEven],
          ['ceil', Math.ceil],
          ['int', Math.trunc],
        ]);
        return {
          text: `${name}(3*tanh(${x.text}))`,
          run: (e) => zip([x.run(e)], (a = 0) => e.m.decide(f(e.m.real(3 * e.m.real(Math.tanh(a))))) + 0),
        };
      }
      case 5: {
        const c = this.bool(scope, shape, depth - 1);
        const [x, y] = [this.int(scope, shape, depth - 1), this.int(scope, this.lesser(shape), depth - 1)];
        return {
          text: `where(${c.text}, ${x.text}, ${y.text})`,
          run: (e) => zip([c.run(e), x.run(e), y.run(e)], (k = 0, a = 0, b = 0) => (k !== 0 ? a : b)),
        };
      }
      case 6:
        return rank > 0 ? this.comprehension(scope, 'int', shape, depth) : this.intOf(scope, depth);
      case 7:
        return indexed(this, scope, 'int', shape, depth);
      default:
        return rank > 0 ? moved(this, scope, 'int', shape, depth) : this.intOf(scope, depth);
    }
  }

  private intOf(scope: Scope, depth: number): Expr {
    const inner = this.shape(1);
    switch (this.d.below(3)) {
      case 0: {
        const x = this.int(scope, inner, depth - 1);
        return {
          text: `sum(${x.text})`,
          run: (e) => scalar(x.run(e).data.reduce((s, y) => wrapInt(s + y), 0)),
        };
      }
      case 1: {
        const x = this.real(scope, inner, depth - 1);
        return {
          text: `argmin(${x.text})`,
          run: (e) =>
            scalar(
              firstLargest(
                e.m,
                x.run(e).data.map((y) => -y),
              ),
            ),
        };
      }
      default: {
        const x = this.int(scope, inner, depth - 1);
        return { text: `max(${x.text})`, run: (e) => scalar(Math.max(...x.run(e).data)) };
      }
    }
  }

  private comparison(scope: Scope, shape: readonly number[], depth: number): Expr {
    const t = this.d.pick(COMPARE);
    const kind: Kind = this.d.below(3) === 2 && !t.text.includes('1.5') ? 'int' : 'real';
    const x = this.expression(scope, kind, shape, depth);
    const y = this.expression(scope, kind, this.d.below(2) === 0 ? [] : shape, depth);
    return {
      text: fill(t.text, parenthesised(x.text), parenthesised(y.text)),
      run: (e) => zip([x.run(e), y.run(e)], (a = 0, b = 0) => t.f(e.m, a, b)),
    };
  }

  bool(scope: Scope, shape: readonly number[], depth: number): Expr {
    if (depth <= 0) return this.leaf(scope, 'bool', shape);
    switch (this.d.below(6)) {
      case 0:
      case 1:
        return this.comparison(scope, shape, depth - 1);
      case 2: {
        const [x, y] = [this.bool(scope, shape, depth - 1), this.bool(scope, shape, depth - 1)];
        return {
          text: `(${x.text} and ${y.text})`,
          run: (e) => zip([x.run(e), y.run(e)], (a = 0, b = 0) => (a !== 0 && b !== 0 ? 1 : 0)),
        };
      }
      case 3: {
        const [x, y] = [this.bool(scope, shape, depth - 1), this.bool(scope, shape, depth - 1)];
        return {
          text: `(${x.text} or not ${y.text})`,
          run: (e) => zip([x.run(e), y.run(e)], (a = 0, b = 0) => (a !== 0 || b === 0 ? 1 : 0)),
        };
      }
      case 4: {
        if (shape.length > 0) return this.comparison(scope, shape, depth - 1);
        const x = this.bool(scope, this.shape(1), depth - 1);
        const some = this.d.below(2) === 0;
        return {
          text: `${some ? 'any' : 'all'}(${x.text})`,
          run: (e) => {
            const v = x.run(e).data;
            return scalar((some ? v.some((y) => y !== 0) : v.every((y) => y !== 0)) ? 1 : 0);
          },
        };
      }
      default:
        return this.leaf(scope, 'bool', shape);
    }
  }
}
