// Threads touch the same word between two barriers only to read it: over programs whose steps are of every kind, in two orders of the threads (races.ts).

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as k from '../../compiler/kernel/build.ts';
import type { Plan } from '../../compiler/plan/types.ts';
import { compiled, root } from '../integration/support.ts';
import { traced, type Traced } from './races.ts';
import { axis, buffer, kernelPlan, mapKernel } from './support.ts';

const orders = [
  [0, 1, 2],
  [2, 1, 0],
] as const;

/** Every procedure of a plan: those of the setup first. */
function proceduresOf(plan: Plan): readonly string[] {
  const setup = plan.script.setup.flatMap((s) =>
    'procedure' in s && s.procedure !== undefined ? [s.procedure] : [],
  );
  return [...new Set([...setup, ...Object.keys(plan.procedures)])];
}

async function inOrders(plan: Plan): Promise<readonly Traced[]> {
  const found: Traced[] = [];
  for (const order of orders) found.push(await traced(plan, proceduresOf(plan), order));
  return found;
}

/** Names of buffers that hold other bits in the other order. */
function differences([a, b]: readonly Traced[]): readonly string[] {
  return [...(a?.contents ?? [])].flatMap(([name, bits]) =>
    bits.every((word, i) => word === b?.contents.get(name)?.[i]) ? [] : [name],
  );
}

describe('threads', () => {
  test.each(['adaptive', 'fits', 'gray_scott', 'network', 'transport'])(
    'do not race in %s',
    { timeout: 60_000 },
    async (name) => {
      const path = join(root, 'test/integration/programs', `${name}.flow`);
      const { plan } = compiled({ path, text: readFileSync(path, 'utf8') });
      const found = await inOrders(plan);
      const written = found.flatMap(({ races }) => races.filter((race) => race.kind === 'write'));
      expect(written.slice(0, 3)).toEqual([]);
      expect(differences(found)).toEqual([]);
    },
  );

  test('that write the same word are found', async () => {
    const kernel = mapKernel(
      [4096],
      [buffer('out', 'f32', 8, 'write')],
      [k.store(0, k.binary('rem', axis(0), k.int(8)), k.cast('f32', axis(0)))],
    );
    const [one] = await inOrders(kernelPlan(kernel));
    expect(one?.races.some(({ kind, place }) => kind === 'write' && place === 'out[0]')).toBe(true);
  });

  test('that read what another writes are found', async () => {
    const next = k.load('f32', 0, k.binary('rem', k.add(axis(0), k.int(1)), k.int(4096)));
    const value = k.add(next, k.cast('f32', axis(0)));
    const kernel = mapKernel(
      [4096],
      [buffer('out', 'f32', 4096, 'read_write')],
      [k.store(0, axis(0), value)],
    );
    const found = await inOrders(kernelPlan(kernel));
    expect(found[0]?.races.some(({ kind }) => kind === 'read')).toBe(true);
    expect(differences(found)).toEqual(['out']);
  });
});
