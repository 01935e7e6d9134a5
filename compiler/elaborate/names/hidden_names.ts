// Warnings about names that hide others: a `let`, `var` or loop name that hides a coordinate (or the time) of the model around it, a parameter or an input of the program, or a standard
// operator. Arguments may carry any of these names: `pde heat(k)` beside `param k` is how a model is written. Read off the tree; nothing is elaborated.

import type { Context } from '../context.ts';
import { warn } from '../context.ts';
import type { Module } from './scope.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

/** Operators that a reader takes for granted. Derivatives by coordinates (`dx`, `dxy`) are added from the domains. */
const OPERATORS: ReadonlySet<string> = new Set(
  [
    'grad div lap curl advect diff dn dt integral trace probe source resample',
    'sin cos tan asin acos atan sinh cosh tanh exp log sqrt abs sign floor ceil round where clip',
    'sum mean prod max min dot norm concat zeros ones linspace transpose cumsum',
    'gradient jacobian hessian jvp vjp hvp stop_gradient solve draw pi inf',
  ].flatMap((line) => line.split(' ')),
);

interface Bound {
  readonly name: string;
  readonly span: Span;
}

export function warnOfHiddenNames(ctx: Pick<Context, 'diagnostics'>, module: Module): void {
  const parameters = new Map<string, ast.DeclarationItem>();
  for (const item of module.ast.items)
    if (item.kind === 'declaration' && (item.what === 'param' || item.what === 'input'))
      parameters.set(item.name.name, item);
  for (const item of module.ast.items) {
    const inModel = item.kind === 'model' ? item : undefined;
    const coordinates = inModel === undefined ? [] : coordinatesOf(module, inModel);
    const bound = item.kind === 'let' ? boundIn(item.value) : boundIn(item);
    for (const b of bound) {
      const hidden =
        coordinates.includes(b.name) || (inModel !== undefined && b.name === 't')
          ? `the ${b.name === 't' && !coordinates.includes('t') ? 'time' : 'coordinate'} \`${b.name}\` of ${inModel?.name.name ?? ''}`
          : parameters.has(b.name)
            ? `the ${parameters.get(b.name)?.what === 'input' ? 'input' : 'parameter'} \`${b.name}\``
            : isOperator(module, b.name)
              ? `the standard operator \`${b.name}\``
              : undefined;
      if (hidden !== undefined)
        warn(ctx, 'W201', `\`${b.name}\` hides ${hidden}`, b.span, 'give it another name');
    }
    if (item.kind === 'let')
      for (const b of names(item.pattern))
        if (isOperator(module, b.name))
          warn(
            ctx,
            'W201',
            `\`${b.name}\` hides the standard operator \`${b.name}\``,
            b.span,
            'give it another name',
          );
  }
}

function coordinatesOf(module: Module, model: ast.ModelItem): string[] {
  const place = model.on?.name.name;
  if (place === undefined) return [];
  const used = module.uses.get(place);
  const domain = module.items.get(place) ?? used?.module.items.get(used.name);
  return domain?.kind === 'domain' && domain.body.kind === 'axes'
    ? domain.body.axes.map((a) => a.name.name)
    : [];
}

function isOperator(module: Module, name: string): boolean {
  if (OPERATORS.has(name)) return !module.uses.has(name);
  if (!/^d./u.test(name)) return false;
  return [...module.items.values()].some(
    (i) =>
      i.kind === 'domain' &&
      i.body.kind === 'axes' &&
      i.body.axes.some((a) => name === `d${a.name.name}` || name === `d${a.name.name}${a.name.name}`),
  );
}

const names = (p: ast.Pattern): Bound[] =>
  p.kind === 'name-pattern' ? [{ name: p.name, span: p.span }] : p.elements.flatMap(names);

/** Names bound by `let`, `var`, loops and comprehensions somewhere inside. */
function boundIn(root: object): Bound[] {
  const out: Bound[] = [];
  const visit = (x: unknown): void => {
    if (Array.isArray(x)) {
      x.forEach(visit);
      return;
    }
    if (typeof x !== 'object' || x === null) return;
    if (isLet(x)) out.push(...names(x.pattern));
    if (isGenerator(x)) out.push(...names(x.pattern));
    for (const [key, part] of Object.entries(x)) if (key !== 'span' && key !== 'pattern') visit(part);
  };
  visit(root);
  return out;
}

const isLet = (x: object): x is ast.LetStatement => 'kind' in x && x.kind === 'let' && 'binding' in x;

/** `i in 0..n`: the only nodes with a pattern and a source. */
const isGenerator = (x: object): x is ast.Generator => !('kind' in x) && 'pattern' in x && 'source' in x;
