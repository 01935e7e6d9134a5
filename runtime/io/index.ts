// What the rest of flowc uses of this room. One format a file; files are read and written here and nowhere else in runtime/.

export type { NamedArray, NamedText, SaveEntry, ValueKind } from './array.ts';
export { namedArray, shapeText, sizeOf } from './array.ts';
export type { LoadOptions, SaveOptions } from './save.ts';
export {
  encode_values,
  knownExtensions,
  load_shape,
  load_value,
  require_finite,
  save_values,
} from './save.ts';
export { read_file, write_file } from './write_file.ts';
