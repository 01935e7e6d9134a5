// Fields outside models: functions of coordinates, grid fields, calls with points, operators, integrals over domain, wall and region, traces, probes, resampling.

import { describe, expect, it } from 'vitest';
import { codes, evaluate, expectValues, flat, messages } from './support.ts';

const plate = `
domain plate(n = 4, m = n) { x: 0 .. 1 cells n; y: 0 .. 2 cells m }
domain ring(n = 8) { s: 0 .. 2*pi cells n periodic }
domain rod(n = 5) { x: 0 .. 1 nodes n }
field f(x, y) = x + 10*y
field wave(s) = sin(s)
region left on plate = x < 0.5
`;

describe('functions of coordinates', () => {
  it('are called with numbers and arrays, by name or in order', async () => {
    await expectValues(
      `${plate}
input a: real = 0.3
param k = 2.0
field scaled(x) = k*x
field series(x) = sum(sin(i*x)/i for i in 1..4)
fn inside(c) {
  field g(x) = c*x^2
  return g(3)
}
`,
      [
        ['f(1, 2)', 21],
        ['f(y: 1, x: 2)', 12],
        ['f([1.0, 2.0], [0.0, 1.0])', [1, 12]],
        ['f([1.0, 2.0], 1)', [11, 12]],
        ['f(a, a)', 3.3],
        ['scaled(3) + (with k = 5 { return scaled(1) })', 11],
        ['inside(2)', 18],
        ['series([0.0, 1.0])[1]', Math.sin(1) + Math.sin(2) / 2 + Math.sin(3) / 3],
        ['gradient(x => f(x, 2*x))(1.0)', 21],
        ['gradient(x => series(x))(0.0)', 3],
        ['(2*wave + 1)(0.0)', 1],
        ['left(0.3, 1.0)', 1],
        ['left([0.3, 0.7], [0.0, 0.0])', [1, 0]],
      ],
    );
  });
});

describe('grid fields', () => {
  it('have values at their unknowns, axes in the order declared', async () => {
    await expectValues(
      `${plate}
let T = resample(f, on: plate)
let a = grid(rod, [0.0, 1.0, 4.0, 9.0, 16.0])
let P = resample(f, on: plate(2, m: 3))
`,
      [
        ['values(T)[0]', [2.625, 7.625, 12.625, 17.625]],
        ['values(T)[1, 0]', 2.875],
        ['T[1, 0]', 2.875],
        ['shape(P)', [2, 3]],
        ['values(plate.x)[.., 0]', [0.125, 0.375, 0.625, 0.875]],
        ['values(rod.x)', [0, 0.25, 0.5, 0.75, 1]],
        ['values(ring.s)[1] - values(ring.s)[0]', Math.PI / 4],
        ['values(a + 1)', [1, 2, 5, 10, 17]],
        ['values(a*rod.x)[2]', 2],
        ['values(where(a > 3, a, -a))', [0, -1, 4, 9, 16]],
        ['sum(a)', 30],
        ['max(a) + mean(a)', 22],
        ['norm(a)^2', 354],
        ['a(0.125)', 0.5],
        ['a([0.125, 0.875])', [0.5, 12.5]],
        ['a(x: 0.5)', 4],
        ['a(7.0)', 16],
        ['gradient(x => a(x))(0.6)', 20],
        ['T(x: 0.4, y: 1.1)', 11.4],
        ['values(f + T)[0, 0]', 5.25],
        ['[x^2 for x in a]', [0, 1, 16, 81, 256]],
        ['a.last', 16],
        ['values(resample(a, on: rod(3)))', [0, 4, 16]],
        ['len(values(resample(2.5, on: rod)))', 5],
      ],
    );
  });

  it('of different grids do not mix', () => {
    expect(codes(`${plate}let a = resample(f, on: plate) + resample(f, on: plate(8))`)).toEqual(['E130']);
    expect(codes(`${plate}let a = resample(f, on: plate) + [1.0, 2.0]`)).toEqual(['E131']);
    expect(messages(`${plate}let a = resample(f, on: plate) + zeros([4, 4])`)).toContain('grid(plate, a)');
    expect(codes(`${plate}let a = grid(plate, zeros([3, 4]))`)).toEqual(['E162']);
    expect(codes(`${plate}let a = values(f)`)).toEqual(['E332']);
    expect(codes(`${plate}let a = sum(f)`)).toEqual(['E102']);
    expect(codes(`${plate}let a = plate.z`)).toEqual(['E241']);
  });

  it('as parameters and data', async () => {
    await expectValues(
      `${plate}
param k: scalar on plate = 1.5 in 1 .. 2
param v: vector on plate = (1, 2)
data T: scalar on plate(2) = f
param start: scalar on rod = 0
let g = gradient(sum(k^2), over: k)
`,
      [
        ['shape(k)', [4, 4]],
        ['k[2, 3]', 1.5],
        ['v.y[0, 0] + v[0][1, 1]', 3],
        ['shape(T)', [2, 2]],
        ['T[0, 0]', 5.25],
        ['values(start)', [0, 0, 0, 0, 0]],
        ['shape(g)', [4, 4]],
        ['g[1, 1]', 3],
      ],
    );
  });
});

describe('operators outside models', () => {
  it('of functions of coordinates, without any domain', () =>
    expectValues(
      `field f(x, y) = x^2*y
       fn local(a) { field h(r, s) = a*r*s^2;  return dr(h)(1.0, 2.0) + dss(h)(1.0, 2.0) }`,
      [
        [
          '[∂x(f)(2.0, 3.0), Δ(f)(2.0, 3.0), dxy(f)(1.0, 2.0), ∇(f)(2.0, 3.0).y, local(2.0)]',
          [12, 6, 2, 4, 12],
        ],
      ],
    ));

  it('are central, one-sided at the ends, wrapped on periodic axes', async () => {
    const out = await evaluate(
      `precision f64
domain box(n = 16) { x: 0 .. 1 cells n; y: 0 .. 1 cells n }
domain ring(n = 32) { s: 0 .. 2*pi cells n periodic }
field q(x, y) = x^2 + 3*x*y - y^2
field wave(s) = sin(s)
let u = resample(q, on: box)
let w = resample(wave, on: ring)
fn off(a, b) = max(abs(values(a) - values(b)))
field qx(x, y) = 2*x + 3*y
field qy(x, y) = 3*x - 2*y
let (rx, ry) = (resample(qx, on: box), resample(qy, on: box))
`,
      {
        dx: 'off(dx(u), rx)',
        grad: 'off(grad(u).y, ry)',
        dxy: 'off(dxy(u), 3 + 0*u)',
        lap: 'off(lap(u), 0*u)',
        dxx: 'off(dxx(u), 2 + 0*u)',
        diff: 'off(diff(u, box.y, 2), -2 + 0*u)',
        div: 'off(div((u, u)), rx + ry)',
        curl: 'off(curl((u, u)), rx - ry)',
        advect: 'off(advect((1, 2), u), rx + 2*ry)',
        ring: 'off(ds(w), cos(ring.s))',
        ring2: 'off(dss(w), -w)',
      },
    );
    for (const [k, v] of Object.entries(out))
      expect(flat(v)[0], k).toBeLessThan(k.startsWith('ring') ? 0.01 : 1e-9);
  });

  it('integrals, traces and probes', async () => {
    await expectValues(
      `${plate}
domain fine(n = 64) { x: 0 .. 1 cells n; y: 0 .. 1 cells n }
region disc on fine = (x - 0.5)^2 + (y - 0.5)^2 < 0.3^2
let T = resample(f, on: plate)
let a = grid(rod, [0.0, 1.0, 4.0, 9.0, 16.0])
let one = resample(1, on: fine)
let area = integral(one, over: disc)
`,
      [
        ['integral(T)', 1 + 20],
        ['integral(a)', 5.5],
        ['integral(resample(f, on: plate), over: left)', 0.25 + 10],
        ['integral(f, over: left)', 0.25 + 10],
        ['integral(2, over: left)/integral(1, over: left)', 2],
        ['abs(area/(pi*0.09) - 1) < 0.02', 1],
        ['integral(T, over: plate.x.max)', 22],
        ['trace(a, rod.x.max)', 16],
        ['trace(T, plate.x.min)', [2.5, 7.5, 12.5, 17.5]],
        ['probe(T, at: (0.5, 1.0))', 10.5],
        ['probe(a, at: 0.375)', 2.5],
        ['probe(T, at: (0.1, 0.3))', 3.1],
        ['gradient(x => probe(T, at: (x, 0.5)))(0.4)', 1],
        ['integral((T, 2*T))[1]', 42],
        ['integral(grad(T)).y', 20],
        ['trace((T, 2*T), plate.x.min)[1][0]', 5],
        ['probe((T, 2*T), at: (0.5, 1.0))[1]', 21],
        ['values(diff((T, 2*T), plate.y)[1])[1, 1]', 20],
      ],
      { tolerance: 1e-9 },
    );
  });

  it('are refused where they make no sense', () => {
    const bad = (e: string): string[] => codes(`${plate}let T = resample(f, on: plate)\nlet bad = ${e}`);
    expect(bad('dx(3)')).toEqual(['E330']);
    expect(bad('lap(3)')).toEqual(['E330']);
    expect(bad('div(T)')).toEqual(['E331']);
    expect(bad('div((T, T, T))')).toEqual(['E331']);
    expect(bad('curl(resample(wave, on: ring))')).toEqual(['E334']);
    expect(bad('diff(T, 3)')).toEqual(['E335']);
    expect(bad('integral(T, over: 3)')).toEqual(['E333']);
    expect(bad('trace(resample(wave, on: ring), ring.s.min)')).toEqual(['E333']);
    expect(bad('probe(T, at: 0.5)')).toEqual(['E172']);
    expect(bad('dn(T)')).toEqual([]);
    expect(bad('values(dn(T))')).toHaveLength(1);
    expect(bad('f(1)')).toEqual(['E175']);
    expect(bad('f(x: 1, z: 2)')).toEqual(['E173']);
    expect(bad('source(at: (0, 0), 1)')).toEqual(['E330']);
    expect(bad('resample(T, on: ring)')).toHaveLength(1);
  });
});

describe('domains', () => {
  it('have axes with cells or nodes, intervals, periodic ends', async () => {
    await expectValues(
      `
const n = 4
domain a { x: -1 .. 1 cells 2*n }
domain b(k, n = 3) { r: 0 .. k cells n; z: 0 .. 1 nodes k + 1 }
`,
      [
        ['values(a.x)[0]', -0.875],
        ['shape(resample(0, on: b(2)))', [3, 3]],
        ['shape(resample(0, on: b(2, n: 5)))', [5, 3]],
        ['values(b(2).z)[0]', [0, 0.5, 1]],
      ],
    );
  });

  it('are refused where nothing can be computed on them', () => {
    expect(codes('domain d { x: 0 .. 1 cells -4 }\nlet a = resample(1, on: d)')).toEqual(['E323']);
    expect(codes('domain d { x: 0 .. 1 nodes 1 }\nlet a = resample(1, on: d)')).toEqual(['E323']);
    expect(codes('domain d { x: 1 .. 0 cells 4 }\nlet a = resample(1, on: d)')).toEqual(['E322']);
    expect(codes('domain d { x: 0 .. 1 cells 2.5 }\nlet a = resample(1, on: d)')).toEqual(['E111']);
    expect(codes('input n: int = 3\ndomain d { x: 0 .. 1 cells n }\nlet a = resample(1, on: d)')).toEqual([
      'E110',
    ]);
    expect(codes('domain d(n) { x: 0 .. 1 cells n }\nlet a = resample(1, on: d)')).toEqual(['E175']);
    expect(codes('domain d(n) { x: 0 .. 1 cells n }\nlet a = resample(1, on: d(3, 4))')).toEqual(['E172']);
    expect(codes('domain d(n) { x: 0 .. 1 cells n }\nlet a = resample(1, on: d(m: 3))')).toHaveLength(1);
    expect(
      codes('domain d { x: 0 .. 1 cells 4; x: 0 .. 1 cells 4 }\nlet a = resample(1, on: d)'),
    ).toHaveLength(1);
  });
});
