// What may begin a statement in each kind of block, and the full form of each statement: the source of "did you mean" and of the
// forms that a message shows instead of a list of expected tokens.

import type { Surroundings } from './scene.ts';

const items = [
  ...[
    'use',
    'const',
    'input',
    'data',
    'param',
    'state',
    'network',
    'optimizer',
    'domain',
    'region',
    'field',
    'type',
  ],
  ...['precision', 'fn', 'layer', 'pde', 'ode', 'sde', 'let', 'loss', 'test', 'run'],
];

/** Words that may begin a statement. */
export const legalWords: Readonly<Record<Surroundings, readonly string[]>> = {
  file: items,
  function: [
    'let',
    'var',
    'for',
    'while',
    'if',
    'return',
    'yield',
    'assert',
    'break',
    'field',
    'monitor',
    'stop',
  ],
  run: [
    ...[
      'minimize',
      'maximize',
      'play',
      'let',
      'var',
      'for',
      'if',
      'assert',
      'print',
      'save',
      'plot',
      'animate',
      'check',
    ],
    'reset',
  ],
  model: ['state', 'noise', 'driver', 'boundary', 'monitor', 'calculus', 'after', 'event', 'let'],
  boundary: [],
  layer: ['param', 'state', 'let', 'call'],
  domain: ['scale'],
  options: ['log', 'save', 'stop', 'keep', 'every'],
  goals: ['minimize', 'maximize'],
  constraints: [],
};

/** Where a list of statements is, for a sentence: "`print` cannot stand in a function". */
export const placeName: Readonly<Record<Surroundings, string>> = {
  file: 'at the top of a file',
  function: 'in a block of a function, test or loop',
  run: 'in a run',
  model: 'in a model',
  boundary: 'in a boundary',
  layer: 'in a layer',
  domain: 'in a domain',
  options: 'in the block of a `minimize`',
  goals: 'in a `play`',
  constraints: 'in a `subject to`',
};

/** Where a statement belongs, by its first word. */
export const homes: ReadonlyMap<string, string> = new Map([
  ...['minimize', 'maximize', 'play', 'reset', 'print', 'save', 'plot', 'animate', 'check'].map(
    (w) => [w, 'it belongs in a run: `run { … }`'] as const,
  ),
  ...['return', 'yield', 'while', 'break'].map(
    (w) => [w, 'it belongs in a function: `fn f(x) { … }`'] as const,
  ),
  ...['for', 'if', 'assert'].map((w) => [w, 'it belongs in a function, a test or a run'] as const),
  ...['var'].map((w) => [w, 'it belongs in a function, a test or a run; here write `let`'] as const),
  ...['noise', 'driver', 'boundary', 'calculus', 'after', 'event'].map(
    (w) => [w, 'it belongs in a model: `pde heat(k) on plate { … }`'] as const,
  ),
  ...['monitor'].map((w) => [w, 'it belongs in a model or a loss'] as const),
  ...['use', 'const', 'input', 'data', 'network', 'optimizer', 'domain', 'region', 'type', 'precision'].map(
    (w) => [w, 'it belongs at the top of the file, outside all braces'] as const,
  ),
  ...['layer', 'pde', 'ode', 'sde', 'loss', 'test', 'run'].map(
    (w) => [w, 'it belongs at the top of the file, outside all braces'] as const,
  ),
  ['fn', 'functions are declared at the top of the file; inside write `let f = x => x^2`'],
  ['param', 'it belongs at the top of the file, or in a layer'],
  ['state', 'it belongs at the top of the file, in a model or in a layer'],
  ['let', 'it belongs outside these braces'],
  ...['log', 'keep', 'stop', 'every'].map(
    (w) =>
      [w, 'it belongs in the block of a `minimize`: `minimize … steps 100 { log loss every 10 }`'] as const,
  ),
]);

/** The full form of each statement and item, by its first word. */
export const forms: ReadonlyMap<string, string> = new Map([
  ['use', 'use std.ode { rk4, euler as simple };  use "./closure.flow" { stress }'],
  ['const', 'const N = 128'],
  ['input', 'input nu: real = 0.01'],
  ['data', 'data T_obs: scalar on plate = load("obs.npy")'],
  ['param', 'param k: scalar on plate = 1.0 in 0.1 .. 10'],
  ['network', 'network net = mlp([2, 64, 64, 1], tanh) from "net.safetensors"'],
  ['optimizer', 'optimizer opt = adam(lr: 1e-3)'],
  ['domain', 'domain plate(n = 64) { x: 0 .. 1 cells n; y: 0 .. 1 cells 64 periodic }'],
  ['region', 'region disc on plate = (x - 0.5)^2 + (y - 0.5)^2 < 0.1^2'],
  ['field', 'field bump(x, y) = exp(-50*(x^2 + y^2))'],
  ['type', 'type Particles = { x: real[n, 2], v: real[n, 2] }'],
  ['precision', 'precision f64'],
  ['fn', 'fn f(x: real[n], scale = 2) -> real[n] = scale*x, or a block { …; return y }'],
  ['layer', 'layer dense(n, m) { param W: real[m, n] = …; call(x) = W @ x }'],
  ['call', 'call(x) = W @ x, or call(x) { …; return y }'],
  [
    'pde',
    'pde heat(k) on plate { state T: scalar = bump; dt(T) = div(k*grad(T)); boundary x.min { T = 300 } }',
  ],
  ['ode', 'ode ball(g) { state h = 10.0, v = 0.0; dt(h) = v; dt(v) = -g }'],
  ['sde', 'sde ou(kappa, mu, sigma) { state X = 0.0; noise W; d(X) = kappa*(mu - X)*dt + sigma*dW }'],
  ['let', 'let x = 1.0, let (a, b) = f(x)'],
  ['var', 'var x = 1.0, then x = x + 1'],
  ['loss', 'loss misfit = mean((T - T_obs)^2), loss fit(i in 0..500) = …, or a block { …; return e }'],
  ['test', 'test "mass is conserved" { assert abs(m.last - m.first) < 1e-6 }'],
  ['run', 'run { … }, run train { … }'],
  ['state', 'state u: scalar = u0, v: scalar = 0'],
  ['noise', 'noise W, noise W: real[3], noise W on plate'],
  ['driver', 'driver X = cubic(ts, xs)'],
  ['boundary', 'boundary x.min, x.max { T = 300 }'],
  ['monitor', 'monitor energy = integral(T)'],
  ['calculus', 'calculus stratonovich'],
  ['after', 'after step { T = max(T, 0) }'],
  ['event', 'event h = 0 falling { v = -0.8*v }, event at times[i] as i { … }'],
  ['return', 'return x'],
  ['for', 'for i in 0..n { … }'],
  ['while', 'while c limit 1000 { … }'],
  ['if', 'if c { … } else { … }'],
  ['yield', 'yield x, yield x every 10'],
  ['assert', 'assert x > 0, "message"'],
  ['break', 'break when x < 1e-6'],
  ['minimize', 'minimize loss over k using adam(lr: 1e-3) steps 100 { log loss every 10 }'],
  ['maximize', 'maximize gain over k using adam(lr: 1e-3) steps 100 { log gain every 10 }'],
  ['play', 'play { minimize f over x; maximize g over y } using extragradient(lr: 0.1) steps 500'],
  ['reset', 'reset net, opt'],
  ['print', 'print "misfit {misfit}"'],
  ['save', 'save "out.npz" { k, T: path.T }'],
  ['plot', 'plot "k.png": k, path.final.T as heat'],
  ['animate', 'animate "T.gif": path.T'],
  ['check', 'check gradient misfit over k, check order strong of heston using milstein over [16, 32, 64]'],
  ['log', 'log misfit, prior every 10'],
  ['keep', 'keep best validation every 50'],
  ['stop', 'stop when misfit < 1e-6'],
  ['every', 'every 100 { pool = refresh(pool) }'],
]);

/** Forms that differ inside the block of a `minimize`. */
export const optionForms: ReadonlyMap<string, string> = new Map([['save', 'save "ckpt" every 100']]);

/** The form of one axis. */
export const axisForm = 'x: 0 .. 1 cells 64 periodic';

/** Clause words that may stand behind a whole statement, by its first word. */
export const trailingWords: ReadonlyMap<string, readonly string[]> = new Map([
  ['param', ['in', 'via', 'from']],
  ['network', ['from']],
  ['noise', ['on']],
  ['yield', ['every']],
  ['break', ['when']],
  ['minimize', ['batch', 'accumulate', 'steps', 'epochs', 'except']],
  ['plot', ['as']],
  ['animate', ['as']],
  ['fn', ['derivative', 'tangent']],
  ['state', ['on', 'at']],
]);
