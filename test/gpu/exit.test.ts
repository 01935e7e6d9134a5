// A process that has used the GPU ends by itself once everything is disposed of, and survives garbage collection while a device lives.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL, fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { openTestDevice } from './support.ts';

const { gpu } = await openTestDevice();
afterAll(() => gpu?.dispose());

const program = `
import { openDevice, createGpuExecutor } from '../../runtime/gpu/index.ts';
import { planOf } from './support.ts';
const gpu = await openDevice();
const plan = planOf(
  [{ name: 'x', type: 'f32', length: 1000, initial: new Array(1000).fill(2) }],
  [{
    kind: 'map', name: 'twice', space: [1000], axes: ['i'], uniforms: [], origins: [],
    buffers: [{ name: 'x', type: 'f32', length: 1000, access: 'read_write' }],
    body: [{
      kind: 'store', buffer: 0, index: { kind: 'var', type: 'i32', name: 'i' },
      value: {
        kind: 'binary', type: 'f32', op: 'mul',
        a: { kind: 'load', type: 'f32', buffer: 0, index: { kind: 'var', type: 'i32', name: 'i' } },
        b: { kind: 'const', type: 'f32', value: 2 },
      },
    }],
  }],
  { go: [{ kind: 'loop', id: 0, count: 10, body: [{ kind: 'dispatch', kernel: 0, buffers: [0], uniforms: [] }] }] },
);
const executor = await createGpuExecutor(plan, gpu);
for (let i = 0; i < 5; i++) {
  globalThis.gc();
  await new Promise((done) => setTimeout(done, 20));
  await executor.write('x', new Float64Array(1000).fill(2));
  await executor.run('go');
  const x = await executor.read('x');
  if (x[999] !== 2048) throw new Error('wrong: ' + x[999]);
}
await executor.dispose();
gpu.dispose();
// Devices that come and go, with and without work on its way, some refused.
for (let i = 0; i < 12; i++) {
  const own = await openDevice(i % 3 === 2 ? { requirements: { storageBuffers: 1e6, bindingBytes: 0, bufferBytes: 0, largest: '' } } : {}).catch(() => undefined);
  if (i % 3 === 1) own.device.queue.onSubmittedWorkDone().catch(() => undefined);
  own?.dispose();
  globalThis.gc();
  await new Promise((done) => setTimeout(done, i % 5));
  globalThis.gc();
}
console.log('done');
`;

describe.skipIf(gpu === undefined)('a process with a GPU', () => {
  it('ends by itself', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'flowc-exit-'));
    try {
      const outfile = join(folder, 'program.mjs');
      const webgpu = pathToFileURL(createRequire(import.meta.url).resolve('webgpu')).href;
      await build({
        stdin: { contents: program, resolveDir: fileURLToPath(new URL('.', import.meta.url)), loader: 'ts' },
        bundle: true,
        platform: 'node',
        format: 'esm',
        outfile,
        logLevel: 'silent',
        plugins: [
          {
            name: 'webgpu-by-place',
            setup(b) {
              b.onResolve({ filter: /^webgpu$/ }, () => ({ path: webgpu, external: true }));
            },
          },
        ],
      });
      // Rejects when the process fails or has to be killed.
      const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', outfile], {
        timeout: 60_000,
      });
      expect(stdout.trim()).toBe('done');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
