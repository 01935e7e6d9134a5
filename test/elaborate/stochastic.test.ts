// Stochastic models: what their equations are taken apart into, and what kind of noise they have.

import { describe, it } from 'vitest';
import { expectValues } from './support.ts';

describe('a stochastic equation', () => {
  it('has a drift and a diffusion, however it is written', async () => {
    await expectValues(
      `precision f64
      sde heston(xi) {
        state S = 100.0, v = 0.25
        noise W: real[2]
        let r = sqrt(max(v, 0))
        d(S) = S*(0.02*dt + r*dW[0])
        d(v) = 1.5*(0.25 - v)*dt + xi*r*(-0.5*dW[0] + sqrt(0.75)*dW[1])
      }
      let m = heston(0.3)
      let y = { S: 50.0, v: 0.09 }`,
      [
        ['m.drift(0.0, y).S', 1],
        ['m.drift(0.0, y).v', 0.24],
        ['m.diffuse(0.0, y, [2.0, 4.0]).S', 30],
        ['m.diffuse(0.0, y, [2.0, 4.0]).v', 0.09 * (-1 + 4 * Math.sqrt(0.75))],
        ['gradient(x => heston(x).diffuse(0.0, y, [0.0, 1.0]).v)(0.3)', 0.3 * Math.sqrt(0.75)],
      ],
    );
  });

  it('may have equations without noise beside it', async () => {
    await expectValues(
      `precision f64
      sde langevin { state x = 1.0, v = 2.0
        noise W
        dt(x) = v
        d(v) = -x*dt - 0.5*v*dt + 0.3*dW }`,
      [
        ['langevin.drift(0.0, { x: 1.0, v: 2.0 }).x', 2],
        ['langevin.drift(0.0, { x: 1.0, v: 2.0 }).v', -2],
        ['langevin.diffuse(0.0, { x: 1.0, v: 2.0 }, 1.0).v', 0.3],
        ['langevin.diffuse(0.0, { x: 1.0, v: 2.0 }, 1.0).x', 0],
      ],
    );
  });
});

describe('the class of a noise', () => {
  const classOf = (states: string, noise: string, equations: string): string => `sde m { state ${states}
      noise ${noise}
      ${equations} }`;
  it.each([
    ['additive', 'x = 1.0', 'W', 'd(x) = -x^3*dt + 0.1*dW'],
    ['additive', 'x: real[3] = 1.0', 'W: real[3]', 'd(x) = -x*dt + 0.1*dW'],
    ['scalar', 'x = 1.0, y = 1.0', 'W', 'd(x) = y*dW\n d(y) = x*dt + x*y*dW'],
    ['diagonal', 'x: real[3] = 1.0', 'W: real[3]', 'd(x) = -sum(x)*dt + sin(x)*dW'],
    ['diagonal', 'x = 1.0, y = 1.0', 'V, W', 'd(x) = x*dV\n d(y) = y^2*dW'],
    ['commutative', 'x = 1.0, y = 1.0', 'W: real[2]', 'd(x) = x*dW[0]\n d(y) = y*dW[0] + y*dW[1]'],
    ['commutative', 'x = 1.0', 'W: real[2]', 'd(x) = 0.1*x*dW[0] + 0.2*x*dW[1]'],
    ['general', 'x = 1.0, y = 1.0', 'W: real[2]', 'd(x) = y*dW[0]\n d(y) = x*dW[1]'],
  ])('%s: %s, noise %s', async (name, states, noise, equations) => {
    await expectValues(classOf(states, noise, equations), [
      [`if m.noise_class == "${name}" then 1 else 0`, 1],
    ]);
  });
});
