// The plan as text, for `flowc build --dump plan` and tests. In: a plan. Out: stable text: buffers with their bytes, kernels by name, procedures as indented steps. The script is
// shown by the names it calls.

import { assertNever } from '../support/diagnostic.ts';
import type { Affine, BufferRange, Plan, PlanBuffer, Step } from './types.ts';

export function printPlan(plan: Plan): string {
  const lines: string[] = [
    `plan ${plan.name}: version ${plan.version}, ${plan.precision}, ${showBytes(plan.bytes)}`,
  ];
  const names = new Map<number, string>();
  lines.push('', 'buffers');
  for (const buffer of plan.buffers) {
    names.set(buffer.id, `${buffer.name}#${buffer.id}`);
    lines.push(`  ${printBuffer(buffer)}`);
  }
  lines.push('', 'kernels');
  plan.kernels.forEach((kernel, i) => {
    const size =
      kernel.kind === 'map' ? `[${kernel.space.join(', ')}]` : `${kernel.m}x${kernel.n}x${kernel.k}`;
    lines.push(`  ${i} ${kernel.name}: ${kernel.kind} ${size}, ${kernel.buffers.length} buffers`);
  });
  for (const procedure of Object.values(plan.procedures)) {
    lines.push('', `procedure ${procedure.name}`);
    printSteps(procedure.steps, plan, names, '  ', lines);
  }
  return `${lines.join('\n')}\n`;
}

export function showBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${units[unit] ?? ''}`;
}

function printBuffer(b: PlanBuffer): string {
  const shape = b.type === undefined ? '' : ` ${b.type}[${b.shape?.join(', ') ?? '?'}]`;
  return `#${b.id} ${b.role} ${b.name}:${shape} ${showBytes(b.bytes)}`;
}

function printAffine(affine: Affine): string {
  const terms = affine.terms.map(({ loop, scale }) => (scale === 1 ? `l${loop}` : `${scale}*l${loop}`));
  if (affine.constant !== 0 || terms.length === 0) terms.push(String(affine.constant));
  return terms.join(' + ').replaceAll('+ -', '- ');
}

function printRange(range: BufferRange, names: ReadonlyMap<number, string>): string {
  const name = names.get(range.buffer) ?? `#${range.buffer}`;
  return `${name}[${printAffine(range.offset)}; ${range.length} ${range.type}]`;
}

export function printSteps(
  steps: readonly Step[],
  plan: Plan,
  names: ReadonlyMap<number, string>,
  indent: string,
  lines: string[],
): void {
  const inner = `${indent}  `;
  const name = (id: number) => names.get(id) ?? `#${id}`;
  const block = (list: readonly Step[]) => printSteps(list, plan, names, inner, lines);
  for (const step of steps) {
    switch (step.kind) {
      case 'dispatch': {
        const kernel = plan.kernels[step.kernel];
        const uniforms = step.uniforms
          .map((u, i) => `, ${kernel?.uniforms[i] ?? '?'} = ${printAffine(u)}`)
          .join('');
        lines.push(
          `${indent}${kernel?.name ?? step.kernel}(${step.buffers.map(name).join(', ')}${uniforms})`,
        );
        break;
      }
      case 'copy':
        lines.push(`${indent}copy ${printRange(step.from, names)} -> ${printRange(step.to, names)}`);
        break;
      case 'fill':
        lines.push(`${indent}fill ${printRange(step.to, names)} with ${step.value}`);
        break;
      case 'loop':
        lines.push(`${indent}loop l${step.id}: 0..${step.count}`);
        block(step.body);
        break;
      case 'while':
        lines.push(`${indent}while l${step.id} < ${step.limit}: test`);
        block(step.test);
        lines.push(`${indent}and ${name(step.condition)}: do`);
        block(step.body);
        if (step.turns !== undefined) lines.push(`${indent}turns -> ${name(step.turns)}`);
        break;
      case 'if':
        lines.push(`${indent}if ${name(step.condition)}`);
        block(step.then);
        lines.push(`${indent}else`);
        block(step.else);
        break;
      case 'snapshot':
        lines.push(
          `${indent}snapshot at ${printAffine(step.index)} of ${step.length} steps, ${step.slots} slots: ${step.state.map((r, i) => `${printRange(r, names)} in ${name(step.snapshots[i] ?? -1)}`).join(', ')}`,
        );
        break;
      case 'reverse':
        lines.push(
          `${indent}reverse l${step.id}: ${step.length} steps, ${step.slots} slots, state ${step.state.map((r, i) => `${printRange(r, names)} in ${name(step.snapshots[i] ?? -1)}`).join(', ')}: forward`,
        );
        block(step.forward);
        lines.push(`${indent}backward`);
        block(step.backward);
        break;
      default:
        assertNever(step);
    }
  }
}
