// Statements of a run but `minimize` and `check gradient`: what they call, say, write, and how they fail.

import { describe, expect, test } from 'vitest';
import type { Diagnosis, ScriptStatement } from '../../compiler/plan/script.ts';
import { renderError } from '../../compiler/support/render.ts';
import { decode_npz } from '../../runtime/io/npz.ts';
import { runTests } from '../../runtime/run/run_script.ts';
import { createMemoryHost } from '../../runtime/run/memory_host.ts';
import { fakeExecutor, first, place, ran, script } from './fake.ts';

const print = (...variables: string[]): ScriptStatement => ({
  kind: 'print',
  parts: variables.flatMap((variable) => [{ text: `${variable} ` }, { variable }, { text: ';' }]),
  place,
});

describe('print', () => {
  test('fills holes with numbers of six digits and arrays', async () => {
    const fake = fakeExecutor(
      { x: [0.123456789], a: [1, 2.5], big: Array.from({ length: 64 }, (_, i) => i) },
      {},
    );
    const { host } = await ran(fake, script([print('x', 'a', 'big')]));
    expect(host.text()).toBe('x 0.123457;a [1, 2.5];big [0, 1, 2, … (64 values)];');
  });
  test('shows shapes and kinds where the plan knows them', async () => {
    const fake = fakeExecutor({ m: [1, 0, 0, 1], one: [3] }, {});
    const list = script([
      {
        kind: 'print',
        parts: [
          { variable: 'm', shape: [2, 2], kind: 'bool' },
          { text: ' ' },
          { variable: 'one', shape: [1] },
          { text: ' ' },
          { variable: 'one', digits: 2 },
        ],
      },
    ]);
    expect((await ran(fake, list)).host.text()).toBe('[[true, false], [false, true]] [3] 3');
  });
});

describe('order', () => {
  test('inputs, seed, setup, then the run', async () => {
    const fake = fakeExecutor(
      { nu: [0], seed: [0, 0], d: [0] },
      { data: (m) => (m['d'] = [first(m, 'nu') * 2]), look: () => undefined },
    );
    const list = script([{ kind: 'call', procedure: 'look' }, print('d')], {
      inputs: [{ name: 'nu', variable: 'nu', value: 1 }],
      seed: 'seed',
      setup: [{ kind: 'call', procedure: 'data' }],
    });
    const { host, calls } = await ran(fake, list, { seed: 2 ** 32 + 7, inputs: new Map([['nu', 3]]) });
    expect(calls).toEqual(['data', 'look']);
    expect(host.text()).toBe('d 6;');
    expect(fake.memory['seed']).toEqual([7, 1]);
  });
  test('loops write their counter, branches follow their condition', async () => {
    const fake = fakeExecutor({ i: [0], odd: [0] }, { parity: (m) => (m['odd'] = [first(m, 'i') % 2]) });
    const text = (words: string): ScriptStatement => ({ kind: 'print', parts: [{ text: words }] });
    const list = script([
      {
        kind: 'loop',
        variable: 'i',
        from: 1,
        to: 4,
        body: [
          {
            kind: 'branch',
            procedure: 'parity',
            condition: 'odd',
            then: [text('odd')],
            else: [print('i')],
          },
        ],
      },
    ]);
    expect((await ran(fake, list)).host.text()).toBe('odd\ni 2;\nodd');
  });
  test.each([
    [undefined, { train: [], test: [] }, 'R206: the program has 2 runs'],
    ['trian', { train: [], test: [] }, 'R206: there is no run "trian"'],
    [undefined, {}, 'R206: the program has no run block'],
  ])('run %s of %j', async (run, runs, message) => {
    const { error } = await ran(fakeExecutor({}, {}), script([], { runs }), run === undefined ? {} : { run });
    expect(error?.message).toContain(message);
  });
  test('an unnamed run is taken when there is one beside named ones', async () => {
    const list = script([], { runs: { train: [], run: [print()] } });
    expect((await ran(fakeExecutor({}, {}), list)).status).toBe('done');
  });
  test('an input that does not exist', async () => {
    const list = script([], { inputs: [{ name: 'kappa', variable: 'k', value: 1 }] });
    const { error } = await ran(fakeExecutor({ k: [0] }, {}), list, { inputs: new Map([['kapa', 1]]) });
    expect(renderError(error)).toContain('did you mean `kappa`?');
  });
});

test('a whole number is not cut', async () => {
  const list = script([], { inputs: [{ name: 'n', variable: 'n', value: 1, integer: true }] });
  const { error } = await ran(fakeExecutor({ n: [0] }, {}), list, { inputs: new Map([['n', 2.5]]) });
  expect(error?.message).toContain('the input `n` is a whole number, but is set to 2.5');
});

describe('data files', () => {
  const list = script([print('d')], {
    files: [{ path: 'obs.csv', column: 'x', variable: 'd', shape: [3], place }],
  });
  const bytes = (text: string): ReadonlyMap<string, Uint8Array> =>
    new Map([['obs.csv', new TextEncoder().encode(text)]]);
  test('are read before the run', async () => {
    const { host } = await ran(fakeExecutor({ d: [0, 0, 0] }, {}), list, {
      hostOptions: { data: bytes('x,y\n1,2\n3,4\n5,6\n') },
    });
    expect(host.text()).toBe('d [1, 3, 5];');
  });
  test.each([
    ['x\n1\n2\n', /R208.*shape \[2\].*compiled for \[3\]/],
    ['x\n1\nNaN\n2\n', /NaN/],
  ])('%j is refused', async (text, message) => {
    const { error } = await ran(fakeExecutor({ d: [0, 0, 0] }, {}), list, {
      hostOptions: { data: bytes(text) },
    });
    expect(error?.message).toMatch(message);
  });
});

describe('assert', () => {
  const assertion = (more: object = {}): ScriptStatement => ({
    kind: 'assert',
    condition: 'c',
    message: [{ text: 'not small' }],
    values: [
      { label: 'x', variable: 'x' },
      { label: 'tolerance', variable: 't' },
    ],
    place,
    ...more,
  });
  test('that holds says nothing', async () => {
    const { host, status } = await ran(fakeExecutor({ c: [1], x: [0], t: [1] }, {}), script([assertion()]));
    expect([status, host.text()]).toEqual(['done', '']);
  });
  test('that fails shows both sides and the place', async () => {
    const { error } = await ran(fakeExecutor({ c: [0], x: [2.5], t: [1] }, {}), script([assertion()]));
    expect(renderError(error)).toBe(
      [
        'error[R202]: assertion failed: not small: x = 2.5, tolerance = 1',
        '  --> a.flow:3:3',
        '   |',
        ' 3 |   assert x < 1  # why',
        '   |   ^^^^^^^^^^^^',
      ].join('\n'),
    );
  });
  test('names NaN', async () => {
    const { error } = await ran(fakeExecutor({ c: [0], x: [NaN], t: [1] }, {}), script([assertion()]));
    expect(error?.message).toContain('x is NaN (not a number), tolerance = 1');
  });
});

const diagnosis: Diagnosis = {
  solves: [
    {
      model: 'heat',
      procedure: 'diagnose',
      states: [
        { name: 'T', firstBadStep: 'badT' },
        { name: 'q', firstBadStep: 'badq' },
      ],
      startTime: 't0',
      stepSize: 'dt',
      stableStep: 'stable',
      place: {
        file: 'a.flow',
        line: 2,
        column: 12,
        source: 'let path = solve(heat(k), t: 0 .. 1, dt: 1e-3)',
      },
    },
  ],
};
/** A fake whose solve turned bad at these steps. */
const blownUp = (badT: number, badq: number, stable: number, more: object = {}) =>
  fakeExecutor(
    { x: [NaN], badT: [-1], badq: [-1], t0: [0.5], dt: [1e-3], stable: [0], ...more },
    {
      look: () => undefined,
      diagnose: (m) => Object.assign(m, { badT: [badT], badq: [badq], stable: [stable] }),
    },
  );

describe('values that are not finite', () => {
  const look: ScriptStatement = { kind: 'call', procedure: 'look', diagnose: diagnosis };
  test('are traced to the solve, its state, step, time and stable step', async () => {
    const { error, host } = await ran(blownUp(41, -1, 2.437e-4), script([look, print('x')]));
    expect(host.text()).toBe('x NaN;');
    const text = renderError(error);
    expect(text).toContain('error[R201]: `T` of heat is no longer finite after step 42, t = 0.542');
    expect(text).toContain('a.flow:2:12');
    expect(text).toContain('take dt below 2.4e-4');
    expect(text).toContain('its result is needed here');
  });
  test('a step below the limit is not blamed', async () => {
    const { error } = await ran(blownUp(3, 3, 0.5), script([look, print('x')]));
    expect(renderError(error)).toContain('`T` and `q` of heat are no longer finite');
    expect(renderError(error)).toContain('below the estimated limit of stability, 0.5');
  });
  test('without an estimate the cure is general', async () => {
    const { error } = await ran(blownUp(3, -1, 0), script([look, print('x')]));
    expect(renderError(error)).toContain('try a smaller one');
  });
  test('are traced by any diagnosis of the run where the statement has none', async () => {
    const check: ScriptStatement = {
      kind: 'check_gradient',
      label: 'l over k',
      value: 'look',
      h: 't0',
      loss: 'x',
      slope: 'look',
      reverse: 'x',
      forward: 'x',
      scale: 't0',
      place,
    };
    const loop: ScriptStatement = { kind: 'loop', variable: 't0', from: 0, to: 1, body: [look] };
    const { error } = await ran(blownUp(41, -1, 2.437e-4), script([check, loop]));
    expect(error?.message).toContain('R201: `T` of heat');
  });
  test('in print are no error of their own', async () => {
    const { status } = await ran(blownUp(-1, -1, 0), script([look, print('x')]));
    expect(status).toBe('done');
  });
  const save = (path: string): ScriptStatement => ({
    kind: 'save',
    path: [{ text: path }],
    entries: [{ label: 'x', variable: 'x', shape: [2], kind: 'real' }],
    place,
  });
  test('are not saved when NaN; no file appears', async () => {
    const { error, host } = await ran(blownUp(-1, -1, 0, { x: [1, NaN] }), script([look, save('x.npz')]));
    expect(error?.message).toContain(
      'R203: `x` is NaN (not a number) at index [1], and is not saved in "x.npz"',
    );
    expect(host.files.size).toBe(0);
  });
  test('a blown-up solve is named rather than the file', async () => {
    const { error } = await ran(blownUp(9, -1, 0, { x: [1, Infinity] }), script([look, save('x.npz')]));
    expect(error?.message).toContain('R201');
  });
  test('infinities that are meant are saved', async () => {
    const { host } = await ran(blownUp(-1, -1, 0, { x: [1, Infinity] }), script([look, save('x.json')]));
    expect(host.text()).toBe('saved x.json (x)');
  });
});

describe('files', () => {
  test('save writes by extension, with loop counters in the name', async () => {
    const fake = fakeExecutor({ i: [0], x: [1, 2, 3], n: [7] }, {});
    const list = script([
      {
        kind: 'loop',
        variable: 'i',
        from: 0,
        to: 2,
        body: [
          {
            kind: 'save',
            path: [{ text: 'out_' }, { variable: 'i' }, { text: '.npz' }],
            entries: [
              { label: 'x', variable: 'x', shape: [3], kind: 'real' },
              { label: 'n', variable: 'n', shape: [], kind: 'int' },
            ],
            place,
          },
        ],
      },
    ]);
    const { host } = await ran(fake, list);
    expect([...host.files.keys()]).toEqual(['out_0.npz', 'out_1.npz']);
    const arrays = decode_npz(host.files.get('out_1.npz') ?? new Uint8Array(), 'out_1.npz');
    expect(arrays.map(({ name, shape, data }) => [name, shape, [...data]])).toEqual([
      ['x', [3], [1, 2, 3]],
      ['n', [], [7]],
    ]);
  });
  test('an unknown extension is refused at its statement', async () => {
    const fake = fakeExecutor({ x: [1] }, {});
    const entries = [{ label: 'x', variable: 'x', shape: [], kind: 'real' }] as const;
    const { error } = await ran(fake, script([{ kind: 'save', path: [{ text: 'a.npx' }], entries, place }]));
    expect(renderError(error)).toContain('a.flow:3:3');
  });
  test('plot draws a PNG; pictures of other kinds are refused', async () => {
    const fake = fakeExecutor({ t: [0, 1, 2], T: [1, 2, 3, 4, 5, 6] }, {});
    const plot = (path: string): ScriptStatement => ({
      kind: 'plot',
      path: [{ text: path }],
      style: 'auto',
      series: [
        {
          y: {
            label: 'T',
            variable: 'T',
            shape: [2, 3],
            kind: 'real',
            axes: [
              { name: 'x', from: 0, to: 1 },
              { name: 'y', from: 0, to: 2 },
            ],
          },
        },
        { y: { label: 't', variable: 't', shape: [3], kind: 'real' } },
      ],
      place,
    });
    const { host } = await ran(fake, script([plot('a.png')]));
    expect([...(host.files.get('a.png') ?? [])].slice(1, 4)).toEqual([0x50, 0x4e, 0x47]);
    expect((await ran(fake, script([plot('a.svg')]))).error?.message).toContain('.png');
  });
});

describe('tests', () => {
  const failing: ScriptStatement = { kind: 'assert', condition: 'zero', message: [], values: [], place };
  const plan = {
    name: 'a',
    precision: 'f64',
    script: script([], {
      setup: [{ kind: 'call', procedure: 'setup' }],
      tests: [
        { name: 'counts', body: [{ kind: 'call', procedure: 'count' }, print('n')] },
        { name: 'fails', body: [failing] },
        { name: 'counts again', body: [{ kind: 'call', procedure: 'count' }, print('n')] },
      ],
    }),
  } as const;
  const fake = () =>
    fakeExecutor(
      { n: [5], zero: [0] },
      { setup: (m) => (m['n'] = [0]), count: (m) => (m['n'] = [first(m, 'n') + 1]) },
    );
  test('each starts from its own setup, and one that fails does not end the others', async () => {
    const host = createMemoryHost();
    const { results } = await runTests(plan, fake().executor, { host });
    expect(results.map((r) => [r.name, r.ok])).toEqual([
      ['counts', true],
      ['fails', false],
      ['counts again', true],
    ]);
    expect(host.text().match(/n 1;/g)).toHaveLength(2);
    expect(results[1]?.error?.message).toContain('R202');
  });
  test('are chosen by title', async () => {
    const { results } = await runTests(plan, fake().executor, { host: createMemoryHost(), filter: 'again' });
    expect(results.map((r) => r.name)).toEqual(['counts again']);
    await expect(
      runTests(plan, fake().executor, { host: createMemoryHost(), filter: 'nothing' }),
    ).rejects.toThrow(/R210.*"nothing"/);
  });
});
