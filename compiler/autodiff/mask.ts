// Where a derivative must not let 0 * inf or 0 * nan happen.
//
// `where(x > 0, x*log(x), 0)` at x = 0 has a cotangent of 0 at log, whose local factors are infinite. Values behind a choice (`select`, `max`, `min` and
// their reductions) may be infinite or NaN where they are not chosen, so the local factors of everything that feeds a choice are made finite:
// a factor that is not finite counts as 0 (spec/derivatives.md, "Choices"). Two analyses keep this from costing anything elsewhere:
// `maskedNodes`: what feeds a choice; `mayBeNonFinite`: which factors come out of an operation with a pole, a bounded domain or exponential growth.
// Sums and products of finite values count as finite. The states of a loop count as finite unless what the loop gives is itself chosen from: a
// simulation that diverges is reported at run time, one that is discarded (a failed member of an ensemble) is not.

import { at } from '../support/lists.ts';
import { abs, le, select } from '../ir/build.ts';
import type { Graph } from '../ir/graph.ts';
import { reachable } from '../ir/region.ts';
import type { Node, Region } from '../ir/types.ts';
import { isFloat } from '../ir/types.ts';

/** The nodes among those `results` depend on whose value may be discarded element by element: by a choice here, or outside where `masked` says so. */
export function maskedNodes(
  results: readonly Node[],
  masked: readonly boolean[],
  stop: { has(node: Node): boolean },
): ReadonlySet<Node> {
  const found = new Set<Node>(results.filter((_, i) => masked[i] === true));
  for (const node of reachable(results, stop).reverse()) {
    if (stop.has(node)) continue;
    if (found.has(node)) for (const arg of node.args) found.add(arg);
    for (const arg of chosenFrom(node)) found.add(arg);
    maskedOperands(node, found.has(node)).forEach((m, i) => {
      if (m) found.add(at(node.args, i));
    });
  }
  return found;
}

/** The operands among which an operation chooses. */
function chosenFrom(node: Node): readonly Node[] {
  switch (node.op) {
    case 'select':
      return node.args.slice(1);
    case 'max':
    case 'min':
      return node.args;
    case 'reduce':
      return node.attrs.kind === 'max' || node.attrs.kind === 'min' ? node.args : [];
    default:
      return [];
  }
}

/** Which operands of a region operation are masked inside it. */
function maskedOperands(node: Node, outside: boolean): readonly boolean[] {
  if (outside) return [];
  switch (node.op) {
    case 'scan': {
      const { body, carries } = node.attrs;
      return maskedCarries(body, carries).slice(1);
    }
    case 'adjoint_scan': {
      const { carries: c, cotangents: m, forward, backward } = node.attrs;
      const back = maskedParams(
        backward,
        backward.results.map(() => false),
      ).slice(1);
      const forth = maskedCarries(forward, c).slice(1);
      return back.map((b, i) => b || (i < c ? forth[i] === true : i >= c + m && forth[i - m] === true));
    }
    case 'while':
      return maskedCarries(node.attrs.body, node.attrs.carries).slice(1);
    case 'cond': {
      const none = node.attrs.then.results.map(() => false);
      const yes = maskedParams(node.attrs.then, none);
      const no = maskedParams(node.attrs.else, none);
      return [false, ...yes.map((y, i) => y || no[i] === true)];
    }
    default:
      return [];
  }
}

function maskedParams(region: Region, results: readonly boolean[]): readonly boolean[] {
  const found = maskedNodes(region.results, results, new Set(region.params));
  return region.params.map((p) => found.has(p));
}

/** Of a loop body (index, carries, …): what is masked in one turn is masked in the turn before. */
function maskedCarries(body: Region, carries: number): readonly boolean[] {
  let params: readonly boolean[] = body.params.map(() => false);
  for (;;) {
    const results = body.results.map((_, i) => i < carries && params[1 + i] === true);
    const next = maskedParams(body, results);
    if (next.every((m, i) => m === params[i])) return params;
    params = next.map((m, i) => m || params[i] === true);
  }
}

/** Results of a loop body that are masked when what the loop gives is masked outside or not. */
export function maskedResults(body: Region, carries: number, outside: boolean): readonly boolean[] {
  if (outside) return body.results.map(() => true);
  const params = maskedCarries(body, carries);
  return body.results.map((_, i) => i < carries && params[1 + i] === true);
}

// ---- values that may be infinite or NaN

/** The number a node holds in all its elements, if that is known. */
export function constantValue(node: Node): number | undefined {
  switch (node.op) {
    case 'const':
      return node.attrs.value;
    case 'broadcast':
    case 'reshape':
    case 'cast':
    case 'transpose':
    case 'keep':
      return constantValue(at(node.args, 0));
    default:
      return undefined;
  }
}

/** A property of values that follows from that of their operands; every node is judged once. */
abstract class Judgement {
  protected readonly known = new Map<Node, boolean>();

  /** `given`: parameters that stand for values which have the property. */
  constructor(given: Iterable<Node> = []) {
    for (const node of given) this.known.set(node, true);
  }

  /** The property of a node whose operands are known. */
  protected abstract judge(node: Node): boolean;

  protected holds(node: Node): boolean {
    const known = this.known.get(node);
    if (known !== undefined) return known;
    for (const n of reachable([node], this.known)) if (!this.known.has(n)) this.known.set(n, this.judge(n));
    return this.known.get(node) ?? true;
  }

  protected any(list: readonly Node[]): boolean {
    return list.some((a) => this.known.get(a) === true);
  }
}

/** Which values may be infinite or no numbers. */
export class Finiteness extends Judgement {
  mayBeNonFinite(node: Node): boolean {
    return this.holds(node);
  }

  protected judge(node: Node): boolean {
    if (!isFloat(node.dtype)) return false;
    switch (node.op) {
      case 'const':
        return !Number.isFinite(node.attrs.value);
      case 'literal':
        return node.attrs.data.some((x) => !Number.isFinite(x));
      case 'log':
      case 'log1p':
      case 'sqrt':
      case 'exp':
      case 'expm1':
      case 'sinh':
      case 'cosh':
      case 'tan':
      case 'asin':
      case 'acos':
      case 'pow':
      case 'bitcast':
        return true;
      case 'div':
      case 'rem': {
        const divisor = constantValue(at(node.args, 1));
        return divisor === undefined || divisor === 0 || this.any(node.args);
      }
      case 'tanh':
      case 'atan':
      case 'sign':
        return this.any(node.args);
      case 'scan':
      case 'adjoint_scan':
      case 'while':
      case 'cond':
      case 'custom':
      case 'transposed':
      case 'linear_solve':
      case 'check':
      case 'project':
        return true;
      default:
        return this.any(node.args);
    }
  }
}

/**
 * Which values may be zero because a choice discarded them: cotangents of a branch that was not taken. In a second reverse sweep what they are multiplied with runs the branch forwards, and
 * may have grown beyond all numbers there.
 */
export class Discards extends Judgement {
  mayBeDiscarded(node: Node): boolean {
    return this.holds(node);
  }

  protected judge(node: Node): boolean {
    if (!isFloat(node.dtype)) return false;
    switch (node.op) {
      case 'select':
        return node.args.slice(1).some((arm) => constantValue(arm) === 0) || this.any(node.args.slice(1));
      case 'div':
        return this.any(node.args.slice(0, 1));
      case 'mul':
      case 'add':
      case 'sub':
      case 'neg':
      case 'keep':
      case 'cast':
      case 'reshape':
      case 'transpose':
      case 'broadcast':
      case 'slice':
      case 'pad':
      case 'concat':
      case 'reverse':
      case 'roll':
      case 'reduce':
      case 'cumsum':
      case 'gather':
      case 'scatter_add':
      case 'dot':
      case 'project':
        return this.any(node.args);
      case 'scan':
      case 'adjoint_scan':
      case 'while':
      case 'cond':
        return this.any(node.args);
      default:
        return false;
    }
  }
}

const LARGEST = { f32: 3.4028234663852886e38, f64: Number.MAX_VALUE };

/** The factor where it is finite, 0 elsewhere. */
export function finiteOrZero(g: Graph, factor: Node): Node {
  const largest = factor.dtype === 'f32' ? LARGEST.f32 : LARGEST.f64;
  return select(g, le(g, abs(g, factor), largest), factor, 0);
}
