// Rules of functions, linear equations, implicit functions, checks, as programs: on numbers, records, fields, complex numbers; nested; against formulas and differences.

import { describe, expect, it } from 'vitest';
import { codes, expectTestsPass } from './support.ts';

describe('functions with rules', () => {
  it('of records, ints and functions; to second order', () =>
    expectTestsPass(`
precision f64
fn product(w, x) = w*x^2 derivative (w, x, y, ybar) => (x^2*ybar, 2*w*x*ybar)
fn tangents(w, x) = w*x^2 tangent (w, x, wdot, xdot) => x^2*wdot + 2*w*x*xdot
fn with_result(x) = exp(x) tangent (x, y, xdot) => y*xdot
fn clipped(x) = x derivative (x, y, ybar) => clip(ybar, -1, 1)
fn scaled(p, n, act) = act(sum(p.a)*p.b)*n derivative (p, n, act, y, ybar) => ({ b: ybar*sum(p.a)*n, a: ones([3])*p.b*n*ybar }, 0, 0)
fn blend(p, s) = { x: p.x*s, y: p.y*p.x } derivative (p, s, y, ybar) => ({ x: ybar.x*s + sum(ybar.y*p.y), y: ybar.y*p.x }, ybar.x*p.x)
test "forwards, backwards, twice" {
  for f in [product, tangents] {
    assert abs(gradient(q => f(q.w, q.x))({ w: 2.0, x: 3.0 }).w - 9) < 1e-12
    assert abs(jvp(x => f(2.0, x), 3.0, 1.0) - 12) < 1e-12
    assert abs(hessian(x => f(x[0], x[1]))([2.0, 3.0])[0, 1] - 6) < 1e-12
    assert max(abs(gradient(xs => sum(f(2.0, x) for x in xs))([0.5, 1.0]) - [2.0, 4.0])) < 1e-12
  }
  assert abs(gradient(gradient(with_result))(0.5) - exp(0.5)) < 1e-12
}
test "what is not linear goes backwards" { assert gradient(x => 5*clipped(x))(3.0) == 1 }
test "structures" {
  let d = gradient(p => scaled(p, 2, x => x))({ a: [1.0, 2.0, 3.0], b: 4.0 })
  assert abs(d.b - 12) + max(abs(d.a - 8)) < 1e-12
  let g = gradient(q => blend(q, 2*q.x).x + sum(blend(q, 2*q.x).y))({ x: 3.0, y: [1.0, 2.0, 3.0] })
  assert abs(g.x - 18) + norm(g.y - 3) < 1e-12
}`));

  it('recompute blocks are values', () =>
    expectTestsPass(`
precision f64
test "as without" {
  let f = x => { let y = recompute { return { a: sin(x), n: 3 } }
    return sum(y.a^y.n) }
  assert norm(gradient(f)([0.5, 1.0]) - 3*sin([0.5, 1.0])^2*cos([0.5, 1.0])) < 1e-12
}`));
});

describe('linear equations', () => {
  it('of matrices, functions, complex numbers and fields', () =>
    expectTestsPass(`
precision f64
use std.linalg { gmres }
domain plate { x: 0 .. 1 cells 6; y: 0 .. 1 cells 6 }
param k: scalar on plate = 1.0
test "numbers" {
  assert norm(linsolve([[2, 0], [0, 4]], [1, 2]) - [0.5, 0.5]) < 1e-12
  assert abs(linsolve(x => 4*x, 2.0) - 0.5) < 1e-12
}
test "complex" {
  let b = [1 + 0i, 2i]
  for s in [gmres(restart: 4)] { assert norm((1 + 2i)*linsolve(x => (1 + 2i)*x, b, using: s) - b) < 1e-10 }
  let A = [[1 + 2i, 1 + 0i], [0i, 2 - 1i]]
  assert norm(A @ linsolve(A, b) - b) < 1e-10
}
test "fields" {
  assert norm(values(gradient(sum(values(k*linsolve(u => k*u, k))), over: k)) - 1) < 1e-10
}
test "adjoints" {
  let A = [sin(i + 2*j) for i in 0..3, j in 0..2]
  let y = [1.0, -1.0, 2.0]
  assert norm(adjoint(x => A @ x, like: zeros([2]))(y) - transpose(A) @ y) < 1e-12
  assert norm(adjoint(x => cumsum(x))([1.0, 2.0, 3.0]) - [6.0, 5.0, 3.0]) < 1e-12
}`));

  it('a branch with a solve is a branch', async () => {
    const program = `
use std.linalg { cg }
input c: real = 2.0
test "not taken" { assert (if c < 1 then linsolve(x => -x, [1.0, 2.0], using: cg(limit: 1))[0] else c) == 2 }`;
    await expectTestsPass(program);
  });
});

it('implicit functions in implicit functions', () =>
  expectTestsPass(`
precision f64
test "fixed points, twice" {
  let inner = a => fixed_point(y => 0.5*a*cos(y), from: 0.3)
  let outer = c => fixed_point(z => inner(c + 0.2*z)/3, from: 0.1)
  let h = 1e-4
  assert abs(gradient(outer)(1.0) - (outer(1.0 + h) - outer(1.0 - h))/(2*h)) < 1e-7
  assert abs(gradient(gradient(outer))(1.0) - (outer(1.0 + h) - 2*outer(1.0) + outer(1.0 - h))/h^2) < 1e-5
}`));

it('checked wants a truth value and a message', () => {
  expect(codes('let x = checked(1.0, 2, "m")')).toEqual(['E192']);
  expect(codes('let x = checked(1.0, true, 3)')).toEqual(['E112']);
});
