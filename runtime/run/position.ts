// Where a run is, as a path of numbers: the index of the statement in its block; then in a loop the turn, in a branch 1 or 0, in a `minimize` the iterations made and the number of the
// `every` block; then the statement in that block, and so on. A checkpoint holds the path; a resumed run follows it and skips everything before.

import type { ScriptStatement } from '../../compiler/plan/script.ts';
import type { RunContext } from './context.ts';

/** The next number of the path that a resumed run follows; undefined when it has arrived, or never resumed. */
export function takePlace(run: RunContext): number | undefined {
  return run.state.resume.shift();
}

/** Executes the statements of a block, from where a resumed run goes on. */
export async function runBlock(
  run: RunContext,
  list: readonly ScriptStatement[],
  execute: (s: ScriptStatement) => Promise<void>,
): Promise<void> {
  const { position } = run.state;
  const depth = position.length;
  const first = takePlace(run) ?? 0;
  for (const [i, s] of list.entries()) {
    if (i < first) continue;
    position[depth] = i;
    await execute(s);
  }
  position.length = depth;
}

/** Which of two places comes later in a run: positive when it is the first. */
export function comparePositions(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? -1) - (b[i] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}
