import { describe, expect, it } from 'vitest';
import * as k from '../../compiler/kernel/build.ts';
import type { BufferRange, Plan, Step } from '../../compiler/plan/types.ts';
import { axis, buffer, makePlan, mapKernel, onCpu, onReference, variableBuffer } from './support.ts';

const n = 40;
const f64 = (x: number) => k.constant('f64', x);

/** u' = u + (shift + step) * u[(i + 1) mod n] / 16. */
const advance = mapKernel(
  [n],
  [buffer('u', 'f64', n), buffer('v', 'f64', n, 'write')],
  [
    k.store(
      1,
      axis(0),
      k.add(
        k.load('f64', 0, axis(0)),
        k.mul(
          k.mul(k.cast('f64', k.add(k.uniform(0), k.int(1))), f64(1 / 64)),
          k.load('f64', 0, k.binary('rem', k.add(axis(0), k.int(1)), k.int(n))),
        ),
      ),
    ),
  ],
  ['step'],
  'advance',
);

/** total = total * 3 + sum of u, times (step + 1). */
const collect = mapKernel(
  [],
  [buffer('u', 'f64', n), buffer('total', 'f64', 1, 'read_write')],
  [
    {
      kind: 'reduce',
      name: 's',
      type: 'f64',
      combine: 'max',
      loops: [{ name: 'l', extent: n }],
      body: [],
      value: k.load('f64', 0, k.variable('i32', 'l')),
    },
    k.store(
      1,
      k.int(0),
      k.add(
        k.mul(k.load('f64', 1, k.int(0)), f64(0.75)),
        k.mul(k.variable('f64', 's'), k.cast('f64', k.add(k.uniform(0), k.int(2)))),
      ),
    ),
  ],
  ['step'],
  'collect',
);

const below = mapKernel(
  [],
  [buffer('total', 'f64', 1), buffer('flag', 'u32', 1, 'write')],
  [k.store(1, k.int(0), k.cast('u32', k.lessThan(k.load('f64', 0, k.int(0)), f64(200))))],
  [],
  'below',
);

const [U, V, TOTAL, FLAG, TURNS, SNAPSHOTS] = [0, 1, 2, 3, 4, 5];
const slots = 4;
const buffers = [
  variableBuffer(U, 'u', 'f64', n),
  variableBuffer(V, 'v', 'f64', n),
  variableBuffer(TOTAL, 'total', 'f64', 1),
  variableBuffer(FLAG, 'flag', 'u32', 1),
  variableBuffer(TURNS, 'turns', 'i32', 1),
  variableBuffer(SNAPSHOTS, 'snapshots', 'f64', 64 * n),
];

const whole = (b: number, length = n): BufferRange => ({
  buffer: b,
  type: 'f64',
  offset: { constant: 0, terms: [] },
  length,
});
const counter = (loop: number, scale = 1, constant = 0) => ({ constant, terms: [{ loop, scale }] });
const forward = (loop: number): Step[] => [
  { kind: 'dispatch', kernel: 0, buffers: [U, V], uniforms: [counter(loop)] },
  { kind: 'copy', from: whole(V), to: whole(U) },
];
const backward = (loop: number): Step[] => [
  { kind: 'dispatch', kernel: 1, buffers: [U, TOTAL], uniforms: [counter(loop)] },
];

function plan(steps: readonly Step[]): Plan {
  return makePlan(buffers, [advance, collect, below], { main: steps });
}

const inputs = {
  u: Float64Array.from({ length: n }, (_, i) => Math.sin(i + 1)),
  total: Float64Array.of(0.5),
};

async function same(p: Plan): Promise<void> {
  const reference = await onReference(p, inputs, 'f64');
  expect(await onCpu(p, inputs)).toEqual(reference);
  for (const threads of [1, 2, 3])
    expect(await onCpu(p, inputs, { inline: false, threads })).toEqual(reference);
}

describe('steps of a plan, on the calling thread and on one, two and three threads', () => {
  it('copies, fills and loops with affine offsets', async () => {
    await same(
      plan([
        { kind: 'fill', to: { ...whole(SNAPSHOTS), length: 64 * n }, value: 1.5 },
        {
          kind: 'loop',
          id: 7,
          count: 5,
          body: [
            ...forward(7),
            { kind: 'copy', from: whole(U), to: { ...whole(SNAPSHOTS), offset: counter(7, -n, 10 * n) } },
            {
              kind: 'loop',
              id: 8,
              count: 3,
              body: [
                {
                  kind: 'dispatch',
                  kernel: 1,
                  buffers: [U, TOTAL],
                  uniforms: [
                    {
                      constant: 1,
                      terms: [
                        { loop: 7, scale: 3 },
                        { loop: 8, scale: -1 },
                      ],
                    },
                  ],
                },
              ],
            },
          ],
        },
        { kind: 'fill', to: { ...whole(V), length: 3 }, value: 0 },
      ]),
    );
  });

  it.each([[100], [4], [0]])('repeats while a condition holds, at most %i times', async (limit) => {
    await same(
      plan([
        {
          kind: 'while',
          id: 1,
          limit,
          test: [{ kind: 'dispatch', kernel: 2, buffers: [TOTAL, FLAG], uniforms: [] }],
          condition: FLAG,
          body: [...forward(1), ...backward(1)],
          turns: TURNS,
        },
      ]),
    );
  });

  it.each([[0], [1000]])('branches on a condition (total %i)', async (total) => {
    const p = plan([
      { kind: 'fill', to: whole(TOTAL, 1), value: total },
      { kind: 'dispatch', kernel: 2, buffers: [TOTAL, FLAG], uniforms: [] },
      {
        kind: 'if',
        condition: FLAG,
        then: [{ kind: 'copy', from: whole(U), to: whole(V) }],
        else: [{ kind: 'fill', to: whole(V), value: 9 }],
      },
    ]);
    await same(p);
  });

  it.each([
    [1, 1],
    [2, 1],
    [7, 1],
    [5, 5],
    [13, slots],
    [30, 2],
    [40, 7],
    [3, 9],
  ])('reverses %i steps with %i snapshots', async (length, kept) => {
    await same(
      plan([
        {
          kind: 'loop',
          id: 1,
          count: length,
          body: [
            {
              kind: 'snapshot',
              index: counter(1),
              length,
              slots: kept,
              state: [whole(U)],
              snapshots: [SNAPSHOTS],
            },
            ...forward(1),
          ],
        },
        {
          kind: 'reverse',
          id: 2,
          length,
          slots: kept,
          state: [whole(U)],
          snapshots: [SNAPSHOTS],
          forward: forward(2),
          backward: backward(2),
        },
      ]),
    );
  });
});
