// Networks: a step of a physics-informed fit (2-64-64-64-64-1, 8,192 points, second derivatives, Adam), beside the machine's matrix-product rate; and what deep networks cost to compile.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { diskHost, loadCompiler, loadRuntime, processorTime } from '../host.mjs';
import { median } from '../table.mjs';

const programs = fileURLToPath(new URL('./programs/', import.meta.url));

function sourceOf(name, constants = {}) {
  let text = readFileSync(`${programs}${name}.flow`, 'utf8');
  for (const [key, value] of Object.entries(constants))
    text = text.replace(new RegExp(`const ${key} = .*`), `const ${key} = ${value}`);
  return { path: `${programs}${name}.flow`, text };
}

/** Multiplications and additions of the products that a procedure dispatches, loops not counted in. */
function productWork(plan, procedure) {
  let work = 0;
  for (const step of plan.procedures[procedure].steps) {
    if (step.kind !== 'dispatch') continue;
    const kernel = plan.kernels[step.kernel];
    if (kernel.kind === 'matmul') work += 2 * kernel.batch * kernel.m * kernel.n * kernel.k;
  }
  return work;
}

/** Milliseconds: processor time of one thread, wall time of several. */
async function fastest(repeats, threads, work) {
  const clock = threads === 1 ? processorTime : () => performance.now();
  let least = Infinity;
  for (let i = 0; i < repeats; i++) {
    const began = clock();
    await work();
    least = Math.min(least, clock() - began);
  }
  return least;
}

/** GFLOP/s of products [m, k] @ [k, n] by themselves. */
async function productRate(compiler, runtime, options, [m, n, k]) {
  const buffer = (id, name, length) => ({
    id,
    role: 'variable',
    name,
    type: 'f32',
    shape: [length],
    bytes: 4 * length,
  });
  const view = (index, rowStride) => ({
    buffer: index,
    offset: 0,
    batchStride: 0,
    rowStride,
    columnStride: 1,
  });
  const buffers = [buffer(0, 'a', m * k), buffer(1, 'b', k * n), buffer(2, 'c', m * n)];
  const kernel = {
    kind: 'matmul',
    name: 'product',
    type: 'f32',
    batch: 1,
    m,
    n,
    k,
    a: view(0, k),
    b: view(1, n),
    c: view(2, n),
    buffers: buffers.map((b, i) => ({
      name: b.name,
      type: 'f32',
      length: b.shape[0],
      access: i === 2 ? 'write' : 'read',
    })),
    uniforms: [],
    origins: [],
  };
  const plan = {
    version: 1,
    name: 'product',
    precision: 'f32',
    buffers,
    kernels: [kernel],
    procedures: {
      main: { name: 'main', steps: [{ kind: 'dispatch', kernel: 0, buffers: [0, 1, 2], uniforms: [] }] },
    },
    script: { inputs: [], files: [], setup: [], runs: {}, tests: [], params: [], kept: [] },
    code: {},
    bytes: 0,
  };
  const executor = await runtime.openExecutor(
    { ...plan, code: { wasm: await compiler.emitWasm(plan) } },
    'cpu',
    options,
  );
  try {
    await executor.run('main', 10);
    return (2 * m * n * k * 10) / (await fastest(8, options.threads, () => executor.run('main', 10))) / 1e6;
  } finally {
    await executor.dispose();
  }
}

async function trainingStep(compiler, runtime, options) {
  const { plan, report, diagnostics } = compiler.compile(sourceOf('pinn'), diskHost(runtime), {
    settings: new Map(),
  });
  if (plan === undefined) throw new Error(compiler.renderDiagnostics(diagnostics));
  const executor = await runtime.openExecutor(
    { ...plan, code: { wasm: await compiler.emitWasm(plan) } },
    'cpu',
    options,
  );
  try {
    for (const s of plan.script.setup) if (s.procedure !== undefined) await executor.run(s.procedure);
    const name = Object.keys(plan.procedures).find((p) => /^minimize.*\.step$/.test(p));
    const start = Object.keys(plan.procedures).find((p) => /^minimize.*\.start$/.test(p));
    if (start !== undefined) await executor.run(start);
    await executor.run(name, 2);
    const ms = (await fastest(4, options.threads, () => executor.run(name, 3))) / 3;
    return { ms, kernels: report.dispatches[name], work: productWork(plan, name) };
  } finally {
    await executor.dispose();
  }
}

/** Processor milliseconds of the compiler's parts: the least of a few. */
function compileTime(compiler, runtime, source, stopAfter) {
  const list = [];
  for (let i = 0; i < 4; i++) {
    const began = processorTime();
    const { diagnostics } = compiler.compile(source, diskHost(runtime), {
      settings: new Map(),
      ...(stopAfter === undefined ? {} : { stopAfter }),
    });
    if (diagnostics.some((d) => d.severity === 'error'))
      throw new Error(compiler.renderDiagnostics(diagnostics));
    list.push(processorTime() - began);
  }
  return { first: list[0], later: median(list.slice(1)) };
}

export async function run() {
  const [compiler, runtime] = await Promise.all([loadCompiler(), loadRuntime()]);
  const steps = [];
  for (const threads of [1, undefined]) {
    const options = threads === undefined ? {} : { threads };
    const large = await productRate(compiler, runtime, options, [1024, 1024, 1024]);
    const same = await productRate(compiler, runtime, options, [8192, 64, 64]);
    const { ms, kernels, work } = await trainingStep(compiler, runtime, options);
    const rate = work / ms / 1e6;
    steps.push([
      threads === 1 ? 'one' : 'all',
      ms,
      kernels,
      work / 1e9,
      rate,
      same,
      large,
      (100 * rate) / large,
    ]);
  }
  const compiled = [
    ['100 layers, batch 64', 'layers', { batch: 64 }],
    ['100 layers, batch 8,192', 'layers', { batch: 8192 }],
    ['rolled, depth 10', 'deep', { depth: 10 }],
    ['rolled, depth 1,000', 'deep', { depth: 1000 }],
  ].map(([label, name, constants]) => {
    const source = sourceOf(name, constants);
    const elaborated = compileTime(compiler, runtime, source, 'elaborate');
    const whole = compileTime(compiler, runtime, source);
    return [label, elaborated.first, elaborated.later, whole.first, whole.later];
  });
  return [
    {
      title:
        'u_t + u u_x - nu u_xx of a network 2-64-64-64-64-1 at 8,192 points, gradient and Adam, f32, CPU target',
      columns: [
        'threads',
        'ms a step',
        'kernels a step',
        'GFLOP of products a step',
        'GFLOP/s',
        'of products [8192, 64] @ [64, 64]',
        'of products 1,024³',
        '% of the latter',
      ],
      rows: steps,
    },
    {
      title: 'Compiling deep networks with their gradients: processor milliseconds',
      columns: ['', 'elaborate, first', 'later', 'to the plan, first', 'later'],
      rows: compiled,
    },
  ];
}
