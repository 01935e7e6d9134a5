// Run-time integers of dispatches. In: tuples of i32 (the counters of the loops around a dispatch). Out: a buffer and an offset where the device finds them. Equal tuples share a place, so a
// loop that runs again finds its counters already on the device.
//
// Invariants: a place is written before the submission that reads it (`upload` is called before `submit`); places are given anew only after `reset`, which is called when everything encoded
// so far has been submitted (the queue keeps the order of writes and submissions).

import { BufferUsage } from './constants.ts';

/** Places are this far apart: the largest `minUniformBufferOffsetAlignment` WebGPU allows. */
export const uniformStride = 256;
/** Bytes that one tuple may have. */
export const uniformBytes = 256;
const placesPerChunk = 4096;
const chunkWords = (placesPerChunk * uniformStride) / 4;

interface Chunk {
  readonly buffer: GPUBuffer;
  readonly words: Int32Array;
  /** Places written since the last upload. */
  dirtyFrom: number;
  dirtyTo: number;
}

export interface UniformPlace {
  readonly chunk: number;
  readonly offset: number;
}

export class UniformTable {
  private readonly chunks: Chunk[] = [];
  private readonly places = new Map<number | string, UniformPlace>();

  constructor(
    private readonly device: GPUDevice,
    /** When so many chunks are full, the table wants a reset. */
    private readonly mostChunks = 4,
  ) {}

  get full(): boolean {
    return this.places.size >= this.mostChunks * placesPerChunk;
  }

  /** Bytes on the device. */
  get bytes(): number {
    return this.chunks.length * placesPerChunk * uniformStride;
  }

  buffer(chunk: number): GPUBuffer | undefined {
    return this.chunks[chunk]?.buffer;
  }

  place(values: readonly number[]): UniformPlace {
    const key = values.length === 1 ? (values[0] ?? 0) : values.join(',');
    const known = this.places.get(key);
    if (known !== undefined) return known;
    const number = this.places.size;
    const index = Math.floor(number / placesPerChunk);
    const slot = number % placesPerChunk;
    let chunk = this.chunks[index];
    if (chunk === undefined) {
      chunk = {
        buffer: this.device.createBuffer({
          label: 'uniforms',
          size: chunkWords * 4,
          usage: BufferUsage.uniform | BufferUsage.copyTarget,
        }),
        words: new Int32Array(chunkWords),
        dirtyFrom: slot,
        dirtyTo: slot,
      };
      this.chunks.push(chunk);
    }
    chunk.words.set(values, (slot * uniformStride) / 4);
    if (chunk.dirtyFrom === chunk.dirtyTo) chunk.dirtyFrom = slot;
    chunk.dirtyTo = slot + 1;
    const place: UniformPlace = { chunk: index, offset: slot * uniformStride };
    this.places.set(key, place);
    return place;
  }

  /** Sends new places to the device. */
  upload(): void {
    for (const chunk of this.chunks) {
      if (chunk.dirtyFrom === chunk.dirtyTo) continue;
      const start = chunk.dirtyFrom * uniformStride;
      const size = (chunk.dirtyTo - chunk.dirtyFrom) * uniformStride;
      this.device.queue.writeBuffer(chunk.buffer, start, chunk.words.buffer, start, size);
      chunk.dirtyFrom = chunk.dirtyTo = 0;
    }
  }

  /** Forgets all places; their memory is used again. */
  reset(): void {
    this.places.clear();
    for (const chunk of this.chunks) chunk.dirtyFrom = chunk.dirtyTo = 0;
  }

  destroy(): void {
    for (const chunk of this.chunks) chunk.buffer.destroy();
    this.chunks.length = 0;
    this.places.clear();
  }
}
