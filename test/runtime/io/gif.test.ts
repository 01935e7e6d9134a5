// Animated GIFs: what is written is read by a decoder written here from the format's description, pixel for pixel; few colours stay what they are, many are near.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { at } from '../../../compiler/support/lists.ts';
import type { GifFrame } from '../../../runtime/io/gif.ts';
import { encode_gif } from '../../../runtime/io/gif.ts';
import { render_animation } from '../../../runtime/picture/index.ts';

interface Decoded {
  readonly width: number;
  readonly height: number;
  readonly loops: boolean;
  readonly frames: readonly { readonly delay: number; readonly pixels: readonly number[] }[];
}

function decode(bytes: Uint8Array): Decoded {
  let place = 0;
  const byte = (): number => bytes[place++] ?? NaN;
  const word = (): number => byte() + 256 * byte();
  const text = (n: number): string => String.fromCharCode(...bytes.subarray(place, (place += n)));
  expect(text(6)).toBe('GIF89a');
  const [width, height] = [word(), word()];
  const flags = byte();
  place += 2;
  const colours = 2 ** ((flags & 7) + 1);
  const table = [...bytes.subarray(place, (place += 3 * colours))];
  const blocks = (): number[] => {
    const out: number[] = [];
    for (let n = byte(); n > 0; n = byte()) out.push(...bytes.subarray(place, (place += n)));
    return out;
  };
  const frames: { delay: number; pixels: number[] }[] = [];
  let loops = false;
  let delay = 0;
  for (;;) {
    const kind = byte();
    if (kind === 0x3b) break;
    if (kind === 0x21) {
      const label = byte();
      const data = blocks();
      if (label === 0xf9) delay = at(data, 1) + 256 * at(data, 2);
      else loops = String.fromCharCode(...data.slice(0, 11)) === 'NETSCAPE2.0';
      continue;
    }
    expect(kind).toBe(0x2c);
    expect([word(), word(), word(), word(), byte()]).toEqual([0, 0, width, height, 0]);
    const least = byte();
    const indices = unpack(blocks(), least);
    expect(indices).toHaveLength(width * height);
    frames.push({ delay, pixels: indices.flatMap((i) => table.slice(3 * i, 3 * i + 3)) });
  }
  expect(place).toBe(bytes.length);
  return { width, height, loops, frames };
}

/** LZW as a reader does it. */
function unpack(data: readonly number[], least: number): number[] {
  const clear = 2 ** least;
  let table: number[][] = [];
  let size = least + 1;
  let before: number[] | undefined;
  const out: number[] = [];
  let bit = 0;
  for (;;) {
    let code = 0;
    for (let k = 0; k < size; k++, bit++) code |= ((at(data, bit >> 3) >> (bit & 7)) & 1) << k;
    if (code === clear) {
      table = Array.from({ length: clear + 2 }, (_, i) => [i]);
      size = least + 1;
      before = undefined;
      continue;
    }
    if (code === clear + 1) return out;
    const known = table[code];
    const entry = known ?? [...(before ?? []), at(before ?? [], 0)];
    out.push(...entry);
    if (before !== undefined && table.length < 4096) table.push([...before, at(entry, 0)]);
    if (table.length === 2 ** size && size < 12) size++;
    before = entry;
  }
}

const frame = (width: number, height: number, colour: (i: number) => readonly number[]): GifFrame => ({
  width,
  height,
  pixels: Uint8Array.from(Array.from({ length: width * height }, (_, i) => colour(i)).flat()),
});

describe('encode_gif', () => {
  test('frames of few colours come back as they are, at their pace, again and again', () => {
    const colours = [
      [255, 255, 255],
      [0, 0, 0],
      [31, 119, 180],
      [214, 39, 40],
    ];
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.infiniteStream(fc.integer({ min: 0, max: 3 })), { minLength: 1, maxLength: 3 }),
        (width, height, streams) => {
          const frames = streams.map((stream) =>
            frame(width, height, () => at(colours, Number(stream.next().value))),
          );
          const decoded = decode(encode_gif(frames, 0.1));
          expect(decoded).toMatchObject({ width, height, loops: true });
          expect(decoded.frames.map((f) => f.pixels)).toEqual(frames.map((f) => [...f.pixels]));
          expect(decoded.frames.every((f) => f.delay === 10)).toBe(true);
        },
      ),
      { numRuns: 25 },
    );
  });

  test('a table of codes that fills up is begun anew', () => {
    // Noise of 200 colours makes every sequence new.
    let state = 1;
    const noisy = frame(120, 120, () => {
      state = (state * 48271) % 2147483647;
      return [8 * (state % 32), 8 * ((state >> 8) % 6), 0];
    });
    expect(decode(encode_gif([noisy])).frames[0]?.pixels).toEqual([...noisy.pixels]);
  });

  test('of very many colours each is near its own', () => {
    const smooth = frame(64, 64, (i) => [4 * (i % 64), 4 * Math.floor(i / 64), 255 - 2 * (i % 64)]);
    const worst = Math.max(
      ...(decode(encode_gif([smooth])).frames[0]?.pixels ?? []).map((x, i) =>
        Math.abs(x - at([...smooth.pixels.subarray(i, i + 1)], 0)),
      ),
    );
    expect(worst).toBeLessThan(20);
  });
});

describe('a moving picture', () => {
  test('has a frame for each, all of one size, with one scale of colours and ordinates', () => {
    const heat = render_animation('auto', [
      {
        label: 'T',
        shape: [3, 4, 5],
        data: Float64Array.from({ length: 60 }, (_, i) => (i < 20 ? 0 : i < 40 ? 1 : 2)),
      },
    ]);
    const frames = decode(heat).frames;
    expect(frames).toHaveLength(3);
    expect(new Set(frames.map((f) => f.pixels.join())).size).toBe(3);
    const lines = render_animation('auto', [
      { label: 'u', shape: [2, 8], data: Float64Array.from({ length: 16 }, (_, i) => (i < 8 ? 0.1 : 5)) },
    ]);
    expect(decode(lines).frames).toHaveLength(2);
  });
  test('of something else is an error that says so', () => {
    const series = (shape: readonly number[]): Parameters<typeof render_animation>[1] => [
      { label: 'T', shape, data: new Float64Array(shape.reduce((n, e) => n * e, 1)) },
    ];
    expect(() => render_animation('auto', series([4]))).toThrow(/wants two or three/);
    expect(() => render_animation('auto', [...series([4, 3]), ...series([5, 3])])).toThrow(
      /4 frames and "T" has 5/,
    );
    expect(() => render_animation('auto', series([0, 3]))).toThrow(/no frames/);
  });
});
