// One random program on every target that a test can afford. In: its text and what the oracle says. Out: what is wrong, as lines of text; nothing where all is well.
//
//   the float64 interpreter        the oracle's values; derivatives against differences of the oracle, forward against reverse
//   CPU, float64                   the interpreter, values and derivatives, to rounding
//   CPU, float32                   the oracle, as far as noise of that size moves it
//   strict, one and three threads  the same bits, and so for the other schedules of kernels
//
// Kernels are small here, so the sizes from which on threads share work and loops go in tiles are set to nothing.

import { compile } from '../../compiler/driver/compile.ts';
import { createInterpreterExecutor } from '../../compiler/driver/interpreter_executor.ts';
import type { ElaboratedProgram } from '../../compiler/elaborate/program.ts';
import type { Executor, Plan } from '../../compiler/plan/types.ts';
import { PLAN_VERSION } from '../../compiler/plan/types.ts';
import type { ScheduleOptions } from '../../compiler/schedule/schedule.ts';
import { schedule } from '../../compiler/schedule/schedule.ts';
import { FlowError } from '../../compiler/support/diagnostic.ts';
import { at, range } from '../../compiler/support/lists.ts';
import { renderDiagnostics, renderError } from '../../compiler/support/render.ts';
import { emitWasm } from '../../compiler/target/wasm/emit.ts';
import { emitWgsl } from '../../compiler/target/wgsl/emit.ts';
import type { CpuOptions } from '../../runtime/cpu/executor.ts';
import { createCpuExecutor } from '../../runtime/cpu/executor.ts';
import { createGpuExecutor, openDevice, planRequirements } from '../../runtime/gpu/index.ts';
import type { NamedArray } from '../../runtime/io/array.ts';
import { decode_npz } from '../../runtime/io/npz.ts';
import { createMemoryHost, runScript } from '../../runtime/run/index.ts';
import { memoryCompileHost } from '../elaborate/support.ts';
import type { RandomModel } from './models.ts';
import type { RandomProgram } from './program.ts';
import type { Value } from './reference.ts';
import { Machine } from './reference.ts';

export type Saved = ReadonlyMap<string, NamedArray>;

export type Outcome =
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'done'; readonly wrong: readonly string[]; readonly smooth: boolean };

/** The program, or why it is refused. What the compiler throws by itself is thrown. */
export function elaborated(text: string, precision: 'f32' | 'f64'): ElaboratedProgram | string {
  const whole = precision === 'f64' ? `precision f64\n${text}` : text;
  const { program, diagnostics } = compile({ path: 'program.flow', text: whole }, memoryCompileHost(), {
    settings: new Map(),
    stopAfter: 'elaborate',
    verify: true,
  });
  return program ?? renderDiagnostics(diagnostics.filter((d) => d.severity === 'error'));
}

export function planned(program: ElaboratedProgram, options: ScheduleOptions): Plan {
  const { buffers, kernels, procedures, bytes } = schedule(
    program.graph,
    program.variables,
    program.procedures,
    options,
  );
  const { name, precision, script } = program;
  return { version: PLAN_VERSION, name, precision, buffers, kernels, procedures, script, code: {}, bytes };
}

async function saved(
  plan: Pick<Plan, 'name' | 'precision' | 'script'>,
  executor: Executor,
): Promise<Saved | string> {
  const host = createMemoryHost();
  try {
    await runScript(plan, executor, { host, seed: 3 });
  } catch (trouble) {
    if (!(trouble instanceof FlowError)) throw trouble;
    return renderError(trouble);
  } finally {
    await executor.dispose();
  }
  const bytes = host.files.get('out.npz');
  return bytes === undefined
    ? 'nothing was saved'
    : new Map(decode_npz(bytes, 'out.npz').map((a) => [a.name, a]));
}

export const interpreted = (program: ElaboratedProgram): Promise<Saved | string> =>
  saved(program, createInterpreterExecutor(program));

export interface CpuVariant {
  readonly schedule: ScheduleOptions;
  readonly strict: boolean;
  readonly threads: number;
  /** Everything is shared by the threads, and loops of stencils go in small tiles. */
  readonly eager: boolean;
}

export async function onCpu(program: ElaboratedProgram, variant: CpuVariant): Promise<Saved | string> {
  const plan = planned(program, variant.schedule);
  const small = { alone: { cost: 0, bytes: 0 }, tiles: { least: 0, cache: 2048, most: 8192 } };
  const wasm = await emitWasm(plan, {
    variants: variant.strict ? 'strict' : 'relaxed',
    ...(variant.eager ? small : {}),
  });
  const cpu: CpuOptions = {
    strict: variant.strict,
    ...(variant.threads === 1 ? { inline: true } : { threads: variant.threads }),
  };
  return saved(plan, await createCpuExecutor({ ...plan, code: { wasm } }, cpu));
}

export async function onGpu(program: ElaboratedProgram): Promise<Saved | string> {
  const plan = planned(program, {});
  const gpu = await openDevice({ requirements: planRequirements(plan) });
  try {
    const code = { wgsl: plan.kernels.map((kernel) => emitWgsl(kernel)) };
    return await saved(plan, await createGpuExecutor({ ...plan, code }, gpu));
  } finally {
    gpu.dispose();
  }
}

/** What differs: by more than the tolerance of the name times the size of the array, in bits where the tolerance is 0, or in what is not finite. */
export function differences(
  actual: Saved | string,
  expected: Saved,
  tolerance: (name: string) => number,
): string[] {
  if (typeof actual === 'string') return [actual];
  return [...expected].flatMap(([name, { data, shape }]) => {
    const other = actual.get(name);
    if (other === undefined || other.data.length !== data.length)
      return [`${name} has shape [${other?.shape.join(', ')}], not [${shape.join(', ')}]`];
    const size = Math.max(1e-3, ...[...data].filter(Number.isFinite).map(Math.abs));
    const allowed = tolerance(name);
    const wrong = range(data.length).filter((i) => {
      const [a = NaN, b = NaN] = [other.data[i], data[i]];
      if (allowed === 0) return !Object.is(a, b);
      return Number.isFinite(a) && Number.isFinite(b) ? Math.abs(a - b) > allowed * size : !Object.is(a, b);
    });
    const [first] = wrong;
    return first === undefined
      ? []
      : [
          `${name}[${first}] is ${other.data[first]}, not ${data[first]} (${wrong.length} of ${data.length} differ; allowed ${allowed.toExponential(1)})`,
        ];
  });
}

/** How far rounding of relative size `unit` may move each array, relative to its size; undefined where it may change a decision, or where something is not finite. */
function sensitivity(
  program: RandomProgram,
  unit: number,
): { readonly stable: boolean; readonly of: (name: string) => number } {
  const exact = new Machine();
  const values = program.outputs(exact);
  const spread = new Map<string, number>();
  let stable = true;
  for (const seed of [1, 2, 3, 4]) {
    const noisy = new Machine(unit, seed);
    for (const [name, v] of program.outputs(noisy)) {
      const { data } = values.get(name) ?? v;
      const size = Math.max(1e-3, ...data.map(Math.abs));
      const moved = Math.max(0, ...data.map((x, i) => Math.abs(x - at(v.data, i)))) / size;
      if (!Number.isFinite(moved)) stable = false;
      spread.set(name, Math.max(spread.get(name) ?? 0, moved));
    }
    if (noisy.trace !== exact.trace) stable = false;
  }
  return { stable, of: (name) => 20 * unit + 30 * (spread.get(name) ?? Math.max(...spread.values())) };
}

/** The derivative along the direction by differences; undefined where a kink is near or differences do not settle. */
function slope(program: RandomProgram): number | undefined {
  const exact = new Machine();
  const centre = program.total(exact, 0);
  const value = (h: number): number => {
    const m = new Machine();
    const y = program.total(m, h);
    return m.trace === exact.trace ? y : NaN;
  };
  const central = (h: number): number => (value(h) - value(-h)) / (2 * h);
  const [a, b, c] = [central(4e-4), central(2e-4), central(1e-4)];
  const [first, second] = [(4 * b - a) / 3, (4 * c - b) / 3];
  const scale = Math.max(1, Math.abs(second), Math.abs(centre) * 1e-2);
  return Math.abs(first - second) < 1e-7 * scale ? second : undefined;
}

const asArrays = (values: ReadonlyMap<string, Value>): Saved =>
  new Map(
    [...values].map(([name, { shape, data }]) => [
      name,
      { name, dtype: 'f64', shape, data: Float64Array.from(data) },
    ]),
  );

const number = (saved_: Saved, name: string): number => saved_.get(name)?.data[0] ?? NaN;

function derivativesAgree(program: RandomProgram, found: Saved, stable: boolean): string[] {
  const wrong: string[] = [];
  const list = (name: string): readonly number[] => [...(found.get(name)?.data ?? [])];
  const largest = Math.max(1, ...['gw', 'gq', 'slope'].flatMap((n) => list(n).map(Math.abs)));
  if (!Number.isFinite(largest)) return ['a derivative is not finite'];
  const dw = range(list('gw').length).map((i) => 1 - ((i * 7) % 5) / 2.5);
  const reverse =
    list('gw').reduce(
      (s, g, i) =>
        s +
        g *
          at(
            dw.map((v) => Number(v.toFixed(3))),
            i,
          ),
      0,
    ) +
    0.7 * number(found, 'gq');
  if (Math.abs(reverse - number(found, 'slope')) > 1e-8 * largest * Math.max(1, dw.length))
    wrong.push(`reverse ${reverse}, forward ${number(found, 'slope')}`);
  const estimate = stable ? slope(program) : undefined;
  if (
    estimate !== undefined &&
    Math.abs(estimate - number(found, 'slope')) > 1e-5 * Math.max(largest, Math.abs(estimate))
  )
    wrong.push(`differences ${estimate}, forward ${number(found, 'slope')}`);
  const second = Math.max(1, ...['hw', 'hq', 'kw', 'kq'].flatMap((n) => list(n).map(Math.abs)));
  for (const [a, b] of [
    ['hw', 'kw'],
    ['hq', 'kq'],
  ] as const)
    list(a).forEach((h, i) => {
      if (!(Math.abs(h - at(list(b), i)) <= 1e-7 * second))
        wrong.push(`${a}[${i}]: forward over reverse ${h}, reverse over forward ${at(list(b), i)}`);
    });
  list('many').forEach((m, i) => {
    if (!(Math.abs(m - 2 * at(list('gw'), i)) <= 1e-8 * largest))
      wrong.push(`many[${i}]: in a batch of two ${m}, alone ${at(list('gw'), i)}`);
  });
  return wrong;
}

export const SCHEDULES: readonly ScheduleOptions[] = [
  {},
  { ownBytes: 2 ** 15 },
  { threads: false },
  { threads: false, serial: 0 },
  { serial: 0, maxBuffers: 16 },
  { maxBuffers: 6, serial: 4 },
  { storeCost: 0, serial: 4 },
];

export interface Effort {
  /** Which schedule of SCHEDULES, and whether threads are started. */
  readonly schedule: number;
  readonly threads: boolean;
  readonly gpu: boolean;
}

export async function check(program: RandomProgram, effort: Effort): Promise<Outcome> {
  const exact = elaborated(program.text, 'f64');
  if (typeof exact === 'string') return { kind: 'refused', message: exact };
  const wrong: string[] = [];
  const say = (where: string, lines: readonly string[]): void =>
    void wrong.push(...lines.map((line) => `${where}: ${line}`));
  const fine = sensitivity(program, 2 ** -52);
  const truth = await interpreted(exact);
  if (typeof truth === 'string') return { kind: 'done', wrong: [`interpreter: ${truth}`], smooth: false };
  if (fine.stable) {
    say(
      'interpreter and oracle',
      differences(truth, asArrays(program.outputs(new Machine())), (n) => fine.of(n) + 1e-13),
    );
    say('derivatives', derivativesAgree(program, truth, true));
    const options = at(SCHEDULES, effort.schedule % SCHEDULES.length);
    const cpu = await onCpu(exact, { schedule: options, strict: false, threads: 1, eager: true });
    say(
      'CPU in f64',
      differences(cpu, truth, (n) =>
        truth.has(n) && program.outputs(new Machine()).has(n) ? fine.of(n) + 1e-13 : 1e-7,
      ),
    );
  }
  const plain = elaborated(program.text, 'f32');
  if (typeof plain === 'string') return { kind: 'refused', message: plain };
  const coarse = sensitivity(program, 2 ** -22);
  const options = at(SCHEDULES, (effort.schedule >> 3) % SCHEDULES.length);
  const one = await onCpu(plain, { schedule: {}, strict: true, threads: 1, eager: false });
  const known = program.outputs(new Machine());
  const tolerance = (n: string): number =>
    known.has(n) ? coarse.of(n) : Math.max(0.02, 300 * coarse.of('total'));
  if (coarse.stable) say('CPU in f32', differences(one, truth, tolerance));
  if (typeof one !== 'string') {
    say(
      'another schedule',
      differences(
        await onCpu(plain, { schedule: options, strict: true, threads: 1, eager: true }),
        one,
        (n) => (coarse.stable ? tolerance(n) : Infinity),
      ),
    );
    for (const policy of program.text.includes('adjoint: auto')
      ? ['store', 'recompute', 'checkpoint(memory: "100 B")']
      : []) {
      const other = elaborated(program.text.replaceAll('adjoint: auto', `adjoint: ${policy}`), 'f32');
      if (typeof other === 'string') return { kind: 'refused', message: other };
      say(
        `adjoint: ${policy}`,
        differences(
          await onCpu(other, { schedule: {}, strict: true, threads: 1, eager: false }),
          one,
          () => 0,
        ),
      );
    }
    if (effort.threads) {
      const again = await onCpu(plain, { schedule: options, strict: false, threads: 1, eager: true });
      if (typeof again === 'string') say('relaxed', [again]);
      else
        say(
          'three threads',
          differences(
            await onCpu(plain, { schedule: options, strict: false, threads: 3, eager: true }),
            again,
            () => 0,
          ),
        );
    }
  }
  if (effort.gpu && coarse.stable) say('GPU', differences(await onGpu(plain), truth, tolerance));
  return { kind: 'done', wrong, smooth: fine.stable };
}

/** A model of models.ts: the targets against the interpreter, threads and ways of keeping states bit by bit, schedules, derivatives among each other and against differences. */
export async function checkModel({ text, smooth }: RandomModel, effort: Effort): Promise<Outcome> {
  const exact = elaborated(text, 'f64');
  if (typeof exact === 'string') return { kind: 'refused', message: exact };
  const plain = elaborated(text, 'f32');
  if (typeof plain === 'string') return { kind: 'refused', message: plain };
  const wrong: string[] = [];
  const say = (where: string, lines: readonly string[]): void =>
    void wrong.push(...lines.map((line) => `${where}: ${line}`));
  const truth = await interpreted(exact);
  if (typeof truth === 'string') return { kind: 'done', wrong: [`interpreter: ${truth}`], smooth: false };
  const size = Math.max(
    1e-3,
    ...(truth.get('g')?.data ?? []).map(Math.abs),
    Math.abs(number(truth, 'slope')),
  );
  const [wide, narrow, slope_] = [number(truth, 'wide'), number(truth, 'narrow'), number(truth, 'slope')];
  if (Math.abs(slope_ - number(truth, 'reverse')) > 1e-8 * size)
    wrong.push(`forward ${slope_}, reverse ${number(truth, 'reverse')}`);
  if (
    smooth &&
    Math.abs(wide - narrow) < 1e-5 * size &&
    Math.abs((4 * narrow - wide) / 3 - slope_) > 1e-5 * size
  )
    wrong.push(`forward ${slope_}, differences ${narrow}`);
  const [h, k] = [truth.get('h'), truth.get('k')];
  if (h !== undefined && k !== undefined)
    say(
      'reverse over forward',
      differences(new Map([['h', k]]), new Map([['h', h]]), () => 1e-7),
    );
  // What policies promise the bits of.
  const ofGradient = (n: string): boolean => !['wide', 'narrow', 'slope', 'h', 'k'].includes(n);
  const differing = ['wide', 'narrow'];
  const but = (saved_: Saved): Saved => new Map([...saved_].filter(([n]) => !differing.includes(n)));
  const options = at(SCHEDULES, effort.schedule % SCHEDULES.length);
  const tight = smooth ? 1e-9 : 1e-4;
  say(
    'CPU in f64',
    differences(
      await onCpu(exact, { schedule: options, strict: false, threads: 1, eager: true }),
      but(truth),
      () => tight,
    ),
  );
  // Draws of another precision are other draws.
  const coarse = await interpreted(plain);
  if (typeof coarse === 'string')
    return { kind: 'done', wrong: [`interpreter, f32: ${coarse}`], smooth: false };
  const one = await onCpu(plain, { schedule: {}, strict: true, threads: 1, eager: false });
  say(
    'CPU in f32',
    differences(one, but(coarse), () => (smooth ? 5e-3 : 5e-2)),
  );
  if (typeof one !== 'string') {
    say(
      'another schedule',
      differences(
        await onCpu(plain, {
          schedule: at(SCHEDULES, (effort.schedule >> 3) % SCHEDULES.length),
          strict: true,
          threads: 1,
          eager: true,
        }),
        but(one),
        () => 5e-3,
      ),
    );
    say(
      'tiles',
      differences(await onCpu(plain, { schedule: {}, strict: true, threads: 1, eager: true }), one, () => 0),
    );
    for (const policy of text.includes('adjoint: auto')
      ? ['store', 'recompute', 'checkpoint(memory: "300 B")']
      : []) {
      const other = elaborated(text.replaceAll('adjoint: auto', `adjoint: ${policy}`), 'f32');
      if (typeof other === 'string') return { kind: 'refused', message: other };
      say(
        `adjoint: ${policy}`,
        differences(
          await onCpu(other, { schedule: {}, strict: true, threads: 1, eager: effort.schedule % 2 === 0 }),
          one,
          (n) => (ofGradient(n) ? 0 : 5e-3),
        ),
      );
    }
    if (effort.threads) {
      say(
        'three threads',
        differences(
          await onCpu(plain, { schedule: {}, strict: true, threads: 3, eager: true }),
          one,
          () => 0,
        ),
      );
      const fused = await onCpu(plain, { schedule: options, strict: false, threads: 1, eager: true });
      if (typeof fused === 'string') say('fused', [fused]);
      else
        say(
          'three threads, fused',
          differences(
            await onCpu(plain, { schedule: options, strict: false, threads: 3, eager: true }),
            fused,
            () => 0,
          ),
        );
    }
  }
  if (effort.gpu)
    say(
      'GPU',
      differences(await onGpu(plain), but(coarse), () => 5e-3),
    );
  return { kind: 'done', wrong, smooth };
}
