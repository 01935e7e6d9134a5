// Forward mode of computations whose derivative is given by a rule (`custom`), and of the transposed map that it makes of a cotangent rule (`transposed`).
//
// A tangent rule is inlined where forward mode asks for it: what it computes is ordinary array IR, linear in the tangents, so reverse mode transposes it and
// further derivatives differentiate it. A cotangent rule R(residuals, u) becomes `transposed`, the map Rᵀ: reverse mode transposes that into R exactly as it was
// written, and forward mode alone has it expanded (expand_rules.ts). With L(r) = R(r, ·)ᵀ, the tangent of L(r) x is L(r) x' + L'(r, r') x, where L' is the
// transpose of R's own tangent: so rules differentiate to every order.
//
// Captured values have no part in the rule. One that moves would be a silent zero: it is an error that names it.

import { FlowError } from '../support/diagnostic.ts';
import { at, range } from '../support/lists.ts';
import { add, projections, reshape } from '../ir/build.ts';
import { inlineRegion } from '../ir/region.ts';
import type { Node, NodeOf, Region } from '../ir/types.ts';
import { isFloat } from '../ir/types.ts';
import { regionActivity } from './activity.ts';
import type { RegionContext } from './jvp_regions.ts';
import { pick } from './loops.ts';
import type { Tangent } from './tangent.ts';
import { materialize } from './tangent.ts';
import { transposeLinear } from './transpose.ts';

const isMoving = (t: Tangent): t is Node => t !== undefined;

export function pushCustom(c: RegionContext, node: NodeOf<'custom'>, t: readonly Tangent[]): Tangent[] {
  const { g } = c;
  const { args: count, mode, rule, name } = node.attrs;
  if (mode === 'recompute') return pushRecomputed(c, node, t);
  refuseCaptured(node, t);
  if (node.attrs.exact === true && !c.linearize) return pushPrimal(c, node, t);
  const args = node.args.slice(0, count);
  const outputs = projections(g, node);
  const floats = outputs.filter((y) => isFloat(y.dtype));
  const residuals = [...node.args, ...outputs];
  const spread = (tangents: readonly Node[]): Tangent[] => {
    const next = tangents.values();
    return outputs.map((y) => (isFloat(y.dtype) ? next.next().value : undefined));
  };
  if (mode === 'tangent') {
    const tangents = args.flatMap((x, i) => (isFloat(x.dtype) ? [materialize(g, t[i], x)] : []));
    return spread(inlineRegion(g, rule, [...residuals, ...tangents]));
  }
  const floatArgs = range(count).filter((i) => isFloat(at(args, i).dtype));
  const moving = floatArgs.map((i) => isMoving(t[i]));
  const map: Region = { params: rule.params, results: pick(rule.results, moving) };
  const given = t.slice(0, count).filter(isMoving);
  if (floats.length === 0) return [];
  return spread(
    projections(
      g,
      g.node('transposed', [...residuals, ...given], { name, residuals: residuals.length, map }),
    ),
  );
}

/**
 * `recompute`: forward mode is that of the computation. For reverse mode the linear map is given by its transpose, which computes everything anew from the arguments: inside a loop of one
 * step, so that nothing of it is found to be known already.
 */
function pushRecomputed(c: RegionContext, node: NodeOf<'custom'>, t: readonly Tangent[]): Tangent[] {
  const { g } = c;
  const { primal, name } = node.attrs;
  const moving = primal.params.filter((_, i) => t[i] !== undefined);
  const tangents = moving.map((p) => g.param(`d_${nameOf(p)}`, p));
  const given = t.filter(isMoving);
  const pushed = c.push(primal.results, new Map(moving.map((p, i) => [p, at(tangents, i)])));
  const results = pushed.filter(isMoving);
  const spread = (values: readonly Node[]): Tangent[] => {
    const next = values.values();
    return pushed.map((p) => (p === undefined ? undefined : next.next().value));
  };
  if (results.length === 0) return [];
  if (!c.linearize)
    return spread(
      inlineRegion(g, { params: [...primal.params, ...tangents], results }, [...node.args, ...given]),
    );
  const u = results.map((r, i) => g.param(`u${i}`, r));
  const pulled = transposeLinear(g, results, u, tangents).map((ct, i) => materialize(g, ct, at(moving, i)));
  const params = [...primal.params, ...u];
  const outer = params.map((p) => g.param(nameOf(p), p));
  const once = g.node(
    'scan',
    outer.map((x) => reshape(g, x, [1, ...x.shape])),
    {
      length: 1,
      carries: 0,
      xs: params.length,
      body: { params: [g.param('once', { dtype: 'i32', shape: [] }), ...params], results: pulled },
      reverse: false,
      snapshots: 0,
      adjoint: { kind: 'recompute' },
    },
  );
  const map: Region = {
    params: outer,
    results: projections(g, once).map((ct) => reshape(g, ct, ct.shape.slice(1))),
  };
  const residuals = node.args.length;
  return spread(projections(g, g.node('transposed', [...node.args, ...given], { name, residuals, map })));
}

/** Forward mode of the computation itself, where the rule is as exact as that. */
function pushPrimal(c: RegionContext, node: NodeOf<'custom'>, t: readonly Tangent[]): Tangent[] {
  const { primal } = node.attrs;
  const seeds = primal.params.flatMap((p, i): [Node, Node][] =>
    t[i] === undefined ? [] : [[p, c.g.param(`d_${nameOf(p)}`, p)]],
  );
  const pushed = c.push(primal.results, new Map(seeds));
  const params = [...primal.params, ...seeds.map(([, d]) => d)];
  const made = inlineRegion(c.g, { params, results: pushed.filter(isMoving) }, [
    ...node.args,
    ...t.filter(isMoving),
  ]).values();
  return pushed.map((p) => (p === undefined ? undefined : made.next().value));
}

/** A captured value matters when the primal computation or the rule depends on it; a solver's own data (a preconditioner, a first guess) does not. */
function refuseCaptured(node: NodeOf<'custom'>, t: readonly Tangent[]): void {
  const { args, captured, name, primal, rule } = node.attrs;
  const matters = (i: number): boolean =>
    [primal, rule].some((region) =>
      regionActivity(
        region,
        region.params.map((_, k) => k === args + i),
      ).some((a) => a),
    );
  const moving = [...new Set(captured.filter((_, i) => t[args + i] !== undefined && matters(i)))];
  if (moving.length === 0) return;
  const names = moving.map((m) => `\`${m}\``).join(' and ');
  throw new FlowError([
    {
      severity: 'error',
      code: 'E510',
      message: `the derivative is taken with respect to ${names}, which ${name} uses without taking it as an argument: its rule has nothing to say of it`,
      ...(node.origin === undefined ? {} : { span: node.origin }),
      help: `make ${names} an argument of ${name}, so that the rule covers it, or write stop_gradient(…) where it is a constant`,
    },
  ]);
}

export function pushTransposed(
  c: RegionContext,
  node: NodeOf<'transposed'>,
  t: readonly Tangent[],
): Tangent[] {
  const { g } = c;
  const { residuals: count, map, name } = node.attrs;
  const residuals = node.args.slice(0, count);
  const x = node.args.slice(count);
  const sums: Tangent[] = node.outputs.map(() => undefined);
  const contribute = (made: Node): void =>
    projections(g, made).forEach((y, i) => {
      const before = sums[i];
      sums[i] = before === undefined ? y : add(g, before, y);
    });

  const moved = x.map((_, i) => t[count + i] !== undefined);
  if (moved.some((m) => m))
    contribute(
      g.node('transposed', [...residuals, ...t.slice(count).filter(isMoving)], {
        name,
        residuals: count,
        map: { params: map.params, results: pick(map.results, moved) },
      }),
    );

  const params = map.params.slice(0, count);
  const seeds = params.flatMap((p, i): [Node, Node][] =>
    t[i] === undefined ? [] : [[p, g.param(`d_${nameOf(p)}`, p)]],
  );
  if (seeds.length > 0) {
    const pushed = c.push(map.results, new Map(seeds));
    const there = pushed.map(isMoving);
    if (there.some((m) => m))
      contribute(
        g.node('transposed', [...residuals, ...t.slice(0, count).filter(isMoving), ...pick(x, there)], {
          name,
          residuals: count + seeds.length,
          map: {
            params: [...params, ...seeds.map(([, d]) => d), ...map.params.slice(count)],
            results: pushed.filter(isMoving),
          },
        }),
      );
  }
  return sums;
}

const nameOf = (node: Node): string => (node.op === 'param' ? node.attrs.name : 'x');
