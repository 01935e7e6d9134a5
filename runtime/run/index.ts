// What the rest of flowc uses of this room.

export type { RunPlan } from './context.ts';
export type { GradientReport, NamedNumber, RunEvent, RunHost } from './host.ts';
export { createMemoryHost, type MemoryHost, type MemoryHostOptions } from './memory_host.ts';
export { createNodeHost, type NodeHostOptions } from './node_host.ts';
export { eventJson, eventText } from './report_text.ts';
export {
  chooseRun,
  runScript,
  runTests,
  type RunOptions,
  type RunReport,
  type TestReport,
  type TestResult,
} from './run_script.ts';
export { taylorTest, type TaylorPoint, type TaylorProblem, type TaylorResult } from './taylor.ts';
