// Whole files: dispatch by extension, nothing half-written, names in errors.

import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { namedArray } from '../../../runtime/io/array.ts';
import { decode_value, encode_values, require_finite } from '../../../runtime/io/formats.ts';
import { load_shape, load_value, save_values } from '../../../runtime/io/save.ts';
import { read_file, write_file } from '../../../runtime/io/write_file.ts';

const scratch = { directory: '' };
beforeEach(() => {
  scratch.directory = mkdtempSync(join(tmpdir(), 'flowc-io-'));
});
afterEach(() => {
  rmSync(scratch.directory, { recursive: true, force: true });
});
const file = (name: string): string => join(scratch.directory, name);

const k = namedArray('k', [2, 3], Float64Array.of(1, 2, 3, 4, 5, 6.5));
const v = namedArray('v', [3], Float64Array.of(1, 2, 3));

describe('save_values and load_value', () => {
  test.each(['a.npy', 'a.npz', 'a.csv', 'a.json', 'deep/er/a.NPY'])('%s keeps a matrix', (name) => {
    save_values(file(name), [k]);
    const back = load_value(file(name));
    expect(back.shape).toEqual([2, 3]);
    expect(back.data).toEqual(k.data);
    expect(load_shape(file(name))).toEqual([2, 3]);
    expect(readdirSync(join(file(name), '..')).filter((entry) => entry.includes('.tmp'))).toEqual([]);
  });

  test('members of an archive are chosen by name', () => {
    save_values(file('a.npz'), [k, v]);
    expect(load_value(file('a.npz'), { column: 'v' })).toEqual(v);
    expect(() => load_value(file('a.npz'))).toThrow(/holds 2 arrays: say which/);
    expect(() => load_value(file('a.npz'), { column: 'w' })).toThrow(/has no array "w"/);
  });

  test('single precision is written on demand', () => {
    save_values(file('a.npy'), [k], { real: 'f4' });
    expect(readFileSync(file('a.npy')).length).toBe(128 + 6 * 4);
    expect(load_value(file('a.npy')).data).toEqual(k.data);
  });

  test('what a format cannot hold is said before a file appears', () => {
    expect(() => save_values(file('a.npy'), [k, v])).toThrow(/one array, not 2/);
    expect(() => save_values(file('a.npz'), [k, k])).toThrow(/"k" is saved twice/);
    expect(() => save_values(file('a.csv'), [{ name: 'note', text: 'x' }])).toThrow(
      /a text, which a \.csv file cannot hold/,
    );
    expect(() => save_values(file('a.npq'), [k])).toThrow(/unknown extension \.npq/);
    expect(() => save_values(file('a'), [k])).toThrow(/has no extension/);
    expect(readdirSync(scratch.directory)).toEqual([]);
  });

  test('a missing file names its neighbour', () => {
    save_values(file('hare_lynx.csv'), [v]);
    expect(() => load_value(file('hare_links.csv'))).toThrow(/R100.*there is no file/);
    try {
      load_value(file('hare_links.csv'));
    } catch (trouble) {
      expect(JSON.stringify(trouble)).toContain('hare_lynx.csv');
    }
  });

  test('names of values come from the file name where the format has none', () => {
    const bytes = encode_values('x.npy', [v]);
    if (typeof bytes === 'string') throw new Error('a .npy file is bytes');
    const names = ['dir.ext/pelts.v2.npy', 'C:\\data\\pelts.NPY', '.x.npy'].map(
      (path) => decode_value(path, bytes).name,
    );
    expect(names).toEqual(['pelts.v2', 'pelts', '.x']);
    expect(() => decode_value('dir.npy/pelts', bytes)).toThrow(/has no extension/);
    expect(() => decode_value('.npy', bytes)).toThrow(/has no extension/);
  });

  test('require_finite names the first bad element', () => {
    expect(() => require_finite(k, 'a.npy')).not.toThrow();
    const bad = namedArray('T', [2, 2], Float64Array.of(1, 2, NaN, Infinity));
    expect(() => require_finite(bad, 'T.npy')).toThrow(/R114: "T" of "T\.npy" is NaN at index \[1, 0\]/);
    expect(() => require_finite(namedArray('s', [], Float64Array.of(-Infinity)), 's.npy')).toThrow(
      /is -Infinity$/,
    );
  });
});

describe('write_file', () => {
  test('replaces a file whole', () => {
    write_file(file('a.txt'), 'old and long');
    write_file(file('a.txt'), 'new');
    expect(readFileSync(file('a.txt'), 'utf8')).toBe('new');
  });

  test('a failing write leaves the old file and no temporary one', () => {
    mkdirSync(file('taken.txt'));
    writeFileSync(file('taken.txt/inside'), '');
    expect(() => write_file(file('taken.txt'), 'x')).toThrow(/R103/);
    expect(readdirSync(scratch.directory)).toEqual(['taken.txt']);
    expect(() => write_file(file('taken.txt/inside/a.txt'), 'x')).toThrow(/a part of the path is a file/);
  });

  test.skipIf(process.getuid?.() === 0)('a directory without permission is named', () => {
    mkdirSync(file('closed'));
    chmodSync(file('closed'), 0o500);
    expect(() => write_file(file('closed/a.txt'), 'x')).toThrow(/permission denied/);
    expect(existsSync(file('closed/a.txt'))).toBe(false);
  });

  test('reading a directory is an error of its own', () => {
    expect(() => read_file(scratch.directory)).toThrow(/R101.*it is a directory/);
  });
});
