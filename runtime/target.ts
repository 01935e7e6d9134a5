// Where a plan runs. In: what the user asked for and the program's precision; then a plan with code for the target chosen. Out: the choice with its reason, and an executor. Each target's
// room is loaded only when it is chosen.

import { createReferenceExecutor } from '../compiler/plan/reference_executor.ts';
import type { Executor, Plan } from '../compiler/plan/types.ts';
import { FlowError, assertNever, fail } from '../compiler/support/diagnostic.ts';
import type { CpuOptions } from './cpu/executor.ts';

export type Target = Executor['target'];
export type TargetChoice = Target | 'auto';

export interface ChosenTarget {
  readonly target: Target;
  /** Why, for the one line that says so: `no hardware GPU`. */
  readonly why: string;
}

/** `auto` takes a hardware GPU when there is one and the precision allows it, else the CPU. A software adapter is used only when asked for. */
export async function chooseTarget(
  choice: TargetChoice,
  precision: 'f32' | 'f64',
  findHardware: () => Promise<string> = hardwareAdapter,
): Promise<ChosenTarget> {
  if (choice !== 'auto') return { target: choice, why: 'as asked' };
  if (precision === 'f64') return { target: 'cpu', why: 'GPUs have no f64' };
  try {
    return { target: 'gpu', why: `hardware GPU ${await findHardware()}` };
  } catch (trouble) {
    if (!(trouble instanceof FlowError)) throw trouble;
    const [first] = trouble.diagnostics;
    return { target: 'cpu', why: `no hardware GPU${first === undefined ? '' : `: ${first.message}`}` };
  }
}

/** The target as far as it can be known before anything is compiled. */
export async function likelyTarget(choice: TargetChoice): Promise<Target | undefined> {
  if (choice !== 'auto') return choice;
  return (await noGpuDevice()) ? 'cpu' : undefined;
}

async function hardwareAdapter(): Promise<string> {
  if (await noGpuDevice()) return fail('R040', 'this machine has none');
  const { findAdapter } = await import('./gpu/index.ts');
  return (await findAdapter({ hardwareOnly: true })).description;
}

/** On Linux a GPU is a device file; without one the driver need not be asked, which takes longer than most programs. */
async function noGpuDevice(): Promise<boolean> {
  if (typeof process === 'undefined' || process.platform !== 'linux') return false;
  const { existsSync } = await import('node:fs');
  return !['/dev/dri', '/dev/nvidia0', '/dev/nvidiactl', '/dev/dxg', '/dev/kfd', '/dev/mali0'].some((file) =>
    existsSync(file),
  );
}

/** The plan must have code for the target: WGSL, or WebAssembly; `cpu`: its threads and strictness. `interpreter` executes the kernels themselves, in float64. */
export async function openExecutor(plan: Plan, target: Target, cpu: CpuOptions = {}): Promise<Executor> {
  switch (target) {
    case 'gpu': {
      const { createGpuExecutor, openDevice, planRequirements } = await import('./gpu/index.ts');
      const gpu = await openDevice({ requirements: planRequirements(plan) });
      try {
        return ownDevice(await createGpuExecutor(plan, gpu), () => gpu.dispose());
      } catch (trouble) {
        gpu.dispose();
        throw trouble;
      }
    }
    case 'cpu': {
      const { createCpuExecutor } = await import('./cpu/executor.ts');
      return createCpuExecutor(plan, cpu);
    }
    case 'interpreter':
      return createReferenceExecutor(plan);
    default:
      return assertNever(target);
  }
}

/** The device goes with its only executor. */
function ownDevice(executor: Executor, dispose: () => void): Executor {
  return {
    description: executor.description,
    target: executor.target,
    get bytes() {
      return executor.bytes;
    },
    run: (procedure, times) => executor.run(procedure, times),
    read: (variable) => executor.read(variable),
    write: (variable, data) => executor.write(variable, data),
    async dispose() {
      await executor.dispose();
      dispose();
    },
  };
}
