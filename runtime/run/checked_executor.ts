// What a program checks while it runs (`checked` in Flow: a solver that does not converge). In: an executor, and the procedures that leave behind what has failed. Out: an executor that looks
// after each of those and ends with a FlowError R214 at the first failure.

import type { CheckPlan, Script } from '../../compiler/plan/script.ts';
import type { Executor } from '../../compiler/plan/types.ts';
import { fail } from '../../compiler/support/diagnostic.ts';
import { showNumber } from '../../compiler/support/number_text.ts';
import { spanOfPlace } from './place.ts';

export function checkedExecutor(executor: Executor, script: Script): Executor {
  const checks = new Map((script.checks ?? []).map((check) => [check.procedure, check]));
  if (checks.size === 0) return executor;
  return {
    description: executor.description,
    target: executor.target,
    get bytes() {
      return executor.bytes;
    },
    async run(procedure, times) {
      await executor.run(procedure, times);
      const check = checks.get(procedure);
      if (check !== undefined) await look(executor, check);
    },
    read: (variable) => executor.read(variable),
    write: (variable, data) => executor.write(variable, data),
    dispose: () => executor.dispose(),
  };
}

async function look(executor: Executor, check: CheckPlan): Promise<void> {
  const vector = await executor.read(check.variable);
  const failed = check.sites.find((site) => (vector[site.offset] ?? 0) > 0);
  if (failed === undefined) return;
  // The next run or test begins with nothing failed.
  await executor.write(check.variable, new Float64Array(check.size));
  const text = failed.parts
    .map((p) => (typeof p === 'string' ? p : showNumber(vector[failed.offset + 1 + p] ?? NaN, 3)))
    .join('');
  const members = (failed.members ?? []).map(({ word, offset }) => `${word} ${vector[offset] ?? NaN}`);
  const where = members.length === 0 ? '' : `, in ${members.join(', ')}`;
  fail(failed.code ?? 'R214', `${text}${where}`, spanOfPlace(failed.place), failed.cure);
}
