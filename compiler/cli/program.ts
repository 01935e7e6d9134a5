// The commands of `flowc` and their options. In: arguments without the name of the process. Out: the exit status.
// Each command's work lives in commands/*.ts and is imported when it is called, so that `--help` stays fast.
// Trouble in a program or its run is a FlowError and gives 1; wrong usage gives 2 and a pointer to --help.

import { Command, CommanderError, Option } from 'commander';
import { reportTrouble } from './report.ts';
import type {
  BuildOptions,
  DoctorOptions,
  ExplainOptions,
  FormatOptions,
  ProgramOptions,
  RunOptions,
} from './options.ts';
import { dumpStages, readSeed, readSetting, readThreads, targetChoices } from './options.ts';
import { versionText } from './version.ts';

const usageStatus = 2;

/** Runs one command line and gives the exit status; never throws. */
export async function runProgram(commandArguments: readonly string[]): Promise<number> {
  const outcome = { status: 0 };
  const program = describeCommands((status) => {
    outcome.status = status;
  });
  try {
    await program.parseAsync(commandArguments, { from: 'user' });
    return outcome.status;
  } catch (trouble) {
    // --help and --version also arrive here, with exit code 0.
    if (trouble instanceof CommanderError) return trouble.exitCode === 0 ? 0 : usageStatus;
    return reportTrouble(trouble, { json: commandArguments.includes('--json') });
  }
}

function describeCommands(finish: (status: number) => void): Command {
  const program = new Command('flowc');
  program
    .description('Compiler and runtime for differentiable physics programs (.flow files).')
    .version(versionText(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .exitOverride()
    .showHelpAfterError('(flowc --help shows every command and option)')
    .enablePositionalOptions();

  const run = programCommand(program, 'run', 'compile a program and execute its run block');
  run.argument('<file>', 'the .flow file').argument('[name]', 'which run block, when the file has several');
  addRunOptions(run);
  run.addOption(fastOption());
  addResumeOption(run);
  run.action(async (file: string, name: string | undefined, options: RunOptions) => {
    const { runRun } = await import('./commands/run.ts');
    finish(await runRun({ file, ...(name === undefined ? {} : { name }) }, options));
  });

  const check = programCommand(program, 'check', 'report errors and warnings without running');
  check.argument('<file>', 'the .flow file');
  check.action(async (file: string, options: ProgramOptions) => {
    const { runCheck } = await import('./commands/check.ts');
    finish(await runCheck({ file }, options));
  });

  const build = programCommand(program, 'build', 'compile a program into one self-contained .flowpkg file');
  build.argument('<file>', 'the .flow file').option('-o, --output <file>', 'the .flowpkg file to write');
  build.addOption(targetOption()).addOption(fastOption());
  build.action(async (file: string, options: BuildOptions) => {
    if (options.output === undefined && options.dump === undefined) {
      build.error('error: say where to write with -o NAME.flowpkg, or what to print with --dump STAGE');
    }
    const { runBuild } = await import('./commands/build.ts');
    finish(await runBuild({ file }, options));
  });

  const exec = programCommand(program, 'exec', 'execute a .flowpkg file without the compiler');
  exec
    .argument('<package>', 'the .flowpkg file')
    .argument('[name]', 'which run block, when there are several');
  addRunOptions(exec);
  addResumeOption(exec);
  exec.action(async (file: string, name: string | undefined, options: RunOptions) => {
    const { runExec } = await import('./commands/exec.ts');
    finish(await runExec({ file, ...(name === undefined ? {} : { name }) }, options));
  });

  const test = programCommand(program, 'test', 'run the test blocks of a file, or of the standard library');
  test
    .argument('<file>', 'the .flow file, or the word std')
    .argument('[name]', 'only tests whose title holds this text');
  addRunOptions(test);
  test.addOption(fastOption());
  test.action(async (file: string, name: string | undefined, options: RunOptions) => {
    const { runTest } = await import('./commands/test.ts');
    finish(await runTest({ file, ...(name === undefined ? {} : { name }) }, options));
  });

  const explain = programCommand(program, 'explain', 'tell what a program costs: kernels a step, bytes');
  explain.argument('<file>', 'the .flow file').option('--memory', 'show the largest buffers', false);
  explain.action(async (file: string, options: ExplainOptions) => {
    const { runExplain } = await import('./commands/explain.ts');
    finish(await runExplain({ file }, options));
  });

  const doctor = addCommand(
    program,
    'doctor',
    'report what this machine offers: processor, WebAssembly, GPU, driver advice',
  );
  doctor.option('--json', 'print one JSON document', false);
  doctor.action(async (options: DoctorOptions) => {
    const { runDoctor } = await import('./commands/doctor.ts');
    finish(await runDoctor(options));
  });

  const format = addCommand(program, 'fmt', 'rewrite programs in the canonical layout');
  format
    .argument('<files...>', 'the .flow files')
    .option('--check', 'only tell which files would change', false);
  format.action(async (files: string[], options: FormatOptions) => {
    const { runFormat } = await import('./commands/fmt.ts');
    finish(await runFormat({ files }, options));
  });
  return program;
}

function addCommand(program: Command, name: string, summary: string): Command {
  return program
    .command(name)
    .description(summary)
    .exitOverride()
    .helpOption('-h, --help', 'show help')
    .allowExcessArguments(false);
}

/** A command that reads a program: the options of ProgramOptions. */
function programCommand(program: Command, name: string, summary: string): Command {
  return addCommand(program, name, summary)
    .option('--set <name=value>', 'set a const or an input; may be repeated', readSetting, [])
    .option('--json', 'print one JSON document', false)
    .option('--verify', 'check every intermediate result of the compiler', false)
    .addOption(new Option('--dump <stage>', 'print one stage of the compiler').choices(dumpStages));
}

function addRunOptions(command: Command): void {
  command
    .option('--seed <n>', 'seed of every random draw', readSeed, 0)
    .addOption(targetOption())
    .option('--out <dir>', 'directory for saved files and pictures', '.')
    .option('--quiet', 'no progress, only what the program prints', false)
    .option('--threads <n>', 'threads of the CPU target (default: all cores)', readThreads)
    .option('--strict', 'CPU: no fused multiply-adds, the same bits on every machine', false);
}

function addResumeOption(command: Command): void {
  command.option(
    '--resume [checkpoint]',
    'go on from the latest checkpoint in the output directory, or from this one',
  );
}

function fastOption(): Option {
  return new Option('--fast', 'CPU: sums in another order where that is faster, less accurate').default(
    false,
  );
}

function targetOption(): Option {
  return new Option('--target <target>', 'where to run').choices(targetChoices).default('auto');
}
