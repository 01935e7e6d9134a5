// What a `minimize` works on: its targets as one record of free (unbounded) leaves, the world in which they have other values, the objective there, and its residuals when it is a sum of
// squares.

import type { Context, DrawContext } from '../context.ts';
import { failAt, inWorld, withDraws } from '../context.ts';
import type { Batch } from './batches.ts';
import { itemDraws } from '../random/draws.ts';
import { labelOf } from '../expressions/expression.ts';
import { termsOfLoss } from './indexed_losses.ts';
import { comprehend } from '../expressions/comprehension.ts';
import { scalarOf } from '../expressions/derivatives.ts';
import { flatten, staticNumber, toReal } from '../values/leaves.ts';
import { Scope } from '../names/scope.ts';
import type { NamedItem, World } from '../names/scope.ts';
import type { Value } from '../values/values.ts';
import { array, record } from '../values/values.ts';
import type { ParameterInfo, Variables } from '../variables.ts';
import { replaced } from '../names/worlds.ts';
import * as b from '../../ir/build.ts';
import { regionsOf } from '../../ir/classes.ts';
import { reachable, substitute } from '../../ir/region.ts';
import type { Node } from '../../ir/types.ts';
import { sizeOf } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';
import { didYouMean } from '../../support/did_you_mean.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

export interface Targets {
  readonly infos: readonly ParameterInfo[];
  /** The free leaves now, as the record the optimiser sees. */
  readonly now: Value;
  readonly variables: readonly string[];
  /** The leaves of such a record, in the order of `variables`. */
  readonly leaves: (p: Value, span: Span) => readonly Node[];
  /** Runs `work` with the targets at p. */
  readonly at: <T>(p: Value, span: Span, work: () => T) => T;
  /**
   * The node that `work` makes with the targets at p, in a view. What is called `name` is elaborated once a view, where the targets are now; elsewhere it is the same graph on other leaves.
   */
  readonly nodeAt: (
    view: View,
    name: string,
    p: Value,
    span: Span,
    work: () => Node | undefined,
  ) => Node | undefined;
}

/** What losses see of their terms and draws: those of an iteration, a batch, a sample; all and the usual ones where nothing is said. One object is one view. */
export interface View {
  readonly iteration?: Node;
  readonly batch?: Batch;
  readonly sample?: Node;
}

/** The view of somebody who looks from outside of a minimisation: every term, draws that do not change. */
export const wholeView: View = {};

/** Runs `work` in a view, whose `let`s and losses have values of their own (`world`). */
export function inView<T>(ctx: Context, view: View, world: World, work: () => T): T {
  const { iteration, batch, sample } = ctx;
  [ctx.iteration, ctx.batch, ctx.sample] = [view.iteration, view.batch, view.sample];
  try {
    return inWorld(ctx, world, work);
  } finally {
    [ctx.iteration, ctx.batch, ctx.sample] = [iteration, batch, sample];
  }
}

/** A parameter, or the part of a network that is to be trained. */
interface Target {
  readonly info: ParameterInfo;
  readonly chosen: readonly string[];
}

/** `over k, net except net.head`. */
export function targetsOf(
  ctx: Context,
  variables: Variables,
  over: readonly ast.Expression[],
  except: readonly ast.Expression[],
  scope: Scope,
): Targets {
  const targets: Target[] = [];
  for (const e of over) {
    const t = targetOf(ctx, variables, e, scope);
    const before = targets.findIndex((x) => x.info === t.info);
    if (before < 0) {
      targets.push(t);
      continue;
    }
    const merged = at(targets, before);
    if (t.chosen.some((v) => merged.chosen.includes(v)))
      return failAt(ctx, 'E421', `\`${t.info.name}\` is named twice`, e.span);
    targets[before] = {
      info: t.info,
      chosen: t.info.variables.filter((v) => merged.chosen.includes(v) || t.chosen.includes(v)),
    };
  }
  for (const e of except) {
    const t = targetOf(ctx, variables, e, scope);
    const index = targets.findIndex((x) => x.info === t.info);
    const from = targets[index];
    if (from === undefined || !t.chosen.some((v) => from.chosen.includes(v)))
      return failAt(ctx, 'E425', 'what is excepted is not among what is optimised', e.span);
    targets[index] = { info: from.info, chosen: from.chosen.filter((v) => !t.chosen.includes(v)) };
  }
  const names = targets.flatMap((t) => t.chosen);
  if (names.length === 0)
    return failAt(ctx, 'E425', 'nothing is left to optimise', over[0]?.span ?? scope.module.ast.span);
  const infos = targets.map((t) => t.info);
  const recordOf = (nodes: readonly Node[]): Value => {
    let next = 0;
    return record(
      targets.map(({ info, chosen }) => {
        const own = nodes.slice(next, next + chosen.length);
        next += chosen.length;
        return [
          info.name,
          own.length === 1
            ? array(at(own, 0))
            : record(own.map((n, i) => [at(chosen, i), array(n)] as const)),
        ] as const;
      }),
    );
  };
  const now = recordOf(names.map((v) => variables.nodeOf(v)));
  const leaves = (p: Value, span: Span): readonly Node[] => {
    const flat = flatten(ctx, p, span).leaves.map((l) => l.node);
    if (flat.length !== names.length)
      failAt(ctx, 'E422', 'the optimiser gave a point of another structure than the parameters', span);
    return flat.map((n, i) => {
      const like = variables.nodeOf(at(names, i));
      if (n.shape.join() === like.shape.join()) return b.cast(ctx.graph, n, like.dtype);
      if (n.shape.length === 0) return b.cast(ctx.graph, b.broadcastTo(ctx.graph, n, like.shape), like.dtype);
      return failAt(
        ctx,
        'E422',
        `the optimiser gave ${at(names, i)} the shape [${n.shape.join(', ')}] instead of [${like.shape.join(', ')}]`,
        span,
      );
    });
  };
  const isNow = (free: readonly Node[]): boolean =>
    free.every((n, i) => n === variables.nodeOf(at(names, i)));
  const atLeaves = <T>(free: readonly Node[], work: () => T): T => {
    if (isNow(free)) return work();
    let next = 0;
    const world = replaced(
      ctx,
      targets.map(({ info, chosen }) => {
        const own = free.slice(next, next + chosen.length);
        next += chosen.length;
        const all = info.variables.map((v) => {
          const index = chosen.indexOf(v);
          return index < 0 ? variables.nodeOf(v) : at(own, index);
        });
        return [info.item, info.fromFree(all)] as const;
      }),
    );
    return inWorld(ctx, world, work);
  };
  const home = ctx.world;
  const views = new Map<View, { readonly world: World; readonly nodes: Map<string, Node | undefined> }>();
  const ofView = (view: View): { world: World; nodes: Map<string, Node | undefined> } => {
    const before = views.get(view);
    if (before !== undefined) return before;
    const made = {
      world: inWorld(ctx, home, () => replaced(ctx, [])),
      nodes: new Map<string, Node | undefined>(),
    };
    views.set(view, made);
    return made;
  };
  const steady = new Map<string, Node | undefined>();
  /** What draws nothing and sees all terms is the same in every step. */
  const steadyAt = (view: View, name: string, work: () => Node | undefined): Node | undefined => {
    if (view.batch !== undefined) return undefined;
    if (!steady.has(name)) {
      const { world } = ofView(wholeView);
      const node = inView(ctx, wholeView, world, work);
      steady.set(name, node === undefined || draws([node]) ? undefined : node);
    }
    return steady.get(name);
  };
  return {
    infos,
    now,
    variables: names,
    leaves,
    at: (p, span, work) => atLeaves(leaves(p, span), work),
    nodeAt: (view, name, p, span, work) => {
      const free = leaves(p, span);
      const { world, nodes } = ofView(view);
      // Where a `with` has replaced what is optimised, its variables do not stand in the graph.
      if (infos.some((info) => home.replaced.has(info.item)))
        return inView(ctx, view, world, () => atLeaves(free, work));
      const known = (): Node | undefined => {
        if (!nodes.has(name)) nodes.set(name, inView(ctx, view, world, work));
        return nodes.get(name);
      };
      const node = steadyAt(view, name, work) ?? known();
      if (node === undefined || isNow(free)) return node;
      return at(
        substitute(
          ctx.graph,
          [node],
          new Map(free.map((leaf, i) => [variables.nodeOf(at(names, i)), leaf] as const)),
        ),
        0,
      );
    },
  };
}

/** Whether random numbers are drawn to compute these nodes. */
function draws(results: readonly Node[]): boolean {
  return reachable(results).some(
    (n) => n.op === 'random_bits' || regionsOf(n).some(([, region]) => draws(region.results)),
  );
}

function targetOf(ctx: Context, variables: Variables, e: ast.Expression, scope: Scope): Target {
  const { name, path } = targetPath(ctx, e, scope);
  const item: NamedItem | undefined = scope.module.items.get(name);
  if (item === undefined) {
    const names = [...scope.module.items.entries()]
      .filter(([, i]) => i.kind === 'declaration' && (i.what === 'param' || i.what === 'network'))
      .map(([n]) => n);
    const guess = didYouMean(name, names);
    return failAt(
      ctx,
      'E150',
      `\`${name}\` is not known here`,
      e.span,
      guess ? `did you mean \`${guess}\`?` : `parameters are ${names.join(', ')}`,
    );
  }
  ctx.item(scope.module, item, name);
  const info = variables.parameters.get(item);
  if (info === undefined)
    return failAt(
      ctx,
      'E420',
      `\`${name}\` is no parameter, so it cannot be optimised`,
      e.span,
      item.kind === 'declaration' || item.kind === 'let'
        ? `declare it with \`param ${name} = …\``
        : undefined,
    );
  if (path === '') return { info, chosen: info.trained };
  const prefix = `${info.item.what}.${info.name}${path}`;
  const part = info.variables.filter(
    (v) => v === prefix || v.startsWith(`${prefix}.`) || v.startsWith(`${prefix}[`),
  );
  if (part.length === 0)
    return failAt(ctx, 'E240', `\`${name}\` has no part \`${path.replace(/^\./, '')}\``, e.span);
  const chosen = part.filter((v) => info.trained.includes(v));
  if (chosen.length === 0)
    return failAt(
      ctx,
      'E420',
      `\`${name}${path}\` is a state of its layer, so it cannot be optimised`,
      e.span,
      'declare it with `param` in the layer',
    );
  return { info, chosen };
}

/** `net.body[0].W` as name and path. */
export function targetPath(ctx: Context, e: ast.Expression, scope: Scope): { name: string; path: string } {
  if (e.kind === 'name') return { name: e.name, path: '' };
  if (e.kind === 'member') {
    const t = targetPath(ctx, e.target, scope);
    return { name: t.name, path: `${t.path}.${e.name.name}` };
  }
  const entry = e.kind === 'index' ? e.entries[0] : undefined;
  if (e.kind === 'index' && entry?.kind === 'at' && e.entries.length === 1) {
    const t = targetPath(ctx, e.target, scope);
    const i = staticNumber(ctx.evaluate(entry.value, scope));
    if (i !== undefined) return { name: t.name, path: `${t.path}[${i}]` };
  }
  return failAt(
    ctx,
    'E426',
    'what is optimised is a parameter, a network, or a part of one',
    e.span,
    'write `over k, net.head`',
  );
}

/** What an objective draws outside of losses. */
export function drawsOfGoal(ctx: Context, goal: ast.Expression): DrawContext {
  return itemDraws(ctx, `goal ${labelOf(goal)}`, true);
}

/** The objective at p, one number. */
export function objectiveAt(
  ctx: Context,
  targets: Targets,
  goal: ast.Expression,
  p: Value,
  scope: Scope,
  view: View = wholeView,
): Value {
  const label = labelOf(goal);
  const work = (): Node =>
    withDraws(ctx, drawsOfGoal(ctx, goal), () =>
      scalarOf(ctx, ctx.evaluate(goal, scope), goal.span, 'the objective'),
    );
  return array(targets.nodeAt(view, `objective ${label}`, p, goal.span, work) ?? work());
}

/** Every target must have a say in the objective. */
export function checkInfluence(
  ctx: Context,
  targets: Targets,
  variables: Variables,
  objective: Value,
  goal: ast.Expression,
  over: readonly ast.Expression[],
): void {
  if (objective.kind !== 'array') return;
  const seen = new Set(reachable([objective.node]));
  targets.infos.forEach((info, i) => {
    if (!info.trained.some((v) => seen.has(variables.nodeOf(v))))
      failAt(
        ctx,
        'E423',
        `\`${info.name}\` does not influence what is minimised`,
        over[i]?.span ?? goal.span,
        'leave it out of `over`, or let the loss depend on it',
      );
  });
}

/**
 * The vector whose squared norm is the objective, when that is a sum or mean of squares, a sum of such, or one times a number: for Gauss–Newton methods. Undefined for any other form.
 */
export function residualsOf(ctx: Context, e: ast.Expression, scope: Scope): Node | undefined {
  const g = ctx.graph;
  const scaled = (r: Node | undefined, c: number): Node | undefined =>
    r === undefined || c < 0 ? undefined : b.mul(g, r, Math.sqrt(c));
  const vector = (v: Value, span: Span): Node => {
    const node = toReal(ctx, v, span, 'a residual');
    return b.reshape(g, node, [sizeOf(node.shape)]);
  };
  const squared = (x: ast.Expression): ast.Expression | undefined =>
    x.kind === 'binary' && x.op === '^' && x.right.kind === 'number' && x.right.value === 2
      ? x.left
      : undefined;
  switch (e.kind) {
    case 'name': {
      const item = scope.module.items.get(e.name);
      if (scope.find(e.name) !== undefined || item?.kind !== 'loss') return undefined;
      const own = new Scope(scope.module, undefined);
      // With the draws that the loss itself has.
      return withDraws(ctx, itemDraws(ctx, `${scope.module.name}:${item.name.name}`, true), () =>
        item.generators === undefined
          ? residualsOf(ctx, item.body, own)
          : residualsOfTerms(ctx, item, item.body, item.generators, own),
      );
    }
    case 'block': {
      // Its lets, and what it returns. Monitors are not needed here.
      const last = e.statements.at(-1);
      if (last?.kind !== 'return') return undefined;
      const inner = scope.child();
      const before = e.statements.filter((x) => x !== last && x.kind !== 'monitor');
      if (ctx.block({ ...e, statements: before }, inner) !== undefined) return undefined;
      return residualsOf(ctx, last.value, inner);
    }
    case 'binary': {
      if (e.op === '+') {
        const [x, y] = [residualsOf(ctx, e.left, scope), residualsOf(ctx, e.right, scope)];
        return x === undefined || y === undefined ? undefined : b.concat(g, [x, y], 0);
      }
      if (e.op === '*') {
        const c = constantOf(ctx, e.left, scope);
        if (c !== undefined) return scaled(residualsOf(ctx, e.right, scope), c);
        const d = constantOf(ctx, e.right, scope);
        return d === undefined ? undefined : scaled(residualsOf(ctx, e.left, scope), d);
      }
      if (e.op === '/') {
        const c = constantOf(ctx, e.right, scope);
        return c === undefined ? undefined : scaled(residualsOf(ctx, e.left, scope), 1 / c);
      }
      const inner = squared(e);
      if (inner === undefined) return undefined;
      if (
        inner.kind === 'call' &&
        inner.callee.kind === 'name' &&
        inner.callee.name === 'norm' &&
        inner.args.length === 1
      )
        return vector(ctx.evaluate(at(inner.args, 0).value, scope), inner.span);
      const value = ctx.evaluate(inner, scope);
      return value.kind === 'array' && value.node.shape.length === 0
        ? b.reshape(g, value.node, [1])
        : undefined;
    }
    case 'call': {
      const arg = e.args[0];
      if (
        e.callee.kind !== 'name' ||
        (e.callee.name !== 'sum' && e.callee.name !== 'mean') ||
        e.args.length !== 1 ||
        arg === undefined
      )
        return undefined;
      const inner = squared(arg.value);
      if (inner === undefined) return undefined;
      const value =
        arg.generators === undefined
          ? ctx.evaluate(inner, scope)
          : comprehend(ctx, (s) => ctx.evaluate(inner, s), arg.generators, scope, arg.span);
      const r = vector(value, inner.span);
      return e.callee.name === 'sum' ? r : b.mul(g, r, 1 / Math.sqrt(sizeOf(r.shape)));
    }
    default:
      return undefined;
  }
}

/** Those of an indexed loss, the mean over its terms: those of the terms that are seen, over the root of their number. */
function residualsOfTerms(
  ctx: Context,
  item: ast.LossItem,
  body: ast.Expression,
  generators: readonly ast.Generator[],
  scope: Scope,
): Node | undefined {
  const g = ctx.graph;
  const found = { squares: true, width: 1 };
  const terms = termsOfLoss(ctx, item, generators, scope, (inner) => {
    const r = residualsOf(ctx, body, inner);
    if (r === undefined) found.squares = false;
    else found.width = sizeOf(r.shape);
    return array(r ?? g.constant(0, ctx.real));
  });
  if (!found.squares) return undefined;
  const size = sizeOf(terms.shape);
  return b.mul(g, b.reshape(g, terms, [size]), 1 / Math.sqrt(size / found.width));
}

function constantOf(ctx: Context, e: ast.Expression, scope: Scope): number | undefined {
  if (e.kind === 'number') return e.value;
  if (e.kind !== 'name') return undefined;
  return staticNumber(ctx.evaluate(e, scope));
}
