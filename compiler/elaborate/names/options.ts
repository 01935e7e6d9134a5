// Option words: plain ones (`auto`, `none`) and those with arguments (`every(steps: 10)`).

import type { OptionValue, Value } from '../values/values.ts';

export function optionNamed(name: string, args: ReadonlyMap<string, Value> = new Map()): OptionValue {
  return { kind: 'option', name, args };
}
