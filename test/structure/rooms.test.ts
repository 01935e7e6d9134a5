// The house rules that a machine can check: a room imports only from rooms before it, no file imports itself round a corner,
// packages stay in their rooms, the TypeScript is strict to the letter, nothing leads to the machine it was written on.

import { describe, expect, test } from 'vitest';
import type { Source } from './source_scan.ts';
import { codeOnly, importsOf, sourcesIn, trackedTexts } from './source_scan.ts';

/** The compiler's rooms in the order of processing. */
const rooms = [
  'support',
  'syntax',
  'ir',
  'autodiff',
  'kernel',
  'plan',
  'field',
  'elaborate',
  'schedule',
  'target',
  'driver',
  'cli',
] as const;

/** What the runtime may see of the compiler. */
const seenByRuntime = ['support', 'kernel', 'plan'];

/** Packages that may be imported, and where. */
const packageRooms: Readonly<Record<string, readonly string[]>> = {
  chevrotain: ['compiler/syntax/'],
  webgpu: ['runtime/gpu/'],
  wabt: [],
  commander: ['compiler/cli/'],
  fflate: ['runtime/io/', 'compiler/cli/', 'runtime/package'],
  'fast-png': ['runtime/picture/'],
};

const longestFile = 900;

const product = sourcesIn(['compiler', 'runtime']);
const everything = [...product, ...sourcesIn(['test'])];

/** `ir` of `compiler/ir/types.ts`; undefined for files of the compiler that belong to no room (its entry). */
function roomOf(path: string): string | undefined {
  const [folder, room, rest] = path.split('/');
  return folder === 'compiler' && rest !== undefined ? room : undefined;
}

describe('imports', () => {
  test('every folder of the compiler is a room', () => {
    const unknown = product
      .map(({ path }) => roomOf(path))
      .filter((room) => room !== undefined && !rooms.some((known) => known === room));
    expect([...new Set(unknown)]).toEqual([]);
  });

  test('a room imports only from itself and from rooms before it', () => {
    const wrong = product.flatMap((source) => {
      const room = roomOf(source.path);
      if (room === undefined) return [];
      const place = rooms.findIndex((known) => known === room);
      return importsOf(source)
        .filter((imported) => !allowedFor(room, place, imported))
        .map((imported) => `${source.path} imports ${imported}`);
    });
    expect(wrong).toEqual([]);
  });

  function allowedFor(room: string, place: number, imported: string): boolean {
    if (imported.startsWith('runtime/')) return room === 'cli';
    const other = roomOf(imported);
    return other === undefined
      ? imported !== 'compiler/index.ts'
      : rooms.findIndex((known) => known === other) <= place;
  }

  test('the runtime sees of the compiler only messages, the kernel types and the plan', () => {
    const wrong = product
      .filter(({ path }) => path.startsWith('runtime/'))
      .flatMap((source) =>
        importsOf(source)
          .filter(
            (imported) => imported.startsWith('compiler/') && !seenByRuntime.includes(roomOf(imported) ?? ''),
          )
          .map((imported) => `${source.path} imports ${imported}`),
      );
    expect(wrong).toEqual([]);
  });

  // Types may refer to each other across files of a room: nothing of that is left when the program runs.
  test('no file needs itself round a corner', () => {
    expect(cyclesAmong(product)).toEqual([]);
  });

  test('packages are imported only in their rooms, and no others', () => {
    const wrong = product.flatMap((source) =>
      importsOf(source)
        .filter((name) => !name.startsWith('node:') && !name.includes('.ts'))
        .filter((name) => !(packageRooms[name] ?? []).some((place) => source.path.startsWith(place)))
        .map((name) => `${source.path} imports ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  test('the compiler is pure outside its command line: no files, no processes', () => {
    const wrong = product
      .filter(({ path }) => path.startsWith('compiler/') && !path.startsWith('compiler/cli/'))
      .flatMap((source) => [
        ...importsOf(source)
          .filter((name) => name.startsWith('node:'))
          .map((name) => `${source.path} imports ${name}`),
        ...(/\b(process|console)\./.test(codeOnly(source.text))
          ? [`${source.path} uses process or console`]
          : []),
      ]);
    expect(wrong).toEqual([]);
  });
});

describe('TypeScript', () => {
  const rules: readonly (readonly [string, RegExp])[] = [
    ['no any', /(?<![.\w$])any(?![\w$]|\s*[(:=])/],
    ['no non-null assertion', /[\w$)\]]!(?!=)/],
    ['no enum', /(?<![.\w$])enum\s+\w/],
    ['no default export', /\bexport\s+default\b/],
    ['no suppressed errors', /@ts-(ignore|nocheck)/],
    ['no module-level let', /^(export )?(let|var)\s/m],
  ];
  test.each(rules)('%s', (name, pattern) => {
    const where =
      name === 'no suppressed errors'
        ? (source: Source): string => source.text
        : (source: Source): string => codeOnly(source.text);
    const found = everything
      .filter(({ path }) => path !== 'test/structure/rooms.test.ts')
      .flatMap((source) =>
        where(source)
          .split('\n')
          .flatMap((line, i) => (pattern.test(line) ? [`${source.path}:${i + 1}: ${line.trim()}`] : [])),
      );
    expect(found).toEqual([]);
  });

  // Tests of verifiers may forge what the types forbid; the product says why it must.
  test('an assertion through unknown has its reason in a comment above', () => {
    const unexplained = product.flatMap(({ path, text }) => {
      const lines = text.split('\n');
      return lines.flatMap((line, i) => {
        const explained = lines.slice(Math.max(0, i - 2), i).some((above) => /^\s*(\/\/|\*)/.test(above));
        return /\bas\s+unknown\s+as\b/.test(line) && !explained ? [`${path}:${i + 1}: ${line.trim()}`] : [];
      });
    });
    expect(unexplained).toEqual([]);
  });

  test(`no file is longer than ${longestFile} lines`, () => {
    const long = everything
      .map(({ path, text }) => ({ path, lines: text.split('\n').length }))
      .filter(({ lines }) => lines > longestFile)
      .map(({ path, lines }) => `${path}: ${lines}`);
    expect(long).toEqual([]);
  });

  test('every file of the product opens with a comment that says what it is', () => {
    const bare = product.filter(({ text }) => !/^(#!.*\n)?\/\/ \S/.test(text)).map(({ path }) => path);
    expect(bare).toEqual([]);
  });

  test('names of files are snake_case', () => {
    const odd = everything.map(({ path }) => path).filter((path) => !/^[a-z0-9_./]+$/.test(path));
    expect(odd).toEqual([]);
  });
});

describe('the rules see what they should', () => {
  const source = (path: string, text: string): Source => ({ path, text });

  test('imports of every form, but none in comments', () => {
    const text =
      "import { a } from '../ir/a.ts';\nexport type { B } from './b.ts';\nimport 'x/y';\nconst c = await import('@s/p/q');\n// from './no.ts'\n";
    expect(importsOf(source('compiler/kernel/k.ts', text))).toEqual([
      'compiler/ir/a.ts',
      'compiler/kernel/b.ts',
      'x',
      '@s/p',
    ]);
  });

  test('imports that leave nothing behind are told from the others', () => {
    const text =
      "import type { A } from './a.ts';\nimport { type B } from './b.ts';\nimport { type C, c } from './c.ts';\n";
    expect(importsOf(source('x/y.ts', text), 'evaluated')).toEqual(['x/c.ts']);
  });

  test('code without strings, comments, regular expressions', () => {
    const text =
      "const s = 'any!'; // any\nconst r = /any[/!]/g; const t = `any ${x.map((y) => `${y}!`)} any`; a / b; /* any */ let z";
    const code = codeOnly(text);
    expect(code).not.toContain('any');
    expect(code).not.toContain('!');
    expect(code).toContain('x.map((y) =>');
    expect(code).toContain('a / b;');
    expect(code).toHaveLength(text.length);
  });

  test('a cycle is found', () => {
    const loop = [
      source('a/1.ts', "import './2.ts'"),
      source('a/2.ts', "import './3.ts'"),
      source('a/3.ts', "import './2.ts'"),
    ];
    expect(cyclesAmong(loop)).toEqual(['a/2.ts -> a/3.ts -> a/2.ts']);
  });
});

describe('tracked files', () => {
  // Put together from pieces, so that this file does not match itself.
  const homes = ['home', 'Users', 'root', 'work'].join('|');
  const leaks: readonly (readonly [string, RegExp])[] = [
    ['paths of a machine', new RegExp(String.raw`(?<![\w.~-])/(?:${homes})/\w`)],
    [
      'hosts of package registries',
      new RegExp(['registry', String.raw`[a-z0-9-]+\.(?:com|org|net|io|dev)`].join(String.raw`\.`)),
    ],
  ];
  test.each(leaks)('hold no %s', (_, pattern) => {
    const found = trackedTexts().flatMap(({ path, text }) =>
      text
        .split('\n')
        .flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1}: ${line.trim().slice(0, 120)}`] : [])),
    );
    expect(found).toEqual([]);
  });
});

/** Every cycle of imports, once, as `a -> b -> a`. */
function cyclesAmong(sources: readonly Source[]): readonly string[] {
  const graph = new Map(sources.map((source) => [source.path, importsOf(source, 'evaluated')]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const before = trail.indexOf(path);
    if (before >= 0) {
      cycles.push([...trail.slice(before), path].join(' -> '));
      return;
    }
    if (done.has(path)) return;
    for (const next of graph.get(path) ?? []) if (graph.has(next)) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return cycles;
}
