// Which names the statements of a loop or branch assign to: those are what a rolled loop carries.

import type * as ast from '../syntax/ast.ts';

/** Where a name is assigned to last. */
export function assignmentOf(body: ast.BlockExpression, name: string): ast.AssignStatement | undefined {
  let found: ast.AssignStatement | undefined;
  const visit = (x: ast.Statement | ast.BlockExpression): void => {
    if (x.kind === 'assign' && assignedNames(x).includes(name)) found = x;
    else if (x.kind === 'block') x.statements.forEach(visit);
    else if (x.kind === 'for' || x.kind === 'while') visit(x.body);
    else if (x.kind === 'if-statement') {
      visit(x.then);
      if (x.else !== undefined) visit(x.else);
    }
  };
  visit(body);
  return found;
}

export function assignedNames(s: ast.Statement | ast.BlockExpression): string[] {
  const found = new Set<string>();
  const root = (e: ast.Expression): void => {
    if (e.kind === 'name') found.add(e.name);
    else if (e.kind === 'index' || e.kind === 'member') root(e.target);
    else if (e.kind === 'tuple') e.elements.forEach(root);
  };
  const visit = (x: ast.Statement | ast.BlockExpression): void => {
    switch (x.kind) {
      case 'block':
        x.statements.forEach(visit);
        return;
      case 'assign':
        root(x.target);
        return;
      case 'for':
      case 'while':
        visit(x.body);
        return;
      case 'if-statement':
        visit(x.then);
        if (x.else !== undefined) visit(x.else);
        return;
      default:
        return;
    }
  };
  visit(s);
  return [...found];
}
