// Measures the elementary functions of the CPU target densely and writes the table of spec/elementary_functions.md. `node test/cpu/write_accuracy.mjs [samples]`

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const page = join(here, '../../spec/elementary_functions.md');
const count = Number(process.argv[2] ?? 20000);

// Beside the sources.
const folder = mkdtempSync(join(here, '.accuracy-'));
try {
  const bundle = join(folder, 'accuracy.mjs');
  await build({
    entryPoints: [join(here, 'accuracy.ts')],
    outfile: bundle,
    bundle: true,
    format: 'esm',
    platform: 'node',
  });
  const { accuracyTable } = await import(pathToFileURL(bundle).href);
  const table = (await accuracyTable(count)).join('\n');
  const text = readFileSync(page, 'utf8');
  const [before, , after] = text.split(/(<!-- table -->[^]*<!-- end of table -->)/);
  const samples = count.toLocaleString('en');
  writeFileSync(
    page,
    `${before}<!-- table -->\n${samples} arguments a function.\n\n${table}\n<!-- end of table -->${after}`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
