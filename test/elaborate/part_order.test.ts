// Parts of records have names and no order: wherever two values of one structure meet, they meet by name.

import { describe, expect, it } from 'vitest';
import { messages, value } from './support.ts';

const std = 'precision f64\nparam p: real = 1.0\n';
const meets: readonly (readonly [string, string, number | readonly number[]])[] = [
  [
    'branches',
    '{ let r = if p < 0 then { a: 1.0, b: 2.0 } else { b: 3.0, a: 4.0 };  return [r.a, r.b] }',
    [4, 3],
  ],
  [
    'branches that are computed apart',
    '{ let r = if p < 0 then { a: p, b: p } else { b: sum(sin(k*p)^0 for k in 1..200), a: 4.0 };  return [r.a, r.b] }',
    [4, 199],
  ],
  ['elements of a list', '{ let r = [{ a: p, b: 2*p }, { b: 3*p, a: 4*p }];  return r.a }', [1, 4]],
  ['a direction', 'jvp(z => z.a^2*z.b, { b: 3*p, a: 2*p }, { a: 1.0, b: 0.0 })', 12],
  ['a direction of second order', 'hvp(z => z.a^2*z.b, { a: p, b: 3*p }, { b: 1.0, a: 0.0 }).a', 2],
  [
    'a cotangent',
    '{ let w = vjp(x => { u: x.a^2, v: x.b }, { a: p, b: p }).pull({ v: 1.0, u: 10.0 });  return [w.a, w.b] }',
    [20, 1],
  ],
  [
    'what a loop carries',
    '{ var q = { a: p, b: 2*p };  for i in 0..3 { q = { b: q.b + 1, a: q.a } };  return [q.a, q.b] }',
    [1, 5],
  ],
  [
    'what a loop makes real',
    '{ var q = { a: 1, b: 2 };  for i in 0..3 { q = { b: q.b + p, a: q.a } };  return [q.a, q.b] }',
    [1, 5],
  ],
  [
    'what is added at places',
    '{ var q = [{ a: p, b: 2*p } for k in 0..2];  q[k] += { b: 5*p, a: 3*p } for k in 0..2;  return q[0].a }',
    4,
  ],
  [
    'a linear function and its right side',
    '{ let z = linsolve(u => { b: 2*u.b, a: u.a + u.b }, { b: 4*p, a: 3*p });  return [z.a, z.b] }',
    [1, 2],
  ],
  [
    'the same by iteration',
    '{ let z = linsolve(u => { a: u.a + u.b, b: 2*u.b }, { b: 4*p, a: 3*p }, using: gmres());  return [z.a, z.b] }',
    [1, 2],
  ],
  [
    'its adjoint',
    '{ let z = adjoint(u => { a: u.a + u.b, b: 2*u.b }, like: { b: p, a: p })({ b: 1.0, a: 5.0 });  return [z.a, z.b] }',
    [5, 7],
  ],
];

describe('records of one structure whose parts stand in another order', () => {
  it.each(meets)('%s', async (_, text, expected) => {
    expect(await value(`${std}use std.linalg { gmres }\nlet result = ${text}`, 'result')).toEqual(expected);
  });

  it('what an optimiser remembers', async () => {
    const halves = `${std}let halves = { init: p => { rate: 0.25, n: 8.0 }, step: (problem, p, s) => (p - s.rate*problem.gradient(p), { n: s.n + 1, rate: s.rate }) }`;
    expect(await value(halves, 'p', { before: 'minimize (p - 2)^2 over p using halves steps 3' })).toBe(
      1.875,
    );
  });

  it('are not the same where the names differ', () => {
    expect(
      messages(`${std}let r = jvp(x => x.a*x.b, { a: p, b: 2*p }, { a: 1.0, c: 0.0 })\nrun { print r }`),
    ).toContain('the direction is a record { a, c }, the point a record { a, b }');
  });
});
