// Every `test` block of the examples and of the standard library holds on every target. In f64 the numbers its assertions compare are the same on the CPU and in the interpreter, but for
// rounding; in f32 such numbers may be rounding themselves (how far a conserved quantity drifts), so there the verdict counts.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ScriptStatement } from '../../compiler/plan/script.ts';
import type { Executor } from '../../compiler/plan/types.ts';
import { renderError } from '../../compiler/support/render.ts';
import type { SourceFile } from '../../compiler/support/span.ts';
import type { MemoryHost } from '../../runtime/run/index.ts';
import { createMemoryHost, runTests } from '../../runtime/run/index.ts';
import { forms } from './forms.ts';
import type { Compiled, TargetName } from './support.ts';
import { compiled, exampleSource, librarySource, noGpu, onTarget, root, varied } from './support.ts';

const gpuIsMissing = (await noGpu()) !== undefined;

interface Subject {
  readonly name: string;
  readonly source: SourceFile;
  readonly settings: Readonly<Record<string, string>>;
}

const library = readdirSync(join(root, 'stdlib'))
  .filter((file) => file.endsWith('.flow'))
  .map((file) => file.slice(0, -'.flow'.length))
  .filter((name) => /^test\b/m.test(readFileSync(join(root, 'stdlib', `${name}.flow`), 'utf8')));

const subjects: readonly Subject[] = [
  ...library.map((name) => ({ name: `std.${name}`, source: librarySource(name), settings: {} })),
  // As they stand; only 512 x 512 cells are too many for the interpreter.
  ...forms.map(({ name, settings = {} }) => ({ name, source: exampleSource(name), settings })),
];

function compiledTests({ source, settings }: Subject): Compiled {
  return compiled(source, { settings }, { only: { run: '', tests: true }, diagnose: true });
}

/** Relative where numbers are large, absolute where they are small. */
const sameInF64 = 1e-8;
/** These compare slopes of errors that come near to rounding. */
const slopesOfSmallErrors: Readonly<Record<string, number>> = {
  'std.ode_implicit': 1e-5,
  'std.ode_parts': 1e-4,
  'std.ode_exponential': 1e-4,
  'std.space': 1e-5,
  'std.step_control': 1e-4,
};

/** The values that assertions compare, by the order in which they stand. */
function comparedIn(body: readonly ScriptStatement[]): readonly string[] {
  return body.flatMap((s) => {
    if (s.kind === 'loop') return comparedIn(s.body);
    if (s.kind === 'branch') return [...comparedIn(s.then), ...comparedIn(s.else)];
    return s.kind === 'assert' ? s.values.map((value) => value.variable) : [];
  });
}

interface Outcome {
  readonly failed: readonly string[];
  readonly numbers: readonly number[];
}

async function outcome(program: Compiled, target: TargetName): Promise<Outcome> {
  return onTarget(program, target, async (executor) => {
    const failed: string[] = [];
    const numbers: number[] = [];
    for (const { name, body } of program.plan.script.tests) {
      const host: MemoryHost = createMemoryHost();
      const { results } = await runTests(program.plan, executor, { host, filter: name });
      for (const { ok, error } of results)
        if (!ok) failed.push(`${name}: ${error === undefined ? '' : renderError(error)}`);
      numbers.push(...(await allNumbers(executor, comparedIn(body))));
    }
    return { failed, numbers };
  });
}

async function allNumbers(executor: Executor, variables: readonly string[]): Promise<readonly number[]> {
  const numbers: number[] = [];
  for (const variable of variables) numbers.push(...(await executor.read(variable)));
  return numbers;
}

test('all modules that have tests are found', () => {
  expect(library).toContain('ode');
  expect(library.length).toBeGreaterThan(2);
});

describe.each(subjects)('$name', (subject) => {
  const already = /^precision f64\b/m.test(subject.source.text);
  // What is in f64 as it stands is judged with its numbers, below.
  const judgedBelow = already && subject.name !== 'std.prelude';
  test.skipIf(judgedBelow)('holds on the CPU and in the interpreter', async () => {
    const program = compiledTests(subject);
    expect(program.plan.script.tests.length).toBeGreaterThan(0);
    expect((await outcome(program, 'interpreter')).failed).toEqual([]);
    expect((await outcome(program, 'cpu')).failed).toEqual([]);
  });

  // The prelude is read before any program says which precision it wants.
  test.skipIf(subject.name === 'std.prelude')('the same numbers in f64', async () => {
    const source = already ? subject.source : varied(subject.source, { precision: 'f64' });
    const program = compiledTests({ ...subject, source });
    const [cpu, interpreter] = [await outcome(program, 'cpu'), await outcome(program, 'interpreter')];
    expect(cpu.failed).toEqual([]);
    expect(interpreter.failed).toEqual([]);
    expect(cpu.numbers.length).toBeGreaterThan(0);
    expect(cpu.numbers.length).toBe(interpreter.numbers.length);
    expect(program.plan.script.tests.length).toBeGreaterThan(0);
    const tolerance = slopesOfSmallErrors[subject.name] ?? sameInF64;
    cpu.numbers.forEach((x, i) => {
      const y = interpreter.numbers[i] ?? NaN;
      expect(Math.abs(x - y)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(y)));
    });
  });

  const usesF64 = /\bprecision f64\b/.test(subject.source.text);
  test.skipIf(gpuIsMissing || usesF64 || !subject.name.startsWith('std.'))('holds on the GPU', async () => {
    expect((await outcome(compiledTests(subject), 'gpu')).failed).toEqual([]);
  });
});
