// What a name stands for: a local, an item of the module, something it `use`s, the prelude, a derivative operator named after coordinates.

import { derivativeOperator } from '../builtins/fields.ts';
import { overParts } from '../values/complex_lifting.ts';
import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { foreignName } from './foreign_names.ts';
import { converted } from '../values/precision.ts';
import type { Scope } from './scope.ts';
import type { Value } from '../values/values.ts';
import { tuple } from '../values/values.ts';
import { normal } from '../../field/expression.ts';
import { didYouMean } from '../../support/did_you_mean.ts';
import type { Span } from '../../support/span.ts';

export function lookUp(ctx: Context, name: string, span: Span, scope: Scope): Value {
  if (scope.find(name) === undefined && scope.module.items.get(name)?.kind === 'type-alias')
    failAt(
      ctx,
      'E401',
      `\`${name}\` is a type, not a value`,
      span,
      'a type stands behind a colon: fn f(p: Particles) = …',
    );
  const value = find(ctx, name, scope) ?? unknown(ctx, name, span, scope);
  return ctx.real === ctx.programReal ? value : converted(ctx, value, span);
}

export function find(ctx: Context, name: string, scope: Scope): Value | undefined {
  const local = scope.find(name);
  if (local !== undefined) return local.value;
  const item = scope.module.items.get(name);
  if (item !== undefined) return ctx.item(scope.module, item, name);
  const used = scope.module.uses.get(name);
  if (used !== undefined) {
    const there = used.module.items.get(used.name);
    if (there !== undefined) return ctx.item(used.module, there, used.name);
  }
  return ctx.prelude(name) ?? outwardNormal(ctx, name) ?? derivativeNamed(ctx, name, scope);
}

/** `normal`: the outward normal of the wall at hand, inside a model on a domain. */
function outwardNormal(ctx: Context, name: string): Value | undefined {
  const grid = ctx.modelGrid;
  if (name !== 'normal' || grid === undefined) return undefined;
  const axes = grid.axes.map((a) => a.name);
  return tuple(
    axes.map((a) => ({ kind: 'field', expr: normal(a), grid })),
    axes,
  );
}

/** `dx`, `dxy`: of the model around, of any domain or function of coordinates that is known here, of x, y and z. */
function derivativeNamed(ctx: Context, name: string, scope: Scope): Value | undefined {
  if (!name.startsWith('d') || name.length < 2) return undefined;
  const domains: string[][] = ctx.modelGrid === undefined ? [] : [ctx.modelGrid.axes.map((a) => a.name)];
  const used = [...scope.module.uses.values()].map((u) => u.module.items.get(u.name));
  for (const item of [...scope.module.items.values(), ...used]) {
    if (item?.kind === 'domain' && item.body.kind === 'axes')
      domains.push(item.body.axes.map((a) => a.name.name));
    if (item?.kind === 'field')
      domains.push(item.params.flatMap((p) => (p.pattern.kind === 'name-pattern' ? [p.pattern.name] : [])));
  }
  for (const local of scope.visible()) {
    const value = scope.find(local)?.value;
    if (value?.kind === 'field' && value.coordinates !== undefined) domains.push([...value.coordinates]);
  }
  domains.push(['x', 'y', 'z']);
  const found = derivativeOperator(ctx, name, domains);
  return found && overParts(ctx, found, ['u']);
}

function unknown(ctx: Context, name: string, span: Span, scope: Scope): never {
  const known = [...scope.visible(), ...scope.module.uses.keys(), ...ctx.preludeNames()];
  const guess = didYouMean(name, known);
  const module = ctx.moduleThatHas(name);
  const foreign = foreignName(name);
  const domain = [...scope.module.items.values()].find(
    (i) => i.kind === 'domain' && i.body.kind === 'axes' && i.body.axes.some((a) => a.name.name === name),
  );
  return failAt(
    ctx,
    'E150',
    `\`${name}\` is not known here`,
    span,
    module !== undefined
      ? `it is in the library: use ${module} { ${name} }`
      : domain?.kind === 'domain'
        ? `a coordinate has its plain name inside models on ${domain.name.name}; elsewhere write ${domain.name.name}.${name}`
        : foreign !== undefined
          ? foreign
          : guess !== undefined
            ? `did you mean \`${guess}\`?`
            : undefined,
  );
}
