// Rewrites of elementwise operations: identities with 0, 1 and -1, signs, powers with small whole exponents, masks, casts of casts, the order of
// commutative operands, and broadcasts moved outwards.

import { at } from '../support/lists.ts';
import { binary, broadcastAxes, cast, onesLike, zerosLike } from './build.ts';
import type { Graph } from './graph.ts';
import { asOp, isSplat, isZero, splatOf, under } from './pattern.ts';
import { addedAtPlace } from './rewrite_places.ts';
import type { RewriteRule, RewriteRules } from './rewrite_rule.ts';
import type { ArrayType, Attributes, BinaryOp, DType, Node, OpName } from './types.ts';
import { isFloat, sameShape } from './types.ts';

/**
 * An elementwise operation whose operands are all broadcasts along the same axes (or of scalars) is done before the broadcast. `keep` stays: it marks
 * an array of its own shape.
 */
export function hoistBroadcast<P extends OpName>(
  g: Graph,
  op: P,
  args: readonly Node[],
  attrs: Attributes[P],
  type: ArrayType,
): Node | undefined {
  if (op === 'keep' || type.shape.length === 0) return undefined;
  let axes: readonly number[] = [];
  for (const arg of args) {
    const b = asOp(arg, 'broadcast');
    if (b === undefined) return undefined;
    if (b.attrs.axes.length === 0) continue;
    if (axes.length > 0 && !sameShape(axes, b.attrs.axes)) return undefined;
    axes = b.attrs.axes;
  }
  const shape = axes.map((axis) => at(type.shape, axis));
  const inner = args.map((arg) => {
    const x = at(arg.args, 0);
    return x.shape.length === shape.length ? x : broadcastAxes(g, x, shape, []);
  });
  return broadcastAxes(g, g.node(op, inner, attrs), type.shape, axes);
}

type Rule2 = (g: Graph, a: Node, b: Node) => Node | undefined;

const COMMUTATIVE: ReadonlySet<OpName> = new Set(['add', 'mul', 'and', 'or', 'xor', 'eq', 'ne']);

/** Constants come second, else the older node first. */
function outOfOrder(a: Node, b: Node): boolean {
  const constantA = splatOf(a) !== undefined;
  const constantB = splatOf(b) !== undefined;
  return constantA === constantB ? a.id > b.id : constantA;
}

/** A rule for two operands, tried after commutative operands have been put in order. */
function rule2<P extends OpName>(op: P, rule: Rule2): RewriteRule<P> {
  return (g, args, attrs) => {
    const a = at(args, 0);
    const b = at(args, 1);
    if (COMMUTATIVE.has(op) && outOfOrder(a, b)) return g.node(op, [b, a], attrs);
    return rule(g, a, b);
  };
}

const node1 = (g: Graph, op: 'neg' | 'abs' | 'not' | 'sqrt', x: Node): Node => g.node(op, [x], {});

/** c with -c, when it is the constant everywhere of a signed type. */
function negated(g: Graph, c: Node): Node | undefined {
  const value = splatOf(c);
  return value === undefined ? undefined : node1(g, 'neg', c);
}

/** A power of two whose reciprocal is exact and far from underflow in f32: dividing by it is multiplying by the reciprocal. */
function isPowerOfTwo(x: number): boolean {
  const size = Math.abs(x);
  return (
    size >= 2 ** -60 && size <= 2 ** 60 && Number.isInteger(Math.log2(size)) && 2 ** Math.log2(size) === size
  );
}

const mul2 = (g: Graph, a: Node, b: Node): Node => binary(g, 'mul', a, b);

function powerRule(g: Graph, a: Node, b: Node): Node | undefined {
  if (isSplat(a, 1)) return a;
  const one = (): Node => onesLike(g, a);
  switch (splatOf(b)) {
    case 0:
      return one();
    case 1:
      return a;
    case 2:
      return mul2(g, a, a);
    case 3:
      return mul2(g, mul2(g, a, a), a);
    case 4: {
      const square = mul2(g, a, a);
      return mul2(g, square, square);
    }
    case 0.5:
      return node1(g, 'sqrt', a);
    case -1:
      return binary(g, 'div', one(), a);
    case -2:
      return binary(g, 'div', one(), mul2(g, a, a));
    default:
      return undefined;
  }
}

const binaryRules: { readonly [P in BinaryOp]?: Rule2 } = {
  add: (g, a, b) => {
    if (isZero(b)) return a;
    if (isZero(a)) return b;
    const negB = under(b, 'neg');
    if (negB !== undefined) return binary(g, 'sub', a, negB);
    const negA = under(a, 'neg');
    if (negA !== undefined) return binary(g, 'sub', b, negA);
    return addedAtPlace(g, a, b) ?? addedAtPlace(g, b, a);
  },
  sub: (g, a, b) => {
    if (isZero(b)) return a;
    if (isZero(a)) return node1(g, 'neg', b);
    if (a === b && !isFloat(a.dtype)) return zerosLike(g, a);
    const negB = under(b, 'neg');
    return negB === undefined ? undefined : binary(g, 'add', a, negB);
  },
  mul: (g, a, b) => {
    const c = splatOf(b);
    if (c === 0) return b;
    if (c === 1) return a;
    if (isZero(a)) return a;
    if (c === -1 && a.dtype !== 'u32') return node1(g, 'neg', a);
    const [negA, negB] = [under(a, 'neg'), under(b, 'neg')];
    if (negA !== undefined && negB !== undefined) return mul2(g, negA, negB);
    const minusB = negA === undefined ? undefined : negated(g, b);
    return negA !== undefined && minusB !== undefined ? mul2(g, negA, minusB) : undefined;
  },
  div: (g, a, b) => {
    const c = splatOf(b);
    if (c === 1) return a;
    if (isZero(a) && c !== 0) return a;
    if (c !== undefined && isPowerOfTwo(c)) return mul2(g, a, binary(g, 'div', onesLike(g, b), b));
    const [negA, negB] = [under(a, 'neg'), under(b, 'neg')];
    return negA !== undefined && negB !== undefined ? binary(g, 'div', negA, negB) : undefined;
  },
  pow: powerRule,
  max: (_g, a, b) => (a === b ? a : undefined),
  min: (_g, a, b) => (a === b ? a : undefined),
  idiv: (_g, a, b) => (isSplat(b, 1) ? a : undefined),
  rem: (g, a, b) => (!isFloat(a.dtype) && isSplat(b, 1) ? zerosLike(g, a) : undefined),
  and: (_g, a, b) => {
    if (a === b || isZero(b)) return b;
    return isAllOnes(b) ? a : undefined;
  },
  or: (_g, a, b) => {
    if (a === b || isAllOnes(b)) return b;
    return isZero(b) ? a : undefined;
  },
  xor: (g, a, b) => {
    if (a === b) return zerosLike(g, a);
    if (isZero(b)) return a;
    return isAllOnes(b) ? node1(g, 'not', a) : undefined;
  },
  shl: (_g, a, b) => (isZero(b) || isZero(a) ? a : undefined),
  shr: (_g, a, b) => (isZero(b) || isZero(a) ? a : undefined),
};

/** Every bit set: true, -1, 2^32 - 1. */
function isAllOnes(x: Node): boolean {
  switch (x.dtype) {
    case 'bool':
      return isSplat(x, 1);
    case 'i32':
      return isSplat(x, -1);
    case 'u32':
      return isSplat(x, 4294967295);
    default:
      return false;
  }
}

/** For x of type bool as number 0 or 1: `cast(x) = 0`, `cast(x) != 0`. */
function boolAsNumber(a: Node, b: Node): Node | undefined {
  const x = under(a, 'cast');
  return x?.dtype === 'bool' && isZero(b) ? x : undefined;
}

function binaryRule<P extends BinaryOp>(op: P): RewriteRule<P> {
  const rule = binaryRules[op];
  return rule2(op, rule ?? (() => undefined));
}

/**
 * cast(cast(x: from, middle), to) is cast(x, to) when the first cast loses nothing that the second would not. f64 holds every value of every type, but a
 * float saturates on the way to an integer where an integer wraps.
 */
function castsCompose(from: DType, middle: DType, to: DType): boolean {
  if (from === 'bool') return true;
  if (middle === 'f64') return isFloat(from) || isFloat(to) || to === from || to === 'bool';
  const whole = (t: DType): boolean => t === 'i32' || t === 'u32';
  return whole(from) && whole(middle) && whole(to);
}

function isConstant(x: Node): boolean {
  return x.op === 'const' || x.op === 'literal' || x.op === 'iota' || splatOf(x) !== undefined;
}

export const elementwiseRules: RewriteRules = {
  neg: (g, [x]) => {
    const y = under(x, 'neg');
    if (y !== undefined) return y;
    const difference = asOp(x, 'sub');
    if (difference !== undefined) return binary(g, 'sub', at(difference.args, 1), at(difference.args, 0));
    const product = asOp(x, 'mul');
    if (product === undefined) return undefined;
    const minus = negated(g, at(product.args, 1));
    return minus === undefined ? undefined : mul2(g, at(product.args, 0), minus);
  },
  abs: (g, [x]) => {
    if (x?.op === 'abs') return x;
    const y = under(x, 'neg');
    return y === undefined ? undefined : node1(g, 'abs', y);
  },
  not: (g, [x]) => {
    const y = under(x, 'not');
    if (y !== undefined) return y;
    if (x?.dtype !== 'bool') return undefined;
    if (x.op === 'eq') return g.node('ne', x.args, {});
    return x.op === 'ne' ? g.node('eq', x.args, {}) : undefined;
  },
  floor: wholeRule,
  ceil: wholeRule,
  round: wholeRule,
  add: binaryRule('add'),
  sub: binaryRule('sub'),
  mul: binaryRule('mul'),
  div: binaryRule('div'),
  pow: binaryRule('pow'),
  max: binaryRule('max'),
  min: binaryRule('min'),
  rem: binaryRule('rem'),
  idiv: binaryRule('idiv'),
  and: binaryRule('and'),
  or: binaryRule('or'),
  xor: binaryRule('xor'),
  shl: binaryRule('shl'),
  shr: binaryRule('shr'),
  eq: rule2('eq', (g, a, b) => {
    const x = boolAsNumber(a, b);
    if (x !== undefined) return node1(g, 'not', x);
    return a === b && !isFloat(a.dtype) ? filled(g, a, 1) : undefined;
  }),
  ne: rule2('ne', (g, a, b) => {
    const x = boolAsNumber(a, b);
    if (x !== undefined) return x;
    return a === b && !isFloat(a.dtype) ? filled(g, a, 0) : undefined;
  }),
  lt: rule2('lt', (g, a, b) => (a === b ? filled(g, a, 0) : undefined)),
  le: rule2('le', (g, a, b) => (a === b && !isFloat(a.dtype) ? filled(g, a, 1) : undefined)),
  select: (g, args) => {
    const [mask, a, b] = [at(args, 0), at(args, 1), at(args, 2)];
    if (a === b) return a;
    const known = splatOf(mask);
    if (known !== undefined) return known === 0 ? b : a;
    const opposite = under(mask, 'not');
    if (opposite !== undefined) return g.node('select', [opposite, b, a], {});
    const innerA = asOp(a, 'select');
    if (innerA !== undefined && innerA.args[0] === mask)
      return g.node('select', [mask, at(innerA.args, 1), b], {});
    const innerB = asOp(b, 'select');
    if (innerB !== undefined && innerB.args[0] === mask)
      return g.node('select', [mask, a, at(innerB.args, 2)], {});
    // One choice keeps what the other keeps: only where both hold is there something new (an assignment under an `if`).
    if (innerA !== undefined && at(innerA.args, 2) === b)
      return g.node('select', [binary(g, 'and', mask, at(innerA.args, 0)), at(innerA.args, 1), b], {});
    if (a.dtype === 'bool' && isSplat(a, 1) && isZero(b)) return mask;
    return undefined;
  },
  cast: (g, args, { dtype }) => {
    const x = at(args, 0);
    if (x.dtype === dtype) return x;
    const inner = under(x, 'cast');
    return inner !== undefined && castsCompose(inner.dtype, x.dtype, dtype)
      ? cast(g, inner, dtype)
      : undefined;
  },
  bitcast: (g, args, { dtype }) => {
    const x = at(args, 0);
    if (x.dtype === dtype) return x;
    const inner = under(x, 'bitcast');
    if (inner === undefined) return undefined;
    return inner.dtype === dtype ? inner : g.node('bitcast', [inner], { dtype });
  },
  keep: (_g, args) => {
    const x = at(args, 0);
    return x.op === 'keep' || isConstant(x) ? x : undefined;
  },
  path_mean: (_g, args) => {
    const x = at(args, 0);
    return x.op === 'path_mean' || isConstant(x) ? x : undefined;
  },
  stop_gradient: (_g, args) => {
    const x = at(args, 0);
    // What may not be differentiated stays told apart from what is to be ignored.
    const same = x.op === 'stop_gradient' && x.attrs.refusal === undefined;
    // Whole numbers too: the parameters of the draw they come from may be what must not be differentiated.
    return same || isConstant(x) ? x : undefined;
  },
};

/** floor, ceil, round of what is whole already. */
function wholeRule(_g: Graph, args: readonly Node[]): Node | undefined {
  const x = at(args, 0);
  if (x.op === 'floor' || x.op === 'ceil' || x.op === 'round') return x;
  const inner = under(x, 'cast');
  return inner !== undefined && !isFloat(inner.dtype) ? x : undefined;
}

function filled(g: Graph, like: Node, value: 0 | 1): Node {
  const scalar = g.constant(value, 'bool');
  return like.shape.length === 0 ? scalar : broadcastAxes(g, scalar, like.shape, []);
}
