// A process of its own: opens a program of programs/, notes its largest resident set, does a run, and prints both, and what the plan predicts, in MB.

import { openProgram } from './measure.mjs';

const [name, run] = process.argv.slice(2);
const program = await openProgram(name, {}, { threads: 1 });
const resident = () => process.resourceUsage().maxRSS / 1000;
const before = resident();
await program.time(run);
process.stdout.write(JSON.stringify({ predicted: program.predicted / 1e6, before, after: resident() }));
await program.dispose();
