import { expect, test } from 'vitest';
import { threefry4x32 } from '../../compiler/support/threefry.ts';

const block = (
  key: readonly [number, number, number, number],
  counter: readonly [number, number, number, number],
): string => {
  const out = new Uint32Array(4);
  threefry4x32(...key, ...counter, out);
  return Array.from(out, (word) => word.toString(16).padStart(8, '0')).join(' ');
};

// The known-answer vectors published with Random123 (threefry4x32, 20 rounds).
test('Threefry-4x32-20 gives the published vectors', () => {
  const ones = [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] as const;
  expect(block([0, 0, 0, 0], [0, 0, 0, 0])).toBe('9c6ca96a e17eae66 fc10ecd4 5256a7d8');
  expect(block(ones, ones)).toBe('2a881696 57012287 f6c7446e a16a6732');
  expect(
    block([0xa4093822, 0x299f31d0, 0x082efa98, 0xec4e6c89], [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344]),
  ).toBe('59cd1dbb b8879579 86b5d00c ac8b6d84');
});
