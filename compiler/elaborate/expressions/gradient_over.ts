// `gradient(e, over: k)`: the derivative of a number by the values of parameters, states, inputs and networks. In: the call. Out: the gradient.
//
// An item whose value is computed, from free numbers (`param k = … in a .. b`, `via m`) or by `with k = v`, is no variable of the array IR: what is made of it may be simplified past it. So e is
// evaluated again with a variable of its own in the item's place, and the derivative is taken there. What e takes from locals that were computed before still holds the item's own nodes; both count.

import type { Context } from '../context.ts';
import { inWorld } from '../context.ts';
import { gradientOver } from './derivatives.ts';
import type { Flattened } from '../values/leaves.ts';
import { flatten } from '../values/leaves.ts';
import type { NamedItem, Scope } from '../names/scope.ts';
import { replaced } from '../names/worlds.ts';
import type { Value } from '../values/values.ts';
import * as b from '../../ir/build.ts';
import { substitute } from '../../ir/region.ts';
import type { Node } from '../../ir/types.ts';
import { isFloat } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';
import type * as ast from '../../syntax/ast.ts';

/** The gradient where an item in `over` has a value that is computed; undefined where none has. */
export function gradientOverComputed(
  ctx: Context,
  e: ast.CallExpression,
  over: ast.Expression,
  scope: Scope,
): Value | undefined {
  const of = e.args.find((a) => a.name === undefined || a.name.name === 'f')?.value;
  if (of === undefined) return undefined;
  const items = [...itemsIn(over, scope)].flatMap(([name, { item, module }]) => {
    const flat = flatten(ctx, ctx.item(module, item, name), over.span);
    return flat.leaves.some(({ node }) => isFloat(node.dtype) && node.op !== 'param') ? [{ item, flat }] : [];
  });
  if (items.length === 0) return undefined;
  const own = new Map<Node, Node>();
  const stand = ({ leaves, rebuild }: Flattened): Value =>
    rebuild(
      leaves.map(({ node }) => {
        if (!isFloat(node.dtype)) return node;
        const variable = ctx.graph.param('own', { dtype: ctx.real, shape: node.shape });
        own.set(variable, b.cast(ctx.graph, node, ctx.real));
        return variable;
      }),
    );
  const world = replaced(
    ctx,
    items.map(({ item, flat }) => [item, stand(flat)] as const),
  );
  const [y, target] = inWorld(
    ctx,
    world,
    () => [ctx.evaluate(of, scope), ctx.evaluate(over, scope)] as const,
  );
  const flat = flatten(ctx, target, e.span);
  const back = (nodes: readonly Node[]): Node[] => substitute(ctx.graph, nodes, own);
  const derivative = (leaves: readonly Node[]): Node[] =>
    flatten(ctx, gradientOver(ctx, y, flat.rebuild(leaves), e.span), e.span).leaves.map((l) => l.node);
  const direct = back(derivative(flat.leaves.map((l) => l.node)));
  if (!mentionsLocals(of, scope)) return flat.rebuild(direct);
  const before = back(flat.leaves.map((l) => l.node));
  const through = back(derivative(before));
  return flat.rebuild(
    direct.map((d, i) =>
      isFloat(d.dtype) && at(before, i).op !== 'const' ? b.add(ctx.graph, d, at(through, i)) : d,
    ),
  );
}

/** Whether values that were computed before may come in. */
function mentionsLocals(e: ast.Expression, scope: Scope): boolean {
  const inside = (x: unknown): boolean => {
    if (typeof x !== 'object' || x === null) return false;
    if ('kind' in x && x.kind === 'name' && 'name' in x && typeof x.name === 'string')
      if (scope.find(x.name) !== undefined) return true;
    return Object.entries(x).some(([name, part]) => name !== 'span' && inside(part));
  };
  return inside(e);
}

/** The items that are named in an expression, with the modules they stand in. */
function itemsIn(
  e: ast.Expression,
  scope: Scope,
): Map<string, { readonly item: NamedItem; readonly module: Scope['module'] }> {
  const found = new Map<string, { item: NamedItem; module: Scope['module'] }>();
  const visit = (x: ast.Expression): void => {
    switch (x.kind) {
      case 'name': {
        if (scope.find(x.name) !== undefined) return;
        const used = scope.module.uses.get(x.name);
        const [module, name] = used === undefined ? [scope.module, x.name] : [used.module, used.name];
        const item = module.items.get(name);
        if (item?.kind === 'declaration' && item.what !== 'data') found.set(name, { item, module });
        return;
      }
      case 'member':
      case 'index':
        return visit(x.target);
      case 'record':
        return x.entries.forEach((entry) => visit(entry.value));
      case 'tuple':
      case 'list':
        return x.elements.forEach(visit);
      default:
        return;
    }
  };
  visit(e);
  return found;
}
