// A path whose values are constants to derivatives, and say so when a derivative by them is asked for: what `adjoint: continuous` sees of the paths given as `noise:`. Records of functions, as the library has them
// (stdlib/paths.flow, stdlib/brownian.flow), or records of these.

import type { Context } from '../context.ts';
import { flatten } from '../values/leaves.ts';
import type { Value } from '../values/values.ts';
import { array } from '../values/values.ts';
import * as b from '../../ir/build.ts';
import type { Node, Refusal } from '../../ir/types.ts';
import { isFloat } from '../../ir/types.ts';
import type { Span } from '../../support/span.ts';

export function constantPath(ctx: Context, path: Value, refusal: Refusal, span: Span): Value {
  const stopped = (n: Node): Node =>
    isFloat(n.dtype) ? ctx.graph.withOrigin(span, () => b.stopGradient(ctx.graph, n, refusal)) : n;
  const within = (v: Value): Value => {
    switch (v.kind) {
      case 'record':
        return { ...v, entries: new Map([...v.entries].map(([name, e]) => [name, within(e)] as const)) };
      case 'function':
      case 'builtin':
        return {
          kind: 'builtin',
          name: v.name,
          params: v.kind === 'builtin' ? v.params : [],
          apply: (args, place) => {
            const made = ctx.call(v, args, place);
            const flat = flatten(ctx, made, span, { keepStatic: true });
            return flat.rebuild(flat.leaves.map((l) => stopped(l.node)));
          },
        };
      case 'array':
        return array(stopped(v.node));
      default:
        return v;
    }
  };
  return within(path);
}
