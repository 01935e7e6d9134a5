// Warnings about names that hide a coordinate, a parameter or a standard operator; and where there are none.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Context } from '../../compiler/elaborate/context.ts';
import { warnOfHiddenNames } from '../../compiler/elaborate/names/hidden_names.ts';
import { ModuleLoader } from '../../compiler/elaborate/names/modules.ts';
import type { Diagnostic } from '../../compiler/support/diagnostic.ts';
import { elaborate, memoryCompileHost } from './support.ts';

const warnings = (text: string): string[] =>
  elaborate(text)
    .diagnostics.filter((d) => d.severity === 'warning')
    .map((d) => d.message);

const model = (body: string, more = ''): string =>
  `${more}domain line(n = 8) { x: 0 .. 1 cells n }\npde heat(k = 1) on line { state u: scalar = 0\n ${body}\n boundary x.min, x.max { u = 0 } }`;

describe('a warning', () => {
  it('for a let, var or loop name that hides a coordinate or the time of its model', () => {
    expect(warnings(model('let x = 2\n dt(u) = dxx(u) + x'))).toEqual([
      '`x` hides the coordinate `x` of heat',
    ]);
    expect(warnings(model('let t = 2\n dt(u) = dxx(u)'))).toEqual(['`t` hides the time `t` of heat']);
    expect(warnings(model('dt(u) = dxx(u) + sum(x for x in [1.0, 2.0])'))).toEqual([
      '`x` hides the coordinate `x` of heat',
    ]);
    expect(warnings(model('dt(u) = dxx(u)\n after step { var x = 1.0; u = u*x }'))).toEqual([
      '`x` hides the coordinate `x` of heat',
    ]);
  });

  it('for one that hides a parameter or an input', () => {
    expect(warnings('param k = 1.0\nfn f(x) { let k = 2; return k*x }')).toEqual([
      '`k` hides the parameter `k`',
    ]);
    expect(warnings('input k: real = 1.0\nlet y = for k in 0..3 { yield k }')).toEqual([
      '`k` hides the input `k`',
    ]);
    expect(warnings('param k = 1.0\nrun { let (a, k) = (1, 2)\n print a }')).toEqual([
      '`k` hides the parameter `k`',
    ]);
    expect(
      warnings('param k = 1.0\nfn f(n) { var a = zeros([3]); a[k] += 1.0 for k in 0..3; return a }'),
    ).toEqual(['`k` hides the parameter `k`']);
  });

  it('for one that hides a standard operator', () => {
    expect(warnings('fn f(x) { let sum = x; return sum }')).toEqual([
      '`sum` hides the standard operator `sum`',
    ]);
    expect(warnings('let grad = 3')).toEqual(['`grad` hides the standard operator `grad`']);
    expect(warnings(model('let dx = 1/8\n dt(u) = dxx(u)'))).toEqual([
      '`dx` hides the standard operator `dx`',
    ]);
  });
});

describe('no warning', () => {
  it('for arguments, for functions that replace one of the library, for coordinates outside models', () => {
    expect(warnings('param k = 1.0\nfn f(k) = 2*k\nlet g = k => k')).toEqual([]);
    expect(warnings('fn norm(v) = 3')).toEqual([]);
    expect(warnings(model('dt(u) = dxx(u)', 'param k = 1.0\nfn f(n) { let x = n; return x }\n'))).toEqual([]);
    expect(warnings('domain line { r: 0 .. 1 cells 4 }\nfn f(n) { let dx = n; return dx }')).toEqual([]);
  });

  it('in the examples and the library', () => {
    for (const folder of ['examples', 'stdlib'])
      for (const name of readdirSync(join(import.meta.dirname, '../..', folder)).filter((n) =>
        n.endsWith('.flow'),
      )) {
        const text = readFileSync(join(import.meta.dirname, '../..', folder, name), 'utf8');
        const diagnostics: Diagnostic[] = [];
        const module = new ModuleLoader(memoryCompileHost(), diagnostics).load({ path: name, text }, false);
        const ctx: Pick<Context, 'diagnostics'> = { diagnostics };
        warnOfHiddenNames(ctx, module);
        expect(
          diagnostics.filter((d) => d.severity === 'warning').map((d) => d.message),
          name,
        ).toEqual([]);
      }
  });
});
