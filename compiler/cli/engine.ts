// How the JavaScript engine spends its time in this process. A compiler run is short and wide: V8's optimising compiler would take more processor time than all of ours together (checking a
// program of 50 lines: 0.9 s with its defaults, 0.5 s without), so functions become candidates for it fifteen times later. What is really hot, a simulation in the interpreter, still gets there
// within milliseconds. WebAssembly is not affected. A flag that an engine does not know is ignored.

import { setFlagsFromString } from 'node:v8';

/** To be called before anything large is loaded. */
export function optimiseLate(): void {
  setFlagsFromString('--interrupt-budget=1000000');
}
