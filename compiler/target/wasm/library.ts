// The functions written by the compiler that a module calls, as text: elementary functions of one number, products of matrix blocks. In: the helpers asked for (`exp_f64`, `sin_f32`,
// `log_f64_slow`, `gemm_f32`). Out: the lines of each, with those that they call in turn.
// A function of one number goes through the code of vectors: the same number in a vector, at the end of a row and in a kernel without vectors has the same bits. Beyond the fast path float32 functions are the
// float64 ones, rounded.

import { at } from '../../support/lists.ts';
import {
  fastBinary,
  fastUnary,
  inDouble,
  type ElementaryBinary,
  type ElementaryUnary,
} from './elementary.ts';
import * as wide from './elementary_f64.ts';
import { angleText, log1pSlow, logSlow, powSlow, twoOverPiTable } from './elementary_slow.ts';
import { gemmText } from './matmul.ts';
import type { ModuleContext } from './module.ts';
import { Ops, type Num } from './ops.ts';
import { FunctionWriter, type Reg } from './writer.ts';

const isUnary = (op: string): op is ElementaryUnary => op in inDouble;
const isBinary = (op: string): op is ElementaryBinary => op === 'pow' || op === 'atan2';

const slow: Readonly<Record<string, string>> = { log: logSlow, log1p: log1pSlow, pow: powSlow };

export function libraryText(context: ModuleContext): ReadonlyMap<string, readonly string[]> {
  const done = new Map<string, readonly string[]>();
  // Writing a function may ask for another.
  for (let before = -1; before !== done.size;) {
    before = done.size;
    for (const name of [...context.helpers]) {
      const lines = done.has(name) ? undefined : functionText(name, context);
      if (lines !== undefined) done.set(name, lines);
    }
  }
  return done;
}

function functionText(name: string, context: ModuleContext): readonly string[] | undefined {
  if (name === 'angle') return angleText(context.constants.table(twoOverPiTable())).split('\n');
  if (name === 'gemm_f32' || name === 'gemm_f64')
    return gemmText(name === 'gemm_f32' ? 'f32' : 'f64', context);
  const [op = '', type = '', slowly] = name.split('_');
  if (!isUnary(op) && !isBinary(op)) return undefined;
  if (slowly === 'slow') return slowText(op, context);
  if (slowly === 'lanes') return lanesText(op, type === 'f32' ? 'f32' : 'f64', context);
  return type === 'f32' ? singleText(op, context) : doubleText(op, context);
}

function writer(context: ModuleContext, name: string, args: number, type: 'f32' | 'f64'): FunctionWriter {
  const params = ['x', 'y'].slice(0, args).map((p) => ({ name: p, type }));
  return new FunctionWriter({ name, params, results: [type], nested: true, constants: context.constants });
}

/** The fast path of vectors in one lane, and `slowly` where it does not hold. */
function scalarText(
  op: string,
  type: 'f32' | 'f64',
  context: ModuleContext,
  slowly: (f: FunctionWriter, inputs: readonly Reg[]) => Reg,
): readonly string[] {
  const args = isBinary(op) ? 2 : 1;
  const f = writer(context, `${op}_${type}`, args, type);
  const o = new Ops(f, { width: type === 'f32' ? 4 : 2, groups: 1, fused: context.fused });
  const inputs = [f.param(0), ...(args === 2 ? [f.param(1)] : [])];
  const [x, y] = [o.splat(o.scalar(type, f.param(0))), o.splat(o.scalar(type, at(inputs, -1)))];
  const fast = isBinary(op) ? fastBinary(o, op, x, y) : isUnary(op) ? fastUnary(o, op, x, false) : undefined;
  if (fast === undefined) return [];
  const lane = (a: Num) => at(o.extract(a, 0, 0).regs, 0);
  if (fast.special === undefined) {
    f.result(lane(fast.value));
    return f.print();
  }
  const result = f.variable(type, 'result', lane(fast.value));
  f.if(lane(fast.special), () => f.set(result, slowly(f, inputs)));
  f.result(f.get(result));
  return f.print();
}

function doubleText(op: string, context: ModuleContext): readonly string[] {
  return scalarText(op, 'f64', context, (f, inputs) =>
    f.action(`call ${context.helper(`${op}_f64_slow`)}`, 'f64', inputs),
  );
}

function singleText(op: string, context: ModuleContext): readonly string[] {
  return scalarText(op, 'f32', context, (f, inputs) => {
    const promoted = inputs.map((reg) => f.pure('f64.promote_f32', 'f64', [reg]));
    const double = f.action(`call ${context.helper(`${op}_f64`)}`, 'f64', promoted);
    return f.pure('f32.demote_f64', 'f32', [double]);
  });
}

/** The scalar function for every lane of a vector. */
function lanesText(op: string, type: 'f32' | 'f64', context: ModuleContext): readonly string[] {
  const args = isBinary(op) ? 2 : 1;
  const params = ['x', 'y'].slice(0, args).map((name) => ({ name, type: 'v128' as const }));
  const f = new FunctionWriter({
    name: `${op}_${type}_lanes`,
    params,
    results: ['v128'],
    nested: true,
    constants: context.constants,
  });
  const shape = type === 'f32' ? 'f32x4' : 'f64x2';
  const one = (lane: number) =>
    f.action(
      `call ${context.helper(`${op}_${type}`)}`,
      type,
      params.map((_, i) => f.pure(`${shape}.extract_lane ${lane}`, type, [f.param(i)])),
    );
  let result = f.pure(`${shape}.splat`, 'v128', [one(0)]);
  for (let lane = 1; lane < (type === 'f32' ? 4 : 2); lane++)
    result = f.pure(`${shape}.replace_lane ${lane}`, 'v128', [result, one(lane)]);
  f.result(result);
  return f.print();
}

function slowText(op: string, context: ModuleContext): readonly string[] {
  const text = slow[op];
  if (text !== undefined) {
    context.helper(`${op}_f64`);
    return text.split('\n');
  }
  return angleSlowText(op, context);
}

/** Sine, cosine and tangent of any angle. */
function angleSlowText(op: string, context: ModuleContext): readonly string[] {
  const f = writer(context, `${op}_f64_slow`, 1, 'f64');
  const o = new Ops(f, { width: 1, groups: 1, fused: false });
  const x = f.param(0);
  const result = f.variable('f64', 'result', f.f64(NaN));
  const finite = f.pure('f64.lt', 'i32', [f.pure('f64.abs', 'f64', [x]), f.f64(Infinity)]);
  f.if(finite, () => {
    const quarters = o.scalar('i64', f.action(`call ${context.helper('angle')}`, 'i64', [x]));
    const angle: wide.Angle = {
      quarters,
      r: o.scalar('f64', f.action('global.get $angle_r', 'f64', [])),
      low: o.scalar('f64', f.action('global.get $angle_low', 'f64', [])),
    };
    const value = op === 'tan' ? wide.tangentOf(o, angle) : wide.rotated(o, angle, op === 'sin' ? 0 : 1);
    f.set(result, at(value.regs, 0));
  });
  f.result(f.get(result));
  return f.print();
}
