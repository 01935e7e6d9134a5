// Bundles the sources into dist/ and emits the type declarations.
// In: the entries below that exist. Out: dist/flowc.js (the command), dist/compiler.js, dist/runtime.js, shared chunks beside
// them, dist/types/**. Packages with native or WebAssembly parts (`webgpu`, `wabt`) stay outside the bundle and are imported
// where they are used. `node build.mjs --no-types` leaves the declarations out.

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(fileURLToPath(import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Output name -> source. The compiler and the runtime never share a bundle entry with the command line. */
const entries = {
  flowc: 'compiler/cli/main.ts',
  compiler: 'compiler/index.ts',
  runtime: 'runtime/index.ts',
  cpu_worker: 'runtime/cpu/worker.ts',
};
const present = Object.fromEntries(
  Object.entries(entries).filter(([, file]) => existsSync(join(root, file))),
);

rmSync(join(root, 'dist'), { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: present,
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  chunkNames: 'chunk-[hash]',
  external: ['webgpu', 'wabt'],
  define: { __FLOWC_VERSION__: JSON.stringify(version), __FLOWC_BUNDLED__: 'true' },
  // Bundled CommonJS packages may still ask for `require` of a Node module.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
});
chmodSync(join(root, 'dist/flowc.js'), 0o755);

if (!process.argv.includes('--no-types')) emit_declarations();

/** Declarations are a service to users of the two library entries; a type error is reported by `npm test`, not by the build. */
function emit_declarations() {
  const typed = ['compiler', 'runtime'].filter((name) => name in present).map((name) => entries[name]);
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  if (typed.length === 0 || !existsSync(tsc)) return;
  const flags = [
    '--ignoreConfig --target ES2022 --module ESNext --moduleResolution Bundler --lib ES2023,DOM --types node,@webgpu/types',
    '--strict --skipLibCheck --allowImportingTsExtensions --rewriteRelativeImportExtensions --declaration --emitDeclarationOnly',
    '--rootDir . --outDir dist/types',
  ].join(' ');
  const { status, stdout } = spawnSync(process.execPath, [tsc, ...typed, ...flags.split(' ')], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status !== 0)
    process.stderr.write(`build: some declarations have type errors (run "npm run typecheck")\n${stdout}`);
}
