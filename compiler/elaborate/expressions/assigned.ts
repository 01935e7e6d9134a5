// Which names the statements of a loop or branch assign to: those are what a rolled loop carries.

import type * as ast from '../../syntax/ast.ts';

/** Where a name is assigned to last. */
export function assignmentOf(body: ast.BlockExpression, name: string): ast.AssignStatement | undefined {
  return assignments(body)
    .filter((s) => rootsOf(s.target).includes(name))
    .at(-1);
}

export function assignedNames(s: ast.Statement | ast.BlockExpression): string[] {
  return [...new Set(assignments(s).flatMap((a) => rootsOf(a.target)))];
}

function rootsOf(e: ast.Expression): readonly string[] {
  if (e.kind === 'name') return [e.name];
  if (e.kind === 'index' || e.kind === 'member') return rootsOf(e.target);
  return e.kind === 'tuple' ? e.elements.flatMap(rootsOf) : [];
}

/** All assignments, also those in expressions: in loops that yield, blocks used as values, functions written in place. */
function assignments(s: ast.Statement | ast.BlockExpression): readonly ast.AssignStatement[] {
  const found: ast.AssignStatement[] = [];
  const visit = (x: unknown): void => {
    if (typeof x !== 'object' || x === null) return;
    if (isAssignment(x)) found.push(x);
    for (const [name, part] of Object.entries(x)) if (name !== 'span') visit(part);
  };
  visit(s);
  return found;
}

const isAssignment = (x: object): x is ast.AssignStatement => 'kind' in x && x.kind === 'assign';
