// `npm run bench [section …] [--json FILE]`: measures the bundle in dist/ (build it first). Sections: compile, process, kernels, memory, gpu, and one for every module in cpu/ (named cpu/NAME; `cpu` means
// all of them). Tables go to standard output, with --json also to a file. A section is a module that exports `run()`, which gives a list of tables; see spec/benchmarks.md for what they mean.

import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dist } from './host.mjs';
import { printed } from './table.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const own = ['compile', 'process', 'kernels', 'memory', 'gpu'];
const cpu = existsSync(join(here, 'cpu'))
  ? readdirSync(join(here, 'cpu'))
      .filter((file) => file.endsWith('.bench.mjs'))
      .map((file) => `cpu/${file.replace(/\.bench\.mjs$/, '')}`)
      .sort()
  : [];
const all = [...own, ...cpu];

const words = process.argv.slice(2);
const place = words.indexOf('--json');
const jsonFile = place < 0 ? undefined : words[place + 1];
const asked = place < 0 ? words : [...words.slice(0, place), ...words.slice(place + 2)];
const wrong = asked.filter((word) => word !== 'cpu' && !all.includes(word));
if (wrong.length > 0 || (place >= 0 && jsonFile === undefined)) {
  process.stderr.write(`usage: npm run bench [${all.join('|')}|cpu …] [-- --json FILE]\n`);
  process.exit(2);
}
if (!existsSync(join(dist, 'compiler.js'))) {
  process.stderr.write('there is no bundle: npm run build\n');
  process.exit(1);
}

const chosen =
  asked.length === 0
    ? all
    : all.filter((s) => asked.includes(s) || (asked.includes('cpu') && cpu.includes(s)));
const results = {};
for (const name of chosen) {
  const file = name.startsWith('cpu/') ? `./${name}.bench.mjs` : `./${name}.mjs`;
  const { run } = await import(file);
  const tables = await run();
  results[name] = tables;
  for (const table of tables) process.stdout.write(`${printed(table)}\n\n`);
}
if (jsonFile !== undefined) {
  const engine = {
    node: process.versions.node,
    v8: process.versions.v8,
    platform: `${process.platform} ${process.arch}`,
  };
  writeFileSync(
    jsonFile,
    `${JSON.stringify({ date: new Date().toISOString(), engine, results }, null, 2)}\n`,
  );
}
