// Reading TypeScript sources as text: which files there are, what they import, and their code without comments, strings and
// regular expressions. Small on purpose: it need not parse, only never take a string for code.

import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

export interface Source {
  /** Path from the root of the project, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** Every .ts file below the given folders. */
export function sourcesIn(folders: readonly string[]): readonly Source[] {
  return folders
    .flatMap((folder) => filesBelow(join(root, folder)))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => ({ path: relative(root, file).replaceAll('\\', '/'), text: readFileSync(file, 'utf8') }));
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

/** Files under version control that can be read as text. */
export function trackedTexts(): readonly Source[] {
  const listed = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' });
  return listed
    .split('\0')
    .filter((path) => path !== '' && !/\.(png|npy|npz|gif|flowpkg)$/.test(path))
    .flatMap((path) => {
      const text = readIfThere(join(root, path));
      return text === undefined ? [] : [{ path, text }];
    });
}

/** A tracked file may be deleted in the working tree. */
function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** What a file imports: relative ones as paths from the root, packages by their name. */
export function importsOf(source: Source, which: 'all' | 'evaluated' = 'all'): readonly string[] {
  const code = withoutComments(source.text);
  const statements = [
    /^(?:import|export)\b(?<clause>[^;'"]*?)\bfrom\s+'(?<name>[^']+)'/gm,
    /^import\s+'(?<name>[^']+)'/gm,
    /\bimport\s*\(\s*'(?<name>[^']+)'\s*\)/g,
  ];
  const found = statements.flatMap((statement) =>
    [...code.matchAll(statement)]
      .filter((match) => which === 'all' || !isTypeOnly(match.groups?.['clause'] ?? ''))
      .map((match) => match.groups?.['name'] ?? ''),
  );
  return [...new Set(found)].map((name) =>
    name.startsWith('.') ? posix.normalize(posix.join(posix.dirname(source.path), name)) : packageName(name),
  );
}

/** `type { A }`, or a list whose every name is marked `type`: nothing of it is left when the program runs. */
function isTypeOnly(clause: string): boolean {
  if (/^\s*type\b/.test(clause)) return true;
  const names = /^\s*\{([\s\S]*)\}\s*$/
    .exec(clause)?.[1]
    ?.split(',')
    .map((name) => name.trim()) ?? ['value'];
  return names.filter((name) => name !== '').every((name) => name.startsWith('type '));
}

function packageName(name: string): string {
  const parts = name.split('/');
  return name.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? name);
}

/** The code alone: comments, the content of strings and templates, and regular expressions become blanks, lines are kept. */
export function codeOnly(text: string): string {
  return scan(text, false);
}

/** Comments become blanks, strings stay. */
export function withoutComments(text: string): string {
  return scan(text, true);
}

function scan(text: string, keepStrings: boolean): string {
  let out = '';
  let i = 0;
  /** Depth of braces inside each open `${`. */
  const holes: number[] = [];
  const copy = (end: number, keep: boolean): void => {
    const piece = text.slice(i, end);
    out += keep ? piece : piece.replace(/[^\n]/g, ' ');
    i = end;
  };
  while (i < text.length) {
    const letter = text.charAt(i);
    const two = text.slice(i, i + 2);
    if (two === '//') copy(endOr(text, text.indexOf('\n', i)), false);
    else if (two === '/*') copy(endOr(text, text.indexOf('*/', i) + 2), false);
    else if (letter === "'" || letter === '"') copy(endOfString(text, i, letter), keepStrings);
    else if (letter === '`' || (letter === '}' && holes.at(-1) === 0)) {
      if (letter === '}') holes.pop();
      const end = endOfTemplatePart(text, i + 1);
      copy(end, keepStrings);
      if (text.slice(end - 2, end) === '${') holes.push(0);
    } else if (letter === '/' && startsRegex(out)) copy(endOfRegex(text, i), false);
    else {
      const depth = holes.at(-1);
      if (depth !== undefined && letter === '{') holes[holes.length - 1] = depth + 1;
      if (depth !== undefined && letter === '}') holes[holes.length - 1] = depth - 1;
      copy(i + 1, true);
    }
  }
  return out;
}

function endOr(text: string, position: number): number {
  return position < 0 ? text.length : position;
}

function endOfString(text: string, start: number, quote: string): number {
  let i = start + 1;
  while (i < text.length && text.charAt(i) !== quote) i += text.charAt(i) === '\\' ? 2 : 1;
  return i + 1;
}

/** Up to and with the closing backtick or the next `${`. */
function endOfTemplatePart(text: string, start: number): number {
  let i = start;
  while (i < text.length && text.charAt(i) !== '`' && text.slice(i, i + 2) !== '${')
    i += text.charAt(i) === '\\' ? 2 : 1;
  return text.charAt(i) === '`' ? i + 1 : i + 2;
}

/** A slash begins a regular expression where a value may begin. */
function startsRegex(before: string): boolean {
  const code = before.trimEnd();
  return code === '' || /[(,=:[!&|?{};+\-*%<>~^]$/.test(code) || /\b(return|typeof|case|in|of)$/.test(code);
}

function endOfRegex(text: string, start: number): number {
  let inClass = false;
  let i = start + 1;
  for (; i < text.length; i += 1) {
    const letter = text.charAt(i);
    if (letter === '\\') i += 1;
    else if (letter === '[') inClass = true;
    else if (letter === ']') inClass = false;
    else if (letter === '/' && !inClass) break;
  }
  while (/[a-z]/.test(text.charAt(i + 1))) i += 1;
  return i + 1;
}
