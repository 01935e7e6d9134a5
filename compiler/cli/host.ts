// The compiler's window on the disk. In: nothing but the disk. Out: a CompileHost that reads `.flow` files relative to the file that names them, modules `std.*` from the standard library,
// and data files; and a hash of everything that was read, by which packages know their sources.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { load_value, load_values } from '../../runtime/io/save.ts';
import { read_file } from '../../runtime/io/write_file.ts';
import type { CompileHost, ModuleText } from '../elaborate/context.ts';
import type { SourceFile } from '../support/span.ts';
import { libraryTree, stdlibDirectory } from './stdlib_files.ts';

export interface DiskHost extends CompileHost {
  /** SHA-256 of the program, the modules and the data read so far, hexadecimal. */
  readonly sourceHash: (program: SourceFile) => string;
}

export function createDiskHost(): DiskHost {
  const modules = new Map<string, ModuleText>();
  /** What else the program is made of: name and content. */
  const data = new Map<string, Float64Array>();

  const readText = (file: string, path: string): ModuleText | undefined => {
    if (!existsSync(file)) return undefined;
    const text = new TextDecoder().decode(read_file(file));
    const tree = path.startsWith('std.') ? libraryTree(path, text) : undefined;
    const module: ModuleText = { path, text, ...(tree === undefined ? {} : { tree }) };
    modules.set(path, module);
    return module;
  };

  return {
    readModule(path, from) {
      const standard = path.startsWith('std.');
      const shown = standard ? path : join(dirname(from), path);
      const known = modules.get(shown);
      if (known !== undefined) return known;
      const name = standard ? `${path.slice('std.'.length)}.flow` : '';
      // Names of modules are words: nothing of a path is in them.
      if (standard && !/^[\p{L}\p{N}_]+\.flow$/u.test(name)) return undefined;
      return readText(standard ? join(stdlibDirectory(), name) : resolve(shown), shown);
    },
    readData(path, { column }, span) {
      const shown = path.startsWith('/') ? path : join(dirname(span.file.path), path);
      const value = load_value(shown, { span, ...(column === undefined ? {} : { column }) });
      data.set(`${path}:${column ?? ''}`, value.data);
      return { shape: value.shape, data: value.data, ...(value.kind ? { kind: value.kind } : {}) };
    },
    readArrays(path, span) {
      const shown = path.startsWith('/') ? path : join(dirname(span.file.path), path);
      const values = load_values(shown, span);
      for (const value of values) data.set(`${path}:${value.name}`, value.data);
      return values;
    },
    sourceHash(program) {
      const hash = createHash('sha256').update(program.text);
      for (const [path, { text }] of [...modules].sort(byKey)) hash.update(`\0${path}\0${text}`);
      for (const [path, numbers] of [...data].sort(byKey))
        hash
          .update(`\0${path}\0`)
          .update(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
      return hash.digest('hex');
    },
  };
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
