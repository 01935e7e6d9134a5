// What a program checks while it runs. In: an executor, and the procedures that leave behind what has failed. Out: an executor that looks after each of those and ends with a FlowError R214
// at the first failure (`checked` in Flow: a solver that does not converge). Checks that only warn (a `while` that came to its limit) are not waited for: `tell`, called where the run has
// something to read anyway and at its end, says each place once.

import type { CheckPlan, CheckSite, Script } from '../../compiler/plan/script.ts';
import type { Executor } from '../../compiler/plan/types.ts';
import type { Diagnostic } from '../../compiler/support/diagnostic.ts';
import { fail } from '../../compiler/support/diagnostic.ts';
import { showNumber } from '../../compiler/support/number_text.ts';
import { spanOfPlace } from './place.ts';

export interface CheckedExecutor extends Executor {
  /** Warnings of what has been run since the last time, without those told before. */
  tell(): Promise<readonly Diagnostic[]>;
}

type Site = CheckPlan['sites'][number];

export function checkedExecutor(executor: Executor, script: Script): CheckedExecutor {
  const checks = new Map((script.checks ?? []).map((check) => [check.procedure, check]));
  /** Procedures that have been run and may have to tell something. */
  const due = new Set<CheckPlan>();
  const told = new Set<string>();
  return {
    description: executor.description,
    target: executor.target,
    get bytes() {
      return executor.bytes;
    },
    async run(procedure, times) {
      await executor.run(procedure, times);
      const check = checks.get(procedure);
      if (check === undefined) return;
      if (check.sites.some((s) => s.warns === true)) due.add(check);
      if (check.sites.some((s) => s.warns !== true)) await look(executor, check);
    },
    read: (variable) => executor.read(variable),
    write: (variable, data) => executor.write(variable, data),
    dispose: () => executor.dispose(),
    async tell() {
      const found = new Map<string, Warning>();
      for (const check of due) {
        const vector = await executor.read(check.variable);
        const sites = check.sites.filter((s) => s.warns === true && (vector[s.offset] ?? 0) > 0);
        for (const site of sites) collect(found, site, vector);
        // The next run or test begins with nothing told.
        if (sites.length > 0) await executor.write(check.variable, new Float64Array(check.size));
      }
      due.clear();
      const fresh = [...found].filter(([place]) => !told.has(place));
      for (const [place] of fresh) told.add(place);
      return fresh.map(([, warning]) => diagnosticOf(warning));
    },
  };
}

async function look(executor: Executor, check: CheckPlan): Promise<void> {
  const vector = await executor.read(check.variable);
  const failed = check.sites.find((site) => site.warns !== true && (vector[site.offset] ?? 0) > 0);
  if (failed === undefined) return;
  // The next run or test begins with nothing failed; what warns is told first.
  const kept = new Float64Array(check.size);
  for (const site of check.sites) {
    if (site.warns !== true) continue;
    for (const i of placesOf(site)) kept[i] = vector[i] ?? 0;
  }
  await executor.write(check.variable, kept);
  const text = `${textOf(failed, vector)}${memberOf(failed, vector)}`;
  fail(failed.code ?? 'R214', text, spanOfPlace(failed.place), failed.cure);
}

/** Where a site stands in its vector. */
function placesOf(site: Site): number[] {
  const shown = site.parts.filter((p) => typeof p === 'number').length;
  return [
    site.offset,
    ...Array.from({ length: shown }, (_, i) => site.offset + 1 + i),
    ...(site.members ?? []).map((m) => m.offset),
  ];
}

function textOf(site: Site, vector: Float64Array): string {
  return site.parts
    .map((p) => (typeof p === 'string' ? p : showNumber(vector[site.offset + 1 + p] ?? NaN, 3)))
    .join('');
}

/** `, in path 3`: which element of an ensemble it was. */
function memberOf(site: Site, vector: Float64Array): string {
  const members = (site.members ?? []).map(({ word, offset }) => `${word} ${vector[offset] ?? NaN}`);
  return members.length === 0 ? '' : `, in ${members.join(', ')}`;
}

/** What one place warns of, whichever procedures and copies of it have met it. */
interface Warning {
  readonly site: CheckSite;
  readonly text: string;
  readonly member: string;
  count: number;
}

function collect(found: Map<string, Warning>, site: Site, vector: Float64Array): void {
  const { file, line, column } = site.place;
  const key = `${site.code ?? ''} ${file} ${line} ${column}`;
  const count = vector[site.offset] ?? 0;
  const known = found.get(key);
  if (known !== undefined) known.count += count;
  else {
    // Behind the message stands which element it is of those that are written out.
    const [text = '', ...elements] = site.parts;
    const written = textOf({ ...site, parts: elements }, vector);
    found.set(key, { site, text: `${text}`, member: `${written}${memberOf(site, vector)}`, count });
  }
}

function diagnosticOf({ site, text, member, count }: Warning): Diagnostic {
  const often =
    count === 1
      ? member
      : `, ${count.toLocaleString('en-US')} times${member === '' ? '' : `, one of them${member.slice(1)}`}`;
  return {
    severity: 'warning',
    code: site.code ?? 'R214',
    message: `${text}${often}`,
    span: spanOfPlace(site.place),
    ...(site.cure === undefined ? {} : { help: site.cure }),
  };
}
