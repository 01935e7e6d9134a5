// Functions that emitted kernels call, in WGSL: integer division with floor, the random generator, and elementary functions of float32. In: names of functions. Out: the text of
// those and of what they call, each once, callees first.
//
// Why own elementary functions: WGSL allows sin an absolute error of 2^-11, exp 3 + 2|x| ulp, atan 4,096 ulp, leaves pow undefined for x < 0 and lets tanh overflow. These here are within
// a few units in the last place over the whole range on any device that rounds sums and products properly (spec/wgsl_accuracy.md has the measured bounds). They rely on comparisons
// and on bit operations, not on infinities and NaN surviving arithmetic; where the input is NaN the result is computed from it, so that NaN is handed on.

import { InternalError } from '../../support/diagnostic.ts';
import { exponentialFunctions } from './library_exponential.ts';
import type { LibraryFunction } from './library_function.ts';
import { integerFunctions } from './library_integer.ts';
import { trigonometricFunctions } from './library_trigonometric.ts';

const library: ReadonlyMap<string, LibraryFunction> = new Map(
  [integerFunctions, exponentialFunctions, trigonometricFunctions].flatMap((part) => Object.entries(part)),
);

/** Every name the library declares; variables of a kernel keep clear of them. */
export function libraryNames(): Iterable<string> {
  return library.keys();
}

/** The text of the named functions and all they use, callees first, in a fixed order. */
export function libraryText(names: Iterable<string>): string {
  const done = new Set<string>();
  const parts: string[] = [];
  const visit = (name: string): void => {
    if (done.has(name)) return;
    done.add(name);
    const entry = library.get(name);
    if (entry === undefined) throw new InternalError('wgsl', `no library function ${name}`);
    for (const used of entry.uses) visit(used);
    parts.push(entry.text.trim());
  };
  for (const name of [...names].sort()) visit(name);
  return parts.join('\n\n');
}
