// `for` in a run. A loop whose index is known at compile time and of use there (`lr: w`, `steps 10*i`, a list of functions) is written out turn by turn; every other one is a loop of the
// host: over run-time values, over many turns, or over turns that do not look at their number. Its body is compiled once; the index lies in a variable.

import type { Context } from '../context.ts';
import { withDraws } from '../context.ts';
import { enterLoop } from '../random/draws.ts';
import { toNode } from '../values/leaves.ts';
import { bindPattern, namesOf } from '../names/patterns.ts';
import type { ScriptWriter } from './runs.ts';
import type { Scope } from '../names/scope.ts';
import { elementAt, sourceOf } from '../expressions/sources.ts';
import type { LoopSource } from '../expressions/sources.ts';
import { array, int } from '../values/values.ts';
import type { Value } from '../values/values.ts';
import * as b from '../../ir/build.ts';
import type { ScriptStatement } from '../../plan/script.ts';
import type * as ast from '../../syntax/ast.ts';

/** A loop with more turns than this is not written out. */
const MOST_WRITTEN_OUT = 200;
/** Of a loop whose number of turns is not known: more than anybody waits for. */
const MANY = 2 ** 24;

export function runFor(
  w: ScriptWriter,
  s: ast.RunFor,
  scope: Scope,
  block: (w: ScriptWriter, body: ast.RunBlock, scope: Scope) => void,
): void {
  turns(w, s.generators, s, scope, block);
}

function turns(
  w: ScriptWriter,
  generators: readonly ast.Generator[],
  s: ast.RunFor,
  scope: Scope,
  block: (w: ScriptWriter, body: ast.RunBlock, scope: Scope) => void,
): void {
  const { ctx } = w;
  const [first, ...rest] = generators;
  if (first === undefined) {
    block(w, s.body, scope);
    return;
  }
  const inner = (to: ScriptWriter, element: Value): void => {
    const child = scope.child();
    bindPattern(ctx, first.pattern, element, child, first.span, false);
    turns(to, rest, s, child, block);
  };
  const source = sourceOf(ctx, ctx.evaluate(first.source, scope), first.source, true);
  const written = writtenOut(source, mentions([rest, s.body], namesOf(first.pattern)));
  if (written !== undefined) {
    for (const element of written) inner(w, element);
    return;
  }
  if (source.kind === 'static') return;
  w.settle();
  const held = heldSource(w, source, first);
  const variable = w.variables.fresh('turn');
  const index = w.variables.declare(ctx, variable, { dtype: 'i32', shape: [] });
  const extent = typeof held.count === 'number' ? held.count : MANY;
  const nested = w.nested(`${w.name}.turn`);
  withDraws(ctx, enterLoop(ctx, index, extent), () => inner(nested, elementAt(ctx, held.source, index)));
  nested.flush();
  const statement: ScriptStatement = {
    kind: 'loop',
    variable,
    from: 0,
    to: held.count,
    body: nested.statements,
  };
  w.change(statement);
}

/** The elements of a loop that is written out. */
function writtenOut(source: LoopSource, indexMatters: boolean): readonly Value[] | undefined {
  if (source.kind === 'static') return source.elements;
  if (source.kind !== 'range' || source.from.kind !== 'number') return undefined;
  const from = source.from.value;
  if (source.length > MOST_WRITTEN_OUT || (!indexMatters && source.length > 1)) return undefined;
  return Array.from({ length: source.length }, (_, i) => int(from + i));
}

/** What a loop runs over, as it is when the loop begins, and the number of its turns. */
function heldSource(
  w: ScriptWriter,
  source: Exclude<LoopSource, { kind: 'static' }>,
  generator: ast.Generator,
): {
  readonly source: Exclude<LoopSource, { kind: 'static' }>;
  readonly count: number | { readonly variable: string };
} {
  const { ctx } = w;
  const span = generator.source.span;
  const node = (v: Value): ReturnType<typeof toNode> => toNode(ctx, v, span, 'an end of the loop');
  if (source.kind === 'array') {
    const held = w.held(source.value, span);
    return {
      source: elementsOf(ctx, held, generator, source),
      count: source.length,
    };
  }
  const from = source.from.kind === 'number' ? source.from : w.held(array(node(source.from)), span);
  if (source.kind === 'range') return { source: { ...source, from }, count: source.length };
  const turnsNode = b.sub(ctx.graph, node(source.to), node(source.from));
  const count = w.held(array(turnsNode), span);
  const variable = count.kind === 'array' ? w.variables.nameOf(count.node) : undefined;
  return {
    source: { kind: 'range', from, length: MANY },
    count: variable === undefined ? 0 : { variable },
  };
}

function elementsOf(
  ctx: Context,
  held: Value,
  generator: ast.Generator,
  before: Exclude<LoopSource, { kind: 'static' }>,
): Exclude<LoopSource, { kind: 'static' }> {
  const again = sourceOf(ctx, held, generator.source, true);
  return again.kind === 'static' ? before : again;
}

/** Whether one of the names stands anywhere in a tree. */
function mentions(tree: unknown, names: readonly string[]): boolean {
  if (Array.isArray(tree)) return tree.some((x) => mentions(x, names));
  if (typeof tree !== 'object' || tree === null) return false;
  if ('kind' in tree && tree.kind === 'name' && 'name' in tree && typeof tree.name === 'string')
    return names.includes(tree.name);
  return Object.entries(tree).some(([key, part]) => key !== 'span' && mentions(part, names));
}
