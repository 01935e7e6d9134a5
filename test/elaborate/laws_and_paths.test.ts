// Models driven by given paths, noises with a memory, means over the paths of an ensemble, events in stochastic models: against solutions and laws that are known. Numbers that are drawn are allowed five
// standard errors.

import { describe, it } from 'vitest';
import { expectTestsPass } from './support.ts';

const driven = `precision f64
use std.interp { cubic, linear }
use std.ode { rk4, tsit5, euler, midpoint }
use std.sde { heun, brownian, through }
use std.stats { order }
const ts = [0.0, 0.25, 0.5, 0.75, 1.0]
data xs = [0.0, 0.6, 0.3, -0.2, 0.4]
ode growth(x) { state z = 1.0
  driver X = cubic(ts, x)
  d(z) = z*dX }`;

describe('a driver', () => {
  it('leaves methods their order, and is differentiated', () =>
    expectTestsPass(`${driven}
      # d(z) = z dX has the solution z exp(X(t) - X(0)), whatever the path
      test "order" {
        let errors = m => [abs(solve(growth(xs), t: 0 .. 1, steps: n, method: m).final.z - exp(0.4)) for n in [16, 32, 64]]
        assert abs(order(errors(rk4), ratio: 2) - 4) < 0.1
        assert abs(order(errors(euler), ratio: 2) - 1) < 0.2
        assert abs(solve(growth(xs), t: 0 .. 1, method: tsit5, rtol: 1e-9, atol: 1e-9).final.z - exp(0.4)) < 1e-7
      }
      test "derivative" {
        let g = gradient(x => solve(growth(x), t: 0 .. 1, steps: 64, method: rk4).final.z)(xs)
        assert norm(g - exp(0.4)*[-1.0, 0.0, 0.0, 0.0, 1.0]) < 1e-5
      }`));

  it('stands beside dt, and has components', () =>
    expectTestsPass(`${driven}
      ode mixed { state z = 0.0, y = 1.0
        driver X = cubic(ts, xs)
        d(z) = X*dX - 0.5*z*dt
        dt(y) = -y*X }
      test "beside dt" {
        let y = solve(mixed, t: 0 .. 1, steps: 64, method: rk4).final.y
        assert abs(y - exp(-mean(cubic(ts, xs)((linspace(0, 1999, 2000) + 0.5)/2000)))) < 1e-6
      }
      ode plane(x) { state z: real[2] = [1.0, 0.5]
        driver X = linear(ts, x)
        d(z) = [-z[1], z[0]]*dX[0] + [0.5*z[0], -0.5*z[1]]*dX[1] }
      test "two components, one after the other" {
        let p = solve(plane([[0.0, 0.0], [0.4, 0.0], [0.8, 0.0], [0.8, 0.5], [0.8, 1.0]]), t: 0 .. 1, steps: 400, method: midpoint).final.z
        let (c, s) = (cos(0.8), sin(0.8))
        assert norm(p - [exp(0.5)*(c - 0.5*s), exp(-0.5)*(s + 0.5*c)]) < 1e-4
      }`));

  it('may be a rough path', () =>
    expectTestsPass(`${driven}
      sde rough(W) { state z = 1.0
        driver X = W
        d(z) = z*dX }
      test "Brownian, in the sense of Stratonovich" {
        let W = brownian([], t: 0 .. 1, depth: 8)
        assert abs(solve(rough(W), t: 0 .. 1, steps: 256, method: heun).final.z/exp(W.value(1.0)) - 1) < 0.02
        assert abs(solve(rough(through(ts, xs)), t: 0 .. 1, steps: 64, method: heun).final.z/exp(0.4) - 1) < 1e-3
      }
      sde both { state z = 1.0
        driver X = cubic(ts, xs)
        noise B
        d(z) = z*dX + 0.3*z*dB }
      test "beside noise" {
        let z = solve(both, t: 0 .. 1, steps: 64, method: heun, paths: 1000).final.z
        assert abs(mean(log(z)) - (0.4 - 0.045)) < 0.05
      }`));
});

describe('a noise with a memory', () => {
  it('has its covariances in the states, at equal and unequal times', () =>
    expectTestsPass(`precision f64
      use std.sde { euler_maruyama, fbm }
      use std.stats { variance }
      sde path(H) { state X = 0.0
        noise N = fbm(H)
        d(X) = dN }
      sde plane { state X: real[2] = 0.0
        noise W, N: real[2] = fbm(0.8)
        d(X) = dN + 0*dW }
      test "equal steps" {
        let X = solve(path(0.3), t: 0 .. 2, steps: 8, method: euler_maruyama, paths: 4000, save: every(steps: 4)).X
        assert abs(variance(X[2]) - 2^0.6) < 0.2 and abs(mean(X[1]*X[2]) - 0.5*2^0.6) < 0.15
        let Y = solve(plane, t: 0 .. 2, steps: 4, method: euler_maruyama, paths: 2000).final.X
        assert abs(mean(Y[.., 0]^2) - 2^1.6) < 0.5 and abs(mean(Y[.., 0]*Y[.., 1])) < 0.4
      }
      test "given times" {
        let X = solve(path(0.3), times: [0.0, 0.1, 0.5, 2.0], method: euler_maruyama, paths: 4000).final.X
        assert abs(variance(X) - 2^0.6) < 0.2
      }`));

  it('multiplies states path by path', () =>
    expectTestsPass(`precision f64
      use std.sde { heun, fbm }
      use std.stats { variance }
      sde growth { state S = 1.0
        noise N = fbm(0.7)
        d(S) = 0.1*S*dt + 0.5*S*dN }
      test "log S = 0.1 t + B(t)/2" {
        let S = solve(growth, t: 0 .. 1, steps: 32, method: heun, paths: 1000).final.S
        assert abs(mean(log(S)) - 0.1) < 0.08 and abs(variance(log(S)) - 0.25) < 0.06
      }`));
});

describe('a mean over the paths', () => {
  it('gives the moments of a mean field', () =>
    expectTestsPass(`precision f64
      use std.sde { euler_maruyama, heun }
      use std.random { normal }
      use std.stats { variance }
      # d(X) = (a E X - X) dt + s dW: the mean is m exp((a - 1) t), the variance v exp(-2 t) + s^2 (1 - exp(-2 t))/2
      sde field(a) { state X = 1.0
        noise W
        d(X) = (a*expect(X) - X)*dt + 0.5*dW
        monitor m = expect(X) }
      test "moments" {
        for m in [euler_maruyama, heun] {
          let e = solve(field(0.4), from: { X: draw(normal(2, 0.3)) }, t: 0 .. 1, steps: 30, method: m, paths: 3000, save: none).final
          assert abs(mean(e.X) - 2*exp(-0.6)) < 0.06
          assert abs(variance(e.X) - (0.09*exp(-2) + 0.125*(1 - exp(-2)))) < 0.02
          assert max(abs(e.m - mean(e.X))) < 1e-12
        }
      }`));

  it('stands still where a method differentiates along one path', () =>
    expectTestsPass(`precision f64
      use std.sde { euler_maruyama, heun, milstein }
      sde spread { state X = 1.0
        noise W
        d(X) = 0.4*sqrt(expect((X - expect(X))^2) + 1)*X*dW }
      test "Ito and Stratonovich methods keep the mean" {
        for m in [euler_maruyama, milstein(), heun] {
          assert abs(mean(solve(spread, t: 0 .. 1, steps: 32, method: m, paths: 1500, save: none).final.X) - 1) < 0.08
        }
      }`));

  it('may be the condition of an event, whose time is that of all paths', () =>
    expectTestsPass(`precision f64
      use std.sde { euler_maruyama }
      # E X = t until it is 1/2
      sde herd { state X = 0.0
        noise W
        d(X) = dt + 0.3*dW
        event expect(X) = 0.5 rising { stop } }
      test "when and where" {
        let p = solve(herd, t: 0 .. 1, steps: 7, method: euler_maruyama, paths: 4000, save: none)
        assert abs(p.events.time[0, 0] - 0.5) < 0.03 and p.events.time[0, 0] == p.events.time[17, 0]
        assert abs(mean(p.final.X) - 0.5) < 1e-10
      }`));
});

describe('an event in a stochastic model', () => {
  it('is a first passage, seen at the ends of steps', () =>
    expectTestsPass(`precision f64
      use std.sde { euler_maruyama }
      use std.special { normal_cdf }
      sde walk(b) { state X = 0.0
        noise W
        d(X) = dW
        event X = b rising { stop } }
      test "its probability, with its bias" {
        let b = 0.8
        let e = solve(walk(b), t: 0 .. 1, steps: 64, method: euler_maruyama, paths: 1000, save: none)
        let hit = mean([real(c) for c in e.events.count])
        # as if the barrier stood 0.5826 sqrt(h) further off (Broadie, Glasserman & Kou 1997)
        assert abs(hit - 2*(1 - normal_cdf(b + 0.5826/8))) < 0.065
        assert abs(max(e.final.X) - b) < 1e-12
      }`));

  it('happens at the times of a timetable, and again and again', () =>
    expectTestsPass(`precision f64
      use std.sde { euler_maruyama }
      use std.stats { variance }
      sde dosed(times) { state c = 1.0
        noise W
        d(c) = -0.5*c*dt + 0.2*dW
        event at times[i] as i { c = c + 1 } }
      test "doses" {
        let e = solve(dosed([0.33, 0.77]), t: 0 .. 1, steps: 10, method: euler_maruyama, paths: 1000, save: none)
        assert abs(mean(e.final.c) - (exp(-0.5) + exp(-0.335) + exp(-0.115))) < 0.04
        assert abs(variance(e.final.c) - 0.04*(1 - exp(-1.0))) < 0.007
        assert max(e.events.count) == 2 and min(e.events.count) == 2
      }
      sde firing { state X = 0.0, n = 0.0
        noise W
        d(X) = 2*dt + 0.3*dW
        dt(n) = 0
        event X = 0.5 rising { X = 0; n = n + 1 } }
      test "renewals" {
        # passages of mean 1/4 and variance b s^2/v^3: 8 + (var/mean^2 - 1)/2 in a time of 2, fewer by the bias
        let n = solve(firing, t: 0 .. 2, steps: 100, method: euler_maruyama, paths: 100, save: none).final.n
        assert abs(mean(n) - 7.2) < 0.5
      }`));

  it('meets one and the same given path', () =>
    expectTestsPass(`precision f64
      use std.sde { euler_maruyama, brownian }
      sde walk { state X = 0.0
        noise W
        d(X) = dW
        event X = 0.05 { X = X } }
      test "and leaves it as it is" {
        let W = brownian([], t: 0 .. 1, depth: 10)
        let p = solve(walk, t: 0 .. 1, steps: 16, method: euler_maruyama, noise: W, save: none)
        assert abs(p.final.X - W.value(1.0)) < 1e-12
      }`));
});

describe('same_draws', () => {
  it('is one sample of a function, wherever it is called', () =>
    expectTestsPass(`precision f64
      use std.random { normal }
      test "twice, and in a loop" {
        let f = same_draws(a => a*draw(normal(0, 1)))
        assert f(2.0) == 2*f(1.0)
        let all = [f(1.0) for k in 0..3]
        assert all[0] == all[2] and all[0] == f(1.0)
        let g = same_draws(a => a*draw(normal(0, 1)))
        assert g(1.0) != f(1.0)
      }`));
});
