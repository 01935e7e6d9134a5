// The run blocks of the examples at full size, and what must lie in the files they write: shapes, numbers near the known truth, pictures that decode and are not blank.

import { decode } from 'fast-png';
import { expect } from 'vitest';
import { decode_csv } from '../../runtime/io/csv.ts';
import type { Arrays, RunResult, Variation } from './support.ts';
import { arrayNamed, savedArrays } from './support.ts';

export interface FullRun {
  readonly name: string;
  readonly run: string;
  /** For the tests of every day, where the whole takes minutes: the assertions of the program hold all the same. */
  readonly shorter?: Variation;
  readonly files: readonly string[];
  /** `accuracy` is the relative error that numbers may have against a reference in float64. */
  readonly check: (result: RunResult, accuracy: number) => void;
}

export const fullRuns: readonly FullRun[] = [
  {
    name: 'hare_lynx',
    run: 'run',
    files: ['hare_lynx.json', 'hare_lynx.png'],
    check: checkHareLynx,
  },
  {
    name: 'heat_inversion',
    run: 'run',
    shorter: { replace: [['steps 40', 'steps 20']] },
    files: ['heat_inversion.npz', 'heat_inversion.png'],
    check: checkHeatInversion,
  },
  {
    name: 'wave_inversion',
    run: 'run',
    files: ['wave_inversion.npz', 'wave_inversion.png'],
    check: (result) => {
      const arrays = savedArrays(result, 'wave_inversion.npz');
      expectShapes(arrays, { start: [48, 48], west: [145, 48] });
      // The drum is struck at (0.35, 0.6) and, from below, at (0.7, 0.35).
      const { data } = arrayNamed(arrays, 'start');
      const cell = (x: number, y: number): number =>
        data[Math.floor(48 * x) * 48 + Math.floor(48 * y)] ?? NaN;
      expect(cell(0.35, 0.6)).toBeGreaterThan(0.9);
      expect(cell(0.7, 0.35)).toBeLessThan(-0.6);
      expect(Math.abs(cell(0.1, 0.1))).toBeLessThan(0.05);
    },
  },
  {
    name: 'burgers_control',
    run: 'run',
    files: ['burgers_control.csv', 'burgers_control.png'],
    check: (result) => {
      const text = fileOf(result, 'burgers_control.csv');
      const column = (name: string): Float64Array =>
        decode_csv(text, 'burgers', 'burgers_control.csv', { column: name }).data;
      const [x, u0, truth] = [column('x'), column('u0'), column('truth')];
      expect([x.length, u0.length, truth.length, column('u').length]).toEqual([256, 256, 256, 256]);
      expect(x[0]).toBeCloseTo(0.5 / 256, 6);
      const error = Math.hypot(...u0.map((u, i) => u - (truth[i] ?? NaN))) / Math.hypot(...truth);
      expect(error).toBeLessThan(0.02);
    },
  },
  {
    name: 'heat_sensitivity',
    run: 'run',
    files: ['heat_forward.png'],
    check: ({ host }) => {
      expect(host.text()).toMatch(/^heat left 0\.0362\d+, largest temperature 0\.929\d*$/m);
    },
  },
  {
    name: 'heat_sensitivity',
    run: 'gradient',
    files: ['heat_sensitivity.npz', 'heat_sensitivity.png'],
    check: (result) => {
      const arrays = savedArrays(result, 'heat_sensitivity.npz');
      expectShapes(arrays, { by_start: [512, 512], by_k: [512, 512] });
      // left is quadratic in the start: by Euler's theorem the gradient times the start is twice what is left.
      const { data } = arrayNamed(arrays, 'by_start');
      const hot = (i: number): number => {
        const [x, y] = [(Math.floor(i / 512) + 0.5) / 512, ((i % 512) + 0.5) / 512];
        return Math.exp(-40 * ((x - 0.4) ** 2 + (y - 0.6) ** 2));
      };
      const product = data.reduce((sum, g, i) => sum + g * hot(i), 0);
      expect(product / 2).toBeCloseTo(0.0362813, 5);
    },
  },
];

/** All that a run must leave behind. */
export function checkFullRun(full: FullRun, result: RunResult, accuracy: number): void {
  expect([...result.host.files.keys()].sort()).toEqual([...full.files].sort());
  // How near the slope comes to 2 is gradients.test.ts's affair: here f32 has to judge it over a thousand steps.
  for (const check of result.report.checks) expect(check.verdict, check.text).toBe('pass');
  for (const file of full.files) if (file.endsWith('.png')) expectPicture(fileOf(result, file));
  full.check(result, accuracy);
}

/** Optimum of the fit: scipy in float64. */
const hareLynx: Readonly<Record<string, number>> = {
  alpha: 0.540159,
  beta: 0.0271654,
  gamma: 0.796386,
  delta: 0.0236946,
  u0: 34.6024,
  v0: 5.84451,
  misfit: 2.018661,
};

function checkHareLynx(result: RunResult, accuracy: number): void {
  const found: unknown = JSON.parse(new TextDecoder().decode(fileOf(result, 'hare_lynx.json')));
  const numbers = new Map<string, unknown>(Object.entries(Object(found)));
  expect([...numbers.keys()]).toEqual(Object.keys(hareLynx));
  for (const [name, expected] of Object.entries(hareLynx))
    expect(Math.abs(Number(numbers.get(name)) / expected - 1), name).toBeLessThan(accuracy);
}

function checkHeatInversion(result: RunResult): void {
  const arrays = savedArrays(result, 'heat_inversion.npz');
  expectShapes(arrays, { k: [64, 64], T: [11, 64, 64], t: [11] });
  const { data } = arrayNamed(arrays, 't');
  expect(data[10]).toBeCloseTo(0.02, 6);
  // The disc of radius 0.2 round (0.6, 0.4) conducts 2, the plate 0.5: inside its core and well outside, on the average.
  const k = arrayNamed(arrays, 'k').data;
  const meanWhere = (where: (r: number, x: number, y: number) => boolean): number => {
    const chosen = k.filter((_, i) => {
      const [x, y] = [(Math.floor(i / 64) + 0.5) / 64, ((i % 64) + 0.5) / 64];
      return where(Math.hypot(x - 0.6, y - 0.4), x, y);
    });
    return chosen.reduce((sum, value) => sum + value, 0) / chosen.length;
  };
  expect(meanWhere((r) => r < 0.1)).toBeGreaterThan(1.5);
  expect(meanWhere((r, x, y) => r > 0.3 && x > 0.15 && x < 0.85 && y > 0.15 && y < 0.85)).toBeLessThan(0.75);
}

function expectShapes(arrays: Arrays, shapes: Readonly<Record<string, readonly number[]>>): void {
  expect(Object.fromEntries([...arrays].map(([name, { shape }]) => [name, shape]))).toEqual(shapes);
  for (const [name, { data }] of arrays) expect(data.every(Number.isFinite), name).toBe(true);
}

function fileOf({ host }: RunResult, name: string): Uint8Array {
  const bytes = host.files.get(name);
  if (bytes === undefined) throw new Error(`${name} was not written`);
  return bytes;
}

/** Decodes, has a size to be looked at, and more than a frame in it. */
function expectPicture(bytes: Uint8Array): void {
  const { width, height, channels, data } = decode(bytes);
  expect(width).toBeGreaterThan(300);
  expect(height).toBeGreaterThan(200);
  const colours = new Set<number>();
  for (let i = 0; i < data.length; i += channels)
    colours.add(((data[i] ?? 0) << 16) | ((data[i + 1] ?? 0) << 8) | (data[i + 2] ?? 0));
  expect(colours.size).toBeGreaterThan(20);
}
