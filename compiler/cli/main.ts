#!/usr/bin/env node
// The command `flowc`. In: the arguments of the process. Out: its exit status (0 done, 1 trouble in the program or its run,
// 2 wrong usage). `--version` is answered here, before anything else is loaded; the rest is imported when it is needed.

import { optimiseLate } from './engine.ts';
import { versionText } from './version.ts';

const commandArguments = process.argv.slice(2);
if (commandArguments.length === 1 && (commandArguments[0] === '--version' || commandArguments[0] === '-V')) {
  process.stdout.write(`${versionText()}\n`);
} else {
  optimiseLate();
  // A reader that has seen enough (`flowc … | head`) is no error.
  process.stdout.on('error', (trouble: NodeJS.ErrnoException) =>
    process.exit(trouble.code === 'EPIPE' ? 0 : 1),
  );
  const { runProgram } = await import('./program.ts');
  process.exitCode = await runProgram(commandArguments);
}
