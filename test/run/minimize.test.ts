// `minimize`: when logs, blocks and checkpoints come, how batches are cut, stopping, interrupting, losing the way.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderError } from '../../compiler/support/render.ts';
import { decode_npz } from '../../runtime/io/npz.ts';
import { createBatches } from '../../runtime/run/batches.ts';
import { fakeExecutor, first, halving, place, ran, script } from './fake.ts';

const log = (every: number) => ({
  every,
  procedure: 'log',
  entries: [{ label: 'loss', variable: 'logged' }],
});

describe('a minimisation', () => {
  test('starts, iterates, logs at multiples and at the end, and sums up', async () => {
    const { memory, procedures, statement } = halving({ logs: [log(4)] });
    const { host, events } = await ran(fakeExecutor(memory, procedures), script([statement]));
    expect(events('log').map((event) => 'step' in event && event.step)).toEqual([0, 4, 8, 10]);
    expect(memory['iteration']).toEqual([10]);
    const lines = host.text().split('\n');
    expect(lines[0]).toBe('minimize loss: 10 steps, from 1');
    expect(lines[2]).toBe('step 4  loss 0.0039063');
    expect(lines.at(-1)).toMatch(/^10 steps: loss 1 → 9\.5367e-7 in 0\.\d s/);
    expect(events('minimized')).toMatchObject([{ steps: 10, of: 10, start: 1, end: 2 ** -20 }]);
  });

  test('several logs on one step make one line', async () => {
    const { memory, procedures, statement } = halving({
      logs: [log(5), { every: 10, procedure: 'log', entries: [{ label: 'other', variable: 'p' }] }],
    });
    const { events } = await ran(fakeExecutor(memory, procedures), script([statement]));
    expect(events('log').map((e) => 'values' in e && e.values.map((v) => v.label))).toEqual([
      ['loss', 'other'],
      ['loss'],
      ['loss', 'other'],
    ]);
  });

  test('runs its blocks and writes its checkpoints at their multiples', async () => {
    const { memory, procedures, statement } = halving({
      steps: 9,
      every: [
        {
          interval: 3,
          body: [{ kind: 'print', parts: [{ text: 'p ' }, { variable: 'p' }] }],
        },
      ],
      checkpoints: [{ path: [{ text: 'ckpt' }], every: 4 }],
    });
    const { host } = await ran(fakeExecutor(memory, procedures), script([statement]));
    expect(host.text()).toContain('p 0.125\n');
    expect(host.text().match(/^p /gm)).toHaveLength(3);
    const arrays = decode_npz(host.files.get('ckpt.npz') ?? new Uint8Array(), 'ckpt.npz');
    expect(arrays.map(({ name, data }) => [name, ...data])).toEqual([
      ['param.p', 2 ** -8],
      ['iteration', 8],
      ['checkpoint.position', 0, 8],
      ['checkpoint.seed', 0],
      ['checkpoint.inputs'],
    ]);
  });

  test('stops when the program says so, at the iteration that was the last', async () => {
    const { memory, procedures, statement } = halving({ stops: true, steps: 1000, logs: [log(100)] });
    const stopping = {
      ...procedures,
      step: (m: typeof memory) => {
        if (first(m, 'p') ** 2 < 1e-3) m['done'] = [1];
        else procedures['step']?.(m);
      },
    };
    const { host, events } = await ran(fakeExecutor(memory, stopping), script([statement]));
    expect(events('minimized')).toMatchObject([{ steps: 5, of: 1000 }]);
    expect(host.text()).toContain('stopped after 5 of 1000 steps');
    expect(events('log').map((event) => 'step' in event && event.step)).toEqual([0, 5]);
  });

  test('no steps at all', async () => {
    const { memory, procedures, statement } = halving({ steps: 0 });
    const { events } = await ran(fakeExecutor(memory, procedures), script([statement]));
    expect(events('minimized')).toMatchObject([{ steps: 0, start: 1, end: 1 }]);
  });

  test('Ctrl-C ends it after the batch, and keeps the parameters', async () => {
    const { memory, procedures, statement } = halving({ steps: 1_000_000 });
    const controller = new AbortController();
    const list = script([statement, { kind: 'print', parts: [{ text: 'never' }] }], {
      params: statement.params,
    });
    const slow = {
      ...procedures,
      step: (m: typeof memory) => {
        procedures['step']?.(m);
        if (first(m, 'iteration') === 3) controller.abort();
      },
    };
    const { status, host } = await ran(fakeExecutor(memory, slow), list, { signal: controller.signal });
    expect(status).toBe('interrupted');
    expect(host.text()).not.toContain('never');
    const file = host.files.get('a.interrupted.npz');
    const arrays = decode_npz(file ?? new Uint8Array(), '');
    const made = first(memory, 'iteration');
    expect(arrays.map(({ name, data }) => [name, ...data])).toEqual([
      ['param.p', 2 ** -made],
      ['iteration', made],
      ['checkpoint.position', 0, made],
      ['checkpoint.seed', 0],
      ['checkpoint.inputs'],
    ]);
    expect(made).toBeLessThan(100);
  });
});

describe('losing the way', () => {
  const losing = (lossAfter: number, parameter: number) => {
    const { memory, procedures, statement } = halving({ logs: [log(2)] });
    const step = (m: typeof memory): void => {
      procedures['step']?.(m);
      if (first(m, 'iteration') >= 3) m['p'] = [parameter];
    };
    const lost = (m: typeof memory): number => (first(m, 'iteration') >= 3 ? lossAfter : first(m, 'p') ** 2);
    const changed = {
      ...procedures,
      step,
      objective: (m: typeof memory) => void (m['loss'] = [lost(m)]),
      log: (m: typeof memory) => void (m['logged'] = [lost(m)]),
    };
    return ran(fakeExecutor(memory, changed), script([statement]));
  };
  test('NaN parameters are named, with the last good loss', async () => {
    const { error } = await losing(NaN, NaN);
    expect(renderError(error)).toContain(
      'error[R205]: `loss` became NaN (not a number) between iteration 2, where it was 0.0625, and 4, with the parameter `p`',
    );
    expect(renderError(error)).toContain('a.flow:3:3');
  });
  test('an infinite loss', async () => {
    expect((await losing(Infinity, 1)).error?.message).toContain('`loss` became infinite');
  });
  test('before the first iteration', async () => {
    const { memory, procedures, statement } = halving();
    const changed = { ...procedures, objective: (m: typeof memory) => void (m['loss'] = [NaN]) };
    const { error } = await ran(fakeExecutor(memory, changed), script([statement]));
    expect(error?.message).toContain('before the first iteration');
  });
  test('a solve that blew up is blamed with its iteration', async () => {
    const { memory, procedures, statement } = halving({
      logs: [log(2)],
      diagnose: {
        solves: [
          {
            model: 'heat',
            procedure: 'diagnose',
            states: [{ name: 'T', firstBadStep: 'bad' }],
            startTime: 'zero',
            stepSize: 'dt',
            stableStep: 'zero',
            place,
          },
        ],
      },
    });
    Object.assign(memory, { bad: [-1], zero: [0], dt: [0.1] });
    const changed = {
      ...procedures,
      log: (m: typeof memory) => void (m['logged'] = [first(m, 'iteration') > 0 ? NaN : 1]),
      diagnose: (m: typeof memory) => void (m['bad'] = [9]),
    };
    const { error } = await ran(fakeExecutor(memory, changed), script([statement]));
    expect(error?.message).toContain(
      'R201: `T` of heat is no longer finite after step 10, t = 1, in iteration 2 of minimize',
    );
  });
});

describe('batches', () => {
  test('cover every step once, never cross an interval, and approach a third of a second', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 3 }),
        fc.double({ min: 1e-6, max: 2, noNaN: true }),
        (total, intervals, cost) => {
          const batches = createBatches(intervals);
          let done = 0;
          while (done < total) {
            const n = batches.next(done, total);
            expect(n).toBeGreaterThanOrEqual(1);
            for (const interval of intervals)
              expect(Math.floor((done + n - 1) / interval)).toBe(Math.floor(done / interval));
            expect(n === 1 || n * cost <= 0.31).toBe(true);
            batches.measured(n, n * cost);
            done += n;
          }
          expect(done).toBe(total);
        },
      ),
      { numRuns: 100 },
    );
  });
  test('grow to the target within a few batches', () => {
    const batches = createBatches([]);
    const lengths: number[] = [];
    for (let i = 0; i < 8; i++) {
      const n = batches.next(0, 1e9);
      lengths.push(n);
      batches.measured(n, n * 1e-3);
    }
    expect(lengths).toEqual([1, 4, 16, 64, 256, 300, 300, 300]);
  });
});
