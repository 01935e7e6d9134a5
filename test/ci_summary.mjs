// The closing line of a test run. In: the file that vitest's JSON reporter wrote. Out: `N passed, N failed` on standard
// output, names of failed tests before it, skipped tests in a line of their own; exit status 1 if anything failed.

import { readFileSync } from 'node:fs';

const [path] = process.argv.slice(2);
const report = read_report(path);
if (report === undefined) {
  // The run ended before any test (a type error, say): that counts as one failure.
  console.log('the tests did not run to their end');
  console.log('0 passed, 1 failed');
  process.exit(1);
}
for (const file of report.testResults ?? []) {
  const failed = (file.assertionResults ?? []).filter((test) => test.status === 'failed');
  for (const test of failed) console.log(`failed: ${test.fullName}`);
  // A file that could not be loaded has no tests and still fails.
  if (file.status === 'failed' && failed.length === 0) console.log(`failed to load: ${file.name}`);
}
const unloaded = (report.testResults ?? []).filter(
  (file) =>
    file.status === 'failed' && !(file.assertionResults ?? []).some((test) => test.status === 'failed'),
).length;
const failures = report.numFailedTests + unloaded;
const skipped = report.numPendingTests + (report.numTodoTests ?? 0);
if (skipped > 0) console.log(`${skipped} skipped`);
console.log(`${report.numPassedTests} passed, ${failures} failed`);
process.exit(failures === 0 ? 0 : 1);

function read_report(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
