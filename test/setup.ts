// Property tests draw the same cases on every run, so that a change is judged by what it changes. `FC_SEED=n npm test` explores others; what it finds becomes a test of its own.

import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.FC_SEED ?? 20261120) });
