// Text -> tokens, comments and lexical diagnostics. One loop over the text; never throws on user input.
// Strings are one token whose holes `{ … }` hold tokens of their own, at their true offsets. Comments and documentation are not
// tokens. Foreign signs are reported and replaced by what Flow writes, so that the parser still sees the rest.
// Lexis: language.md §2. Invariant: tokens ascend in offset and do not overlap.

import type { TokenType } from 'chevrotain';
import type { Diagnostic } from '../support/diagnostic.ts';
import type { SourceFile } from '../support/span.ts';
import type { SyntaxCode } from './codes.ts';
import { foreignCharacters, superscripts } from './foreign.ts';
import { foreignByFirst, lookAlikes, signByFirst } from './signs.ts';
import * as t from './tokens.ts';
import { makeToken, type StringPiece, type Token } from './tokens.ts';

/** A `#` or `##` line as scanned. */
export interface ScannedComment {
  readonly text: string;
  readonly documentation: boolean;
  readonly ownLine: boolean;
  readonly start: number;
  readonly end: number;
}

export interface Scanned {
  readonly tokens: Token[];
  readonly comments: ScannedComment[];
  readonly diagnostics: Diagnostic[];
}

const namePattern = /[\p{L}_∇∂\u2206][\p{L}\p{Nd}\p{M}_₀-₉′∇∂\u2206]*/uy;
const nameContinues = /[\p{L}\p{Nd}\p{M}_₀-₉′]/u;
const numberPattern = /\d(?:_?\d)*(?:\.\d(?:_?\d)*)?(?:[eE][+-]?\d(?:_?\d)*)?i?/y;
const blank = /[ \t\r\u00a0\u2007\u202f\ufeff]/;

/** Scans the whole file. */
export function scan(file: SourceFile): Scanned {
  const scanner = new Scanner(file);
  scanner.scanTokens(undefined);
  return { tokens: scanner.tokens, comments: scanner.comments, diagnostics: scanner.diagnostics };
}

class Scanner {
  tokens: Token[] = [];
  readonly comments: ScannedComment[] = [];
  readonly diagnostics: Diagnostic[] = [];
  private position = 0;
  private lineStart = 0;
  private freshLine = true;
  /** Depth of holes of strings. */
  private holes = 0;

  constructor(private readonly file: SourceFile) {}

  private get text(): string {
    return this.file.text;
  }

  private report(code: SyntaxCode, message: string, start: number, end: number, help?: string): void {
    const span = { file: this.file, start, end };
    this.diagnostics.push({
      severity: 'error',
      code,
      message,
      span,
      ...(help === undefined ? {} : { help }),
    });
  }

  private push(type: TokenType, image: string, end: number): Token {
    const token = makeToken(type, image, this.position, end);
    token.firstOnLine = this.freshLine;
    token.column = this.position - this.lineStart;
    this.freshLine = false;
    this.tokens.push(token);
    this.position = end;
    return token;
  }

  private last(): Token | undefined {
    return this.tokens[this.tokens.length - 1];
  }

  /** The last token when it ends exactly here. */
  private glued(): Token | undefined {
    const token = this.last();
    return token && token.endOffset + 1 === this.position ? token : undefined;
  }

  /**
   * Scans until the end of the text, or, inside a hole of a string, until its closing brace (true, position after it) or the end
   * of the line (false).
   */
  scanTokens(hole: 'hole' | undefined): boolean {
    let depth = 0;
    const text = this.text;
    while (this.position < text.length) {
      const character = text.charAt(this.position);
      if (character === '\n') {
        if (hole) return false;
        this.position += 1;
        this.lineStart = this.position;
        this.freshLine = true;
      } else if (blank.test(character)) {
        this.position += 1;
      } else if (character === '#') {
        if (hole) return false;
        this.scanComment();
      } else if (character === '"') {
        this.scanString('"');
      } else if (character >= '0' && character <= '9') {
        this.scanNumber();
      } else {
        if (hole && character === '{') depth += 1;
        if (hole && character === '}') {
          if (depth === 0) {
            this.position += 1;
            return true;
          }
          depth -= 1;
        }
        if (!this.scanName() && !this.scanForeign() && !this.scanSign()) this.scanUnknown();
      }
    }
    return hole === undefined;
  }

  private endOfLine(): number {
    const end = this.text.indexOf('\n', this.position);
    return end < 0 ? this.text.length : end;
  }

  private scanComment(): void {
    const start = this.position;
    const end = this.endOfLine();
    const raw = this.text.slice(start, end).trimEnd();
    const documentation = this.freshLine && /^##(?!#)/.test(raw);
    this.comments.push({
      text: raw.slice(documentation ? 2 : 1).replace(/^ /, ''),
      documentation,
      ownLine: this.freshLine,
      start,
      end: start + raw.length,
    });
    this.position = end;
  }

  // ------------------------------------------------------------------------------------------------------------ numbers

  private scanNumber(): void {
    const before = this.glued();
    const start = this.position;
    numberPattern.lastIndex = start;
    const image = numberPattern.exec(this.text)?.[0] ?? this.text.charAt(start);
    let end = start + image.length;
    const next = this.text.charAt(end);
    const afterPoint = before?.tokenType === t.Dot ? this.beforePoint(before) : undefined;
    if (afterPoint === 'missing') {
      this.tokens.pop();
      this.report(
        'S005',
        `a number needs digits on both sides of its point`,
        start - 1,
        end,
        `write \`0.${image}\``,
      );
      this.position = start - 1;
      this.push(t.Num, `0.${image}`, end);
      return;
    }
    if (afterPoint === 'index') {
      this.report(
        'S004',
        `an element is taken with an index, not with \`.${image}\``,
        start - 1,
        end,
        `write \`[${image}]\``,
      );
      this.tokens.pop();
      this.position = end;
      return;
    }
    if (next === '.' && this.text.charAt(end + 1) !== '.') {
      const follows = this.text.charAt(end + 1);
      if (['*', '/', '^'].includes(follows)) {
        // `2.*x`: the elementwise sign of another language, reported there
      } else {
        const exponent = /^\.([eE][+-]?\d+)?/.exec(this.text.slice(end, end + 8))?.[0] ?? '.';
        this.report(
          'S005',
          'a number needs digits on both sides of its point',
          start,
          end + exponent.length,
          `write \`${image}.0${exponent.slice(1)}\``,
        );
        end += exponent.length;
        this.push(t.Num, image, end);
        return;
      }
    } else if (nameContinues.test(next) || next === '∇' || next === '∂') {
      this.gluedNumber(start, image, end);
      return;
    } else if (next === '(' || next === '[') {
      this.position = start;
      this.push(t.Num, image, end);
      const help =
        next === '('
          ? `write \`${image}*(…)\` for a product; a number cannot be called`
          : 'a number cannot be indexed; units are not available';
      this.report('S004', `a number stands directly before \`${next}\``, start, end + 1, help);
      if (next === '(') {
        this.position = end;
        const product = this.push(t.Operator, '*', end);
        product.synthetic = true;
      } else {
        this.skipBracket();
      }
      return;
    }
    this.push(t.Num, image, end);
  }

  /** What a `.` before a digit is: the point of a number without its first digit, or a member access by number. */
  private beforePoint(point: Token): 'missing' | 'index' | undefined {
    const owner = this.tokens[this.tokens.length - 2];
    const touches = owner !== undefined && owner.endOffset + 1 === point.startOffset;
    if (touches && (t.isWord(owner) || owner.tokenType === t.RParen || owner.tokenType === t.RBracket))
      return 'index';
    return 'missing';
  }

  /** `2pi`, `3x`, `0x1F`, `1.0f`, `10m`. */
  private gluedNumber(start: number, image: string, end: number): void {
    namePattern.lastIndex = end;
    let letters = namePattern.exec(this.text)?.[0] ?? '';
    // the `i` of an imaginary number belongs to the name when more letters follow: 2index
    if (image.endsWith('i')) {
      image = image.slice(0, -1);
      end -= 1;
      letters = `i${letters}`;
    }
    const all = end + letters.length;
    if (image === '0' && /^[xXbBoO][0-9a-fA-F_]+$/.test(letters)) {
      const value = Number(`0${letters.replaceAll('_', '')}`);
      this.report('S004', 'numbers are written in decimal digits', start, all, `write \`${value}\``);
      this.push(t.Num, String(value), all);
    } else if (declaring.has(this.last()?.image ?? '') && this.last()?.tokenType !== t.Str) {
      const help = `write \`${letters}${image}\` or \`x${image}${letters}\``;
      this.report('S052', 'a name begins with a letter', start, all, help);
      this.push(t.Name, `_${image}${letters}`, all);
    } else if (/^(f|F|l|L|u|U|ul|UL|f32|f64|d|D|j|J)$/.test(letters)) {
      const imaginary = /^[jJ]$/.test(letters);
      const help = imaginary
        ? `write \`${image}i\``
        : `write \`${image}\`; the precision is said once: \`precision f64\``;
      this.report(
        'S004',
        imaginary ? 'the imaginary unit is `i`' : `a number has no suffix \`${letters}\``,
        start,
        all,
        help,
      );
      this.push(t.Num, imaginary ? `${image}i` : image, all);
    } else {
      const spelled = letters === 'e' || letters === 'E';
      const message = spelled
        ? 'the exponent of this number is missing'
        : `\`${image}\` and \`${letters}\` stand together without an operator`;
      const help = spelled ? `write \`${image}e-3\`` : `write \`${image}*${letters}\``;
      this.report('S004', message, start, all, help);
      this.push(t.Num, image, end);
      if (spelled) {
        this.position = all;
      } else {
        const product = this.push(t.Operator, '*', end);
        product.synthetic = true;
      }
    }
  }

  /** After `9.81` in `9.81[m/s^2]`: skips the bracket on this line, for it was reported. */
  private skipBracket(): void {
    const close = this.text.indexOf(']', this.position);
    if (close >= 0 && close < this.endOfLine()) this.position = close + 1;
  }

  // -------------------------------------------------------------------------------------------------------------- names

  private scanName(): boolean {
    namePattern.lastIndex = this.position;
    const raw = namePattern.exec(this.text)?.[0];
    if (raw === undefined) return false;
    const start = this.position;
    let end = start + raw.length;
    let name = raw.normalize('NFC').replace(/[\u00b5\u2206\u2126]/g, (c) => lookAlikes.get(c) ?? c);
    if (name === '∇') name = 'grad';
    else if (name === 'Δ') name = 'lap';
    else if (/^∂(t|[xyz]{1,4})$/.test(name)) name = `d${name.slice(1)}`;
    else if (/[∇∂]/.test(name)) name = this.operatorName(name, start, end);
    if (this.text.charAt(end) === "'" && this.apostropheIsPrime(end)) {
      let primes = end;
      while (this.text.charAt(primes) === "'") primes += 1;
      const help =
        primes - end > 1
          ? `a second derivative in time is \`dt(${name}, 2)\`, in space \`dxx(${name})\``
          : `a derivative in time is \`dt(${name})\`, in space \`dx(${name})\`; of a function \`gradient(${name})\``;
      this.report('S013', `an apostrophe cannot be part of a name`, start, primes, help);
      end = primes;
    }
    this.push(t.wordType(name), name, end);
    return true;
  }

  /** An apostrophe glued to a name is a prime unless another one on the line closes a quotation. */
  private apostropheIsPrime(at: number): boolean {
    let next = at;
    while (this.text.charAt(next) === "'") next += 1;
    return /[\s()[\]{},;=+\-*/^%@<>:]|$/.test(this.text.charAt(next) === '' ? ' ' : this.text.charAt(next));
  }

  /** Reports `∇u`, `∂u`, `u∂`; gives the name to go on with. */
  private operatorName(name: string, start: number, end: number): string {
    const rest = name.slice(1);
    if (name.startsWith('∇')) {
      this.report(
        'S006',
        'the operator `∇` needs parentheses',
        start,
        end,
        `write \`∇(${rest})\` or \`grad(${rest})\``,
      );
      return rest.replace(/[∇∂]/g, '') || 'grad';
    }
    const coordinate = /^∂([txyz])(.+)$/.exec(name);
    if (coordinate) {
      const [, by = '', of = ''] = coordinate;
      this.report(
        'S006',
        `the operator \`∂${by}\` needs parentheses`,
        start,
        end,
        `write \`∂${by}(${of})\` or \`d${by}(${of})\``,
      );
      return of.replace(/[∇∂]/g, '') || 'dt';
    }
    const of = rest || 'u';
    this.report(
      'S006',
      'a partial derivative names its coordinate',
      start,
      end,
      `write \`dt(${of})\`, \`dx(${of})\`, \`diff(${of}, s)\` for another coordinate s`,
    );
    return rest.replace(/[∇∂]/g, '') || 'u';
  }

  // -------------------------------------------------------------------------------------------------------------- signs

  private scanForeign(): boolean {
    const text = this.text;
    const start = this.position;
    const two = text.slice(start, start + 2);
    if (two === '/*') return this.blockComment();
    if (two === '//' && this.isLineComment(start)) {
      this.report('S012', 'comments begin with `#`', start, start + 2, '`//` is the integer quotient');
      this.position = this.endOfLine();
      return true;
    }
    if (two === '++' || two === '--') {
      if (this.isStep(two)) return true;
    }
    if (two === '|>') {
      this.report(
        'S045',
        'there is no pipe `|>`',
        start,
        start + 2,
        'apply the function: `sum(a)`, `g(f(x))`',
      );
      this.push(t.Operator, '*', start + 2).synthetic = true;
      return true;
    }
    if (text.charAt(start) === "'" || /[“”„«»‘’]/.test(text.charAt(start))) return this.foreignString();
    const power = superscripts.get(text.charAt(start));
    if (power !== undefined || text.charAt(start) === 'ⁿ' || text.charAt(start) === '⁻')
      return this.superscript();
    for (const [spelling, foreign] of foreignByFirst.get(text.charAt(start)) ?? []) {
      if (!text.startsWith(spelling, start)) continue;
      if (spelling === '!' && text.charAt(start + 1) === '=') continue;
      const end = start + spelling.length;
      this.report(foreignCode(spelling), foreign.message, start, end, foreign.help);
      if (foreign.instead) this.push(foreign.instead.type, foreign.instead.image, end);
      else this.position = end;
      return true;
    }
    return false;
  }

  private blockComment(): true {
    const start = this.position;
    const close = this.text.indexOf('*/', start + 2);
    const end = close < 0 ? this.text.length : close + 2;
    this.report(
      'S012',
      'there are no block comments; each line of a comment begins with `#`',
      start,
      start + 2,
    );
    const lastBreak = this.text.lastIndexOf('\n', end - 1);
    if (lastBreak >= start) {
      this.lineStart = lastBreak + 1;
      this.freshLine = true;
    }
    this.position = end;
    return true;
  }

  /**
   * `//` meant as a comment. Prose is told from code by two plain words side by side, which code never has; a `//` that begins a
   * line is also one where no operand stands directly above it.
   */
  private isLineComment(start: number): boolean {
    if (this.holes > 0) return false;
    const rest = /^\/\/[^"#\n]*/.exec(this.text.slice(start, this.endOfLine()))?.[0] ?? '';
    const words = [...rest.matchAll(/[\p{L}_][\p{L}\p{Nd}_'’-]*/gu)];
    const prose = words.some((word, i) => {
      const next = words[i + 1];
      if (!next) return false;
      const between = rest.slice(word.index + word[0].length, next.index);
      return /^\s+$/.test(between) && isPlain(word[0]) && isPlain(next[0]);
    });
    if (prose || !this.freshLine) return prose;
    const before = this.last();
    if (!before || [t.LBrace, t.Semicolon, t.Equals].includes(before.tokenType)) return true;
    return /\n[^\S\n]*(#[^\n]*)?\r?\n[^\S\n]*$/.test(this.text.slice(0, start));
  }

  /** `i++` and `i--` as a statement; not `a + +b`. */
  private isStep(sign: string): boolean {
    const before = this.glued();
    if (!before || !(t.isWord(before) || before.tokenType === t.RBracket)) return false;
    const rest = this.text.slice(this.position + 2, this.endOfLine());
    if (!/^\s*([;})#]|$)/.test(rest)) return false;
    const start = this.position;
    const op = sign === '++' ? '+=' : '-=';
    this.report(
      'S014',
      `\`${sign}\` does not exist`,
      start,
      start + 2,
      `write \`${before.image} ${op} 1\`, with \`var ${before.image}\``,
    );
    this.push(t.Update, op, start + 2);
    this.push(t.Num, '1', start + 2).synthetic = true;
    return true;
  }

  private superscript(): true {
    const start = this.position;
    const shown = /^[⁰¹²³⁴⁵⁶⁷⁸⁹ⁿ⁻]+/u.exec(this.text.slice(start))?.[0] ?? '';
    const digits = [...shown].map((c) => superscripts.get(c) ?? (c === '⁻' ? '-' : 'n')).join('');
    const end = start + shown.length;
    const before = this.glued();
    if (before?.image === 'grad' && digits === '2') {
      this.report('S011', 'the Laplacian is written `lap(u)`', start - 1, end);
      this.tokens.pop();
      this.position = start - 1;
      this.push(t.wordType('lap'), 'lap', end);
      return true;
    }
    this.report('S011', `a power is written \`^${digits}\`, not \`${shown}\``, start, end);
    this.push(t.Operator, '^', end);
    if (digits.startsWith('-')) this.push(t.Sign, '-', end).synthetic = true;
    const exponent = digits.replaceAll('-', '');
    this.push(/^\d+$/.test(exponent) ? t.Num : t.Name, exponent || '1', end).synthetic = true;
    return true;
  }

  private scanSign(): boolean {
    for (const [spelling, type] of signByFirst.get(this.text.charAt(this.position)) ?? []) {
      if (!this.text.startsWith(spelling, this.position)) continue;
      this.push(type, spelling, this.position + spelling.length);
      return true;
    }
    return false;
  }

  private scanUnknown(): void {
    const codePoint = this.text.codePointAt(this.position) ?? 0;
    const character = String.fromCodePoint(codePoint);
    const end = this.position + character.length;
    const known = foreignCharacters.get(character);
    const hex = codePoint.toString(16).toUpperCase().padStart(4, '0');
    const invisible = /[\p{C}\p{Z}]/u.test(character);
    const named = invisible ? `the invisible character U+${hex}` : `the character \`${character}\``;
    this.report(
      'S001',
      `${named} has no meaning here`,
      this.position,
      end,
      known ?? (invisible ? 'delete it' : undefined),
    );
    this.position = end;
  }

  // ------------------------------------------------------------------------------------------------------------ strings

  /** `'text'`, `“text”`: reported, and read as a string. */
  private foreignString(): true {
    const start = this.position;
    const open = this.text.charAt(start);
    const pairs: Readonly<Record<string, string>> = {
      "'": "'",
      '“': '”',
      '”': '”',
      '„': '“',
      '«': '»',
      '‘': '’',
      '’': '’',
    };
    const close = pairs[open] ?? open;
    const stop = this.text.indexOf(close, start + 1);
    if (stop < 0 || stop >= this.endOfLine()) {
      this.report(
        'S003',
        `strings are written in straight double quotes`,
        start,
        start + 1,
        'write `"text"`',
      );
      this.position = start + 1;
      return true;
    }
    const inside = this.text.slice(start + 1, stop);
    this.report(
      'S003',
      `strings are written in straight double quotes`,
      start,
      stop + 1,
      `write \`"${inside}"\``,
    );
    const token = this.push(t.Str, inside, stop + 1);
    token.pieces = [{ kind: 'text', text: inside }];
    return true;
  }

  /** `"…"` with holes. The token's image is the source text. */
  private scanString(quote: '"'): void {
    const start = this.position;
    const startColumn = start - this.lineStart;
    const fresh = this.freshLine;
    const pieces: StringPiece[] = [];
    let text = '';
    this.position += 1;
    let closed = false;
    while (this.position < this.text.length) {
      const character = this.text.charAt(this.position);
      if (character === '\n') break;
      if (character === quote) {
        this.position += 1;
        closed = true;
        break;
      }
      if (character === '\\') {
        text += this.scanEscape();
      } else if (character === '{') {
        if (text !== '') pieces.push({ kind: 'text', text });
        text = '';
        const hole = this.scanHole();
        if (hole === undefined) return this.finishString(start, startColumn, fresh, pieces);
        pieces.push(hole);
      } else {
        text += character;
        this.position += 1;
      }
    }
    if (text !== '' || pieces.length === 0) pieces.push({ kind: 'text', text });
    if (!closed) {
      const end = this.position;
      this.report(
        'S002',
        'this string is not closed on its line',
        start,
        end,
        'end it with `"`; a line break inside is written `\\n`',
      );
    }
    this.finishString(start, startColumn, fresh, pieces);
  }

  private finishString(start: number, column: number, fresh: boolean, pieces: readonly StringPiece[]): void {
    const token = makeToken(t.Str, this.text.slice(start, this.position), start, this.position);
    token.firstOnLine = fresh;
    token.column = column;
    token.pieces = pieces;
    this.freshLine = false;
    this.tokens.push(token);
  }

  private scanEscape(): string {
    const start = this.position;
    const escaped = this.text.charAt(start + 1);
    this.position += escaped === '\n' || escaped === '' ? 1 : 2;
    const meaning: Readonly<Record<string, string>> = {
      n: '\n',
      t: '\t',
      '"': '"',
      '\\': '\\',
      '{': '{',
      '}': '}',
    };
    const found = meaning[escaped];
    if (found !== undefined) return found;
    if (escaped !== '\n' && escaped !== '') {
      this.report(
        'S007',
        `\`\\${escaped}\` is no escape of a string`,
        start,
        start + 2,
        'there are `\\n`, `\\t`, `\\"`, `\\\\`, `\\{` and `\\}`',
      );
    }
    return escaped.trim();
  }

  /** A hole; undefined when it is not closed on this line (reported; position at the end of the line). */
  private scanHole(): StringPiece | undefined {
    const start = this.position;
    const outer = this.tokens;
    const known = this.diagnostics.length;
    const fresh = this.freshLine;
    this.tokens = [];
    this.freshLine = false;
    this.position += 1;
    this.holes += 1;
    const closed = this.scanTokens('hole');
    this.holes -= 1;
    const tokens = this.tokens;
    this.tokens = outer;
    this.freshLine = fresh;
    if (!closed) {
      this.position = this.endOfLine();
      this.diagnostics.length = known;
      this.report(
        'S008',
        'this `{` of the string is not closed',
        start,
        start + 1,
        'a value is written `"{x}"`, a plain brace `\\{`',
      );
      return undefined;
    }
    if (tokens.length === 0) {
      this.report(
        'S008',
        'this hole of the string is empty',
        start,
        this.position,
        'a value is written `"{x}"`, plain braces `\\{\\}`',
      );
      return { kind: 'text', text: '' };
    }
    return { kind: 'hole', tokens, start, end: this.position };
  }
}

/** Words behind which a name is declared. */
const declaring: ReadonlySet<string> = new Set([
  ...[
    'let',
    'var',
    'const',
    'input',
    'data',
    'param',
    'state',
    'network',
    'optimizer',
    'fn',
    'field',
    'pde',
    'ode',
    'sde',
  ],
  ...['domain', 'region', 'type', 'layer', 'loss', 'monitor', 'noise'],
]);

/** A word that is no keyword anywhere. */
function isPlain(word: string): boolean {
  return t.wordType(word) === t.Name;
}

function foreignCode(spelling: string): SyntaxCode {
  return spelling === '%=' ||
    spelling === '^=' ||
    spelling === '**=' ||
    spelling === '//=' ||
    spelling === '@='
    ? 'S014'
    : 'S010';
}
