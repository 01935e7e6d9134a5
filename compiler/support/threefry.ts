// Threefry-4x32-20, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC'11): four key words and
// four counter words give four random words. Pure integer arithmetic, so the bits are the same on every target. Checked against the published
// vectors of Random123.

/** Rotation distances of the two mixes of a round; round r uses entry r mod 8. */
export const THREEFRY_ROTATIONS: readonly (readonly [number, number])[] = [
  [10, 26],
  [11, 21],
  [13, 27],
  [23, 5],
  [6, 20],
  [17, 11],
  [25, 10],
  [18, 20],
];

/** The Skein parity word that makes the fifth key word. */
export const THREEFRY_PARITY = 0x1bd11bda;

function rotate(x: number, distance: number): number {
  return (x << distance) | (x >>> (32 - distance));
}

/** Writes the four words for key k0..k3 and counter c0..c3 (all taken modulo 2^32) to `out[0..3]`. */
export function threefry4x32(
  k0: number,
  k1: number,
  k2: number,
  k3: number,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  out: Uint32Array,
): void {
  const k4 = THREEFRY_PARITY ^ k0 ^ k1 ^ k2 ^ k3;
  const key = [k0 | 0, k1 | 0, k2 | 0, k3 | 0, k4 | 0];
  const word = (i: number): number => key[i % 5] ?? 0;
  let x0 = (c0 + k0) | 0;
  let x1 = (c1 + k1) | 0;
  let x2 = (c2 + k2) | 0;
  let x3 = (c3 + k3) | 0;
  for (let round = 0; round < 20; round++) {
    const [a, b] = THREEFRY_ROTATIONS[round % 8] ?? [0, 0];
    if (round % 2 === 0) {
      x0 = (x0 + x1) | 0;
      x1 = rotate(x1, a) ^ x0;
      x2 = (x2 + x3) | 0;
      x3 = rotate(x3, b) ^ x2;
    } else {
      x0 = (x0 + x3) | 0;
      x3 = rotate(x3, a) ^ x0;
      x2 = (x2 + x1) | 0;
      x1 = rotate(x1, b) ^ x2;
    }
    if (round % 4 === 3) {
      const s = (round + 1) / 4;
      x0 = (x0 + word(s)) | 0;
      x1 = (x1 + word(s + 1)) | 0;
      x2 = (x2 + word(s + 2)) | 0;
      x3 = (x3 + word(s + 3) + s) | 0;
    }
  }
  out[0] = x0;
  out[1] = x1;
  out[2] = x2;
  out[3] = x3;
}
