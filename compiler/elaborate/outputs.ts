// Values as the host sees them: variables with a label, a shape and, for fields, axes; strings with holes; places in the source.

import type { Context } from './context.ts';
import { failAt } from './context.ts';
import { flatten, toNode } from './leaves.ts';
import { showNumber } from '../support/number_text.ts';
import type { Value } from './values.ts';
import { array, describe } from './values.ts';
import type { OutputValue, Place, TextPart } from '../plan/script.ts';
import { isFloat } from '../ir/types.ts';
import type { Node } from '../ir/types.ts';
import type { Span } from '../support/span.ts';
import { lineColumn } from '../support/span.ts';
import type * as ast from '../syntax/ast.ts';

export interface OutputSink {
  readonly ctx: Context;
  output(node: Node, hint: string): string;
}

export function placeOf(span: Span): Place {
  const { line, column } = lineColumn(span.file, span.start);
  return { file: span.file.path, line, column, source: span.file.text.split('\n')[line - 1] ?? '' };
}

export function outputOf(w: OutputSink, value: Value, label: string, span: Span): OutputValue {
  if (
    value.kind === 'string' ||
    value.kind === 'function' ||
    value.kind === 'record' ||
    value.kind === 'tuple'
  )
    return failAt(w.ctx, 'E432', `numbers are wanted here, but \`${label}\` is ${describe(value)}`, span);
  const node = toNode(w.ctx, value, span, `\`${label}\``);
  return {
    label,
    variable: w.output(node, 'out'),
    shape: node.shape,
    kind: kindOf(node),
    ...(value.kind === 'field' && value.grid !== undefined
      ? { axes: value.grid.axes.map((a) => ({ name: a.name, from: a.from, to: a.to })) }
      : {}),
  };
}

function kindOf(node: Node): OutputValue['kind'] {
  return isFloat(node.dtype) ? 'real' : node.dtype === 'bool' ? 'bool' : 'int';
}

/** What is shown of a value that is known at run time. */
function hole(w: OutputSink, node: Node): TextPart {
  return { variable: w.output(node, 'text'), shape: node.shape, kind: kindOf(node) };
}

/** A string with run-time holes, or any value to be printed. */
export function textParts(w: OutputSink, value: Value, e: ast.Expression | undefined): TextPart[] {
  const span = e?.span;
  switch (value.kind) {
    case 'string':
      return value.parts.flatMap((p): TextPart[] => {
        if (typeof p === 'string') return [{ text: p }];
        const inner = textParts(w, p.value, e);
        const digits = p.digits;
        return digits === undefined ? inner : inner.map((x) => ('variable' in x ? { ...x, digits } : x));
      });
    case 'number':
      return [{ text: showNumber(value.value) }];
    case 'bool':
      return [{ text: String(value.value) }];
    case 'array':
      return [hole(w, value.node)];
    case 'record':
    case 'tuple':
    case 'list':
    case 'field': {
      if (span === undefined) return [{ text: describe(value) }];
      const flat = flatten(w.ctx, value, span);
      if (flat.leaves.length === 1 && flat.leaves[0] !== undefined)
        return textParts(w, array(flat.leaves[0].node), e);
      return flat.leaves.flatMap((l, i): TextPart[] => [
        { text: `${i > 0 ? ', ' : ''}${l.path}: ` },
        hole(w, l.node),
      ]);
    }
    default:
      return [{ text: describe(value) }];
  }
}
