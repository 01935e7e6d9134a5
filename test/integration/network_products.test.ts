// A batch through a network is a matrix product, also in the derivatives of a physics-informed loss and in its gradient: the plan of a training step shows how many.

import { describe, expect, test } from 'vitest';
import { compiled } from './support.ts';

const WIDTH = 32;

const program = (points: number): string => `use std.nn { mlp }
use std.optim { adam }
use std.random { uniform }
domain strip { x: -1 .. 1 }
pde burgers on strip { state u: scalar = -sin(pi*x)
  dt(u) = -u*dx(u) + 0.01*dxx(u) }
network net = mlp([2, ${WIDTH}, ${WIDTH}, ${WIDTH}, 1], tanh)
field u_net(x, t) = net([x, t])[0]
let r = residual(burgers, { u: u_net })
data xs = draw(uniform(-1, 1), [${points}])
data ts = draw(uniform(0, 1), [${points}])
loss inside = mean(r.u(xs, ts)^2)
run { minimize inside over net using adam(1e-3) steps 2 }
`;

/** The kernels of a step in their order, and the sizes of products, largest first. */
function stepOf(points: number): { readonly kernels: number; readonly products: readonly string[] } {
  const { plan } = compiled({ path: 'pinn.flow', text: program(points) });
  const name = Object.keys(plan.procedures).find((p) => /^minimize.*\.step$/.test(p)) ?? '';
  const kernels = (plan.procedures[name]?.steps ?? []).flatMap((step) =>
    step.kind === 'dispatch' ? [plan.kernels[step.kernel]] : [],
  );
  const products = kernels.flatMap((k) =>
    k?.kind === 'matmul' ? [[k.m, k.n, k.k].sort((a, b) => b - a).join(' x ')] : [],
  );
  return { kernels: kernels.length, products };
}

describe('a physics-informed step with u, u_t, u_x, u_xx', () => {
  const small = stepOf(1024);
  const large = stepOf(4096);

  test('four products of points by weights a hidden layer, and twice as many backwards', () => {
    const whole = (points: number): string => `${points} x ${WIDTH} x ${WIDTH}`;
    expect(small.products.filter((s) => s === whole(1024)).length).toBe(2 * 12);
    expect(large.products.filter((s) => s === whole(4096)).length).toBe(2 * 12);
  });

  test('the kernels of a step are the same for every number of points, fewer than a hundred', () => {
    expect(large.kernels).toBe(small.kernels);
    expect(large.kernels).toBeLessThan(100);
  });
});
