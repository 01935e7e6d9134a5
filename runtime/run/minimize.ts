// `minimize`: the loop over iterations, whose work is one procedure of the plan. In: a MinimizeStatement. Out: trained parameters on the device, log lines, checkpoints, a summary.
// The host looks in after every batch (batches.ts) and at every multiple of an interval: logs, `every` blocks, checkpoints. An objective that is not finite ends the run with its cause.

import type { LogPlan, MinimizeStatement } from '../../compiler/plan/script.ts';
import { fail } from '../../compiler/support/diagnostic.ts';
import { showNumber } from '../../compiler/support/number_text.ts';
import { createBatches } from './batches.ts';
import { checkpointPath, writeCheckpoint } from './checkpoints.ts';
import type { RunContext } from './context.ts';
import { mayStop, readOutput, readScalar } from './context.ts';
import { diagnose } from './diagnose.ts';
import type { NamedNumber } from './host.ts';
import { pathOf } from './outputs.ts';
import { spanOfPlace } from './place.ts';
import { takePlace } from './position.ts';
import { showNumbers } from './text.ts';

/** The objective is looked at for the progress line alone when that costs less than this share of the time. */
const watchShare = 0.05;
/** Seconds between two such looks at least. */
const watchInterval = 1;

export async function minimize(run: RunContext, s: MinimizeStatement): Promise<void> {
  const before = run.state.step;
  run.state.step = 0;
  await new Minimization(run, s).go();
  run.state.step = before;
}

class Minimization {
  private done = 0;
  private note = '';
  private lastFinite: { readonly step: number; readonly value: number } | undefined;
  /** Seconds that one evaluation of the objective takes. */
  private cost = 0;
  private lastLook = 0;
  /** Of this statement in the script. */
  private readonly depth: number;

  constructor(
    private readonly run: RunContext,
    private readonly s: MinimizeStatement,
  ) {
    this.depth = run.state.position.length;
  }

  async go(): Promise<void> {
    const { run, s } = this;
    const { host, executor } = run;
    const resumed = takePlace(run);
    // What stands in it and needs no host runs between iterations without looking in. Where the program may stop in between, only the host knows what is due.
    const plain = s.stops ? [] : s.every.filter((e) => e.body.every((b) => b.kind === 'call'));
    const due = s.every.filter((e) => !plain.includes(e));
    if (resumed === undefined) {
      await executor.run(s.start);
      if (s.keep !== undefined) for (const p of [s.keep.start, s.keep.look]) await executor.run(p);
    } else this.done = resumed;
    run.state.step = this.done;
    const started = host.now();
    const start = await this.objective();
    host.emit({ event: 'minimize', label: s.label, steps: s.steps, start });
    let stopped = resumed !== undefined && s.stops && (await readScalar(run, s.done)) !== 0;
    if (resumed === undefined) await this.log(s.logs);
    else if (run.state.resume.length > 0) await this.lookIn(due, stopped || this.done >= s.steps);
    const batches = createBatches([
      ...s.logs.map((log) => log.every),
      ...due.map((every) => every.interval),
      ...s.checkpoints.map((checkpoint) => checkpoint.every),
      ...(s.keep === undefined ? [] : [s.keep.every]),
    ]);
    this.stand();
    while (this.done < s.steps && !stopped) {
      await mayStop(run);
      const length = batches.next(this.done, s.steps);
      const from = host.now();
      await this.iterate(length, plain);
      run.state.trained = true;
      // Reading waits for the device, so the time is the batch's.
      stopped = s.stops ? (await readScalar(run, s.done)) !== 0 : false;
      const iteration = await readScalar(run, s.iteration);
      batches.measured(length, host.now() - from);
      this.done = stopped ? Math.min(iteration, this.done + length) : this.done + length;
      run.state.step = this.done;
      this.stand();
      await this.lookIn(due, stopped || this.done >= s.steps);
      host.progress({ label: `minimize ${s.label}`, done: this.done, total: s.steps, note: this.note });
    }
    if (s.keep !== undefined) for (const p of [s.keep.look, s.keep.restore]) await executor.run(p);
    const end = await this.objective();
    const best =
      s.keep === undefined ? undefined : { label: s.keep.label, value: await readScalar(run, s.keep.value) };
    run.state.position.length = this.depth;
    host.progressEnds();
    host.emit({
      event: 'minimized',
      label: s.label,
      objective: s.objective.label,
      steps: this.done,
      of: s.steps,
      start,
      end,
      seconds: host.now() - started,
      ...(best ? { best } : {}),
    });
  }

  /** This many iterations are made: the place in the script. */
  private stand(): void {
    const { position } = this.run.state;
    position.length = this.depth + 1;
    position[this.depth] = this.done;
  }

  /** Iterations, and the blocks between them that need no host. */
  private async iterate(length: number, plain: MinimizeStatement['every']): Promise<void> {
    const { executor } = this.run;
    const end = this.done + length;
    for (let made = this.done; made < end;) {
      const next = Math.min(end, ...plain.map((e) => (Math.floor(made / e.interval) + 1) * e.interval));
      await executor.run(this.s.step, next - made);
      made = next;
      for (const { interval, body } of plain)
        if (made % interval === 0)
          for (const b of body) if (b.kind === 'call') await executor.run(b.procedure);
    }
  }

  /** Everything that is due after `done` iterations. */
  private async lookIn(blocks: MinimizeStatement['every'], last: boolean): Promise<void> {
    const { run, s } = this;
    const due = (interval: number): boolean => interval > 0 && this.done % interval === 0;
    this.stand();
    const { position } = run.state;
    const first = takePlace(run) ?? 0;
    for (const [i, every] of blocks.entries()) {
      if (i < first || !due(every.interval)) continue;
      position[this.depth + 1] = i;
      const step = run.state.step;
      await run.statements(every.body);
      run.state.step = step;
    }
    this.stand();
    if (s.keep !== undefined && due(s.keep.every)) await run.executor.run(s.keep.look);
    const logs = s.logs.filter((log) => last || due(log.every));
    if (logs.length > 0) await this.log(logs);
    else if (!last) await this.watch();
    for (const checkpoint of s.checkpoints) {
      if (!due(checkpoint.every)) continue;
      const span = spanOfPlace(s.place);
      await writeCheckpoint(run, checkpointPath(await pathOf(run, checkpoint.path), span), s.params, span);
    }
  }

  private async log(logs: readonly LogPlan[]): Promise<void> {
    if (logs.length === 0) return;
    const values: NamedNumber[] = [];
    for (const { procedure, entries } of logs) {
      await this.run.executor.run(procedure);
      for (const { label, variable } of entries)
        values.push({ label, value: await readScalar(this.run, variable) });
    }
    const shown = values.filter(({ label }, i) => values.findIndex((v) => v.label === label) === i);
    this.run.host.emit({ event: 'log', step: this.done, values: shown });
    this.note = showNumbers(shown.slice(0, 2));
    const objective = shown.find(({ label }) => label === this.s.objective.label);
    if (objective === undefined) await this.objective();
    else await this.requireFinite(objective.value);
    this.lastLook = this.run.host.now();
  }

  /** The objective, when a while has passed and it is cheap against the iterations. */
  private async watch(): Promise<void> {
    const passed = this.run.host.now() - this.lastLook;
    if (passed < watchInterval || this.cost > watchShare * passed) return;
    const value = await this.objective();
    this.note = showNumbers([{ label: this.s.objective.label, value }]);
  }

  private async objective(): Promise<number> {
    const { host, executor } = this.run;
    const from = host.now();
    await executor.run(this.s.objective.procedure);
    const value = await readScalar(this.run, this.s.objective.variable);
    this.lastLook = host.now();
    this.cost = this.lastLook - from;
    await this.requireFinite(value);
    return value;
  }

  /** Throws R201 when a solve blew up, else R205. */
  private async requireFinite(value: number): Promise<void> {
    if (Number.isFinite(value)) {
      this.lastFinite = { step: this.done, value };
      return;
    }
    const { run, s } = this;
    const span = spanOfPlace(s.place);
    const lost = this.done === 0 ? undefined : await this.lostParameter();
    if (lost === undefined) await diagnose(run, s.diagnose, span);
    const { label } = s.objective;
    const what = Number.isNaN(value) ? 'NaN (not a number)' : 'infinite';
    const last = this.lastFinite;
    if (last === undefined)
      return fail(
        'R205',
        `\`${label}\` is ${what} before the first iteration`,
        span,
        'start elsewhere; print what goes into it to find the division by zero or the logarithm or root of a negative number',
      );
    return fail(
      'R205',
      `\`${label}\` became ${what} between iteration ${last.step}, where it was ${showNumber(last.value)}, and ${this.done}${lost === undefined ? '' : `, with the parameter \`${lost}\``}`,
      span,
      'take a smaller step of the optimiser (lr), or bounds on the parameters (`in a .. b`) that keep the model where it makes sense',
    );
  }

  /** The first trained parameter that is not finite. */
  private async lostParameter(): Promise<string | undefined> {
    for (const param of this.s.params) {
      const { data } = await readOutput(this.run, param);
      if (!data.every(Number.isFinite)) return param.label.replace(/^(param|state)\./, '');
    }
    return undefined;
  }
}
