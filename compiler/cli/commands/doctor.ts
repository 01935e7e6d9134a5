// `flowc doctor`. In: `--json` or not. Out: the report on standard output; status 0 whatever it says, for a machine without
// a GPU is no error.

import { inspectMachine, machineText } from '../doctor.ts';
import { inspectGpu } from '../doctor_gpu.ts';
import type { DoctorOptions } from '../options.ts';
import { versionText } from '../version.ts';

export async function runDoctor(options: DoctorOptions): Promise<number> {
  const report = inspectMachine(versionText(), await inspectGpu());
  process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : `${machineText(report)}\n`);
  return 0;
}
