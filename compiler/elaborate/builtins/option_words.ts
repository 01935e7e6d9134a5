// Option words with arguments, and the plain ones.

import { define } from './registry.ts';
import type { Context } from '../context.ts';
import { notYet } from '../context.ts';
import { optionNamed } from '../names/options.ts';
import type { Value } from '../values/values.ts';

const PLAIN = ['auto', 'none'] as const;
const LATER = ['variation'];

export function optionWords(ctx: Context): (readonly [string, Value])[] {
  const withArguments = (name: string, params: readonly string[]): readonly [string, Value] => [
    name,
    define(ctx, name, params, (a) => {
      const args = new Map<string, Value>();
      for (const p of params) {
        const key = p.replace(/\?$/, '');
        const v = a.get(key);
        if (v !== undefined) args.set(key, v);
      }
      return optionNamed(name, args);
    }),
  ];
  return [
    ...PLAIN.map((name) => [name, optionNamed(name)] as const),
    withArguments('every', ['steps?', 'time?']),
    withArguments('times', ['times', 'hit?']),
    withArguments('checkpoint', ['memory']),
    withArguments('continuous', ['method?']),
    ['pi', { kind: 'number', value: Math.PI, integer: false }],
    ['inf', { kind: 'number', value: Infinity, integer: false }],
    ...LATER.map(
      (name) =>
        [
          name,
          define(
            ctx,
            name,
            [
              '...args',
              'using?',
              'from?',
              'tol?',
              'limit?',
              'steps?',
              'probes?',
              'space?',
              't?',
              'depth?',
              'axis?',
              'like?',
            ],
            (a) => notYet(ctx, `\`${name}\``, a.span),
          ),
        ] as const,
    ),
  ];
}
