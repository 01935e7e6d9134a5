// Single operations of the CPU target: elementary functions in nanoseconds an element, matrix products in GFLOP/s, and what compiling and starting cost.

import { availableParallelism } from 'node:os';
import { loadCompiler, loadRuntime } from '../host.mjs';
import { median } from '../table.mjs';

const script = { inputs: [], files: [], setup: [], runs: {}, tests: [], params: [] };
const bytesOf = { f32: 4, f64: 8 };

function planOf(kernel, type) {
  const buffers = kernel.buffers.map((b, id) => ({
    id,
    role: 'variable',
    name: b.name,
    type,
    shape: [b.length],
    bytes: bytesOf[type] * b.length,
  }));
  const dispatch = { kind: 'dispatch', kernel: 0, buffers: buffers.map((b) => b.id), uniforms: [] };
  return {
    version: 1,
    name: 'bench',
    precision: type,
    buffers,
    kernels: [kernel],
    procedures: { main: { name: 'main', steps: [dispatch] } },
    script,
    code: {},
    bytes: 0,
  };
}

async function opened(plan, options) {
  const [compiler, runtime] = await Promise.all([loadCompiler(), loadRuntime()]);
  const wasm = await compiler.emitWasm(plan);
  return runtime.openExecutor({ ...plan, code: { wasm } }, 'cpu', options);
}

async function timed(executor, repeats, times) {
  const list = [];
  await executor.run('main', times);
  for (let i = 0; i < repeats; i++) {
    const began = performance.now();
    await executor.run('main', times);
    list.push((performance.now() - began) / times);
  }
  return { min: Math.min(...list), median: median(list) };
}

const elements = 4096;
const ranges = {
  exp: [-80, 80],
  expm1: [-20, 20],
  log: [1e-3, 1e3],
  log1p: [-0.9, 10],
  sin: [-100, 100],
  cos: [-100, 100],
  tan: [-100, 100],
  asin: [-1, 1],
  acos: [-1, 1],
  atan: [-5, 5],
  sinh: [-20, 20],
  cosh: [-20, 20],
  tanh: [-5, 5],
  pow: [0.1, 10],
  atan2: [-5, 5],
};

async function elementary(op, type) {
  const load = (buffer) => ({ kind: 'load', type, buffer, index: { kind: 'var', type: 'i32', name: 'i' } });
  const value =
    op === 'pow' || op === 'atan2'
      ? { kind: 'binary', type, op, a: load(0), b: load(1) }
      : { kind: 'unary', type, op, a: load(0) };
  const kernel = {
    kind: 'map',
    name: op,
    space: [elements],
    axes: ['i'],
    uniforms: [],
    origins: [],
    buffers: ['x', 'y', 'out'].map((name) => ({
      name,
      type,
      length: elements,
      access: name === 'out' ? 'write' : 'read',
    })),
    body: [{ kind: 'store', buffer: 2, index: { kind: 'var', type: 'i32', name: 'i' }, value }],
  };
  const executor = await opened(planOf(kernel, type), { threads: 1 });
  const [from, to] = ranges[op];
  const x = Float64Array.from({ length: elements }, (_, i) => from + ((to - from) * (i + 0.5)) / elements);
  await executor.write('x', x);
  await executor.write(
    'y',
    x.map((v) => 0.5 + Math.abs(v) / 10),
  );
  const { min } = await timed(executor, 20, 50);
  await executor.dispose();
  return (min * 1e6) / elements;
}

async function product(m, n, k, type, threads) {
  const view = (buffer, columns) => ({
    buffer,
    offset: 0,
    batchStride: 0,
    rowStride: columns,
    columnStride: 1,
  });
  const buffers = [
    ['a', m * k],
    ['b', k * n],
    ['c', m * n],
  ].map(([name, length]) => ({ name, type, length, access: name === 'c' ? 'write' : 'read' }));
  const kernel = {
    kind: 'matmul',
    name: 'product',
    type,
    batch: 1,
    m,
    n,
    k,
    a: view(0, k),
    b: view(1, n),
    c: view(2, n),
    buffers,
    uniforms: [],
    origins: [],
  };
  const executor = await opened(planOf(kernel, type), { threads });
  await executor.write(
    'a',
    Float64Array.from({ length: m * k }, (_, i) => Math.sin(i)),
  );
  await executor.write(
    'b',
    Float64Array.from({ length: k * n }, (_, i) => Math.cos(i)),
  );
  const { min, median: middle } = await timed(executor, 20, 2);
  await executor.dispose();
  const rate = (ms) => (2 * m * n * k) / ms / 1e6;
  return [`${m} × ${n} × ${k} ${type}`, threads, rate(min), rate(middle)];
}

export async function run() {
  const functions = [];
  for (const op of Object.keys(ranges))
    functions.push([op, ranges[op].join(' .. '), await elementary(op, 'f32'), await elementary(op, 'f64')]);
  const products = [];
  for (const [m, n, k, type] of [
    [1024, 1024, 256, 'f32'],
    [8192, 64, 64, 'f32'],
    [512, 512, 256, 'f64'],
  ])
    for (const threads of [...new Set([1, availableParallelism()])])
      products.push(await product(m, n, k, type, threads));
  return [
    {
      title: 'elementary functions, one thread, ns an element (minimum of 20)',
      columns: ['function', 'arguments', 'f32', 'f64'],
      rows: functions,
    },
    {
      title: 'matrix products, GFLOP/s',
      columns: ['product', 'threads', 'best', 'median'],
      rows: products,
    },
  ];
}
