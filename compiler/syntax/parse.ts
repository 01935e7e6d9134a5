// Source text -> tree and diagnostics: scan, pre-pass, holes of strings, then each item alone. Pure; never throws on user input.
// Each syntax error gives one message; the broken statement is taken out and its item is parsed again (recover.ts), so that all
// mistakes of a file are reported at once. At most `mostErrors` messages a file.

import type { Diagnostic } from '../support/diagnostic.ts';
import { byPlace } from '../support/render.ts';
import type { SourceFile, Span } from '../support/span.ts';
import type * as ast from './ast.ts';
import { attachDocumentation } from './documentation.ts';
import { explain } from './explain.ts';
import { FlowParser } from './grammar_item.ts';
import { prepare, prepareHole } from './prepass.ts';
import { failureOf } from './failure.ts';
import { locate, withoutStatement } from './recover.ts';
import { scan } from './scan.ts';
import type { StringPiece, Token } from './tokens.ts';

export interface ParseResult {
  readonly ast: ast.FileAst;
  readonly diagnostics: readonly Diagnostic[];
}

/** More messages than this in one file help nobody. */
export const mostErrors = 20;

/** Parses a file. The tree holds what is whole; `diagnostics` is empty exactly when the text is well formed. */
export function parseFile(file: SourceFile): ParseResult {
  const scanned = scan(file);
  const prepared = prepare(file, scanned.tokens);
  const diagnostics: Diagnostic[] = [...scanned.diagnostics, ...prepared.diagnostics];
  const items: ast.Item[] = [];
  for (const slice of prepared.slices) {
    if (!slice.parseable) continue;
    const inStrings = readStrings(file, slice.tokens);
    const parsed = parseRepeatedly(file, slice.tokens, [
      ...scanned.diagnostics,
      ...prepared.brackets,
      ...inStrings,
    ]);
    diagnostics.push(...inStrings);
    items.push(...(parsed.value ?? []));
    diagnostics.push(...parsed.diagnostics);
  }
  const span: Span = { file, start: 0, end: file.text.length };
  const { doc, documented, comments } = attachDocumentation(file, items, scanned.comments);
  const tree: ast.FileAst = {
    file,
    ...(doc === undefined ? {} : { doc }),
    items: documented,
    comments,
    span,
  };
  return { ast: tree, diagnostics: settle(diagnostics) };
}

/** The grammar's analysis takes tens of milliseconds: done at the first parse, kept for the life of the process. */
const theParser = once(() => new FlowParser());

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** In the order of the text, without repetitions, at most `mostErrors`. */
function settle(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const sorted = [...diagnostics].sort(byPlace);
  const kept = sorted.filter((d, i) => {
    const before = sorted[i - 1];
    return !before || before.span?.start !== d.span?.start || before.message !== d.message;
  });
  const rest = kept.length - mostErrors;
  if (rest <= 0) return kept;
  const more: Diagnostic = {
    severity: 'note',
    code: 'S099',
    message: `${rest} more syntax errors are not shown`,
  };
  return [...kept.slice(0, mostErrors), more];
}

interface Repeated {
  readonly value: ast.Item[] | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Parses until nothing is wrong any more, taking out one broken statement each time. `reported` is what was found before: a
 * statement in which a character, number or string was reported before the error says no more.
 */
function parseRepeatedly(file: SourceFile, first: Token[], reported: readonly Diagnostic[]): Repeated {
  const diagnostics: Diagnostic[] = [];
  let tokens = first;
  for (let round = 0; round <= mostErrors; round++) {
    const parsed = theParser().parseItems(file, tokens);
    if (parsed.tooDeep) return { value: undefined, diagnostics: [...diagnostics, tooDeep(file, tokens)] };
    const { error } = parsed;
    if (!error) return { value: parsed.value, diagnostics: [...diagnostics, ...parsed.problems] };
    const failure = failureOf(tokens, error, 'items');
    const site = locate(tokens, failure);
    const { diagnostic, indented } = explain(file, tokens, site, failure);
    const start = tokens[site.start]?.startOffset ?? 0;
    const end = (tokens[Math.min(site.index, tokens.length - 1)]?.endOffset ?? 0) + 1;
    const known = reported.some(({ span }) => span !== undefined && span.start >= start && span.start < end);
    const synthetic = tokens[site.index]?.synthetic === true || tokens[site.start]?.synthetic === true;
    if (!known && !synthetic) diagnostics.push(diagnostic);
    tokens = withoutStatement(tokens, site, indented);
    if (tokens.length === 0) return { value: [], diagnostics };
  }
  return { value: undefined, diagnostics };
}

function tooDeep(file: SourceFile, tokens: readonly Token[]): Diagnostic {
  const start = tokens[0]?.startOffset ?? 0;
  return {
    severity: 'error',
    code: 'S023',
    message: 'expressions are nested too deeply here',
    span: { file, start, end: start + (tokens[0]?.image.length ?? 1) },
    help: 'give the inner parts names with `let`',
  };
}

/** Parses the holes of all strings of a list, inner ones first, and leaves the expressions on their tokens. */
function readStrings(file: SourceFile, tokens: readonly Token[]): Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  for (const token of tokens) {
    if (!token.pieces) continue;
    const parts: ast.StringPart[] = [];
    for (const piece of token.pieces) parts.push(...readPiece(file, piece, diagnostics));
    token.string = {
      kind: 'string',
      parts,
      span: { file, start: token.startOffset, end: token.endOffset + 1 },
    };
  }
  return diagnostics;
}

function readPiece(file: SourceFile, piece: StringPiece, diagnostics: Diagnostic[]): ast.StringPart[] {
  if (piece.kind === 'text') return [{ kind: 'text', text: piece.text }];
  const faults = prepareHole(file, piece.tokens);
  diagnostics.push(...faults);
  if (faults.length > 0) return [];
  diagnostics.push(...readStrings(file, piece.tokens));
  const parsed = theParser().parseHole(file, piece.tokens);
  diagnostics.push(...parsed.problems);
  if (parsed.tooDeep) diagnostics.push(tooDeep(file, piece.tokens));
  if (parsed.error) {
    const failure = failureOf(piece.tokens, parsed.error, 'hole');
    const site = { index: failure.index, start: 0, end: piece.tokens.length, block: -1 };
    diagnostics.push(explain(file, piece.tokens, site, failure).diagnostic);
  }
  if (!parsed.value) return [];
  return [{ kind: 'hole', ...parsed.value, span: { file, start: piece.start, end: piece.end } }];
}
