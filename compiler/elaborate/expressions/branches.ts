// Choices made at run time: `if c then a else b` as a value, and `if c { … } else { … }` whose assignments are merged. Both branches must give values of one structure and type.
// A cheap choice becomes `select`, an expensive one a real branch of which only the side taken runs.

import { assignedNames } from './assigned.ts';
import { complexAs } from '../values/complex.ts';
import { conform } from '../values/conform.ts';
import type { Context } from '../context.ts';
import { failAt, withoutAsserts } from '../context.ts';
import { flatten } from '../values/leaves.ts';
import type { Flattened } from '../values/leaves.ts';
import type { Binding, Scope } from '../names/scope.ts';
import { staticDifference } from '../values/static_parts.ts';
import type { Value } from '../values/values.ts';
import { describe, record } from '../values/values.ts';
import * as b from '../../ir/build.ts';
import { isCompound } from '../../ir/classes.ts';
import { makeCond, reachable } from '../../ir/region.ts';
import type { Node } from '../../ir/types.ts';
import { isFloat, sameShape } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

const isNumeric = (v: Value): boolean => v.kind === 'number' || v.kind === 'array' || v.kind === 'complex';

export function chooseAtRunTime(
  ctx: Context,
  condition: Value,
  then: () => Value,
  otherwise: () => Value,
  span: Span,
  place: Span,
): Value {
  if (condition.kind !== 'array' || condition.node.dtype !== 'bool')
    return failAt(
      ctx,
      'E192',
      `a condition is a truth value, but this is ${describe(condition)}`,
      place,
      condition.kind === 'complex'
        ? 'compare it with something: z != 0'
        : isNumeric(condition)
          ? 'compare it with something: x > 0'
          : undefined,
    );
  if (condition.node.shape.length > 0)
    return failAt(
      ctx,
      'E193',
      `the condition of \`if\` is one truth value, but this is ${describe(condition)}`,
      place,
      'choose element by element with where(mask, a, b)',
    );
  return choose(ctx, condition.node, then, otherwise, span);
}

/** Thrown while a branch is built when its values need a wider type than the other branch gave. */
class Wider extends Error {
  constructor(readonly like: Value) {
    super('the branches of a choice need a common type');
  }
}

/**
 * Each branch is elaborated once, inside its own region; what turns out cheap becomes a selection instead. When the types of the branches differ, both are elaborated again for
 * the common type.
 */
function choose(
  ctx: Context,
  predicate: Node,
  then: () => Value,
  otherwise: () => Value,
  span: Span,
  assigned: readonly Binding[] = [],
): Value {
  const g = ctx.graph;
  let like: Value | undefined;
  for (;;) {
    const wanted = like;
    const built: {
      value?: Value;
      shape?: Flattened;
      cheap: boolean;
      then: readonly Node[];
      else: readonly Node[];
    } = {
      cheap: true,
      then: [],
      else: [],
    };
    try {
      const fitted = (value: Value): Value =>
        wanted === undefined ? value : conform(ctx, value, wanted, span, 'this branch');
      const results = makeCond(g, {
        predicate,
        then: () => {
          const start = g.param('mark', { dtype: 'i32', shape: [] }).id;
          built.value = fitted(withoutAsserts(ctx, then, assigned));
          built.shape = flatten(ctx, built.value, span);
          built.then = built.shape.leaves.map((l) => l.node);
          built.cheap &&= isCheap(built.then, start);
          return built.then;
        },
        otherwise: () => {
          const start = g.param('mark', { dtype: 'i32', shape: [] }).id;
          const made = fitted(withoutAsserts(ctx, otherwise, assigned));
          const value = built.value === undefined ? made : complexAs(ctx, made, built.value, span);
          if (built.value !== undefined) sameStatically(ctx, built.value, value, span);
          const flat = flatten(ctx, value, span);
          const shape = built.shape ?? flat;
          const model = shape.rebuild(shape.leaves.map((l) => l.node));
          const complexModel = complexAs(ctx, model, value, span);
          if (complexModel !== model) throw new Wider(wider(ctx, complexModel, value, span));
          if (!sameTypes(shape, flat)) throw new Wider(wider(ctx, model, value, span));
          built.else = flat.leaves.map((l) => l.node);
          built.cheap &&= isCheap(built.else, start);
          return built.else;
        },
      });
      const shape = built.shape;
      if (shape === undefined) return then();
      if (!built.cheap) return shape.rebuild(results);
      return shape.rebuild(
        built.then.map((node, i) =>
          b.select(g, b.broadcastTo(g, predicate, node.shape), node, at(built.else, i)),
        ),
      );
    } catch (e) {
      if (!(e instanceof Wider)) throw e;
      like = e.like;
    }
  }
}

/** What exists at compile time only cannot be chosen at run time. */
function sameStatically(ctx: Context, one: Value, other: Value, span: Span): void {
  const found = staticDifference(ctx, one, other);
  if (found === undefined) return;
  const structure = (v: Value): boolean => v.kind === 'record' || v.kind === 'tuple' || v.kind === 'list';
  failAt(
    ctx,
    'E194',
    describe(found.one) === describe(found.other)
      ? `the two branches differ: each gives ${describe(found.one)}, but not the same one`
      : `the two branches differ: ${describe(found.one)} and ${describe(found.other)}`,
    span,
    structure(found.one) || structure(found.other)
      ? 'a choice made at run time gives values of one structure'
      : 'functions, strings and the like exist at compile time: choose between numbers, if c then f(x) else g(x)',
  );
}

function sameTypes(x: Flattened, y: Flattened): boolean {
  return (
    x.leaves.length === y.leaves.length &&
    x.leaves.every(
      (l, i) =>
        l.node.dtype === y.leaves[i]?.node.dtype && sameShape(l.node.shape, y.leaves[i]?.node.shape ?? [-1]),
    )
  );
}

/** Of two values the one whose leaves can hold both: real rather than int, an array rather than the scalar that spreads over it. */
function wider(ctx: Context, x: Value, y: Value, span: Span): Value {
  const [a, c] = [flatten(ctx, x, span), flatten(ctx, y, span)];
  if (a.leaves.length !== c.leaves.length)
    failAt(
      ctx,
      'E194',
      `the two branches differ: ${describe(x)} and ${describe(y)}`,
      span,
      'a choice made at run time gives values of one structure',
    );
  return a.rebuild(
    a.leaves.map(({ node }, i) => {
      const other = c.leaves[i]?.node ?? node;
      const shape = node.shape.length === 0 ? other.shape : node.shape;
      if (other.shape.length > 0 && !sameShape(shape, other.shape))
        failAt(
          ctx,
          'E194',
          `the two branches differ in shape: [${node.shape.join(', ')}] and [${other.shape.join(', ')}]`,
          span,
          'shapes are known at compile time: give both branches the larger one and say beside it how much of it counts',
        );
      if ((node.dtype === 'bool') !== (other.dtype === 'bool'))
        failAt(
          ctx,
          'E194',
          `the two branches differ: one gives a truth value, the other a number`,
          span,
          'write 0 or 1 for the truth value, or compare the number',
        );
      const dtype = isFloat(node.dtype) || !isFloat(other.dtype) ? node.dtype : other.dtype;
      return b.full(ctx.graph, shape, 0, dtype);
    }),
  );
}

const CHEAP = 64;

/** Whether what was made since node `start` is little elementwise work, so that doing it always costs less than a branch. */
function isCheap(results: readonly Node[], start: number): boolean {
  const work = reachable(results).filter((n) => n.id > start);
  return work.length < CHEAP && !work.some((n) => isCompound(n) || n.op === 'dot');
}

/** `if` with a run-time condition as a statement: every `var` assigned in either branch gets the value of the branch taken. */
export function mergeBranches(
  ctx: Context,
  predicate: Node,
  s: ast.IfStatement,
  then: (inner: Scope) => Value | undefined,
  otherwise: (inner: Scope) => Value | undefined,
  scope: Scope,
): Value | undefined {
  const names = assignedNames(s).filter((n) => scope.find(n)?.mutable === true);
  const before = names.map((n) => scope.find(n)?.value);
  const bindings = names.flatMap((n) => scope.find(n) ?? []);
  const restore = (): void => {
    names.forEach((n, i) => {
      const binding = scope.find(n);
      const value = before[i];
      if (binding !== undefined && value !== undefined) binding.value = value;
    });
  };
  const run = (branch: (inner: Scope) => Value | undefined): Value => {
    try {
      const inner = scope.child();
      inner.chosen = true;
      const returned = withoutAsserts(ctx, () => branch(inner), bindings);
      if (returned !== undefined)
        failAt(
          ctx,
          'E195',
          'a `return` in a branch that is chosen at run time has no place to return to',
          s.span,
          'assign to a `var` in both branches and return it after the `if`',
        );
      return record(names.map((n, i) => [n, scope.find(n)?.value ?? before[i] ?? record([])] as const));
    } finally {
      restore();
    }
  };
  if (names.length === 0) {
    run(then);
    run(otherwise);
    return undefined;
  }
  const merged = choose(
    ctx,
    predicate,
    () => run(then),
    () => run(otherwise),
    s.span,
    bindings,
  );
  names.forEach((n) => {
    const binding = scope.find(n);
    const value = merged.kind === 'record' ? merged.entries.get(n) : undefined;
    if (binding !== undefined && value !== undefined) binding.value = value;
  });
  return undefined;
}
