// Files of Flow as modules: their items by name, what they `use`, the standard library loaded on demand.

import { libraryModules } from './library_modules.ts';
import type { CompileHost } from '../context.ts';
import { duplicatesIn } from './duplicates.ts';
import { namesOf } from './patterns.ts';
import type { Module, NamedItem } from './scope.ts';
import type { Diagnostic } from '../../support/diagnostic.ts';
import { didYouMean } from '../../support/did_you_mean.ts';
import type { SourceFile, Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';
import { parseFile } from '../../syntax/parse.ts';
import { readTree } from '../../syntax/tree_text.ts';

export class ModuleLoader {
  private readonly loaded = new Map<string, Module>();

  constructor(
    private readonly host: CompileHost,
    readonly diagnostics: Diagnostic[],
  ) {}

  /**
   * `written`: the tree of the file's text, if somebody has it. `lazy`: what it `use`s is loaded by whoever needs it. `name`: as the program says it, see Module.
   */
  load(
    file: SourceFile,
    standard: boolean,
    written?: string,
    lazy = false,
    name = standard ? file.path : '',
  ): Module {
    const known = this.loaded.get(file.path);
    if (known !== undefined) return known;
    const tree = written === undefined ? this.parse(file) : readTree(file, written);
    const items = new Map<string, NamedItem>();
    const uses = new Map<string, { module: Module; name: string; span: Span }>();
    const module: Module = { path: file.path, name, ast: tree, items, uses, standard };
    this.loaded.set(file.path, module);
    if (!standard) this.diagnostics.push(...duplicatesIn(tree.items));
    for (const item of tree.items) this.collect(module, item, items);
    if (lazy) return module;
    for (const item of tree.items)
      if (item.kind === 'use') {
        if (standard) this.useLater(module, item, uses);
        else this.use(module, item, uses);
      }
    return module;
  }

  /** What a module of the library uses is read when it is asked for: most programs need little of it. */
  private useLater(
    module: Module,
    item: ast.UseItem,
    uses: Map<string, { module: Module; name: string; span: Span }>,
  ): void {
    for (const n of item.names) {
      // Found once: names are looked up at every mention, and finding reads the file.
      let known: { module: Module; name: string } | undefined;
      const origin = (): { module: Module; name: string } => {
        if (known !== undefined) return known;
        const found = this.find(module, item);
        const target =
          found === undefined ? module : this.load(found.file, found.standard, found.tree, false, found.name);
        known = passedOn(target, n.name.name);
        return known;
      };
      uses.set((n.as ?? n.name).name, {
        get module() {
          return origin().module;
        },
        get name() {
          return origin().name;
        },
        span: n.span,
      });
    }
  }

  private parse(file: SourceFile): ast.FileAst {
    const { ast: tree, diagnostics } = parseFile(file);
    this.diagnostics.push(...diagnostics);
    return tree;
  }

  private collect(_module: Module, item: ast.Item, items: Map<string, NamedItem>): void {
    if (item.kind === 'use' || item.kind === 'precision' || item.kind === 'test' || item.kind === 'run')
      return;
    const names = item.kind === 'let' ? namesOf(item.pattern) : [item.name.name];
    for (const name of names) {
      const before = items.get(name);
      if (before !== undefined) {
        this.diagnostics.push({
          severity: 'error',
          code: 'E152',
          message: `\`${name}\` is defined twice`,
          span: item.kind === 'let' ? item.pattern.span : item.name.span,
          related: [
            {
              message: 'first defined here',
              span: before.kind === 'let' ? before.pattern.span : before.name.span,
            },
          ],
        });
        continue;
      }
      items.set(name, item);
    }
  }

  private use(
    module: Module,
    item: ast.UseItem,
    uses: Map<string, { module: Module; name: string; span: Span }>,
  ): void {
    const path = pathOf(item);
    const found = this.find(module, item);
    if (found === undefined) {
      this.diagnostics.push({
        severity: 'error',
        code: 'E153',
        message: item.source.kind === 'module' ? `there is no module ${path}` : `there is no file ${path}`,
        span: item.source.span,
        ...(item.source.kind === 'module' ? { help: moduleHelp(path) } : {}),
      });
      return;
    }
    const target = this.load(found.file, found.standard, found.tree, false, found.name);
    for (const n of item.names) {
      const local = (n.as ?? n.name).name;
      if (!target.items.has(n.name.name) && !target.uses.has(n.name.name)) {
        const guess = didYouMean(n.name.name, [...target.items.keys(), ...target.uses.keys()]);
        this.diagnostics.push({
          severity: 'error',
          code: 'E154',
          message: `${path} has no \`${n.name.name}\``,
          span: n.name.span,
          help:
            guess !== undefined
              ? `did you mean \`${guess}\`?`
              : `it has ${[...target.items.keys(), ...target.uses.keys()].slice(0, 12).join(', ')}`,
        });
        continue;
      }
      const before = module.items.get(local);
      const used = uses.get(local);
      const first = before?.kind === 'let' ? before.pattern.span : (before?.name.span ?? used?.span);
      if (first !== undefined) {
        this.diagnostics.push({
          severity: 'error',
          code: 'E152',
          message: `\`${local}\` is defined twice`,
          span: n.span,
          related: [{ message: 'the other one is here', span: first }],
          help: `take it under another name: ${n.name.name} as other_${local}`,
        });
        continue;
      }
      uses.set(local, { ...passedOn(target, n.name.name), span: n.span });
    }
  }

  private find(
    module: Module,
    item: ast.UseItem,
  ):
    | {
        readonly file: SourceFile;
        readonly standard: boolean;
        readonly tree: string | undefined;
        readonly name: string;
      }
    | undefined {
    const path = pathOf(item);
    const found = this.host.readModule(path, module.path);
    if (found === undefined) return undefined;
    const { text, tree } = found;
    const standard = path.startsWith('std.');
    const name = standard ? path : beside(module.name, path);
    return { file: { path: found.path, text }, standard, tree, name };
  }
}

/** `path` as written in the file `from`, both seen from the program's folder: `parts/noise.flow`. */
function beside(from: string, path: string): string {
  const steps = from.split('/').slice(0, -1);
  for (const part of path.split('/')) {
    if (part === '.' || part === '') continue;
    if (part === '..' && steps.length > 0 && steps.at(-1) !== '..') steps.pop();
    else steps.push(part);
  }
  return steps.join('/');
}

function pathOf(item: ast.UseItem): string {
  return item.source.kind === 'module'
    ? item.source.parts.map((p) => p.name).join('.')
    : item.source.path.parts.map((p) => (p.kind === 'text' ? p.text : '')).join('');
}

/** Where a name of a file is defined: a file also passes on what it takes from others. */
function passedOn(target: Module, name: string): { module: Module; name: string } {
  const used = target.items.has(name) ? undefined : target.uses.get(name);
  return used === undefined ? { module: target, name } : { module: used.module, name: used.name };
}

/** The names that a module takes from others, with where they are defined: for a module that was loaded lazily. */
export function namesTaken(module: Module | undefined): ReadonlyMap<string, { path: string; name: string }> {
  const taken = new Map<string, { path: string; name: string }>();
  for (const item of module?.ast.items ?? []) {
    if (item.kind !== 'use' || item.source.kind !== 'module') continue;
    const path = item.source.parts.map((p) => p.name).join('.');
    for (const n of item.names) taken.set((n.as ?? n.name).name, { path, name: n.name.name });
  }
  return taken;
}

function moduleHelp(path: string): string {
  const guess = didYouMean(path, [...libraryModules]);
  return guess === undefined ? `the library has ${libraryModules.join(', ')}` : `did you mean \`${guess}\`?`;
}
