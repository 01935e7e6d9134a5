// Random statements of Flow: text and what it does. In: the names in sight and the variables that may be assigned. Out: lines with a function that changes the values of an environment.
// Variables keep their kind and shape, and what is assigned to reals is bounded, so that loops do not blow up.

import { at, range } from '../../compiler/support/lists.ts';
import type { Expressions } from './expressions.ts';
import type { Env, Expr, Kind, Named, Scope } from './terms.ts';
import { bound, over, parenthesised, read } from './terms.ts';
import type { Value } from './reference.ts';
import { element, flatOf, only, placesOf, rows, scalar, sizeOf, stack, wrapInt, zip } from './reference.ts';

export interface Code {
  readonly lines: readonly string[];
  readonly run: (e: Env) => void;
  /** With the names that it declares. */
  readonly scope: Scope;
}

const indented = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);
const also = (scope: Scope, ...names: readonly Named[]): Scope => ({
  ...scope,
  names: [...scope.names, ...names],
});
const WITHIN_LOOP = 2;

export class Statements {
  constructor(private readonly x: Expressions) {}

  /** Several statements. Names declared in them are seen by those behind. `vars`: what may be assigned. `nest`: how deep loops may still be. */
  block(scope: Scope, vars: readonly Named[], count: number, nest: number, inLoop: boolean): Code {
    const lines: string[] = [];
    const runs: ((e: Env) => void)[] = [];
    let now = scope;
    const assignable = [...vars];
    for (let k = 0; k < count; k++) {
      const made = this.statement(now, assignable, nest, inLoop);
      lines.push(...made.lines);
      runs.push(made.run);
      now = made.scope;
      assignable.push(...(made.declared ?? []));
    }
    return {
      lines,
      scope: now,
      run: (e) => {
        for (const run of runs) {
          if (e.broken) return;
          run(e);
        }
      },
    };
  }

  private statement(
    scope: Scope,
    vars: readonly Named[],
    nest: number,
    inLoop: boolean,
  ): Code & { readonly declared?: readonly Named[] } {
    const { d } = this.x;
    const way = d.below(nest > 0 ? 15 : 8);
    if (way === 0 || vars.length === 0) return this.declaration(scope, inLoop ? false : d.below(4) > 0);
    switch (way) {
      case 1:
      case 2:
        return { ...this.assignment(scope, d.pick(vars)), scope };
      case 3:
      case 4:
      case 5:
      case 6:
        return { ...this.elementAssignment(scope, d.pick(vars)), scope };
      case 7:
        return this.declaration(scope, false);
      case 8:
        return { ...this.branch(scope, vars, nest), scope };
      case 9:
        return { ...this.whileLoop(scope, vars, nest), scope };
      case 10:
        return { ...this.unrolled(scope, vars), scope };
      case 11:
        return this.yielding(scope, vars, nest);
      case 12:
        return { ...this.scatter(scope, d.pick(vars)), scope };
      default:
        return { ...this.forLoop(scope, vars, nest), scope };
    }
  }

  private declaration(scope: Scope, variable: boolean): Code & { readonly declared?: readonly Named[] } {
    const { d } = this.x;
    if (d.below(6) === 5) return this.records(scope, variable);
    const kind: Kind = d.below(5) === 4 ? 'int' : d.below(9) === 8 ? 'bool' : 'real';
    const shape = this.x.shape();
    const named: Named = { name: this.x.fresh(variable ? 'u' : 'a'), kind, shape };
    const value = this.x.expression(scope, kind, shape, 3);
    return {
      lines: [`${variable ? 'var' : 'let'} ${named.name} = ${value.text}`],
      run: (e) => void e.values.set(named.name, value.run(e)),
      scope: also(scope, named),
      ...(variable ? { declared: [named] } : {}),
    };
  }

  /** A record, or an array of records; its parts are names of their own. */
  private records(scope: Scope, variable: boolean): Code & { readonly declared?: readonly Named[] } {
    const { d } = this.x;
    const name = this.x.fresh(variable ? 'r' : 'b');
    const count = d.below(3) === 2 ? d.pick([3, 1, 4]) : undefined;
    const index = this.x.fresh('i');
    const inside = count === undefined ? scope : also(scope, { name: index, kind: 'int', shape: [] });
    const parts = ['p', 'q'].map((part) => {
      const kind: Kind = d.below(4) === 3 ? 'int' : 'real';
      const shape = this.x.shape(d.below(2));
      const value = this.x.expression(inside, kind, shape, 2);
      return { part, kind, shape, value, name: `${name}.${part}` };
    });
    const text = `{ ${parts.map((p) => `${p.part}: ${p.value.text}`).join(', ')} }`;
    const named = parts.map((p): Named => ({
      name: p.name,
      kind: p.kind,
      shape: count === undefined ? p.shape : [count, ...p.shape],
    }));
    return {
      lines: [
        `${variable ? 'var' : 'let'} ${name} = ${count === undefined ? text : `[${text} for ${index} in 0..${count}]`}`,
      ],
      run: (e) => {
        for (const p of parts)
          e.values.set(
            p.name,
            count === undefined
              ? p.value.run(e)
              : stack(
                  range(count).map((i) => bound(e, index, scalar(i), () => p.value.run(e))),
                  p.shape,
                ),
          );
      },
      scope: also(scope, ...named),
      ...(variable ? { declared: named } : {}),
    };
  }

  /** Something bounded of the kind and shape. */
  private tame(scope: Scope, kind: Kind, shape: readonly number[]): Expr {
    const value = this.x.expression(scope, kind, shape, WITHIN_LOOP);
    switch (kind) {
      case 'real':
        return {
          text: `tanh(${value.text})`,
          run: (e) => zip([value.run(e)], (a = 0) => e.m.real(Math.tanh(a))),
        };
      case 'int':
        return {
          text: `${parenthesised(value.text)} % 11`,
          run: (e) => zip([value.run(e)], (a = 0) => a - 11 * Math.floor(a / 11)),
        };
      case 'bool':
        return value;
    }
  }

  private assignment(scope: Scope, to: Named): Omit<Code, 'scope'> {
    const { d } = this.x;
    const v = this.tame(scope, to.kind, to.shape);
    const way = to.kind === 'real' ? d.below(5) : to.kind === 'int' ? d.below(2) : 0;
    const old = (e: Env): Value => read(e, to.name);
    const set = (e: Env, f: (m: (x: number) => number, a: number, b: number) => number): void =>
      void e.values.set(
        to.name,
        zip([old(e), v.run(e)], (a = 0, b = 0) =>
          to.kind === 'real' ? f((x) => e.m.real(x), a, b) : wrapInt(f((x) => x, a, b)),
        ),
      );
    switch (way) {
      case 0:
        return { lines: [`${to.name} = ${v.text}`], run: (e) => set(e, (_r, _a, b) => b) };
      case 1:
        return { lines: [`${to.name} += ${v.text}`], run: (e) => set(e, (r, a, b) => r(a + b)) };
      case 2:
        return {
          lines: [`${to.name} = 0.5*${to.name} + ${v.text}`],
          run: (e) => set(e, (r, a, b) => r(r(0.5 * a) + b)),
        };
      case 3:
        return {
          lines: [`${to.name} *= 0.6 + 0.3*${parenthesised(v.text)}`],
          run: (e) => set(e, (r, a, b) => r(a * r(0.6 + r(0.3 * b)))),
        };
      default:
        return { lines: [`${to.name} -= ${v.text}`], run: (e) => set(e, (r, a, b) => r(a - b)) };
    }
  }

  /** `u[p] = v` and its kin: rows, slices, windows, exchanges. */
  private elementAssignment(scope: Scope, to: Named): Omit<Code, 'scope'> {
    const { d } = this.x;
    const rank = to.shape.length;
    if (rank === 0 || sizeOf(to.shape) === 0) return this.assignment(scope, to);
    const adds = to.kind !== 'bool' && d.below(2) === 1;
    const sign = adds && d.below(3) === 2 ? -1 : 1;
    const operator = adds ? (sign > 0 ? '+=' : '-=') : '=';
    const put = (e: Env, targets: readonly (readonly number[])[], values: readonly number[]): void => {
      const old = read(e, to.name);
      const data = [...old.data];
      targets.forEach((p, k) => {
        if (p.some((i, a) => i < 0 || i >= at(to.shape, a))) return;
        const f = flatOf(p, to.shape);
        const sum = at(old.data, f) + sign * at(values, k);
        data[f] = !adds ? at(values, k) : to.kind === 'real' ? e.m.real(sum) : wrapInt(sum);
      });
      e.values.set(to.name, { shape: to.shape, data });
    };
    switch (d.below(rank === 1 ? 4 : 6)) {
      case 0: {
        const places = to.shape.map((n) =>
          d.below(3) === 0 ? this.fixed(d.below(n)) : this.x.place(scope, 1),
        );
        const v = this.tame(scope, to.kind, []);
        return {
          lines: [`${to.name}[${places.map((p) => p.text).join(', ')}] ${operator} ${v.text}`],
          run: (e) => put(e, [places.map((p) => only(p.run(e)))], [only(v.run(e))]),
        };
      }
      case 1: {
        const axis = d.below(rank);
        const n = at(to.shape, axis);
        const from = d.below(n);
        const by = 1 + d.below(2);
        const count = d.below(Math.ceil((n - from) / by) + 1);
        const end = Math.min(n, count === 0 ? from : from + (count - 1) * by + 1 + d.below(by));
        const shape = to.shape.map((m, a) => (a === axis ? count : m));
        const v = this.tame(scope, to.kind, d.below(4) === 3 ? [] : shape);
        return {
          lines: [
            `${to.name}[${range(axis)
              .map(() => '.., ')
              .join('')}${from}..${end}${by === 1 ? '' : ` by ${by}`}] ${operator} ${v.text}`,
          ],
          run: (e) => {
            const values = zip(
              [{ shape, data: range(sizeOf(shape)).map(() => 0) }, v.run(e)],
              (_z, b = 0) => b,
            );
            put(
              e,
              range(sizeOf(shape)).map((f) =>
                placesOf(f, shape).map((i, a) => (a === axis ? from + i * by : i)),
              ),
              values.data,
            );
          },
        };
      }
      case 2: {
        const axis = d.below(rank);
        const count = 1 + d.below(3);
        const p = this.x.place(scope, 1);
        const k = this.x.fresh('k');
        const shape = to.shape.map((m, a) => (a === axis ? count : m));
        const v = this.tame(scope, to.kind, d.below(4) === 3 ? [] : shape);
        return {
          lines: [
            `let ${k} = ${p.text}`,
            `${to.name}[${range(axis)
              .map(() => '.., ')
              .join('')}${k} .. ${k} + ${count}] ${operator} ${v.text}`,
          ],
          run: (e) => {
            const start = only(p.run(e));
            const values = zip(
              [{ shape, data: range(sizeOf(shape)).map(() => 0) }, v.run(e)],
              (_z, b = 0) => b,
            );
            put(
              e,
              range(sizeOf(shape)).map((f) =>
                placesOf(f, shape).map((i, a) => (a === axis ? wrapInt(start + i) : i)),
              ),
              values.data,
            );
          },
        };
      }
      case 3: {
        // Two elements change places.
        const p = to.shape.map(() => this.x.place(scope, 1));
        const q = to.shape.map((n) => this.fixed(d.below(n)));
        const [a, b] = [p, q].map((list) => `${to.name}[${list.map((i) => i.text).join(', ')}]`);
        return {
          lines: [`(${a}, ${b}) = (${b}, ${a})`],
          run: (e) => {
            const old = read(e, to.name);
            const [first, second] = [p, q].map((list) => list.map((i) => only(i.run(e))));
            if (first === undefined || second === undefined) return;
            const value = (r: readonly number[]): number =>
              element(
                old,
                r.map((i, k) => Math.min(Math.max(i, 0), at(to.shape, k) - 1)),
              );
            const data = [...old.data];
            if (first.every((i, k) => i >= 0 && i < at(to.shape, k)))
              data[flatOf(first, to.shape)] = value(second);
            data[flatOf(second, to.shape)] = value(first);
            e.values.set(to.name, { shape: to.shape, data });
          },
        };
      }
      default: {
        // A row or a column.
        const axis = d.below(rank);
        const p = d.below(2) === 0 ? this.fixed(d.below(at(to.shape, axis))) : this.x.place(scope, 1);
        const rest = to.shape.filter((_, a) => a !== axis);
        const v = this.tame(scope, to.kind, d.below(4) === 3 ? [] : rest);
        return {
          lines: [
            `${to.name}[${range(axis)
              .map(() => '.., ')
              .join('')}${p.text}] ${operator} ${v.text}`,
          ],
          run: (e) => {
            const i = only(p.run(e));
            const values = zip(
              [{ shape: rest, data: range(sizeOf(rest)).map(() => 0) }, v.run(e)],
              (_z, b = 0) => b,
            );
            put(
              e,
              range(sizeOf(rest)).map((f) => {
                const q = placesOf(f, rest);
                return [...q.slice(0, axis), i, ...q.slice(axis)];
              }),
              values.data,
            );
          },
        };
      }
    }
  }

  private fixed(p: number): Expr {
    return { text: String(p), run: () => scalar(p) };
  }

  /** Adds at places that may repeat. */
  private scatter(scope: Scope, to: Named): Omit<Code, 'scope'> {
    const { d } = this.x;
    if (to.kind === 'bool' || to.shape.length === 0 || sizeOf(to.shape) === 0)
      return this.assignment(scope, to);
    const names = range(1 + d.below(2)).map(() => this.x.fresh('p'));
    const extents = names.map(() => d.pick([4, 1, 7, 2, 9, 0]));
    const inside = also(scope, ...names.map((name): Named => ({ name, kind: 'int', shape: [] })));
    const given = 1 + d.below(to.shape.length);
    const modes = range(given).map(() => d.pick(['', ' wrap', ' clamp']));
    const places = range(given).map(() => this.x.place(inside, 2));
    const rest = to.shape.slice(given);
    const v = this.tame(inside, to.kind, rest);
    const sign = d.below(3) === 2 ? -1 : 1;
    return {
      lines: [
        `${to.name}[${places.map((p, a) => `${p.text}${at(modes, a)}`).join(', ')}] ${sign > 0 ? '+=' : '-='} ${v.text} for ${names.map((n, a) => `${n} in 0..${at(extents, a)}`).join(', ')}`,
      ],
      run: (e) => {
        const data = [...read(e, to.name).data];
        over(e, names, extents, () => {
          const p = places.map((x, a) => {
            const n = at(to.shape, a);
            const i = only(x.run(e));
            return at(modes, a) === ' wrap'
              ? i - n * Math.floor(i / n)
              : at(modes, a) === ' clamp'
                ? Math.min(Math.max(i, 0), n - 1)
                : i;
          });
          const values = v.run(e);
          if (p.every((i, a) => i >= 0 && i < at(to.shape, a)))
            range(sizeOf(rest)).forEach((f) => {
              const to_ = flatOf([...p, ...placesOf(f, rest)], to.shape);
              const sum = at(data, to_) + sign * at(values.data, f);
              data[to_] = to.kind === 'real' ? e.m.real(sum) : wrapInt(sum);
            });
          return 0;
        });
        e.values.set(to.name, { shape: to.shape, data });
      },
    };
  }

  private branch(scope: Scope, vars: readonly Named[], nest: number): Omit<Code, 'scope'> {
    const { d } = this.x;
    const c = this.x.bool(scope, [], 2);
    const yes = this.block(scope, vars, 1 + d.below(2), nest - 1, false);
    const no = d.below(2) === 0 ? undefined : this.block(scope, vars, 1 + d.below(2), nest - 1, false);
    return {
      lines: [
        `if ${c.text} {`,
        ...indented(yes.lines),
        ...(no === undefined ? ['}'] : ['} else {', ...indented(no.lines), '}']),
      ],
      run: (e) => (only(c.run(e)) !== 0 ? yes.run(e) : no?.run(e)),
    };
  }

  private breakWhen(scope: Scope): Code {
    const c = this.x.bool(scope, [], 2);
    return { lines: [`break when ${c.text}`], run: (e) => void (e.broken = only(c.run(e)) !== 0), scope };
  }

  private loopBody(
    scope: Scope,
    vars: readonly Named[],
    nest: number,
    mayBreak: boolean,
  ): Omit<Code, 'scope'> {
    const { d } = this.x;
    const first = this.block(scope, vars, 1 + d.below(3), nest - 1, true);
    if (!mayBreak || d.below(4) !== 3) return first;
    const stop = this.breakWhen(first.scope);
    const second = this.block(first.scope, vars, d.below(2), nest - 1, true);
    return {
      lines: [...first.lines, ...stop.lines, ...second.lines],
      run: (e) => {
        first.run(e);
        if (!e.broken) stop.run(e);
        if (!e.broken) second.run(e);
      },
    };
  }

  private forLoop(scope: Scope, vars: readonly Named[], nest: number): Omit<Code, 'scope'> {
    const { d } = this.x;
    const way = d.below(6);
    if (way === 5) {
      const names = [this.x.fresh('i'), this.x.fresh('i')];
      const extents = names.map(() => d.pick([2, 3, 1, 0]));
      const body = this.loopBody(
        also(scope, ...names.map((name): Named => ({ name, kind: 'int', shape: [] }))),
        vars,
        nest,
        false,
      );
      return {
        lines: [
          `for ${names.map((n, a) => `${n} in 0..${at(extents, a)}`).join(', ')} {`,
          ...indented(body.lines),
          '}',
        ],
        run: (e) => void over(e, names, extents, () => (body.run(e), 0)),
      };
    }
    if (way === 3) {
      const each = this.x.shape(d.below(2));
      const kind: Kind = d.below(4) === 3 ? 'int' : 'real';
      const count = d.pick([3, 1, 2, 5]);
      const xs = this.x.expression(scope, kind, [count, ...each], 2);
      const name = this.x.fresh('x');
      const body = this.loopBody(also(scope, { name, kind, shape: each }), vars, nest, true);
      return {
        lines: [`for ${name} in ${parenthesised(xs.text)} {`, ...indented(body.lines), '}'],
        run: (e) => {
          for (const row of rows(xs.run(e))) {
            bound(e, name, row, () => body.run(e));
            if (e.broken) break;
          }
          e.broken = false;
        },
      };
    }
    const name = this.x.fresh('i');
    const inside = also(scope, { name, kind: 'int', shape: [] });
    const count: Expr =
      way === 4
        ? (() => {
            const k = this.x.int(scope, [], 1);
            return {
              text: `min(here + ${parenthesised(k.text)}, 5)`,
              run: (e: Env) => scalar(Math.min(wrapInt(only(read(e, 'here')) + only(k.run(e))), 5)),
            };
          })()
        : this.fixed(d.pick([3, 1, 2, 0, 6, 9]));
    const body = this.loopBody(inside, vars, nest, true);
    return {
      lines: [`for ${name} in 0..${count.text} {`, ...indented(body.lines), '}'],
      run: (e) => {
        const n = only(count.run(e));
        for (let i = 0; i < n; i++) {
          bound(e, name, scalar(i), () => body.run(e));
          if (e.broken) break;
        }
        e.broken = false;
      },
    };
  }

  private whileLoop(scope: Scope, vars: readonly Named[], nest: number): Omit<Code, 'scope'> {
    const { d } = this.x;
    const c = this.x.bool(scope, [], 2);
    const limit = d.pick([4, 1, 2, 7, 12]);
    const body = this.loopBody(scope, vars, nest, true);
    return {
      lines: [`while ${c.text} limit ${limit} {`, ...indented(body.lines), '}'],
      run: (e) => {
        for (let k = 0; k < limit && only(c.run(e)) !== 0; k++) {
          body.run(e);
          if (e.broken) break;
        }
        e.broken = false;
      },
    };
  }

  /** A loop over a list of functions. */
  private unrolled(scope: Scope, vars: readonly Named[]): Omit<Code, 'scope'> {
    const reals = vars.filter((v) => v.kind === 'real');
    if (reals.length === 0) return this.assignment(scope, this.x.d.pick(vars));
    const to = this.x.d.pick(reals);
    const name = this.x.fresh('f');
    const fs = [Math.sin, Math.cos, Math.tanh];
    return {
      lines: [`for ${name} in [sin, cos, tanh] { ${to.name} = ${name}(${to.name}) }`],
      run: (e) =>
        fs.forEach((f) =>
          e.values.set(
            to.name,
            zip([read(e, to.name)], (a = 0) => e.m.real(f(a))),
          ),
        ),
    };
  }

  private yielding(scope: Scope, vars: readonly Named[], nest: number): Code {
    const { d } = this.x;
    const name = this.x.fresh('i');
    const out = this.x.fresh('y');
    const turns = d.pick([3, 1, 4, 7, 2]);
    const every = d.below(3) === 2 ? 2 : 1;
    const body = this.loopBody(also(scope, { name, kind: 'int', shape: [] }), vars, nest, false);
    const kind: Kind = d.below(4) === 3 ? 'int' : 'real';
    const shape = this.x.shape(d.below(2));
    const value = this.tame(also(scope, { name, kind: 'int', shape: [] }), kind, shape);
    const count = Math.floor(turns / every);
    return {
      lines: [
        `let ${out} = for ${name} in 0..${turns} {`,
        ...indented([...body.lines, `yield ${value.text}${every === 1 ? '' : ` every ${every}`}`]),
        '}',
      ],
      run: (e) => {
        const parts: Value[] = [];
        for (let i = 0; i < turns; i++)
          bound(e, name, scalar(i), () => {
            body.run(e);
            const v = value.run(e);
            if (i % every === every - 1) parts.push(v);
          });
        e.values.set(out, stack(parts, shape));
      },
      scope: also(scope, { name: out, kind, shape: [count, ...shape] }),
    };
  }
}
