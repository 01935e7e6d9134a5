// Random ordinary models and their solves as functions that other expressions may call. In: decisions and the names in sight. Out: the text of model and function, and the function by the
// oracle: the same method, written out.

import { range } from '../../compiler/support/lists.ts';
import type { Expressions } from './expressions.ts';
import type { Callable, Env, Expr, Named, Scope } from './terms.ts';
import type { Machine, Value } from './reference.ts';
import { scalar, stack, zip } from './reference.ts';

type States = readonly Value[];
type Rates = (t: number, y: States) => States;
type Step = (m: Machine, f: Rates, t: number, h: number, y: States) => States;

/** y + Σ c_k k_k */
function along(m: Machine, y: States, ...terms: readonly (readonly [number, States])[]): States {
  return y.map((v, i) =>
    terms.reduce<Value>((s, [c, k]) => zip([s, k[i] ?? v], (a = 0, b = 0) => m.real(a + m.real(c * b))), v),
  );
}

const METHODS: Readonly<Record<string, Step>> = {
  euler: (m, f, t, h, y) => along(m, y, [h, f(t, y)]),
  midpoint: (m, f, t, h, y) => along(m, y, [h, f(t + h / 2, along(m, y, [h / 2, f(t, y)]))]),
  heun: (m, f, t, h, y) => {
    const k = f(t, y);
    return along(m, y, [h / 2, k], [h / 2, f(t + h, along(m, y, [h, k]))]);
  },
  rk4: (m, f, t, h, y) => {
    const k1 = f(t, y);
    const k2 = f(t + h / 2, along(m, y, [h / 2, k1]));
    const k3 = f(t + h / 2, along(m, y, [h / 2, k2]));
    const k4 = f(t + h, along(m, y, [h, k3]));
    return along(m, y, [h / 6, k1], [h / 3, k2], [h / 3, k3], [h / 6, k4]);
  },
};

export const methodNames: readonly string[] = Object.keys(METHODS);

/** A model with one to three states, and `fn name(arguments)`, what its solve ends in or passes through. */
export function randomSolve(
  x: Expressions,
  base: Scope,
): { readonly text: string; readonly callable: Callable } {
  const { d } = x;
  const model = x.fresh('m');
  const name = x.fresh('f');
  const params = range(1 + d.below(2)).map((): Named => ({
    name: x.fresh('z'),
    kind: 'real',
    shape: x.shape(d.below(2)),
  }));
  const inside: Scope = { ...base, names: [...base.names, ...params] };
  const states = range(1 + d.below(3)).map((): Named => ({
    name: x.fresh('y'),
    kind: 'real',
    shape: x.shape(d.below(2)),
  }));
  const starts = states.map((s) => x.real(inside, s.shape, 1));
  const running: Scope = {
    ...inside,
    names: [...inside.names, { name: 't', kind: 'real', shape: [] }, ...states],
  };
  const rates = states.map((s): Expr => {
    const e = x.real(running, s.shape, 3);
    return {
      text: `tanh(${e.text}) - 0.5*${s.name}`,
      run: (env) =>
        zip([e.run(env), env.values.get(s.name) ?? scalar(NaN)], (a = 0, b = 0) =>
          env.m.real(env.m.real(Math.tanh(a)) - env.m.real(0.5 * b)),
        ),
    };
  });
  const method = d.pick(methodNames);
  const step = METHODS[method] ?? METHODS['euler'];
  const steps = d.pick([3, 1, 2, 5, 8, 13]);
  const end = d.pick([0.5, 1, 0.3]);
  const shown = d.pick(states);
  const place = states.indexOf(shown);
  const every = d.below(3) === 2 ? d.pick([1, 2, 3]) : 0;
  // Named once: without these lines a state's start would be an array of another shape where it is a number.
  const text = [
    `ode ${model}(${params.map((p) => p.name).join(', ')}) {`,
    ...states.map(
      (s, i) =>
        `  state ${s.name}: real${s.shape.length === 0 ? '' : `[${s.shape.join(', ')}]`} = ${starts[i]?.text ?? '0.0'}`,
    ),
    ...states.map((s, i) => `  dt(${s.name}) = ${rates[i]?.text ?? '0.0'}`),
    '}',
    `fn ${name}(${params.map((p) => `${p.name}: real${p.shape.length === 0 ? '' : `[${p.shape.join(', ')}]`}`).join(', ')}) = solve(${model}(${params.map((p) => p.name).join(', ')}), t: 0 .. ${end}, steps: ${steps}, method: ${method}, adjoint: auto${every > 0 ? `, save: every(steps: ${every})` : ''}).${every > 0 ? '' : 'final.'}${shown.name}`,
  ].join('\n');
  const kept = range(steps + 1).filter((k) => k === 0 || k === steps || (every > 0 && k % every === 0));
  const call = (m: Machine, env: Env, args: readonly Value[]): Value => {
    const e: Env = { m, values: new Map(env.values), broken: false };
    params.forEach((p, i) => e.values.set(p.name, args[i] ?? scalar(NaN)));
    const f: Rates = (t, y) => {
      e.values.set('t', scalar(t));
      states.forEach((s, i) => e.values.set(s.name, y[i] ?? scalar(NaN)));
      return rates.map((r) => r.run(e));
    };
    let y: States = starts.map((s) => s.run(e));
    const path: States[] = [y];
    const h = end / steps;
    for (let k = 0; k < steps; k++) {
      y = step === undefined ? y : step(m, f, k * h, h, y);
      path.push(y);
    }
    const at_ = (k: number): Value => path[k]?.[place] ?? scalar(NaN);
    return every > 0 ? stack(kept.map(at_), shown.shape) : at_(steps);
  };
  const shape = every > 0 ? [kept.length, ...shown.shape] : shown.shape;
  return { text, callable: { name, params, result: { kind: 'real', shape }, call } };
}
