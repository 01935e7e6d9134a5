// Steps that are means of neighbours, where speed is worth more than digits (`--fast`). In: a body without guards. Out: the same, where x + K((a - x) - (x - b) + ...), an explicit step of a diffusion, is
// written x + K((a + b + ...) - m x): five operations instead of seven for a step of five points.
//
// Differences of differences are the accurate form, and what the compiler makes otherwise: those of neighbouring values are exact, where a sum of neighbours is rounded to its own size. Only where the weights K are
// positive and at most 1 in all is the result a mean of the values around, each step within a few units in the last place of it. Whether a step is written so follows from its formula alone, through the
// names of its parts and whatever else uses these: the same in every kernel that makes it.
// Why: spec/decisions/0085-fast-sums.md.

import * as k from '../../kernel/build.ts';
import type { Expr, KernelBuffer, Statement } from '../../kernel/types.ts';
import { everyExpr, everyStatement, mapBlocks, mapOperands } from '../../kernel/walk.ts';

/** A value that is no sum of others, and its weight. */
interface Term {
  readonly value: Expr;
  readonly weight: number;
}

/** A sum of terms by the text of their values, and the additions it is made of: products go with them into multiply-adds. */
interface Sum {
  readonly terms: ReadonlyMap<string, Term>;
  readonly additions: number;
}

export function withMeans(
  body: readonly Statement[],
  buffers: readonly KernelBuffer[],
): readonly Statement[] {
  const finder = new Means(body, buffers);
  return finder.used ? finder.block(body) : body;
}

class Means {
  /** What names stand for that are bound once. */
  private readonly values = new Map<string, Expr>();
  private readonly variables = new Set<string>();
  /** Whether there is any float multiplied by a constant. */
  readonly used: boolean;

  constructor(
    body: readonly Statement[],
    private readonly buffers: readonly KernelBuffer[],
  ) {
    let used = false;
    everyStatement(body, (s) => {
      if (s.kind === 'let') this.values.set(s.name, s.value);
      if (s.kind === 'var') this.variables.add(s.name);
      if (s.kind !== 'let' && s.kind !== 'store' && s.kind !== 'assign') return;
      everyExpr(s.value, (e) => (used ||= isFloat(e) && factorOf(e) !== undefined));
    });
    this.used = used;
  }

  block(list: readonly Statement[]): Statement[] {
    return list.map((s) => {
      switch (s.kind) {
        case 'let':
        case 'store':
        case 'assign':
        case 'assign_local':
          return { ...s, value: this.replaced(s.value) };
        default:
          return mapBlocks(s, (inner) => this.block(inner));
      }
    });
  }

  private replaced(e: Expr): Expr {
    return this.mean(e) ?? mapOperands(e, (operand) => this.replaced(operand));
  }

  /** x + K((a + b + ...) - m x) for each of the weights K. */
  private mean(e: Expr): Expr | undefined {
    if (e.kind !== 'binary' || e.op !== 'add' || !isFloat(e)) return undefined;
    const centre = [e.a, e.b].find((x) => x.kind === 'var' || x.kind === 'load');
    if (centre === undefined) return undefined;
    const { terms, additions } = this.sum(e, true);
    const own = terms.get(textOf(centre));
    const others = [...terms.values()].filter((t) => t !== own);
    const total = others.reduce((sum, t) => sum + t.weight, 0);
    if (own === undefined || others.length < 2 || total > 1 + 1e-6) return undefined;
    if (Math.abs(own.weight + total - 1) > 1e-12 || others.some((t) => t.weight <= 0)) return undefined;
    const groups: { readonly weight: number; readonly values: Expr[] }[] = [];
    for (const { value, weight } of others) {
      const group = groups.find((g) => Math.abs(g.weight - weight) <= 1e-9 * weight);
      if (group === undefined) groups.push({ weight, values: [value] });
      else group.values.push(value);
    }
    const made = groups.reduce((sum, g) => sum + g.values.length + 1, 0);
    if (made >= additions || groups.some((g) => g.values.length < 2)) return undefined;
    const constant = (x: number): Expr => k.constant(e.type, e.type === 'f32' ? Math.fround(x) : x);
    return groups.reduce<Expr>((sum, { weight, values }) => {
      const difference = k.sub(inPairs(values), k.mul(centre, constant(values.length)));
      return k.add(sum, k.mul(difference, constant(weight)));
    }, centre);
  }

  /** `here`: the expression is computed where its sum will be, so that its terms have their values there. */
  private sum(e: Expr, here: boolean): Sum {
    const bound = e.kind === 'var' ? this.values.get(e.name) : undefined;
    if (bound !== undefined && isSum(bound)) {
      const inner = this.sum(bound, false);
      if ([...inner.terms.values()].every((t) => this.isSteady(t.value))) return inner;
    }
    if (e.kind === 'unary' && e.op === 'neg') return scaled(this.sum(e.a, here), -1);
    if (e.kind === 'binary' && (e.op === 'add' || e.op === 'sub')) {
      const [a, b] = [this.sum(e.a, here), this.sum(e.b, here)];
      const terms = new Map(a.terms);
      for (const [text, { value, weight }] of b.terms) {
        const signed = e.op === 'add' ? weight : -weight;
        terms.set(text, { value, weight: (terms.get(text)?.weight ?? 0) + signed });
      }
      return { terms, additions: a.additions + b.additions + 1 };
    }
    const product = factorOf(e);
    if (product !== undefined) return scaled(this.sum(product.x, here), product.factor);
    return { terms: new Map([[textOf(e), { value: e, weight: 1 }]]), additions: 0 };
  }

  /** Whether a value is the same wherever its operands are bound. */
  private isSteady(value: Expr): boolean {
    let steady = true;
    everyExpr(value, (e) => {
      if (e.kind === 'local') steady = false;
      if (e.kind === 'load' && this.buffers[e.buffer]?.access !== 'read') steady = false;
      if (e.kind === 'var' && this.variables.has(e.name)) steady = false;
    });
    return steady;
  }
}

function isFloat(e: Expr): boolean {
  return e.type === 'f32' || e.type === 'f64';
}

/** x * factor, unless the product is to be rounded by itself. */
function factorOf(e: Expr): { readonly x: Expr; readonly factor: number } | undefined {
  if (e.kind !== 'binary' || e.op !== 'mul' || e.rounded === true) return undefined;
  if (e.b.kind === 'const') return { x: e.a, factor: e.b.value };
  return e.a.kind === 'const' ? { x: e.b, factor: e.a.value } : undefined;
}

function isSum(e: Expr): boolean {
  if (e.kind === 'unary') return e.op === 'neg';
  return e.kind === 'binary' && (e.op === 'add' || e.op === 'sub' || factorOf(e) !== undefined);
}

function scaled({ terms, additions }: Sum, factor: number): Sum {
  const times = ([text, t]: readonly [string, Term]): [string, Term] => [
    text,
    { ...t, weight: factor * t.weight },
  ];
  return { terms: new Map([...terms].map(times)), additions };
}

function textOf(e: Expr): string {
  return e.kind === 'var' ? e.name : JSON.stringify(e);
}

/** The sum of neighbours two by two: as few roundings one behind the other as there can be. */
function inPairs(values: readonly Expr[]): Expr {
  const [first, second, ...more] = values;
  if (first === undefined || second === undefined) return first ?? k.constant('f32', 0);
  if (more.length === 0) return k.add(first, second);
  const pairs: Expr[] = [];
  for (let i = 0; i < values.length; i += 2) pairs.push(inPairs(values.slice(i, i + 2)));
  return inPairs(pairs);
}
