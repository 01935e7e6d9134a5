// Kernel names are unique, whatever the labels.

import { expect, it } from 'vitest';
import { KernelLibrary } from '../../compiler/schedule/library.ts';

it('numbers labels so that no two kernels share a name', () => {
  const library = new KernelLibrary();
  const labels = ['look', 'look', 'look.2', 'look_2', 'look.3', 'look', 'look', '2 look'];
  labels.forEach((label, i) =>
    library.add(
      { kind: 'map', space: [i + 1], axes: ['i0'], buffers: [], uniforms: [], body: [] },
      label,
      [],
    ),
  );
  const names = library.kernels.map((k) => k.name);
  expect(new Set(names).size).toBe(labels.length);
  for (const name of names) expect(name).toMatch(/^[A-Za-z_][A-Za-z0-9_]*$/);
});
