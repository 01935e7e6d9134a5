// C references, compiled on the spot. In: a program of ../reference, the kind of build, its arguments. Out: seconds of each repeat and the program's check number; nothing where there is no C compiler.
//   native: everything the processor has; c128: 128-bit vectors, what WebAssembly has.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const sources = fileURLToPath(new URL('../reference/', import.meta.url));
const flags = { native: ['-march=native'], c128: ['-msse4.2', '-mno-avx'] };

/** Programs by name and kind; `dispose` removes them. Undefined without a compiler that has OpenMP. */
export function references() {
  const folder = mkdtempSync(join(tmpdir(), 'flowc-bench-'));
  const built = new Map();
  const build = (name, kind) => {
    const program = join(folder, `${name}_${kind}`);
    const options = [
      '-O3',
      '-ffast-math',
      '-fopenmp',
      ...flags[kind],
      join(sources, `${name}.c`),
      '-o',
      program,
      '-lm',
    ];
    return spawnSync('cc', options, { stdio: 'ignore' }).status === 0 ? program : undefined;
  };
  return {
    /** `{ seconds, check }`, or undefined. `clock`: 'wall', or 'processor' where the program knows it. */
    run(name, kind, args, threads, clock = 'wall') {
      const key = `${name} ${kind}`;
      if (!built.has(key)) built.set(key, build(name, kind));
      const program = built.get(key);
      if (program === undefined) return undefined;
      const env = {
        ...process.env,
        OMP_NUM_THREADS: String(threads),
        OMP_WAIT_POLICY: 'active',
        ...(clock === 'processor' ? { PROCESSOR_TIME: '1' } : {}),
      };
      const numbers = execFileSync(program, args.map(String), { env, encoding: 'utf8' })
        .trim()
        .split('\n')
        .map(Number);
      return { seconds: numbers.slice(0, -1), check: numbers.at(-1) };
    },
    dispose() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
