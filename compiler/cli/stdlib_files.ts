// Where the standard library's .flow files lie: `stdlib/` at the root of the package, seen from the bundle in dist/ or from
// the sources in compiler/cli/. The compiler itself reads no files; the command line hands it a reader made from this.

import { fileURLToPath } from 'node:url';

declare const __FLOWC_BUNDLED__: boolean | undefined;

/** Absolute path of the folder that holds `ode.flow`, `optim.flow` and the other modules `std.*`. */
export function stdlibDirectory(): string {
  const bundled = typeof __FLOWC_BUNDLED__ === 'boolean' && __FLOWC_BUNDLED__;
  return fileURLToPath(new URL(bundled ? '../stdlib/' : '../../stdlib/', import.meta.url));
}
