// `residual` and `rhs` of models with functions in place of states: zero for exact solutions of every kind of equation and condition, exact derivatives, domains of coordinates only; what is refused.

import { describe, expect, test } from 'vitest';
import { codes, expectValues } from './support.ts';

const zero = 0;

describe('the residual of an exact solution is zero', () => {
  test('in one dimension: equation, start and conditions of every kind', () =>
    expectValues(
      `domain rod { x: 0 .. 1 cells 8 }
       pde heat(k) on rod {
         state T: scalar = sin(x)
         dt(T) = div(k*grad(T)) + source: 0*t
         boundary x.min { T = 0 }
         boundary x.max { dn(T) + 2*T = exp(-k*t)*(cos(1) + 2*sin(1)) }
       }
       field exact(x, t) = exp(-0.3*t)*sin(x)
       field wrong(x, t) = exp(-0.3*t)*sin(x) + x
       let r = residual(heat(0.3), { T: exact })
       let w = residual(heat(0.3), { T: wrong })`,
      [
        ['r.T(0.4, 0.7)', zero],
        ['r.T([0.1, 0.2], 0.5)', [zero, zero]],
        ['r.initial.T(0.9)', zero],
        ['r.boundary[0].T(0.6)', zero],
        ['r.boundary[1].T(0.6)', zero],
        // x adds nothing to the equation, x to the start, 0 and 1 + 2 to the conditions.
        ['[w.T(0.4, 0.7), w.initial.T(0.9), w.boundary[0].T(0.6), w.boundary[1].T(0.6)]', [0, 0.9, 0, 3]],
      ],
    ));

  test('of second order in time, with the lower wall', () =>
    expectValues(
      `domain string { x: 0 .. 1 }
       pde wave on string {
         state u: scalar = sin(2*x), dt(u) = 0
         dt(u, 2) = 4*dxx(u)
         boundary x.min { dn(u) = -2*cos(4*t) }
       }
       field standing(x, t) = sin(2*x)*cos(4*t)
       let r = residual(wave, { u: standing })`,
      [
        ['r.u(0.3, 0.8)', zero],
        ['r.initial.u(0.2)', zero],
        ['r.boundary[0].u(0.9)', zero],
      ],
    ));

  test('of vectors in the plane, nonlinear', () =>
    expectValues(
      `domain box { x: 0 .. 1; y: 0 .. 1 }
       pde flow(nu) on box {
         state u: vector = (-cos(x)*sin(y), sin(x)*cos(y)), p: scalar = 0
         dt(u) = -advect(u, u) - grad(p) + nu*lap(u)
         div(u) = 0
       }
       field ux(x, y, t) = -cos(x)*sin(y)*exp(-0.2*t)
       field uy(x, y, t) = sin(x)*cos(y)*exp(-0.2*t)
       field p(x, y, t) = -(cos(2*x) + cos(2*y))/4*exp(-0.4*t)
       let r = residual(flow(0.1), { u: (ux, uy), p: p })`,
      [
        ['[r.u.x(0.3, 0.4, 0.2), r.u.y(0.3, 0.4, 0.2), r.p(0.3, 0.4, 0.2)]', [zero, zero, zero]],
        ['[r.initial.u.x(0.3, 0.4), r.initial.u.y(0.3, 0.4)]', [zero, zero]],
      ],
    ));

  test('of ordinary equations: functions of the time', () =>
    expectValues(
      `ode decay(k) { state a = 1.0, b = 0.0
         dt(a) = -k*a
         2*dt(b) = k*a + dt(b) }
       field a(t) = exp(-2*t)
       field b(t) = 1 - exp(-2*t)
       let r = residual(decay(2.0), { a, b })`,
      [['[r.a(0.4), r.b(0.4), r.initial.a(), r.initial.b()]', [zero, zero, zero, zero]]],
    ));
});

test('networks are differentiated exactly, and by their weights', () =>
  expectValues(
    `use std.nn { mlp }
     domain strip { x: 0 .. 1 }
     pde burgers on strip { state u: scalar = 0
       dt(u) = -u*dx(u) + 0.1*dxx(u) }
     network net = mlp([2, 5, 1], tanh)
     field u(x, t) = net([x, t])[0]
     let r = residual(burgers, { u: u })
     fn value(x, t) = net([x, t])[0]
     let by_hand = {
       let ut = gradient(s => value(0.3, s))(0.4)
       let ux = gradient(s => value(s, 0.4))(0.3)
       let uxx = gradient(gradient(s => value(s, 0.4)))(0.3)
       return ut + value(0.3, 0.4)*ux - 0.1*uxx
     }
     loss l = mean(r.u(p.x, p.t)^2 for p in { x: [0.1, 0.5], t: [0.2, 0.3] })
     let slope = gradient(l, over: net)
     let h = 1e-6
     let change = ((with net = net + h*slope { return l }) - (with net = net - h*slope { return l }))/(2*h)`,
    [
      ['r.u(0.3, 0.4) - by_hand', 0],
      ['change/dot(slope, slope)', 1],
    ],
    { tolerance: 1e-7 },
  ));

test('rates as functions, at a time', () =>
  expectValues(
    `domain ring { x: 0 .. 2*pi cells 16 periodic }
     pde heat on ring { state u: scalar = 0
       dt(u) = 0.5*dxx(u) + t }
     fn wave(k) { field u(x) = sin(k*x); return u }
     let a = rhs(heat, { u: wave(2) }).u
     let b = rhs(heat, { u: wave(2) }, t: 3).u`,
    [
      ['a(0.3)', -2 * Math.sin(0.6)],
      ['b(0.3)', -2 * Math.sin(0.6) + 3],
      ['max(abs(a(ring.x) + 2*values(sin(2*ring.x))))', 0],
    ],
    { tolerance: 1e-12 },
  ));

test('functions are differentiated without a domain', () =>
  expectValues(
    `domain plane { x: 0 .. 1; y: 0 .. 1 }
     field f(x, y) = x^2*y
     let g = grad(f)`,
    [
      ['[dx(f)(2, 3), dxy(f)(2, 3), lap(f)(2, 3), g[1](2, 3), div(g)(2, 3)]', [12, 4, 6, 4, 6]],
      ['(dx(f)*f)([1, 2], 3)', [18, 144]],
    ],
  ));

describe('refused', () => {
  const model = `domain rod { x: 0 .. 1 }
pde heat on rod { state T: scalar = 0
 dt(T) = dxx(T) }
domain cells { x: 0 .. 1 cells 8 }
`;
  test.each([
    ['run { let r = residual(heat, { u: 1.0 }) }', 'E346'],
    ['run { let r = residual(heat, {}) }', 'E319'],
    ['run { let r = residual(heat, { T: zeros([3]) }) }', 'E319'],
    ['run { let r = residual(heat, { T: grid(cells, ones([8])) }) }', 'E319'],
    ['field f(z) = z\nrun { let r = residual(heat, { T: f }) }', 'E338'],
    ['use std.ode { rk4 }\nrun { let s = solve(heat, t: 0 .. 1, steps: 3, method: rk4).final.T }', 'E325'],
    ['run { print "{values(rod.x)}" }', 'E325'],
  ])('%s', (text, code) => {
    expect(codes(model + text)).toContain(code);
  });
});
