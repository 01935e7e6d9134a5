// NumPy's .npz: a zip archive with one .npy member an array. In: named arrays, or bytes. Out: bytes, or the named arrays.
// Members are stored without compression, like numpy.savez, and carry one fixed date, so that the same values give the same
// bytes. Compressed archives (numpy.savez_compressed) are read too.

import { unzipSync, zipSync } from 'fflate';
import type { Zippable } from 'fflate';
import { fail } from '../../compiler/support/diagnostic.ts';
import type { Span } from '../../compiler/support/span.ts';
import type { NamedArray } from './array.ts';
import type { NpyType } from './npy.ts';
import { decode_npy, encode_npy, lossless_npy_type } from './npy.ts';

/** The zip format counts from 1980. */
const fixedDate = new Date(1980, 0, 1);
/** Without its 64-bit extension the zip format ends at 4 GiB. */
const largestArchive = 2 ** 32 - 1;

/** Bytes of a .npz file; `typeOf` chooses the element type of each array. Throws R105 above 4 GiB. */
export function encode_npz(
  arrays: readonly NamedArray[],
  typeOf: (array: NamedArray) => NpyType = lossless_npy_type,
  span?: Span,
): Uint8Array {
  const total = arrays.reduce((sum, array) => sum + array.data.length * 8, 0);
  if (total > largestArchive) {
    fail(
      'R105',
      'an .npz file cannot hold more than 4 GiB',
      span,
      'save each array in a .npy file of its own',
    );
  }
  const members: Zippable = {};
  for (const array of arrays) {
    members[`${array.name}.npy`] = [encode_npy(array, typeOf(array)), { level: 0, mtime: fixedDate }];
  }
  return zipSync(members);
}

/** The arrays of a .npz file in the order of the archive. Throws R105, R104. */
export function decode_npz(bytes: Uint8Array, path: string, span?: Span): readonly NamedArray[] {
  let members: Readonly<Record<string, Uint8Array>>;
  try {
    members = unzipSync(bytes);
  } catch (trouble) {
    const reason = trouble instanceof Error ? trouble.message : String(trouble);
    return fail('R105', `"${path}" cannot be read as .npz: ${reason}`, span);
  }
  return Object.entries(members)
    .filter(([name]) => name.endsWith('.npy'))
    .map(([name, content]) => decode_npy(content, name.slice(0, -'.npy'.length), `${path}/${name}`, span));
}
