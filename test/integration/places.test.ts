// A program draws the same numbers wherever its folder lies and whatever its file is called; the files it uses each have draws of their own.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { compiled, runOn } from './support.ts';

const text = `use std.random { normal }
use "parts/noise.flow" { noise }
use "parts/../parts/noise.flow" { noise as again }
data z = draw(normal(0, 1))
run { print "{z, digits: 9} {noise, digits: 9} {again, digits: 9}" }
`;
const part = `use std.random { normal }
data noise = draw(normal(0, 1))
`;

async function drawn(folder: string, name: string): Promise<readonly string[]> {
  const path = join(folder, name);
  mkdirSync(join(dirname(path), 'parts'), { recursive: true });
  writeFileSync(path, text);
  writeFileSync(join(dirname(path), 'parts/noise.flow'), part);
  const { host } = await runOn(compiled({ path, text }), 'cpu', 'run');
  return host.text().trim().split(' ');
}

test('draws do not depend on the place of a program', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'flow-places-'));
  try {
    const [z, noise, again] = await drawn(folder, 'one.flow');
    expect(await drawn(folder, 'elsewhere/two.flow')).toEqual([z, noise, again]);
    expect(noise).not.toBe(z);
    expect(again).toBe(noise);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
