// Bundles the sources into dist/ and emits the type declarations.
// In: the entries below that exist. Out: dist/flowc.js (the command), dist/compiler.js, dist/runtime.js, shared chunks beside
// them, dist/library/** (the standard library parsed), dist/types/**. `webgpu`, which has a native part, stays outside the bundle and is imported
// where it is used; the licences of the packages inside go into dist/THIRD_PARTY_LICENSES.txt.
// `node build.mjs --no-types` leaves the declarations out, `--outdir=DIR` builds elsewhere.

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = dirname(fileURLToPath(import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const outdir = resolve(
  root,
  process.argv.find((word) => word.startsWith('--outdir='))?.slice('--outdir='.length) ?? 'dist',
);

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

rmSync(outdir, { recursive: true, force: true });
const { metafile } = await build({
  metafile: true,
  absWorkingDir: root,
  entryPoints: present,
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  chunkNames: 'chunk-[hash]',
  external: ['webgpu'],
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
chmodSync(join(outdir, 'flowc.js'), 0o755);
writeFileSync(join(outdir, 'THIRD_PARTY_LICENSES.txt'), third_party_licences(Object.keys(metafile.inputs)));
await write_library_trees();

if (!process.argv.includes('--no-types')) emit_declarations();

/** The standard library parsed: dist/library/std.NAME has the module's text, a zero and its tree (compiler/syntax/tree_text.ts). A module with errors has none and is parsed when it is used. */
async function write_library_trees() {
  const { parseFile, writeTree } = await import(pathToFileURL(join(outdir, 'compiler.js')).href);
  mkdirSync(join(outdir, 'library'));
  for (const file of readdirSync(join(root, 'stdlib'))) {
    if (!file.endsWith('.flow')) continue;
    const path = `std.${file.slice(0, -'.flow'.length)}`;
    const text = readFileSync(join(root, 'stdlib', file), 'utf8');
    const { ast, diagnostics } = parseFile({ path, text });
    if (diagnostics.length === 0) writeFileSync(join(outdir, 'library', path), `${text}\0${writeTree(ast)}`);
  }
}

/** Declarations are a service to users of the two library entries; a type error is reported by `npm test`, not by the build. */
function emit_declarations() {
  const typed = ['compiler', 'runtime'].filter((name) => name in present).map((name) => entries[name]);
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  if (typed.length === 0 || !existsSync(tsc)) return;
  const flags = [
    '--ignoreConfig --target ES2022 --module ESNext --moduleResolution Bundler --lib ES2023,DOM --types node,@webgpu/types',
    '--strict --skipLibCheck --allowImportingTsExtensions --rewriteRelativeImportExtensions --declaration --emitDeclarationOnly',
    '--rootDir . --outDir',
  ].join(' ');
  const words = [...typed, ...flags.split(' '), join(outdir, 'types')];
  const { status, stdout } = spawnSync(process.execPath, [tsc, ...words], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status !== 0)
    process.stderr.write(`build: some declarations have type errors (run "npm run typecheck")\n${stdout}`);
}

/** The licence texts of the packages whose code is part of the bundle. */
function third_party_licences(inputs) {
  const packages = new Set(
    inputs.flatMap((file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.slice(1, 2) ?? []),
  );
  return [...packages]
    .sort()
    .map((name) => {
      const folder = join(root, 'node_modules', name);
      const { license, version: release } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
      const text = file === undefined ? '' : `\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
      return `${name} ${release} (${license})\n${text}`;
    })
    .join(`\n${'-'.repeat(80)}\n\n`);
}
