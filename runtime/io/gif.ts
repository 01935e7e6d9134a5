// Animated GIF (GIF89a), repeated without end. In: frames of RGB pixels of one size. Out: bytes. All frames share one table of at most 256 colours, chosen by median cut (Heckbert 1982) over
// colours of 5 bits a channel; each colour is the mean of the pixels it stands for. The data are compressed by the variable-length LZW of the format (codes of 9 to 12 bits, the table
// cleared when it is full). The same frames give the same bytes.

import { InternalError } from '../../compiler/support/diagnostic.ts';

export interface GifFrame {
  readonly width: number;
  readonly height: number;
  /** Three bytes a pixel, rows from the top. */
  readonly pixels: Uint8Array;
}

const TABLE = 256;
/** Bits of a channel that tell colours apart. */
const BITS = 5;
const LARGEST = 65_535;

/** `delay`: seconds that a frame is shown, a multiple of 0.01. */
export function encode_gif(frames: readonly GifFrame[], delay = 0.06): Uint8Array {
  const [first] = frames;
  if (first === undefined || frames.some((f) => f.width !== first.width || f.height !== first.height))
    throw new InternalError('io.gif', 'an animation has frames, all of one size');
  if (first.width > LARGEST || first.height > LARGEST)
    throw new InternalError('io.gif', 'a frame is too large');
  const { colours, indexOf } = colourTable(frames);
  const out: number[] = [];
  const word = (x: number): void => void out.push(x & 0xff, x >> 8);
  const text = (s: string): void => void out.push(...new TextEncoder().encode(s));
  text('GIF89a');
  word(first.width);
  word(first.height);
  // A global table of 256 colours with 8 bits a channel, background 0, square pixels.
  out.push(0xf7, 0, 0);
  for (let i = 0; i < TABLE; i++) out.push(...(colours[i] ?? [0, 0, 0]));
  out.push(0x21, 0xff, 11);
  text('NETSCAPE2.0');
  out.push(3, 1, 0, 0, 0);
  const parts: Uint8Array[] = [Uint8Array.from(out)];
  const hundredths = Math.round(delay * 100);
  for (const frame of frames) {
    parts.push(Uint8Array.of(0x21, 0xf9, 4, 0, hundredths & 0xff, hundredths >> 8, 0, 0));
    const { width, height } = frame;
    parts.push(
      Uint8Array.of(0x2c, 0, 0, 0, 0, width & 0xff, width >> 8, height & 0xff, height >> 8, 0, 8),
      compressed(Uint8Array.from({ length: width * height }, (_, i) => indexOf(frame, i))),
    );
  }
  parts.push(Uint8Array.of(0x3b));
  const bytes = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

// ---------------------------------------------------------------------------------------------------------------- colours

type Triple = [number, number, number];

interface Bin {
  readonly key: number;
  readonly coarse: Triple;
  readonly sum: Triple;
  count: number;
}

function colourTable(frames: readonly GifFrame[]): {
  readonly colours: readonly Triple[];
  readonly indexOf: (frame: GifFrame, pixel: number) => number;
} {
  const drop = 8 - BITS;
  const bins = new Map<number, Bin>();
  const keyAt = ({ pixels }: GifFrame, pixel: number): number => {
    const [r, g, b] = [pixels[pixel * 3] ?? 0, pixels[pixel * 3 + 1] ?? 0, pixels[pixel * 3 + 2] ?? 0];
    return ((r >> drop) << (2 * BITS)) | ((g >> drop) << BITS) | (b >> drop);
  };
  for (const frame of frames) {
    for (let i = 0; i < frame.width * frame.height; i++) {
      const key = keyAt(frame, i);
      let bin = bins.get(key);
      if (bin === undefined) {
        const mask = (1 << BITS) - 1;
        bin = {
          key,
          coarse: [key >> (2 * BITS), (key >> BITS) & mask, key & mask],
          sum: [0, 0, 0],
          count: 0,
        };
        bins.set(key, bin);
      }
      bin.count++;
      for (let c = 0; c < 3; c++) bin.sum[c] = (bin.sum[c] ?? 0) + (frame.pixels[i * 3 + c] ?? 0);
    }
  }
  const boxes = cut([...bins.values()]);
  const index = new Map<number, number>();
  boxes.forEach((box, i) => {
    for (const bin of box) index.set(bin.key, i);
  });
  return {
    colours: boxes.map((box): Triple => {
      const count = box.reduce((n, bin) => n + bin.count, 0);
      const mean = (c: number): number =>
        Math.round(box.reduce((s, bin) => s + (bin.sum[c] ?? 0), 0) / Math.max(1, count));
      return [mean(0), mean(1), mean(2)];
    }),
    indexOf: (frame, pixel) => index.get(keyAt(frame, pixel)) ?? 0,
  };
}

/** Boxes of colours: the one that is widest is cut at the median of its widest channel until there are 256. */
function cut(bins: readonly Bin[]): readonly (readonly Bin[])[] {
  interface Box {
    readonly bins: readonly Bin[];
    readonly channel: number;
    readonly width: number;
  }
  const boxOf = (list: readonly Bin[]): Box => {
    const widths = [0, 1, 2].map((c) => {
      const values = list.map((bin) => bin.coarse[c] ?? 0);
      return values.length === 0 ? 0 : Math.max(...values) - Math.min(...values);
    });
    const width = Math.max(...widths);
    return { bins: list, channel: widths.indexOf(width), width };
  };
  let boxes = [boxOf(bins)];
  while (boxes.length < TABLE) {
    const widest = boxes.reduce((x, y) => (y.width > x.width ? y : x));
    if (widest.width === 0) break;
    const sorted = [...widest.bins].sort(
      (x, y) => (x.coarse[widest.channel] ?? 0) - (y.coarse[widest.channel] ?? 0) || x.key - y.key,
    );
    // By the number of colours, not of pixels: the few of a thin line count as well.
    const middle = sorted.length >> 1;
    boxes = boxes.flatMap((box) =>
      box === widest ? [boxOf(sorted.slice(0, middle)), boxOf(sorted.slice(middle))] : [box],
    );
  }
  return boxes.map((box) => box.bins);
}

// ------------------------------------------------------------------------------------------------------------ compression

const CLEAR = 256;
const END = 257;
const LONGEST_CODE = 12;

/** Indices as blocks of at most 255 bytes of LZW codes, least significant bit first. */
function compressed(indices: Uint8Array): Uint8Array {
  const bytes: number[] = [];
  let held = 0;
  let bits = 0;
  let size = 9;
  const put = (code: number): void => {
    held |= code << bits;
    bits += size;
    while (bits >= 8) {
      bytes.push(held & 0xff);
      held >>>= 8;
      bits -= 8;
    }
  };
  /** Sequence of a known code and one more index -> its code. */
  let known = new Map<number, number>();
  let next = END + 1;
  put(CLEAR);
  let prefix = indices[0] ?? 0;
  for (let i = 1; i < indices.length; i++) {
    const index = indices[i] ?? 0;
    const key = (prefix << 8) | index;
    const code = known.get(key);
    if (code !== undefined) {
      prefix = code;
      continue;
    }
    put(prefix);
    prefix = index;
    if (next === 2 ** LONGEST_CODE) {
      put(CLEAR);
      known = new Map();
      next = END + 1;
      size = 9;
      continue;
    }
    known.set(key, next);
    // A reader knows this code one step later, so the longer codes begin one step later too.
    if (next === 2 ** size) size++;
    next++;
  }
  put(prefix);
  put(END);
  if (bits > 0) bytes.push(held & 0xff);
  const out: number[] = [];
  for (let i = 0; i < bytes.length; i += 255) {
    const block = bytes.slice(i, i + 255);
    out.push(block.length);
    for (const byte of block) out.push(byte);
  }
  out.push(0);
  return Uint8Array.from(out);
}
