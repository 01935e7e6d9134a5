// Spellings of other languages and of handwriting, and what Flow writes instead. The scanner reads a foreign sign, reports it and
// goes on with its Flow replacement, so that one habit does not hide the other mistakes of a file.

import { Arrow, Comparison, Equals, Operator, reserved, Sign, Update } from './tokens.ts';
import type { TokenType } from 'chevrotain';

export interface ForeignSign {
  readonly spelling: string;
  /** What the scanner puts in its place; absent when the sign is dropped. */
  readonly instead?: { readonly type: TokenType; readonly image: string };
  readonly message: string;
  readonly help?: string;
}

/** Longest spellings first: the scanner takes the first that matches. */
export const foreignSigns: readonly ForeignSign[] = [
  {
    spelling: '===',
    instead: { type: Comparison, image: '==' },
    message: '`===` is not an operator here; to compare write `==`',
  },
  {
    spelling: '!==',
    instead: { type: Comparison, image: '!=' },
    message: '`!==` is not an operator here; write `!=`',
  },
  {
    spelling: '**=',
    instead: { type: Update, image: '*=' },
    message: 'a power is written `^`, and there is no update form of it',
    help: 'write `x = x^2`',
  },
  {
    spelling: '//=',
    instead: { type: Update, image: '/=' },
    message: '`//=` does not exist',
    help: 'write `x = x // n`',
  },
  {
    spelling: '**',
    instead: { type: Operator, image: '^' },
    message: 'a power is written `^`, not `**`',
  },
  {
    spelling: '&&',
    instead: { type: reserved.and, image: 'and' },
    message: '`&&` is written `and`',
  },
  {
    spelling: '||',
    instead: { type: reserved.or, image: 'or' },
    message: '`||` is written `or`',
  },
  {
    spelling: ':=',
    instead: { type: Equals, image: '=' },
    message: '`:=` is written `=`',
    help: 'a new name: `let x = 1`; one that changes: `var x = 1`, then `x = 2`',
  },
  {
    spelling: '<>',
    instead: { type: Comparison, image: '!=' },
    message: '`<>` is written `!=`',
  },
  {
    spelling: '=<',
    instead: { type: Comparison, image: '<=' },
    message: '`=<` is written `<=`',
  },
  {
    spelling: '%=',
    instead: { type: Update, image: '/=' },
    message: '`%=` does not exist',
    help: 'write `x = x % n`',
  },
  {
    spelling: '^=',
    instead: { type: Update, image: '*=' },
    message: '`^=` does not exist',
    help: 'write `x = x^2`',
  },
  {
    spelling: '@=',
    instead: { type: Update, image: '*=' },
    message: '`@=` does not exist',
    help: 'write `x = x @ y`',
  },
  {
    spelling: '.*',
    instead: { type: Operator, image: '*' },
    message: '`.*` is written `*`, which works element by element',
    help: 'the matrix product is `@`',
  },
  {
    spelling: './',
    instead: { type: Operator, image: '/' },
    message: '`./` is written `/`, which works element by element',
  },
  {
    spelling: '.^',
    instead: { type: Operator, image: '^' },
    message: '`.^` is written `^`, which works element by element',
  },
  {
    spelling: '!',
    instead: { type: reserved.not, image: 'not' },
    message: '`!` is written `not`',
  },
  {
    spelling: '&',
    instead: { type: reserved.and, image: 'and' },
    message: '`&` is written `and`',
  },
  {
    spelling: '~',
    instead: { type: reserved.not, image: 'not' },
    message: '`~` is written `not`',
  },
  {
    spelling: '·',
    instead: { type: Operator, image: '*' },
    message: 'a product is written `*`, not `·`',
    help: 'the inner product of two arrays is `dot(a, b)`',
  },
  {
    spelling: '⋅',
    instead: { type: Operator, image: '*' },
    message: 'a product is written `*`, not `⋅`',
    help: 'the inner product of two arrays is `dot(a, b)`',
  },
  {
    spelling: '×',
    instead: { type: Operator, image: '*' },
    message: 'a product is written `*`, not `×`',
    help: 'the vector product is `cross(a, b)`',
  },
  { spelling: '∗', instead: { type: Operator, image: '*' }, message: 'a product is written `*`, not `∗`' },
  { spelling: '÷', instead: { type: Operator, image: '/' }, message: 'a quotient is written `/`, not `÷`' },
  { spelling: '∕', instead: { type: Operator, image: '/' }, message: 'a quotient is written `/`, not `∕`' },
  {
    spelling: '−',
    instead: { type: Sign, image: '-' },
    message: 'this is the typographic minus `−`; write the plain `-`',
  },
  { spelling: '–', instead: { type: Sign, image: '-' }, message: 'this is a dash `–`; write the plain `-`' },
  { spelling: '—', instead: { type: Sign, image: '-' }, message: 'this is a dash `—`; write the plain `-`' },
  { spelling: '≤', instead: { type: Comparison, image: '<=' }, message: '`≤` is written `<=`' },
  { spelling: '≥', instead: { type: Comparison, image: '>=' }, message: '`≥` is written `>=`' },
  { spelling: '≠', instead: { type: Comparison, image: '!=' }, message: '`≠` is written `!=`' },
  { spelling: '∈', instead: { type: reserved.in, image: 'in' }, message: '`∈` is written `in`' },
  { spelling: '∧', instead: { type: reserved.and, image: 'and' }, message: '`∧` is written `and`' },
  { spelling: '∨', instead: { type: reserved.or, image: 'or' }, message: '`∨` is written `or`' },
  { spelling: '¬', instead: { type: reserved.not, image: 'not' }, message: '`¬` is written `not`' },
  {
    spelling: '→',
    instead: { type: Arrow, image: '=>' },
    message: 'a function is written with `=>`, not `→`',
    help: '`x => x^2`',
  },
  {
    spelling: '↦',
    instead: { type: Arrow, image: '=>' },
    message: 'a function is written with `=>`, not `↦`',
    help: '`x => x^2`',
  },
  { spelling: '⇒', instead: { type: Arrow, image: '=>' }, message: '`⇒` is written `=>`' },
];

/** Characters with a meaning in handwriting: what to write. The scanner drops them. */
export const foreignCharacters: ReadonlyMap<string, string> = new Map([
  ['√', 'a square root is written `sqrt(x)`'],
  ['∞', 'infinity is written `inf`'],
  ['∫', 'an integral is written `integral(e)`, `integral(e, over: x.max)`'],
  ['∑', 'a sum is written `sum(f(i) for i in 0..n)`'],
  ['∏', 'a product is written `prod(f(i) for i in 0..n)`'],
  ['±', '`±` is no operator: write the two values'],
  ['°', 'angles are in radians: `30*pi/180`'],
  ['⟨', 'an inner product is written `dot(a, b)`'],
  ['⟩', 'an inner product is written `dot(a, b)`'],
  ['‖', 'a norm is written `norm(x)`'],
  ['…', 'three points are written `...`, and only in a record: `{ ...r, a: 2 }`'],
  ['\\', 'a line needs no sign to be continued: end it with an operator or begin the next one with it'],
  ['|', 'the absolute value is written `abs(x)`'],
  ['$', 'names have no `$`; in a string a value is written `"{x}"`'],
  ['`', 'strings are written with straight double quotes: `"text"`'],
  ['?', 'a conditional value is written `if c then a else b`'],
]);

/** Words that begin a function elsewhere: `fn` takes their place when a name and `(` follow. */
export const functionWords: ReadonlySet<string> = new Set([
  'def',
  'function',
  'func',
  'fun',
  'proc',
  'defn',
  'sub',
]);

/** Words of one constant elsewhere. */
export const foreignConstants: ReadonlyMap<string, string> = new Map([
  ['True', 'true'],
  ['TRUE', 'true'],
  ['False', 'false'],
  ['FALSE', 'false'],
]);

/** Words for the absence of a value elsewhere. */
export const absences: ReadonlySet<string> = new Set(['None', 'null', 'NULL', 'nil', 'undefined', 'nothing']);

/** Statements of other languages by their first word: what Flow writes. */
export const foreignStatements: ReadonlyMap<string, string> = new Map([
  ['switch', 'write `if … else if …`, or `if c then a else b` for a value'],
  ['match', 'write `if … else if …`, or `if c then a else b` for a value'],
  ['case', 'write `if … else if …`, or `if c then a else b` for a value'],
  ['when', 'write `if c { … }`'],
  ['unless', 'write `if not c { … }`'],
  ['until', 'write `while not c limit 100 { … }`'],
  ['do', 'write `for i in 0..n { … }` or `while c limit 100 { … }`'],
  ['loop', 'write `for i in 0..n { … }` or `while c limit 100 { … }`'],
  ['repeat', 'write `for i in 0..n { … }` or `while c limit 100 { … }`'],
  ['foreach', 'write `for x in xs { … }`'],
  ['try', 'errors are not caught in a program; test before: `if d > 0 then f(d) else 0`'],
  ['raise', 'write `assert c, "what went wrong"`'],
  ['throw', 'write `assert c, "what went wrong"`'],
  ['class', 'write `type P = { x: real, v: real }` for a record, `layer net(n) { … }` for a network'],
  ['struct', 'write `type P = { x: real, v: real }`'],
  ['enum', 'write `const red = 0`, or a string'],
  ['interface', 'write `type P = { x: real, v: real }`'],
  ['pass', 'an empty block is written `{ }`'],
  ['continue', 'write the rest of the loop under `if c { … }`'],
  ['end', 'blocks are closed with `}`'],
  ['endif', 'blocks are closed with `}`'],
  ['done', 'blocks are closed with `}`'],
  ['begin', 'blocks are written in `{ }`'],
  ['global', 'names of the file are visible everywhere; a value that a run changes is a `state`'],
  ['nonlocal', 'names of the file are visible everywhere; a value that a run changes is a `state`'],
  ['del', 'values need not be freed'],
  ['delete', 'values need not be freed'],
  ['module', 'a file is a module: `use "./closure.flow" { stress }`'],
  ['namespace', 'a file is a module: `use "./closure.flow" { stress }`'],
  ['package', 'a file is a module: `use "./closure.flow" { stress }`'],
  ['async', 'there is nothing to wait for: runs are compiled as a whole'],
  ['await', 'there is nothing to wait for: runs are compiled as a whole'],
  ['goto', 'write `for`, `while` or `if`'],
]);

/** Words that bring in other files elsewhere. */
export const importWords: ReadonlySet<string> = new Set([
  'import',
  'include',
  'require',
  'using',
  'open',
  'load',
  'from',
]);

/** Words that declare a name elsewhere, and types that stand first there. */
export const typeFirstWords: ReadonlyMap<string, string> = new Map([
  ['int', 'int'],
  ['integer', 'int'],
  ['long', 'int'],
  ['size_t', 'int'],
  ['unsigned', 'int'],
  ['float', 'real'],
  ['double', 'real'],
  ['real', 'real'],
  ['number', 'real'],
  ['bool', 'bool'],
  ['boolean', 'bool'],
  ['logical', 'bool'],
  ['complex', 'complex'],
  ['string', ''],
  ['str', ''],
  ['char', ''],
  ['auto', ''],
  ['val', ''],
  ['mut', ''],
  ['local', ''],
  ['final', ''],
  ['static', ''],
  ['dim', ''],
]);

export const superscripts: ReadonlyMap<string, string> = new Map(
  [...'⁰¹²³⁴⁵⁶⁷⁸⁹'].map((character, digit) => [character, String(digit)]),
);
