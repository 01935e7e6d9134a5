// Where NaN began. In: the diagnosis a statement carries. Out: nothing when every solve it depends on stayed finite, otherwise a FlowError R201 that names model, state, step, time and
// the step size to take instead, and of an ensemble the member that is lost first.

import type { Diagnosis, ScriptStatement } from '../../compiler/plan/script.ts';
import { FlowError } from '../../compiler/support/diagnostic.ts';
import type { Span } from '../../compiler/support/span.ts';
import { spoken } from '../../compiler/support/lists.ts';
import { showNumber } from '../../compiler/support/number_text.ts';
import type { RunContext } from './context.ts';
import { readScalar } from './context.ts';
import { spanOfPlace } from './place.ts';

type SolveDiagnosis = Diagnosis['solves'][number];

/** The first diagnosis among these statements and the blocks in them. */
export function firstDiagnosis(list: readonly ScriptStatement[]): Diagnosis | undefined {
  for (const s of list) {
    const found =
      'diagnose' in s && s.diagnose !== undefined ? s.diagnose : firstDiagnosis(blocksOf(s).flat());
    if (found !== undefined) return found;
  }
  return undefined;
}

function blocksOf(s: ScriptStatement): readonly (readonly ScriptStatement[])[] {
  switch (s.kind) {
    case 'loop':
      return [s.body];
    case 'branch':
      return [s.then, s.else];
    case 'minimize':
      return s.every.map((every) => every.body);
    default:
      return [];
  }
}

/**
 * Throws R201 when one of the solves behind a result that is not finite became so itself. The diagnosis is the statement's own, or that of the procedure that computed what it
 * shows, or the first of the run; `where` is the statement.
 */
export async function diagnose(
  run: RunContext,
  diagnosis: Diagnosis | undefined,
  where: Span | undefined,
): Promise<void> {
  for (const solve of (diagnosis ?? run.state.diagnosis ?? run.anyDiagnosis)?.solves ?? []) {
    await run.executor.run(solve.procedure);
    const bad: { name: string; step: number }[] = [];
    for (const state of solve.states) {
      const step = await readScalar(run, state.firstBadStep);
      if (step >= 0) bad.push({ name: state.name, step });
    }
    if (bad.length > 0) await report(run, solve, bad, where);
  }
}

async function report(
  run: RunContext,
  solve: SolveDiagnosis,
  bad: readonly { readonly name: string; readonly step: number }[],
  where: Span | undefined,
): Promise<never> {
  const first = Math.min(...bad.map((b) => b.step));
  const names = bad.filter((b) => b.step === first).map((b) => `\`${b.name}\``);
  const stepSize = await readScalar(run, solve.stepSize);
  const stable = await readScalar(run, solve.stableStep);
  const time =
    solve.time === undefined
      ? (await readScalar(run, solve.startTime)) + (first + 1) * stepSize
      : await readScalar(run, solve.time);
  const verb = names.length > 1 ? 'are' : 'is';
  const training = run.state.step === undefined ? '' : `, in iteration ${run.state.step} of minimize`;
  const member = await memberText(run, solve);
  const before = await beforeText(run, solve);
  throw new FlowError([
    {
      severity: 'error',
      code: 'R201',
      message: `${spoken(names)} of ${solve.model} ${verb} no longer finite after step ${first + 1}, t = ${showNumber(time)}${member}${before}${training}`,
      span: spanOfPlace(solve.place),
      help: cure(Math.abs(stepSize), stable),
      ...(where === undefined ? {} : { related: [{ message: 'its result is needed here', span: where }] }),
    },
  ]);
}

/** Which member of an ensemble, and how many share its fate. */
async function memberText(run: RunContext, { members }: SolveDiagnosis): Promise<string> {
  if (members === undefined) return '';
  let index = await readScalar(run, members.index);
  const lost = await readScalar(run, members.lost);
  const places: string[] = [];
  let all = 1;
  for (const { word, count, only } of [...members.axes].reverse()) {
    places.unshift(`${word} ${only ?? index % count}`);
    index = Math.floor(index / count);
    all *= count;
  }
  const others =
    lost > 1 ? ` (the first of ${lost} that are lost among ${all})` : ` (the only one of ${all})`;
  return `, in ${places.join(', ')}${all > 1 ? others : ''}`;
}

/** Numbers of the states that a message shows. */
const SHOWN = 4;
/** What is larger is a solution that blows up, whose last numbers say nothing. */
const TELLING = 1e12;

/** The states from which the step began. */
async function beforeText(run: RunContext, { states }: SolveDiagnosis): Promise<string> {
  const shown: string[] = [];
  for (const { name, before, largest } of states.slice(0, SHOWN)) {
    if (before === undefined) continue;
    const value = await readScalar(run, before);
    if (!(Math.abs(value) < TELLING)) return '';
    shown.push(`${largest === true ? `max |${name}|` : name} = ${showNumber(value, 3)}`);
  }
  return shown.length === 0 ? '' : `, from ${shown.join(', ')}`;
}

function cure(step: number, stable: number): string {
  const size = showNumber(step);
  if (!(stable > 0))
    return `the step is ${size}: try a smaller one, and look for a division by zero or the logarithm or root of a negative number in the equations`;
  const limit = showNumber(roundedDown(stable));
  if (stable < step)
    return `the step ${size} is too long for this method: take dt below ${limit} (an estimate from the start), or a method with a larger region of stability`;
  return `the step ${size} is below the estimated limit of stability, ${limit}: look for a division by zero or the logarithm or root of a negative number in the equations, or a solution that really blows up`;
}

/** Two digits, never more than the value. */
function roundedDown(x: number): number {
  const unit = 10 ** (Math.floor(Math.log10(x)) - 1);
  return Number((Math.floor(x / unit) * unit).toPrecision(2));
}
