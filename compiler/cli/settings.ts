// `--set` as the compiler and the runtime take it. In: settings in the order given. Out: texts by name, for the compiler, which knows their types; numbers by name, for a package.

import type { Script } from '../plan/script.ts';
import { fail } from '../support/diagnostic.ts';
import type { Setting } from './options.ts';

export function settingsOf(set: readonly Setting[]): ReadonlyMap<string, string> {
  return new Map(set.map(({ name, text }) => [name, text]));
}

/** Values of inputs: numbers only. `script`: settings of other names are not inputs but constants, which the compiler took. Throws FlowError R207. */
export function inputsOf(set: readonly Setting[], script?: Script): ReadonlyMap<string, number> {
  const names = script?.inputs.map((input) => input.name);
  const given = names === undefined ? set : set.filter(({ name }) => names.includes(name));
  return new Map(
    given.map(({ name, text }) => {
      const value = Number(text.replaceAll('_', ''));
      return [
        name,
        Number.isFinite(value)
          ? value
          : fail('R207', `--set ${name}=${text}: an input is a number`, undefined, `--set ${name}=0.02`),
      ];
    }),
  );
}
