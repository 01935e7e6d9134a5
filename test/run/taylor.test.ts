// The Taylor test as a judge: right gradients pass, wrong ones fail, and what rounding hides is not passed. Losses of one variable stand for losses along a line.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CheckGradientStatement } from '../../compiler/plan/script.ts';
import { renderError } from '../../compiler/support/render.ts';
import type { TaylorResult } from '../../runtime/run/taylor.ts';
import { taylorTest } from '../../runtime/run/taylor.ts';
import { fakeExecutor, first, place, ran, script } from './fake.ts';

/** `error`: relative error of the slope. f32: the loss is rounded to f32, with a few units of noise as a long computation has them. */
function judge(
  loss: (h: number) => number,
  slope: number,
  options: { precision?: 'f32' | 'f64'; error?: number; scale?: number; noise?: number } = {},
): Promise<TaylorResult> {
  const { precision = 'f64', error = 0, scale = 1, noise = 0 } = options;
  const unit = precision === 'f32' ? 2 ** -24 : 2 ** -53;
  // Deterministic, without pattern.
  const rounding = (h: number): number => 1 + noise * unit * Math.sin(1e6 * Math.sin(1e5 * (h / scale) + 1));
  const rounded = (h: number): number => {
    const value = loss(h) * rounding(h);
    return precision === 'f32' ? Math.fround(value) : value;
  };
  return taylorTest({
    lossAt: async (h) => rounded(h),
    loss: rounded(0),
    slope: slope * (1 + error),
    scale,
    precision,
  });
}

const losses: readonly (readonly [string, (h: number) => number, number])[] = [
  ['a square far from its minimum', (h) => (3 + h) ** 2, 6],
  ['a square at its minimum', (h) => 1 + h ** 2, 0],
  ['a perfect fit', (h) => h ** 2, 0],
  ['an exponential', (h) => Math.exp(h), 1],
  ['a small loss on a large constant', (h) => 100 + Math.sin(2 * h + 1), 2 * Math.cos(1)],
  ['one over', (h) => 1 / (1 + h), -1],
  ['a loss that does not exist at large steps', (h) => Math.log(1.1 - 40 * h), -40 / 1.1],
  ['tiny numbers', (h) => 1e-12 * Math.exp(2 * h), 2e-12],
];

describe('a loss with many kinks, smooth on small scales only', () => {
  // The remainder is 0.17 h^2 at small steps and grows less than h at large ones, as that of a mean over paths that end above or below a bound.
  const loss = (h: number): number =>
    1.5 + 1.3 * h + (0.17 * h * h) / (1 + 40 * h * h) / (1 + 8 * Math.abs(h));
  test('passes', async () => {
    expect(await judge(loss, 1.3, { precision: 'f32', noise: 12 })).toMatchObject({
      verdict: 'pass',
      mixed: true,
    });
  });
  test('fails with a wrong slope', async () => {
    for (const error of [-1, -0.1, 0.05, 0.01])
      expect((await judge(loss, 1.3, { precision: 'f32', noise: 12, error })).verdict).toBe('fail');
  });
});

describe.each(['f64', 'f32'] as const)('in %s', (precision) => {
  test.each(losses)('%s: slope 2', async (_, loss, slope) => {
    const result = await judge(loss, slope, { precision, noise: 2 });
    expect(result).toMatchObject({ verdict: 'pass' });
    expect(Math.abs((result.slope ?? NaN) - 2)).toBeLessThan(0.1);
    expect((result.to ?? 0) / (result.from ?? 1)).toBeGreaterThan(7.9);
  });

  const smallest = precision === 'f64' ? 1e-6 : 2e-2;
  test.each(losses.filter(([, , slope]) => slope !== 0))(
    '%s: a wrong slope fails',
    async (_, loss, slope) => {
      for (const error of [-2, -1, 0.5, -0.1, smallest])
        expect((await judge(loss, slope, { precision, error, noise: 2 })).verdict).toBe('fail');
    },
  );

  test('the scale of the parameters does not matter', async () => {
    for (const scale of [1e-9, 1e9]) {
      const result = await judge((h) => Math.exp(h / scale), 1 / scale, { precision, scale, noise: 2 });
      expect(result.verdict).toBe('pass');
    }
  });

  test('a noisy computation only narrows the range', async () => {
    const quiet = await judge(Math.exp, 1, { precision, noise: 1 });
    const noisy = await judge(Math.exp, 1, { precision, noise: 100 });
    expect(noisy.verdict).toBe('pass');
    expect(noisy.from ?? 0).toBeGreaterThan(quiet.from ?? 1);
  });

  test('a linear loss', async () => {
    expect((await judge((h) => 2 - 3 * h, -3, { precision })).verdict).toBe('linear');
    expect((await judge((h) => 2 - 3 * h, -3, { precision, error: 0.1 })).verdict).toBe('fail');
    expect((await judge((h) => 2 - 3 * h, -3, { precision, error: -1 })).verdict).toBe('fail');
  });

  test('a loss that does not change', async () => {
    expect((await judge(() => 5, 0, { precision })).verdict).toBe('flat');
    expect((await judge(() => 5, 1, { precision })).verdict).toBe('fail');
  });
});

describe('any smooth loss', () => {
  const coefficient = fc.double({ min: -3, max: 3, noNaN: true });
  const smooth = fc.tuple(
    coefficient,
    coefficient,
    coefficient,
    coefficient,
    fc.double({ min: 0.3, max: 3, noNaN: true }),
  );
  const lossOf =
    ([a, b, c, d, e]: readonly [number, number, number, number, number]) =>
    (h: number): number =>
      a + b * h + c * h * h + d * h ** 3 + Math.exp(e * h);
  test.each(['f64', 'f32'] as const)(
    '%s: an exact slope never fails, a wrong one never passes',
    async (precision) => {
      await fc.assert(
        fc.asyncProperty(smooth, fc.boolean(), async (numbers, sign) => {
          const loss = lossOf(numbers);
          const slope = numbers[1] + numbers[4];
          // Relative errors are of the slope; near zero there is nothing to be relative to.
          fc.pre(Math.abs(slope) > 0.2);
          const options = { precision, noise: 3 };
          expect((await judge(loss, slope, options)).verdict).not.toBe('fail');
          const error = (sign ? 1 : -1) * (precision === 'f64' ? 1e-4 : 0.3);
          expect((await judge(loss, slope, { ...options, error })).verdict).not.toMatch(/pass|linear|flat/);
        }),
        { numRuns: 150 },
      );
    },
  );
});

test('a remainder of third order speaks for the gradient', async () => {
  const result = await judge((h) => 1 + h + h ** 3, 1);
  expect(result.verdict).toBe('pass');
  expect(result.slope).toBeCloseTo(3, 1);
});

test('a loss whose change is rounding is not judged', async () => {
  const result = await judge((h) => 1 + 1e-6 * h + 1e-7 * h ** 2, 1e-6, { precision: 'f32', noise: 4 });
  expect(result.verdict).toMatch(/unclear|flat/);
});

describe('check gradient', () => {
  const statement: CheckGradientStatement = {
    kind: 'check_gradient',
    label: 'misfit over k',
    value: 'value',
    h: 'h',
    loss: 'loss',
    slope: 'slope',
    reverse: 'reverse',
    forward: 'forward',
    scale: 'scale',
    place,
  };
  const check = (reverse: number, forward: number, loss: (h: number) => number = Math.exp) =>
    ran(
      fakeExecutor(
        { h: [9], loss: [0], reverse: [0], forward: [0], scale: [1] },
        {
          value: (m) => void (m['loss'] = [loss(first(m, 'h'))]),
          slope: (m) => void Object.assign(m, { reverse: [reverse], forward: [forward] }),
        },
      ),
      script([statement, { kind: 'print', parts: [{ variable: 'h' }] }]),
    );
  test('reports its verdict in one line, and leaves h at 0', async () => {
    const { host, events } = await check(1, 1 + 4.44e-16);
    expect(host.text()).toMatch(
      /^check gradient misfit over k: slope 2\.00 over h = [\d.e-]+ \.\. 0\.\d+; forward\/reverse agree to 4\.4e-16\n0$/,
    );
    expect(events('check')).toMatchObject([{ verdict: 'pass', reverse: 1 }]);
  });
  test('a wrong gradient is an error with the table', async () => {
    const { error } = await check(1.01, 1.01);
    const text = renderError(error);
    expect(text).toContain('error[R204]: the gradient of misfit over k is wrong');
    expect(text).toContain('slope 1.00, not 2');
    expect(text).toMatch(/\* +1\.00e-/);
  });
  test('modes that disagree are an error with both numbers', async () => {
    const { error } = await check(1, 1.001);
    expect(error?.message).toContain(
      'forward and reverse mode disagree in the gradient of misfit over k: 1.001 and 1',
    );
  });
  test('derivatives that cancel to rounding do not disagree', async () => {
    const { events } = await check(3e-17, -2e-17, (h) => 1 + h ** 2);
    expect(events('check')).toMatchObject([{ verdict: 'pass' }]);
  });
  test('NaN cannot be checked', async () => {
    expect((await check(NaN, 1)).error?.message).toContain('R204: the gradient cannot be checked');
  });
});
