// Random whole programs of Flow. In: decisions. Out: the text, whose run saves out.npz; the values that the oracle gives to what is saved; and the value of the differentiated number as a
// function of what it is differentiated by, for differences.

import { at, range } from '../../compiler/support/lists.ts';
import type { Decisions } from '../ir/random_program.ts';
import { Expressions } from './expressions.ts';
import type { Callable, Env, Expr, Kind, Named, Scope } from './terms.ts';
import { bound } from './terms.ts';
import type { Machine, Value } from './reference.ts';
import { rows, scalar, stack, sum, zip } from './reference.ts';
import { methodNames, randomSolve } from './solves.ts';
import { Statements } from './statements.ts';

export interface RandomProgram {
  readonly text: string;
  /** What is saved but for derivatives. */
  readonly outputs: (m: Machine) => ReadonlyMap<string, Value>;
  /** The number that is differentiated, a step along the direction away from where the program stands. */
  readonly total: (m: Machine, step: number) => number;
}

const wave = (shape: readonly number[], f: (i: number) => number): Value => ({
  shape,
  data: range(shape.reduce((n, e) => n * e, 1)).map((i) => Number(f(i).toFixed(3))),
});

function literal({ shape, data }: Value): string {
  const [, ...rest] = shape;
  if (shape.length === 0) return String(data[0]);
  if (data.length === 0) return `zeros([${shape.join(', ')}])`;
  const text = (x: number): string => (Number.isInteger(x) ? x.toFixed(1) : String(x));
  if (rest.length === 0) return `[${data.map(text).join(', ')}]`;
  return `[${rows({ shape, data }).map(literal).join(', ')}]`;
}

const typeText = ({ kind, shape }: Omit<Named, 'name'>): string =>
  shape.length === 0 ? kind : `${kind}[${shape.join(', ')}]`;

/** A function of many arguments at once: as many as fill the lanes and threads of the CPU badly. */
function ensemble(x: Expressions, scope: Scope): { name: string; kind: Kind; value: Expr } {
  const f = x.d.pick(scope.functions);
  const count = x.d.pick([5, 1, 3, 13, 64, 67, 130]);
  const name = x.fresh('c');
  const inside: Scope = { names: [...scope.names, { name, kind: 'real', shape: [] }], functions: [] };
  const args = f.params.map((p) => x.expression(inside, p.kind, p.shape, 2));
  const first = f.params.findIndex((p) => p.kind === 'real');
  const grid = range(count).map((i) => (count === 1 ? -1 : -1 + (2 * i) / (count - 1)));
  const value: Expr = {
    text: `[${f.name}(${args.map((a, i) => (i === first ? `${name} + ${a.text}` : a.text)).join(', ')}) for ${name} in linspace(-1, 1, ${count})]`,
    run: (e) =>
      stack(
        grid.map((c) =>
          bound(e, name, scalar(c), () =>
            f.call(
              e.m,
              e,
              args.map((a, i) =>
                i === first ? zip([scalar(c), a.run(e)], (p = 0, q = 0) => e.m.real(p + q)) : a.run(e),
              ),
            ),
          ),
        ),
        f.result.shape,
      ),
  };
  return { name: 'members', kind: f.result.kind, value };
}

export function randomProgram(d: Decisions): RandomProgram {
  const x = new Expressions(d);
  const statements = new Statements(x);
  const here = d.pick([1, 0, 2, -1]);
  const wShape = x.shape(1 + d.below(2));
  const globals: readonly { readonly named: Named; readonly value: Value; readonly text: string }[] = [
    {
      named: { name: 'here', kind: 'int', shape: [] },
      value: scalar(here),
      text: `input here: int = ${here}`,
    },
    { named: { name: 's', kind: 'real', shape: [] }, value: scalar(0.35), text: 'input s: real = 0.35' },
    { named: { name: 'three', kind: 'int', shape: [] }, value: scalar(3), text: 'const three = 3' },
    { named: { name: 'part', kind: 'real', shape: [] }, value: scalar(0.7), text: 'const part = 0.7' },
    {
      named: { name: 'tab', kind: 'real', shape: [5] },
      value: wave([5], (i) => Math.cos(1.3 * i + 0.2)),
      text: '',
    },
    {
      named: { name: 'n', kind: 'int', shape: [4] },
      value: { shape: [4], data: [2, -3, 7, 1] },
      text: 'data n = [2, -3, 7, 1]',
    },
  ];
  const w: Named = { name: 'w', kind: 'real', shape: wShape };
  const q: Named = { name: 'q', kind: 'real', shape: [] };
  const w0 = wave(wShape, (i) => Math.sin(2.1 * i + 0.7));
  const dw = wave(wShape, (i) => 1 - ((i * 7) % 5) / 2.5);
  const [q0, dq] = [0.45, 0.7];

  const base: Scope = { names: globals.map((g) => g.named), functions: [] };
  const functions: Callable[] = [];
  const texts: string[] = [];
  const count = d.below(4);
  for (let k = 0; k < count; k++) {
    if (d.below(4) === 3) {
      const made = randomSolve(x, base);
      texts.push(made.text);
      functions.push(made.callable);
      continue;
    }
    const params = range(1 + d.below(3)).map((): Named => ({
      name: x.fresh('z'),
      kind: d.below(4) === 3 ? 'int' : 'real',
      shape: x.shape(d.below(3)),
    }));
    const scope: Scope = { names: [...base.names, ...params], functions: [...functions] };
    const body = statements.block(scope, [], 1 + d.below(4), 1, false);
    const shape = x.shape(d.below(3));
    const result = x.real(body.scope, shape, 2);
    const name = x.fresh('f');
    texts.push(
      [
        `fn ${name}(${params.map((p) => `${p.name}: ${typeText(p)}`).join(', ')}) {`,
        ...body.lines.map((l) => `  ${l}`),
        `  return ${result.text}`,
        '}',
      ].join('\n'),
    );
    functions.push({
      name,
      params,
      result: { kind: 'real', shape },
      call: (m, env, args) => {
        const e: Env = { m, values: new Map(env.values), broken: false };
        params.forEach((p, i) => e.values.set(p.name, at(args, i)));
        body.run(e);
        return result.run(e);
      },
    });
  }

  const scope: Scope = { names: [...base.names, q, w], functions };
  const body = statements.block(scope, [], 2 + d.below(7), 2, false);
  const shown = range(1 + d.below(3)).map((k) => {
    const kind: Kind = d.below(5) === 4 ? 'int' : d.below(7) === 6 ? 'bool' : 'real';
    return { name: `o${k}`, kind, value: x.expression(body.scope, kind, x.shape(), 3) };
  });
  const members = functions.length > 0 && d.below(3) === 2 ? ensemble(x, body.scope) : undefined;
  if (members !== undefined) shown.push(members);
  // Everything made is looked at, so that nothing is dead.
  const made = body.scope.names.slice(scope.names.length).filter((n) => n.kind === 'real');
  const parts = [
    ...made.map((n) => ({
      text: n.name,
      run: (e: Env) => e.values.get(n.name) ?? scalar(NaN),
      shape: n.shape,
    })),
    ...shown
      .filter((o) => o.kind === 'real')
      .map((o) => ({ text: o.name, run: (e: Env) => e.values.get(o.name) ?? scalar(NaN), shape: undefined })),
  ];
  const terms = ['0.3*q*sum(w)', ...parts.map((p) => `sum(sin(${p.text}))`)];
  const evaluate = (m: Machine, wAt: Value, qAt: number): Env => {
    const e: Env = { m, values: new Map(), broken: false };
    for (const { named, value } of globals)
      e.values.set(
        named.name,
        named.kind === 'real' ? { shape: value.shape, data: value.data.map((v) => m.real(v)) } : value,
      );
    e.values.set('w', wAt);
    e.values.set('q', scalar(qAt));
    body.run(e);
    for (const o of shown) e.values.set(o.name, o.value.run(e));
    const sines = parts.map((p) =>
      sum(
        m,
        p.run(e).data.map((v) => m.real(Math.sin(v))),
      ),
    );
    e.values.set('total', scalar(sum(m, [m.real(m.real(0.3 * qAt) * sum(m, wAt.data)), ...sines])));
    return e;
  };
  const moved = (m: Machine, step: number): readonly [Value, number] => [
    { shape: w0.shape, data: w0.data.map((v, i) => m.real(v + step * at(dw.data, i))) },
    m.real(q0 + step * dq),
  ];

  const tText = `data tab = ${literal(at(globals, 4).value)}`;
  const saved = shown.map((o) => ({
    name: o.name,
    text: o.kind === 'bool' ? `where(r.${o.name}, 1, 0)` : `r.${o.name}`,
  }));
  const methods = methodNames.filter((name) => texts.some((text) => text.includes(`method: ${name}`)));
  const text = [
    ...(methods.length === 0 ? [] : [`use std.ode { ${methods.join(', ')} }`]),
    ...globals.map((g) => g.text).filter((g) => g !== ''),
    tText,
    `param w: ${typeText(w)} = ${literal(w0)}`,
    `param q: real = ${q0}`,
    ...texts,
    'fn everything(w, q) {',
    ...body.lines.map((l) => `  ${l}`),
    ...shown.map((o) => `  let ${o.name} = ${o.value.text}`),
    `  return { ${shown.map((o) => `${o.name}: ${o.name}`).join(', ')}, total: ${terms.join(' + ')} }`,
    '}',
    'fn total(p) = everything(p.w, p.q).total',
    `let at = { w: w, q: q }`,
    `let along = { w: ${literal(dw)}, q: ${dq} }`,
    'run {',
    '  let r = everything(w, q)',
    '  let g = gradient(total)(at)',
    '  let h = hvp(total, at, along)',
    '  let k = gradient(p => jvp(total, p, along))(at)',
    '  save "out.npz" {',
    `    ${[...saved.map((o) => `${o.name}: ${o.text}`), 'total: r.total', 'batch: [total({ w: c*w, q: q }) for c in [1.0, 0.5]]'].join(', ')},`,
    '    gw: g.w, gq: g.q, slope: jvp(total, at, along), hw: h.w, hq: h.q, kw: k.w, kq: k.q,',
    '    many: gradient(p => sum(total({ w: c*p.w, q: p.q }) for c in [1.0, 1.0]))(at).w',
    '  }',
    '}',
  ].join('\n');

  return {
    text,
    outputs: (m) => {
      const [wAt, qAt] = moved(m, 0);
      const e = evaluate(m, wAt, qAt);
      const half = evaluate(m, { shape: wAt.shape, data: wAt.data.map((v) => m.real(0.5 * v)) }, qAt);
      const get = (env: Env, name: string): Value => env.values.get(name) ?? scalar(NaN);
      return new Map([
        ...saved.map((o): [string, Value] => [o.name, get(e, o.name)]),
        ['total', get(e, 'total')],
        ['batch', { shape: [2], data: [...get(e, 'total').data, ...get(half, 'total').data] }],
      ]);
    },
    total: (m, step) => {
      const [wAt, qAt] = moved(m, step);
      return evaluate(m, wAt, qAt).values.get('total')?.data[0] ?? NaN;
    },
  };
}
