// Finds races in emitted modules, whatever the timing. The module's text is rewritten so that every load, store, copy and fill reports its bytes; threads run it with their barriers, but between two barriers one after
// another in a given order. In: a plan, its procedures, an order. Out: words that two threads touched between the same barriers, one of them writing, and what the memory holds at the end.
//
// Two writes of a word are a race. A read of what another thread writes need not be: guarded expressions load values that they drop. Such values do not reach the memory, so orders in which other threads are first
// must leave the same bits. Loads may reach outside of their buffers, too; buffers are therefore kept apart.

import { Worker } from 'node:worker_threads';
import type { Plan } from '../../compiler/plan/types.ts';
import { encodeWat } from '../../compiler/target/wasm/encode.ts';
import { printWat } from '../../compiler/target/wasm/emit.ts';

type Tree = string | readonly Tree[];

function parse(text: string): readonly Tree[] {
  const tokens = text.replace(/;;[^\n]*/g, '').match(/"(?:[^"\\]|\\.)*"|[()]|[^\s()"]+/g) ?? [];
  const stack: Tree[][] = [[]];
  for (const token of tokens) {
    const top = stack.at(-1) ?? [];
    if (token === '(') stack.push([]);
    else if (token === ')') {
      stack.pop();
      stack.at(-1)?.push(top);
    } else top.push(token);
  }
  return stack[0] ?? [];
}

function print(tree: Tree): string {
  return typeof tree === 'string' ? tree : `(${tree.map(print).join(' ')})`;
}

const sizes: Readonly<Record<string, number>> = { i32: 4, f32: 4, i64: 8, f64: 8, v128: 16 };

/** Bytes that an instruction touches; undefined when it touches none. */
function touched(op: string): { readonly bytes: number; readonly write: boolean } | undefined {
  const found = /^(i32|i64|f32|f64|v128)\.(load|store)(\d+)?(x\d+)?(_\w+)?$/.exec(op);
  if (found === null) return undefined;
  const [, type = '', way, bits, lanes] = found;
  const bytes = lanes !== undefined ? 8 : bits === undefined ? (sizes[type] ?? 16) : Number(bits) / 8;
  return { bytes, write: way === 'store' };
}

function reporting(tree: Tree): Tree {
  if (typeof tree === 'string') return tree;
  const [op, ...rest] = tree.map(reporting);
  if (typeof op !== 'string') return [...tree.map(reporting)];
  if (op === 'call' && rest[0] === '$barrier') return ['call', '$report_meeting'];
  if (op === 'memory.copy' || op === 'memory.fill') return ['call', `$reported_${op.slice(7)}`, ...rest];
  const touch = touched(op);
  if (touch === undefined) return [op, ...rest];
  const offset = rest.find((x) => typeof x === 'string' && x.startsWith('offset='));
  const start = typeof offset === 'string' ? offset.slice(7) : '0';
  const place = rest.findIndex((x) => typeof x !== 'string');
  const name = touch.write ? '$report_write' : '$report_read';
  const reported = rest.map((x, i) =>
    i === place ? ['call', name, x, ['i32.const', start], ['i32.const', String(touch.bytes)]] : x,
  );
  return [op, ...reported];
}

/** Calls of kernels with their number said before. */
function announcing(tree: Tree, kernels: string[]): Tree {
  if (typeof tree === 'string') return tree;
  const [op, name] = tree;
  const inner = tree.map((part) => announcing(part, kernels));
  if (op !== 'call' || typeof name !== 'string' || tree.length < 4 || name === '$barrier') return inner;
  if (name.startsWith('$rank') || name.startsWith('$revolve')) return inner;
  kernels.push(name);
  return ['block', ['call', '$report_kernel', ['i32.const', String(kernels.length - 1)]], inner];
}

const imports = `
  (import "report" "read" (func $report_read (param i32 i32 i32) (result i32)))
  (import "report" "write" (func $report_write (param i32 i32 i32) (result i32)))
  (import "report" "kernel" (func $report_kernel (param i32)))
  (import "report" "meeting" (func $report_meeting))`;
const helpers = `
  (func $reported_copy (param $to i32) (param $from i32) (param $bytes i32)
    (drop (call $report_read (local.get $from) (i32.const 0) (local.get $bytes)))
    (drop (call $report_write (local.get $to) (i32.const 0) (local.get $bytes)))
    (memory.copy (local.get $to) (local.get $from) (local.get $bytes)))
  (func $reported_fill (param $to i32) (param $value i32) (param $bytes i32)
    (drop (call $report_write (local.get $to) (i32.const 0) (local.get $bytes)))
    (memory.fill (local.get $to) (local.get $value) (local.get $bytes)))`;

/** The module with reports. The barrier's own function and the constants' are left alone. */
function instrumented(text: string, kernels: string[]): string {
  const [module] = parse(text);
  if (module === undefined || typeof module === 'string') throw new Error('no module');
  const [head, ...fields] = module;
  const done = fields.map((field) => {
    const own = typeof field !== 'string' && field[0] === 'func' && field[1] === '$barrier';
    if (own || (typeof field !== 'string' && field[0] === 'data')) return print(field);
    const driver =
      typeof field !== 'string' && field.some((x) => typeof x === 'string' && x.startsWith('$proc_'));
    return print(reporting(driver ? announcing(field, kernels) : field));
  });
  return `(${typeof head === 'string' ? head : 'module'} ${imports}\n${done.join('\n')}\n${helpers})`;
}

/** Runs one thread: in an interval between two barriers the threads work one after another, in the order given, so that what one wrote too early the next one sees. */
const program = `
const { parentPort, workerData } = require('node:worker_threads');
const { module, memory, thread, threads, procedures, control, place } = workerData;
const turns = new Int32Array(control);
// turns[0] counts how often a thread has handed on: thread number p of an order works when it is p modulo the number of threads.
let round = 0;
const waitForTurn = () => {
  const mine = round * threads + place;
  for (let now = Atomics.load(turns, 0); now !== mine; now = Atomics.load(turns, 0)) Atomics.wait(turns, 0, now);
};
const handOn = () => {
  Atomics.add(turns, 0, 1);
  Atomics.notify(turns, 0);
  round++;
};
let now = { read: new Set(), write: new Set(), kernels: new Set() };
const intervals = [];
const close = () => {
  intervals.push({ read: Uint32Array.from(now.read), write: Uint32Array.from(now.write), kernels: [...now.kernels] });
  now = { read: new Set(), write: new Set(), kernels: new Set() };
};
const meeting = () => {
  close();
  handOn();
  waitForTurn();
};
const note = (kind) => (address, offset, bytes) => {
  const start = (address >>> 0) + offset;
  for (let word = start >>> 2; word * 4 < start + bytes; word++) now[kind].add(word);
  return address;
};
const kernel = (k) => now.kernels.add(k);
const report = { read: note('read'), write: note('write'), meeting, kernel };
const { exports } = new WebAssembly.Instance(module, { env: { memory }, report });
waitForTurn();
for (const procedure of procedures) exports['run ' + procedure](thread, threads);
close();
handOn();
parentPort.postMessage(intervals);
`;

interface Interval {
  readonly read: Uint32Array;
  readonly write: Uint32Array;
  readonly kernels: readonly number[];
}

export interface Race {
  readonly kind: 'read' | 'write';
  /** Buffers, or scratch memory, with the first word that is touched twice. */
  readonly place: string;
  readonly interval: number;
  /** What runs in the interval. */
  readonly kernels: readonly string[];
}

const GAP = 1 << 17;

export interface Traced {
  readonly races: readonly Race[];
  /** All buffers at the end, in bits. */
  readonly contents: ReadonlyMap<string, Uint32Array>;
}

/** Runs the procedures one after another, without a host in between, with the threads in this order. */
export async function traced(
  plan: Plan,
  procedures: readonly string[],
  order: readonly number[],
): Promise<Traced> {
  // Buffers far from each other: what is loaded beside one of them lies in no other. Hardly anything is too little work.
  const apart = { ...plan, buffers: plan.buffers.map((b) => ({ ...b, bytes: b.bytes + GAP })) };
  const { text, layout } = printWat(apart, false, { alone: { cost: 64, bytes: 64 } });
  const names: string[] = [];
  const binary = encodeWat(instrumented(text, names));
  const module = new WebAssembly.Module(Uint8Array.from(binary));
  const threads = order.length;
  const pages = Math.ceil((layout.scratch + threads * layout.scratchBytes) / 65536);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const views = { f32: Float32Array, f64: Float64Array, i32: Int32Array, u32: Uint32Array };
  for (const buffer of plan.buffers) {
    const at = layout.buffers.get(buffer.id);
    if (buffer.initial === undefined || at === undefined) continue;
    new views[buffer.type ?? 'f32'](memory.buffer, at, buffer.initial.length).set(buffer.initial);
  }
  const idle = () => 0;
  const report = { read: (a: number) => a, write: (a: number) => a, meeting: idle, kernel: idle };
  const { exports } = new WebAssembly.Instance(module, { env: { memory }, report });
  const prepare = exports['prepare'];
  if (typeof prepare === 'function') prepare();
  const control = new SharedArrayBuffer(4);
  const lists = await Promise.all(
    order.map((_, thread) => {
      const place = order.indexOf(thread);
      const workerData = { module, memory, thread, threads, procedures, control, place };
      const worker = new Worker(program, { eval: true, workerData });
      return new Promise<readonly Interval[]>((resolve, reject) => {
        worker.on('message', resolve);
        worker.on('error', reject);
      });
    }),
  );
  const nameOf = (word: number): string => {
    for (const buffer of plan.buffers) {
      const at = layout.buffers.get(buffer.id) ?? Infinity;
      if (4 * word >= at && 4 * word < at + buffer.bytes) return `${buffer.name}[${word - at / 4}]`;
    }
    return 4 * word >= layout.scratch ? 'scratch' : `address ${4 * word}`;
  };
  const contents = new Map<string, Uint32Array>();
  for (const buffer of plan.buffers) {
    const at = layout.buffers.get(buffer.id) ?? 0;
    contents.set(buffer.name, new Uint32Array(memory.buffer, at, buffer.bytes >> 2));
  }
  return { races: racesOf(lists, names, nameOf), contents };
}

function racesOf(
  lists: readonly (readonly Interval[])[],
  names: readonly string[],
  nameOf: (word: number) => string,
): readonly Race[] {
  const found: Race[] = [];
  const longest = Math.max(...lists.map((list) => list.length));
  if (lists.some((list) => list.length !== longest))
    throw new Error('threads meet at different numbers of barriers');
  for (let interval = 0; interval < longest; interval++) {
    const numbers = new Set(lists.flatMap((list) => list[interval]?.kernels ?? []));
    const kernels = [...numbers].map((k) => names[k] ?? '');
    const writers = new Map<number, number>();
    for (const kind of ['write', 'read'] as const)
      lists.forEach((list, thread) => {
        for (const word of list[interval]?.[kind] ?? []) {
          const other = writers.get(word);
          if (other !== undefined && other !== thread)
            found.push({ kind, place: nameOf(word), interval, kernels });
          if (kind === 'write') writers.set(word, thread);
        }
      });
  }
  return found;
}
