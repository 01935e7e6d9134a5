// First-order rules of std.optim against the published formulas, written here with plain numbers: ten steps on a problem that is not quadratic, with two arrays of parameters.

import { describe, expect, it } from 'vitest';
import { createInterpreterExecutor } from '../../compiler/driver/interpreter_executor.ts';
import { createMemoryHost, runScript } from '../../runtime/run/index.ts';
import { elaborated } from './support.ts';

const STEPS = 10;

/** a in R^3, b in R^2; f = sum of exp(0.3 a_i) - a_0 b_0 + b_1^4/4 + sum((b - 0.5)^2) + 0.5 sum(a^2 [1, 10, 0.1]). */
const START = [0.8, -0.5, 1.2, 0.3, -0.9] as const;
const SCALES = [1, 10, 0.1] as const;

function gradient(p: readonly number[]): number[] {
  const [a0 = 0, , , b0 = 0, b1 = 0] = p;
  return p.map((x, i) => {
    if (i < 3) return 0.3 * Math.exp(0.3 * x) + (SCALES[i] ?? 0) * x - (i === 0 ? b0 : 0);
    return 2 * (x - 0.5) + (i === 3 ? -a0 : b1 ** 3);
  });
}

const program = (method: string): string => `precision f64
use std.optim { ${method.replace(/\(.*/s, '')} }
param a: real[3] = [0.8, -0.5, 1.2]
param b: real[2] = [0.3, -0.9]
loss f = sum(exp(0.3*a)) - a[0]*b[0] + b[1]^4/4 + sum((b - 0.5)^2) + 0.5*sum([1.0, 10.0, 0.1]*a^2)
state path = zeros([${STEPS}, 5])
state k = 0
run {
  minimize f over a, b using ${method} steps ${STEPS} { every 1 { path[k, ..] = concat(a, b); k += 1 } }
  save "path.json" { path }
}`;

async function pathOf(method: string): Promise<number[][]> {
  const elaboratedProgram = elaborated(program(method));
  const host = createMemoryHost();
  const { name, precision, script } = elaboratedProgram;
  await runScript({ name, precision, script }, createInterpreterExecutor(elaboratedProgram), { host });
  const text = new TextDecoder().decode(host.files.get('path.json'));
  const parsed: unknown = JSON.parse(text);
  const path: unknown =
    typeof parsed === 'object' && parsed !== null && 'path' in parsed ? parsed.path : parsed;
  if (!Array.isArray(path)) throw new Error(text);
  return path.map((row: unknown) => (Array.isArray(row) ? row.map(Number) : []));
}

/** The rule as a function of (g, p, k from 1, memory by name), entry by entry; `groups` are the two arrays. */
type Rule = (p: readonly number[], memory: Map<string, number[]>, k: number) => number[];

const zeros = (): number[] => START.map(() => 0);
const groups: readonly (readonly [number, number])[] = [
  [0, 3],
  [3, 5],
];
const zip = (f: (...x: number[]) => number, ...lists: readonly (readonly number[])[]): number[] =>
  START.map((_, i) => f(...lists.map((l) => l[i] ?? NaN)));
const dot = (x: readonly number[], y: readonly number[]): number =>
  x.reduce((s, v, i) => s + v * (y[i] ?? NaN), 0);
const norm = (x: readonly number[]): number => Math.sqrt(dot(x, x));
/** Array by array. */
const perArray = (
  f: (...parts: readonly (readonly number[])[]) => number[],
  ...lists: readonly (readonly number[])[]
): number[] => groups.flatMap(([from, to]) => f(...lists.map((l) => l.slice(from, to))));

function remember(
  memory: Map<string, number[]>,
  name: string,
  make: (before: number[]) => number[],
): number[] {
  const value = make(memory.get(name) ?? zeros());
  memory.set(name, value);
  return value;
}

/** The mean with weight 1 - beta on what is new. */
const mean = (memory: Map<string, number[]>, name: string, beta: number, x: readonly number[]): number[] =>
  remember(memory, name, (m) => zip((a = 0, b = 0) => beta * a + (1 - beta) * b, m, x));

interface Moments {
  readonly g: number[];
  readonly m: number[];
  readonly v: number[];
  readonly mhat: number[];
  readonly vhat: number[];
}
function moments(
  p: readonly number[],
  memory: Map<string, number[]>,
  k: number,
  beta1: number,
  beta2: number,
): Moments {
  const g = gradient(p);
  const m = mean(memory, 'm', beta1, g);
  const v = mean(
    memory,
    'v',
    beta2,
    g.map((x) => x * x),
  );
  return { g, m, v, mhat: m.map((x) => x / (1 - beta1 ** k)), vhat: v.map((x) => x / (1 - beta2 ** k)) };
}
const adamUpdate = (s: Moments, eps: number): number[] =>
  zip((m = 0, v = 0) => m / (Math.sqrt(v) + eps), s.mhat, s.vhat);
const move = (p: readonly number[], lr: number, d: readonly number[]): number[] =>
  zip((x = 0, y = 0) => x - lr * y, p, d);

const rules: readonly (readonly [string, Rule])[] = [
  ['gd(0.05)', (p) => move(p, 0.05, gradient(p))],
  ['gd(k => 0.05/(1 + k))', (p, _, k) => move(p, 0.05 / k, gradient(p))],
  [
    'momentum(0.03, beta: 0.8)',
    (p, memory) => {
      const g = gradient(p);
      const v = remember(memory, 'v', (b) => zip((x = 0, y = 0) => 0.8 * x - 0.03 * y, b, g));
      return zip((x = 0, y = 0) => x + y, p, v);
    },
  ],
  [
    'nesterov(0.03, beta: 0.8)',
    (p, memory) => {
      const before = memory.get('v') ?? zeros();
      const g = gradient(zip((x = 0, y = 0) => x + 0.8 * y, p, before));
      const v = zip((x = 0, y = 0) => 0.8 * x - 0.03 * y, before, g);
      memory.set('v', v);
      return zip((x = 0, y = 0) => x + y, p, v);
    },
  ],
  ['adam(0.1)', (p, memory, k) => move(p, 0.1, adamUpdate(moments(p, memory, k, 0.9, 0.999), 1e-8))],
  [
    'adam(0.1, beta1: 0.7, beta2: 0.9, eps: 1e-3)',
    (p, memory, k) => move(p, 0.1, adamUpdate(moments(p, memory, k, 0.7, 0.9), 1e-3)),
  ],
  [
    'adamw(0.1, decay: 0.3)',
    (p, memory, k) =>
      move(
        p,
        0.1,
        zip((u = 0, x = 0) => u + 0.3 * x, adamUpdate(moments(p, memory, k, 0.9, 0.999), 1e-8), p),
      ),
  ],
  [
    'nadam(0.1)',
    (p, memory, k) => {
      const s = moments(p, memory, k, 0.9, 0.999);
      const ahead = zip(
        (m = 0, g = 0) => (0.9 * m) / (1 - 0.9 ** (k + 1)) + (0.1 * g) / (1 - 0.9 ** k),
        s.m,
        s.g,
      );
      return move(
        p,
        0.1,
        zip((a = 0, v = 0) => a / (Math.sqrt(v) + 1e-8), ahead, s.vhat),
      );
    },
  ],
  [
    // Xie et al. 2022, algorithm 1, with m_0 = g_0, v_1 = g_1 - g_0, n_0 = g_0^2.
    'adan(0.05, beta1: 0.1, beta2: 0.2, beta3: 0.05, decay: 0.2)',
    (p, memory, k) => {
      const g = gradient(p);
      const before = memory.get('g');
      memory.set('g', g);
      const d = before === undefined ? zeros() : zip((x = 0, y = 0) => x - y, g, before);
      const [m, n] = [
        k === 1 ? g : zip((a = 0, b = 0) => 0.9 * a + 0.1 * b, memory.get('m') ?? [], g),
        k === 1
          ? g.map((x) => x * x)
          : zip((a = 0, b = 0, c = 0) => 0.95 * a + 0.05 * (b + 0.8 * c) ** 2, memory.get('n') ?? [], g, d),
      ];
      const v = k <= 2 ? d : zip((a = 0, b = 0) => 0.8 * a + 0.2 * b, memory.get('v') ?? [], d);
      memory.set('m', m);
      memory.set('n', n);
      memory.set('v', v);
      return zip(
        (x = 0, a = 0, b = 0, c = 0) =>
          (x - (0.05 * (a + 0.8 * b)) / (Math.sqrt(c) + 1e-8)) / (1 + 0.2 * 0.05),
        p,
        m,
        v,
        n,
      );
    },
  ],
  [
    'adamp(0.1, delta: 0.8)',
    (p, memory, k) => {
      const s = moments(p, memory, k, 0.9, 0.999);
      const d = perArray(
        (u, w, g) =>
          Math.abs(dot(w, g)) / (norm(w) * norm(g)) < 0.8 / Math.sqrt(w.length)
            ? u.map((x, i) => x - (dot(w, u) / dot(w, w)) * (w[i] ?? 0))
            : [...u],
        adamUpdate(s, 1e-8),
        p,
        s.g,
      );
      return move(p, 0.1, d);
    },
  ],
  [
    'adabelief(0.1, eps: 1e-6)',
    (p, memory, k) => {
      const g = gradient(p);
      const m = mean(memory, 'm', 0.9, g);
      const s = remember(memory, 's', (b) =>
        zip((x = 0, y = 0, z = 0) => 0.999 * x + 0.001 * (y - z) ** 2 + 1e-6, b, g, m),
      );
      const u = zip((a = 0, b = 0) => a / (1 - 0.9 ** k) / (Math.sqrt(b / (1 - 0.999 ** k)) + 1e-6), m, s);
      return move(p, 0.1, u);
    },
  ],
  [
    'lion(0.05, decay: 0.1)',
    (p, memory) => {
      const g = gradient(p);
      const m = memory.get('m') ?? zeros();
      memory.set(
        'm',
        zip((a = 0, b = 0) => 0.99 * a + 0.01 * b, m, g),
      );
      return move(
        p,
        0.05,
        zip((a = 0, b = 0, x = 0) => Math.sign(0.9 * a + 0.1 * b) + 0.1 * x, m, g, p),
      );
    },
  ],
  [
    'lamb(0.1, decay: 0.05)',
    (p, memory, k) => {
      const u = zip((a = 0, x = 0) => a + 0.05 * x, adamUpdate(moments(p, memory, k, 0.9, 0.999), 1e-6), p);
      return move(
        p,
        0.1,
        perArray((w, d) => d.map((x) => (norm(w) / norm(d)) * x), p, u),
      );
    },
  ],
  [
    'rmsprop(0.05)',
    (p, memory) => {
      const g = gradient(p);
      const v = mean(
        memory,
        'v',
        0.9,
        g.map((x) => x * x),
      );
      return move(
        p,
        0.05,
        zip((a = 0, b = 0) => a / (Math.sqrt(b) + 1e-8), g, v),
      );
    },
  ],
  [
    'adagrad(0.3)',
    (p, memory) => {
      const g = gradient(p);
      const v = remember(memory, 'v', (b) => zip((x = 0, y = 0) => x + y * y, b, g));
      return move(
        p,
        0.3,
        zip((a = 0, b = 0) => a / (Math.sqrt(b) + 1e-8), g, v),
      );
    },
  ],
];

describe('ten steps of a published rule', () => {
  it.each(rules)('%s', async (method, rule) => {
    const path = await pathOf(method);
    expect(path).toHaveLength(STEPS);
    const memory = new Map<string, number[]>();
    let p: readonly number[] = START;
    for (let k = 1; k <= STEPS; k++) {
      p = rule(p, memory, k);
      const made = path[k - 1] ?? [];
      p.forEach((x, i) =>
        expect(Math.abs((made[i] ?? NaN) - x), `step ${k}, entry ${i}`).toBeLessThan(
          1e-12 * (1 + Math.abs(x)),
        ),
      );
    }
    expect(norm(zip((x = 0, y = 0) => x - y, p, START))).toBeGreaterThan(0.1);
  });

  it('L-BFGS with exact curvature pairs: on a quadratic of n unknowns the minimum in n + 1 directions', async () => {
    // With a strong Wolfe search that is nearly exact (c2 small) its directions are those of conjugate gradients.
    const text = `precision f64
use std.optim { lbfgs }
param x: real[4] = [1.0, 1.0, 1.0, 1.0]
loss f = 0.5*sum([1.0, 3.0, 7.0, 20.0]*x^2)
run { minimize f over x using lbfgs(c2: 1e-10, trials: 60) steps 5
  save "x.json" { x } }`;
    const made = elaborated(text);
    const host = createMemoryHost();
    const { name, precision, script } = made;
    await runScript({ name, precision, script }, createInterpreterExecutor(made), { host });
    const x = (new TextDecoder().decode(host.files.get('x.json')).match(/-?\d[\d.e+-]*/g) ?? []).map(Number);
    expect(x).toHaveLength(4);
    for (const v of x) expect(Math.abs(v)).toBeLessThan(1e-7);
  });
});
