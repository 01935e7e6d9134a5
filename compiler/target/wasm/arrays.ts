// Which local arrays of a body can live in registers. In: the statements of a kernel. Out: the loops to unroll for it and the arrays whose every index is then known. The others live in scratch
// memory.

import type { Expr, Statement } from '../../kernel/types.ts';
import { blocksOf, everyExpr, everyStatement, expressionsOf, operandsOf } from '../../kernel/walk.ts';

export interface ArrayPlan {
  readonly registers: ReadonlySet<string>;
  readonly unroll: ReadonlySet<Statement>;
}

/** At most so many statements after unrolling, and elements in registers. */
const largestUnrolled = 2000;
const largestArray = 64;

export function planArrays(body: readonly Statement[]): ArrayPlan {
  const arrays = new Set<string>();
  everyStatement(body, (s) => {
    // Records of a whole loop belong into memory.
    if (s.kind === 'array' && s.unset !== true) arrays.add(s.name);
  });
  const unroll = new Set<Statement>();
  if (arrays.size > 0) chooseLoops(body, 1, arrays, unroll);
  const registers = new Set(arrays);
  everyStatement(body, (s) => {
    if (s.kind === 'array' && s.length > largestArray) registers.delete(s.name);
  });
  dropUnknown(body, new Set(), unroll, registers);
  return { registers, unroll };
}

/** Loops of known bounds that index a local array by their counter, outermost first, as long as the code stays small. */
function chooseLoops(
  list: readonly Statement[],
  copies: number,
  arrays: ReadonlySet<string>,
  unroll: Set<Statement>,
): void {
  for (const s of list) {
    if (s.kind === 'for') {
      const turns = turnsOf(s);
      const size = turns === undefined ? Infinity : turns * copies * countStatements(s.body);
      const wanted = size <= largestUnrolled && indexesLocals(s.body, s.name, arrays);
      if (wanted) unroll.add(s);
      chooseLoops(s.body, wanted && turns !== undefined ? copies * turns : copies, arrays, unroll);
    } else for (const inner of blocksOf(s)) chooseLoops(inner, copies, arrays, unroll);
  }
}

export function turnsOf(s: Extract<Statement, { kind: 'for' }>): number | undefined {
  if (s.from.kind !== 'const' || s.to.kind !== 'const') return undefined;
  return Math.max(0, s.to.value - s.from.value);
}

/** Operations that the constructors of expressions fold. */
const foldable = new Set<string>(['add', 'sub', 'mul', 'max', 'min', 'rem', 'idiv', 'and', 'shl', 'shr']);

function dropUnknown(
  list: readonly Statement[],
  known: ReadonlySet<string>,
  unroll: ReadonlySet<Statement>,
  registers: Set<string>,
): void {
  const names = new Set(known);
  const isKnown = (e: Expr): boolean => {
    if (e.type !== 'i32') return false;
    if (e.kind === 'const') return true;
    if (e.kind === 'var') return names.has(e.name);
    if (e.kind !== 'binary' || !foldable.has(e.op)) return false;
    return isKnown(e.a) && isKnown(e.b) && !((e.op === 'rem' || e.op === 'idiv') && e.b.kind !== 'const');
  };
  const check = (e: Expr) =>
    everyExpr(e, (x) => {
      if (x.kind === 'local' && !isKnown(x.index)) registers.delete(x.array);
    });
  for (const s of list) {
    for (const e of expressionsOf(s)) check(e);
    if (s.kind === 'let' && s.value.type === 'i32' && isKnown(s.value)) names.add(s.name);
    if (s.kind === 'assign_local' && !isKnown(s.index)) registers.delete(s.array);
    for (const inner of blocksOf(s))
      dropUnknown(
        inner,
        unroll.has(s) && s.kind === 'for' ? new Set([...names, s.name]) : names,
        unroll,
        registers,
      );
  }
}

function indexesLocals(list: readonly Statement[], counter: string, arrays: ReadonlySet<string>): boolean {
  let found = false;
  const mentions = (e: Expr) => !everyLeaf(e, (leaf) => !(leaf.kind === 'var' && leaf.name === counter));
  everyStatement(list, (s) => {
    if (s.kind === 'assign_local' && arrays.has(s.array) && mentions(s.index)) found = true;
    for (const e of expressionsOf(s))
      everyExpr(e, (x) => {
        if (x.kind === 'local' && arrays.has(x.array) && mentions(x.index)) found = true;
      });
  });
  return found;
}

function countStatements(list: readonly Statement[]): number {
  let count = 0;
  everyStatement(list, () => count++);
  return count;
}

/** Whether a property holds for every leaf; loads and local elements count as leaves that hold nothing known. */
function everyLeaf(e: Expr, holds: (leaf: Expr) => boolean): boolean {
  const operands = operandsOf(e);
  if (e.kind === 'load' || e.kind === 'local' || e.kind === 'random')
    return holds(e) && operands.every((a) => everyLeaf(a, holds));
  return operands.length === 0 ? holds(e) : operands.every((a) => everyLeaf(a, holds));
}
