// `--set` as the compiler and the runtime take it. In: settings in the order given. Out: texts by name, for the compiler, which knows their types; numbers by name, for a package.

import { fail } from '../support/diagnostic.ts';
import type { Setting } from './options.ts';

export function settingsOf(set: readonly Setting[]): ReadonlyMap<string, string> {
  return new Map(set.map(({ name, text }) => [name, text]));
}

/** Values of inputs: numbers only. Throws FlowError R207. */
export function inputsOf(set: readonly Setting[]): ReadonlyMap<string, number> {
  return new Map(
    set.map(({ name, text }) => {
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
