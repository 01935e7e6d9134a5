// Words of other languages whose meaning is beyond doubt are reported and replaced before the parser sees them:
// `def f(x)` -> `fn f(x)`, `elif c` -> `else if c`, `True` -> `true`, `lambda x: e` -> `(x) => e`, `function(x) { … }` -> `(x) => { … }`.
// Each replacement is reported once; the parser then finds the other mistakes of the item. Brackets must match.

import type { Diagnostic } from '../support/diagnostic.ts';
import { spanning, type SourceFile } from '../support/span.ts';
import type { SyntaxCode } from './codes.ts';
import { foreignConstants, functionWords } from './foreign.ts';
import * as t from './tokens.ts';
import { makeToken, retype, type Token, tokenSpan } from './tokens.ts';

export interface Replaced {
  readonly tokens: Token[];
  readonly diagnostics: readonly Diagnostic[];
}

const elseIf: ReadonlySet<string> = new Set(['elif', 'elsif', 'elseif', 'elsIf', 'elseIf']);

export function replaceForeignWords(file: SourceFile, tokens: readonly Token[]): Replaced {
  const out: Token[] = [];
  const diagnostics: Diagnostic[] = [];
  /** `=>` to be put behind these closing brackets. */
  const arrows = new Set<Token>();
  const report = (code: SyntaxCode, message: string, from: Token, to: Token, help: string) => {
    const span = spanning(tokenSpan(file, from), tokenSpan(file, to));
    diagnostics.push({ severity: 'error', code, message, span, help });
  };
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    if (!token) continue;
    const next = tokens[i + 1];
    const before = tokens[i - 1];
    const plain = token.tokenType === t.Name && before?.tokenType !== t.Dot;
    if (
      plain &&
      functionWords.has(token.image) &&
      next &&
      t.isName(next) &&
      tokens[i + 2]?.tokenType === t.LParen
    ) {
      report(
        'S030',
        `a function is declared with \`fn\`, not \`${token.image}\``,
        token,
        token,
        `write \`fn ${next.image}(…)\``,
      );
      retype(token, t.reserved.fn);
      token.image = 'fn';
      out.push(token);
    } else if (plain && token.image === 'function' && next?.tokenType === t.LParen && next.partner) {
      report(
        'S031',
        'a function without a name is written with `=>`',
        token,
        token,
        'write `x => x^2` or `(x, y) => { …; return e }`',
      );
      arrows.add(next.partner);
      next.firstOnLine = token.firstOnLine;
    } else if (plain && token.image === 'lambda' && lambdaColon(tokens, i) > 0) {
      const colon = lambdaColon(tokens, i);
      report(
        'S031',
        'a function without a name is written with `=>`',
        token,
        tokens[colon] ?? token,
        'write `x => x^2` or `(x, y) => x*y`',
      );
      const params = tokens.slice(i + 1, colon);
      out.push(...bracketed(token, params, tokens[colon] ?? token));
      i = colon;
    } else if (
      plain &&
      elseIf.has(token.image) &&
      next &&
      next.tokenType !== t.Equals &&
      next.tokenType !== t.Update
    ) {
      report('S038', `\`${token.image}\` is written \`else if\``, token, token, 'write `else if c { … }`');
      retype(token, t.reserved.else);
      token.image = 'else';
      out.push(token, following(token, t.reserved.if, 'if'));
    } else if (
      plain &&
      foreignConstants.has(token.image) &&
      next?.tokenType !== t.Colon &&
      next?.tokenType !== t.Equals
    ) {
      const image = foreignConstants.get(token.image) ?? 'true';
      report('S040', `\`${token.image}\` is written \`${image}\``, token, token, `write \`${image}\``);
      retype(token, image === 'true' ? t.reserved.true : t.reserved.false);
      token.image = image;
      out.push(token);
    } else {
      out.push(token);
      if (arrows.has(token) && next?.tokenType !== t.Arrow) out.push(following(token, t.Arrow, '=>'));
    }
  }
  return { tokens: out, diagnostics };
}

/** Index of the colon of `lambda x, y:` behind the word at `i`, or 0. */
function lambdaColon(tokens: readonly Token[], i: number): number {
  let k = i + 1;
  for (;;) {
    const name = tokens[k];
    if (!name || !t.isName(name)) return 0;
    const after = tokens[k + 1];
    if (after?.tokenType === t.Colon) return k + 1;
    if (after?.tokenType !== t.Comma) return 0;
    k += 2;
  }
}

function following(token: Token, type: Token['tokenType'], image: string): Token {
  const made = makeToken(type, image, token.endOffset + 1, token.endOffset + 1);
  made.synthetic = true;
  made.column = token.column;
  return made;
}

/** `(` params `) =>`, the brackets at the places of `lambda` and `:`. */
function bracketed(lambda: Token, params: readonly Token[], colon: Token): Token[] {
  const open = makeToken(t.LParen, '(', lambda.startOffset, lambda.endOffset + 1);
  open.firstOnLine = lambda.firstOnLine;
  open.column = lambda.column;
  const close = makeToken(t.RParen, ')', colon.startOffset, colon.endOffset + 1);
  open.partner = close;
  close.partner = open;
  open.synthetic = true;
  close.synthetic = true;
  return [open, ...params, close, following(colon, t.Arrow, '=>')];
}
