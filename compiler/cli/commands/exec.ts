// `flowc exec`. In: a package and the options. Out: the exit status. The compiler is not loaded: what runs was compiled before. `--set` gives inputs; `const`s are fixed in a package.

import { read_file } from '../../../runtime/io/write_file.ts';
import type { FlowPackage } from '../../../runtime/package.ts';
import { readPackage } from '../../../runtime/package.ts';
import { runScript } from '../../../runtime/run/run_script.ts';
import type { ChosenTarget } from '../../../runtime/target.ts';
import { chooseTarget, openExecutor } from '../../../runtime/target.ts';
import type { Plan } from '../../plan/types.ts';
import { fail } from '../../support/diagnostic.ts';
import { didYouMean } from '../../support/did_you_mean.ts';
import { consoleHost, onExecutor } from '../execute.ts';
import { interruptedStatus } from '../interrupt.ts';
import type { RunOptions } from '../options.ts';
import { cpuOptions } from '../options.ts';
import { inputsOf } from '../settings.ts';

export async function runExec(
  request: { readonly file: string; readonly name?: string },
  options: RunOptions,
): Promise<number> {
  const { file, name } = request;
  if (options.dump !== undefined)
    fail(
      'R134',
      'a package is compiled already: --dump shows stages of the compiler',
      undefined,
      'flowc build PROGRAM.flow --dump …',
    );
  const loaded = readPackage(read_file(file), file);
  const { plan } = loaded;
  const inputs = inputsOf(options.set);
  refuseUnknown(loaded, inputs);
  const chosen = await chooseHeld(plan, options);
  return onExecutor(
    openExecutor(plan, chosen.target, cpuOptions(options)),
    chosen,
    options,
    async (executor, signal) => {
      const { status } = await runScript(plan, executor, {
        host: consoleHost(file, options),
        seed: options.seed,
        inputs,
        signal,
        ...(name === undefined ? {} : { run: name }),
        ...(options.resume === undefined ? {} : { resume: options.resume }),
      });
      return status === 'interrupted' ? interruptedStatus : 0;
    },
  );
}

/** The target that was asked for, of those the package has code for. */
async function chooseHeld(plan: Plan, options: RunOptions): Promise<ChosenTarget> {
  const held = { gpu: plan.code.wgsl !== undefined, cpu: plan.code.wasm !== undefined };
  const has = (target: ChosenTarget['target']): boolean => target === 'interpreter' || held[target];
  const chosen = await chooseTarget(options.target, plan.precision);
  if (has(chosen.target)) return chosen;
  const other = held.gpu ? 'gpu' : held.cpu ? 'cpu' : undefined;
  if (options.target === 'auto' && other !== undefined)
    return { target: other, why: 'all the package holds' };
  return fail(
    'R134',
    `the package holds no code for --target ${chosen.target}`,
    undefined,
    other === undefined ? 'only --target interpreter' : `--target ${other}, or build it without --target`,
  );
}

/** Only inputs can be set. */
function refuseUnknown({ settings, plan }: FlowPackage, inputs: ReadonlyMap<string, number>): void {
  const names = plan.script.inputs.map((input) => input.name);
  for (const name of inputs.keys()) {
    if (names.includes(name)) continue;
    const fixed = name in settings ? `: it was fixed at ${settings[name] ?? '?'} when it was built` : '';
    const near = didYouMean(name, names);
    const known = names.length === 0 ? 'it has no inputs' : `its inputs: ${names.join(', ')}`;
    fail(
      'R207',
      `the package has no input \`${name}\`${fixed}`,
      undefined,
      near === undefined
        ? `${known}; a const is given when it is built: flowc build … --set ${name}=…`
        : `did you mean \`${near}\`?`,
    );
  }
}
