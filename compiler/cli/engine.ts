// How the JavaScript engine spends its time in this process. A compiler run is short and wide: V8's optimising compiler would take more processor time than all of ours together (checking a
// program of 50 lines: 0.9 s with its defaults, 0.5 s without), so functions become candidates for it fifteen times later. What is really hot, a simulation in the interpreter, still gets there
// within milliseconds. WebAssembly is not affected.

import { setFlagsFromString } from 'node:v8';

/** The major versions of V8 (Node 20 to 24) that are known to have the flag: another one would complain on standard error. */
const first = 11;
const last = 13;

/** To be called before anything large is loaded. */
export function optimiseLate(): void {
  const major = Number.parseInt(process.versions.v8, 10);
  if (major >= first && major <= last) setFlagsFromString('--interrupt-budget=1000000');
}
