// Bytes of a WebAssembly binary while they are written: numbers in LEB128, floats, names, parts with their length before them.

export class Bytes {
  private data = new Uint8Array(1024);
  length = 0;

  private reserve(more: number): void {
    if (this.length + more <= this.data.length) return;
    const larger = new Uint8Array(Math.max(2 * this.data.length, this.length + more));
    larger.set(this.data.subarray(0, this.length));
    this.data = larger;
  }

  byte(value: number): void {
    if (this.length === this.data.length) this.reserve(1);
    this.data[this.length++] = value;
  }

  /** An unsigned number below 2^32. */
  unsigned(value: number): void {
    let rest = value >>> 0;
    while (rest >= 128) {
      this.byte((rest & 127) | 128);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** A signed 32-bit number. */
  signed(value: number): void {
    let rest = value | 0;
    for (;;) {
      const low = rest & 127;
      rest >>= 7;
      if ((rest === 0 && (low & 64) === 0) || (rest === -1 && (low & 64) !== 0)) {
        this.byte(low);
        return;
      }
      this.byte(low | 128);
    }
  }

  /** A signed 64-bit number. */
  signed64(value: bigint): void {
    let rest = BigInt.asIntN(64, value);
    for (;;) {
      const low = Number(rest & 127n);
      rest >>= 7n;
      if ((rest === 0n && (low & 64) === 0) || (rest === -1n && (low & 64) !== 0)) {
        this.byte(low);
        return;
      }
      this.byte(low | 128);
    }
  }

  /** 4 or 8 bytes, the low ones first. */
  float(value: number, bytes: 4 | 8): void {
    this.reserve(bytes);
    const view = new DataView(this.data.buffer);
    if (bytes === 4) view.setFloat32(this.length, value, true);
    else view.setFloat64(this.length, value, true);
    this.length += bytes;
  }

  append(other: Uint8Array): void {
    this.reserve(other.length);
    this.data.set(other, this.length);
    this.length += other.length;
  }

  /** A part with its length before it. */
  sized(part: Uint8Array): void {
    this.unsigned(part.length);
    this.append(part);
  }

  name(text: string): void {
    this.sized(new TextEncoder().encode(text));
  }

  done(): Uint8Array {
    return this.data.slice(0, this.length);
  }
}
