// A rough measure of the work of one dispatch: operations of one invocation times invocations. In: a kernel. Out: a number that only has to be right within a factor of ten or so; the recorder
// uses it to cut submissions of about equal duration and learns the speed of the device by measuring.

import { launchOf } from '../../compiler/kernel/launch.ts';
import type { Expr, Kernel, Statement } from '../../compiler/kernel/types.ts';
import { assertNever } from '../../compiler/support/diagnostic.ts';

/** Launching a kernel takes as long as so many operations. */
export const workOfLaunch = 50_000;
/** Turns assumed of a loop whose length is not known. */
const assumedTurns = 50;

export function workOf(kernel: Kernel): number {
  const launch = launchOf(kernel);
  if (kernel.kind === 'matmul')
    return workOfLaunch + 2 * kernel.batch * kernel.m * kernel.n * Math.max(1, kernel.k);
  const points = kernel.space.reduce((n, extent) => n * extent, 1);
  const each = 8 + statements(kernel.body);
  return workOfLaunch + each * Math.max(points, launch.strategy === 'workgroup' ? 1 : launch.workgroupSize);
}

function statements(list: readonly Statement[]): number {
  return list.reduce((sum, s) => sum + statement(s), 0);
}

function statement(s: Statement): number {
  switch (s.kind) {
    case 'let':
    case 'var':
    case 'assign':
      return expression(s.value);
    case 'random_block':
      return 120;
    case 'array':
      return s.length;
    case 'assign_local':
      return 2 + expression(s.index) + expression(s.value);
    case 'store':
      return 4 + expression(s.index) + expression(s.value);
    case 'for': {
      const turns =
        s.from.kind === 'const' && s.to.kind === 'const'
          ? Math.max(0, s.to.value - s.from.value)
          : assumedTurns;
      return turns * (2 + statements(s.body));
    }
    case 'while':
      return (
        Math.min(s.limit, assumedTurns) *
        (statements(s.before) + expression(s.condition) + statements(s.body))
      );
    case 'if':
      return 1 + Math.max(statements(s.then), statements(s.else));
    case 'reduce': {
      const turns = s.loops.reduce((n, loop) => n * loop.extent, 1);
      return turns * (2 + statements(s.body) + expression(s.value));
    }
    default:
      return assertNever(s);
  }
}

function expression(e: Expr): number {
  switch (e.kind) {
    case 'const':
    case 'var':
    case 'uniform':
      return 0;
    case 'load':
    case 'local':
      return 4 + expression(e.index);
    case 'unary':
      return 4 + expression(e.a);
    case 'cast':
    case 'bitcast':
      return 1 + expression(e.a);
    case 'binary':
      return (e.op === 'pow' || e.op === 'atan2' ? 40 : 1) + expression(e.a) + expression(e.b);
    case 'compare':
      return 1 + expression(e.a) + expression(e.b);
    case 'select':
      return 1 + expression(e.condition) + expression(e.then) + expression(e.else);
    case 'random':
      return 120;
    default:
      return assertNever(e);
  }
}
