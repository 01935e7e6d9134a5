// One fresh process that compiles one program several times. In: a JSON document with the program, on the command line. Out: one JSON document: processor milliseconds of every part of every round.
// The first round is the cold one.

import { diskHost, example, loadCompiler, loadRuntime, processorTime } from './host.mjs';

const { name, replacements = [], rounds, code } = JSON.parse(process.argv[2]);
const compiler = await loadCompiler();
const host = diskHost(await loadRuntime());
const { path, text } = example(name);
const source = { path, text: replacements.reduce((all, [from, to]) => replaced(all, from, to), text) };

const measured = [];
let failure;
for (let round = 0; round < rounds && failure === undefined; round++) {
  const parts = {};
  let before = processorTime();
  const end = (part) => {
    const now = processorTime();
    parts[part] = now - before;
    before = now;
  };
  let result;
  try {
    result = compiler.compile(source, host, { settings: new Map(), onStage: end });
  } catch (trouble) {
    failure = String(trouble);
    break;
  }
  if (result.plan === undefined) {
    failure = compiler.renderDiagnostics(result.diagnostics);
    break;
  }
  if (code) {
    before = processorTime();
    for (const kernel of result.plan.kernels) compiler.emitWgsl(kernel);
    end('wgsl');
    await compiler.emitWasm(result.plan, { variants: 'strict' });
    end('wasm');
  }
  measured.push(parts);
}
process.stdout.write(JSON.stringify({ measured, failure }));

function replaced(all, from, to) {
  if (!all.includes(from)) throw new Error(`${name} has no "${from}" any more: change the benchmark with it`);
  return all.replace(from, to);
}
