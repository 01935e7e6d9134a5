// Checks what types.ts promises about a plan and the TypeScript types cannot say. In: a plan, fresh from the scheduler or read from a package. Out: nothing, or an InternalError that
// names procedure, step and reason. An executor may rely on all of it.
//
// Checked: ids and names unique; kernels verified; every dispatch binds the right number of distinct, large enough buffers and uniforms; ranges inside their buffers for every value of
// the loop counters; counters in scope; constants never written; snapshots large enough; names in the script known.

import { verifyKernels } from '../kernel/verify.ts';
import { BYTES } from '../kernel/types.ts';
import { assertNever, InternalError } from '../support/diagnostic.ts';
import { validateScript } from './validate_script.ts';
import {
  PLAN_VERSION,
  type Affine,
  type BufferRange,
  type Plan,
  type PlanBuffer,
  type Step,
} from './types.ts';

/** Values that the counters in scope take: id -> largest value (the least is 0). */
type Counters = ReadonlyMap<number, number>;

export function validatePlan(plan: Plan): void {
  const report = (why: string): never => {
    throw new InternalError('plan.validate', `${plan.name}: ${why}`);
  };
  if (plan.version !== PLAN_VERSION) report(`version ${String(plan.version)}`);
  verifyKernels(plan.kernels);
  const buffers = new Map<number, PlanBuffer>();
  const variables = new Set<string>();
  for (const buffer of plan.buffers) {
    if (buffers.has(buffer.id)) report(`two buffers have id ${buffer.id}`);
    buffers.set(buffer.id, buffer);
    if (buffer.role === 'variable') {
      if (variables.has(buffer.name)) report(`two variables are called ${buffer.name}`);
      variables.add(buffer.name);
    }
    validateBuffer(buffer, report);
  }
  for (const [name, procedure] of Object.entries(plan.procedures)) {
    if (procedure.name !== name) report(`procedure ${name} says it is ${procedure.name}`);
    new StepValidator(plan, buffers, name).steps(procedure.steps, new Map());
  }
  validateScript(plan.script, variables, new Set(Object.keys(plan.procedures)), report);
}

type Report = (why: string) => never;

function validateBuffer(buffer: PlanBuffer, report: Report): void {
  const { name, bytes, type, shape, role, initial } = buffer;
  if (!Number.isInteger(bytes) || bytes < 0) report(`buffer ${name} has ${bytes} bytes`);
  if (role === 'slot') return;
  if (type === undefined) return report(`${role} ${name} has no type`);
  const length = shape?.reduce((n, extent) => n * extent, 1);
  if (length === undefined) return report(`${role} ${name} has no shape`);
  if (length * BYTES[type] > bytes)
    report(`${name}: ${length} elements of ${type} do not fit into ${bytes} bytes`);
  if (role === 'constant' && initial === undefined) report(`constant ${name} has no contents`);
  if (initial !== undefined && initial.length !== length)
    report(`${name}: ${initial.length} initial values for ${length} elements`);
}

class StepValidator {
  constructor(
    private readonly plan: Plan,
    private readonly buffers: ReadonlyMap<number, PlanBuffer>,
    private readonly procedure: string,
  ) {}

  steps(steps: readonly Step[], counters: Counters): void {
    for (const step of steps) this.step(step, counters);
  }

  private report(why: string): never {
    throw new InternalError('plan.validate', `${this.plan.name}, procedure ${this.procedure}: ${why}`);
  }

  private buffer(id: number): PlanBuffer {
    return this.buffers.get(id) ?? this.report(`no buffer ${id}`);
  }

  private inside(id: number, last: number, counters: Counters): Counters {
    if (counters.has(id)) this.report(`loop ${id} inside loop ${id}`);
    return new Map(counters).set(id, Math.max(0, last));
  }

  private step(step: Step, counters: Counters): void {
    switch (step.kind) {
      case 'dispatch':
        this.dispatch(step, counters);
        return;
      case 'copy':
        this.range(step.from, counters, false);
        this.range(step.to, counters, true);
        if (step.from.length !== step.to.length || step.from.type !== step.to.type)
          this.report(`copy of ${step.from.length} ${step.from.type} to ${step.to.length} ${step.to.type}`);
        return;
      case 'fill':
        this.range(step.to, counters, true);
        return;
      case 'loop':
        this.count(step.count, 'loop count');
        this.steps(step.body, this.inside(step.id, step.count - 1, counters));
        return;
      case 'while': {
        this.count(step.limit, 'limit');
        // The test runs once more than the body.
        this.steps(step.test, this.inside(step.id, step.limit, counters));
        this.flag(step.condition);
        this.steps(step.body, this.inside(step.id, step.limit - 1, counters));
        if (step.turns !== undefined) this.flag(step.turns);
        return;
      }
      case 'if':
        this.flag(step.condition);
        this.steps(step.then, counters);
        this.steps(step.else, counters);
        return;
      case 'snapshot':
        this.bounds(step.index, counters);
        this.snapshots(step, counters, false);
        return;
      case 'reverse':
        this.reverse(step, counters);
        return;
      default:
        assertNever(step);
    }
  }

  private dispatch(step: Extract<Step, { kind: 'dispatch' }>, counters: Counters): void {
    const kernel = this.plan.kernels[step.kernel];
    if (kernel === undefined) return this.report(`no kernel ${step.kernel}`);
    if (step.buffers.length !== kernel.buffers.length)
      this.report(`${kernel.name} takes ${kernel.buffers.length} buffers, is given ${step.buffers.length}`);
    if (step.uniforms.length !== kernel.uniforms.length)
      this.report(
        `${kernel.name} takes ${kernel.uniforms.length} uniforms, is given ${step.uniforms.length}`,
      );
    if (new Set(step.buffers).size !== step.buffers.length)
      this.report(`${kernel.name} is given a buffer twice: ${step.buffers.join(', ')}`);
    step.buffers.forEach((id, i) => {
      const buffer = this.buffer(id);
      const wanted = kernel.buffers[i];
      if (wanted === undefined) return;
      if (wanted.length * BYTES[wanted.type] > buffer.bytes)
        this.report(
          `${kernel.name} wants ${wanted.length} ${wanted.type} for ${wanted.name}, ${buffer.name} has ${buffer.bytes} bytes`,
        );
      if (wanted.access !== 'read' && buffer.role === 'constant')
        this.report(`${kernel.name} writes the constant ${buffer.name}`);
    });
    for (const affine of step.uniforms) this.bounds(affine, counters);
  }

  private reverse(step: Extract<Step, { kind: 'reverse' }>, counters: Counters): void {
    this.snapshots(step, counters, true);
    const inner = this.inside(step.id, step.length - 1, counters);
    this.steps(step.forward, inner);
    this.steps(step.backward, inner);
  }

  private snapshots(
    step: Extract<Step, { kind: 'reverse' | 'snapshot' }>,
    counters: Counters,
    restores: boolean,
  ): void {
    this.count(step.length, 'length');
    if (step.length > 0 && (!Number.isInteger(step.slots) || step.slots < 1 || step.slots > step.length))
      this.report(`${step.slots} slots for ${step.length} steps`);
    if (step.state.length !== step.snapshots.length)
      this.report(`${step.state.length} states, ${step.snapshots.length} snapshots`);
    step.state.forEach((state, i) => {
      this.range(state, counters, restores);
      const snapshot = this.buffer(step.snapshots[i] ?? -1);
      const bytes = step.slots * state.length * BYTES[state.type];
      if (bytes > snapshot.bytes)
        this.report(`snapshot ${snapshot.name} needs ${bytes} bytes, has ${snapshot.bytes}`);
      if (snapshot.id === state.buffer) this.report(`snapshot ${snapshot.name} is its own state`);
      if (!restores && snapshot.role === 'constant') this.report(`writes the constant ${snapshot.name}`);
    });
  }

  private count(n: number, what: string): void {
    if (!Number.isInteger(n) || n < 0) this.report(`${what} ${n}`);
  }

  private flag(id: number): void {
    const buffer = this.buffer(id);
    if (buffer.bytes < 4) this.report(`flag ${buffer.name} has ${buffer.bytes} bytes`);
  }

  /** Least and largest value. */
  private bounds(affine: Affine, counters: Counters): readonly [number, number] {
    let low = affine.constant;
    let high = affine.constant;
    for (const { loop, scale } of affine.terms) {
      const last = counters.get(loop);
      if (last === undefined) return this.report(`the counter of loop ${loop} is not in scope`);
      low += Math.min(0, scale * last);
      high += Math.max(0, scale * last);
    }
    if (!Number.isInteger(low) || !Number.isInteger(high)) this.report('an index is not an integer');
    return [low, high];
  }

  private range(range: BufferRange, counters: Counters, write: boolean): void {
    const buffer = this.buffer(range.buffer);
    this.count(range.length, 'range of length');
    const [low, high] = this.bounds(range.offset, counters);
    if (low < 0 || (high + range.length) * BYTES[range.type] > buffer.bytes)
      this.report(
        `elements ${low}..${high + range.length} (${range.type}) of ${buffer.name}, which has ${buffer.bytes} bytes`,
      );
    if (write && buffer.role === 'constant') this.report(`writes the constant ${buffer.name}`);
  }
}
