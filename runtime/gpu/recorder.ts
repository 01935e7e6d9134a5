// Commands on their way to the device. In: dispatches, copies and clears, in order. Out: submissions of bounded duration, with at most a few on the device at a time.
//
// A driver's watchdog ends work that takes seconds, and a queue without bound hides errors and eats memory. So commands are cut into submissions of about `targetTime`; the speed of the
// device (work per millisecond, see work.ts) is learnt from the submissions that have finished. Whoever records in a loop awaits `room()` when `crowded`.

import type { UniformPlace } from './uniform_table.ts';
import { UniformTable } from './uniform_table.ts';

/** Milliseconds a submission should take. */
const targetTime = 40;
/** Submissions on the device at a time. */
const mostInFlight = 3;
const mostCommands = 4096;
/** Work of the first submission, before anything is known about the device. */
const firstBudget = 4_000_000;

export interface Dispatch {
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly grid: readonly [number, number];
  readonly work: number;
}

export class Recorder {
  readonly uniforms: UniformTable;
  private encoder: GPUCommandEncoder | undefined;
  private pass: GPUComputePassEncoder | undefined;
  private boundPipeline: GPUComputePipeline | undefined;
  private commands = 0;
  private work = 0;
  private budget = firstBudget;
  private inFlight = 0;
  private lastFinish = 0;
  private oldest: Promise<void>[] = [];
  /** Commands recorded so far, for statistics. */
  recorded = 0;
  submissions = 0;

  constructor(private readonly device: GPUDevice) {
    this.uniforms = new UniformTable(device);
  }

  /** Whether the caller should await `room()` before it records more. */
  get crowded(): boolean {
    return this.inFlight >= mostInFlight;
  }

  dispatch(d: Dispatch, place: UniformPlace | undefined): void {
    const pass = (this.pass ??= this.commandEncoder().beginComputePass());
    if (this.boundPipeline !== d.pipeline) {
      pass.setPipeline(d.pipeline);
      this.boundPipeline = d.pipeline;
    }
    if (place === undefined) pass.setBindGroup(0, d.group);
    else pass.setBindGroup(0, d.group, [place.offset]);
    pass.dispatchWorkgroups(d.grid[0], d.grid[1]);
    this.count(d.work);
  }

  /** Offsets and size in bytes, multiples of 4; the buffers differ. */
  copy(from: GPUBuffer, fromOffset: number, to: GPUBuffer, toOffset: number, bytes: number): void {
    if (bytes === 0) return;
    this.endPass();
    this.commandEncoder().copyBufferToBuffer(from, fromOffset, to, toOffset, bytes);
    this.count(50_000 + bytes / 4);
  }

  /** Sets bytes to zero. */
  clear(buffer: GPUBuffer, offset: number, bytes: number): void {
    if (bytes === 0) return;
    this.endPass();
    this.commandEncoder().clearBuffer(buffer, offset, bytes);
    this.count(50_000 + bytes / 4);
  }

  /** Hands everything recorded to the device. */
  submit(): void {
    if (this.encoder === undefined) return;
    this.endPass();
    this.uniforms.upload();
    this.device.queue.submit([this.encoder.finish()]);
    this.encoder = undefined;
    this.watch(this.work);
    this.commands = 0;
    this.work = 0;
    this.submissions++;
    if (this.uniforms.full) this.uniforms.reset();
  }

  /** Waits until the device has caught up with all but the latest submissions. */
  async room(): Promise<void> {
    while (this.inFlight >= mostInFlight) await this.oldest[0];
  }

  /** Waits until the device has done everything. */
  async idle(): Promise<void> {
    this.submit();
    await Promise.all(this.oldest);
  }

  private commandEncoder(): GPUCommandEncoder {
    return (this.encoder ??= this.device.createCommandEncoder());
  }

  private endPass(): void {
    this.pass?.end();
    this.pass = undefined;
    this.boundPipeline = undefined;
  }

  private count(work: number): void {
    this.recorded++;
    this.commands++;
    this.work += work;
    if (this.work >= this.budget || this.commands >= mostCommands || this.uniforms.full) this.submit();
  }

  /** Measures a submission and adapts the size of the next. */
  private watch(work: number): void {
    const submitted = performance.now();
    this.inFlight++;
    const done: Promise<void> = this.device.queue.onSubmittedWorkDone().then(
      () => {
        const now = performance.now();
        const elapsed = Math.max(0.05, now - Math.max(submitted, this.lastFinish));
        this.lastFinish = now;
        const fitting = (work / elapsed) * targetTime;
        // Grows and shrinks by a factor of four at most, so that one odd measurement does little harm.
        this.budget = Math.min(Math.max(fitting, this.budget / 4), this.budget * 4, 1e12);
        this.finished(done);
      },
      () => this.finished(done),
    );
    this.oldest.push(done);
  }

  private finished(done: Promise<void>): void {
    this.inFlight--;
    this.oldest = this.oldest.filter((p) => p !== done);
  }

  destroy(): void {
    this.uniforms.destroy();
  }
}
