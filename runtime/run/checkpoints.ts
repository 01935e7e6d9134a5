// Checkpoints: all that a run changes and reads again later, with the place where it was, in an .npz file. In: a run. Out: the file; or, to go on, the run at that place. The same program with
// the same seed and inputs goes on to the same bits.
//
// Members: the variables that last, by their names (param.k, minimize.0.memory.m.k, …); `iteration`; checkpoint.position, checkpoint.seed, checkpoint.inputs.
// Errors: R212 no checkpoint to go on from, R213 one that does not belong to this program, seed or inputs.

import type { OutputValue, ScriptStatement } from '../../compiler/plan/script.ts';
import { fail } from '../../compiler/support/diagnostic.ts';
import type { Span } from '../../compiler/support/span.ts';
import type { NamedArray } from '../io/array.ts';
import { namedArray, shapeText } from '../io/array.ts';
import { encode_values } from '../io/formats.ts';
import { decode_npz } from '../io/npz.ts';
import type { RunContext } from './context.ts';
import { readOutput } from './context.ts';
import { comparePositions } from './position.ts';

const POSITION = 'checkpoint.position';
const SEED = 'checkpoint.seed';
const INPUTS = 'checkpoint.inputs';

/** `ckpt` is short for `ckpt.npz`. Throws R102 for another format. */
export function checkpointPath(path: string, span?: Span): string {
  if (path.toLowerCase().endsWith('.npz')) return path;
  const extension = /[^/\\](\.[A-Za-z][^./\\]*)$/.exec(path)?.[1];
  if (extension !== undefined)
    fail(
      'R102',
      `a checkpoint is an .npz file, and "${path}" ends in ${extension}`,
      span,
      `write save "${path.slice(0, -extension.length)}" every …; to keep values alone: every n { save "${path}" { … } }`,
    );
  return `${path}.npz`;
}

/** Where a run that is interrupted leaves its checkpoint. */
export function interruptedPath(program: string): string {
  return `${program}.interrupted.npz`;
}

export async function writeCheckpoint(
  run: RunContext,
  path: string,
  params: readonly OutputValue[],
  span?: Span,
): Promise<string> {
  const arrays: NamedArray[] = [];
  const others = run.plan.script.kept.filter((k) => !params.some((p) => p.variable === k.variable));
  for (const value of [...params, ...others]) arrays.push(await readOutput(run, value));
  if (run.state.step !== undefined)
    arrays.push({ name: 'iteration', shape: [], data: Float64Array.of(run.state.step), kind: 'int' });
  const { position } = run.state;
  arrays.push(
    namedArray(POSITION, [position.length], Float64Array.from(position), 'int'),
    namedArray(SEED, [], Float64Array.of(run.seed)),
    namedArray(INPUTS, [run.inputs.size], Float64Array.from(run.inputs.values())),
  );
  const shown = run.host.write(path, encode_values(path, arrays, { span }), span);
  run.state.files.push(shown);
  run.host.emit({ event: 'checkpoint', path: shown, step: run.state.step ?? 0 });
  return shown;
}

/** Puts the run where its latest checkpoint was written, or the one that is named. Everything is read before anything is changed. */
export async function resumeRun(
  run: RunContext,
  body: readonly ScriptStatement[],
  from: string | undefined,
): Promise<void> {
  const candidates = from === undefined ? pathsIn(run, body) : [checkpointPath(from)];
  const found = candidates.flatMap((path) => {
    const bytes = run.host.written(path);
    return bytes === undefined ? [] : [{ path, arrays: decode_npz(bytes, path) }];
  });
  if (found.length === 0)
    fail(
      'R212',
      from === undefined
        ? 'there is no checkpoint to resume from'
        : `there is no checkpoint "${checkpointPath(from)}"`,
      undefined,
      `start without --resume; checkpoints are written by save "…" every n in a minimize block, and by Ctrl-C. Looked for: ${candidates.join(', ')}`,
    );
  const placed = found.map((f) => ({
    ...f,
    position: [
      ...(f.arrays.find((a) => a.name === POSITION)?.data ??
        notOurs(f.path, 'it does not say where the run was')),
    ],
  }));
  const latest = placed.reduce((x, y) => (comparePositions(y.position, x.position) > 0 ? y : x));
  const { path, arrays } = latest;
  const named = new Map(arrays.map((a) => [a.name, a]));
  const seed = named.get(SEED)?.data[0];
  if (seed !== run.seed)
    notOurs(path, `it was written with the seed ${String(seed)}`, `go on with --seed ${String(seed)}`);
  const inputs = named.get(INPUTS)?.data;
  [...run.inputs.entries()].forEach(([name, value], i) => {
    if (inputs?.[i] !== value)
      notOurs(
        path,
        `it was written with ${name.replace(/^input\./, '')} = ${String(inputs?.[i])}`,
        'set the inputs as they were: --set …',
      );
  });
  for (const value of run.plan.script.kept) {
    const array = named.get(value.label);
    if (array === undefined) return notOurs(path, `it does not hold \`${value.label}\``);
    if (array.shape.join() !== value.shape.join())
      notOurs(
        path,
        `\`${value.label}\` has shape ${shapeText(array.shape)} in it, and ${shapeText(value.shape)} in the program`,
      );
  }
  for (const value of run.plan.script.kept) {
    const array = named.get(value.label);
    if (array !== undefined) await run.executor.write(value.variable, array.data);
  }
  run.state.resume.push(...latest.position);
  run.state.trained = true;
  run.host.emit({ event: 'resume', path, step: named.get('iteration')?.data[0] ?? 0 });
}

function notOurs(
  path: string,
  why: string,
  help = 'start without --resume, or run the program that wrote it',
): never {
  return fail('R213', `"${path}" is no checkpoint of this run: ${why}`, undefined, help);
}

/** Where the checkpoints of a run lie, as far as their names are known. */
function pathsIn(run: RunContext, list: readonly ScriptStatement[]): readonly string[] {
  const inside = (statements: readonly ScriptStatement[]): readonly string[] =>
    statements.flatMap((s) => {
      switch (s.kind) {
        case 'minimize':
          return [
            ...s.checkpoints.flatMap(({ path }) => {
              const text = path.map((part) => ('text' in part ? part.text : undefined));
              return text.includes(undefined) ? [] : [checkpointPath(text.join(''))];
            }),
            ...s.every.flatMap((e) => inside(e.body)),
          ];
        case 'loop':
          return inside(s.body);
        case 'branch':
          return [...inside(s.then), ...inside(s.else)];
        default:
          return [];
      }
    });
  return [...new Set([...inside(list), interruptedPath(run.plan.name)])];
}
