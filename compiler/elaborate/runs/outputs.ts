// Values as the host sees them: variables with a label, a shape and, for fields, axes; strings with holes; places in the source.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { complexNodes, hasComplex } from '../values/complex_parts.ts';
import { flatten, joined, toNode } from '../values/leaves.ts';
import { showNumber } from '../../support/number_text.ts';
import type { ComplexValue, Value } from '../values/values.ts';
import { array, describe, showComplex } from '../values/values.ts';
import type { OutputValue, Place, TextPart } from '../../plan/script.ts';
import type { Grid } from '../../field/types.ts';
import * as b from '../../ir/build.ts';
import { at } from '../../support/lists.ts';
import { isFloat } from '../../ir/types.ts';
import type { Node } from '../../ir/types.ts';
import type { Span } from '../../support/span.ts';
import { lineColumn } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

export interface OutputSink {
  readonly ctx: Context;
  output(node: Node, hint: string): string;
}

export function placeOf(span: Span): Place {
  const { line, column } = lineColumn(span.file, span.start);
  return { file: span.file.path, line, column, source: span.file.text.split('\n')[line - 1] ?? '' };
}

export function outputOf(w: OutputSink, given: Value, label: string, span: Span): OutputValue {
  const value = given.kind === 'list' ? joined(w.ctx, given, span) : given;
  if (
    value.kind === 'string' ||
    value.kind === 'function' ||
    value.kind === 'record' ||
    value.kind === 'tuple'
  )
    return failAt(w.ctx, 'E432', `numbers are wanted here, but \`${label}\` is ${describe(value)}`, span);
  if (value.kind === 'complex') {
    const pairs = pairsOf(w.ctx, value, span);
    return { label, variable: w.output(pairs, 'out'), shape: pairs.shape, kind: 'complex' };
  }
  const node = toNode(w.ctx, value, span, `\`${label}\``);
  return {
    label,
    variable: w.output(node, 'out'),
    shape: node.shape,
    kind: kindOf(node),
    ...(value.kind === 'field' && value.grid !== undefined ? { axes: axesOfGrid(value.grid) } : {}),
  };
}

export const axesOfGrid = (grid: Grid): NonNullable<OutputValue['axes']> =>
  grid.axes.map(({ name, from, to, kind, periodic }) => ({
    name,
    from,
    to,
    ...(kind === 'nodes' ? { nodes: true as const } : {}),
    ...(periodic ? { periodic: true as const } : {}),
  }));

function kindOf(node: Node): OutputValue['kind'] {
  return isFloat(node.dtype) ? 'real' : node.dtype === 'bool' ? 'bool' : 'int';
}

/** Both parts in one array, along a new last axis. */
function pairsOf(ctx: Context, z: ComplexValue, span: Span): Node {
  const parts = complexNodes(ctx, z, span).map((n) => b.reshape(ctx.graph, n, [...n.shape, 1]));
  return b.concat(ctx.graph, parts, at(parts, 0).shape.length - 1);
}

/** The arrays in a value, with their places in it; complex ones whole, and fields as such where `fields` is set. */
export function outputLeaves(
  ctx: Context,
  value: Value,
  span: Span,
  fields = false,
): readonly { readonly value: Value; readonly path: string }[] {
  const stays = (v: Value): boolean => fields && v.kind === 'field' && v.grid !== undefined;
  const inside = (v: Value): boolean =>
    hasComplex(v) ||
    (v.kind === 'record' && [...v.entries.values()].some((e) => stays(e) || inside(e))) ||
    ((v.kind === 'tuple' || v.kind === 'list') && v.elements.some((e) => stays(e) || inside(e)));
  const walk = (v: Value, path: string): { value: Value; path: string }[] => {
    if (v.kind === 'complex' || stays(v)) return [{ value: v, path }];
    if (inside(v) && v.kind === 'record')
      return [...v.entries].flatMap(([k, e]) => walk(e, path === '' ? k : `${path}.${k}`));
    if (inside(v) && (v.kind === 'tuple' || v.kind === 'list'))
      return v.elements.flatMap((e, i) => walk(e, `${path}[${i}]`));
    return flatten(ctx, v, span).leaves.map((l) => ({
      value: array(l.node),
      path:
        l.path === ''
          ? path
          : path === '' || l.path.startsWith('[')
            ? `${path}${l.path}`
            : `${path}.${l.path}`,
    }));
  };
  return walk(value, '');
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
    case 'complex': {
      if (value.re.kind === 'number' && value.im.kind === 'number')
        return [{ text: showComplex(value.re.value, value.im.value, showNumber) }];
      if (span === undefined) return [{ text: describe(value) }];
      return [{ ...hole(w, pairsOf(w.ctx, value, span)), kind: 'complex' }];
    }
    case 'record':
    case 'tuple':
    case 'list':
    case 'field': {
      if (span === undefined) return [{ text: describe(value) }];
      const whole = value.kind === 'list' ? joined(w.ctx, value, span) : value;
      if (whole.kind === 'array' || whole.kind === 'complex') return textParts(w, whole, e);
      const leaves = outputLeaves(w.ctx, value, span);
      const only = leaves[0];
      if (leaves.length === 1 && only !== undefined) return textParts(w, only.value, e);
      return leaves.flatMap((l, i): TextPart[] => [
        { text: `${i > 0 ? ', ' : ''}${l.path}: ` },
        ...textParts(w, l.value, e),
      ]);
    }
    default:
      return [{ text: describe(value) }];
  }
}
