// Random expressions that reduce, index, move, multiply and order arrays: see expressions.ts.

import { at, range } from '../../compiler/support/lists.ts';
import type { Expressions } from './expressions.ts';
import type { Value } from './reference.ts';
import {
  alongAxis,
  build,
  element,
  firstLargest,
  matmul,
  only,
  order,
  reduceAxis,
  scalar,
  sizeOf,
  stack,
  sum,
  wrapInt,
} from './reference.ts';
import type { Env, Expr, Named, Scope } from './terms.ts';
import { EXTENTS, intText, numberText, over, parenthesised } from './terms.ts';

export function reduction(maker: Expressions, scope: Scope, shape: readonly number[], depth: number): Expr {
  const rank = shape.length;
  const axis = rank === 0 ? 0 : maker.d.below(rank + 1);
  const inner =
    rank === 0
      ? maker.shape(1 + maker.d.below(2))
      : [...shape.slice(0, axis), maker.d.pick(EXTENTS), ...shape.slice(axis)];
  const x = maker.real(scope, inner, depth - 1);
  const whole = rank === 0 && !(inner.length === 1 && maker.d.below(2) === 1);
  const reduced = (e: Env, f: (line: readonly number[]) => number): Value => {
    const v = x.run(e);
    return whole ? scalar(f(v.data)) : reduceAxis(v, axis, f);
  };
  const named = (name: string): string =>
    whole ? `${name}(${x.text})` : `${name}(${x.text}, axis: ${axis})`;
  switch (maker.d.below(whole ? 9 : 6)) {
    case 0:
      return { text: named('sum'), run: (e) => reduced(e, (line) => sum(e.m, line)) };
    case 1:
      return {
        text: named('mean'),
        run: (e) => reduced(e, (line) => e.m.real(sum(e.m, line) / line.length)),
      };
    case 2:
      return { text: named('max'), run: (e) => reduced(e, (line) => at(line, firstLargest(e.m, line))) };
    case 3:
      return {
        text: named('min'),
        run: (e) =>
          reduced(e, (line) =>
            at(
              line,
              firstLargest(
                e.m,
                line.map((y) => -y),
              ),
            ),
          ),
      };
    case 4:
      return {
        text: `tanh(${named('prod')})`,
        run: (e) => reduced(e, (line) => e.m.real(Math.tanh(line.reduce((p, y) => e.m.real(p * y), 1)))),
      };
    case 5: {
      const k = maker.d.below(3);
      if (whole && inner.length > 1) return maker.leaf(scope, 'real', shape);
      return {
        text: `sin(${named('argmax')} + ${numberText(k)})`,
        run: (e) => reduced(e, (line) => e.m.real(Math.sin(firstLargest(e.m, line) + k))),
      };
    }
    case 6:
      return {
        text: `norm(${x.text})`,
        run: (e) =>
          reduced(
            e,
            (line) => (
              e.m.decide(line.some((y) => y !== 0) ? 1 : 0),
              e.m.real(
                Math.sqrt(
                  sum(
                    e.m,
                    line.map((y) => e.m.real(y * y)),
                  ),
                ),
              )
            ),
          ),
      };
    case 7: {
      const y = maker.real(scope, inner, depth - 1);
      return {
        text: `dot(${x.text}, ${y.text})`,
        run: (e) => {
          const w = y.run(e);
          return reduced(e, (line) =>
            sum(
              e.m,
              line.map((a, i) => e.m.real(a * at(w.data, i))),
            ),
          );
        },
      };
    }
    default:
      return {
        text: `logsumexp(${x.text})`,
        run: (e) =>
          reduced(e, (line) => {
            const most = Math.max(...line);
            return e.m.real(
              most +
                e.m.real(
                  Math.log(
                    sum(
                      e.m,
                      line.map((y) => Math.exp(y - most)),
                    ),
                  ),
                ),
            );
          }),
      };
  }
}

/** `sum(e for i in 0..n, j in 0..m)`. */
export function sumOver(maker: Expressions, scope: Scope, depth: number): Expr {
  const extents = range(1 + maker.d.below(2)).map(() => maker.d.pick(EXTENTS));
  const names = extents.map(() => maker.fresh('i'));
  const inside = {
    ...scope,
    names: [...scope.names, ...names.map((name): Named => ({ name, kind: 'int', shape: [] }))],
  };
  const body = maker.real(inside, [], depth - 1);
  const kind = maker.d.pick(['sum', 'mean', 'max', 'min'] as const);
  return {
    text: `${kind}(${body.text} for ${names.map((n, a) => `${n} in 0..${at(extents, a)}`).join(', ')})`,
    run: (e) => {
      const xs = over(e, names, extents, () => only(body.run(e))).data;
      switch (kind) {
        case 'sum':
          return scalar(sum(e.m, xs));
        case 'mean':
          return scalar(e.m.real(sum(e.m, xs) / xs.length));
        case 'max':
          return scalar(at(xs, firstLargest(e.m, xs)));
        case 'min':
          return scalar(
            at(
              xs,
              firstLargest(
                e.m,
                xs.map((x) => -x),
              ),
            ),
          );
      }
    },
  };
}

/** An element, row, slice or choice of rows of an array with one axis more, or as many. */
export function indexed(
  maker: Expressions,
  scope: Scope,
  kind: 'real' | 'int',
  shape: readonly number[],
  depth: number,
): Expr {
  const rank = shape.length;
  const way = maker.d.below(rank === 0 ? 3 : 6);
  if (way < 3) {
    // One axis more: a position along it.
    const axis = way === 0 ? 0 : maker.d.below(rank + 1);
    const extent = maker.d.pick(EXTENTS);
    const whole = [...shape.slice(0, axis), extent, ...shape.slice(axis)];
    const x = maker.expression(scope, kind, whole, depth - 1);
    const before = range(axis)
      .map(() => '..')
      .map((s) => `${s}, `)
      .join('');
    const took = (e: Env, place: (extent: number) => number | undefined, otherwise = 0): Value => {
      const v = x.run(e);
      const p = place(extent);
      return build(shape, (q) =>
        p === undefined ? otherwise : element(v, [...q.slice(0, axis), p, ...q.slice(axis)]),
      );
    };
    switch (maker.d.below(5)) {
      case 0: {
        const p = maker.d.below(extent);
        return { text: `${parenthesised(x.text)}[${before}${p}]`, run: (e) => took(e, () => p) };
      }
      case 1: {
        const p = maker.place(scope, depth - 1);
        return {
          text: `${parenthesised(x.text)}[${before}${p.text}]`,
          run: (e) => took(e, (n) => Math.min(Math.max(only(p.run(e)), 0), n - 1)),
        };
      }
      case 2: {
        const p = maker.place(scope, depth - 1);
        return {
          text: `${parenthesised(x.text)}[${before}${p.text} wrap]`,
          run: (e) => took(e, (n) => wrapped(only(p.run(e)), n)),
        };
      }
      case 3: {
        const p = maker.place(scope, depth - 1);
        return {
          text: `${parenthesised(x.text)}[${before}${p.text} clamp]`,
          run: (e) => took(e, (n) => Math.min(Math.max(only(p.run(e)), 0), n - 1)),
        };
      }
      default: {
        const p = maker.place(scope, depth - 1);
        const value = kind === 'int' ? 3 : 0.5;
        return {
          text: `${parenthesised(x.text)}[${before}${p.text} else ${kind === 'int' ? '3' : '0.5'}]`,
          run: (e) =>
            took(
              e,
              (n) => {
                const i = only(p.run(e));
                return i >= 0 && i < n ? i : undefined;
              },
              value,
            ),
        };
      }
    }
  }
  const axis = maker.d.below(rank);
  const count = at(shape, axis);
  const before = range(axis)
    .map(() => '.., ')
    .join('');
  const from = (extent: number): Expr =>
    maker.expression(
      scope,
      kind,
      shape.map((n, a) => (a === axis ? extent : n)),
      depth - 1,
    );
  const mapped = (e: Env, x: Expr, place: (i: number) => number): Value => {
    const v = x.run(e);
    return build(shape, (q) =>
      element(
        v,
        q.map((i, a) => (a === axis ? place(i) : i)),
      ),
    );
  };
  switch (way) {
    case 3: {
      const by = 1 + maker.d.below(3);
      const start = maker.d.below(3);
      const behind = maker.d.below(2);
      const end = start + (count === 0 ? 0 : (count - 1) * by + 1);
      const x = from(end + behind);
      return {
        text: `${parenthesised(x.text)}[${before}${start}..${end}${by === 1 ? '' : ` by ${by}`}]`,
        run: (e) => mapped(e, x, (i) => start + i * by),
      };
    }
    case 4: {
      const extent = maker.d.pick(EXTENTS);
      const x = from(extent);
      const k = maker.fresh('k');
      const p = maker.place(scope, depth - 1);
      const mode = maker.d.pick(['', ' wrap', ' clamp']);
      // A window at a run-time place.
      return {
        text: `({ let ${k} = ${p.text}; return ${parenthesised(x.text)}[${before}${k} .. ${k} + ${count}${mode}] })`,
        run: (e) => {
          const start = only(p.run(e));
          return mapped(e, x, (i) =>
            mode === ' wrap'
              ? wrapInt(start + i) - extent * Math.floor(wrapInt(start + i) / extent)
              : Math.min(Math.max(wrapInt(start + i), 0), extent - 1),
          );
        },
      };
    }
    default: {
      const extent = maker.d.pick(EXTENTS);
      const x = from(extent);
      const p = maker.int(scope, [count], depth - 1);
      const mode = maker.d.pick([' wrap', '']);
      return {
        text: `${parenthesised(x.text)}[${before}(${p.text} + [0*here for ${maker.fresh('i')} in 0..${count}])${mode}]`,
        run: (e) => {
          const ps = p.run(e);
          return mapped(e, x, (i) =>
            mode === ' wrap'
              ? at(ps.data, i) - extent * Math.floor(at(ps.data, i) / extent)
              : Math.min(Math.max(at(ps.data, i), 0), extent - 1),
          );
        },
      };
    }
  }
}

export function moved(
  maker: Expressions,
  scope: Scope,
  kind: 'real' | 'int',
  shape: readonly number[],
  depth: number,
): Expr {
  const rank = shape.length;
  const axis = maker.d.below(rank);
  const n = at(shape, axis);
  const named = `, axis: ${axis}`;
  switch (maker.d.below(6)) {
    case 0: {
      const x = maker.expression(scope, kind, shape, depth - 1);
      return {
        text: `reverse(${x.text}${named})`,
        run: (e) => alongAxis(x.run(e), axis, (line) => [...line].reverse()),
      };
    }
    case 1: {
      const x = maker.expression(scope, kind, shape, depth - 1);
      const shift = maker.d.below(7) - 3;
      return {
        text: `roll(${x.text}, ${intText(shift)}${named})`,
        run: (e) =>
          alongAxis(x.run(e), axis, (line) => line.map((_, i) => at(line, (((i + shift) % n) + n) % n))),
      };
    }
    case 2: {
      if (n < 2) return maker.expression(scope, kind, shape, depth - 1);
      const cut = 1 + maker.d.below(n - 1);
      const part = (extent: number): Expr =>
        maker.expression(
          scope,
          kind,
          shape.map((m, a) => (a === axis ? extent : m)),
          depth - 1,
        );
      const [x, y] = [part(cut), part(n - cut)];
      return {
        text: `concat(${x.text}, ${y.text}${named})`,
        run: (e) => {
          const [v, w] = [x.run(e), y.run(e)];
          return build(shape, (p) =>
            at(p, axis) < cut
              ? element(v, p)
              : element(
                  w,
                  p.map((i, a) => (a === axis ? i - cut : i)),
                ),
          );
        },
      };
    }
    case 3: {
      if (rank !== 2) return maker.expression(scope, kind, shape, depth - 1);
      const x = maker.expression(scope, kind, [...shape].reverse(), depth - 1);
      return {
        text: `transpose(${x.text})`,
        run: (e) => {
          const v = x.run(e);
          return build(shape, (p) => element(v, [...p].reverse()));
        },
      };
    }
    case 4: {
      const other =
        rank >= 2 ? [sizeOf(shape)] : n % 2 === 0 ? [2, n / 2] : n % 3 === 0 ? [n / 3, 3] : [n, 1];
      const x = maker.expression(scope, kind, other, depth - 1);
      return {
        text: `reshape(${x.text}, [${shape.join(', ')}])`,
        run: (e) => ({ shape, data: x.run(e).data }),
      };
    }
    default: {
      const x = maker.expression(scope, kind, [...shape.slice(0, axis), ...shape.slice(axis + 1)], depth - 1);
      const i = maker.fresh('i');
      // The same along a new axis.
      if (axis !== 0) return maker.expression(scope, kind, shape, depth - 1);
      return {
        text: `[${x.text} for ${i} in 0..${n}]`,
        run: (e) =>
          stack(
            range(n).map(() => x.run(e)),
            shape.slice(1),
          ),
      };
    }
  }
}

export function product(maker: Expressions, scope: Scope, shape: readonly number[], depth: number): Expr {
  const k = maker.d.pick(EXTENTS);
  const [n = 0, m = 0] = shape;
  const pair = (a: readonly number[], b: readonly number[]): Expr => {
    const [x, y] = [maker.real(scope, a, depth - 1), maker.real(scope, b, depth - 1)];
    return {
      text: `(${parenthesised(x.text)} @ ${parenthesised(y.text)})`,
      run: (e) => matmul(e.m, x.run(e), y.run(e)),
    };
  };
  switch (shape.length) {
    case 0:
      return pair([k], [k]);
    case 1:
      return maker.d.below(2) === 0 ? pair([n, k], [k]) : pair([k], [k, n]);
    case 2: {
      if (maker.d.below(3) !== 2) return pair([n, k], [k, m]);
      const [x, y] = [maker.real(scope, [n], depth - 1), maker.real(scope, [m], depth - 1)];
      return {
        text: `outer(${x.text}, ${y.text})`,
        run: (e) => {
          const [v, w] = [x.run(e), y.run(e)];
          return build(shape, ([i = 0, j = 0]) => e.m.real(at(v.data, i) * at(w.data, j)));
        },
      };
    }
    default:
      return maker.leaf(scope, 'real', shape);
  }
}

export function along(maker: Expressions, scope: Scope, shape: readonly number[], depth: number): Expr {
  const axis = maker.d.below(shape.length);
  const x = maker.real(scope, shape, depth - 1);
  const lines = (e: Env, f: (line: readonly number[]) => readonly number[]): Value =>
    alongAxis(x.run(e), axis, f);
  const prefixes = (line: readonly number[], f: (a: number, b: number) => number): number[] => {
    const out: number[] = [];
    line.forEach((y, i) => out.push(i === 0 ? y : f(at(out, i - 1), y)));
    return out;
  };
  switch (maker.d.below(7)) {
    case 0:
      return {
        text: `cumsum(${x.text}, axis: ${axis})`,
        run: (e) => lines(e, (line) => prefixes(line, (a, b) => e.m.real(a + b))),
      };
    case 1:
      return {
        text: `sort(${x.text}, axis: ${axis})`,
        run: (e) => lines(e, (line) => order(e.m, line, false).map((i) => at(line, i))),
      };
    case 2:
      return {
        text: `sort(${x.text}, axis: ${axis}, descending: true)`,
        run: (e) => lines(e, (line) => order(e.m, line, true).map((i) => at(line, i))),
      };
    case 3:
      return {
        text: `tanh(cumprod(${x.text}, axis: ${axis}))`,
        run: (e) =>
          lines(e, (line) => prefixes(line, (a, b) => e.m.real(a * b)).map((y) => e.m.real(Math.tanh(y)))),
      };
    case 4:
      return {
        text: `cummax(${x.text}, axis: ${axis})`,
        run: (e) =>
          lines(e, (line) => prefixes(line, (a, b) => (e.m.decide(Math.sign(a - b)), Math.max(a, b)))),
      };
    case 5:
      return {
        text: `real(argsort(${x.text}, axis: ${axis}))`,
        run: (e) => lines(e, (line) => order(e.m, line, false)),
      };
    default:
      if (shape.length !== 1) return x;
      return {
        text: `softmax(${x.text})`,
        run: (e) =>
          lines(e, (line) => {
            const most = Math.max(...line);
            const exps = line.map((y) => e.m.real(Math.exp(y - most)));
            const total = sum(e.m, exps);
            return exps.map((y) => e.m.real(y / total));
          }),
      };
  }
}

const wrapped = (i: number, n: number): number => i - n * Math.floor(i / n);
