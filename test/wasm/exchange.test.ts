// Sweeps whose steps end with a copy of a whole array: the arrays change places instead, and everything is where it belongs afterwards.

import { describe, expect, it } from 'vitest';
import * as k from '../../compiler/kernel/build.ts';
import type { Expr } from '../../compiler/kernel/types.ts';
import type { BufferRange, Plan, PlanBuffer, Step } from '../../compiler/plan/types.ts';
import { printWat } from '../../compiler/target/wasm/emit.ts';
import { axis, buffer, makePlan, mapKernel, onCpu, onReference, variableBuffer } from './support.ts';

const [rows, columns] = [120, 75];
const n = rows * columns;
const f64 = (x: number) => k.constant('f64', x);
const [U, L, SUM, SNAPSHOTS, X] = [0, 1, 2, 3, 4];

/** An element of the row beside, or of the own row at the walls. */
function beside(b: number, shift: number): Expr {
  const i = k.binary('min', k.binary('max', k.add(axis(0), k.int(shift)), k.int(0)), k.int(rows - 1));
  return k.load('f64', b, k.add(k.mul(i, k.int(columns)), axis(1)));
}

const own = k.flatIndex([axis(0), axis(1)], [rows, columns]);
const step = k.mul(k.cast('f64', k.uniform(0)), f64(1e-3));

const advance = mapKernel(
  [rows, columns],
  [buffer('u', 'f64', n), buffer('v', 'f64', n, 'write')],
  [k.store(1, own, k.add(k.mul(k.add(beside(0, 1), beside(0, -1)), f64(0.49)), step))],
  ['step'],
  'advance',
);

/** One row more than the arrays have: the stores are guarded, as in kernels of several spaces. */
const back = mapKernel(
  [rows + 1, columns],
  [
    buffer('u', 'f64', n),
    buffer('l', 'f64', n),
    buffer('next', 'f64', n, 'write'),
    buffer('sum', 'f64', n, 'read_write'),
  ],
  [
    k.let_('v', k.add(beside(1, -1), k.mul(beside(0, 1), f64(0.25)))),
    k.let_('w', k.add(k.load('f64', 3, own), k.mul(beside(0, 0), beside(1, 0)))),
    {
      kind: 'if',
      condition: k.lessThan(axis(0), k.int(rows)),
      then: [k.store(2, own, k.sub(k.variable('f64', 'v'), step))],
      else: [],
    },
    {
      kind: 'if',
      condition: k.lessThan(axis(0), k.int(rows)),
      then: [k.store(3, own, k.variable('f64', 'w'))],
      else: [],
    },
  ],
  ['step'],
  'back',
);

const whole = (b: number): BufferRange => ({
  buffer: b,
  type: 'f64',
  offset: { constant: 0, terms: [] },
  length: n,
});
const counter = (loop: number) => ({ constant: 0, terms: [{ loop, scale: 1 }] });
const forward = (loop: number): Step[] => [
  { kind: 'dispatch', kernel: 0, buffers: [U, X], uniforms: [counter(loop)] },
  { kind: 'copy', from: whole(X), to: whole(U) },
];

function plan(length: number, slots: number): Plan {
  const slot: PlanBuffer = { id: X, role: 'slot', name: 'slot', bytes: 8 * n };
  const buffers = [
    ...['u', 'l', 'sum'].map((name, id) => variableBuffer(id, name, 'f64', n)),
    variableBuffer(SNAPSHOTS, 'snapshots', 'f64', slots * n),
    slot,
  ];
  const snapshots = { length, slots, state: [whole(U)], snapshots: [SNAPSHOTS] };
  const main: Step[] = [
    {
      kind: 'loop',
      id: 1,
      count: length,
      body: [{ kind: 'snapshot', index: counter(1), ...snapshots }, ...forward(1)],
    },
    {
      kind: 'reverse',
      id: 2,
      ...snapshots,
      forward: forward(2),
      backward: [
        { kind: 'dispatch', kernel: 1, buffers: [U, L, X, SUM], uniforms: [counter(2)] },
        { kind: 'copy', from: whole(X), to: whole(L) },
      ],
    },
    // What the sweep left behind is used.
    { kind: 'dispatch', kernel: 1, buffers: [L, U, X, SUM], uniforms: [{ constant: 1, terms: [] }] },
  ];
  return makePlan(buffers, [advance, back], { main });
}

const inputs = {
  u: Float64Array.from({ length: n }, (_, i) => Math.sin(i)),
  l: Float64Array.from({ length: n }, (_, i) => Math.cos(i * 0.3)),
  sum: new Float64Array(n),
};

describe('arrays that change places in a sweep', () => {
  it.each([
    [1, 1],
    [6, 1],
    [9, 3],
    [10, 10],
    [23, 4],
  ])('%i steps, %i snapshots', async (length, slots) => {
    const p = plan(length, slots);
    expect(printWat(p, false).text).toContain('call $exchange');
    const reference = await onReference(p, inputs, 'f64');
    expect(await onCpu(p, inputs)).toEqual(reference);
    expect(await onCpu(p, inputs, { inline: false, threads: 3 })).toEqual(reference);
  });
});
