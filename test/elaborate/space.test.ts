// `space:` of a solve: schemes as records, by axes and from the program itself; exact gradients through maps of whole axes; what exponential methods find in a model.

import { describe, expect, it } from 'vitest';
import { expectTestsPass, evaluate, messages } from './support.ts';

const std = `precision f64
use std.ode { rk4, etdrk2, etdrk4 }
use std.space { central, spectral, upwind, muscl, weno5 }
domain ring(n = 8) { x: 0 .. 2*pi cells n periodic }
domain line(n = 6) { x: 0 .. 1 cells n }
domain torus(n = 8) { x: 0 .. 2*pi cells n periodic; y: 0 .. 2*pi cells n + 1 periodic }
`;

describe('space schemes', () => {
  it('central(2) is what a solve does without one, on walls too', async () => {
    const out = await evaluate(
      `${std}
pde heat(k) on line { state T: scalar = 1 + x
  dt(T) = div(k*(1 + T)*grad(T)) - dx(T^2)
  boundary x.min { T = 1 }
  boundary x.max { dn(T) = 0.3 - T } }
let a = solve(heat(0.1), t: 0 .. 0.02, steps: 4, method: rk4).final.T
let b = solve(heat(0.1), t: 0 .. 0.02, steps: 4, method: rk4, space: central(2)).final.T
let c = solve(heat(0.1), t: 0 .. 0.02, steps: 4, method: rk4, space: { x: central(4) }).final.T`,
      { same: 'norm(a - b)', near: 'norm(a - c)/norm(a)' },
    );
    expect(out['same']).toBeLessThan(1e-13);
    expect(out['near']).toBeLessThan(0.01);
    expect(out['near']).toBeGreaterThan(1e-6);
  });

  it('axes have schemes of their own, and a program may write its own', async () => {
    await expectTestsPass(`${std}
let mine = { face: [0.5, 0.5], slope: [-1.0, 1.0], derivatives: [[-0.5, 0.0, 0.5]] }
let shifted = { whole: (u, k) => if k.order == 1 then (roll(u, 1, axis: k.axis) - u)/(k.length/shape(u)[k.axis]) else u }
pde wave on torus { state u: scalar = sin(x)*cos(2*y)
  dt(u) = dx(u) + dyy(u) }
const rate = { order: 1, step: (sys, k, y, mem) => { y: sys.rhs(k.t, y), mem: mem } }
fn found(s) = solve(wave, t: 0 .. 1, steps: 1, method: rate, space: s).final.u
field exact(x, y) = cos(x)*cos(2*y) - 4*sin(x)*cos(2*y)
fn size_of(u) = sqrt(mean(values(u)^2))
test "each axis by itself" {
  assert size_of(found({ x: spectral, y: spectral }) - exact) < 1e-12
  assert norm(found(spectral) - found({ y: spectral, x: spectral })) == 0
  let mixed = size_of(found({ x: spectral }) - exact)
  assert mixed > 0.1
  assert norm(found(mine) - found(central(2))) < 1e-13
  assert norm(found({ x: shifted, y: spectral }) - found({ x: central(2), y: spectral })) > 0.01
}
`);
  });

  it('gradients through maps of whole axes are exact', async () => {
    await expectTestsPass(`${std}
param k: scalar on ring = bump
field bump(x) = 1 + 0.2*sin(x)
pde heat on ring { state T: scalar = exp(sin(x))
  dt(T) = div(k*grad(T)) - T*dx(T) }
fn loss_of(q, s) = with k = q { return sum(solve(heat, t: 0 .. 0.02, steps: 1, method: explicit((f, t, y, h) => y + h*f(t, y), order: 1), space: s).final.T^3) }
let v = [sin(3.0*j + 1) for j in 0..8]
test "against differences, forwards and backwards" {
  for s in [spectral, weno5(eps: 0.1)] {
    let f = a => loss_of(k + a*grid(ring, v), s)
    let slope = dot(gradient(q => loss_of(q, s))(k), grid(ring, v))
    let e = 1e-4
    assert abs(slope - (8*(f(e) - f(-e)) - (f(2*e) - f(-2*e)))/(12*e)) < 1e-7*max(abs(slope), 1.0)
    assert abs(jvp(f, 0.0, 1.0) - slope) < 1e-11*max(abs(slope), 1.0)
  }
}
`);
  });

  it('upwind schemes take walls, vectors and fluxes with derivatives; terms of other states stay central', async () => {
    await expectTestsPass(`${std}
field bump(x, y) = sin(x)*cos(y)
pde gas on torus { state u: vector = (bump, 0.5), p: scalar = bump
  dt(u) = -advect(u, u) - grad(p) + 0.1*lap(u)
  dt(p) = -p*div(u) - u.x*dx(p) + 0.1*div((1 + p^2)*grad(p)) }
pde inflow on line { state c: scalar = 0
  dt(c) = -dx(2*c - 0.01*dx(c))
  boundary x.min { c = 1 }
  boundary x.max { dn(c) = 0 } }
fn rates(s) = step(gas, { order: 1, step: (sys, k, y, mem) => { y: sys.rhs(k.t, y), mem: mem } }, 0.0, gas.initial, 1.0, space: s)
test "against central differences, which differ by the dissipation alone" {
  let (a, b, c) = (rates(central(2)), rates(upwind), rates(weno5()))
  assert norm(values(b.u.x - a.u.x)) > 0.1 and norm(values(c.u.x - a.u.x)) > 0.01
  # of what carries p, -u.x*dx(p), and of nothing else
  let p = gas.initial.p
  assert norm(values(b.p) - values(a.p) - values(abs(gas.initial.u.x)*(pi/8)*diff(p, torus.x, 2))) < 1e-12
}
test "an inflow fills the line without overshoot" {
  for s in [upwind, muscl(), weno5()] {
    let end = values(solve(inflow, t: 0 .. 0.3, steps: 12, method: rk4, space: s).final.c)
    assert max(end) < 1.02 and min(end) > -1e-9 and end[0] > 0.9
    assert min(end[0..5] - end[1..6]) > -1e-3
  }
}
`);
  });

  it('refuses what is no scheme', () => {
    const of = (space: string): string =>
      messages(`${std}pde m on line { state u: scalar = x
  dt(u) = dxx(u)
  boundary x.min, x.max { dn(u) = 0 } }
let a = solve(m, t: 0 .. 1, steps: 2, method: rk4, space: ${space}).final.u`);
    expect(of('4')).toMatch(/`space:` is a scheme of std.space, or a record of schemes by coordinates/);
    expect(of('spectral')).toMatch(/this scheme needs periodic axes, but `x` of line has walls/);
    expect(of('{ y: central(2) }')).toMatch(/`space:` has a part `y`/);
    expect(of('{ face: [1.0], slope: [1.0, -1.0] }')).toMatch(
      /`face` of a space scheme is a list of an even number/,
    );
  });
});

describe('the linear part', () => {
  it('is found term by term, with a label or without', async () => {
    await expectTestsPass(`${std}
pde front(a) on ring { state u: scalar = 0.4 + 0.3*cos(x)
  dt(u) = smooth: 0.2*dxx(u) + u*(1 - u) - a*dx(u) }
fn last(method, n) = values(solve(front(0.3), t: 0 .. 0.4, steps: n, method: method, space: spectral).final.u)
test "the same end" {
  let exact = last(rk4, 20)
  assert norm(last(etdrk4, 5) - exact) < 1e-6
  assert norm(last(etdrk4("smooth"), 5) - exact) < 1e-5
  assert norm(last(etdrk2(), 5) - exact) < 3e-3
}
`);
  });

  it('with walls, places or sources it is a matrix, and gives the same', async () => {
    await expectTestsPass(`${std}
pde uneven on ring { state u: scalar = sin(x)
  dt(u) = div((1 + 0.5*cos(x))*grad(u)) + sin(t) }
pde walls on line { state u: scalar = x*(1 - x)
  dt(u) = 0.1*dxx(u) + u^2
  boundary x.min, x.max { u = 0 } }
test "against rk4" {
  for m in [uneven, walls] {
    let last = (method, n) => values(solve(m, t: 0 .. 0.05, steps: n, method: method).final.u)
    assert norm(last(etdrk4, 3) - last(rk4, 15)) < 1e-7
  }
}
`);
  });

  it('says when there is none', () => {
    const of = (right: string, method: string): string =>
      messages(`${std}pde m on ring { state u: scalar = sin(x)
  dt(u) = ${right} }
let a = solve(m, t: 0 .. 1, steps: 2, method: ${method}).final.u`);
    expect(of('u*dx(u)', 'etdrk4')).toMatch(/no term of m is linear in the states/);
    expect(of('a: u*dx(u) + b: dxx(u)', 'etdrk4("a")')).toMatch(/the terms `a` of m are not linear/);
    expect(of('a: t*dxx(u)', 'etdrk4("a")')).toMatch(/coefficients that do not change in time/);
    expect(of('a: dxx(u) + 1', 'etdrk4("c")')).toMatch(/no term of m has the label `c`/);
  });
});
