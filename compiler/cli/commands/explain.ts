// `flowc explain`. In: the file and the options. Out: what the program costs before it runs: procedures, kernels a step of every loop, bytes; with `--memory` every buffer of weight.

import type { PlanBuffer } from '../../plan/types.ts';
import type { LoopReport, ScheduleReport } from '../../schedule/report.ts';
import { binaryBytes } from '../doctor.ts';
import { planFile } from '../compiled.ts';
import type { ExplainOptions } from '../options.ts';

/** Buffers shown one by one. */
const mostBuffers = 20;

export async function runExplain(
  request: { readonly file: string },
  options: ExplainOptions,
): Promise<number> {
  const { plan, report } = planFile(request.file, options);
  if (options.json) {
    const { name, precision, bytes } = plan;
    const { bytes: parts, ...rest } = report;
    const document = { ok: true, name, precision, bytes: { all: bytes, ...parts }, ...rest };
    process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
    return 0;
  }
  const lines = [
    `${plan.name}: ${plan.precision}, ${plan.kernels.length} kernels, ${binaryBytes(plan.bytes)}`,
    '',
    ...procedureLines(report),
    '',
    ...memoryLines(plan.buffers, report, options.memory),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return 0;
}

function procedureLines(report: ScheduleReport): readonly string[] {
  const width = Math.max(...Object.keys(report.dispatches).map((name) => name.length), 0);
  return Object.entries(report.dispatches).flatMap(([name, dispatches]) => [
    `${name.padEnd(width)}  ${counted(dispatches, 'kernel')} outside loops`,
    ...report.loops
      .filter((loop) => loop.procedure === name)
      .map((loop) => `${' '.repeat(width)}  ${loopText(loop)}`),
  ]);
}

function loopText(loop: LoopReport): string {
  const { kind, steps, kernelsPerStep, kernelsPerForwardStep, copiesPerStep } = loop;
  const copies = copiesPerStep > 0 ? `, ${counted(copiesPerStep, 'copy')}` : '';
  switch (kind) {
    case 'loop':
      return `loop of ${steps} steps: ${counted(kernelsPerStep, 'kernel')} a step${copies}`;
    case 'reverse':
      return `reverse sweep of ${steps} steps: ${counted(kernelsPerStep, 'kernel')} a step, ${counted(kernelsPerForwardStep, 'kernel')} a recomputed step${copies}`;
    case 'while':
      return `loop of at most ${steps} turns: ${counted(kernelsPerStep, 'kernel')} a turn${copies}`;
    case 'scan':
      return `loop of ${steps} steps inside one kernel`;
  }
}

function memoryLines(
  buffers: readonly PlanBuffer[],
  report: ScheduleReport,
  each: boolean,
): readonly string[] {
  const { variables, temporaries, constants } = report.bytes;
  const lines = [
    `variables    ${binaryBytes(variables)}`,
    `temporaries  ${binaryBytes(temporaries)}`,
    `constants    ${binaryBytes(constants)}`,
  ];
  if (!each) return lines;
  const largest = [...buffers].sort((a, b) => b.bytes - a.bytes).slice(0, mostBuffers);
  const rest = buffers.length - largest.length;
  return [
    ...lines,
    '',
    ...largest.map(
      ({ bytes, role, name, shape }) =>
        `${binaryBytes(bytes).padStart(12)}  ${role.padEnd(8)}  ${name}${shape === undefined ? '' : ` [${shape.join(', ')}]`}`,
    ),
    ...(rest > 0 ? [`and ${rest} smaller buffers`] : []),
  ];
}

/** `1 kernel`, `2.5 kernels`, `3 copies`. */
function counted(n: number, noun: string): string {
  const plural = noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : `${noun}s`;
  return `${Number(n.toFixed(2))} ${n === 1 ? noun : plural}`;
}
