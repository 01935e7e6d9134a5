// What the lowering knows before it writes code: intervals, interiors, collapsed rows, quotients that lanes share, the places of buffers.

import { describe, expect, it } from 'vitest';
import * as k from '../../compiler/kernel/build.ts';
import { verifyKernel } from '../../compiler/kernel/verify.ts';
import type { Plan } from '../../compiler/plan/types.ts';
import {
  addScaled,
  constantAffine,
  dividedBy,
  intervalOf,
  variableAffine,
} from '../../compiler/target/wasm/affine.ts';
import { collapseRows } from '../../compiler/target/wasm/collapse.ts';
import { printWat } from '../../compiler/target/wasm/emit.ts';
import { planLayout } from '../../compiler/target/wasm/layout.ts';
import { interiorOf } from '../../compiler/target/wasm/simplify.ts';
import { uniformRanges } from '../../compiler/target/wasm/uniforms.ts';
import {
  axis,
  buffer,
  kernelPlan,
  makePlan,
  mapKernel,
  onCpu,
  onReference,
  variableBuffer,
} from './support.ts';

const f32 = (x: number) => k.constant('f32', x);

describe('affine forms', () => {
  it('add, divide and have intervals', () => {
    const [i, j] = [variableAffine('i'), variableAffine('j')];
    const index = addScaled(addScaled(constantAffine(7), i, 12), j, 5);
    const { quotient, rest } = dividedBy(index, 4);
    expect(quotient).toEqual({
      terms: [
        ['i', 3],
        ['j', 1],
      ],
      constant: 1,
    });
    expect(rest).toEqual({ terms: [['j', 1]], constant: 3 });
    expect(intervalOf(addScaled(i, j, -2), (v) => (v === 'i' ? { lo: 0, hi: 9 } : { lo: 1, hi: 3 }))).toEqual(
      { lo: -6, hi: 7 },
    );
  });
});

describe('interiors', () => {
  it('leave no guard of a stencil with ghosts, clamps and a wrap', () => {
    const [rows, columns] = [20, 30];
    const [i, j] = [axis(0), axis(1)];
    const u = (a: typeof i, b: typeof i) => k.load('f32', 0, k.add(k.mul(a, k.int(columns)), b));
    const above = k.select(k.lessThan(i, k.int(1)), f32(0), u(k.sub(i, k.int(1)), j));
    const left = u(i, k.binary('max', k.sub(j, k.int(2)), k.int(0)));
    const right = u(i, k.binary('rem', k.add(j, k.int(3)), k.int(columns)));
    const value = k.add(k.add(above, left), right);
    const kernel = mapKernel(
      [rows, columns],
      [buffer('u', 'f32', 600), buffer('v', 'f32', 600, 'write')],
      [k.store(1, k.flatIndex([i, j], [rows, columns]), value)],
    );
    const { ranges, body, clean } = interiorOf(kernel);
    expect([...ranges]).toEqual([
      ['i0', { lo: 1, hi: 19 }],
      ['i1', { lo: 2, hi: 26 }],
    ]);
    expect(clean).toBe(true);
    expect(JSON.stringify(body)).not.toMatch(/select|"max"|"rem"/);
  });

  it('do not trust arithmetic that may wrap', () => {
    const hash = k.mul(axis(0), k.int(1103515245));
    const value = k.select(k.lessThan(hash, k.int(0)), f32(1), f32(2));
    const kernel = mapKernel([100], [buffer('v', 'f32', 100, 'write')], [k.store(0, axis(0), value)]);
    expect(JSON.stringify(interiorOf(kernel).body)).toContain('select');
  });
});

describe('rows', () => {
  const flat = k.add(k.mul(axis(0), k.int(3)), axis(1));

  it('of three collapse where the body does not tell the axes apart', () => {
    const value = k.add(k.load('f32', 0, k.add(flat, k.int(3))), k.cast('f32', flat));
    const buffers = [buffer('u', 'f32', 303), buffer('v', 'f32', 300, 'write')];
    const kernel = collapseRows(mapKernel([100, 3], buffers, [k.store(1, flat, value)]));
    verifyKernel(kernel);
    expect(kernel.space).toEqual([300]);
  });

  it('stay where it does', () => {
    const value = k.select(k.lessThan(axis(1), k.int(1)), f32(0), f32(1));
    const kernel = mapKernel([100, 3], [buffer('v', 'f32', 300, 'write')], [k.store(0, flat, value)]);
    expect(collapseRows(kernel).space).toEqual([100, 3]);
  });
});

describe('quotients and remainders of a flattened axis', () => {
  it.each([
    [256, 'f32'],
    [256, 'f64'],
    [12, 'f32'],
    [10, 'f32'],
    [7, 'f64'],
  ] as const)('by %i, %s', async (divisor, type) => {
    const n = 1000;
    const row = k.binary('idiv', axis(0), k.int(divisor));
    const column = k.binary('rem', axis(0), k.int(divisor));
    const value = k.sub(k.load(type, 0, column), k.mul(k.load(type, 1, row), k.cast(type, column)));
    const kernel = mapKernel(
      [n],
      [buffer('x', type, divisor), buffer('y', type, Math.ceil(n / divisor)), buffer('o', type, n, 'write')],
      [k.store(2, axis(0), value)],
    );
    const inputs = {
      x: Float64Array.from({ length: divisor }, (_, i) => i * 0.5),
      y: Float64Array.from({ length: Math.ceil(n / divisor) }, (_, i) => i - 3),
    };
    const plan = kernelPlan(kernel);
    expect((await onCpu(plan, inputs)).o).toEqual((await onReference(plan, inputs, type)).o);
    const gathers = /extract_lane/.test(printWat(plan, true).text.split('(func $test ')[1] ?? '');
    // A divisor that vectors divide evenly needs one division for all lanes, and plain vector loads.
    expect(gathers).toBe(divisor % (type === 'f32' ? 4 : 2) !== 0);
  });
});

describe('run-time integers', () => {
  it('have the interval of all their dispatches', () => {
    const kernel = mapKernel(
      [4],
      [buffer('v', 'f32', 100, 'write')],
      [k.store(0, k.add(axis(0), k.uniform(0)), f32(1))],
      ['at'],
    );
    const dispatch = (scale: number, constant: number) =>
      ({
        kind: 'dispatch',
        kernel: 0,
        buffers: [0],
        uniforms: [{ constant, terms: [{ loop: 1, scale }] }],
      }) as const;
    const plan: Plan = makePlan([variableBuffer(0, 'v', 'f32', 100)], [kernel], {
      main: [{ kind: 'loop', id: 1, count: 10, body: [dispatch(4, 8), dispatch(-2, 40)] }],
    });
    expect(uniformRanges(plan)).toEqual([[{ lo: 8, hi: 44 }]]);
  });
});

describe('the memory layout', () => {
  it('keeps buffers apart, on lines, and off each other modulo a page', () => {
    const buffers = Array.from({ length: 8 }, (_, i) =>
      variableBuffer(i, `b${i}`, 'f32', i % 2 === 0 ? 4096 : 5),
    );
    const { buffers: places, scratch } = planLayout(buffers, 160, 5000, 100);
    const list = buffers.map((b) => ({ start: places.get(b.id) ?? -1, bytes: b.bytes }));
    list.forEach(({ start, bytes }, i) => {
      expect(start % 64).toBe(0);
      expect(start).toBeGreaterThanOrEqual(1024 + 160 + 5000);
      expect(start + bytes + 5000).toBeLessThanOrEqual(scratch);
      for (const other of list.slice(i + 1))
        expect(other.start >= start + bytes || other.start + other.bytes <= start).toBe(true);
    });
    const large = list.filter(({ bytes }) => bytes >= 4096).map(({ start }) => start % 4096);
    expect(new Set(large).size).toBe(large.length);
  });
});

describe('the text of a module', () => {
  it('names the places of the program and keeps guards out of the inner loop', () => {
    const text = 'pde heat on bar {\n  dt(T) = lap(T)\n}\n';
    const file = { path: 'heat.flow', text };
    const start = text.indexOf('dt(T)');
    const i = axis(0);
    const left = k.select(k.lessThan(i, k.int(1)), f32(0), k.load('f32', 0, k.sub(i, k.int(1))));
    const kernel = {
      ...mapKernel([64], [buffer('u', 'f32', 64), buffer('v', 'f32', 64, 'write')], [k.store(1, i, left)]),
      origins: [{ file, start, end: start + 14 }],
    };
    const wat = printWat(kernelPlan(kernel), false).text;
    expect(wat).toContain(';; heat.flow:2: dt(T) = lap(T)');
    const main = wat.slice(wat.indexOf('(func $test '), wat.indexOf('(func $proc_'));
    expect(main).not.toContain('bitselect');
    expect(main).toContain('v128.load');
  });
});
