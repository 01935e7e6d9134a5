// Checks that every variable and procedure a script names exists in its plan. In: a script and the names the plan has. Out: nothing, or a report of the first unknown name.

import { assertNever } from '../support/diagnostic.ts';
import type { Diagnosis, OutputValue, Script, ScriptStatement, TextPart } from './script.ts';

type Report = (why: string) => never;

export function validateScript(
  script: Script,
  variables: ReadonlySet<string>,
  procedures: ReadonlySet<string>,
  report: Report,
): void {
  const variable = (name: string): void => {
    if (!variables.has(name)) report(`the script reads the variable ${name}, which does not exist`);
  };
  const procedure = (name: string | undefined): void => {
    if (name !== undefined && !procedures.has(name))
      report(`the script calls the procedure ${name}, which does not exist`);
  };
  const text = (parts: readonly TextPart[]): void => {
    for (const part of parts) if ('variable' in part) variable(part.variable);
  };
  const output = (value: OutputValue): void => variable(value.variable);
  const diagnosis = (d: Diagnosis | undefined): void => {
    for (const solve of d?.solves ?? []) {
      procedure(solve.procedure);
      for (const { firstBadStep, before } of solve.states)
        for (const name of [firstBadStep, ...(before === undefined ? [] : [before])]) variable(name);
      for (const name of [solve.startTime, solve.stepSize, solve.stableStep]) variable(name);
      if (solve.time !== undefined) variable(solve.time);
      if (solve.members !== undefined)
        for (const name of [solve.members.index, solve.members.lost]) variable(name);
    }
  };

  const statements = (list: readonly ScriptStatement[]): void => {
    for (const s of list) statement(s);
  };
  const statement = (s: ScriptStatement): void => {
    switch (s.kind) {
      case 'call':
        procedure(s.procedure);
        diagnosis(s.diagnose);
        return;
      case 'minimize':
        for (const name of [s.start, s.step]) procedure(name);
        for (const name of [s.iteration, s.done, s.objective.variable]) variable(name);
        procedure(s.objective.procedure);
        for (const log of s.logs) {
          procedure(log.procedure);
          for (const entry of log.entries) variable(entry.variable);
        }
        for (const every of s.every) statements(every.body);
        if (s.keep !== undefined) {
          for (const name of [s.keep.start, s.keep.look, s.keep.restore]) procedure(name);
          variable(s.keep.value);
        }
        s.params.forEach(output);
        for (const checkpoint of s.checkpoints) text(checkpoint.path);
        diagnosis(s.diagnose);
        return;
      case 'print':
        procedure(s.procedure);
        text(s.parts);
        diagnosis(s.diagnose);
        return;
      case 'assert':
        procedure(s.procedure);
        variable(s.condition);
        text(s.message);
        for (const value of s.values) variable(value.variable);
        diagnosis(s.diagnose);
        return;
      case 'save':
        procedure(s.procedure);
        text(s.path);
        s.entries.forEach(output);
        diagnosis(s.diagnose);
        return;
      case 'plot':
        procedure(s.procedure);
        text(s.path);
        for (const { x, y } of s.series) [...(x ? [x] : []), y].forEach(output);
        diagnosis(s.diagnose);
        return;
      case 'check_gradient':
        for (const name of [s.value, s.slope]) procedure(name);
        for (const name of [s.h, s.loss, s.reverse, s.forward, s.scale]) variable(name);
        return;
      case 'loop':
        variable(s.variable);
        if (typeof s.to !== 'number') variable(s.to.variable);
        statements(s.body);
        return;
      case 'branch':
        procedure(s.procedure);
        variable(s.condition);
        statements(s.then);
        statements(s.else);
        return;
      default:
        assertNever(s);
    }
  };

  for (const input of script.inputs) variable(input.variable);
  for (const file of script.files) variable(file.variable);
  if (script.seed !== undefined) variable(script.seed);
  statements(script.setup);
  for (const run of Object.values(script.runs)) statements(run);
  for (const test of script.tests) statements(test.body);
  script.params.forEach(output);
  script.kept.forEach(output);
  for (const check of script.checks ?? []) {
    procedure(check.procedure);
    variable(check.variable);
  }
}
