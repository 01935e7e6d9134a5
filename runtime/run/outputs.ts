// `save`, `plot` and checkpoints: values from the device into files. In: a statement. Out: a file, whole or not at all; NaN that would go into a file is traced to its source first.

import type { OutputValue, ScriptStatement } from '../../compiler/plan/script.ts';
import { fail } from '../../compiler/support/diagnostic.ts';
import { showNumber } from '../../compiler/support/number_text.ts';
import type { NamedArray } from '../io/array.ts';
import { firstNotFinite, indexOf, shapeText } from '../io/array.ts';
import { encode_store, encode_values } from '../io/formats.ts';
import type { PlotAxis, PlotKind, PlotSeries } from '../picture/spec.ts';
import type { RunContext } from './context.ts';
import { callOptional, readOutput, workingPrecision } from './context.ts';
import { diagnose } from './diagnose.ts';
import { spanOfPlace } from './place.ts';
import { readText } from './text.ts';

type Save = Extract<ScriptStatement, { kind: 'save' }>;
type Plot = Extract<ScriptStatement, { kind: 'plot' }>;

export async function saveValues(run: RunContext, s: Save): Promise<void> {
  const span = spanOfPlace(s.place);
  await callOptional(run, s.procedure);
  const path = await pathOf(run, s.path);
  const arrays: NamedArray[] = [];
  for (const entry of s.entries) arrays.push(await readOutput(run, entry));
  if (arrays.some((array) => firstNotFinite(array.data) >= 0)) await diagnose(run, s.diagnose, span);
  for (const array of arrays) refuseNaN(array, path, span);
  const options = { real: workingPrecision(run) === 'f32' ? 'f4' : 'f8', span } as const;
  const shown = await writeAll(run, s, path, arrays, options);
  run.state.files.push(shown);
  run.host.emit({ event: 'save', path: shown, names: s.entries.map((entry) => entry.label) });
}

/** By the extension: a file, a folder of files, or the picture that `plot` draws. Out: the path to show. */
async function writeAll(
  run: RunContext,
  s: Save,
  path: string,
  arrays: readonly NamedArray[],
  options: Parameters<typeof encode_store>[2],
): Promise<string> {
  const span = spanOfPlace(s.place);
  if (/\.png$/i.test(path)) {
    const { render_plot } = await import('../picture/index.ts');
    const series = arrays.map((array, i): PlotSeries => {
      const entry = s.entries[i];
      return {
        label: array.name,
        shape: array.shape,
        data: array.data,
        axes: entry === undefined ? undefined : axesOf(entry),
      };
    });
    return run.host.write(path, render_plot({ kind: 'auto', series }, span), span);
  }
  const store = encode_store(path, arrays, options);
  if (store === undefined) return run.host.write(path, encode_values(path, arrays, options), span);
  const shown = store.map((file) => run.host.write(file.path, file.content, span));
  return (shown.at(-1) ?? path).replace(/[/\\][^/\\]*$/, '');
}

/** An infinity may be meant; NaN never is. */
function refuseNaN(array: NamedArray, path: string, span: ReturnType<typeof spanOfPlace>): void {
  const position = array.data.findIndex(Number.isNaN);
  if (position < 0) return;
  const place = array.shape.length === 0 ? '' : ` at index ${shapeText(indexOf(position, array.shape))}`;
  fail(
    'R203',
    `\`${array.name}\` is NaN (not a number)${place}, and is not saved in "${path}"`,
    span,
    'look for 0/0, inf - inf, or the logarithm or root of a negative number in what it is computed from',
  );
}

export async function drawPlot(run: RunContext, s: Plot): Promise<void> {
  const span = spanOfPlace(s.place);
  await callOptional(run, s.procedure);
  const path = await pathOf(run, s.path);
  const animated = s.animated === true;
  if (!(animated ? /\.gif$/i : /\.png$/i).test(path))
    fail(
      'R102',
      animated
        ? `cannot animate "${path}": moving pictures are .gif files`
        : `cannot draw "${path}": pictures are .png files`,
      span,
      animated ? 'write "picture.gif"' : 'write "picture.png"',
    );
  const series: PlotSeries[] = [];
  let finite = true;
  for (const { x, y, vector } of s.series) {
    const { data } = await readOutput(run, y);
    const abscissae = x === undefined ? undefined : { label: x.label, data: (await readOutput(run, x)).data };
    finite &&= data.every(Number.isFinite) && (abscissae?.data.every(Number.isFinite) ?? true);
    series.push({
      label: y.label,
      shape: y.shape,
      data,
      axes: axesOf(y),
      ...(abscissae === undefined ? {} : { x: abscissae }),
      ...(vector === true ? { vector } : {}),
    });
  }
  if (!finite) await diagnose(run, s.diagnose, span);
  // Loaded here: a run without pictures needs no picture room.
  const { render_animation, render_plot } = await import('../picture/index.ts');
  const kind = plotKind(s.style);
  const picture = animated ? render_animation(kind, series, span) : render_plot({ kind, series }, span);
  const shown = run.host.write(path, picture, span);
  run.state.files.push(shown);
  run.host.emit({ event: 'plot', path: shown });
}

const plotKinds: readonly PlotKind[] = ['auto', 'line', 'heat', 'scatter', 'histogram', 'quiver'];

function plotKind(style: string): PlotKind {
  return plotKinds.find((kind) => kind === style) ?? 'auto';
}

/** One entry an axis of the data; what stands before the axes of a field counts. */
function axesOf(value: OutputValue): readonly PlotAxis[] | undefined {
  const axes = value.axes;
  if (axes === undefined || axes.length === 0) return undefined;
  const before = value.shape.length - axes.length;
  return [
    ...Array.from({ length: Math.max(0, before) }, () => ({ name: 'index' })),
    ...axes.map(({ name, from, to, nodes, periodic }): PlotAxis => ({
      name,
      extent: [from, to],
      ...(nodes === true && periodic !== true ? { samples: 'nodes' } : {}),
    })),
  ];
}

/** A path with its run-time holes filled: loop counters. */
export async function pathOf(run: RunContext, parts: Parameters<typeof readText>[0]): Promise<string> {
  return (await readText(parts, (variable) => run.executor.read(variable))).text;
}

/** `a is 0.25`, NaN by its name. */
export function describeNumber(label: string, value: number): string {
  return Number.isNaN(value) ? `${label} is NaN (not a number)` : `${label} = ${showNumber(value)}`;
}
