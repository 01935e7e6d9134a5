// Where the standard library's .flow files lie: `stdlib/` at the root of the package, seen from the bundle in dist/ or from
// the sources in compiler/cli/. The compiler itself reads no files; the command line hands it a reader made from this.

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

declare const __FLOWC_BUNDLED__: boolean | undefined;

const isBundled = typeof __FLOWC_BUNDLED__ === 'boolean' && __FLOWC_BUNDLED__;

/** Absolute path of the folder that holds `ode.flow`, `optim.flow` and the other modules `std.*`. */
export function stdlibDirectory(): string {
  return fileURLToPath(new URL(isBundled ? '../stdlib/' : '../../stdlib/', import.meta.url));
}

/**
 * The syntax tree of a library module, which the build wrote beside the bundle (build.mjs): the module's text, then its tree as text. Undefined when there is none, or when the module was edited
 * since.
 */
export function libraryTree(path: string, text: string): string | undefined {
  if (!isBundled) return undefined;
  const file = new URL(`library/${path}`, import.meta.url);
  if (!existsSync(file)) return undefined;
  const written = readFileSync(file, 'utf8');
  return written.startsWith(text) && written[text.length] === '\0'
    ? written.slice(text.length + 1)
    : undefined;
}
