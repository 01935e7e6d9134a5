// `check gradient misfit over k`: procedures for the loss along a fixed random direction and for its slope by reverse and by forward mode; the host makes the Taylor table of them.

import { targetsOf, checkInfluence, objectiveAt } from './goals.ts';
import { labelOf } from '../expressions/expression.ts';
import { gradientOver } from '../expressions/derivatives.ts';
import { uniforms, freshDraws } from '../random/draws.ts';
import { withDraws } from '../context.ts';
import { placeOf } from './outputs.ts';
import type { ScriptWriter } from './runs.ts';
import type { Scope } from '../names/scope.ts';
import { flatten } from '../values/leaves.ts';
import { array } from '../values/values.ts';
import type { Value } from '../values/values.ts';
import { jvp } from '../../autodiff/jvp.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import type { CheckGradientStatement } from '../../plan/script.ts';
import { at } from '../../support/lists.ts';
import type * as ast from '../../syntax/ast.ts';

export function checkGradient(
  w: ScriptWriter,
  s: ast.CheckGradientStatement,
  scope: Scope,
): CheckGradientStatement {
  const { ctx, variables } = w;
  const g = ctx.graph;
  const targets = targetsOf(ctx, variables, s.over, [], scope);
  const now = targets.variables.map((v) => variables.nodeOf(v));
  const objective = objectiveAt(ctx, targets, s.value, targets.now, scope);
  checkInfluence(ctx, targets, variables, objective, s.value, s.over);
  const name = variables.fresh('check');
  const h = variables.declare(ctx, `${name}.h`, { dtype: ctx.real, shape: [] });
  // A direction with entries in (-1, 1), on the scale of each parameter.
  const direction = withDraws(ctx, freshDraws(`check gradient ${labelOf(s.value)}`), () =>
    now.map((z) => {
      const u = at(uniforms(ctx, z.shape, 1), 0);
      const scale = b.max(
        g,
        b.sqrt(
          g,
          b.div(
            g,
            b.sumAll(g, b.mul(g, z, z)),
            Math.max(
              1,
              z.shape.reduce((n, e) => n * e, 1),
            ),
          ),
        ),
        0.1,
      );
      return b.mul(g, b.sub(g, b.mul(g, u, 2), 1), scale);
    }),
  );
  const shape = flatten(ctx, targets.now, s.span);
  const shifted = shape.rebuild(
    now.map((z, i) => b.add(g, z, b.mul(g, at(direction, i), b.broadcastTo(g, h, z.shape)))),
  );
  const valueNode = nodeOf(objectiveAt(ctx, targets, s.value, shifted, scope), g.constant(0, ctx.real));
  const loss = variables.result(ctx, valueNode, `${name}.loss`);
  const value = variables.procedure(`${name}.value`, new Map([[loss, valueNode]]));

  const objectiveNode = nodeOf(objective, g.constant(0, ctx.real));
  const gradient = flatten(
    ctx,
    gradientOver(ctx, array(objectiveNode), targets.now, s.value.span),
    s.span,
  ).leaves.map((l) => l.node);
  const reverseNode = gradient
    .map((x, i) => b.sumAll(g, b.mul(g, x, at(direction, i))))
    .reduce((x, y) => b.add(g, x, y));
  const [tangent] = jvp(g, [objectiveNode], now, direction);
  const forwardNode = tangent ?? g.constant(0, ctx.real);
  const scaleNode = now.map((z) => b.reduceAll(g, 'max', b.abs(g, z))).reduce((x, y) => b.max(g, x, y));
  const outputs = new Map<string, Node>();
  const put = (node: Node, hint: string): string => {
    const variable = variables.result(ctx, node, `${name}.${hint}`);
    outputs.set(variable, node);
    return variable;
  };
  const [reverse, forward, scale] = [
    put(reverseNode, 'reverse'),
    put(forwardNode, 'forward'),
    put(scaleNode, 'scale'),
  ];
  return {
    kind: 'check_gradient',
    label: `${labelOf(s.value)} over ${s.over.map(labelOf).join(', ')}`,
    value,
    h: `${name}.h`,
    loss,
    slope: variables.procedure(`${name}.slope`, outputs),
    reverse,
    forward,
    scale,
    place: placeOf(s.span),
  };
}

function nodeOf(v: Value, otherwise: Node): Node {
  return v.kind === 'array' ? v.node : otherwise;
}
