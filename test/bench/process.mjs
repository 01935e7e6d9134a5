// Whole processes of the command line tool: processor time (user and system) and wall time, least and median of ten.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dist, root } from './host.mjs';
import { median } from './table.mjs';

const runs = 10;

export function run() {
  const command = join(dist, 'flowc.js');
  const program = join(root, 'test/bench/check_50_lines.flow');
  const lines = readFileSync(program, 'utf8').trimEnd().split('\n').length;
  const cases = [
    ['node -e 0 (the engine alone)', ['-e', '0'], ''],
    ['flowc --version', [command, '--version'], 0.12],
    [`flowc check, ${lines} lines`, [command, 'check', program], 0.35],
    [
      'flowc check examples/heat_inversion.flow',
      [command, 'check', join(root, 'examples/heat_inversion.flow')],
      0.35,
    ],
  ];
  const rows = cases.map(([label, words, goal]) => {
    const times = Array.from({ length: runs }, () => once(words));
    const processor = times.map((t) => t.processor);
    const wall = times.map((t) => t.wall);
    return [label, Math.min(...processor), median(processor), Math.min(...wall), median(wall), goal];
  });
  return [
    {
      title: `whole processes, seconds, ${runs} runs (goal: wall time of an idle machine)`,
      columns: ['command', 'processor least', 'median', 'wall least', 'median', 'goal'],
      rows,
    },
  ];
}

/** Runs node once; its processor time comes from the shell's `times`. */
function once(words) {
  const folder = mkdtempSync(join(tmpdir(), 'flowc-bench-'));
  try {
    const report = join(folder, 'times');
    const script = `"$@" >/dev/null; status=$?; times >'${report}'; exit $status`;
    const before = process.hrtime.bigint();
    const { status, stderr } = spawnSync('sh', ['-c', script, 'sh', process.execPath, ...words], {
      encoding: 'utf8',
    });
    const wall = Number(process.hrtime.bigint() - before) / 1e9;
    if (status !== 0) throw new Error(`${words.join(' ')} ended with ${status}\n${stderr}`);
    // Second line: what the children took, user and system, as 0m0.123s.
    const children = readFileSync(report, 'utf8').split('\n')[1] ?? '';
    const seconds = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map(([, m, s]) => 60 * Number(m) + Number(s));
    return { processor: seconds.reduce((a, b) => a + b, 0), wall };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
