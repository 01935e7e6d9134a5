// The encoder gives the bytes of wabt, for whole programs with and without fused multiply-add, and for forms that they may lack.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeWat } from '../../compiler/target/wasm/encode.ts';
import { printWat } from '../../compiler/target/wasm/emit.ts';
import { opcodeTable } from '../../compiler/target/wasm/opcodes.ts';
import { compiled, root } from '../integration/support.ts';
import { assembleWat } from './assemble.ts';

async function expectSame(name: string, text: string): Promise<void> {
  const [own, expected] = [encodeWat(text), await assembleWat(name, text)];
  expect(own.length, name).toBe(expected.length);
  const place = expected.findIndex((byte, i) => byte !== own[i]);
  expect(
    place,
    `${name}: ${[...own.slice(place, place + 8)].join(' ')} for ${[...expected.slice(place, place + 8)].join(' ')}`,
  ).toBe(-1);
}

describe('encoded modules', () => {
  test.each(['adaptive', 'draws', 'exact_integers', 'local_precision'])(
    '%s',
    { timeout: 60_000 },
    async (name) => {
      const path = join(root, 'test/integration/programs', `${name}.flow`);
      const { plan } = compiled({ path, text: readFileSync(path, 'utf8') });
      for (const fused of [false, true]) await expectSame(name, printWat(plan, fused).text);
    },
  );

  test('every instruction of the table', async () => {
    const lines: string[] = [];
    for (const [name, { immediate }] of opcodeTable()) {
      // Behind `unreachable` operands of any kind are on the stack.
      const memory = immediate === 'memory' || immediate === 'memory and lane' ? ' offset=12' : '';
      const lane = immediate === 'lane' || immediate === 'memory and lane' ? ' 1' : '';
      if (name !== 'select') lines.push(`    (unreachable) (${name}${memory}${lane})`);
    }
    await expectSame(
      'instructions',
      `(module\n  (import "env" "memory" (memory 1 65536 shared))\n  (func $all\n${lines.join('\n')}\n  (unreachable)))`,
    );
  });

  test('numbers at the ends of their ranges, labels, globals, data, imported functions', async () => {
    const constants = [
      ...[0, 63, 64, 127, 128, -1, -64, -65, 8191, 8192, 2147483647, -2147483648].map(
        (x) => `(i32.const ${x})`,
      ),
      ...['0', '-1', '9223372036854775807', '-9223372036854775808', '0x7fffffffffffffff'].map(
        (x) => `(i64.const ${x})`,
      ),
      ...['0', '-0', '1.5', '-2e-7', '3.4028234663852886e+38', '1e-45', 'inf', '-inf'].map(
        (x) => `(f32.const ${x})`,
      ),
      ...['0.1', '5e-324', '1.7976931348623157e+308', '0x1p-64', '-0x3p54', 'inf'].map(
        (x) => `(f64.const ${x})`,
      ),
    ];
    await expectSame(
      'forms',
      `;; a comment with (parentheses)
(module
  (import "env" "memory" (memory 3 65536 shared))
  (import "env" "tell" (func $tell (param i32 f64) (result i32)))
  (data $d "\\00\\ff\\10")
  (global $g (mut f64) (f64.const 0x1p-3))
  (global $h i32 (i32.const -7))
  (func $f (export "run f.x") (param $a i32) (param i64) (result f64)
    (local $x f64) (local $y f64) (local i32) (local $v v128)
${constants.map((c) => `    (drop ${c})`).join('\n')}
    (block $out (result f64)
      (loop $again
        (br_if $again (i32.eqz (local.get $a)))
        (if (i32.lt_s (local.get $a) (i32.const 3)) (then (br $again)) (else (br $out (f64.const 1)))))
      (global.set $g (f64.add (global.get $g) (f64.convert_i32_s (global.get $h))))
      (memory.init $d (i32.const 1024) (i32.const 0) (i32.const 3))
      (memory.copy (i32.const 0) (i32.const 8) (i32.const 16))
      (memory.fill (i32.const 0) (i32.const 8) (i32.const 16))
      (local.set $v (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 31 30 29 28 (local.get $v) (local.get $v)))
      (local.set $y (f64.load offset=70000 align=4 (call $tell (local.tee $a (i32.const 1)) (local.get $x))))
      (if (result f64) (local.get $a) (then (call $f (local.get $a) (i64.const 0))) (else (return (local.get $y)))))))
`,
    );
  });

  test('what is not known is an internal error', () => {
    expect(() => encodeWat('(module (func (i32.frobnicate)))')).toThrow(/i32\.frobnicate/);
    expect(() => encodeWat('(module (func (drop (local.get $x))))')).toThrow(/\$x/);
  });
});
