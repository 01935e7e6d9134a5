// Addresses of loads whose index counts down with a run-time integer from a large constant: no part of an address may fall below the start of memory.

import { expect, it } from 'vitest';
import * as k from '../../compiler/kernel/build.ts';
import { axis, buffer, makePlan, mapKernel, onCpu, onReference, variableBuffer } from './support.ts';

const [rows, columns] = [256, 40];

it('rows from the last to the first', async () => {
  const last = k.binary(
    'max',
    k.int(0),
    k.binary('min', k.sub(k.int(rows - 1), k.uniform(0)), k.int(rows - 1)),
  );
  const total = k.add(
    k.load('f64', 1, axis(0)),
    k.mul(
      k.load('f64', 0, k.add(axis(0), k.mul(last, k.int(columns)))),
      k.cast('f64', k.add(k.uniform(0), k.int(1))),
    ),
  );
  const kernel = mapKernel(
    [columns],
    [buffer('x', 'f64', rows * columns), buffer('y', 'f64', columns, 'read_write')],
    [k.store(1, axis(0), total)],
    ['step'],
  );
  const plan = makePlan(
    [variableBuffer(0, 'x', 'f64', rows * columns), variableBuffer(1, 'y', 'f64', columns)],
    [kernel],
    {
      main: [
        {
          kind: 'loop',
          id: 1,
          count: rows,
          body: [
            {
              kind: 'dispatch',
              kernel: 0,
              buffers: [0, 1],
              uniforms: [{ constant: 0, terms: [{ loop: 1, scale: 1 }] }],
            },
          ],
        },
      ],
    },
  );
  const inputs = { x: Float64Array.from({ length: rows * columns }, (_, i) => (i % 31) - 15) };
  expect(await onCpu(plan, inputs)).toEqual(await onReference(plan, inputs, 'f64'));
});
