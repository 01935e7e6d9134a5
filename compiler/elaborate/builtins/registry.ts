// How builtin functions are declared: a name, the names of the arguments ("axis?" may be left out, "...xs" takes all that remain), and what they do. Arguments are bound and checked
// here, so that every builtin gives the same messages as a Flow function.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import type { BuiltinValue, CallArgument, CallArguments, Value } from '../values/values.ts';
import { didYouMean } from '../../support/did_you_mean.ts';
import type { Span } from '../../support/span.ts';

export interface Given {
  readonly span: Span;
  readonly name: string;
  /** An argument, or undefined when it was left out. */
  get(name: string): Value | undefined;
  need(name: string): Value;
  spanOf(name: string): Span;
  /** What a "...xs" collected. */
  readonly rest: readonly CallArgument[];
}

export type BuiltinTable = ReadonlyMap<string, BuiltinValue>;

export function define(
  ctx: Context,
  name: string,
  params: readonly string[],
  apply: (given: Given) => Value,
): BuiltinValue {
  const names = params.map((p) => p.replace(/^\.\.\./, '').replace(/\?$/, ''));
  const restAt = params.findIndex((p) => p.startsWith('...'));
  const required = params.map((p) => !p.endsWith('?') && !p.startsWith('...'));
  const signature = `${name}(${params.map((p) => (p.endsWith('?') ? `${p.slice(0, -1)}: …` : p)).join(', ')})`;
  const bind = (args: CallArguments, span: Span): Given => {
    const bound = new Map<string, CallArgument>();
    const rest: CallArgument[] = [];
    let position = 0;
    for (const a of args) {
      if (a.name !== undefined) {
        if (!names.includes(a.name)) {
          const guess = didYouMean(a.name, names);
          failAt(
            ctx,
            'E173',
            `${name} has no argument \`${a.name}\``,
            a.span,
            guess ? `did you mean \`${guess}\`?` : `it is ${signature}`,
          );
        }
        if (bound.has(a.name))
          failAt(ctx, 'E174', `the argument \`${a.name}\` of ${name} is given twice`, a.span);
        bound.set(a.name, a);
        continue;
      }
      if (restAt >= 0 && position >= restAt) {
        rest.push(a);
        continue;
      }
      const to = names[position++];
      if (to === undefined)
        failAt(
          ctx,
          'E172',
          `${name} takes ${params.length === 1 ? 'one argument' : `${params.length} arguments`}, but is given ${args.length}`,
          a.span,
          `it is ${signature}`,
        );
      else if (bound.has(to)) failAt(ctx, 'E174', `the argument \`${to}\` of ${name} is given twice`, a.span);
      else bound.set(to, a);
    }
    names.forEach((n, i) => {
      if (required[i] === true && !bound.has(n))
        failAt(ctx, 'E175', `the argument \`${n}\` of ${name} is missing`, span, `it is ${signature}`);
    });
    return {
      span,
      name,
      rest,
      get: (n) => bound.get(n)?.value,
      need: (n) =>
        bound.get(n)?.value ??
        failAt(ctx, 'E175', `the argument \`${n}\` of ${name} is missing`, span, `it is ${signature}`),
      spanOf: (n) => bound.get(n)?.span ?? span,
    };
  };
  return { kind: 'builtin', name, params: names, apply: (args, span) => apply(bind(args, span)) };
}
