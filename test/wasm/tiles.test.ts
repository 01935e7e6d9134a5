// Loops of stencils in tiles of space and time give the bits they give without, on any number of threads; which loops may go in tiles.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as k from '../../compiler/kernel/build.ts';
import type { Expr, MapKernel } from '../../compiler/kernel/types.ts';
import type { Plan, Step } from '../../compiler/plan/types.ts';
import { at, range } from '../../compiler/support/lists.ts';
import { emitWasm, printWat } from '../../compiler/target/wasm/emit.ts';
import type { TileSizes } from '../../compiler/target/wasm/tiles.ts';
import { createCpuExecutor } from '../../runtime/cpu/executor.ts';
import { axis, buffer, makePlan, mapKernel, variableBuffer } from './support.ts';

type Border = 'clamp' | 'zero' | 'mirror' | 'ring';
type Type = 'f32' | 'f64';

interface Read {
  readonly field: number;
  readonly shift: readonly number[];
}

interface Stage {
  readonly target: number;
  readonly reads: readonly Read[];
  /** Adds to what it finds. */
  readonly adds: boolean;
}

interface Program {
  readonly type: Type;
  readonly space: readonly number[];
  readonly border: Border;
  readonly stages: readonly Stage[];
  readonly fields: number;
  readonly count: number;
}

const never: TileSizes = { least: Infinity, cache: 0, most: 0 };

/** Sizes that make tiles of the small arrays of a test. */
function small(program: Program, rows: number): TileSizes {
  const [extent = 1] = program.space;
  const points = program.space.reduce((n, e) => n * e, 1);
  const cache = (rows * program.fields * points * (program.type === 'f32' ? 4 : 8)) / extent;
  return { least: 0, cache, most: cache };
}

/** The index along an axis with a shift, and where the value there counts, with its sign. */
function place(border: Border, i: Expr, shift: number, extent: number): { index: Expr; outside: Expr } {
  const moved = k.add(i, k.int(shift));
  const below = k.lessThan(moved, k.int(0));
  const above = k.lessThan(k.int(extent - 1), moved);
  const clamped = k.binary('min', k.binary('max', moved, k.int(0)), k.int(extent - 1));
  const ring = k.binary('rem', k.add(moved, k.int(extent)), k.int(extent));
  return { index: border === 'ring' ? ring : clamped, outside: k.or(below, above) };
}

function stageKernel(program: Program, stage: Stage, name: string): MapKernel {
  const { type, space, border } = program;
  const length = space.reduce((n, e) => n * e, 1);
  const own = k.flatIndex(
    space.map((_, a) => axis(a)),
    space,
  );
  const real = (x: number) => k.constant(type, Math.fround(x));
  const sources = [...new Set(stage.reads.map((r) => r.field))].filter((f) => f !== stage.target);
  const buffers = [
    ...sources.map((f) => buffer(`b${f}`, type, length)),
    buffer('out', type, length, stage.adds ? 'read_write' : 'write'),
  ];
  let value: Expr = k.mul(k.cast(type, k.uniform(0)), real(0.001));
  stage.reads.forEach(({ field, shift }, r) => {
    const buffered = sources.indexOf(field);
    if (buffered < 0) return;
    const places = space.map((extent, a) => place(border, axis(a), shift[a] ?? 0, extent));
    const element = k.load(
      type,
      buffered,
      k.flatIndex(
        places.map((p) => p.index),
        space,
      ),
    );
    const outside = places.map((p) => p.outside).reduce((a, b) => k.or(a, b));
    const seen =
      border === 'zero'
        ? k.select(outside, real(0), element)
        : border === 'mirror'
          ? k.select(outside, k.unary('neg', element), element)
          : element;
    value = k.add(k.mul(seen, real(0.2 + 0.1 * (r % 3))), value);
  });
  const out = buffers.length - 1;
  if (stage.adds) value = k.add(k.load(type, out, own), k.mul(value, real(0.25)));
  return mapKernel(space, buffers, [k.store(out, own, value)], ['step'], name);
}

function planOf(program: Program): Plan {
  const { type, space, stages, fields, count } = program;
  const length = space.reduce((n, e) => n * e, 1);
  const kernels = stages.map((stage, s) => stageKernel(program, stage, `stage${s}`));
  const body = stages.map((stage, s): Step => {
    const sources = [...new Set(stage.reads.map((r) => r.field))].filter((f) => f !== stage.target);
    const uniforms = [{ constant: s, terms: [{ loop: 1, scale: 2 }] }];
    return { kind: 'dispatch', kernel: s, buffers: [...sources, stage.target], uniforms };
  });
  const buffers = range(fields).map((f) => variableBuffer(f, `f${f}`, type, length));
  return makePlan(buffers, kernels, { main: [{ kind: 'loop', id: 1, count, body }] }, type);
}

async function run(plan: Plan, tiles: TileSizes, threads: number, strict: boolean): Promise<Float64Array[]> {
  const wasm = await emitWasm(plan, { variants: strict ? 'strict' : 'relaxed', tiles });
  const options = { threads, inline: threads === 1, strict };
  const executor = await createCpuExecutor({ ...plan, code: { wasm } }, options);
  for (const { name, shape = [] } of plan.buffers)
    await executor.write(
      name,
      Float64Array.from({ length: shape[0] ?? 0 }, (_, i) => Math.fround(Math.sin(i * 0.37 + name.length))),
    );
  await executor.run('main');
  const result: Float64Array[] = [];
  for (const { name } of plan.buffers) result.push(await executor.read(name));
  await executor.dispose();
  return result;
}

const isTiled = (plan: Plan, tiles: TileSizes): boolean =>
  printWat(plan, false, { tiles }).text.includes('(func $tile_');

const shape = fc.oneof(
  fc.tuple(fc.integer({ min: 180, max: 260 }), fc.integer({ min: 17, max: 70 })),
  fc.tuple(
    fc.integer({ min: 120, max: 140 }),
    fc.integer({ min: 3, max: 9 }),
    fc.integer({ min: 8, max: 20 }),
  ),
  fc.tuple(fc.integer({ min: 2000, max: 9000 })),
);

const program: fc.Arbitrary<Program> = fc
  .record({
    type: fc.constantFrom('f32' as const, 'f64' as const),
    space: shape,
    border: fc.constantFrom('clamp' as const, 'zero' as const, 'mirror' as const, 'ring' as const),
    fields: fc.integer({ min: 2, max: 4 }),
    count: fc.integer({ min: 3, max: 11 }),
    stages: fc.array(
      fc.record({
        target: fc.nat({ max: 3 }),
        adds: fc.boolean(),
        reads: fc.array(
          fc.record({
            field: fc.nat({ max: 3 }),
            shift: fc.array(fc.integer({ min: -2, max: 2 }), { minLength: 3, maxLength: 3 }),
          }),
          { minLength: 1, maxLength: 4 },
        ),
      }),
      { minLength: 1, maxLength: 4 },
    ),
  })
  .map((p) => ({
    ...p,
    stages: p.stages.map((s) => ({
      ...s,
      target: s.target % p.fields,
      reads: s.reads.map((r) => ({ ...r, field: r.field % p.fields })),
    })),
  }));

describe('tiles of space and time', () => {
  it('give the bits of the plain loop', async () => {
    let tiled = 0;
    await fc.assert(
      fc.asyncProperty(program, fc.integer({ min: 24, max: 40 }), fc.boolean(), async (p, rows, strict) => {
        const plan = planOf(p);
        const tiles = small(p, rows);
        if (isTiled(plan, tiles)) tiled++;
        const plain = await run(plan, never, 1, strict);
        expect(await run(plan, tiles, 1, strict)).toEqual(plain);
        if (p.space.length === 2) expect(await run(plan, tiles, 3, strict)).toEqual(plain);
      }),
      { numRuns: 16 },
    );
    expect(tiled).toBeGreaterThan(5);
  });

  const heat = (over: Partial<Program>): Program => ({
    type: 'f32',
    space: [200, 20],
    border: 'mirror',
    fields: 2,
    count: 10,
    stages: [0, 1].map((from) => ({
      target: 1 - from,
      adds: false,
      reads: [-1, 0, 1].map((s) => ({ field: from, shift: [s, s] })),
    })),
    ...over,
  });

  it('are made where kernels read rows near their own', () => {
    const p = heat({});
    expect(isTiled(planOf(p), small(p, 24))).toBe(true);
    expect(isTiled(planOf(p), never)).toBe(false);
    const ring = heat({ border: 'ring' });
    expect(isTiled(planOf(ring), small(ring, 24))).toBe(true);
  });

  it('may stand in a sweep that runs steps again', async () => {
    const p = heat({});
    const plan = planOf(p);
    const [inner] = plan.procedures['main']?.steps ?? [];
    if (inner?.kind !== 'loop') throw new Error('unreachable');
    const whole = { buffer: 0, type: 'f32' as const, offset: { constant: 0, terms: [] }, length: 4000 };
    const sweep = { length: 7, slots: 2, state: [whole], snapshots: [2] };
    const index = { constant: 0, terms: [{ loop: 2, scale: 1 }] };
    const steps: Step[] = [
      { kind: 'loop', id: 2, count: 7, body: [{ kind: 'snapshot', index, ...sweep }, inner] },
      { kind: 'reverse', id: 3, ...sweep, forward: [inner], backward: [{ ...inner, count: 2 }] },
    ];
    const buffers = [...plan.buffers, variableBuffer(2, 'kept', 'f32', 8000)];
    const main = { name: 'main', steps };
    const nested = { ...plan, buffers, procedures: { main } };
    expect(isTiled(nested, small(p, 24))).toBe(true);
    expect(await run(nested, small(p, 24), 1, true)).toEqual(await run(nested, never, 1, true));
  });

  it('are not made where a kernel reads rows far away, or a step does something else', () => {
    const far = heat({});
    const stages = far.stages.map((s) => ({ ...s, reads: s.reads.map((r) => ({ ...r, shift: [20, 0] })) }));
    expect(isTiled(planOf({ ...far, stages }), small(far, 24))).toBe(false);
    const plan = planOf(far);
    const [loop] = plan.procedures['main']?.steps ?? [];
    if (loop?.kind !== 'loop') throw new Error('unreachable');
    const range_ = { buffer: 0, type: 'f32' as const, offset: { constant: 0, terms: [] }, length: 4000 };
    const copy: Step = { kind: 'copy', from: range_, to: { ...range_, buffer: 1 } };
    const main = { name: 'main', steps: [{ ...loop, body: [...loop.body, copy] }] };
    expect(isTiled({ ...plan, procedures: { main } }, small(far, 24))).toBe(false);
    expect(at(plan.kernels, 0).name).toBe('stage0');
  });
});
