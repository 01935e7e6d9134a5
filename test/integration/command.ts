// The command as a user has it: bundled once for a test file, run as a process in a folder of its own. In: words of a command line. Out: exit status, what was said, and which files are there.

import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './support.ts';

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Bundle {
  run(
    words: readonly string[],
    options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
  ): Outcome;
  readonly command: string;
  dispose(): void;
}

/** Inside the project, so that packages outside the bundle are found. */
export function buildBundle(): Bundle {
  const folder = mkdtempSync(join(root, 'node_modules/.flowc-integration-'));
  // The bundle looks for the standard library beside itself.
  const dist = join(folder, 'dist');
  execFileSync(process.execPath, [join(root, 'build.mjs'), '--no-types', `--outdir=${dist}`]);
  cpSync(join(root, 'stdlib'), join(folder, 'stdlib'), { recursive: true });
  const command = join(dist, 'flowc.js');
  return {
    command,
    run: (words, { cwd, env = {} }) => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...words], {
        encoding: 'utf8',
        cwd,
        env: { ...process.env, NO_COLOR: '1', ...env },
      });
      return { status, stdout, stderr: withoutDriverTalk(stderr) };
    },
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Dawn and Vulkan speak of themselves on standard error. */
function withoutDriverTalk(text: string): string {
  return text.replace(/^Warning: (maxDynamic|vk).*\n(?: +at .*\/dawn\/.*\n\n?)*/gm, '');
}

export function scratchFolder(): string {
  return mkdtempSync(join(tmpdir(), 'flowc-integration-'));
}

/** Names of all files below a folder, hidden ones too, sorted. */
export function filesBelow(folder: string): readonly string[] {
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return entries.filter((entry) => statSync(join(folder, entry)).isFile()).sort();
}
