// Which nodes a derivative can pass through. A node is active when it is a float and depends on one of the given float nodes by a path on which every
// operation has a derivative; regions are looked into, loops by a fixpoint over their carries. Nothing else is ever given a tangent or a cotangent: a zero that
// is known is not an array of zeros.
//
// What stands below a `stop_gradient` only is not looked at. A `stop_gradient` with a refusal (what a discrete draw depends on) ends the compilation when it is reached and its operand is active.
//
// The same analysis answers three questions: what a jvp must push through, which part of a program is linear in its tangent parameters, and, in the mode
// `value`, where every dependence counts, which nodes differ between the elements of a batch.

import { fail } from '../support/diagnostic.ts';
import { at } from '../support/lists.ts';
import { reachable } from '../ir/region.ts';
import type { Node, NodeOf, OpName, Region } from '../ir/types.ts';
import { isFloat } from '../ir/types.ts';

/** Operations whose derivative is zero by definition (others with a zero derivative have no float result or operand). */
const flat: ReadonlySet<OpName> = new Set<OpName>([
  'floor',
  'ceil',
  'round',
  'sign',
  'stop_gradient',
  'bitcast',
  'random_bits',
  'arg_reduce',
  'argsort',
  'rows_of',
]);

const isFlat = (node: Node): boolean => flat.has(node.op) || (node.op === 'path_mean' && !node.attrs.moves);

/** `derivative`: paths with a derivative, through floats. `value`: every dependence. */
export type ActivityMode = 'derivative' | 'value';

export class Activity {
  constructor(private readonly flags: ReadonlyMap<Node, readonly boolean[]>) {}

  /** Is the node's value active? Of a region operation: any of its outputs. */
  has(node: Node): boolean {
    return this.flags.get(node)?.some((f) => f) ?? false;
  }

  /** Is output `index` of a region operation active? */
  output(node: Node, index: number): boolean {
    return this.flags.get(node)?.[index] ?? false;
  }
}

/** What has been found for regions: loops in loops ask for those inside at every step of every fixpoint around them. */
type Known = Map<Region, Map<string, readonly boolean[]>>;

/** The activity of everything `results` depend on, with `seeds` as the sources. Walks end at the seeds and at `ends`. */
export function activityOf(
  results: readonly Node[],
  seeds: Iterable<Node>,
  ends: Iterable<Node> = [],
  mode: ActivityMode = 'derivative',
  known: Known = new Map(),
): Activity {
  const flags = new Map<Node, readonly boolean[]>();
  for (const seed of seeds) flags.set(seed, [mode === 'value' || isFloat(seed.dtype)]);
  const given = new Set([...flags.keys(), ...ends]);
  const active = (node: Node): boolean => flags.get(node)?.some((f) => f) ?? false;
  const ignored = { has: (node: Node): boolean => given.has(node) || isIgnored(node) };
  for (const node of reachable(results, mode === 'derivative' ? ignored : given)) {
    if (given.has(node)) continue;
    if (mode === 'derivative' && isFlat(node)) {
      refuseDerivative(node, active);
      continue;
    }
    if (node.op === 'project') {
      if (flags.get(at(node.args, 0))?.[node.attrs.index] === true) flags.set(node, [true]);
      continue;
    }
    const args = node.args.map(active);
    if (!args.some((a) => a)) continue;
    const outputs = outputActivity(node, args, mode, known);
    if (outputs.some((f) => f)) flags.set(node, outputs);
  }
  return new Activity(flags);
}

/** The program says that what stands below is a constant. */
const isIgnored = (node: Node): boolean => node.op === 'stop_gradient' && node.attrs.refusal === undefined;

function refuseDerivative(node: Node, active: (node: Node) => boolean): void {
  if (node.op !== 'stop_gradient' || node.attrs.refusal === undefined || !active(at(node.args, 0))) return;
  const { code, message, help } = node.attrs.refusal;
  fail(code, message, node.origin, help);
}

function outputActivity(
  node: Node,
  args: readonly boolean[],
  mode: ActivityMode,
  known: Known,
): readonly boolean[] {
  switch (node.op) {
    case 'scan': {
      const { carries, ys } = scanActivity(node, args, mode, known);
      return [...carries, ...ys, ...(node.attrs.snapshots > 0 ? carries : [])];
    }
    case 'adjoint_scan': {
      const { cotangents, ys } = adjointScanActivity(node, args, mode, known);
      return [...cotangents, ...ys];
    }
    case 'while': {
      const { carries, turns } = whileActivity(node, args, mode, known);
      return [...carries, turns];
    }
    case 'cond': {
      const yes = regionActivity(node.attrs.then, args.slice(1), mode, known);
      const no = regionActivity(node.attrs.else, args.slice(1), mode, known);
      return yes.map((y, i) => args[0] === true || y || no[i] === true);
    }
    case 'check':
      return node.outputs.map((_, i) => args[i] === true || (mode === 'value' && args.some((a) => a)));
    case 'custom':
    case 'transposed':
      return node.outputs.map((o) => mode === 'value' || isFloat(o.dtype));
    case 'linear_solve': {
      // What only the solver uses has no derivative.
      const { unknowns, operator } = node.attrs;
      const right = args.slice(0, unknowns).some((a) => a);
      const moved = [...node.outputs.map(() => false), ...args.slice(unknowns)];
      const all =
        right || mode === 'value' || regionActivity(operator, moved, 'derivative', known).some((a) => a);
      return node.outputs.map(() => all);
    }
    default:
      return [mode === 'value' || isFloat(node.dtype)];
  }
}

/** Activity of a region's results for that of its parameters. */
export function regionActivity(
  region: Region,
  params: readonly boolean[],
  mode: ActivityMode = 'derivative',
  known: Known = new Map(),
): readonly boolean[] {
  let forms = known.get(region);
  if (forms === undefined) {
    forms = new Map();
    known.set(region, forms);
  }
  const form = `${mode}${params.map((p) => (p ? 1 : 0)).join('')}`;
  let found = forms.get(form);
  if (found === undefined) {
    const sources = region.params.filter((_, i) => params[i] === true);
    const activity = activityOf(region.results, sources, [], mode, known);
    found = region.results.map((r) => activity.has(r));
    forms.set(form, found);
  }
  return found;
}

/** Grows `start` to the least flags with flags[i] = start[i] or step(flags)[i]; further entries of the step are passed through. */
function fixpoint(
  start: readonly boolean[],
  step: (flags: readonly boolean[]) => readonly boolean[],
): { readonly flags: readonly boolean[]; readonly rest: readonly boolean[] } {
  let flags = start;
  for (;;) {
    const next = step(flags);
    const grown = flags.map((f, i) => f || next[i] === true);
    if (grown.every((f, i) => f === flags[i])) return { flags, rest: next.slice(flags.length) };
    flags = grown;
  }
}

export function scanActivity(
  node: NodeOf<'scan'>,
  args: readonly boolean[],
  mode: ActivityMode = 'derivative',
  known: Known = new Map(),
): { readonly carries: readonly boolean[]; readonly ys: readonly boolean[] } {
  const c = node.attrs.carries;
  const { flags, rest } = fixpoint(args.slice(0, c), (carries) =>
    regionActivity(node.attrs.body, [false, ...carries, ...args.slice(c)], mode, known),
  );
  return { carries: flags, ys: rest };
}

export function adjointScanActivity(
  node: NodeOf<'adjoint_scan'>,
  args: readonly boolean[],
  mode: ActivityMode = 'derivative',
  known: Known = new Map(),
): {
  readonly carries: readonly boolean[];
  readonly cotangents: readonly boolean[];
  readonly ys: readonly boolean[];
} {
  const { carries: c, cotangents: m, forward, backward } = node.attrs;
  const others = args.slice(c + m);
  const carries = fixpoint(args.slice(0, c), (flags) =>
    regionActivity(forward, [false, ...flags, ...others], mode, known),
  ).flags;
  const { flags, rest } = fixpoint(args.slice(c, c + m), (cts) =>
    regionActivity(backward, [false, ...carries, ...cts, ...others], mode, known),
  );
  return { carries, cotangents: flags, ys: rest };
}

/** `turns`: whether the number of turns differs; then every carry that changes does. */
export function whileActivity(
  node: NodeOf<'while'>,
  args: readonly boolean[],
  mode: ActivityMode = 'derivative',
  known: Known = new Map(),
): { readonly carries: readonly boolean[]; readonly turns: boolean } {
  const { carries: c, condition, body } = node.attrs;
  const differs = (carries: readonly boolean[]): boolean =>
    mode === 'value' && regionActivity(condition, [...carries, ...args.slice(c)], mode, known)[0] === true;
  const { flags } = fixpoint(args.slice(0, c), (carries) => {
    const next = regionActivity(body, [false, ...carries, ...args.slice(c)], mode, known);
    const all = differs(carries);
    return next.map((f, i) => f || (all && body.results[i] !== body.params[1 + i]));
  });
  return { carries: flags, turns: differs(flags) };
}
