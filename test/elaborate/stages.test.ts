// An expression means the same at every stage: computed from literals at compile time, from inputs at run time, element by element on arrays, inside a rolled loop, and on the values of a field.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluate, flat } from './support.ts';

/** Leaves: name at run time, literal at compile time. */
const leaves = [
  ['i', '7', 'int'],
  ['j', '-3', 'int'],
  ['k', '2', 'int'],
  ['x', '0.75', 'real'],
  ['y', '-2.5', 'real'],
  ['z', '3.0', 'real'],
] as const;

type Kind = 'int' | 'real' | 'bool';
interface Formula {
  readonly kind: Kind;
  /** The text with the leaves spelt by a function. */
  readonly spell: (leaf: (name: string, literal: string) => string) => string;
}

const leaf = fc.constantFrom(...leaves).map(([name, literal, kind]): Formula => ({
  kind,
  spell: (f) => f(name, literal),
}));

const number = (f: Formula): boolean => f.kind !== 'bool';

/** Formulas of numbers and truth values, every one of whose values is finite. */
const formula: fc.Arbitrary<Formula> = fc.letrec<{ number: Formula; truth: Formula }>((tie) => ({
  number: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.tuple(fc.constantFrom('+', '-', '*'), tie('number'), tie('number')).map(([op, a, b]): Formula => ({
      kind: a.kind === 'int' && b.kind === 'int' ? 'int' : 'real',
      spell: (f) => `(${a.spell(f)} ${op} ${b.spell(f)})`,
    })),
    fc
      .tuple(fc.constantFrom('//', '%'), tie('number'), fc.constantFrom('2', '-2', '3'))
      .map(([op, a, b]): Formula => ({ kind: a.kind, spell: (f) => `(${a.spell(f)} ${op} ${b})` })),
    fc
      .tuple(tie('number'), fc.constantFrom('4', '-8', '0.5'))
      .map(([a, b]): Formula => ({ kind: 'real', spell: (f) => `(${a.spell(f)} / ${b})` })),
    fc
      .tuple(tie('number'), fc.constantFrom('2', '3', '0', '1'))
      .map(([a, b]): Formula => ({ kind: a.kind, spell: (f) => `${a.spell(f)}^${b}` })),
    tie('number').map((a): Formula => ({ kind: a.kind, spell: (f) => `(-${a.spell(f)})` })),
    fc
      .tuple(fc.constantFrom('abs', 'sign'), tie('number'))
      .map(([name, a]): Formula => ({ kind: a.kind, spell: (f) => `${name}(${a.spell(f)})` })),
    fc
      .tuple(fc.constantFrom('floor', 'ceil', 'round', 'int'), tie('number'))
      .map(([name, a]): Formula => ({ kind: 'int', spell: (f) => `${name}(${a.spell(f)}/4)` })),
    fc
      .tuple(fc.constantFrom('sin', 'tanh', 'atan', 'cos'), tie('number'))
      .map(([name, a]): Formula => ({ kind: 'real', spell: (f) => `${name}(${a.spell(f)})` })),
    fc.tuple(fc.constantFrom('max', 'min'), tie('number'), tie('number')).map(([name, a, b]): Formula => ({
      kind: a.kind === 'int' && b.kind === 'int' ? 'int' : 'real',
      spell: (f) => `${name}(${a.spell(f)}, ${b.spell(f)})`,
    })),
    fc.tuple(tie('truth'), tie('number'), tie('number')).map(([c, a, b]): Formula => ({
      kind: a.kind === 'int' && b.kind === 'int' ? 'int' : 'real',
      spell: (f) => `where(${c.spell(f)}, ${a.spell(f)}, ${b.spell(f)})`,
    })),
  ),
  truth: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc
      .tuple(fc.constantFrom('<', '<=', '>', '>=', '==', '!='), tie('number'), tie('number'))
      .map(([op, a, b]): Formula => ({ kind: 'bool', spell: (f) => `(${a.spell(f)} ${op} ${b.spell(f)})` })),
    fc
      .tuple(fc.constantFrom('and', 'or'), tie('truth'), tie('truth'))
      .map(([op, a, b]): Formula => ({ kind: 'bool', spell: (f) => `(${a.spell(f)} ${op} ${b.spell(f)})` })),
    tie('truth').map((a): Formula => ({ kind: 'bool', spell: (f) => `(not ${a.spell(f)})` })),
    fc.tuple(tie('number'), tie('number'), tie('number')).map(([a, b, c]): Formula => ({
      kind: 'bool',
      spell: (f) => `(${a.spell(f)} < ${b.spell(f)} <= ${c.spell(f)})`,
    })),
  ),
})).number;

const inputs = leaves.map(([name, literal, kind]) => `input ${name}: ${kind} = ${literal}`).join('\n');

describe('an expression means the same', () => {
  it('at compile time, at run time, on arrays, in loops', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(formula.filter(number), { minLength: 12, maxLength: 12 }),
        async (formulas) => {
          const lines = formulas.flatMap((f, n) => {
            const literal = f.spell((_name, l) => (l.startsWith('-') ? `(${l})` : l));
            const named = f.spell((name) => name);
            const arrays = f.spell((name) => `v${name}`);
            return [
              `fn c${n}() = 1*${literal}`,
              `fn r${n}() = 1*${named}`,
              `fn a${n}() = (${arrays} + 0*vx)[1]`,
              `fn l${n}() {\n var s = 0.0\n for q in 0..2 { s = s + ${named}/2 }\n return s\n}`,
              `fn e${n}() = [${named} + 0*w for w in [1.0, 2.0]][1]`,
            ];
          });
          const arrays = leaves.map(([name]) => `let v${name} = [${name}, ${name}, 2*${name}]`).join('\n');
          const out = await evaluate(
            `precision f64\n${inputs}\n${arrays}\n${lines.join('\n')}`,
            Object.fromEntries(
              formulas.flatMap((_, n) => ['c', 'r', 'a', 'l', 'e'].map((s) => [`${s}${n}`, `${s}${n}()`])),
            ),
            { verify: false },
          );
          formulas.forEach((f, n) => {
            const of = (stage: string): number => flat(out[`${stage}${n}`] ?? NaN)[0] ?? NaN;
            const expected = of('c');
            const text = f.spell((name) => name);
            // Ints are 32 bits wide at run time.
            if (!Number.isFinite(expected) || Math.abs(expected) > 2 ** 30) return;
            for (const stage of ['r', 'a', 'l', 'e'])
              expect(Math.abs(of(stage) - expected), `${stage}: ${text}`).toBeLessThanOrEqual(
                1e-9 * Math.max(1, Math.abs(expected)),
              );
          });
        },
      ),
      { numRuns: 25, seed: 7 },
    );
  });
});
