// Statistical tests of the generator of draws with TestU01, by hand and not in continuous integration:
//   npm run crush -- small          every order of drawing, a minute
//   npm run crush -- crush block    the battery Crush for one order, about an hour of one core
//   npm run crush -- crush block 3 57   its 57th test alone, with seed 3
//   npm run crush -- big block      BigCrush, some ten hours
// Wants a C compiler and TestU01 (github.com/umontreal-simul/TestU01-2009, or a package with bbattery.h): where it lies is said by TESTU01=/prefix. Prints the summary of every battery; what was
// found is in README.md.

import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

const ORDERS = ['block', 'turn', 'step', 'name', 'low'];
const [battery = 'small', order, seed = '0', test = '0'] = process.argv.slice(2);
if (!['small', 'crush', 'big'].includes(battery) || (order !== undefined && !ORDERS.includes(order))) {
  console.error(`usage: npm run crush -- small|crush|big [${ORDERS.join('|')}] [seed [test]]`);
  process.exit(2);
}

const here = import.meta.dirname;
const folder = join(here, '../../node_modules/.cache/crush');
mkdirSync(folder, { recursive: true });
const program = join(folder, 'crush');
const prefix = process.env.TESTU01;
const places = prefix === undefined ? [] : [`-I${prefix}/include`, `-L${prefix}/lib`];
const libraries = ['-ltestu01', '-lprobdist', '-lmylib', '-lm'];
const built = spawnSync('cc', ['-O3', '-o', program, join(here, 'crush.c'), ...places, ...libraries], {
  stdio: 'inherit',
});
if (built.status !== 0) {
  console.error('TestU01 was not found: say where it lies with TESTU01=/prefix');
  process.exit(2);
}

let failed = false;
for (const each of order === undefined ? ORDERS : [order]) {
  const ran = spawnSync(program, [battery, each, seed, test], { encoding: 'utf8', maxBuffer: 2 ** 28 });
  const summary = ran.stdout.slice(ran.stdout.lastIndexOf('========= Summary results'));
  console.log(summary.trim());
  failed ||= ran.status !== 0 || !summary.includes('All tests were passed');
}
process.exit(failed ? 1 : 0);
