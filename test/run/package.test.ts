// Packages: what is written is read, the same bytes each time, and whatever is not a whole package is refused with a reason.

import { unzipSync, zipSync } from 'fflate';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createReferenceExecutor } from '../../compiler/plan/reference_executor.ts';
import { PLAN_VERSION } from '../../compiler/plan/types.ts';
import type { Plan } from '../../compiler/plan/types.ts';
import { FlowError } from '../../compiler/support/diagnostic.ts';
import { renderError } from '../../compiler/support/render.ts';
import type { FlowPackage } from '../../runtime/package.ts';
import { readPackage, writePackage } from '../../runtime/package.ts';
import { script } from './fake.ts';

/** y = factor * x for 3 numbers, and a constant to be kept to the bit. */
function planWith(constant: Float64Array, factor = 2): Plan {
  const number = { kind: 'const', type: 'f64', value: factor } as const;
  const i = { kind: 'var', type: 'i32', name: 'i' } as const;
  const x = { kind: 'load', type: 'f64', buffer: 0, index: i } as const;
  return {
    version: PLAN_VERSION,
    name: 'scaled',
    precision: 'f64',
    buffers: [
      {
        id: 0,
        role: 'variable',
        name: 'x',
        bytes: 24,
        type: 'f64',
        shape: [3],
        initial: Float64Array.of(1, 2, 3),
      },
      { id: 1, role: 'variable', name: 'y', bytes: 24, type: 'f64', shape: [3] },
      {
        id: 2,
        role: 'constant',
        name: 'c',
        bytes: 8 * constant.length,
        type: 'f64',
        shape: [constant.length],
        initial: constant,
      },
    ],
    kernels: [
      {
        kind: 'map',
        name: 'scale',
        buffers: [
          { name: 'x', type: 'f64', length: 3, access: 'read' },
          { name: 'y', type: 'f64', length: 3, access: 'write' },
        ],
        uniforms: [],
        origins: [{ file: { path: 'a.flow', text: 'let y = 2*x' }, start: 0, end: 3 }],
        space: [3],
        axes: ['i'],
        body: [
          {
            kind: 'store',
            buffer: 1,
            index: i,
            value: { kind: 'binary', type: 'f64', op: 'mul', a: number, b: x },
          },
        ],
      },
    ],
    procedures: {
      go: { name: 'go', steps: [{ kind: 'dispatch', kernel: 0, buffers: [0, 1], uniforms: [] }] },
    },
    script: script([
      { kind: 'call', procedure: 'go' },
      { kind: 'print', parts: [{ variable: 'y' }] },
    ]),
    code: {
      wgsl: ['// scale\n@compute fn main() {}\n'],
      wasm: { binary: Uint8Array.of(0, 97, 115, 109), layout: { 'strict.scratch': 64 } },
    },
    bytes: 56,
  };
}

const whole = (plan = planWith(Float64Array.of(1, 2))): FlowPackage => ({
  plan,
  flowc: '0.1.0',
  sources: 'abc',
  settings: { N: '64' },
});

test('what is written is read: plan, code, contents, settings', () => {
  const given = whole();
  const read = readPackage(writePackage(given), 'a.flowpkg');
  const kernels = given.plan.kernels.map((kernel) => ({ ...kernel, origins: [] }));
  expect(read).toEqual({ ...given, plan: { ...given.plan, kernels } });
});

test('the same package gives the same bytes', () => {
  expect(writePackage(whole())).toEqual(writePackage(whole()));
});

test('shaders are members that one can read', () => {
  const members = unzipSync(writePackage(whole()));
  expect(new TextDecoder().decode(members['wgsl/0000_scale.wgsl'])).toContain('@compute');
});

test('a package runs', async () => {
  const executor = createReferenceExecutor(readPackage(writePackage(whole()), 'a').plan);
  await executor.run('go');
  expect([...(await executor.read('y'))]).toEqual([2, 4, 6]);
});

test('numbers are kept to the bit, those that JSON lacks too', () => {
  fc.assert(
    fc.property(fc.float64Array({ minLength: 1, maxLength: 20 }), fc.double(), (constant, factor) => {
      const { plan } = readPackage(writePackage(whole(planWith(constant, factor))), 'a');
      const kept = plan.buffers[2]?.initial ?? new Float64Array();
      expect([...kept].every((value, i) => Object.is(value, constant[i]))).toBe(true);
      const [store] = plan.kernels[0]?.kind === 'map' ? plan.kernels[0].body : [];
      const product = store?.kind === 'store' && store.value.kind === 'binary' ? store.value.a : undefined;
      expect(product?.kind === 'const' && Object.is(product.value, factor)).toBe(true);
    }),
    { numRuns: 50 },
  );
});

describe('what is no whole package is refused', () => {
  const reason = (bytes: Uint8Array, path = 'a.flowpkg'): string => {
    try {
      readPackage(bytes, path);
      return 'read';
    } catch (trouble) {
      if (!(trouble instanceof FlowError)) throw trouble;
      return renderError(trouble);
    }
  };
  const changed = (change: (members: Record<string, Uint8Array>) => void): Uint8Array => {
    const members = unzipSync(writePackage(whole()));
    change(members);
    return zipSync(members);
  };
  const manifest = (edit: (value: Record<string, unknown>) => void): Uint8Array =>
    changed((members) => {
      const value: Record<string, unknown> = JSON.parse(new TextDecoder().decode(members['flowpkg.json']));
      edit(value);
      members['flowpkg.json'] = new TextEncoder().encode(JSON.stringify(value));
    });

  test('some other file', () => {
    expect(reason(new TextEncoder().encode('run { }'), 'a.flow')).toMatch(
      /R130.*no package[\s\S]*flowc run a\.flow/,
    );
    expect(reason(zipSync({ 'a.npy': Uint8Array.of(1) }))).toMatch(/R130/);
    expect(reason(new Uint8Array())).toMatch(/R130/);
  });
  test('one of a newer version', () => {
    expect(reason(manifest((m) => void (m['version'] = 2)))).toMatch(/R131.*flowc 0\.1\.0/);
    expect(reason(manifest((m) => void (m['plan'] = PLAN_VERSION + 1)))).toMatch(/R131/);
  });
  test('one with a member lost or changed', () => {
    expect(reason(changed((m) => delete m['wgsl/0000_scale.wgsl']))).toMatch(
      /R132.*wgsl\/0000_scale.wgsl is missing/,
    );
    expect(reason(changed((m) => void (m['plan.json'] = new TextEncoder().encode('{}'))))).toMatch(
      /R132.*plan\.json is not what was written/,
    );
    expect(reason(manifest((m) => delete m['members']))).toMatch(/R132.*incomplete/);
  });
  test('one cut short, or with any bit turned', () => {
    const bytes = writePackage(whole());
    const original = readPackage(bytes, '');
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(7), (position, bit) => {
        expect(reason(bytes.slice(0, position))).toMatch(/R13[02]/);
        const turned = bytes.slice();
        turned[position] = (turned[position] ?? 0) ^ (1 << bit);
        let read: FlowPackage | undefined;
        try {
          read = readPackage(turned, 'a');
        } catch (trouble) {
          expect(trouble).toBeInstanceOf(FlowError);
        }
        // Dates and such do not matter; everything else does.
        if (read !== undefined) expect(read.plan).toEqual(original.plan);
      }),
      { numRuns: 300 },
    );
  });
});
