// std.fft against the definition in float64, for lengths of every kind, along any axis; against what must hold (inverse, Parseval, the transpose, real signals); and what it costs in kernels.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compile } from '../../compiler/driver/compile.ts';
import type { Numbers } from './support.ts';
import { evaluate, expectClose, flat, memoryCompileHost } from './support.ts';

type Complex = readonly [number, number];

/** The definition, with angles reduced as whole numbers. */
function transform(x: readonly Complex[]): Complex[] {
  const n = x.length;
  return x.map((_, k) =>
    x.reduce<Complex>(
      ([p, q], [a, b], j) => {
        const angle = (-2 * Math.PI * ((j * k) % n)) / n;
        const [c, s] = [Math.cos(angle), Math.sin(angle)];
        return [p + a * c - b * s, q + a * s + b * c];
      },
      [0, 0],
    ),
  );
}

const sample = (n: number, seed = 1): Complex[] =>
  Array.from({ length: n }, (_, j): Complex => [Math.sin(3 * j + seed), Math.cos(j * j + 0.5 * seed)]);

const written = (x: readonly Complex[]): string => `[${x.map(([a, b]) => `complex(${a}, ${b})`).join(', ')}]`;

const use = 'precision f64\nuse std.fft { fft, ifft, fftn, ifftn, rfft, irfft, wavenumbers }\n';

describe('fft', () => {
  it('is the sum that defines it: lengths of 2, 3, 4, 5, and of other primes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { minLength: 3, maxLength: 3 }),
        async (ns) => {
          const got = await evaluate(
            use,
            Object.fromEntries(
              [...ns, 60].flatMap((n) => [
                [`f${n}`, `fft(${written(sample(n))})`],
                [`i${n}`, `ifft(fft(${written(sample(n))}))`],
              ]),
            ),
          );
          for (const n of [...ns, 60]) {
            expectClose(got[`f${n}`] ?? NaN, transform(sample(n)), 1e-13 * n, `length ${n}`);
            expectClose(got[`i${n}`] ?? NaN, sample(n), 1e-14 * n, `there and back, ${n}`);
          }
        },
      ),
      { numRuns: 2 },
    );
  });

  it('goes along any axis, for all others', async () => {
    const cube = [0, 1].map((a) => [0, 1, 2].map((b) => sample(4, 5 * a + b)));
    const program = `${use}data x = [${cube.map((m) => `[${m.map(written).join(', ')}]`).join(', ')}]\n`;
    const got = await evaluate(program, {
      last: 'fft(x)',
      middle: 'transpose(fft(x, axis: 1), axes: [0, 2, 1])',
      first: 'fft(x, axis: 0)[.., 1, 2]',
      all: 'fftn(x) - fft(fft(fft(x, axis: 0), axis: 1), axis: 2)',
      two: 'ifftn(fftn(x, [0, 2]), [2, 0]) - x',
    });
    expectClose(
      got['last'] ?? NaN,
      cube.map((m) => m.map(transform)),
    );
    const columns = cube.map((m) => [0, 1, 2, 3].map((k) => transform(m.map((row) => row[k] ?? [NaN, NaN]))));
    expectClose(got['middle'] ?? NaN, columns);
    expectClose(got['first'] ?? NaN, transform(cube.map((m) => m[1]?.[2] ?? [NaN, NaN])));
    for (const name of ['all', 'two'])
      for (const v of flat(got[name] ?? NaN)) expect(Math.abs(v)).toBeLessThan(1e-14);
  });

  it('keeps energy, is linear, and its transpose is what pulls back', async () => {
    const program = `${use}data x = ${written(sample(24))}\ndata y = ${written(sample(24, 2))}\n`;
    const got = await evaluate(program, {
      energy: 'sum(abs2(fft(x)))/24 - sum(abs2(x))',
      linear: 'norm(fft(x - 2i*y) - (fft(x) - 2i*fft(y)))',
      product: 'dot(y, fft(x)) - dot(vjp(fft, x).pull(y), x)',
      adjoint: 'norm(vjp(fft, x).pull(y) - 24*ifft(y))',
      along: 'norm(jvp(fft, x, y) - fft(y))',
      // |X[k]|^4 summed: its gradient is 4 n ifft(|X|^2 X).
      gradient: 'norm(gradient(x => sum(abs2(fft(x))^2))(x) - 4*24*ifft(abs2(fft(x))*fft(x)))',
    });
    for (const [name, v] of Object.entries(got)) expect(Math.abs(flat(v)[0] ?? NaN), name).toBeLessThan(1e-9);
  });

  it('of real signals gives the first half, and back; missing terms are 0', async () => {
    const lengths = [1, 2, 5, 6, 8];
    const real = (n: number): Complex[] => sample(n).map(([a]) => [a, 0]);
    const got = await evaluate(use, {
      ...Object.fromEntries(
        lengths.flatMap((n) => [
          [`f${n}`, `rfft(re(${written(real(n))}))`],
          [`b${n}`, `irfft(rfft(re(${written(real(n))})), n: ${n})`],
        ]),
      ),
      short: 'irfft([1 + 5i, 2 - 1i], n: 8)',
      cropped: 'irfft([1, 2i, 3, 4i, 5], n: 4)',
      axis: 'irfft(rfft([[1.0, 2.0], [3.0, 5.0], [-1.0, 0.5]], axis: 0), n: 3, axis: 0)',
    });
    for (const n of lengths) {
      expectClose(
        got[`f${n}`] ?? NaN,
        transform(real(n)).slice(0, Math.floor(n / 2) + 1),
        1e-14,
        `rfft ${n}`,
      );
      expectClose(
        got[`b${n}`] ?? NaN,
        real(n).map(([a]) => a),
        1e-14,
        `irfft ${n}`,
      );
    }
    const back = (terms: readonly Complex[], n: number): Numbers =>
      Array.from({ length: n }, (_, j) =>
        terms.reduce((total, [a, b], k) => {
          const angle = (2 * Math.PI * j * k) / n;
          const both = k === 0 || 2 * k === n ? 1 : 2;
          return total + (both * (a * Math.cos(angle) - (both === 1 ? 0 : b) * Math.sin(angle))) / n;
        }, 0),
      );
    expectClose(got['short'] ?? NaN, back([[1, 5], [2, -1]], 8)); // prettier-ignore
    expectClose(got['cropped'] ?? NaN, back([[1, 0], [0, 2], [3, 0]], 4)); // prettier-ignore
    expectClose(got['axis'] ?? NaN, [
      [1, 2],
      [3, 5],
      [-1, 0.5],
    ]);
  });

  it('has the wave numbers of NumPy', async () => {
    const got = await evaluate(use, {
      a: 'wavenumbers(5)',
      b: 'wavenumbers(6, length: pi)',
      c: 'wavenumbers(6, half: true)',
    });
    expectClose(got['a'] ?? NaN, [0, 1, 2, -2, -1]);
    expectClose(got['b'] ?? NaN, [0, 2, 4, -6, -4, -2]);
    expectClose(got['c'] ?? NaN, [0, 1, 2, 3]);
  });

  it('takes one kernel a stage', () => {
    const kernels = (size: string, body: string): number => {
      const text = `use std.fft { fft }\nstate y: complex${size} = 1 + 1i\nfn go(x) { var z = x; for i in 0..10 { z = ${body} }; return z }\nrun { y = go(y) }\n`;
      const { plan } = compile({ path: 'program.flow', text }, memoryCompileHost(), { settings: new Map() });
      return plan?.kernels.length ?? 0;
    };
    // One more fills the variable at the start, for each of its parts.
    expect(kernels('[1024]', 'fft(z)')).toBeLessThanOrEqual(5 + 2);
    expect(kernels('[256, 256]', 'fft(fft(z, axis: 0), axis: 1)')).toBeLessThanOrEqual(8 + 2);
  });
});
