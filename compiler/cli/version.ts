// The version of flowc: the bundle carries it as a constant, an unbundled run (tests) reads it from package.json.

import { readFileSync } from 'node:fs';

declare const __FLOWC_VERSION__: string | undefined;

export function versionText(): string {
  if (typeof __FLOWC_VERSION__ === 'string') return __FLOWC_VERSION__;
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest)
    return String(manifest.version);
  return 'unknown';
}
