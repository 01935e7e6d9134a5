// The float64 interpreter of the array IR: the oracle against which kernels and derivatives are tested.
//
// In: nodes and arrays for the parameters they depend on. Out: their values. Floats are evaluated in float64 whatever the element type (f32 values are
// NOT rounded; only constants of type f32 are, when they are made); integers are exact in 32 bits.
//
// A list of results becomes a Program once: its nodes in order, each with a kernel and with the slots whose last use it is. A loop body's program runs
// once a step on a frame of cells; what depends on no parameter is computed once and retained. Buffers are counted and returned to a pool when their
// last user is done, so a step allocates nothing after the first. Aliases (project, reshape, keep) share a cell.

import { InternalError } from '../support/diagnostic.ts';
import { at, get, range } from '../support/lists.ts';
import { revolveActions, snapshotPositions } from '../support/revolve.ts';
import { isCompound } from './classes.ts';
import type { CompoundNode } from './classes.ts';
import { kernelOf } from './evaluate.ts';
import type { Data, NdArray } from './ndarray.ts';
import { allocate, checkArray } from './ndarray.ts';
import { reachable } from './region.ts';
import type { ArrayFunction, ArrayType, DType, Node, NodeOf, Region } from './types.ts';
import { sizeOf } from './types.ts';

export type { NdArray } from './ndarray.ts';

/** A buffer, how many frames and lists hold it, and the pool it goes back to (none for retained values and the caller's arrays). */
interface Cell {
  readonly data: Data;
  uses: number;
  readonly pool: Pool | undefined;
}

interface Pool {
  readonly dtype: DType;
  readonly size: number;
  readonly free: Cell[];
}

/** Cells by slot. A region operation has one slot for each output. */
type Frame = (Cell | undefined)[];

interface Step {
  readonly run: (frame: Frame) => void;
  /** Slots that nobody reads after this step. */
  readonly frees: readonly number[];
}

interface Program {
  /** Slots of the parameters; undefined for one that no result depends on. */
  readonly params: readonly (number | undefined)[];
  readonly results: readonly number[];
  readonly steps: readonly Step[];
  /** A frame with the values that depend on no parameter: the start of every run. */
  readonly template: Frame;
}

/** Buffers and programs of one interpretation. */
class Machine {
  private readonly pools = new Map<string, Pool>();
  private readonly programs = new Map<Region, Program>();

  /** The pool of buffers of this type and size. */
  pool(dtype: DType, size: number): Pool {
    const key = `${dtype === 'f32' ? 'f64' : dtype}:${size}`;
    let pool = this.pools.get(key);
    if (pool === undefined) {
      pool = { dtype, size, free: [] };
      this.pools.set(key, pool);
    }
    return pool;
  }

  cell(dtype: DType, size: number): Cell {
    return take(this.pool(dtype, size));
  }

  of(region: Region): Program {
    let program = this.programs.get(region);
    if (program === undefined) {
      program = compileProgram(this, region.params, region.results);
      this.programs.set(region, program);
    }
    return program;
  }
}

/** A cell with arbitrary contents, held once. */
function take(pool: Pool): Cell {
  const known = pool.free.pop();
  if (known === undefined) return { data: allocate(pool.dtype, pool.size), uses: 1, pool };
  known.uses = 1;
  return known;
}

function release(cell: Cell): void {
  cell.uses--;
  if (cell.uses === 0 && cell.pool !== undefined) cell.pool.free.push(cell);
}

function hold(cell: Cell): Cell {
  cell.uses++;
  return cell;
}

function cellAt(frame: Frame, slot: number): Cell {
  const cell = frame[slot];
  if (cell === undefined) throw new InternalError('ir.interpret', `slot ${slot} is empty`);
  return cell;
}

// ---- programs

function compileProgram(machine: Machine, params: readonly Node[], results: readonly Node[]): Program {
  const own = new Set(params);
  const order = reachable(results, own);
  const slots = new Map<Node, number>();
  let count = 0;
  for (const node of order) {
    slots.set(node, count);
    count += isCompound(node) ? node.outputs.length : 1;
  }
  const constant = new Set<Node>();
  for (const node of order)
    if (!own.has(node) && node.op !== 'param' && node.args.every((a) => constant.has(a))) constant.add(node);
  const last = lastUsers(order, results, constant);
  const template: Frame = new Array<Cell | undefined>(count).fill(undefined);
  const steps: Step[] = [];
  for (const node of order) {
    if (own.has(node)) continue;
    const run = stepOf(machine, node, slots);
    const frees = (last.get(node) ?? []).flatMap((n) =>
      range(isCompound(n) ? n.outputs.length : 1).map((k) => get(slots, n) + k),
    );
    if (!constant.has(node)) steps.push({ run, frees });
    else {
      run(template);
      for (const slot of frees) free(template, slot);
    }
  }
  return {
    params: params.map((p) => slots.get(p)),
    results: results.map((r) => get(slots, r)),
    steps,
    template,
  };
}

/**
 * For each node, the nodes whose value dies when it has run. Results live on; constant values that something not constant reads are retained for all
 * runs.
 */
function lastUsers(
  order: readonly Node[],
  results: readonly Node[],
  constant: ReadonlySet<Node>,
): Map<Node, Node[]> {
  const kept = new Set(results);
  const user = new Map<Node, Node>();
  for (const node of order) {
    if (node.op !== 'param') user.set(node, node);
    for (const arg of node.args) {
      user.set(arg, node);
      if (constant.has(arg) && !constant.has(node)) kept.add(arg);
    }
  }
  // A retained projection keeps its cell by count; the region's own slots may go.
  const dying = new Map<Node, Node[]>();
  for (const [node, by] of user) {
    if (kept.has(node)) continue;
    const list = dying.get(by);
    if (list === undefined) dying.set(by, [node]);
    else list.push(node);
  }
  return dying;
}

function free(frame: Frame, slot: number): void {
  release(cellAt(frame, slot));
  frame[slot] = undefined;
}

/** Runs a program on these cells. The caller keeps its hold on the arguments and gets a hold on each result. */
function runProgram(program: Program, args: readonly Cell[]): Cell[] {
  const frame = program.template.slice();
  for (const cell of frame) if (cell !== undefined) cell.uses++;
  program.params.forEach((slot, i) => {
    if (slot !== undefined) frame[slot] = hold(at(args, i));
  });
  for (const { run, frees } of program.steps) {
    run(frame);
    for (const slot of frees) free(frame, slot);
  }
  const results = program.results.map((slot) => hold(cellAt(frame, slot)));
  for (const cell of frame) if (cell !== undefined) release(cell);
  return results;
}

// ---- steps

function stepOf(machine: Machine, node: Node, slots: ReadonlyMap<Node, number>): Step['run'] {
  const inputs = node.args.map((a) => get(slots, a));
  const target = get(slots, node);
  if (isCompound(node)) {
    const run = regionRunner(machine, node);
    return (frame) => {
      run(inputs.map((slot) => cellAt(frame, slot))).forEach((cell, k) => {
        frame[target + k] = cell;
      });
    };
  }
  switch (node.op) {
    case 'param':
      throw new InternalError('ir.interpret', `parameter ${node.attrs.name} (%${node.id}) is not bound`);
    case 'project': {
      const source = at(inputs, 0) + node.attrs.index;
      return (frame) => {
        frame[target] = hold(cellAt(frame, source));
      };
    }
    case 'reshape':
    case 'keep':
    case 'stop_gradient':
    case 'path_mean': {
      const source = at(inputs, 0);
      return (frame) => {
        frame[target] = hold(cellAt(frame, source));
      };
    }
    default: {
      const kernel = kernelOf(node.op, node);
      const pool = machine.pool(node.dtype, sizeOf(node.shape));
      return (frame) => {
        const out = take(pool);
        kernel(
          out.data,
          inputs.map((slot) => cellAt(frame, slot).data),
        );
        frame[target] = out;
      };
    }
  }
}

type RegionRunner = (args: readonly Cell[]) => Cell[];

function regionRunner(machine: Machine, node: CompoundNode): RegionRunner {
  switch (node.op) {
    case 'scan':
      return scanRunner(machine, node);
    case 'adjoint_scan':
      return adjointScanRunner(machine, node);
    case 'while':
      return whileRunner(machine, node);
    case 'cond': {
      const { attrs } = node;
      return ([predicate, ...operands]) =>
        runProgram(machine.of(predicate?.data[0] === 0 ? attrs.else : attrs.then), operands);
    }
    case 'custom': {
      const { primal } = node.attrs;
      return (args) => runProgram(machine.of(primal), args);
    }
    case 'linear_solve': {
      const { solve } = node.attrs;
      return (args) => runProgram(machine.of(solve), args);
    }
    case 'check': {
      const { values } = node.attrs;
      return (args) => args.slice(0, values).map(hold);
    }
    case 'transposed':
      throw new InternalError('ir.interpret', 'a transposed map has no value until it is expanded');
  }
}

function indexCell(machine: Machine, index: number): Cell {
  const cell = machine.cell('i32', 1);
  cell.data[0] = index;
  return cell;
}

/** Entry `index` along the leading axis, copied out. */
function sliceCell(machine: Machine, source: Cell, type: ArrayType, index: number): Cell {
  const size = sizeOf(type.shape.slice(1));
  const cell = machine.cell(type.dtype, size);
  cell.data.set(source.data.subarray(index * size, (index + 1) * size));
  return cell;
}

function writeSlice(target: Cell, index: number, value: Cell): void {
  target.data.set(value.data, index * value.data.length);
}

function outputCells(machine: Machine, types: readonly ArrayType[]): Cell[] {
  return types.map((type) => machine.cell(type.dtype, sizeOf(type.shape)));
}

function scanRunner(machine: Machine, node: NodeOf<'scan'>): RegionRunner {
  const { length, carries: n, xs: stepped, body, reverse, snapshots } = node.attrs;
  const ys = body.results.length - n;
  const xTypes = node.args.slice(n, n + stepped);
  const slotOfStep = new Map<number, number>();
  if (snapshots > 0) snapshotPositions(length, snapshots).forEach((step, slot) => slotOfStep.set(step, slot));
  return (args) => {
    const program = machine.of(body);
    let carries = args.slice(0, n).map(hold);
    const xs = args.slice(n, n + stepped);
    const consts = args.slice(n + stepped);
    const stacks = outputCells(machine, node.outputs.slice(n, n + ys));
    const saved = outputCells(machine, node.outputs.slice(n + ys));
    if (slotOfStep.size < snapshots) for (const cell of saved) cell.data.fill(0);
    for (let k = 0; k < length; k++) {
      const index = reverse ? length - 1 - k : k;
      const slot = slotOfStep.get(k);
      if (slot !== undefined) saved.forEach((cell, i) => writeSlice(cell, slot, at(carries, i)));
      const local = [
        indexCell(machine, index),
        ...carries,
        ...xs.map((x, i) => sliceCell(machine, x, at(xTypes, i), index)),
      ];
      const results = runProgram(program, [...local, ...consts]);
      local.forEach(release);
      carries = results.slice(0, n);
      results.slice(n).forEach((y, i) => {
        writeSlice(at(stacks, i), index, y);
        release(y);
      });
    }
    return [...carries, ...stacks, ...saved];
  };
}

function adjointScanRunner(machine: Machine, node: NodeOf<'adjoint_scan'>): RegionRunner {
  const { length, slots, carries: n, cotangents: m, xs: stepped, forward, backward } = node.attrs;
  const snapshotTypes = node.args.slice(0, n);
  const xTypes = node.args.slice(n + m, n + m + stepped);
  return (args) => {
    const xs = args.slice(n + m, n + m + stepped);
    const consts = args.slice(n + m + stepped);
    const stacks = outputCells(machine, node.outputs.slice(m));
    // The schedule overwrites slots, so it works on copies.
    const tape = args.slice(0, n).map((source, i) => {
      const cell = machine.cell(at(snapshotTypes, i).dtype, source.data.length);
      cell.data.set(source.data);
      return cell;
    });
    let cotangents = args.slice(n, n + m).map(hold);
    let state: Cell[] = [];
    /** Runs a region on the index, these values, and the slices of xs of a step. */
    const runStep = (region: Region, step: number, values: readonly Cell[]): Cell[] => {
      const index = indexCell(machine, step);
      const slices = xs.map((x, i) => sliceCell(machine, x, at(xTypes, i), step));
      const results = runProgram(machine.of(region), [index, ...values, ...slices, ...consts]);
      [index, ...slices].forEach(release);
      return results;
    };
    const actions = length === 0 ? [] : revolveActions(length, slots);
    for (const action of actions) {
      switch (action.kind) {
        case 'restore':
          state.forEach(release);
          state = tape.map((cell, i) => sliceCell(machine, cell, at(snapshotTypes, i), action.slot));
          break;
        case 'store':
          tape.forEach((cell, i) => writeSlice(cell, action.slot, at(state, i)));
          break;
        case 'advance':
          for (let step = action.from; step < action.to; step++) {
            const next = runStep(forward, step, state);
            state.forEach(release);
            state = next;
          }
          break;
        case 'backward': {
          const results = runStep(backward, action.step, [...state, ...cotangents]);
          cotangents.forEach(release);
          cotangents = results.slice(0, m);
          results.slice(m).forEach((y, i) => {
            writeSlice(at(stacks, i), action.step, y);
            release(y);
          });
        }
      }
    }
    [...state, ...tape].forEach(release);
    return [...cotangents, ...stacks];
  };
}

function whileRunner(machine: Machine, node: NodeOf<'while'>): RegionRunner {
  const { carries: n, condition, body, limit } = node.attrs;
  return (args) => {
    let carries = args.slice(0, n).map(hold);
    const consts = args.slice(n);
    const goesOn = (): boolean => {
      const [flag] = runProgram(machine.of(condition), [...carries, ...consts]);
      if (flag === undefined) throw new InternalError('ir.interpret', 'a condition without result');
      const value = flag.data[0] !== 0;
      release(flag);
      return value;
    };
    let turns = 0;
    for (; turns < limit && goesOn(); turns++) {
      const local = [indexCell(machine, turns), ...carries];
      carries = runProgram(machine.of(body), [...local, ...consts]);
      local.forEach(release);
    }
    return [...carries, indexCell(machine, turns)];
  };
}

// ---- entry points

/** Values of `results` for these values of the parameters they depend on. Throws InternalError on a missing or ill-typed binding. */
export function interpret(results: readonly Node[], bindings: ReadonlyMap<Node, NdArray>): NdArray[] {
  const params = [...bindings.keys()];
  const given = params.map((param, i): Cell => {
    const array = get(bindings, param);
    checkArray(param.op === 'param' ? param.attrs.name : `binding ${i}`, array, param);
    return { data: array.data, uses: 1, pool: undefined };
  });
  const own = new Set(given.map((cell) => cell.data));
  const program = compileProgram(new Machine(), params, results);
  return runProgram(program, given).map((cell, i) => {
    const { dtype, shape } = at(results, i);
    return { dtype, shape, data: own.has(cell.data) ? cell.data.slice() : cell.data };
  });
}

/** Outputs by name for inputs by name. */
export function interpretFunction(
  fn: ArrayFunction,
  inputs: Readonly<Record<string, NdArray>>,
): Record<string, NdArray> {
  const bindings = new Map<Node, NdArray>();
  fn.inputs.forEach((name, i) => {
    const value = inputs[name];
    if (value === undefined)
      throw new InternalError('ir.interpret', `input ${name} of ${fn.name} is missing`);
    bindings.set(at(fn.region.params, i), value);
  });
  const values = interpret(fn.region.results, bindings);
  return Object.fromEntries(fn.outputs.map((name, i) => [name, at(values, i)]));
}

/** `interpretFunction` for a function that is called many times: its programs and buffers are made once. Results are the caller's own. */
export function prepareFunction(
  fn: ArrayFunction,
): (inputs: Readonly<Record<string, NdArray>>) => Record<string, NdArray> {
  const { params, results } = fn.region;
  const program = compileProgram(new Machine(), params, results);
  return (inputs) => {
    const given = fn.inputs.map((name, i): Cell => {
      const array = inputs[name];
      if (array === undefined)
        throw new InternalError('ir.interpret', `input ${name} of ${fn.name} is missing`);
      checkArray(name, array, at(params, i));
      return { data: array.data, uses: 1, pool: undefined };
    });
    const cells = runProgram(program, given);
    const values = cells.map((cell, i): NdArray => {
      const { dtype, shape } = at(results, i);
      return { dtype, shape, data: cell.data.slice() };
    });
    cells.forEach(release);
    return Object.fromEntries(fn.outputs.map((name, i) => [name, at(values, i)]));
  };
}
