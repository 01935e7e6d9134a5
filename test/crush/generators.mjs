// Three counter-based generators as WGSL on the GPU at hand: nanoseconds for a block of four words, the least of interleaved runs. `node test/crush/generators.mjs`

import { create, globals } from 'webgpu';

Object.assign(globalThis, globals);

const THREADS = 2 ** 18;
const BLOCKS = 32;
const ROUNDS = 25;

const rotations = [
  [10, 26],
  [11, 21],
  [13, 27],
  [23, 5],
  [6, 20],
  [17, 11],
  [25, 10],
  [18, 20],
];

/** Salmon et al. 2011, `rounds` rounds, a key injection after every fourth. */
function threefry(rounds) {
  const lines = [];
  for (let r = 0; r < rounds; r++) {
    const [a, b] = rotations[r % 8];
    const [p, q] = r % 2 === 0 ? ['y', 'w'] : ['w', 'y'];
    lines.push(`x.x += x.${p}; x.${p} = ((x.${p} << ${a}u) | (x.${p} >> ${32 - a}u)) ^ x.x;`);
    lines.push(`x.z += x.${q}; x.${q} = ((x.${q} << ${b}u) | (x.${q} >> ${32 - b}u)) ^ x.z;`);
    if (r % 4 !== 3) continue;
    const s = (r + 1) / 4;
    const word = (i) => ((s + i) % 5 === 4 ? 'parity' : `key.${'xyzw'[(s + i) % 5]}`);
    lines.push(`x += vec4<u32>(${word(0)}, ${word(1)}, ${word(2)}, ${word(3)} + ${s}u);`);
  }
  return `fn block(key: vec4<u32>, counter: vec4<u32>) -> vec4<u32> {
  let parity = 0x1bd11bdau ^ key.x ^ key.y ^ key.z ^ key.w;
  var x = counter + key;
  ${lines.join('\n  ')}
  return x; }`;
}

/** Philox-4x32-10: WGSL has no high half of a product, so it is made of 16-bit halves. */
const philox = `fn high(a: u32, b: u32) -> u32 {
  let al = a & 0xffffu; let ah = a >> 16u; let bl = b & 0xffffu; let bh = b >> 16u;
  let m = ah * bl + ((al * bl) >> 16u);
  let n = al * bh + (m & 0xffffu);
  return ah * bh + (m >> 16u) + (n >> 16u); }
fn block(key: vec4<u32>, counter: vec4<u32>) -> vec4<u32> {
  var x = counter; var k = key.xy;
  for (var i = 0; i < 10; i++) {
    let h0 = high(0xd2511f53u, x.x); let l0 = 0xd2511f53u * x.x;
    let h1 = high(0xcd9e8d57u, x.z); let l1 = 0xcd9e8d57u * x.z;
    x = vec4<u32>(h1 ^ x.y ^ k.x, l1, h0 ^ x.w ^ k.y, l0);
    k += vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
  }
  return x; }`;

const generators = {
  'Threefry-4x32-20': threefry(20),
  'Threefry-4x32-12': threefry(12),
  'Philox-4x32-10': philox,
};

const gpu = create([]);
const adapter = await gpu.requestAdapter();
const device = await adapter.requestDevice();
const out = device.createBuffer({ size: 4 * THREADS, usage: GPUBufferUsage.STORAGE });
const pipelines = Object.entries(generators).map(([name, text]) => {
  const module = device.createShaderModule({
    code: `@group(0) @binding(0) var<storage, read_write> sums: array<u32>;
${text}
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  var sum = 0u;
  for (var i = 0u; i < ${BLOCKS}u; i++) {
    let x = block(vec4<u32>(1u, 2u, 3u, 4u), vec4<u32>(i, id.x, 5u, 6u));
    sum ^= x.x ^ x.y ^ x.z ^ x.w;
  }
  sums[id.x] = sum; }`,
  });
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } });
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer: out } }],
  });
  return { name, pipeline, group, least: Infinity };
});
for (let round = 0; round < ROUNDS; round++)
  for (const each of pipelines) {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(each.pipeline);
    pass.setBindGroup(0, each.group);
    pass.dispatchWorkgroups(THREADS / 64);
    pass.end();
    const before = process.hrtime.bigint();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    const ns = Number(process.hrtime.bigint() - before) / (THREADS * BLOCKS);
    each.least = Math.min(each.least, ns);
  }
console.log(adapter.info?.description ?? 'GPU');
for (const { name, least } of pipelines) console.log(`${name}  ${least.toFixed(2)} ns a block of four words`);
device.destroy();
process.exit(0);
