// Names given twice where they must differ: arguments of functions, models, domains, layers and fields, parts of records and of record types. Read off the tree.

import type { Diagnostic } from '../../support/diagnostic.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

interface Named {
  readonly name: string;
  readonly span: Span;
}

/** A message for every second mention. */
export function duplicatesIn(root: object): Diagnostic[] {
  const out: Diagnostic[] = [];
  const check = (list: readonly Named[], what: string): void => {
    list.forEach((n, i) => {
      const first = list.find((m) => m.name === n.name);
      if (first === undefined || first === n || list.indexOf(first) === i) return;
      out.push({
        severity: 'error',
        code: 'E156',
        message: `${what} \`${n.name}\` stands here twice`,
        span: n.span,
        related: [{ message: 'the first time', span: first.span }],
      });
    });
  };
  const visit = (x: unknown): void => {
    if (Array.isArray(x)) {
      x.forEach(visit);
      return;
    }
    if (typeof x !== 'object' || x === null) return;
    if (hasParams(x))
      check(
        x.params.flatMap((p) => bound(p.pattern)),
        'the argument',
      );
    if (isRecord(x))
      check(
        x.entries.flatMap((e) => (e.kind === 'entry' ? [e.name] : [])),
        'the part',
      );
    if (isRecordType(x))
      check(
        x.fields.map((f) => f.name),
        'the part',
      );
    for (const [key, part] of Object.entries(x)) if (key !== 'span') visit(part);
  };
  visit(root);
  return out;
}

const bound = (p: ast.Pattern): Named[] =>
  p.kind === 'name-pattern' ? [{ name: p.name, span: p.span }] : p.elements.flatMap(bound);

/** Everything with declared arguments: a function type has `params` too, but those are types. */
const hasParams = (x: object): x is { readonly params: readonly ast.Param[] } =>
  'params' in x &&
  Array.isArray(x.params) &&
  x.params.every((p) => typeof p === 'object' && p !== null && 'pattern' in p);

const isRecord = (x: object): x is ast.RecordExpression =>
  'kind' in x && x.kind === 'record' && 'entries' in x;

const isRecordType = (x: object): x is ast.RecordType => 'kind' in x && x.kind === 'record-type';
