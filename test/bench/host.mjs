// What the benchmarks stand on: the built bundle, the example programs, a window on the disk for the compiler, and processor time. Wall time says little on a machine that does other things as well.

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** The bundle: `FLOWC_DIST`, or dist/ of this checkout. */
export const dist = process.env.FLOWC_DIST ?? join(root, 'dist');

export const loadCompiler = () => import(pathToFileURL(join(dist, 'compiler.js')).href);
export const loadRuntime = () => import(pathToFileURL(join(dist, 'runtime.js')).href);

/** The names of examples/*.flow. */
export function exampleNames() {
  return readdirSync(join(root, 'examples'))
    .filter((file) => file.endsWith('.flow'))
    .map((file) => file.replace(/\.flow$/, ''))
    .sort();
}

export function example(name) {
  const path = join(root, 'examples', `${name}.flow`);
  return { path, text: readFileSync(path, 'utf8') };
}

/** Modules from stdlib/ or beside the program, data files through the runtime's formats. */
export function diskHost({ load_value }) {
  return {
    readModule(path, from) {
      const standard = path.startsWith('std.');
      const file = standard
        ? join(root, 'stdlib', `${path.slice('std.'.length)}.flow`)
        : join(dirname(from), path);
      if (!existsSync(file)) return undefined;
      const text = readFileSync(file, 'utf8');
      const parsed = join(dist, 'library', path);
      if (!standard || !existsSync(parsed)) return { path: standard ? path : file, text };
      // As the command line tool does (compiler/cli/stdlib_files.ts).
      const written = readFileSync(parsed, 'utf8');
      return written.startsWith(`${text}\0`)
        ? { path, text, tree: written.slice(text.length + 1) }
        : { path, text };
    },
    readData(path, { column }, span) {
      const options = column === undefined ? { span } : { span, column };
      const { shape, data } = load_value(join(dirname(span.file.path), path), options);
      return { shape, data };
    },
  };
}

/** Milliseconds of processor time of this process and its threads so far. */
export function processorTime() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
