// Files appear whole or not at all. Writing goes to a temporary name in the same directory, is flushed to the disk and then
// renamed over the target; whatever fails, the temporary file is removed and an older file keeps its content.
// Errors are FlowErrors: R100 no such file, R101 cannot read, R103 cannot write.

import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { randomUUID } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { fail } from '../../compiler/support/diagnostic.ts';
import type { Span } from '../../compiler/support/span.ts';
import { didYouMean } from '../../compiler/support/did_you_mean.ts';

/** Writes a whole file, making its directory if need be. Throws R103. */
export function write_file(path: string, content: Uint8Array | string, span?: Span): void {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFlushed(temporary, bytes);
    renameSync(temporary, path);
  } catch (trouble) {
    removeIfThere(temporary);
    fail(
      'R103',
      `cannot write "${path}": ${reasonText(trouble)}`,
      span,
      'check the directory given with --out and the space left',
    );
  }
}

function writeFlushed(path: string, bytes: Uint8Array): void {
  const file = openSync(path, 'wx');
  try {
    for (let offset = 0; offset < bytes.length;) offset += writeSync(file, bytes, offset);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function removeIfThere(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It was never made: the directory itself is missing or no directory.
  }
}

/** Reads a whole file. Throws R100 with the nearest name in the same directory, or R101. */
export function read_file(path: string, span?: Span): Uint8Array {
  try {
    return readFileSync(path);
  } catch (trouble) {
    if (errorCode(trouble) === 'ENOENT') {
      const near = didYouMean(basename(path), namesIn(dirname(path)));
      const help = near
        ? `did you mean "${join(dirname(path), near)}"?`
        : span === undefined
          ? 'a path on the command line is relative to the directory you are in'
          : 'the path in load(…) is relative to the .flow file';
      return fail('R100', `there is no file "${path}"`, span, help);
    }
    return fail('R101', `cannot read "${path}": ${reasonText(trouble)}`, span);
  }
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function errorCode(trouble: unknown): string {
  return trouble instanceof Error && 'code' in trouble ? String(trouble.code) : '';
}

/** The system's reason in plain words. */
function reasonText(trouble: unknown): string {
  const reasons: Readonly<Record<string, string>> = {
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    EROFS: 'the file system is read-only',
    ENOSPC: 'no space left on the disk',
    EISDIR: 'it is a directory',
    ENOTDIR: 'a part of the path is a file, not a directory',
    EEXIST: 'a part of the path is a file, not a directory',
    EMFILE: 'too many files are open',
    ENAMETOOLONG: 'the name is too long',
  };
  return reasons[errorCode(trouble)] ?? (trouble instanceof Error ? trouble.message : String(trouble));
}
