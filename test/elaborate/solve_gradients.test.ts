// Gradients through solves against formulas and differences: by initial values, parameters and times, through adaptive steps, events and paths.

import { describe, expect, it } from 'vitest';
import { evaluate, expectValues } from './support.ts';

const std = `use std.ode { rk4, tsit5, dopri5, heun, verlet }
use std.sde { euler_maruyama, reversible_heun }
`;

describe('adaptive steps', () => {
  const program = (adjoint: string): string => `${std}
ode pendulum(g) { state q = 1.0, v = 0.0
  dt(q) = v
  dt(v) = -g*sin(q) }
fn loss(p, s) = s.final.q*p.g + s.final.v
fn chosen(p) = loss(p, solve(pendulum(p.g), t: 0 .. p.T, method: tsit5, rtol: 1e-9, atol: 1e-9, limit: 300, from: { q: p.q }, adjoint: ${adjoint}))
fn fixed(p) = loss(p, solve(pendulum(p.g), t: 0 .. p.T, steps: 400, method: rk4, from: { q: p.q }))
let at = { g: 1.3, q: 0.7, T: 3.0 }
let d = 1e-5
let differences = [(chosen({ ...at, g: 1.3 + d }) - chosen({ ...at, g: 1.3 - d }))/(2*d), (chosen({ ...at, q: 0.7 + d }) - chosen({ ...at, q: 0.7 - d }))/(2*d), (chosen({ ...at, T: 3 + d }) - chosen({ ...at, T: 3 - d }))/(2*d)]
let a = flatten(gradient(chosen)(at))
let b = flatten(gradient(fixed)(at))`;

  it.each(['store', 'checkpoint(memory: "2 KB")', 'continuous'])(
    'have the gradient of fixed steps and of differences: %s',
    async (adjoint) => {
      await expectValues(program(adjoint), [
        ['norm(a - b) < 1e-7*norm(b)', 1],
        // The steps move with the parameters, and differences see it.
        ['norm(a - differences) < 1e-5*norm(b)', 1],
        ['norm(b) > 0.5', 1],
      ]);
    },
  );
});

describe('events', () => {
  const ball = `${std}
ode ball(height, bounce) { state h = height, v = 0.0
  dt(h) = v
  dt(v) = -9.81
  event h = 0 falling { v = -bounce*v } }
fn end(H) = solve(ball(H, 0.8), t: 0 .. 3, method: dopri5, rtol: 1e-7, atol: 1e-7, limit: 16)
fn exact(H) { let t = sqrt(2*H/9.81);  return 0.8*sqrt(2*9.81*H)*(3 - t) - 0.5*9.81*(3 - t)^2 }`;

  it('a ball that bounces: its height at the end, and the time, by the height it falls from', async () => {
    await expectValues(ball, [
      ['abs(gradient(H => end(H).final.h)(10.0) - gradient(exact)(10.0)) < 1e-7', 1],
      ['abs(gradient(H => end(H).events.time[0])(10.0) - 0.5*sqrt(2/98.1)) < 1e-8', 1],
    ]);
  });

  it('an elastic wall turns a velocity round, and its derivative', async () => {
    await expectValues(
      `${std}
ode wall { state x = 0.0, v = 1.0
  dt(x) = v
  dt(v) = 0*v
  event x = 1 rising { v = -v } }
fn speed(v) = solve(wall, t: 0 .. 2, steps: 7, method: rk4, from: { v: v }).final.v
fn place(v) = solve(wall, t: 0 .. 2, steps: 7, method: rk4, from: { v: v }).final.x`,
      [
        ['gradient(speed)(1.1)', -1],
        // x = 2 - 2 v
        ['gradient(place)(1.1)', -2],
      ],
      { tolerance: 1e-10 },
    );
  });
});

describe('times', () => {
  it('the last one moves the end along the rate', async () => {
    await expectValues(
      `${std}
ode decay { state y = 2.0
  dt(y) = -y^2 }
fn end(t) = solve(decay, times: t, method: rk4).final.y
let slope = gradient(end)(linspace(0, 1, 41))`,
      [
        // y = 2/(1 + 2 t)
        ['abs(slope.last + 4/9) < 1e-6', 1],
        ['abs(slope[0] - 4/9) < 1e-6 and max(abs(slope[1..40])) < 1e-5', 1],
      ],
    );
  });
});

describe('paths', () => {
  it('the mean of geometric Brownian motion moves by T E[S] with the rate, whatever way the gradient goes', async () => {
    const text = `precision f64
${std}
sde growth(mu) { state S = 1.0
  noise W
  d(S) = mu*S*dt + 0.2*S*dW }
param mu = 0.1
let stored = mean(solve(growth(mu), t: 0 .. 2, steps: 40, method: euler_maruyama, paths: 500).final.S)
let back = mean(solve(growth(mu), t: 0 .. 2, steps: 40, method: reversible_heun, paths: 500, adjoint: reversible).final.S)`;
    const out = await evaluate(text, {
      stored: 'stored',
      by: 'gradient(stored, over: mu)',
      back: 'back',
      reversible: 'gradient(back, over: mu)',
    });
    const value = (name: string): number => Number(out[name]);
    // Of Euler and Maruyama's steps T E[S]/(1 + mu h); of so many paths to 1e-3.
    expect(value('by') / (2 * value('stored'))).toBeCloseTo(1 / 1.005, 2);
    expect(value('reversible') / (2 * value('back'))).toBeCloseTo(1, 2);
    // 500 paths with a standard deviation of 0.35 and a mean of 1.22: four standard errors.
    expect(Math.abs(value('stored') - Math.exp(0.2))).toBeLessThan(0.07);
    expect(Math.abs(value('back') - Math.exp(0.2))).toBeLessThan(0.07);
  });
});
