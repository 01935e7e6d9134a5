import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as k from '../../compiler/kernel/build.ts';
import type { Expr, Kernel, MapKernel, Statement } from '../../compiler/kernel/types.ts';
import { FlowError } from '../../compiler/support/diagnostic.ts';
import { emitWgsl } from '../../compiler/target/wgsl/emit.ts';
import { f32Literal } from '../../compiler/target/wgsl/literals.ts';

const i = k.variable('i32', 'i');

function kernelOf(body: readonly Statement[], changes: Partial<MapKernel> = {}): MapKernel {
  return {
    kind: 'map',
    name: 'example',
    buffers: [
      { name: 'u', type: 'f32', length: 100, access: 'read' },
      { name: 'v', type: 'f32', length: 100, access: 'write' },
    ],
    uniforms: [],
    origins: [],
    space: [100],
    axes: ['i'],
    body,
    ...changes,
  };
}

/** The text of the entry point's body. */
function body(kernel: Kernel): string {
  const text = emitWgsl(kernel);
  return text.slice(text.indexOf('fn main('));
}

function stored(value: Expr): string {
  return body(kernelOf([k.store(1, i, value)]));
}

const u = k.load('f32', 0, i);
const f = (value: number) => k.constant('f32', value);

describe('emitted WGSL', () => {
  it('lets nobody contract a product that is rounded by itself', () => {
    const product = k.roundedProduct(u, f(3));
    expect(stored(k.add(product, u))).toContain('flow_rounded(u[i] * 3.0f) + u[i]');
    expect(stored(k.add(k.mul(u, f(3)), u))).not.toContain('flow_rounded');
  });

  it('reads like the program and leads back to it', () => {
    const file = { path: 'heat.flow', text: 'field T on rod\ndt(T) = div(k * grad(T))  # heat\n' };
    const kernel = kernelOf(
      [
        k.let_('left', k.load('f32', 0, k.binary('max', k.sub(i, k.int(1)), k.int(0)))),
        k.store(1, i, k.add(u, k.mul(f(0.25), k.sub(k.variable('f32', 'left'), u)))),
      ],
      { origins: [{ file, start: 16, end: 20 }] },
    );
    expect(emitWgsl(kernel)).toBe(`// example: 100 points
//   heat.flow:2: dt(T) = div(k * grad(T))  # heat

@group(0) @binding(0) var<storage, read> u: array<f32, 100>;
@group(0) @binding(1) var<storage, read_write> v: array<f32, 100>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) global_id: vec3<u32>) {
  let point = global_id.x;
  if (point >= 100u) {
    return;
  }
  let i = i32(point);
  let left = u[max(i - 1, 0)];
  v[i] = u[i] + 0.25f * (left - u[i]);
}
`);
  });

  it('writes constants with a point, at most nine digits, and finitely', () => {
    expect([1, -2, 0.1, 1e-6, 1 / 3, 3.5e20, 1e9, -0, 16777217].map(f32Literal)).toEqual([
      '1.0f',
      '-2.0f',
      '0.1f',
      '1.0e-6f',
      '0.33333334f',
      '3.5e20f',
      '1.0e9f',
      '-0.0f',
      '16777216.0f',
    ]);
    expect(f32Literal(Infinity)).toBe('0x1.fffffep+127f');
    expect(f32Literal(-1e300)).toBe('-0x1.fffffep+127f');
    for (const x of [Math.PI, 1e-40, 6.02214076e23, 1.17549435e-38])
      expect(Math.fround(Number(f32Literal(x).slice(0, -1)))).toBe(Math.fround(x));
  });

  it('has no literal of infinity or NaN', () => {
    const text = stored(k.add(k.binary('min', u, f(Infinity)), f(NaN)));
    expect(text).toContain('min(u[i], 0x1.fffffep+127f) + flow_nan()');
    expect(text.toLowerCase()).not.toMatch(/\binf(inity)?\b/);
  });

  it('computes operations on constants itself, where WGSL would refuse an overflow', () => {
    const raw = (op: 'mul' | 'div', a: number, b: number): Expr => ({
      kind: 'binary',
      type: 'f32',
      op,
      a: f(a),
      b: f(b),
    });
    expect(stored(k.add(u, raw('mul', 1e38, 1e10)))).toContain('u[i] + 0x1.fffffep+127f');
    expect(stored(k.add(u, raw('div', 1, 3)))).toContain('u[i] + 0.33333334f');
    const nested: Expr = { kind: 'binary', type: 'f32', op: 'mul', a: raw('mul', 3, 4), b: f(2) };
    expect(stored(k.add(u, nested))).toContain('u[i] + 24.0f');
  });

  it('clamps constant indices of guarded loads', () => {
    const text = stored(k.select(k.lessThan(i, k.int(0)), k.load('f32', 0, k.int(-1)), u));
    expect(text).toContain('select(u[i], u[0], i < 0)');
  });

  it('renames what WGSL reserves or the shader uses, and nothing else', () => {
    const kernel = kernelOf(
      [
        k.let_('var', u),
        k.let_('exp', k.unary('exp', k.variable('f32', 'var'))),
        k.let_('temperature', k.variable('f32', 'exp')),
        k.let_('var_', k.variable('f32', 'temperature')),
        k.store(1, k.variable('i32', 'target'), k.variable('f32', 'var_')),
      ],
      { axes: ['target'] },
    );
    const renamed = body({
      ...kernel,
      body: kernel.body.map((s, n) =>
        n === 0 ? k.let_('var', k.load('f32', 0, k.variable('i32', 'target'))) : s,
      ),
    });
    expect(renamed).toContain('let var_2 = u[target_];');
    expect(renamed).toContain('let exp_ = flow_exp(var_2);');
    expect(renamed).toContain('let temperature = exp_;');
    expect(renamed).toContain('let var_ = temperature;');
  });

  it('puts the condition of select last and rounds integer division down', () => {
    const small = k.lessThan(i, k.int(3));
    expect(stored(k.select(small, f(1), f(2)))).toContain('select(2.0f, 1.0f, i < 3)');
    const place = (e: Expr) => body(kernelOf([k.store(1, e, u)]));
    expect(place(k.binary('idiv', k.sub(i, k.int(5)), k.int(3)))).toContain('v[flow_idiv(i - 5, 3)]');
    expect(place(k.binary('idiv', k.sub(i, k.int(5)), k.int(8)))).toContain('v[(i - 5) >> 3u]');
    expect(place(k.binary('rem', k.sub(i, k.int(5)), k.int(8)))).toContain('v[(i - 5) & 7]');
    expect(place(k.binary('rem', i, k.int(7)))).toContain('v[flow_rem_i32(i, 7)]');
  });

  it('parenthesises what WGSL does not let mix', () => {
    const [a, b] = [k.lessThan(i, k.int(3)), k.lessThan(k.int(1), i)];
    const text = stored(
      k.select(k.or(k.and(a, b), k.not(a)), f(1), k.unary('neg', k.sub(u, k.unary('neg', u)))),
    );
    expect(text).toContain('select(-(u[i] - -u[i]), 1.0f, ((i < 3) & (1 < i)) | !(i < 3))');
  });

  it('binds parts of expressions too deep for parsers', () => {
    let deep: Expr = u;
    for (let n = 0; n < 500; n++) deep = k.unary('abs', k.add(deep, f(n)));
    const lines = stored(deep).split('\n');
    expect(lines.filter((line) => line.includes('let part')).length).toBeGreaterThan(10);
    const nesting = (line: string) => {
      let [now, most] = [0, 0];
      for (const c of line) {
        now += c === '(' ? 1 : c === ')' ? -1 : 0;
        most = Math.max(most, now);
      }
      return most;
    };
    expect(Math.max(...lines.map(nesting))).toBeLessThan(60);
  });

  it('emits the random generator once', () => {
    const words = [0, 1, 2, 3].map((n) => k.constant('u32', n));
    const random = (word: 0 | 1): Expr => ({
      kind: 'random',
      type: 'u32',
      word,
      key: words,
      counter: words,
    });
    const text = emitWgsl(
      kernelOf([k.store(1, i, k.add(k.cast('f32', random(0)), k.cast('f32', random(1))))]),
    );
    expect(text.match(/fn flow_threefry/g)).toHaveLength(1);
  });

  it('keeps line breaks of the source out of its comments', () => {
    const file = { path: 'a.flow', text: 'x = 1 \u2028 @compute\r\ny = 2' };
    const text = emitWgsl(kernelOf([k.store(1, i, u)], { origins: [{ file, start: 0, end: 1 }] }));
    expect(text).toContain('//   a.flow:1: x = 1   @compute\n');
  });

  it('refuses float64 in the language of the user', () => {
    const kernel = kernelOf([], { buffers: [{ name: 'u', type: 'f64', length: 4, access: 'read' }] });
    expect(() => emitWgsl(kernel)).toThrow(FlowError);
    expect(() => emitWgsl(kernel)).toThrow(/R041.*float64/);
  });

  it('holds no atomics anywhere', () => {
    const folder = new URL('../../compiler/target/wgsl/', import.meta.url);
    for (const name of ['emit', 'statements', 'expressions', 'matmul', 'library_integer'])
      expect(readFileSync(new URL(`${name}.ts`, folder), 'utf8')).not.toMatch(
        /atomic(Add|Store|Max|Compare)/,
      );
  });
});
