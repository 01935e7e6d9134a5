// The type rule of every operation: operand types and attributes -> output types. Throws InternalError on a violation, so that an ill-typed node cannot be
// made. One entry an operation; a missing one does not compile.

import { InternalError } from '../support/diagnostic.ts';
import type {
  ArrayType,
  Attributes,
  BinaryOp,
  CompareOp,
  DType,
  Node,
  OpName,
  Region,
  UnaryOp,
} from './types.ts';
import { isFloat, sameShape, showType, sizeOf } from './types.ts';

type Rule<P extends OpName> = (
  args: readonly Node[],
  attrs: Attributes[P],
  dtype: DType | undefined,
) => readonly ArrayType[];

function bad(op: string, why: string, args: readonly Node[]): never {
  throw new InternalError('ir.infer', `${op}(${args.map((a) => showType(a)).join(', ')}): ${why}`);
}

function arity(op: string, args: readonly Node[], n: number): void {
  if (args.length !== n) bad(op, `takes ${n} operands`, args);
}

function first(op: string, args: readonly Node[]): Node {
  const a = args[0];
  return a ?? bad(op, 'needs an operand', args);
}

function elementwise(op: string, args: readonly Node[], n: number): Node {
  arity(op, args, n);
  const a = first(op, args);
  for (const b of args) if (!sameShape(a.shape, b.shape)) bad(op, 'operands differ in shape', args);
  return a;
}

const unary =
  (op: UnaryOp): Rule<UnaryOp> =>
  (args) => {
    const a = elementwise(op, args, 1);
    const ok =
      op === 'not'
        ? a.dtype === 'bool' || a.dtype === 'i32' || a.dtype === 'u32'
        : op === 'neg' || op === 'abs' || op === 'sign'
          ? a.dtype !== 'bool'
          : isFloat(a.dtype);
    if (!ok) bad(op, 'element type', args);
    return [{ dtype: a.dtype, shape: a.shape }];
  };

const binary =
  (op: BinaryOp): Rule<BinaryOp> =>
  (args) => {
    const a = elementwise(op, args, 2);
    if (args.some((b) => b.dtype !== a.dtype)) bad(op, 'operands differ in type', args);
    const logical = op === 'and' || op === 'or' || op === 'xor';
    if (logical ? isFloat(a.dtype) : a.dtype === 'bool') bad(op, 'element type', args);
    if ((op === 'pow' || op === 'atan2') && !isFloat(a.dtype)) bad(op, 'element type', args);
    if ((op === 'idiv' || op === 'shl' || op === 'shr') && isFloat(a.dtype)) bad(op, 'element type', args);
    if (op === 'div' && !isFloat(a.dtype)) bad(op, 'element type', args);
    return [{ dtype: a.dtype, shape: a.shape }];
  };

const compare =
  (op: CompareOp): Rule<CompareOp> =>
  (args) => {
    const a = elementwise(op, args, 2);
    if (args.some((b) => b.dtype !== a.dtype)) bad(op, 'operands differ in type', args);
    return [{ dtype: 'bool', shape: a.shape }];
  };

function same(op: string, args: readonly Node[]): readonly ArrayType[] {
  const a = elementwise(op, args, 1);
  return [{ dtype: a.dtype, shape: a.shape }];
}

/** Parameter types must be those of the operands given; results are read off. */
export function checkRegion(op: string, region: Region, given: readonly ArrayType[]): void {
  if (region.params.length !== given.length)
    throw new InternalError(
      'ir.infer',
      `${op}: region takes ${region.params.length} parameters, is given ${given.length}`,
    );
  region.params.forEach((p, i) => {
    const g = given[i];
    if (p.op !== 'param' || g === undefined || p.dtype !== g.dtype || !sameShape(p.shape, g.shape))
      throw new InternalError(
        'ir.infer',
        `${op}: parameter ${i} is ${showType(p)}, operand is ${g ? showType(g) : 'absent'}`,
      );
  });
}

function sameTypes(op: string, what: string, a: readonly ArrayType[], b: readonly ArrayType[]): void {
  if (a.length !== b.length)
    throw new InternalError('ir.infer', `${op}: ${what}: ${a.length} against ${b.length}`);
  a.forEach((x, i) => {
    const y = b[i];
    if (y === undefined || x.dtype !== y.dtype || !sameShape(x.shape, y.shape))
      throw new InternalError(
        'ir.infer',
        `${op}: ${what} ${i}: ${showType(x)} against ${y ? showType(y) : 'absent'}`,
      );
  });
}

const typeOf = (n: ArrayType): ArrayType => ({ dtype: n.dtype, shape: n.shape });
const stacked = (t: ArrayType, n: number): ArrayType => ({ dtype: t.dtype, shape: [n, ...t.shape] });
const INDEX: ArrayType = { dtype: 'i32', shape: [] };

function sliceOf(op: string, x: Node, length: number): ArrayType {
  if (x.shape[0] !== length)
    throw new InternalError(
      'ir.infer',
      `${op}: stepped operand ${showType(x)} has no leading axis of ${length}`,
    );
  return { dtype: x.dtype, shape: x.shape.slice(1) };
}

const rules: { readonly [P in OpName]: Rule<P> } = {
  param: () => bad('param', 'is made by Graph.param', []),
  const: (_a, _b, dtype) => [{ dtype: dtype ?? 'f64', shape: [] }],
  literal: (_a, { data, shape }, dtype) => {
    if (data.length !== sizeOf(shape))
      bad('literal', `holds ${data.length} elements, shape [${shape.join(', ')}]`, []);
    return [{ dtype: dtype ?? 'f64', shape }];
  },
  iota: (_a, { shape, axis }, dtype) => {
    if (axis < 0 || axis >= shape.length) bad('iota', `axis ${axis} of [${shape.join(', ')}]`, []);
    return [{ dtype: dtype ?? 'i32', shape }];
  },
  neg: unary('neg'),
  abs: unary('abs'),
  sign: unary('sign'),
  exp: unary('exp'),
  expm1: unary('expm1'),
  log: unary('log'),
  log1p: unary('log1p'),
  sin: unary('sin'),
  cos: unary('cos'),
  tan: unary('tan'),
  asin: unary('asin'),
  acos: unary('acos'),
  atan: unary('atan'),
  sinh: unary('sinh'),
  cosh: unary('cosh'),
  tanh: unary('tanh'),
  sqrt: unary('sqrt'),
  floor: unary('floor'),
  ceil: unary('ceil'),
  round: unary('round'),
  not: unary('not'),
  add: binary('add'),
  sub: binary('sub'),
  mul: binary('mul'),
  div: binary('div'),
  pow: binary('pow'),
  atan2: binary('atan2'),
  max: binary('max'),
  min: binary('min'),
  rem: binary('rem'),
  idiv: binary('idiv'),
  and: binary('and'),
  or: binary('or'),
  xor: binary('xor'),
  shl: binary('shl'),
  shr: binary('shr'),
  eq: compare('eq'),
  ne: compare('ne'),
  lt: compare('lt'),
  le: compare('le'),
  select: (args) => {
    const m = elementwise('select', args, 3);
    const [, a, b] = args;
    if (m.dtype !== 'bool' || a === undefined || b === undefined || a.dtype !== b.dtype)
      return bad('select', 'wants (bool, T, T)', args);
    return [typeOf(a)];
  },
  cast: (args, { dtype }) => {
    const a = elementwise('cast', args, 1);
    return [{ dtype, shape: a.shape }];
  },
  bitcast: (args, { dtype }) => {
    const a = elementwise('bitcast', args, 1);
    if (a.dtype === 'bool' || a.dtype === 'f64' || dtype === 'bool' || dtype === 'f64')
      bad('bitcast', 'between 32-bit types only', args);
    return [{ dtype, shape: a.shape }];
  },
  keep: (args) => same('keep', args),
  stop_gradient: (args) => same('stop_gradient', args),
  path_mean: (args) => {
    const x = elementwise('path_mean', args, 2);
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  random_bits: (args) => {
    const a = elementwise('random_bits', args, 8);
    if (args.some((b) => b.dtype !== 'u32')) bad('random_bits', 'wants u32', args);
    return [{ dtype: 'u32', shape: a.shape }];
  },
  reshape: (args, { shape }) => {
    arity('reshape', args, 1);
    const a = first('reshape', args);
    if (sizeOf(a.shape) !== sizeOf(shape)) bad('reshape', `to [${shape.join(', ')}]`, args);
    return [{ dtype: a.dtype, shape }];
  },
  transpose: (args, { perm }) => {
    arity('transpose', args, 1);
    const a = first('transpose', args);
    if (perm.length !== a.shape.length || [...perm].sort((x, y) => x - y).some((p, i) => p !== i))
      bad('transpose', `perm [${perm.join(', ')}]`, args);
    return [{ dtype: a.dtype, shape: perm.map((p) => a.shape[p] ?? 0) }];
  },
  broadcast: (args, { shape, axes }) => {
    arity('broadcast', args, 1);
    const a = first('broadcast', args);
    if (axes.length !== a.shape.length) bad('broadcast', 'axes do not match the rank', args);
    axes.forEach((axis, i) => {
      const before = axes[i - 1];
      if (shape[axis] !== a.shape[i] || (before !== undefined && before >= axis))
        bad('broadcast', `axes [${axes.join(', ')}] to [${shape.join(', ')}]`, args);
    });
    return [{ dtype: a.dtype, shape }];
  },
  slice: (args, { start, limit, stride }) => {
    arity('slice', args, 1);
    const a = first('slice', args);
    if (
      start.length !== a.shape.length ||
      limit.length !== a.shape.length ||
      stride.length !== a.shape.length
    )
      bad('slice', 'rank', args);
    return [
      {
        dtype: a.dtype,
        shape: a.shape.map((extent, i) => {
          const [s, l, d] = [start[i] ?? 0, limit[i] ?? 0, stride[i] ?? 1];
          if (s < 0 || l > extent || s > l || d < 1) bad('slice', `axis ${i}: ${s}..${l} by ${d}`, args);
          return Math.ceil((l - s) / d);
        }),
      },
    ];
  },
  pad: (args, { low, high, interior }) => {
    arity('pad', args, 1);
    const a = first('pad', args);
    if (low.length !== a.shape.length || high.length !== a.shape.length || interior.length !== a.shape.length)
      bad('pad', 'rank', args);
    return [
      {
        dtype: a.dtype,
        shape: a.shape.map((extent, i) => {
          const [l, h, n] = [low[i] ?? 0, high[i] ?? 0, interior[i] ?? 0];
          if (l < 0 || h < 0 || n < 0) bad('pad', `axis ${i}: ${l}, ${h}, ${n}`, args);
          return l + h + extent + Math.max(0, extent - 1) * n;
        }),
      },
    ];
  },
  concat: (args, { axis }) => {
    const a = first('concat', args);
    if (axis < 0 || axis >= a.shape.length) bad('concat', `axis ${axis}`, args);
    let extent = 0;
    for (const b of args) {
      if (
        b.dtype !== a.dtype ||
        b.shape.length !== a.shape.length ||
        b.shape.some((e, i) => i !== axis && e !== a.shape[i])
      )
        bad('concat', `axis ${axis}`, args);
      extent += b.shape[axis] ?? 0;
    }
    return [{ dtype: a.dtype, shape: a.shape.map((e, i) => (i === axis ? extent : e)) }];
  },
  reverse: (args, { axes }) => {
    const out = same('reverse', args);
    const a = first('reverse', args);
    if (axes.some((x) => x < 0 || x >= a.shape.length)) bad('reverse', `axes [${axes.join(', ')}]`, args);
    return out;
  },
  roll: (args, { axis }) => {
    const out = same('roll', args);
    if (axis < 0 || axis >= first('roll', args).shape.length) bad('roll', `axis ${axis}`, args);
    return out;
  },
  reduce: (args, { kind, axes }) => {
    arity('reduce', args, 1);
    const a = first('reduce', args);
    if (axes.some((x) => x < 0 || x >= a.shape.length) || new Set(axes).size !== axes.length)
      bad('reduce', `axes [${axes.join(', ')}]`, args);
    if ((kind === 'any' || kind === 'all') !== (a.dtype === 'bool'))
      bad('reduce', `${kind} of ${a.dtype}`, args);
    return [{ dtype: a.dtype, shape: a.shape.filter((_, i) => !axes.includes(i)) }];
  },
  arg_reduce: (args, { axis }) => {
    arity('arg_reduce', args, 1);
    const a = first('arg_reduce', args);
    if (axis < 0 || axis >= a.shape.length || a.shape[axis] === 0) bad('arg_reduce', `axis ${axis}`, args);
    return [{ dtype: 'i32', shape: a.shape.filter((_, i) => i !== axis) }];
  },
  argsort: (args) => {
    arity('argsort', args, 1);
    const a = first('argsort', args);
    if (a.shape.length === 0 || a.dtype === 'bool') bad('argsort', 'wants rows of numbers', args);
    return [{ dtype: 'i32', shape: a.shape }];
  },
  cumsum: (args, { axis }) => {
    const out = same('cumsum', args);
    if (axis < 0 || axis >= first('cumsum', args).shape.length) bad('cumsum', `axis ${axis}`, args);
    return out;
  },
  dot: (args) => {
    arity('dot', args, 2);
    const [a, b] = args;
    if (
      a === undefined ||
      b === undefined ||
      a.dtype !== b.dtype ||
      a.shape.length !== b.shape.length ||
      a.shape.length < 2
    )
      return bad('dot', 'wants [...B, m, k] @ [...B, k, n]', args);
    const r = a.shape.length;
    if (!sameShape(a.shape.slice(0, -2), b.shape.slice(0, -2)) || a.shape[r - 1] !== b.shape[r - 2])
      bad('dot', 'wants [...B, m, k] @ [...B, k, n]', args);
    return [{ dtype: a.dtype, shape: [...a.shape.slice(0, -1), b.shape[r - 1] ?? 0] }];
  },
  gather: (args, { batch }) => {
    arity('gather', args, 2);
    const [t, i] = args;
    if (
      t === undefined ||
      i === undefined ||
      i.dtype !== 'i32' ||
      t.shape.length <= batch ||
      !sameShape(t.shape.slice(0, batch), i.shape.slice(0, batch))
    )
      return bad('gather', `batch ${batch}`, args);
    return [{ dtype: t.dtype, shape: [...i.shape, ...t.shape.slice(batch + 1)] }];
  },
  scatter_add: (args, { batch, indexRank, size }) => {
    arity('scatter_add', args.slice(0, 2), 2);
    const [i, u] = args;
    if (
      i === undefined ||
      u === undefined ||
      i.dtype !== 'i32' ||
      i.shape.length !== batch + indexRank ||
      !sameShape(u.shape.slice(0, batch + indexRank), i.shape)
    )
      return bad('scatter_add', `batch ${batch}`, args);
    return [
      { dtype: u.dtype, shape: [...i.shape.slice(0, batch), size, ...u.shape.slice(batch + indexRank)] },
    ];
  },
  rows_of: (args, { batch, size }) => {
    arity('rows_of', args, 1);
    const index = first('rows_of', args);
    if (index.dtype !== 'i32' || index.shape.length < batch) bad('rows_of', `batch ${batch}`, args);
    return [{ dtype: 'i32', shape: [sizeOf(index.shape.slice(0, batch)) * size + 1 + sizeOf(index.shape)] }];
  },
  scan: (args, s) => {
    const carries = args.slice(0, s.carries);
    const xs = args.slice(s.carries, s.carries + s.xs);
    const consts = args.slice(s.carries + s.xs);
    checkRegion('scan', s.body, [
      INDEX,
      ...carries,
      ...xs.map((x) => sliceOf('scan', x, s.length)),
      ...consts,
    ]);
    sameTypes('scan', 'carry', carries, s.body.results.slice(0, s.carries));
    return [
      ...carries.map(typeOf),
      ...s.body.results.slice(s.carries).map((y) => stacked(y, s.length)),
      ...(s.snapshots > 0 ? carries.map((c) => stacked(c, s.snapshots)) : []),
    ];
  },
  adjoint_scan: (args, s) => {
    const snapshots = args.slice(0, s.carries);
    const carries = snapshots.map((x) => sliceOf('adjoint_scan', x, s.slots));
    const cts = args.slice(s.carries, s.carries + s.cotangents);
    const xs = args
      .slice(s.carries + s.cotangents, s.carries + s.cotangents + s.xs)
      .map((x) => sliceOf('adjoint_scan', x, s.length));
    const consts = args.slice(s.carries + s.cotangents + s.xs);
    checkRegion('adjoint_scan.forward', s.forward, [INDEX, ...carries, ...xs, ...consts]);
    checkRegion('adjoint_scan.backward', s.backward, [INDEX, ...carries, ...cts, ...xs, ...consts]);
    sameTypes('adjoint_scan', 'carry', carries, s.forward.results);
    sameTypes('adjoint_scan', 'cotangent', cts, s.backward.results.slice(0, s.cotangents));
    return [...cts.map(typeOf), ...s.backward.results.slice(s.cotangents).map((y) => stacked(y, s.length))];
  },
  while: (args, w) => {
    const carries = args.slice(0, w.carries);
    checkRegion('while.condition', w.condition, args);
    checkRegion('while.body', w.body, [INDEX, ...args]);
    sameTypes('while', 'condition', w.condition.results, [{ dtype: 'bool', shape: [] }]);
    sameTypes('while', 'carry', carries, w.body.results);
    return [...carries.map(typeOf), INDEX];
  },
  cond: (args, c) => {
    const [p, ...operands] = args;
    if (p === undefined || p.dtype !== 'bool' || p.shape.length !== 0) return bad('cond', 'predicate', args);
    checkRegion('cond.then', c.then, operands);
    checkRegion('cond.else', c.else, operands);
    sameTypes('cond', 'result', c.then.results, c.else.results);
    return c.then.results.map(typeOf);
  },
  custom: (args, c) => {
    const floats = (nodes: readonly Node[]): Node[] => nodes.filter((n) => isFloat(n.dtype));
    const [inside, outside] = [floats(args.slice(0, c.args)), floats(c.primal.results)];
    checkRegion('custom.primal', c.primal, args);
    if (c.mode === 'recompute') return c.primal.results.map(typeOf);
    const forwards = c.mode === 'tangent';
    checkRegion('custom.rule', c.rule, [...args, ...c.primal.results, ...(forwards ? inside : outside)]);
    sameTypes('custom', 'derivative', c.rule.results, forwards ? outside : inside);
    if (c.captured.length !== args.length - c.args) bad('custom', 'names of captured values', args);
    return c.primal.results.map(typeOf);
  },
  transposed: (args, { residuals, map }) => {
    const u = map.params.slice(residuals);
    checkRegion('transposed', map, [...args.slice(0, residuals), ...u]);
    sameTypes('transposed', 'operand', map.results, args.slice(residuals));
    return u.map(typeOf);
  },
  linear_solve: (args, { unknowns, operator, adjoint, solve, adjointSolve }) => {
    const b = args.slice(0, unknowns);
    for (const region of [operator, adjoint, solve, adjointSolve]) {
      checkRegion('linear_solve', region, args);
      sameTypes('linear_solve', 'unknown', region.results, b);
    }
    return b.map(typeOf);
  },
  check: (args, { values }) => {
    const [ok, ...shown] = args.slice(values);
    if (ok === undefined || ok.dtype !== 'bool') return bad('check', 'condition', args);
    if (shown.some((x) => !isFloat(x.dtype) || !sameShape(x.shape, ok.shape))) bad('check', 'numbers', args);
    return args.slice(0, values).map(typeOf);
  },
  project: (args, { index }) => {
    arity('project', args, 1);
    const type = first('project', args).outputs[index];
    return type === undefined ? bad('project', `no output ${index}`, args) : [type];
  },
};

/** Output types of a node; throws InternalError when operands or attributes violate the operation's rule. `dtype` is for leaves only. */
export function inferTypes<P extends OpName>(
  op: P,
  args: readonly Node[],
  attrs: Attributes[P],
  dtype: DType | undefined,
): readonly ArrayType[] {
  const rule: Rule<P> = rules[op];
  return rule(args, attrs, dtype);
}
