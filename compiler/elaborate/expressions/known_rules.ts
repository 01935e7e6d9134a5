// Functions with rules that have been elaborated before. A call of one becomes the body and its rule as closed regions; another call with arguments of the same types has the same regions, so that they are
// elaborated, differentiated and batched once. (An incomplete gamma function and its derivatives are two thousand operations; a program calls it a hundred times, at every stage, trial and check.)
//
// Only where nothing but the arguments matters: a function at the top of a module whose names can not be replaced by others (`with k = v`), which gives and takes plain arrays, uses no value from around the
// call, checks nothing and says nothing. Everything else is elaborated anew.

import type { Context } from '../context.ts';
import type { Flattened } from '../values/leaves.ts';
import type { Module, NamedItem } from '../names/scope.ts';
import type { FunctionValue, Value } from '../values/values.ts';
import * as b from '../../ir/build.ts';
import type { CustomAttributes, Node } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';
import type * as ast from '../../syntax/ast.ts';

interface Known {
  readonly attrs: CustomAttributes;
  /** The value that the body gave. */
  readonly made: Flattened;
}

/** The outputs of the operation, and the value of the body that they stand for. */
export interface Elaborated {
  readonly nodes: readonly Node[];
  readonly made: Flattened;
}

export class KnownRules {
  private readonly known = new Map<ast.Expression, Map<string, Known>>();
  private readonly steady = new Map<Module, boolean>();

  /** What a call with these arguments depends on, as text; undefined where it may depend on more. */
  keyOf(ctx: Context, f: FunctionValue, values: readonly Value[]): string | undefined {
    if (f.captured !== undefined || !f.scope.isModule() || !this.isSteady(f.scope.module)) return undefined;
    if (ctx.modelGrid !== undefined) return undefined;
    const parts: string[] = [ctx.real, ...ctx.frames.map((frame) => frame.name).filter(isRuleName)];
    for (const value of values) {
      if (value.kind === 'array') parts.push(`${value.node.dtype}[${value.node.shape.join()}]`);
      else if (value.kind === 'number')
        parts.push(`${Object.is(value.value, -0) ? '-0' : value.value}${value.integer ? 'i' : 'r'}`);
      else return undefined;
    }
    return parts.join('|');
  }

  /** The outputs of the operation that an earlier call left, on these operands. */
  find(ctx: Context, f: FunctionValue, key: string, leaves: readonly Node[]): Value | undefined {
    const known = this.known.get(f.body)?.get(key);
    if (known === undefined) return undefined;
    const outputs = b.projections(ctx.graph, ctx.graph.node('custom', leaves, known.attrs));
    return known.made.rebuild(
      outputs.map((y, i) => (at(known.made.leaves, i).node.dtype === 'bool' ? b.ne(ctx.graph, y, 0) : y)),
    );
  }

  /** Runs `work`, which makes the operation, and remembers it where nothing else happened meanwhile. */
  remember(
    ctx: Context,
    f: FunctionValue,
    key: string | undefined,
    leaves: readonly Node[],
    work: () => Elaborated,
  ): Value {
    const events = (): string =>
      [ctx.diagnostics, ctx.checkSites, ctx.solves, ctx.pending].map((list) => list.length).join() +
      ctx.checkCount;
    const before = events();
    const { nodes, made } = work();
    const operation = operationOf(nodes[0]);
    if (
      key !== undefined &&
      operation?.op === 'custom' &&
      operation.args.length === leaves.length &&
      events() === before
    ) {
      const own = this.known.get(f.body) ?? new Map<string, Known>();
      own.set(key, { attrs: operation.attrs, made });
      this.known.set(f.body, own);
    }
    return made.rebuild(nodes);
  }

  /** Whether neither the module nor one that it uses has values that may be replaced. */
  private isSteady(module: Module): boolean {
    const known = this.steady.get(module);
    if (known !== undefined) return known;
    // Of modules in a circle the one that is asked first decides.
    this.steady.set(module, true);
    const steady =
      [...module.items.values()].every((item) => !isReplaceable(item)) &&
      [...module.uses.values()].every((use) => this.isSteady(use.module));
    this.steady.set(module, steady);
    return steady;
  }
}

/** The name of the frame in which a rule is elaborated. */
export function ruleNameOf(f: FunctionValue): string {
  return `${RULE}${f.name}`;
}

const RULE = 'the rule of ';

const isRuleName = (name: string): boolean => name.startsWith(RULE);

function isReplaceable(item: NamedItem): boolean {
  if (item.kind === 'declaration') return item.what !== 'const';
  return item.kind !== 'fn' && item.kind !== 'type-alias';
}

function operationOf(output: Node | undefined): Node | undefined {
  const projected = output?.op === 'ne' ? output.args[0] : output;
  return projected?.op === 'project' ? projected.args[0] : undefined;
}
