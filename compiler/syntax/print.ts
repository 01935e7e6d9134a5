// Tree -> source text in the one style of the language (two blanks, 110 columns, brackets where needed). Printing and parsing
// again gives the same tree but for spans. Comments on lines of their own and at the ends of statements are kept; one inside an
// expression moves above its statement. Blank lines of the source are kept, one at a time.

import { assertNever } from '../support/diagnostic.ts';
import type { Span } from '../support/span.ts';
import type * as ast from './ast.ts';
import {
  blankLine,
  type Doc,
  group,
  hardline,
  indent,
  join,
  layout,
  line,
  onOneLine,
  semicolon,
  suffix,
} from './layout.ts';
import * as e from './print_expression.ts';

const width = 110;

/** The whole file, formatted; ends with a line break unless empty. */
export function printFile(file: ast.FileAst): string {
  const text = layout(new Printer(file).file(file), width);
  return text === '' ? '' : `${text.trimEnd()}\n`;
}

/** An expression on one line, as it would be written; for messages and dumps. */
export function printExpression(value: ast.Expression): string {
  return onOneLine(e.expression(value, new Printer(undefined)));
}

/** A type on one line, as it would be written. */
export function printType(value: ast.TypeExpression): string {
  return onOneLine(e.type(value, new Printer(undefined)));
}

/** An item or statement without its comments and documentation. */
export function printItem(item: ast.Item): string {
  return layout(new Printer(undefined).item(item), width);
}

interface Placed {
  readonly span: Span;
}

class Printer implements e.BlockPrinter {
  private readonly comments: readonly ast.Comment[];
  private next = 0;

  constructor(private readonly source: ast.FileAst | undefined) {
    this.comments = source?.comments ?? [];
  }

  // ------------------------------------------------------------------------------------------------- comments and lists

  private textBetween(start: number, end: number): string {
    return this.source ? this.source.file.text.slice(start, end) : '';
  }

  /** Own-line comments before `offset`, and those that lie inside what was printed. */
  private commentsBefore(offset: number): ast.Comment[] {
    const taken: ast.Comment[] = [];
    for (let c = this.comments[this.next]; c && c.span.start < offset; c = this.comments[this.next]) {
      taken.push(c);
      this.next += 1;
    }
    return taken;
  }

  /** The comment on the line on which a statement ends. */
  private commentBehind(end: number): ast.Comment | undefined {
    const comment = this.comments[this.next];
    if (!comment || comment.ownLine || /[^\s;]/.test(this.textBetween(end, comment.span.start)))
      return undefined;
    if (this.textBetween(end, comment.span.start).includes('\n')) return undefined;
    this.next += 1;
    return comment;
  }

  /** A list of statements or items with their comments and blank lines; `end` is where the list ends. */
  private sequence<T extends Placed>(
    list: readonly T[],
    print: (entry: T) => Doc,
    start: number,
    end: number,
  ): Doc[] {
    const out: { readonly doc: Doc; readonly blank: boolean }[] = [];
    let before = start;
    const push = (doc: Doc, from: number, to: number) => {
      const blank = out.length > 0 && /\n[^\S\n]*\r?\n/.test(this.textBetween(before, from));
      out.push({ doc, blank });
      before = to;
    };
    const pushComments = (comments: readonly ast.Comment[]) => {
      for (const comment of comments)
        push(`# ${comment.text}`.trimEnd(), comment.span.start, comment.span.end);
    };
    for (const entry of list) {
      pushComments(this.commentsBefore(entry.span.start));
      const doc = print(entry);
      const inside = this.commentsBefore(entry.span.end);
      for (const comment of inside) push(`# ${comment.text}`.trimEnd(), before, before);
      const behind = this.commentBehind(entry.span.end);
      push(
        behind ? [doc, suffix(`  # ${behind.text}`.trimEnd())] : doc,
        entry.span.start,
        behind ? behind.span.end : entry.span.end,
      );
    }
    pushComments(this.commentsBefore(end));
    return out.map(({ doc, blank }, i) => (i === 0 ? doc : [blank ? blankLine : hardline, doc]));
  }

  /** `{ … }`: on one line when it was on one, holds no comment and fits. */
  private braces<T extends Placed>(span: Span, list: readonly T[], print: (entry: T) => Doc): Doc {
    const holds = this.comments.some((c) => c.span.start > span.start && c.span.start < span.end);
    if (list.length === 0 && !holds) return '{ }';
    const oneLine = !holds && !this.textBetween(span.start, span.end).includes('\n');
    if (oneLine) return group(['{', indent([line, join(list.map(print), semicolon)]), line, '}']);
    const behind = this.commentBehind(span.start + 1);
    const open: Doc = behind ? ['{', suffix(`  # ${behind.text}`.trimEnd())] : '{';
    return [open, indent([hardline, this.sequence(list, print, span.start + 1, span.end)]), hardline, '}'];
  }

  block(block: ast.BlockExpression): Doc {
    return this.braces(block.span, block.statements, (s) => this.statement(s));
  }

  private runBlock(block: ast.RunBlock): Doc {
    return this.braces(block.span, block.statements, (s) => this.runStatement(s));
  }

  private expr(value: ast.Expression): Doc {
    return e.expression(value, this);
  }

  private exprs(values: readonly ast.Expression[]): Doc {
    return join(
      values.map((value) => this.expr(value)),
      ', ',
    );
  }

  private typed(type: ast.TypeExpression | undefined): Doc {
    return type ? [': ', e.type(type, this)] : '';
  }

  /** `= e`, or ` { … }`. */
  private definition(body: ast.Expression): Doc {
    return body.kind === 'block' ? [' ', this.block(body)] : [' = ', this.expr(body)];
  }

  // -------------------------------------------------------------------------------------------------------------- items

  file(file: ast.FileAst): Doc {
    const start = file.items[0]?.span.start ?? file.span.end;
    const items = this.sequence(file.items, (item) => this.documented(item), start, file.span.end + 1);
    if (file.doc === undefined) return items;
    // a blank line keeps the documentation of the file from that of the first item
    const first = file.items[0];
    const joined = first !== undefined && (first.kind === 'use' || first.kind === 'precision');
    return [documentation(file.doc), items.length === 0 ? '' : joined ? hardline : blankLine, ...items];
  }

  private documented(item: ast.Item): Doc {
    return item.doc === undefined ? this.item(item) : [documentation(item.doc), hardline, this.item(item)];
  }

  item(item: ast.Item): Doc {
    switch (item.kind) {
      case 'use': {
        const source =
          item.source.kind === 'module' ? e.path(item.source) : e.printString(item.source.path, this);
        const names = item.names.map((n) => (n.as ? `${n.name.name} as ${n.as.name}` : n.name.name));
        return ['use ', source, ' ', names.length === 0 ? '{ }' : e.bracketed('{', names, '}', line)];
      }
      case 'declaration':
        return this.declaration(item);
      case 'domain':
        return this.domain(item);
      case 'region':
        return ['region ', item.name.name, ' on ', item.on.name, ' = ', this.expr(item.value)];
      case 'field':
        return this.field(item);
      case 'type-alias':
        return ['type ', item.name.name, ' = ', e.type(item.type, this)];
      case 'precision':
        return ['precision ', item.name.name];
      case 'fn':
        return [
          ['fn ', item.name.name, e.parameters(item.params, this)],
          item.result ? [' -> ', e.type(item.result, this)] : '',
          this.definition(item.body),
          item.derivative ? indent([hardline, 'derivative ', this.expr(item.derivative)]) : '',
          item.tangent ? indent([hardline, 'tangent ', this.expr(item.tangent)]) : '',
        ];
      case 'layer': {
        const { start, end } = this.bodySpan(item.span, item.members);
        const body = this.braces({ ...item.span, start, end }, item.members, (m) => this.layerMember(m));
        return ['layer ', item.name.name, e.parameters(item.params, this), ' ', body];
      }
      case 'model': {
        const params = item.params.length > 0 ? e.parameters(item.params, this) : '';
        const { start, end } = this.bodySpan(item.span, item.clauses);
        const body = this.braces({ ...item.span, start, end }, item.clauses, (c) => this.modelClause(c));
        return [
          item.what,
          ' ',
          item.name.name,
          params,
          item.on ? [' on ', e.place(item.on, this)] : '',
          ' ',
          body,
        ];
      }
      case 'let':
        return this.letStatement(item);
      case 'loss': {
        const over = item.generators ? ['(', e.generators(item.generators, this), ')'] : '';
        return ['loss ', item.name.name, over, this.definition(item.body)];
      }
      case 'test':
        return ['test ', e.printString(item.name, this), ' ', this.block(item.body)];
      case 'run':
        return ['run ', item.name ? `${item.name.name} ` : '', this.runBlock(item.body)];
      default:
        return assertNever(item);
    }
  }

  /** From the `{` of an item to its end: the span within which its comments and line breaks lie. */
  private bodySpan(span: Span, list: readonly Placed[]): { start: number; end: number } {
    const first = list[0]?.span.start ?? span.end;
    const text = this.textBetween(span.start, first);
    const comments = this.comments.filter((c) => c.span.start > span.start && c.span.start < first);
    const cut = comments[0] ? comments[0].span.start - span.start : text.length;
    const brace = text.slice(0, cut).lastIndexOf('{');
    return { start: brace < 0 ? span.start : span.start + brace, end: span.end };
  }

  private declaration(d: ast.DeclarationItem): Doc {
    return [
      `${d.what} ${d.name.name}`,
      this.typed(d.type),
      ' = ',
      this.expr(d.value),
      d.bounds ? [` ${d.bounds.kind} `, this.expr(d.bounds.value)] : '',
      d.from ? [' from ', this.expr(d.from)] : '',
    ];
  }

  private domain(d: ast.DomainItem): Doc {
    const head: Doc = ['domain ', d.name.name, d.params.length > 0 ? e.parameters(d.params, this) : ''];
    if (d.body.kind === 'alias') return [head, ' = ', this.expr(d.body.value)];
    const { axes, scale } = d.body;
    const lines: { readonly span: Span; readonly doc: () => Doc }[] = axes.map((axis) => ({
      span: axis.span,
      doc: () => this.axis(axis),
    }));
    if (scale) lines.push({ span: scale.span, doc: () => ['scale ', this.expr(scale)] });
    lines.sort((a, b) => a.span.start - b.span.start);
    const { start, end } = this.bodySpan(d.span, lines);
    return [head, ' ', this.braces({ ...d.span, start, end }, lines, (entry) => entry.doc())];
  }

  private axis(axis: ast.Axis): Doc {
    return [
      axis.name.name,
      axis.components ? ['[', this.expr(axis.components), ']'] : '',
      ': ',
      this.expr(axis.interval),
      axis.points ? [` ${axis.points.rule} `, this.expr(axis.points.count)] : '',
      axis.mapped ? [' mapped ', this.expr(axis.mapped)] : '',
      axis.periodic ? ' periodic' : '',
    ];
  }

  private field(f: ast.FieldItem): Doc {
    return [
      'field ',
      f.name.name,
      e.parameters(f.params, this),
      this.typed(f.type),
      ' = ',
      this.expr(f.value),
    ];
  }

  private layerMember(member: ast.LayerMember): Doc {
    switch (member.kind) {
      case 'declaration':
        return this.declaration(member);
      case 'let':
        return this.letStatement(member);
      case 'call-member':
        return ['call', e.parameters(member.params, this), this.definition(member.body)];
      default:
        return assertNever(member);
    }
  }

  // ------------------------------------------------------------------------------------------------------------- models

  private modelClause(clause: ast.ModelClause): Doc {
    switch (clause.kind) {
      case 'state-clause':
        return [
          'state ',
          join(
            clause.entries.map((s) => [
              s.rate ? `dt(${s.name.name})` : s.name.name,
              this.typed(s.type),
              s.initial ? [' = ', this.expr(s.initial)] : '',
            ]),
            ', ',
          ),
        ];
      case 'noise-clause':
        return [
          `${clause.what} `,
          join(
            clause.entries.map((n) => [
              n.name.name,
              this.typed(n.type),
              n.on ? [' on ', e.place(n.on, this)] : '',
              n.process ? [' = ', this.expr(n.process)] : '',
            ]),
            ', ',
          ),
        ];
      case 'boundary': {
        const { start, end } = this.bodySpan(clause.span, clause.equations);
        const body = this.braces({ ...clause.span, start, end }, clause.equations, (q) => this.equation(q));
        return ['boundary ', clause.places.map(e.path).join(', '), ' ', body];
      }
      case 'monitor':
        return this.monitor(clause);
      case 'calculus':
        return ['calculus ', clause.name.name];
      case 'after-step':
        return ['after step ', this.block(clause.body)];
      case 'event':
        return ['event ', this.trigger(clause.trigger), ' ', this.block(clause.body)];
      case 'let':
        return this.letStatement(clause);
      case 'equation':
        return this.equation(clause);
      default:
        return assertNever(clause);
    }
  }

  private trigger(trigger: ast.EventClause['trigger']): Doc {
    if (trigger.kind === 'timetable')
      return ['at ', this.expr(trigger.times), trigger.as ? ` as ${trigger.as.name}` : ''];
    return [this.equation(trigger.equation), trigger.direction ? ` ${trigger.direction}` : ''];
  }

  private equation(q: ast.Equation): Doc {
    return [this.expr(q.left), ' = ', this.expr(q.right)];
  }

  private monitor(m: ast.MonitorStatement): Doc {
    return ['monitor ', m.name.name, ' = ', this.expr(m.value)];
  }

  // --------------------------------------------------------------------------------------------------------- statements

  private letStatement(s: ast.LetStatement): Doc {
    return [s.binding, ' ', e.pattern(s.pattern), this.typed(s.type), ' = ', this.expr(s.value)];
  }

  private assign(s: ast.AssignStatement): Doc {
    const scatter = s.generators ? [' for ', e.generators(s.generators, this)] : '';
    return [this.expr(s.target), ` ${s.op} `, this.expr(s.value), scatter];
  }

  private assert(s: ast.AssertStatement): Doc {
    return ['assert ', this.expr(s.condition), s.message ? [', ', this.expr(s.message)] : ''];
  }

  private statement(s: ast.Statement): Doc {
    switch (s.kind) {
      case 'let':
        return this.letStatement(s);
      case 'for':
        return ['for ', e.generators(s.generators, this), ' ', this.block(s.body)];
      case 'while':
        return [
          'while ',
          this.expr(s.condition),
          s.limit ? [' limit ', this.expr(s.limit)] : '',
          s.quietly === true ? ' quietly' : '',
          ' ',
          this.block(s.body),
        ];
      case 'if-statement': {
        const no = s.else
          ? [' else ', s.else.kind === 'block' ? this.block(s.else) : this.statement(s.else)]
          : '';
        return ['if ', this.expr(s.condition), ' ', this.block(s.then), no];
      }
      case 'return':
        return ['return ', this.expr(s.value)];
      case 'yield':
        return ['yield ', this.expr(s.value), s.every ? [' every ', this.expr(s.every)] : ''];
      case 'assert':
        return this.assert(s);
      case 'break':
        return ['break', s.when ? [' when ', this.expr(s.when)] : ''];
      case 'stop':
        return 'stop';
      case 'field':
        return this.field(s);
      case 'monitor':
        return this.monitor(s);
      case 'assign':
        return this.assign(s);
      default:
        return assertNever(s);
    }
  }

  // --------------------------------------------------------------------------------------------------------------- runs

  private runStatement(s: ast.RunStatement): Doc {
    switch (s.kind) {
      case 'let':
        return this.letStatement(s);
      case 'assert':
        return this.assert(s);
      case 'assign':
        return this.assign(s);
      case 'run-for':
        return ['for ', e.generators(s.generators, this), ' ', this.runBlock(s.body)];
      case 'run-if': {
        const no = s.else
          ? [' else ', s.else.kind === 'run-block' ? this.runBlock(s.else) : this.runStatement(s.else)]
          : '';
        return ['if ', this.expr(s.condition), ' ', this.runBlock(s.then), no];
      }
      case 'minimize': {
        const all = s.constraints;
        const body = all.map((c): Doc => [this.expr(c.left), c.right ? [' = ', this.expr(c.right)] : '']);
        const subject =
          all.length > 0 ? group([' subject to {', indent([line, join(body, semicolon)]), line, '}']) : '';
        return [this.goal(s.goal), subject, ' ', this.method(s.method)];
      }
      case 'play': {
        const goals = s.goals.map((goal) => this.goal(goal));
        return [
          'play ',
          group(['{', indent([line, join(goals, semicolon)]), line, '}']),
          ' ',
          this.method(s.method),
        ];
      }
      case 'reset':
        return ['reset ', this.exprs(s.targets)];
      case 'print':
        return ['print ', this.exprs(s.values)];
      case 'save':
        return ['save ', e.printString(s.path, this), ' ', e.record(s.record, this, true)];
      case 'plot': {
        const as = s.as ? ` as ${s.as.name}` : '';
        return [`${s.what} `, e.printString(s.path, this), ': ', this.exprs(s.values), as];
      }
      case 'check-gradient':
        return ['check gradient ', this.expr(s.value), ' over ', this.exprs(s.over)];
      case 'check-order':
        return [
          ['check order ', s.sense ? `${s.sense.name} ` : '', 'of ', this.expr(s.model)],
          [' using ', this.expr(s.using), ' over ', this.expr(s.over)],
          s.on ? [' on ', this.expr(s.on)] : '',
        ];
      default:
        return assertNever(s);
    }
  }

  private goal(goal: ast.Goal): Doc {
    const except = goal.except.length > 0 ? [' except ', this.exprs(goal.except)] : '';
    return [goal.direction, ' ', this.expr(goal.value), ' over ', this.exprs(goal.over), except];
  }

  private method(m: ast.Method): Doc {
    const head: Doc = [
      ['using ', this.expr(m.using)],
      m.batch ? [' batch ', this.expr(m.batch)] : '',
      m.accumulate ? [' accumulate ', this.expr(m.accumulate)] : '',
      [` ${m.unit} `, this.expr(m.count)],
    ];
    if (m.options.length === 0) return head;
    const { start, end } = this.bodySpan(m.span, m.options);
    return [head, ' ', this.braces({ ...m.span, start, end }, m.options, (option) => this.option(option))];
  }

  private option(o: ast.MinimizeOption): Doc {
    switch (o.kind) {
      case 'log':
        return ['log ', this.exprs(o.values), ' every ', this.expr(o.every)];
      case 'checkpoint':
        return ['save ', e.printString(o.path, this), ' every ', this.expr(o.every)];
      case 'stop-when':
        return ['stop when ', this.expr(o.condition)];
      case 'keep-best':
        return ['keep best ', this.expr(o.value), ' every ', this.expr(o.every)];
      case 'every':
        return ['every ', this.expr(o.period), ' ', this.runBlock(o.body)];
      default:
        return assertNever(o);
    }
  }
}

function documentation(text: string): Doc {
  const lines = text.split('\n').map((textLine) => `## ${textLine}`.trimEnd());
  return join(lines, hardline);
}
