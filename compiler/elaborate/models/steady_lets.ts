// `let`s of a model that nothing in the model moves: neither the time, nor coordinates, states, increments, nor another `let` that these move. A model is evaluated many times, for its rates, its noise, its
// monitors; such a `let` (weights by a linear solve, special functions of a parameter) is elaborated once for all of them. In: the clauses and the names that vary. Out: values, the nodes that evaluating
// them again would give.
//
// Invariant: what draws random numbers is evaluated each time, since its draws are named by where they are made; so is what holds functions, which see the scope they are made in.

import type { Context } from '../context.ts';
import type { Scope, World } from '../names/scope.ts';
import { namesIn } from '../expressions/function_rules.ts';
import type { Value } from '../values/values.ts';
import { regionsOf } from '../../ir/classes.ts';
import { reachable } from '../../ir/region.ts';
import type { DType, Node } from '../../ir/types.ts';
import type * as ast from '../../syntax/ast.ts';

type Let = Extract<ast.ModelClause, { readonly kind: 'let' }>;

interface Known {
  readonly world: World;
  readonly real: DType;
  readonly asserts: Context['asserts'];
  readonly value: Value;
}

export class SteadyLets {
  private readonly steady = new Set<Let>();
  private readonly known = new Map<Let, Known>();

  constructor(clauses: readonly ast.ModelClause[], varying: Iterable<string>) {
    const moved = new Set(varying);
    for (const c of clauses) {
      if (c.kind !== 'let') continue;
      if (!namesIn(c.value).some((name) => moved.has(name))) this.steady.add(c);
      else for (const name of boundBy(c.pattern)) moved.add(name);
    }
  }

  value(ctx: Context, clause: Let, scope: Scope): Value {
    if (!this.steady.has(clause)) return ctx.evaluate(clause.value, scope);
    const { world, real, asserts } = ctx;
    const before = this.known.get(clause);
    if (before?.world === world && before.real === real && before.asserts === asserts) return before.value;
    const value = ctx.evaluate(clause.value, scope);
    const nodes = nodesOf(value);
    if (nodes !== undefined && !draws(nodes)) this.known.set(clause, { world, real, asserts, value });
    return value;
  }
}

function boundBy(pattern: ast.Pattern): readonly string[] {
  return pattern.kind === 'name-pattern' ? [pattern.name] : pattern.elements.flatMap(boundBy);
}

/** The run-time numbers of a value that is made of nothing else; undefined for others. */
function nodesOf(value: Value): readonly Node[] | undefined {
  switch (value.kind) {
    case 'number':
    case 'bool':
      return [];
    case 'array':
      return [value.node];
    case 'tuple':
    case 'list':
    case 'record': {
      const parts = value.kind === 'record' ? [...value.entries.values()] : value.elements;
      const nodes: Node[] = [];
      for (const part of parts) {
        const inner = nodesOf(part);
        if (inner === undefined) return undefined;
        nodes.push(...inner);
      }
      return nodes;
    }
    default:
      return undefined;
  }
}

function draws(results: readonly Node[]): boolean {
  return reachable(results).some(
    (n) => n.op === 'random_bits' || regionsOf(n).some(([, region]) => draws(region.results)),
  );
}
