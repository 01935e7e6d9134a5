// Source to plan: processor time of every part for every example, in the first compilation of a process and in later ones; and that cells and steps do not matter.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { exampleNames } from './host.mjs';
import { median } from './table.mjs';

const child = fileURLToPath(new URL('./compile_child.mjs', import.meta.url));
const stages = ['parse', 'elaborate', 'optimize', 'schedule'];
const codes = ['wgsl', 'wasm'];

/** Functions become candidates for the optimising compiler as late as in the command line tool (compiler/cli/engine.ts). */
const engine = ['--interrupt-budget=1000000'];

export function run() {
  const notes = [];
  const rows = [];
  for (const name of exampleNames()) {
    const { cold, warm, failure } = measure({ name, rounds: 11, code: true });
    if (failure !== undefined) {
      notes.push(`${name}: ${failure.split('\n')[0]}`);
      continue;
    }
    for (const [label, parts] of [
      ['cold', cold],
      ['warm', warm],
    ])
      rows.push([name, label, sum(parts, stages), ...[...stages, ...codes].map((s) => parts[s] ?? '')]);
  }
  const sizes = [];
  for (const cells of [64, 4096])
    for (const steps of [10, 10_000]) {
      const replacements = [
        ['const n = 512', `const n = ${cells}`],
        ['1000*0.15/n^2, steps: 1000', `${steps}*0.15/n^2, steps: ${steps}`],
      ];
      const { warm, cold, failure } = measure({
        name: 'heat_sensitivity',
        replacements,
        rounds: 25,
        code: false,
      });
      if (failure !== undefined) notes.push(`heat ${cells}², ${steps} steps: ${failure.split('\n')[0]}`);
      else sizes.push([`${cells}²`, steps, sum(warm, stages), sum(cold, stages)]);
    }
  return [
    {
      title: 'source to plan, processor milliseconds (goal: 150 for the plan, warm)',
      columns: ['program', '', 'plan', ...stages, ...codes],
      rows,
      notes: ['cold: the first compilation of a process; warm: median of the later half of 11', ...notes],
    },
    {
      title:
        'source to plan of heat_sensitivity with other numbers, processor milliseconds (goal: no difference)',
      columns: ['cells', 'steps', 'warm', 'cold'],
      rows: sizes,
    },
  ];
}

function measure(request) {
  const words = [...engine, child, JSON.stringify(request)];
  const { measured, failure } = JSON.parse(
    execFileSync(process.execPath, words, { encoding: 'utf8', maxBuffer: 1e8 }),
  );
  if (failure !== undefined) return { failure };
  const later = measured.slice(Math.ceil(measured.length / 2));
  const warm = {};
  for (const part of Object.keys(measured[0])) warm[part] = median(later.map((m) => m[part]));
  return { cold: measured[0], warm };
}

function sum(parts, names) {
  return names.reduce((total, name) => total + (parts[name] ?? 0), 0);
}
