import { describe, expect, it } from 'vitest';
import * as k from '../../compiler/kernel/build.ts';
import type { MapKernel } from '../../compiler/kernel/types.ts';
import { printPlan } from '../../compiler/plan/print.ts';
import type { Affine, BufferRange, Plan, PlanBuffer, Step } from '../../compiler/plan/types.ts';
import { validatePlan } from '../../compiler/plan/validate.ts';

const i = k.variable('i32', 'i');
const kernel: MapKernel = {
  kind: 'map',
  name: 'twice',
  buffers: [
    { name: 'x', type: 'f32', length: 8, access: 'read' },
    { name: 'y', type: 'f32', length: 8, access: 'write' },
  ],
  uniforms: ['step'],
  origins: [],
  space: [8],
  axes: ['i'],
  body: [k.store(1, i, k.add(k.load('f32', 0, i), k.cast('f32', k.uniform(0))))],
};

const buffers: readonly PlanBuffer[] = [
  { id: 0, role: 'variable', name: 'x', bytes: 32, type: 'f32', shape: [8] },
  { id: 1, role: 'slot', name: 'work', bytes: 64 },
  { id: 2, role: 'constant', name: 'c', bytes: 32, type: 'f32', shape: [8], initial: new Float64Array(8) },
  { id: 3, role: 'variable', name: 'small', bytes: 4, type: 'u32', shape: [] },
];

function planOf(steps: readonly Step[], changes: Partial<Plan> = {}): Plan {
  return {
    version: 1,
    name: 'p',
    precision: 'f32',
    buffers,
    kernels: [kernel],
    procedures: { go: { name: 'go', steps } },
    script: { inputs: [], files: [], setup: [], runs: {}, tests: [], params: [], kept: [] },
    code: {},
    bytes: 132,
    ...changes,
  };
}

const zero: Affine = { constant: 0, terms: [] };
const range = (buffer: number, length = 8, offset = zero): BufferRange => ({
  buffer,
  type: 'f32',
  offset,
  length,
});
const dispatch = (ids: readonly number[], uniforms = [zero]): Step => ({
  kind: 'dispatch',
  kernel: 0,
  buffers: ids,
  uniforms,
});

describe('validate plans', () => {
  it('accept a sound one', () => {
    const plan = planOf([
      dispatch([0, 1]),
      {
        kind: 'loop',
        id: 4,
        count: 2,
        body: [
          {
            kind: 'copy',
            from: range(0),
            to: { ...range(1), offset: { constant: 0, terms: [{ loop: 4, scale: 8 }] } },
          },
          dispatch([2, 0], [{ constant: 1, terms: [{ loop: 4, scale: -1 }] }]),
        ],
      },
    ]);
    validatePlan(plan);
    expect(printPlan(plan)).toBe(`plan p: version 1, f32, 132 B

buffers
  #0 variable x: f32[8] 32 B
  #1 slot work: 64 B
  #2 constant c: f32[8] 32 B
  #3 variable small: u32[] 4 B

kernels
  0 twice: map [8], 2 buffers

procedure go
  twice(x#0, work#1, step = 0)
  loop l4: 0..2
    copy x#0[0; 8 f32] -> work#1[8*l4; 8 f32]
    twice(c#2, x#0, step = -1*l4 + 1)
`);
  });

  const wrong: readonly (readonly [string, Plan, RegExp])[] = [
    ['a buffer bound twice', planOf([dispatch([0, 0])]), /given a buffer twice/],
    ['too few buffers', planOf([dispatch([0])]), /takes 2 buffers, is given 1/],
    ['a missing uniform', planOf([dispatch([0, 1], [])]), /takes 1 uniforms, is given 0/],
    ['a small buffer', planOf([dispatch([0, 3])]), /wants 8 f32 for y, small has 4 bytes/],
    ['a written constant', planOf([dispatch([0, 2])]), /writes the constant c/],
    ['an unknown buffer', planOf([dispatch([0, 9])]), /no buffer 9/],
    [
      'a counter out of scope',
      planOf([dispatch([0, 1], [{ constant: 0, terms: [{ loop: 4, scale: 1 }] }])]),
      /counter of loop 4 is not in scope/,
    ],
    [
      'a range that runs out in the last turn',
      planOf([
        {
          kind: 'loop',
          id: 4,
          count: 3,
          body: [
            {
              kind: 'copy',
              from: range(0),
              to: range(1, 8, { constant: 0, terms: [{ loop: 4, scale: 8 }] }),
            },
          ],
        },
      ]),
      /elements 0..24 \(f32\) of work/,
    ],
    [
      'a loop inside itself',
      planOf([{ kind: 'loop', id: 1, count: 2, body: [{ kind: 'loop', id: 1, count: 2, body: [] }] }]),
      /loop 1 inside loop 1/,
    ],
    [
      'snapshots too small',
      planOf([
        {
          kind: 'reverse',
          id: 1,
          length: 9,
          slots: 3,
          state: [range(0)],
          snapshots: [1],
          forward: [],
          backward: [],
        },
      ]),
      /snapshot work needs 96 bytes, has 64/,
    ],
    [
      'a procedure that the script calls in vain',
      planOf([], {
        script: {
          inputs: [],
          files: [],
          setup: [{ kind: 'call', procedure: 'come' }],
          runs: {},
          tests: [],
          params: [],
          kept: [],
        },
      }),
      /calls the procedure come/,
    ],
    ['an old version', { ...planOf([]), version: 0 as never }, /version 0/],
  ];

  it.each(wrong)('refuse %s', (_, plan, message) => {
    expect(() => validatePlan(plan)).toThrow(message);
  });
});
