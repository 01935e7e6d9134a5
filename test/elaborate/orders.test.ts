// `check order`: the order that is observed is printed, one that is too low ends the run.

import { describe, expect, it } from 'vitest';
import { printed } from './support.ts';

const decay = `precision f64
  use std.ode { rk4, euler }
  ode decay { state y = 1.0
    dt(y) = -y }
  let boastful = { ...euler, order: 2 }`;

describe('check order', () => {
  it('prints what it observes', async () => {
    const [line = ''] = await printed(
      `${decay}\nrun { check order of decay using rk4 over [4, 8, 16] on 0 .. 2 }`,
    );
    expect(line).toMatch(/^check order 4: observed 4\.\d+, errors \[[^\]]+\] with 4, 8, 16 steps$/);
  });
  it('fails for a method that promises too much', async () => {
    await expect(
      printed(`${decay}\nrun { check order of decay using boastful over [8, 16] }`),
    ).rejects.toThrow(/order 2: observed 1\.\d+/);
  });
  it('sees strong orders on shared paths', async () => {
    const [line = ''] = await printed(`precision f64
      use std.sde { euler_maruyama }
      sde walk { state x = 1.0
        noise W
        d(x) = -x*dt + 0.5*x*dW }
      run { check order strong of walk using euler_maruyama over [2, 4] }`);
    expect(line).toMatch(/^check strong order 0\.5: observed \d\.\d+, errors/);
  });
});
