// `flowc build`. In: the file and the options. Out: a package with plan, code and data, for machines without the compiler; or the text of one stage.
// Which code a package holds: with `--target auto` that of every target its precision allows, else that target's alone.

import { load_value } from '../../../runtime/io/save.ts';
import { write_file } from '../../../runtime/io/write_file.ts';
import { writePackage } from '../../../runtime/package.ts';
import type { Executor, Plan } from '../../plan/types.ts';
import { fail } from '../../support/diagnostic.ts';
import { binaryBytes } from '../doctor.ts';
import { planFile, withCode } from '../compiled.ts';
import { writeDump } from '../dump.ts';
import type { BuildOptions } from '../options.ts';
import { settingsOf } from '../settings.ts';
import { versionText } from '../version.ts';
import { dirname, resolve } from 'node:path';

export async function runBuild(request: { readonly file: string }, options: BuildOptions): Promise<number> {
  const { file } = request;
  if (options.dump !== undefined) {
    await writeDump(file, options.dump, options);
    if (options.output === undefined) return 0;
  }
  const output = options.output ?? '';
  if (!output.endsWith('.flowpkg'))
    fail('R133', `a package is called something.flowpkg, not "${output}"`, undefined, `-o ${output}.flowpkg`);
  const { plan, source, host } = planFile(file, options, { diagnose: true });
  let whole = withFiles(plan, dirname(file));
  for (const target of targetsOf(options, plan))
    whole = await withCode(whole, target, { portable: true, fast: options.fast });
  const bytes = writePackage({
    plan: whole,
    flowc: versionText(),
    sources: host.sourceHash(source),
    settings: Object.fromEntries(settingsOf(options.set)),
  });
  write_file(output, bytes);
  const targets = Object.keys(whole.code).join(', ');
  process.stdout.write(
    options.json
      ? `${JSON.stringify({ ok: true, output, bytes: bytes.length, kernels: plan.kernels.length })}\n`
      : `built ${output}: ${plan.kernels.length} kernels (${targets || 'no code'}), ${binaryBytes(bytes.length)}\n`,
  );
  return 0;
}

function targetsOf(options: BuildOptions, plan: Plan): readonly Executor['target'][] {
  if (options.target !== 'auto') return [options.target];
  const usesF64 = plan.kernels.some((kernel) => kernel.buffers.some((b) => b.type === 'f64'));
  return plan.precision === 'f64' || usesF64 ? ['cpu'] : ['gpu', 'cpu'];
}

/** Data files that would be read when the run starts, as initial contents. */
function withFiles(plan: Plan, directory: string): Plan {
  const contents = new Map(
    plan.script.files.map(({ path, column, variable }) => [
      variable,
      load_value(resolve(directory, path), column === undefined ? {} : { column }).data,
    ]),
  );
  return {
    ...plan,
    buffers: plan.buffers.map((buffer) => {
      const initial = buffer.role === 'variable' ? contents.get(buffer.name) : undefined;
      return initial === undefined ? buffer : { ...buffer, initial };
    }),
    script: { ...plan.script, files: [] },
  };
}
