// Procedures of a plan as functions `$proc_…(thread, threads)` that all threads run in step: loops, conditions, checkpoint schedules and copies in WebAssembly, kernels called with their share of work.
//
// What one thread wrote is read by others only after a barrier (step_writer.ts). Small steps run on thread 0 alone; whole loops of small steps too.

import type { BufferRange, Procedure, Step } from '../../plan/types.ts';
import { BYTES } from '../../kernel/types.ts';
import { assertNever } from '../../support/diagnostic.ts';
import { at, get } from '../../support/lists.ts';
import { snapshotPositions } from '../../support/revolve.ts';
import { exchangesOf, noExchanges, withoutCopies, type Exchange, type Exchanges } from './exchange.ts';
import { bytesOf, StepWriter, type Counters, type DriverContext } from './step_writer.ts';
import { chunkOfThread, leastChunk, tileFunction, turnsAtOnce, type TileFunction } from './tiled_loop.ts';
import { planTiles, type Tiling } from './tiles.ts';
import { FunctionWriter, type Reg } from './writer.ts';

export function lowerProcedure(
  procedure: Procedure,
  name: string,
  driver: DriverContext,
): () => readonly string[] {
  const f = new FunctionWriter({
    name: `proc_${name}`,
    exported: `run ${procedure.name}`,
    params: [
      { name: 'thread', type: 'i32' },
      { name: 'threads', type: 'i32' },
    ],
    comment: [`procedure ${procedure.name}`],
    constants: driver.context.constants,
  });
  const writer = new ProcedureWriter(f, driver, name);
  writer.steps(procedure.steps, new Map());
  writer.flush();
  return () => [...[...writer.tileFunctions.values()].flatMap((tile) => tile.print()), ...f.print()];
}

type Dispatch = Extract<Step, { kind: 'dispatch' }>;

/** Units of each kernel in a turn of independent dispatches. */
const unitsInTurn = 8;

class ProcedureWriter extends StepWriter {
  /** The functions that loops in tiles call. */
  readonly tileFunctions = new Map<Step, TileFunction>();
  private stackTop = 0;

  constructor(
    f: FunctionWriter,
    driver: DriverContext,
    /** Of the procedure. */
    private readonly name: string,
  ) {
    super(f, driver);
  }

  steps(list: readonly Step[], counters: Counters): void {
    for (let i = 0; i < list.length;) {
      if (this.alone || !this.isSerial(at(list, i))) {
        const group = this.alone ? [] : this.independent(list, i);
        if (group.length > 1) this.together(group, counters);
        else this.step(at(list, i), counters);
        i += Math.max(1, group.length);
        continue;
      }
      let end = i;
      while (end < list.length && this.isSerial(at(list, end))) end++;
      if (this.unsynced === 'all') this.flush();
      this.onFirstThread(() => {
        for (const step of list.slice(i, end)) this.step(step, counters);
      });
      this.unsynced = 'first thread';
      i = end;
    }
  }

  /** Dispatches from place `i` on that none of them writes what another touches: they need no barrier between them. */
  private independent(list: readonly Step[], i: number): readonly Dispatch[] {
    const group: Dispatch[] = [];
    const read = new Set<number>();
    const written = new Set<number>();
    for (const step of list.slice(i)) {
      if (step.kind !== 'dispatch' || this.isSerial(step)) break;
      const { access } = at(this.driver.kernels, step.kernel);
      const reads = step.buffers.filter((_, b) => access[b] !== 'write');
      const writes = step.buffers.filter((_, b) => access[b] !== 'read');
      if (reads.some((b) => written.has(b)) || writes.some((b) => written.has(b) || read.has(b))) break;
      for (const b of reads) read.add(b);
      for (const b of writes) written.add(b);
      group.push(step);
    }
    return group;
  }

  /**
   * Independent dispatches, a few units of each in turn: sweeps over the same fields then find them in the cache. Their order does not matter to the result.
   */
  private together(group: readonly Dispatch[], counters: Counters): void {
    const { f } = this;
    this.flush();
    const kernels = group.map((step) => at(this.driver.kernels, step.kernel));
    const fewest = Math.min(...kernels.map((kernel) => kernel.units));
    const turns = Math.max(1, Math.floor(fewest / unitsInTurn));
    const shares = kernels.map((kernel) => this.share(kernel.units));
    const calls = group.map((step) => this.operands(step, counters));
    f.count(f.i32(0), f.i32(turns), 1, 'turn', [], (turn) => {
      kernels.forEach((kernel, i) => {
        const [first, last] = at(shares, i);
        const count = f.pure('i32.sub', 'i32', [last, first]);
        const rounded = f.pure('i32.add', 'i32', [count, f.i32(turns - 1)]);
        const size = f.pure('i32.div_u', 'i32', [rounded, f.i32(turns)]);
        const part = (t: Reg) => {
          const place = f.pure('i32.add', 'i32', [first, f.pure('i32.mul', 'i32', [size, t])]);
          return f.pure('select', 'i32', [place, last, f.pure('i32.lt_s', 'i32', [place, last])]);
        };
        const next = f.pure('i32.add', 'i32', [turn, f.i32(1)]);
        f.effect(`call $${kernel.name}`, [...at(calls, i), part(turn), part(next)]);
      });
    });
    this.wrote();
  }

  private isSerial(step: Step): boolean {
    switch (step.kind) {
      case 'dispatch': {
        const { units, cost } = at(this.driver.kernels, step.kernel);
        return units <= 1 || cost < this.driver.alone.cost;
      }
      case 'copy':
      case 'fill':
        return step.to.length * BYTES[step.to.type] < this.driver.alone.bytes;
      case 'loop':
        return this.allSerial(step.body);
      case 'while':
        return this.allSerial(step.test) && this.allSerial(step.body);
      case 'if':
        return this.allSerial(step.then) && this.allSerial(step.else);
      case 'snapshot':
        return this.smallState(step.state);
      case 'reverse':
        return this.allSerial(step.forward) && this.allSerial(step.backward) && this.smallState(step.state);
      default:
        return assertNever(step);
    }
  }

  private smallState(state: readonly BufferRange[]): boolean {
    return state.every((range) => bytesOf(range) < this.driver.alone.bytes);
  }

  private allSerial(list: readonly Step[]): boolean {
    return list.every((step) => this.isSerial(step));
  }

  private step(step: Step, counters: Counters): void {
    switch (step.kind) {
      case 'dispatch':
        this.dispatch(step, counters);
        return;
      case 'copy':
        this.copy(this.address(step.from, counters), this.address(step.to, counters), bytesOf(step.to));
        return;
      case 'fill':
        this.fill(step.to, step.value, counters);
        return;
      case 'loop':
        this.loop(step, counters);
        return;
      case 'while':
        this.whileLoop(step, counters);
        return;
      case 'if':
        this.conditional(step, counters);
        return;
      case 'snapshot':
        this.snapshot(step, counters);
        return;
      case 'reverse':
        this.reverse(step, counters);
        return;
      default:
        assertNever(step);
    }
  }

  private loop(step: Extract<Step, { kind: 'loop' }>, counters: Counters): void {
    const { f } = this;
    this.flush();
    const tiling = this.alone ? undefined : planTiles(step, this.driver.kernels, this.driver.tiles);
    const done = tiling === undefined ? f.i32(0) : this.tiles(step, tiling, counters);
    f.count(done, f.i32(step.count), 1, `step`, [], (counter) => {
      this.inside(step.body, counters, step.id, counter);
    });
  }

  /** The loop in tiles, when the rows are enough for the threads; returns how many turns are done. */
  private tiles(step: Extract<Step, { kind: 'loop' }>, tiling: Tiling, counters: Counters): Reg {
    const { f, thread, threads } = this;
    // The steps that a sweep runs again are written in two places.
    let tile = this.tileFunctions.get(step);
    if (tile === undefined) {
      tile = tileFunction(`tile_${this.name}_${this.tileFunctions.size}`, tiling, step.id, this.driver);
      this.tileFunctions.set(step, tile);
    }
    const { name, uniforms: starts } = tile;
    const done = f.variable('i32', 'done', f.i32(0));
    const rows = f.pure('i32.mul', 'i32', [threads, f.i32(leastChunk(tiling) + 1)]);
    const enough = f.pure('i32.le_u', 'i32', [rows, f.i32(tiling.rows)]);
    const mostThreads = tiling.bytes / Math.max(1, this.driver.tiles.least);
    const large = f.pure('i32.le_u', 'i32', [threads, f.i32(Math.min(256, Math.floor(mostThreads)))]);
    f.if(f.pure('i32.and', 'i32', [enough, large]), () => {
      const chunk = this.share(tiling.rows);
      const ends = {
        first: f.pure('i32.eqz', 'i32', [thread]),
        last: f.pure('i32.eq', 'i32', [thread, f.pure('i32.sub', 'i32', [threads, f.i32(1)])]),
      };
      const count = f.i32(step.count);
      const turns = turnsAtOnce(f, tiling, threads);
      const first = f.variable('i32', 'turn', f.i32(0));
      f.loop([first], (again) => {
        const turn = f.get(first);
        const rest = f.pure('i32.sub', 'i32', [count, turn]);
        const left = f.pure('select', 'i32', [rest, turns, f.pure('i32.lt_s', 'i32', [rest, turns])]);
        const inner = new Map(counters).set(step.id, turn);
        const uniforms = starts.map((u) => this.affine(u, inner));
        const call = (...range: readonly Reg[]) =>
          f.effect(`call $${name}`, [this.scratch, ...uniforms, left, ...range]);
        chunkOfThread(f, tiling, chunk, ends, call);
        this.meet();
        const [start] = chunk;
        const border = tiling.ring ? f.pure('select', 'i32', [f.i32(tiling.rows), start, ends.first]) : start;
        const fill = () => call(border, border, f.i32(-1), f.i32(1));
        if (tiling.ring) fill();
        else f.if(thread, fill);
        this.meet();
        const next = f.pure('i32.add', 'i32', [turn, turns]);
        f.set(first, next);
        f.branch(again, f.pure('i32.lt_s', 'i32', [next, count]));
      });
      f.set(done, count);
    });
    return f.get(done);
  }

  /** Steps between two barriers. */
  private section(list: readonly Step[], counters: Counters): void {
    this.steps(list, counters);
    this.flush();
  }

  private inside(list: readonly Step[], counters: Counters, id: number, counter: Reg): void {
    this.section(list, new Map(counters).set(id, counter));
  }

  // ---- work

  private dispatch(step: Dispatch, counters: Counters): void {
    const { f } = this;
    const kernel = at(this.driver.kernels, step.kernel);
    if (kernel.units === 0) return;
    this.flush();
    const [from, to] = this.alone ? [f.i32(0), f.i32(kernel.units)] : this.share(kernel.units);
    f.effect(`call $${kernel.name}`, [...this.operands(step, counters), from, to]);
    this.wrote();
  }

  /** Addresses of buffers, run-time integers, scratch memory. */
  private operands(step: Dispatch, counters: Counters): readonly Reg[] {
    const bases = step.buffers.map((b) => this.base(b));
    return [...bases, ...step.uniforms.map((u) => this.affine(u, counters)), this.scratch];
  }

  // ---- loops that depend on values

  private conditional(step: Extract<Step, { kind: 'if' }>, counters: Counters): void {
    const { f } = this;
    this.flush();
    const flag = this.flag(step.condition);
    // Nobody writes the condition again before all have read it.
    this.meet();
    f.if(
      flag,
      () => this.section(step.then, counters),
      step.else.length === 0 ? undefined : () => this.section(step.else, counters),
    );
  }

  private whileLoop(step: Extract<Step, { kind: 'while' }>, counters: Counters): void {
    const { f } = this;
    this.flush();
    const turns = f.variable('i32', 'turns', f.i32(0));
    f.block(true, (leave) => {
      f.loop([turns], (again) => {
        const turn = f.get(turns);
        this.inside(step.test, counters, step.id, turn);
        f.branch(leave, f.pure('i32.eqz', 'i32', [this.flag(step.condition)]));
        f.branch(leave, f.pure('i32.ge_s', 'i32', [turn, f.i32(step.limit)]));
        this.meet();
        this.inside(step.body, counters, step.id, turn);
        f.set(turns, f.pure('i32.add', 'i32', [turn, f.i32(1)]));
        f.branch(again);
      });
    });
    this.meet();
    const { turns: result } = step;
    if (result === undefined) return;
    const put = () => f.effect('i32.store', [this.base(result), f.get(turns)]);
    if (this.alone) put();
    else {
      this.onFirstThread(put);
      this.unsynced = 'first thread';
    }
  }

  // ---- reverse sweeps

  private snapshot(step: Extract<Step, { kind: 'snapshot' }>, counters: Counters): void {
    const { f } = this;
    const { context } = this.driver;
    const index = this.affine(step.index, counters);
    if (step.slots >= step.length) {
      this.transfer(step, index, counters, 'store');
      return;
    }
    const positions = snapshotPositions(step.length, step.slots);
    const table = f.i32(context.constants.table(positions));
    const slot = f.pure(`call ${context.helper('rank')}`, 'i32', [table, f.i32(positions.length), index]);
    // All threads take the same branch; what was written before must be seen inside it.
    this.flush();
    f.if(f.pure('i32.ge_s', 'i32', [slot, f.i32(0)]), () => this.transfer(step, slot, counters, 'store'));
  }

  private reverse(step: Extract<Step, { kind: 'reverse' }>, counters: Counters): void {
    const { f } = this;
    this.flush();
    const exchanges = this.alone ? undefined : exchangesOf(step, this.driver.kernels, this.driver.planned);
    if (exchanges === undefined) {
      this.sweep(step, counters, noExchanges);
      return;
    }
    for (const b of exchanges.buffers) this.moved.set(b, f.variable('i32', 'place', this.home(b)));
    for (const i of exchanges.views) {
      const { buffer } = at(step.state, i);
      this.viewed.set(buffer, f.variable('i32', 'view', this.home(buffer)));
    }
    this.sweep(step, counters, exchanges);
    this.settle(step, exchanges);
  }

  /** The steps of a sweep, and instead of their last copies other places. */
  private turn(
    list: readonly Step[],
    exchanges: readonly Exchange[],
    counters: Counters,
    id: number,
    counter: Reg,
  ): void {
    const { f } = this;
    this.inside(withoutCopies(list, exchanges), counters, id, counter);
    for (const { from, to } of exchanges) {
      const [a, b] = [get(this.moved, from), get(this.moved, to)];
      const [x, y] = [f.get(a), f.get(b)];
      f.set(a, y);
      f.set(b, x);
      const view = this.viewed.get(to);
      if (view !== undefined) f.set(view, x);
    }
  }

  /** Everything back to where the layout has it. */
  private settle(step: Extract<Step, { kind: 'reverse' }>, exchanges: Exchanges): void {
    const { f } = this;
    const { buffers, views } = exchanges;
    for (const i of views) {
      const range = at(step.state, i);
      const seen = f.get(get(this.viewed, range.buffer));
      this.viewed.delete(range.buffer);
      const own = this.base(range.buffer);
      f.if(f.pure('i32.ne', 'i32', [own, seen]), () => {
        this.copy(seen, own, bytesOf(range));
        this.meet();
      });
    }
    const [start, end] = this.share(Math.ceil(exchanges.bytes / 64)).map((reg) =>
      f.pure('i32.shl', 'i32', [reg, f.i32(6)]),
    );
    buffers.forEach((buffer, i) => {
      const variable = get(this.moved, buffer);
      const [home, now] = [this.home(buffer), f.get(variable)];
      f.if(f.pure('i32.ne', 'i32', [home, now]), () => {
        if (start === undefined || end === undefined) return;
        const at_ = (reg: Reg) => f.pure('i32.add', 'i32', [reg, start]);
        const size = f.pure('i32.sub', 'i32', [end, start]);
        f.effect(`call ${this.driver.context.helper('exchange')}`, [at_(home), at_(now), size]);
        f.touch();
        // Whoever lay here lies there now.
        for (const other of buffers.slice(i + 1)) {
          const place = get(this.moved, other);
          const is = f.get(place);
          f.set(place, f.pure('select', 'i32', [now, is, f.pure('i32.eq', 'i32', [is, home])]));
        }
        this.meet();
      });
    });
    for (const b of buffers) this.moved.delete(b);
    this.flush();
  }

  /** The schedule of support/revolve.ts, step for step: `held` is a stack of the steps whose carry-in lies in slot 0, 1, …. */
  private sweep(step: Extract<Step, { kind: 'reverse' }>, counters: Counters, exchanges: Exchanges): void {
    const { f } = this;
    const { forward: ahead, backward: back } = exchanges;
    const moving = [...this.moved.values(), ...this.viewed.values()];
    if (step.slots >= step.length) {
      f.count(f.i32(0), f.i32(step.length), 1, 'back', moving, (turn) => {
        const index = f.pure('i32.sub', 'i32', [f.i32(step.length - 1), turn]);
        this.transfer(step, index, counters, 'restore');
        this.turn(step.backward, back, counters, step.id, index);
      });
      return;
    }
    const stack = this.stack(step);
    const end = f.variable('i32', 'end', f.i32(step.length));
    const top = f.variable('i32', 'top', f.i32(snapshotPositions(step.length, step.slots).length - 1));
    const state = f.variable('i32', 'state', f.i32(-1));
    const advance = f.variable('i32', 'advance', f.i32(0));
    const held = (slot: Reg) => f.pure('i32.add', 'i32', [stack, f.pure('i32.shl', 'i32', [slot, f.i32(2)])]);
    f.loop([end, top, state, advance, ...moving], (again) => {
      const slot = f.get(top);
      const first = f.load('i32.load', 'i32', [held(slot)], 'held', false);
      f.if(f.pure('i32.ne', 'i32', [f.get(state), first]), () =>
        this.transfer(step, slot, counters, 'restore'),
      );
      const steps = f.pure('i32.sub', 'i32', [f.get(end), first]);
      const places = f.pure('i32.sub', 'i32', [f.i32(step.slots), slot]);
      const forward = (to: Reg) => {
        f.set(advance, first);
        f.count(first, to, 1, 'ahead', [advance, ...moving], (counter) =>
          this.turn(step.forward, ahead, counters, step.id, counter),
        );
      };
      const several = f.pure('i32.gt_s', 'i32', [steps, f.i32(1)]);
      const store = f.pure('i32.and', 'i32', [several, f.pure('i32.gt_s', 'i32', [places, f.i32(1)])]);
      f.if(
        store,
        () => {
          const split = f.action(`call ${this.driver.context.helper('revolve_split')}`, 'i32', [
            steps,
            places,
          ]);
          const to = f.pure('i32.add', 'i32', [first, split]);
          forward(to);
          const next = f.pure('i32.add', 'i32', [slot, f.i32(1)]);
          this.transfer(step, next, counters, 'store');
          f.effect('i32.store', [held(next), to]);
          f.touch();
          f.set(top, next);
          f.set(state, to);
        },
        () => {
          const index = f.pure('i32.sub', 'i32', [f.get(end), f.i32(1)]);
          f.if(several, () => forward(index));
          f.set(end, index);
          f.set(state, index);
          this.turn(step.backward, back, counters, step.id, index);
          f.if(f.pure('i32.eq', 'i32', [index, first]), () =>
            f.set(top, f.pure('i32.sub', 'i32', [slot, f.i32(1)])),
          );
        },
      );
      f.branch(again, f.pure('i32.gt_s', 'i32', [f.get(end), f.i32(0)]));
    });
  }

  /** Between the carried state and a slot of the snapshots. */
  private transfer(
    step: Extract<Step, { kind: 'reverse' | 'snapshot' }>,
    slot: Reg,
    counters: Counters,
    way: 'restore' | 'store',
  ): void {
    const { f } = this;
    this.flush();
    step.state.forEach((range, i) => {
      const bytes = bytesOf(range);
      const offset = f.pure('i32.mul', 'i32', [slot, f.i32(bytes)]);
      const kept = f.pure('i32.add', 'i32', [offset, this.base(at(step.snapshots, i))]);
      const view = this.viewed.get(range.buffer);
      if (way === 'restore' && view !== undefined) {
        f.set(view, kept);
        return;
      }
      const state = this.address(range, counters);
      const [from, to] = way === 'restore' ? [kept, state] : [state, kept];
      if (bytes >= this.driver.alone.bytes || this.alone) {
        // Copies of a set do not depend on each other.
        if (this.unsynced === 'all') this.unsynced = 'nothing';
        this.copy(from, to, bytes);
      } else {
        this.onFirstThread(() => this.copy(from, to, bytes));
        this.unsynced = 'all';
      }
    });
    this.flush();
  }

  /** A stack of step numbers in this thread's scratch memory, filled with the snapshots of the forward sweep. */
  private stack(step: Extract<Step, { kind: 'reverse' }>): Reg {
    const { f } = this;
    const { context } = this.driver;
    const offset = this.stackTop;
    this.stackTop += 4 * step.slots + 16;
    context.driverScratch = Math.max(context.driverScratch, this.stackTop);
    const kernelScratch = f.late('kernel scratch', () => context.scratch);
    const start = f.pure('i32.add', 'i32', [
      f.pure('i32.add', 'i32', [this.scratch, kernelScratch]),
      f.i32(offset),
    ]);
    const table = context.constants.table(snapshotPositions(step.length, step.slots));
    f.effect('memory.copy', [start, f.i32(table), f.i32(4 * step.slots)]);
    f.touch();
    return start;
  }
}
