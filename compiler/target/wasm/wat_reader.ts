// Words, parentheses and numbers of WebAssembly text. In: text. Out: what stands there, one thing after another; what is not understood is an InternalError.

import { InternalError } from '../../support/diagnostic.ts';

export function refuse(what: string): never {
  throw new InternalError('wasm.encode', `${what} is not known`);
}

/** The words and parentheses of a text, one after another. */
export class Reader {
  private place = 0;

  constructor(private readonly text: string) {}

  /** The first character of what comes next; '' at the end. */
  peek(): string {
    const { text } = this;
    for (;;) {
      const c = text.charCodeAt(this.place);
      if (c === 32 || c === 10 || c === 13 || c === 9) this.place++;
      else if (c === 59) {
        const end = text.indexOf('\n', this.place);
        this.place = end < 0 ? text.length : end;
      } else return Number.isNaN(c) ? '' : text.charAt(this.place);
    }
  }

  open(): void {
    if (this.peek() !== '(')
      refuse(`"${this.text.slice(this.place, this.place + 20)}" where a ( should stand`);
    this.place++;
  }

  close(): void {
    if (this.peek() !== ')')
      refuse(`"${this.text.slice(this.place, this.place + 20)}" where a ) should stand`);
    this.place++;
  }

  /** Whether a list follows that begins with this word. */
  follows(word: string): boolean {
    if (this.peek() !== '(') return false;
    const end = this.place + 1 + word.length;
    if (!this.text.startsWith(word, this.place + 1)) return false;
    const next = this.text.charCodeAt(end);
    return next === 32 || next === 41 || next === 10 || next === 40;
  }

  word(): string {
    this.peek();
    const { text } = this;
    const start = this.place;
    if (text.charCodeAt(start) === 34) {
      this.place = text.indexOf('"', start + 1) + 1;
      return text.slice(start + 1, this.place - 1);
    }
    for (; ; this.place++) {
      const c = text.charCodeAt(this.place);
      if (c === 32 || c === 41 || c === 40 || c === 10 || Number.isNaN(c)) break;
    }
    return text.slice(start, this.place);
  }

  /** Passes over the rest of a list whose parenthesis has been opened. */
  skip(): void {
    for (let depth = 1; depth > 0;) {
      const c = this.peek();
      if (c === '') refuse('a list without end');
      if (c === '(') {
        depth++;
        this.place++;
      } else if (c === ')') {
        depth--;
        this.place++;
      } else this.word();
    }
  }

  get here(): number {
    this.peek();
    return this.place;
  }

  go(place: number): void {
    this.place = place;
  }
}

/** `1.5`, `-2e-7`, `inf`, `nan`, `0x1p-64`. */
export function floatOf(text: string): number {
  const negative = text.startsWith('-');
  const size = negative || text.startsWith('+') ? text.slice(1) : text;
  const value = magnitudeOf(size);
  return negative ? -value : value;
}

function magnitudeOf(text: string): number {
  if (text === 'inf') return Infinity;
  if (text === 'nan') return NaN;
  const hexadecimal = /^0x([0-9a-f]+)p([+-]?\d+)$/i.exec(text);
  if (hexadecimal === null) return Number(text);
  return Number.parseInt(hexadecimal[1] ?? '0', 16) * 2 ** Number(hexadecimal[2]);
}
