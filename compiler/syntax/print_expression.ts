// Expressions, types and patterns -> documents. Brackets stand where precedence needs them and nowhere else; what is printed
// parses to the same tree. Blocks are left to the caller's printer, which knows the comments between statements.

import { assertNever } from '../support/diagnostic.ts';
import type * as ast from './ast.ts';
import { type Doc, group, indent, join, line, onOneLine, softline } from './layout.ts';

/** How tightly a form binds; operands print in brackets when they bind less than their place demands. */
export const level = {
  whole: -1,
  or: 0,
  and: 1,
  not: 2,
  compare: 3,
  range: 4,
  sum: 5,
  product: 6,
  unary: 7,
  power: 8,
  postfix: 9,
} as const;

export interface BlockPrinter {
  readonly block: (block: ast.BlockExpression) => Doc;
}

function levelOf(e: ast.Expression): number {
  switch (e.kind) {
    case 'lambda':
    case 'if':
    case 'with':
    case 'for-expression':
      return level.whole;
    case 'logical':
      return e.op === 'or' ? level.or : level.and;
    case 'not':
      return level.not;
    case 'compare':
      return level.compare;
    case 'range':
      return level.range;
    case 'binary':
      return e.op === '+' || e.op === '-' ? level.sum : e.op === '^' ? level.power : level.product;
    case 'labelled':
      return level.product;
    case 'unary':
      return level.unary;
    case 'number':
    case 'string':
    case 'boolean':
    case 'name':
    case 'call':
    case 'index':
    case 'member':
    case 'list':
    case 'comprehension':
    case 'tuple':
    case 'record':
    case 'block':
    case 'recompute':
      return level.postfix;
    default:
      return assertNever(e);
  }
}

/** Between brackets, broken one to a line when too long. */
export function bracketed(open: string, items: readonly Doc[], close: string, pad: Doc = softline): Doc {
  if (items.length === 0) return open + close;
  return group([open, indent([pad, join(items, [',', line])]), pad, close]);
}

export function printString(s: ast.StringExpression, blocks: BlockPrinter): string {
  const parts = s.parts.map((part) => {
    if (part.kind === 'text') {
      return part.text
        .replace(/[\\"{}]/g, (c) => `\\${c}`)
        .replaceAll('\n', '\\n')
        .replaceAll('\t', '\\t');
    }
    const options = part.options.map((option) => `, ${onOneLine(argument(option, blocks))}`).join('');
    return `{${onOneLine(expression(part.value, blocks))}${options}}`;
  });
  return `"${parts.join('')}"`;
}

export function expression(e: ast.Expression, blocks: BlockPrinter, at: number = level.whole): Doc {
  const text = bare(e, blocks);
  return levelOf(e) < at ? group(['(', indent([softline, text]), softline, ')']) : text;
}

function bare(e: ast.Expression, blocks: BlockPrinter): Doc {
  const print = (inner: ast.Expression, at?: number) => expression(inner, blocks, at);
  switch (e.kind) {
    case 'number':
      return e.text;
    case 'string':
      return printString(e, blocks);
    case 'boolean':
      return e.value ? 'true' : 'false';
    case 'name':
      return e.name;
    case 'unary':
      return [e.op, print(e.operand, level.power)];
    case 'not':
      return ['not ', print(e.operand, level.not)];
    case 'binary':
    case 'logical':
      return chain(e, blocks);
    case 'compare': {
      const rest = e.operands
        .slice(1)
        .map((operand, i) => [line, `${e.ops[i] ?? '=='} `, print(operand, level.range)]);
      return group([e.operands.slice(0, 1).map((operand) => print(operand, level.range)), indent(rest)]);
    }
    case 'range':
      return [print(e.from, level.sum), ' .. ', print(e.to, level.sum)];
    case 'lambda':
      return [lambdaParams(e.params, blocks), ' => ', print(e.body)];
    case 'if':
      return group([
        ['if ', print(e.condition)],
        indent([line, 'then ', print(e.then), line, 'else ', print(e.else)]),
      ]);
    case 'with':
      return ['with ', withClause(e.clause, blocks), ' ', blocks.block(e.body)];
    case 'for-expression':
      return ['for ', generators(e.generators, blocks), ' ', blocks.block(e.body)];
    case 'comprehension':
      return group([
        '[',
        indent([softline, print(e.body), line, 'for ', generators(e.generators, blocks)]),
        softline,
        ']',
      ]);
    case 'call':
      return [print(e.callee, level.postfix), args(e.args, blocks)];
    case 'index':
      return [
        print(e.target, level.postfix),
        bracketed(
          '[',
          e.entries.map((entry) => indexEntry(entry, blocks)),
          ']',
        ),
      ];
    case 'member':
      return [print(e.target, level.postfix), '.', e.name.name];
    case 'list':
      return bracketed(
        '[',
        e.elements.map((element) => print(element)),
        ']',
      );
    case 'tuple':
      return bracketed(
        '(',
        e.elements.map((element) => print(element)),
        ')',
      );
    case 'record':
      return record(e, blocks, false);
    case 'block':
      return blocks.block(e);
    case 'recompute':
      return ['recompute ', blocks.block(e.body)];
    case 'labelled':
      return [e.label.name, ': ', print(e.term, level.product)];
    default:
      return assertNever(e);
  }
}

/** Operators of one level in a row: `a + b - c`, broken before the operators when too long. */
function chain(e: ast.BinaryExpression | ast.LogicalExpression, blocks: BlockPrinter): Doc {
  const own = levelOf(e);
  if (e.op === '^')
    return [expression(e.left, blocks, level.postfix), '^', expression(e.right, blocks, level.unary)];
  const links: Doc[] = [];
  let left: ast.Expression = e;
  while ((left.kind === 'binary' || left.kind === 'logical') && levelOf(left) === own) {
    const operand = expression(left.right, blocks, own + 1);
    const tight = left.op === '*' || left.op === '/';
    links.unshift(tight ? [left.op, operand] : [line, left.op, ' ', operand]);
    left = left.left;
  }
  return group([expression(left, blocks, own), indent(links)]);
}

function lambdaParams(params: readonly ast.Param[], blocks: BlockPrinter): Doc {
  const [only] = params;
  const plain =
    params.length === 1 && only && !only.type && !only.default && only.pattern.kind === 'name-pattern';
  return plain ? pattern(only.pattern) : parameters(params, blocks);
}

export function parameters(params: readonly ast.Param[], blocks: BlockPrinter): Doc {
  return bracketed(
    '(',
    params.map((param) => [
      pattern(param.pattern),
      param.type ? [': ', type(param.type, blocks)] : '',
      param.default ? [' = ', expression(param.default, blocks)] : '',
    ]),
    ')',
  );
}

export function pattern(p: ast.Pattern): string {
  return p.kind === 'name-pattern' ? p.name : `(${p.elements.map(pattern).join(', ')})`;
}

function withClause(clause: ast.WithExpression['clause'], blocks: BlockPrinter): Doc {
  switch (clause.kind) {
    case 'bindings':
      return join(
        clause.bindings.map((b) => [expression(b.target, blocks), ' = ', expression(b.value, blocks)]),
        ', ',
      );
    case 'fresh':
      return ['fresh ', expression(clause.value, blocks)];
    case 'precision':
      return ['precision ', clause.name.name];
    case 'fixed':
      return 'fixed';
    default:
      return assertNever(clause);
  }
}

export function path(p: ast.Path): string {
  return p.parts.map((part) => part.name).join('.');
}

export function generators(list: readonly ast.Generator[], blocks: BlockPrinter): Doc {
  return join(
    list.map((g) => [pattern(g.pattern), ' in ', counted(g.source, blocks)]),
    [',', ' '],
  );
}

/** `0..n` without blanks where a range counts. */
function counted(e: ast.Expression, blocks: BlockPrinter): Doc {
  if (e.kind !== 'range') return expression(e, blocks);
  const tight = levelOf(e.from) > level.product;
  return [expression(e.from, blocks, level.sum), tight ? '..' : ' .. ', expression(e.to, blocks, level.sum)];
}

export function args(list: readonly ast.Argument[], blocks: BlockPrinter): Doc {
  return bracketed(
    '(',
    list.map((a) => argument(a, blocks)),
    ')',
  );
}

export function argument(a: ast.Argument, blocks: BlockPrinter): Doc {
  return [
    a.name ? `${a.name.name}: ` : '',
    expression(a.value, blocks),
    a.generators ? [' for ', generators(a.generators, blocks)] : '',
  ];
}

function indexEntry(entry: ast.IndexEntry, blocks: BlockPrinter): Doc {
  const outside = entry.outside ? outsideMode(entry.outside, blocks) : '';
  if (entry.kind === 'at') return [expression(entry.value, blocks), outside];
  const spaced = entry.from !== undefined && entry.to !== undefined && levelOf(entry.from) <= level.product;
  return [
    entry.from ? expression(entry.from, blocks, level.sum) : '',
    spaced ? ' .. ' : '..',
    entry.to ? expression(entry.to, blocks, level.sum) : '',
    entry.by ? [' by ', expression(entry.by, blocks)] : '',
    outside,
  ];
}

function outsideMode(mode: ast.OutsideMode, blocks: BlockPrinter): Doc {
  return mode.kind === 'else' ? [' else ', expression(mode.value, blocks)] : ` ${mode.kind}`;
}

/** A record; behind `save "file"` every entry that is a name or a path stands alone. */
export function record(r: ast.RecordExpression, blocks: BlockPrinter, saved: boolean): Doc {
  const entries = r.entries.map((entry): Doc => {
    if (entry.kind === 'spread') return ['...', expression(entry.value, blocks)];
    const { name } = entry.name;
    const same = entry.value.kind === 'name' && entry.value.name === name;
    const last = entry.value.kind === 'member' && entry.value.name.name === name;
    if ((same && (saved || r.entries.length > 1)) || (last && saved)) return expression(entry.value, blocks);
    return [name, ': ', expression(entry.value, blocks)];
  });
  return entries.length === 0 ? '{}' : bracketed('{', entries, '}', line);
}

export function place(p: ast.Place, blocks: BlockPrinter): Doc {
  return [p.name.name, p.args ? args(p.args, blocks) : ''];
}

export function type(t: ast.TypeExpression, blocks: BlockPrinter): Doc {
  const inner = (element: ast.TypeExpression): Doc => {
    const simple =
      element.kind !== 'array-type' && element.kind !== 'located-type' && element.kind !== 'function-type';
    return simple ? type(element, blocks) : ['(', type(element, blocks), ')'];
  };
  switch (t.kind) {
    case 'named-type':
      return t.complex ? `complex ${t.name.name}` : t.name.name;
    case 'record-type':
      return bracketed(
        '{',
        t.fields.map((field) => [field.name.name, ': ', type(field.type, blocks)]),
        '}',
        line,
      );
    case 'tuple-type':
      return bracketed(
        '(',
        t.elements.map((element) => type(element, blocks)),
        ')',
      );
    case 'function-type':
      return [
        bracketed(
          '(',
          t.params.map((param) => type(param, blocks)),
          ')',
        ),
        ' -> ',
        type(t.result, blocks),
      ];
    case 'array-type': {
      const shape = t.shape.map((size) => expression(size, blocks));
      return [inner(t.element), bracketed('[', shape, ']')];
    }
    case 'located-type': {
      const element = t.type.kind === 'array-type' ? type(t.type, blocks) : inner(t.type);
      return [element, t.on ? [' on ', place(t.on, blocks)] : '', t.at ? ` at ${t.at.name}` : ''];
    }
    default:
      return assertNever(t);
  }
}
