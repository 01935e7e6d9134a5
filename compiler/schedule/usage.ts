// Which buffers and run-time integers a body uses, and its renumbering without the others.

import { get } from '../support/lists.ts';
import type { Expr, KernelBuffer, Statement } from '../kernel/types.ts';
import { mapOperands, operandsOf } from '../kernel/walk.ts';

export interface Usage {
  readonly buffers: ReadonlySet<number>;
  readonly uniforms: ReadonlySet<number>;
  readonly access: (buffer: number) => KernelBuffer['access'];
}

export function usage(body: readonly Statement[]): Usage {
  const reads = new Set<number>();
  const writes = new Set<number>();
  const uniforms = new Set<number>();
  const seen = new Set<Expr>();
  const expr = (e: Expr): void => {
    if (seen.has(e)) return;
    seen.add(e);
    if (e.kind === 'load') reads.add(e.buffer);
    if (e.kind === 'uniform') uniforms.add(e.index);
    for (const child of operandsOf(e)) expr(child);
  };
  const visit = (s: Statement): void => {
    if (s.kind === 'store') writes.add(s.buffer);
    mapStatement(s, (e) => {
      expr(e);
      return e;
    });
  };
  body.forEach(visitDeep(visit));
  return {
    buffers: new Set([...reads, ...writes]),
    uniforms,
    access: (b) => (writes.has(b) ? (reads.has(b) ? 'read_write' : 'write') : 'read'),
  };
}

function visitDeep(visit: (s: Statement) => void): (s: Statement) => void {
  const deep = (s: Statement): void => {
    visit(s);
    switch (s.kind) {
      case 'for':
      case 'reduce':
        s.body.forEach(deep);
        return;
      case 'while':
        s.before.forEach(deep);
        s.body.forEach(deep);
        return;
      case 'if':
        s.then.forEach(deep);
        s.else.forEach(deep);
        return;
      default:
        return;
    }
  };
  return deep;
}

/** The statement with its own expressions (not those of inner blocks) replaced. */
function mapStatement(s: Statement, map: (e: Expr) => Expr): Statement {
  switch (s.kind) {
    case 'let':
    case 'var':
    case 'assign':
      return { ...s, value: map(s.value) };
    case 'random_block':
      return { ...s, key: s.key.map(map), counter: s.counter.map(map) };
    case 'array':
      return s;
    case 'assign_local':
    case 'store':
      return { ...s, index: map(s.index), value: map(s.value) };
    case 'for':
      return { ...s, from: map(s.from), to: map(s.to) };
    case 'while':
    case 'if':
      return { ...s, condition: map(s.condition) };
    case 'reduce':
      return { ...s, value: map(s.value) };
  }
}

/** Buffer kept[i] becomes buffer i, uniform keptUniforms[i] becomes uniform i. */
export function renumber(
  body: readonly Statement[],
  kept: readonly number[],
  keptUniforms: readonly number[],
): readonly Statement[] {
  if (kept.every((b, i) => b === i) && keptUniforms.every((u, i) => u === i)) return body;
  const buffers = new Map(kept.map((b, i) => [b, i]));
  const uniforms = new Map(keptUniforms.map((u, i) => [u, i]));
  const done = new Map<Expr, Expr>();
  const expr = (e: Expr): Expr => {
    const known = done.get(e);
    if (known !== undefined) return known;
    const inner = mapOperands(e, expr);
    const made: Expr =
      inner.kind === 'load'
        ? { ...inner, buffer: get(buffers, inner.buffer) }
        : inner.kind === 'uniform'
          ? { ...inner, index: get(uniforms, inner.index) }
          : inner;
    done.set(e, made);
    return made;
  };
  const statement = (s: Statement): Statement => {
    const own = mapStatement(s, expr);
    switch (own.kind) {
      case 'store':
        return { ...own, buffer: get(buffers, own.buffer) };
      case 'for':
      case 'reduce':
        return { ...own, body: own.body.map(statement) };
      case 'while':
        return { ...own, before: own.before.map(statement), body: own.body.map(statement) };
      case 'if':
        return { ...own, then: own.then.map(statement), else: own.else.map(statement) };
      default:
        return own;
    }
  };
  return body.map(statement);
}
