// A function with more values than an engine takes locals: those of a block that has ended are used again, and the function still computes what it should.

import { expect, test } from 'vitest';
import { ConstantPool } from '../../compiler/target/wasm/constants.ts';
import { encodeWat } from '../../compiler/target/wasm/encode.ts';
import { FunctionWriter } from '../../compiler/target/wasm/writer.ts';

/** Adds up, block by block, sums of squares whose terms are all used twice, so that each has a local. */
function written(blocks: number, terms: number): string {
  const f = new FunctionWriter({
    name: 'sums',
    exported: 'sums',
    params: [{ name: 'x', type: 'f64' }],
    results: ['f64'],
    constants: new ConstantPool(),
  });
  const x = f.param(0);
  const total = f.variable('f64', 'total', f.pure('f64.mul', 'f64', [x, x]));
  const turns = f.variable('i32', 'turns', f.i32(0));
  for (let k = 0; k < blocks; k++) {
    f.set(turns, f.i32(0));
    f.loop([total, turns], (again) => {
      // What depends on the loop stays in it.
      let term = f.pure('f64.add', 'f64', [x, f.pure('f64.convert_i32_s', 'f64', [f.get(turns)])]);
      let sum = term;
      for (let i = 0; i < terms; i++) {
        term = f.pure('f64.add', 'f64', [term, x]);
        sum = f.pure('f64.add', 'f64', [sum, f.pure('f64.mul', 'f64', [term, term])]);
      }
      f.set(total, f.pure('f64.add', 'f64', [f.get(total), sum]));
      const next = f.pure('i32.add', 'i32', [f.get(turns), f.i32(1)]);
      f.set(turns, next);
      f.branch(again, f.pure('i32.lt_s', 'i32', [next, f.i32(2)]));
    });
  }
  f.result(f.get(total));
  return `(module\n${f.print().join('\n')}\n)`;
}

function expected(x: number, blocks: number, terms: number): number {
  let total = x * x;
  for (let k = 0; k < blocks; k++)
    for (let turn = 0; turn < 2; turn++) {
      let term = x + turn;
      let sum = term;
      for (let i = 0; i < terms; i++) {
        term += x;
        sum += term * term;
      }
      total += sum;
    }
  return total;
}

function localsOf(text: string): number {
  return [...text.matchAll(/\(local \$/g)].length;
}

test.each([
  ['few blocks: every value has its own', 3, 50, false],
  ['more than an engine takes', 1500, 40, true],
])('%s', (_, blocks, terms, reused) => {
  const text = written(blocks, terms);
  const values = [...text.matchAll(/\(local\.set /g)].length;
  if (reused) {
    expect(values).toBeGreaterThan(50_000);
    expect(localsOf(text)).toBeLessThan(1_000);
  }
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(encodeWat(text))), {});
  const { sums } = exports;
  if (typeof sums !== 'function') throw new Error('no function');
  expect(sums(0.5)).toBe(expected(0.5, blocks, terms));
});
