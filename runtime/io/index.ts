// What the rest of flowc uses of this room. One format a file; files are read and written here and nowhere else in runtime/.

export type { NamedArray, NamedText, SaveEntry, ValueKind } from './array.ts';
export { namedArray, shapeText, sizeOf } from './array.ts';
export type { LoadOptions, SaveOptions } from './formats.ts';
export { decode_shape, decode_value, encode_values, knownExtensions, require_finite } from './formats.ts';
export { load_shape, load_value, save_values } from './save.ts';
export { read_file, write_file } from './write_file.ts';
