// The constant area of a module: 16-byte vector constants at fixed low addresses, shared by all its functions. In: constants as the lowering meets them. Out: their addresses and one data segment.

import { InternalError } from '../../support/diagnostic.ts';

/** Address of the first constant; below lie the barrier's words. */
export const CONSTANTS_START = 1024;

export class ConstantPool {
  private readonly places = new Map<string, number>();
  private readonly vectors: Uint8Array[] = [];

  private place(key: string, fill: (view: DataView) => void): number {
    const known = this.places.get(key);
    if (known !== undefined) return known;
    const bytes = new Uint8Array(16);
    fill(new DataView(bytes.buffer));
    const offset = CONSTANTS_START + 16 * this.vectors.length;
    this.vectors.push(bytes);
    this.places.set(key, offset);
    return offset;
  }

  /** A vector of one literal, `(f32.const 0.5)`, in every lane. */
  splat(text: string): number {
    return this.place(text, (view) => {
      const match = /^\((f32|f64|i32|i64)\.const (.*)\)$/.exec(text);
      const [, type, digits = ''] = match ?? [];
      for (let at = 0; at < 16; at += 8) {
        switch (type) {
          case 'f32':
            view.setFloat32(at, parseFloatText(digits), true);
            view.setFloat32(at + 4, parseFloatText(digits), true);
            break;
          case 'f64':
            view.setFloat64(at, parseFloatText(digits), true);
            break;
          case 'i32':
            view.setInt32(at, Number(digits), true);
            view.setInt32(at + 4, Number(digits), true);
            break;
          case 'i64':
            view.setBigInt64(at, BigInt(digits), true);
            break;
          default:
            throw new InternalError('wasm.constants', `no literal: ${text}`);
        }
      }
    });
  }

  integers(lanes: readonly number[]): number {
    return this.place(`integers ${lanes.join(' ')}`, (view) => {
      lanes.forEach((value, lane) => view.setInt32(4 * lane, value, true));
    });
  }

  /** A table of i32, from its first address on. */
  table(values: readonly number[]): number {
    const first = CONSTANTS_START + 16 * this.vectors.length;
    for (let i = 0; i < values.length; i += 4) {
      const part = values.slice(i, i + 4);
      this.place(`table ${first} ${i}`, (view) =>
        part.forEach((v, lane) => view.setInt32(4 * lane, v, true)),
      );
    }
    return first;
  }

  /** Bytes of the area. */
  get bytes(): number {
    return 16 * this.vectors.length;
  }

  /** The contents as the string of a data segment. */
  text(): string {
    return this.vectors
      .map((bytes) => [...bytes].map((b) => `\\${b.toString(16).padStart(2, '0')}`).join(''))
      .join('');
  }
}

function parseFloatText(text: string): number {
  if (text === 'inf') return Infinity;
  if (text === '-inf') return -Infinity;
  return text === 'nan' ? NaN : Number(text);
}
