// `check gradient`: the Taylor test (taylor.ts) and the comparison of the two modes of differentiation, as a statement of a run. In: a CheckGradientStatement. Out: a report; a gradient
// that is wrong is a FlowError R204 with the numbers.

import type { CheckGradientStatement } from '../../compiler/plan/script.ts';
import { fail } from '../../compiler/support/diagnostic.ts';
import { showNumber } from '../../compiler/support/number_text.ts';
import type { RunContext } from './context.ts';
import { mayStop, readScalar, workingPrecision } from './context.ts';
import { diagnose } from './diagnose.ts';
import type { GradientReport } from './host.ts';
import { spanOfPlace } from './place.ts';
import type { TaylorResult } from './taylor.ts';
import { taylorTest } from './taylor.ts';

/** Relative disagreement of the modes that rounding over a long solve can explain. */
const agreement: { readonly [P in 'f32' | 'f64']: number } = { f32: 1e-3, f64: 1e-8 };

export async function checkGradient(run: RunContext, s: CheckGradientStatement): Promise<GradientReport> {
  const precision = workingPrecision(run);
  const span = spanOfPlace(s.place);
  const lossAt = async (h: number): Promise<number> => {
    await mayStop(run);
    await run.executor.write(s.h, Float64Array.of(h));
    await run.executor.run(s.value);
    return readScalar(run, s.loss);
  };
  const loss = await lossAt(0);
  await run.executor.run(s.slope);
  const reverse = await readScalar(run, s.reverse);
  const forward = await readScalar(run, s.forward);
  if (![loss, reverse, forward].every(Number.isFinite)) {
    await diagnose(run, undefined, span);
    fail(
      'R204',
      `the gradient cannot be checked: the loss is ${showNumber(loss)}, its derivative ${showNumber(reverse)} in reverse and ${showNumber(forward)} in forward mode`,
      span,
      'print the loss and what goes into it; a solve that is not stable, a division by zero or a logarithm of zero makes NaN',
    );
  }
  const scale = typicalStep(await run.executor.read(s.scale));
  const taylor = await taylorTest({ lossAt, loss, slope: reverse, scale, precision });
  // The program goes on at its own parameters.
  await run.executor.write(s.h, Float64Array.of(0));

  const largest = Math.max(Math.abs(reverse), Math.abs(forward));
  const difference = Math.abs(reverse - forward);
  // A derivative that changes the loss by less than its rounding over a typical step is nothing to disagree about.
  const resolution = taylor.noise / scale;
  const agree = difference <= agreement[precision] * largest + resolution;
  const disagreement = largest === 0 ? 0 : difference / largest;
  const report: GradientReport = {
    label: s.label,
    verdict: agree ? taylor.verdict : 'fail',
    ...(taylor.slope === undefined ? {} : { slope: taylor.slope, from: taylor.from, to: taylor.to }),
    reverse,
    forward,
    disagreement,
    table: taylor.table,
    text: `${sentence(taylor, precision)}; ${modes(disagreement, reverse, forward, agree)}`,
  };
  run.state.checks.push(report);
  if (report.verdict === 'fail')
    fail(
      'R204',
      agree
        ? `the gradient of ${s.label} is wrong: its Taylor remainder falls with slope ${digits3(taylor.slope)}, not 2`
        : `forward and reverse mode disagree in the gradient of ${s.label}: ${showNumber(forward, 9)} and ${showNumber(reverse, 9)}`,
      span,
      `${tableText(report)}\na kink between the points (abs, max, where, sort), a random draw that differs from call to call, or chaos explains it; otherwise please report it with the program`,
    );
  return report;
}

/** h that moves the parameters by about their own size; see `scale` of the statement. */
function typicalStep(scale: Float64Array): number {
  const [size = 1, direction] = scale;
  const step = direction === undefined ? Math.min(1, size) : (size === 0 ? 1 : size) / direction;
  return Number.isFinite(step) && step > 0 ? step : 1;
}

function digits3(x: number | undefined): string {
  return x === undefined ? '?' : x.toFixed(2);
}

function sentence(taylor: TaylorResult, precision: 'f32' | 'f64'): string {
  const relative = showNumber(taylor.relative, 2);
  switch (taylor.verdict) {
    case 'pass':
    case 'fail':
      return `slope ${digits3(taylor.slope)} over h = ${showNumber(taylor.from ?? NaN, 2)} .. ${showNumber(taylor.to ?? NaN, 2)}${taylor.mixed === true ? ' (third order shows; no linear part)' : ''}`;
    case 'linear':
      return `the loss is linear in this direction, its remainder rounding alone (${relative} of the change)`;
    case 'flat':
      return 'the loss does not change in this direction, and its gradient is zero';
    case 'unclear':
      return (
        `the slope cannot be judged in ${precision}: rounding (${showNumber(taylor.noise, 2)} of the loss value) hides the remainder` +
        `${Number.isFinite(taylor.relative) ? `, which bounds the error of the gradient by ${relative}` : ''}` +
        `${precision === 'f32' ? '; try `precision f64`' : ''}`
      );
  }
}

function modes(disagreement: number, reverse: number, forward: number, agree: boolean): string {
  return agree
    ? `forward/reverse agree to ${showNumber(disagreement, 2)}`
    : `forward ${showNumber(forward, 9)} and reverse ${showNumber(reverse, 9)} disagree`;
}

function tableText(report: GradientReport): string {
  const rows = report.table.map(
    ({ h, loss, remainder, used }) =>
      `${used ? '*' : ' '} ${h.toExponential(2).padStart(9)}  ${loss.toPrecision(10).padStart(17)}  ${remainder.toExponential(3).padStart(10)}`,
  );
  return [
    `reverse ${showNumber(report.reverse, 9)}, forward ${showNumber(report.forward, 9)}`,
    `          h               loss   remainder   (* fitted)`,
    ...rows,
  ].join('\n');
}
