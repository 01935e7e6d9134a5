// Checks become an output. A function whose values go with conditions (`check` nodes) gets one more input and output, a vector that holds for every place of the program that checks
// something whether it has failed so far (1 or 0, or how often) and the numbers to be shown with the first failure. Loops carry that beside their states, element by element, so a loop whose
// elements run by themselves still does; the recomputation of a reverse sweep checks nothing a second time.
//
// In: a function whose rules are expanded (autodiff/expand_rules.ts). Out: one without `check` nodes. Nothing happens to functions that check nothing.

import { InternalError } from '../support/diagnostic.ts';
import { at, get } from '../support/lists.ts';
import {
  add,
  cast,
  concat,
  full,
  gather,
  gt,
  idiv,
  indexAxis,
  not,
  projections,
  reduceAll,
  rem,
  reshape,
  select,
} from './build.ts';
import type { CompoundNode } from './classes.ts';
import { isCompound, regionsOf } from './classes.ts';
import type { Graph } from './graph.ts';
import type { RegionHandler } from './rebuild.ts';
import { applyRegionOperation, mapRegions, rebuildRegion } from './rebuild.ts';
import { reachable, rebuild } from './region.ts';
import type { ArrayFunction, Node, NodeOf, Region } from './types.ts';
import { sizeOf } from './types.ts';

/** One checked place in the vector: at `offset` whether it failed, then `shown` numbers, then which element it is along every axis that has a word. */
export interface CheckedSite {
  readonly site: number;
  readonly offset: number;
  readonly shown: number;
  readonly members: readonly string[];
}

export interface CheckedFunction {
  readonly fn: ArrayFunction;
  /** Name of the input and of the output that hold the vector. */
  readonly vector: string;
  readonly size: number;
  readonly sites: readonly CheckedSite[];
}

/** What one place has found: failed (1 or 0, or how often) and the numbers shown, arrays of one shape, whose axes are called so. */
interface Found {
  readonly site: number;
  /** Failures are counted. */
  readonly counted: boolean;
  /** What was looked at in this region. */
  readonly conditions: readonly Node[];
  readonly members: readonly string[];
  readonly nodes: readonly Node[];
}

/** By place and shape. */
type Findings = Map<string, Found>;

/** Undefined when the function checks nothing. */
export function collectChecks(g: Graph, fn: ArrayFunction): CheckedFunction | undefined {
  const collector = new Collector(g, warningsOf(fn.region));
  if (!collector.checks(fn.region)) return undefined;
  const { results, found } = collector.lift(fn.region);
  const sites: CheckedSite[] = [];
  const now: Found[] = [];
  let size = 0;
  for (const f of found.values()) {
    const { site, members, nodes } = f;
    const one = worst(g, f);
    sites.push({
      site,
      offset: size,
      shown: nodes.length - 1,
      members: members.filter((word) => word !== ''),
    });
    now.push({ ...f, nodes: one });
    size += one.length;
  }
  const param = g.param('checks', { dtype: 'f32', shape: [size] });
  const parts = sites.flatMap(({ offset }, k) => {
    const f = at(now, k);
    const old = f.nodes.map((_, i) => indexAxis(g, param, 0, offset + i));
    return together(g, old, f).map((x) => reshape(g, x, [1]));
  });
  return {
    fn: {
      ...fn,
      inputs: [...fn.inputs, 'checks'],
      outputs: [...fn.outputs, 'checks'],
      region: { params: [...fn.region.params, param], results: [...results, concat(g, parts, 0)] },
    },
    vector: 'checks',
    size,
    sites,
  };
}

/** The first failure of what was found before and what is found after it, or the count of both. */
function together(g: Graph, before: readonly Node[], after: Found): Node[] {
  const failed = gt(g, at(before, 0), 0);
  return before.map((old, i) => {
    const now = at(after.nodes, i);
    return i === 0 && after.counted ? add(g, old, now) : select(g, failed, old, now);
  });
}

/** The first failure among the elements (of those that are counted, the first of the most frequent, with the count of all), and its number along the axes that have a word. */
function worst(g: Graph, { nodes, members, counted }: Found): Node[] {
  const { shape } = at(nodes, 0);
  if (shape.length === 0) return [...nodes];
  const flat = nodes.map((x) => reshape(g, x, [sizeOf(x.shape)]));
  const index = g.node('arg_reduce', [at(flat, 0)], { kind: 'max', axis: 0 });
  const places = shape.flatMap((extent, axis) => {
    if ((members[axis] ?? '') === '') return [];
    return [cast(g, rem(g, idiv(g, index, sizeOf(shape.slice(axis + 1))), extent), 'f32')];
  });
  const [failed, ...shown] = flat;
  if (failed === undefined) return [];
  const count = counted ? reduceAll(g, 'sum', failed) : gather(g, failed, index);
  return [count, ...shown.map((x) => gather(g, x, index)), ...places];
}

const zeros = (g: Graph, nodes: readonly Node[]): Node[] => nodes.map((x) => full(g, x.shape, 0, 'f32'));

interface Lifted {
  readonly results: readonly Node[];
  readonly found: Findings;
}

/** The places that warn in what is computed forwards. */
function warningsOf(region: Region, sites = new Set<number>(), seen = new Set<Region>()): Set<number> {
  if (seen.has(region)) return sites;
  seen.add(region);
  for (const node of reachable(region.results, new Set(region.params))) {
    if (!isCompound(node)) continue;
    if (node.op === 'check' && node.attrs.warns === true) sites.add(node.attrs.site);
    for (const [name, inner] of regionsOf(node))
      if (!(node.op === 'adjoint_scan' && name === 'backward')) warningsOf(inner, sites, seen);
  }
  return sites;
}

class Collector {
  private readonly known = new Map<Region, boolean>();
  private readonly stripped = new Map<Region, Region>();
  private readonly silenced = new Map<Region, Region>();

  constructor(
    private readonly g: Graph,
    /** Warned of where they are computed first: the backward steps of loops compute them again. */
    private readonly forwards: ReadonlySet<number>,
  ) {}

  /** Whether something is checked in the region, at any depth. */
  checks(region: Region): boolean {
    let answer = this.known.get(region);
    if (answer === undefined) {
      answer = reachable(region.results, new Set(region.params)).some(
        (n) => isCompound(n) && (n.op === 'check' || regionsOf(n).some(([, inner]) => this.checks(inner))),
      );
      this.known.set(region, answer);
    }
    return answer;
  }

  lift(region: Region): Lifted {
    const { g } = this;
    const own = new Set(region.params);
    const found: Findings = new Map();
    const outputs = new Map<Node, readonly Node[]>();
    const images = new Map<Node, Node>();
    const image = (node: Node): Node => images.get(node) ?? node;
    for (const node of reachable(region.results, own)) {
      if (own.has(node)) continue;
      const args = node.args.map(image);
      if (isCompound(node) && (node.op === 'check' || regionsOf(node).some(([, r]) => this.checks(r))))
        outputs.set(
          node,
          g.withOrigin(node.origin, () => this.operation(node, args, found)),
        );
      else if (node.op === 'project' && outputs.has(at(node.args, 0)))
        images.set(node, at(get(outputs, at(node.args, 0)), node.attrs.index));
      else if (args.some((a, i) => a !== node.args[i])) images.set(node, rebuild(g, node, args));
    }
    return { results: region.results.map(image), found };
  }

  private note(found: Findings, key: string, now: Found): void {
    const before = found.get(key);
    found.set(
      key,
      before === undefined
        ? now
        : {
            ...now,
            conditions: [...before.conditions, ...now.conditions],
            nodes: together(this.g, before.nodes, now),
          },
    );
  }

  /** The outputs of an operation that checks something; what it finds goes to `found`. */
  private operation(node: CompoundNode, args: readonly Node[], found: Findings): readonly Node[] {
    switch (node.op) {
      case 'check':
        return this.check(node, args, found);
      case 'scan':
        return this.scan(node, args, found);
      case 'adjoint_scan':
        return this.adjointScan(node, args, found);
      case 'while':
        return this.while(node, args, found);
      case 'cond':
        return this.cond(node, args, found);
      case 'custom':
      case 'transposed':
      case 'linear_solve':
        throw new InternalError('ir.checks', `${node.op} is to be expanded first`);
    }
  }

  private check(node: NodeOf<'check'>, args: readonly Node[], found: Findings): readonly Node[] {
    const { g } = this;
    const { site, values, members = [], warns } = node.attrs;
    const [ok, ...shown] = args.slice(values);
    if (ok === undefined) throw new InternalError('ir.checks', 'a check without a condition');
    const key = `${site} ${ok.shape.join('x')} ${members.join()}`;
    // A value and its derivative may go with one condition.
    if (found.get(key)?.conditions.includes(ok) === true) return args.slice(0, values);
    const none = full(g, ok.shape, 0, 'f32');
    const failed = cast(g, not(g, ok), 'f32');
    this.note(found, key, {
      site,
      counted: warns === true,
      conditions: [ok],
      members,
      nodes: [failed, ...shown.map((x) => select(g, ok, none, cast(g, x, 'f32')))],
    });
    return args.slice(0, values);
  }

  /** What a body finds as states that it carries. */
  private carried(region: Region): {
    readonly results: readonly Node[];
    readonly keys: readonly (readonly [string, Found])[];
    readonly initial: readonly Node[];
    readonly params: readonly Node[];
    readonly next: readonly Node[];
  } {
    const { g } = this;
    const { results, found } = this.lift(region);
    const keys = [...found];
    const params: Node[] = [];
    const next: Node[] = [];
    for (const [, now] of keys) {
      const own = now.nodes.map((x, i) => g.param(i === 0 ? 'failed' : 'shown', x));
      params.push(...own);
      next.push(...together(g, own, now));
    }
    return { results, keys, initial: zeros(g, params), params, next };
  }

  private take(found: Findings, keys: readonly (readonly [string, Found])[], outputs: readonly Node[]): void {
    let next = 0;
    for (const [key, { nodes, ...place }] of keys) {
      this.note(found, key, { ...place, conditions: [], nodes: outputs.slice(next, next + nodes.length) });
      next += nodes.length;
    }
  }

  private scan(node: NodeOf<'scan'>, args: readonly Node[], found: Findings): readonly Node[] {
    const { g } = this;
    const { carries: C, body, snapshots } = node.attrs;
    const c = this.carried(body);
    const m = c.params.length;
    const made = g.node('scan', [...args.slice(0, C), ...c.initial, ...args.slice(C)], {
      ...node.attrs,
      carries: C + m,
      body: {
        params: [...body.params.slice(0, 1 + C), ...c.params, ...body.params.slice(1 + C)],
        results: [...c.results.slice(0, C), ...c.next, ...c.results.slice(C)],
      },
    });
    const out = projections(g, made);
    this.take(found, c.keys, out.slice(C, C + m));
    const ys = body.results.length - C;
    const saved = snapshots > 0 ? out.slice(C + m + ys, C + m + ys + C) : [];
    return [...out.slice(0, C), ...out.slice(C + m, C + m + ys), ...saved];
  }

  private adjointScan(node: NodeOf<'adjoint_scan'>, args: readonly Node[], found: Findings): readonly Node[] {
    const { g } = this;
    const { carries: C, cotangents: M, forward } = node.attrs;
    const backward = this.strip(node.attrs.backward, this.forwards);
    const c = this.carried(backward);
    const m = c.params.length;
    const made = g.node('adjoint_scan', [...args.slice(0, C + M), ...c.initial, ...args.slice(C + M)], {
      ...node.attrs,
      cotangents: M + m,
      forward: this.strip(forward),
      backward: {
        params: [...backward.params.slice(0, 1 + C + M), ...c.params, ...backward.params.slice(1 + C + M)],
        results: [...c.results.slice(0, M), ...c.next, ...c.results.slice(M)],
      },
    });
    const out = projections(g, made);
    this.take(found, c.keys, out.slice(M, M + m));
    return [...out.slice(0, M), ...out.slice(M + m)];
  }

  private while(node: NodeOf<'while'>, args: readonly Node[], found: Findings): readonly Node[] {
    const { g } = this;
    const { carries: C, body } = node.attrs;
    const condition = this.strip(node.attrs.condition);
    const c = this.carried(body);
    const m = c.params.length;
    const made = g.node('while', [...args.slice(0, C), ...c.initial, ...args.slice(C)], {
      ...node.attrs,
      carries: C + m,
      condition: {
        params: [
          ...condition.params.slice(0, C),
          ...c.params.map((p) => g.param('unused', p)),
          ...condition.params.slice(C),
        ],
        results: condition.results,
      },
      body: {
        params: [...body.params.slice(0, 1 + C), ...c.params, ...body.params.slice(1 + C)],
        results: [...c.results, ...c.next],
      },
    });
    const out = projections(g, made);
    this.take(found, c.keys, out.slice(C, C + m));
    return [...out.slice(0, C), ...out.slice(C + m)];
  }

  private cond(node: NodeOf<'cond'>, args: readonly Node[], found: Findings): readonly Node[] {
    const { g } = this;
    const branches = [node.attrs.then, node.attrs.else].map((region) => ({
      params: region.params,
      ...this.lift(region),
    }));
    const keys = [...new Map(branches.flatMap((b) => [...b.found]))];
    const [yes, no] = branches.map((b): Region => ({
      params: b.params,
      results: [
        ...b.results,
        ...keys.flatMap(([key, { nodes }]) => b.found.get(key)?.nodes ?? zeros(g, nodes)),
      ],
    }));
    if (yes === undefined || no === undefined) return [];
    const made = g.node('cond', args, { ...node.attrs, then: yes, else: no });
    const count = node.outputs.length;
    this.take(found, keys, projections(g, made).slice(count));
    return projections(g, made).slice(0, count);
  }

  /** The region with its checks taken out; or those of these sites. */
  private strip(region: Region, sites?: ReadonlySet<number>): Region {
    if (sites?.size === 0 || !this.checks(region)) return region;
    const known = sites === undefined ? this.stripped : this.silenced;
    let made = known.get(region);
    if (made === undefined) {
      const handle: RegionHandler = (node, args) =>
        node.op === 'check' && (sites === undefined || sites.has(node.attrs.site))
          ? args.slice(0, node.attrs.values)
          : applyRegionOperation(
              this.g,
              mapRegions(node, (inner) => this.strip(inner, sites)),
              args,
            );
      made = rebuildRegion(this.g, region, handle);
      known.set(region, made);
    }
    return made;
  }
}
