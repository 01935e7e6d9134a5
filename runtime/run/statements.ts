// The statements of a run, one function a kind. In: statements and a RunContext. Out: their effects: procedures run, things said, files written; or a FlowError placed at the statement.

import type { ScriptStatement } from '../../compiler/plan/script.ts';
import { assertNever, fail } from '../../compiler/support/diagnostic.ts';
import { checkGradient } from './check_gradient.ts';
import type { RunContext } from './context.ts';
import { callOptional, mayStop, readScalar } from './context.ts';
import { diagnose } from './diagnose.ts';
import { minimize } from './minimize.ts';
import { describeNumber, drawPlot, saveValues } from './outputs.ts';
import { spanOfOptional, spanOfPlace } from './place.ts';
import { takePlace } from './position.ts';
import { readText } from './text.ts';

type Print = Extract<ScriptStatement, { kind: 'print' }>;
type Assert = Extract<ScriptStatement, { kind: 'assert' }>;
type Loop = Extract<ScriptStatement, { kind: 'loop' }>;
type Branch = Extract<ScriptStatement, { kind: 'branch' }>;

export async function runStatement(run: RunContext, s: ScriptStatement): Promise<void> {
  await mayStop(run);
  switch (s.kind) {
    case 'call':
      run.state.diagnosis = s.diagnose;
      return run.executor.run(s.procedure);
    case 'minimize':
      return minimize(run, s);
    case 'print':
      return print(run, s);
    case 'assert':
      return assertHolds(run, s);
    case 'save':
      return saveValues(run, s);
    case 'plot':
      return drawPlot(run, s);
    case 'check_gradient':
      run.host.emit({ event: 'check', ...(await checkGradient(run, s)) });
      return;
    case 'loop':
      return loop(run, s);
    case 'branch':
      return branch(run, s);
    default:
      return assertNever(s);
  }
}

async function print(run: RunContext, s: Print): Promise<void> {
  await callOptional(run, s.procedure);
  const { text, finite } = await readText(s.parts, (variable) => run.executor.read(variable));
  run.host.emit({ event: 'print', text });
  if (!finite) await diagnose(run, s.diagnose, spanOfOptional(s.place));
}

async function assertHolds(run: RunContext, s: Assert): Promise<void> {
  await callOptional(run, s.procedure);
  if ((await readScalar(run, s.condition)) !== 0) return;
  const span = spanOfPlace(s.place);
  const values: { readonly label: string; readonly value: number }[] = [];
  for (const { label, variable } of s.values) {
    const value = await readScalar(run, variable);
    if (!values.some((v) => v.label === label)) values.push({ label, value });
  }
  const message = await readText(s.message, (variable) => run.executor.read(variable));
  if (!values.every(({ value }) => Number.isFinite(value))) await diagnose(run, s.diagnose, span);
  const shown = values.map(({ label, value }) => describeNumber(label, value)).join(', ');
  const parts = [
    'assertion failed',
    ...(message.text === '' ? [] : [message.text]),
    ...(shown === '' ? [] : [shown]),
  ];
  const missing = values.some(({ value }) => Number.isNaN(value));
  fail(
    'R202',
    parts.join(': '),
    span,
    missing ? 'a comparison with NaN never holds: look for 0/0, inf - inf or log(-1) in it' : undefined,
  );
}

async function loop(run: RunContext, s: Loop): Promise<void> {
  const to = typeof s.to === 'number' ? s.to : await readScalar(run, s.to.variable);
  const { position } = run.state;
  const depth = position.length;
  for (let i = takePlace(run) ?? s.from; i < to; i++) {
    position[depth] = i;
    await run.executor.write(s.variable, Float64Array.of(i));
    await run.statements(s.body);
  }
  position.length = depth;
}

async function branch(run: RunContext, s: Branch): Promise<void> {
  const { position } = run.state;
  const depth = position.length;
  let taken = takePlace(run);
  if (taken === undefined) {
    await callOptional(run, s.procedure);
    taken = (await readScalar(run, s.condition)) !== 0 ? 1 : 0;
  }
  position[depth] = taken;
  await run.statements(taken === 1 ? s.then : s.else);
  position.length = depth;
}
