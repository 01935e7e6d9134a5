// Runs and tests become a script and procedures. Statements that only look (print, assert, save, plot, let) and stand side by side share one procedure, so that a solve they all need runs
// once; what changes parameters or states (minimize, assignment, reset) ends such a segment.

import { hasComplex } from '../values/complex_parts.ts';
import type { AssertRecord, Context } from '../context.ts';
import { assertsOf, failAt, withDraws, withoutAsserts } from '../context.ts';
import { checkGradient } from './check_gradient.ts';
import { orderCheck } from './check_order.ts';
import { freshDraws } from '../random/draws.ts';
import { labelOf } from '../expressions/expression.ts';
import { guard } from '../names/guard.ts';
import { flatten, toReal } from '../values/leaves.ts';
import type { Flattened } from '../values/leaves.ts';
import { minimize, play } from './minimize.ts';
import { operators } from '../values/operators.ts';
import { axesOfGrid, outputLeaves, outputOf, placeOf, textParts } from './outputs.ts';
import { bindPattern } from '../names/patterns.ts';
import { bindType } from '../values/types.ts';
import { assignInRun, resetInRun } from './run_changes.ts';
import { runFor } from './run_loops.ts';
import { Scope } from '../names/scope.ts';
import type { Module } from '../names/scope.ts';
import { stackValues } from '../values/stacking.ts';
import type { Value } from '../values/values.ts';
import { array, describe } from '../values/values.ts';
import type { Variables } from '../variables.ts';
import type { Diagnosis, OutputValue, ScriptStatement } from '../../plan/script.ts';
import type { Node } from '../../ir/types.ts';
import { assertNever } from '../../support/diagnostic.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

/** Writes one block of a script. */
export class ScriptWriter {
  readonly statements: ScriptStatement[] = [];
  private outputs = new Map<string, Node>();
  private segment = 0;
  private copies: { readonly flat: Flattened; readonly bind: (copy: Value) => void }[] = [];

  constructor(
    readonly ctx: Context,
    readonly variables: Variables,
    readonly name: string,
    readonly diagnosis: () => Diagnosis | undefined,
  ) {}

  /** A variable that holds this node when the statement being written runs. */
  output(node: Node, hint: string): string {
    const own = this.variables.nameOf(node);
    if (own !== undefined) return own;
    for (const [name, known] of this.outputs) if (known === node) return name;
    const name = this.variables.result(this.ctx, node, hint);
    this.outputs.set(name, node);
    return name;
  }

  look(statement: ScriptStatement): void {
    if (this.statements.length === this.segment) this.begin();
    this.statements.push(statement);
  }

  private begin(): void {
    this.segment = this.statements.length;
  }

  /** Ends the segment: what its statements read is computed by one procedure in front of them. */
  flush(): void {
    if (this.outputs.size > 0) {
      const procedure = this.variables.procedure(`${this.name}.look`, this.outputs);
      const diagnose = this.diagnosis();
      this.statements.splice(this.segment, 0, { kind: 'call', procedure, ...(diagnose ? { diagnose } : {}) });
      this.outputs = new Map();
    }
    this.segment = this.statements.length;
  }

  /** Values are copied: before anything changes, `value` goes into variables, and `bind` gets the copy. */
  copyLater(value: Value, span: Span, bind: (copy: Value) => void): void {
    const flat = flatten(this.ctx, value, span, { keepStatic: true });
    if (flat.leaves.length > 0) this.copies.push({ flat, bind });
  }

  /** A variable that keeps the value that this node has now. */
  private copied(node: Node): string {
    const own = this.variables.nameOf(node);
    // What nothing changes need not be copied.
    if (own === undefined || /^(data|input|let)\./.test(own)) return this.output(node, 'let');
    const name = this.variables.result(this.ctx, node, 'let');
    this.outputs.set(name, node);
    return name;
  }

  /** What a `var` begins with, in variables of its own: branches and repeated blocks change these. */
  held(value: Value, span: Span): Value {
    this.settle();
    const flat = flatten(this.ctx, value, span);
    if (flat.leaves.length === 0) return value;
    const names = flat.leaves.map((l) => {
      const name = this.variables.result(this.ctx, l.node, 'var');
      this.variables.keep([name]);
      this.outputs.set(name, l.node);
      return name;
    });
    this.flush();
    return flat.rebuild(names.map((n) => this.variables.nodeOf(n)));
  }

  /** Copies what was bound by `let`, and ends the segment: to be called before anything that changes parameters or states is elaborated. */
  settle(): void {
    const pending = this.copies;
    this.copies = [];
    const named = pending.map(({ flat, bind }) => ({
      flat,
      bind,
      names: flat.leaves.map((l) => this.copied(l.node)),
    }));
    for (const { names } of named) this.variables.keep(names);
    this.flush();
    for (const { flat, bind, names } of named) bind(flat.rebuild(names.map((n) => this.variables.nodeOf(n))));
  }

  change(statement: ScriptStatement): void {
    this.flush();
    this.statements.push(statement);
    this.segment = this.statements.length;
  }

  nested(name: string): ScriptWriter {
    return new ScriptWriter(this.ctx, this.variables, name, this.diagnosis);
  }
}

export function elaborateRun(
  ctx: Context,
  variables: Variables,
  module: Module,
  item: ast.RunItem,
  diagnosis: () => Diagnosis | undefined,
): ScriptStatement[] {
  const writer = new ScriptWriter(ctx, variables, item.name?.name ?? 'run', diagnosis);
  const scope = new Scope(module, undefined);
  withDraws(ctx, freshDraws(`run ${item.name?.name ?? ''}`), () => runBlock(writer, item.body, scope));
  writer.flush();
  return writer.statements;
}

export function elaborateTest(
  ctx: Context,
  variables: Variables,
  module: Module,
  item: ast.TestItem,
  diagnosis: () => Diagnosis | undefined,
): { name: string; body: ScriptStatement[] } {
  const scope = new Scope(module, undefined);
  const name = item.name.parts.map((p) => (p.kind === 'text' ? p.text : '…')).join('');
  const writer = new ScriptWriter(ctx, variables, 'test', diagnosis);
  const made = assertsOf(ctx, () =>
    withDraws(ctx, freshDraws(`test ${name}`), () => ctx.block(item.body, scope)),
  );
  for (const a of made) writer.look(assertStatement(writer, a));
  writer.flush();
  return { name, body: writer.statements };
}

export function runBlock(w: ScriptWriter, block: ast.RunBlock, scope: Scope): void {
  for (const s of block.statements) {
    // What stands behind a broken `let` would speak of a name that is missing.
    if (s.kind === 'let') checked(w, s, scope);
    else guard(w.ctx, () => checked(w, s, scope));
  }
}

/** A statement, and the assertions of the functions that it calls. */
function checked(w: ScriptWriter, s: ast.RunStatement, scope: Scope): void {
  const made = assertsOf(w.ctx, () => runStatement(w, s, scope));
  for (const a of made) w.look(assertStatement(w, a));
}

function runStatement(w: ScriptWriter, s: ast.RunStatement, scope: Scope): void {
  const { ctx } = w;
  switch (s.kind) {
    case 'let': {
      const given = ctx.evaluate(s.value, scope);
      const value =
        s.type === undefined ? given : bindType(ctx, s.type, given, scope, s.value.span, 'the value');
      const bind = (v: Value): void =>
        bindPattern(ctx, s.pattern, v, scope, s.value.span, s.binding === 'var');
      if (s.binding === 'var') bind(w.held(value, s.value.span));
      else {
        bind(value);
        w.copyLater(value, s.value.span, bind);
      }
      return;
    }
    case 'print': {
      const parts = s.values.flatMap((e, i) => [
        ...(i > 0 ? [{ text: ' ' }] : []),
        ...textParts(w, ctx.evaluate(e, scope), e),
      ]);
      w.look({ kind: 'print', parts, place: placeOf(s.span) });
      return;
    }
    case 'assert': {
      const made = assertsOf(ctx, () => ctx.block({ kind: 'block', statements: [s], span: s.span }, scope));
      for (const a of made) w.look(assertStatement(w, a));
      return;
    }
    case 'save': {
      const entries = s.record.entries.flatMap((e): OutputValue[] => {
        const value = ctx.evaluate(e.value, scope);
        if (e.kind === 'entry') return outputsOf(w, value, e.name.name, e.value);
        return outputsOf(w, value, '', e.value);
      });
      w.look({
        kind: 'save',
        path: textParts(w, ctx.evaluate(s.path, scope), s.path),
        entries,
        place: placeOf(s.span),
      });
      return;
    }
    case 'plot': {
      const animated = s.what === 'animate';
      const style = s.as?.name ?? 'auto';
      if (
        !(
          animated ? ['auto', 'heat', 'line'] : ['auto', 'heat', 'line', 'scatter', 'histogram', 'quiver']
        ).includes(style)
      )
        failAt(
          ctx,
          'E430',
          `there is no picture \`${style}\``,
          s.as?.span ?? s.span,
          animated
            ? 'moving pictures are heat and line'
            : 'pictures are heat, line, scatter, histogram and quiver',
        );
      const series = s.values.map((e) => seriesOf(w, e, scope, animated ? 'heat' : style));
      w.look({
        kind: 'plot',
        path: textParts(w, ctx.evaluate(s.path, scope), s.path),
        style,
        series,
        ...(animated ? { animated } : {}),
        place: placeOf(s.span),
      });
      return;
    }
    case 'minimize':
      w.settle();
      w.change(
        withoutAsserts(ctx, () =>
          minimize(w, s, scope, (block, inner, name) => nestedBlock(w, block, inner, name)),
        ),
      );
      return;
    case 'check-gradient':
      w.settle();
      w.change(checkGradient(w, s, scope));
      return;
    case 'assign':
      w.settle();
      assignInRun(w, s, scope);
      return;
    case 'reset':
      w.settle();
      resetInRun(w, s, scope);
      return;
    case 'run-for':
      runFor(w, s, scope, runBlock);
      return;
    case 'run-if': {
      w.settle();
      const c = ctx.evaluate(s.condition, scope);
      if (c.kind === 'bool') {
        if (c.value) runBlock(w, s.then, scope.child());
        else if (s.else !== undefined) otherwise(w, s.else, scope);
        return;
      }
      if (c.kind !== 'array' || c.node.dtype !== 'bool' || c.node.shape.length > 0)
        return failAt(
          ctx,
          'E192',
          `a condition is one truth value, but this is ${describe(c)}`,
          s.condition.span,
        );
      const condition = w.output(c.node, 'condition');
      w.flush();
      const elseBranch = s.else;
      w.change({
        kind: 'branch',
        condition,
        then: nestedBlock(w, s.then, scope.child(), 'then'),
        else:
          elseBranch === undefined ? [] : nestedOf(w, (inner) => otherwise(inner, elseBranch, scope), 'else'),
      });
      return;
    }
    case 'play':
      w.settle();
      w.change(
        withoutAsserts(ctx, () =>
          play(w, s, scope, (block, inner, name) => nestedBlock(w, block, inner, name)),
        ),
      );
      return;
    case 'check-order': {
      const check = withoutAsserts(ctx, () => orderCheck(ctx, s, scope));
      w.look({ kind: 'print', parts: textParts(w, check.line, undefined), place: placeOf(s.span) });
      w.look(
        assertStatement(w, { condition: check.condition, message: check.message, sides: [], span: s.span }),
      );
      return;
    }
    default:
      return assertNever(s);
  }
}

function otherwise(w: ScriptWriter, e: ast.RunBlock | ast.RunIf, scope: Scope): void {
  if (e.kind === 'run-block') runBlock(w, e, scope.child());
  else runStatement(w, e, scope);
}

function nestedBlock(w: ScriptWriter, block: ast.RunBlock, scope: Scope, name: string): ScriptStatement[] {
  return nestedOf(w, (inner) => runBlock(inner, block, scope), name);
}

function nestedOf(w: ScriptWriter, work: (inner: ScriptWriter) => void, name: string): ScriptStatement[] {
  const inner = w.nested(`${w.name}.${name}`);
  work(inner);
  inner.flush();
  return inner.statements;
}

function assertStatement(w: ScriptWriter, a: AssertRecord): ScriptStatement {
  const condition = a.condition.kind === 'array' ? a.condition.node : undefined;
  if (condition === undefined) return failAt(w.ctx, 'E192', 'an assertion is a truth value', a.span);
  const whole =
    condition.shape.length === 0
      ? condition
      : w.ctx.graph.node('reduce', [condition], { kind: 'all', axes: condition.shape.map((_, i) => i) });
  return {
    kind: 'assert',
    condition: w.output(whole, 'assert'),
    message: a.message === undefined ? [] : textParts(w, a.message, undefined),
    values: a.sides.map((s) => ({
      label: s.label,
      variable: w.output(s.value.kind === 'array' ? s.value.node : whole, 'side'),
    })),
    place: placeOf(a.span),
  };
}

function outputsOf(w: ScriptWriter, value: Value, label: string, e: ast.Expression): OutputValue[] {
  if (value.kind === 'record' || value.kind === 'tuple') {
    return outputLeaves(w.ctx, value, e.span, true).map((l) =>
      outputOf(
        w,
        l.value,
        [label, l.path]
          .filter((x) => x !== '')
          .join('.')
          .replace('.[', '['),
        e.span,
      ),
    );
  }
  return [outputOf(w, value, label === '' ? labelOf(e) : label, e.span)];
}

/** What a picture shows of a complex value is its absolute value. */
function shown(ctx: Context, v: Value, span: Span): Value {
  return hasComplex(v) ? ctx.elementwise(operators.abs, [v], span) : v;
}

/** The components of a vector field in one array. */
function vectorSeries(
  w: ScriptWriter,
  parts: readonly Value[],
  e: ast.Expression,
): { y: OutputValue; vector: true } {
  const { ctx } = w;
  const arrays = parts.map((p) => array(toReal(ctx, p, e.span, 'a picture')));
  const y = outputOf(w, stackValues(ctx, arrays, e.span), labelOf(e), e.span);
  const field = parts.find((p) => p.kind === 'field');
  const grid = field?.kind === 'field' ? field.grid : undefined;
  return { y: grid === undefined ? y : { ...y, axes: axesOfGrid(grid) }, vector: true };
}

function seriesOf(
  w: ScriptWriter,
  e: ast.Expression,
  scope: Scope,
  style: string,
): { x?: OutputValue; y: OutputValue; vector?: true } {
  if (style === 'quiver' || (style === 'auto' && e.kind !== 'tuple')) {
    const value = w.ctx.evaluate(e, scope);
    if (value.kind === 'tuple' && (style === 'quiver' || value.axes !== undefined))
      return vectorSeries(w, value.elements, e);
  }
  if (e.kind === 'tuple' && e.elements.length === 2) {
    const [x, y] = [at(e.elements, 0), at(e.elements, 1)];
    return {
      x: outputOf(w, shown(w.ctx, w.ctx.evaluate(x, scope), x.span), labelOf(x), x.span),
      y: outputOf(w, shown(w.ctx, w.ctx.evaluate(y, scope), y.span), labelOf(y), y.span),
    };
  }
  return { y: outputOf(w, shown(w.ctx, w.ctx.evaluate(e, scope), e.span), labelOf(e), e.span) };
}
