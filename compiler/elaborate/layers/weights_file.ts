// `network net = mlp(…) from "net.safetensors"`: the numbers of a parameter, network or state from a file of named arrays. In: the value as its expression gives it, which says what there is
// and of which shape. Out: the same value with the file's numbers.
//
// A leaf `W` of what was saved as `net` is called `net.W` in the file; the file's name for the whole may differ from the program's (`network teacher = … from`), if only one is possible.

import type { CompileHost, Context } from '../context.ts';
import { failAt } from '../context.ts';
import { mapOfLayers } from './layer_parts.ts';
import { flatten } from '../values/leaves.ts';
import { staticText } from '../values/strings.ts';
import type { Value } from '../values/values.ts';
import * as b from '../../ir/build.ts';
import { sameShape } from '../../ir/types.ts';
import { didYouMean } from '../../support/did_you_mean.ts';
import type * as ast from '../../syntax/ast.ts';

type NamedArrays = ReturnType<CompileHost['readArrays']>;

export function fromFile(
  ctx: Context,
  item: ast.DeclarationItem,
  from: ast.Expression,
  value: Value,
  path: string,
): Value {
  const name = item.name.name;
  const arrays = ctx.host.readArrays(path, from.span);
  const byName = new Map(arrays.map((a) => [a.name, a]));
  const flat = flatten(ctx, value, item.value.span);
  const paths = flat.leaves.map((l) => l.path);
  const bounded = item.bounds !== undefined || mapOfLayers(value) !== undefined;
  const prefix = prefixOf(ctx, { item, bounded }, from, path, paths, arrays);
  const nodes = flat.leaves.map(({ node, path: leaf }) => {
    const full = joined(prefix, leaf);
    const found = byName.get(full);
    if (found === undefined)
      return failAt(
        ctx,
        'E443',
        `"${path}" holds no \`${full}\`, which \`${name}\` needs`,
        from.span,
        listed(arrays),
      );
    if (!sameShape(found.shape, node.shape))
      return failAt(
        ctx,
        'E443',
        `\`${full}\` has shape [${found.shape.join(', ')}] in "${path}", but \`${joined(name, leaf)}\` has [${node.shape.join(', ')}]`,
        from.span,
        'the file was written by a program with other sizes',
      );
    const bad = found.data.findIndex((x) => !Number.isFinite(x));
    if (bad >= 0)
      failAt(
        ctx,
        'E390',
        `${path} holds a value that is no finite number: element ${bad} of ${full}`,
        from.span,
      );
    return b.cast(ctx.graph, ctx.graph.literal(found.data, found.shape, ctx.real), node.dtype);
  });
  return flat.rebuild(nodes);
}

export function weightsPath(ctx: Context, from: ast.Expression, value: Value): string {
  return staticText(ctx, value, from.span, 'the name of a file');
}

function joined(prefix: string, path: string): string {
  if (path === '') return prefix;
  return prefix === '' || path.startsWith('[') ? `${prefix}${path}` : `${prefix}.${path}`;
}

/** What stands in front of every leaf in the file. */
function prefixOf(
  ctx: Context,
  { item, bounded }: { readonly item: ast.DeclarationItem; readonly bounded: boolean },
  from: ast.Expression,
  path: string,
  leaves: readonly string[],
  arrays: NamedArrays,
): string {
  const names = new Set(arrays.map((a) => a.name));
  const name = item.name.name;
  const complete = (prefix: string): boolean => leaves.every((leaf) => names.has(joined(prefix, leaf)));
  if (complete(name)) return name;
  const [first = ''] = leaves;
  // Checkpoints hold parameters with bounds as the numbers behind them, which are not their values.
  const possible = [...names]
    .filter((n) => n.endsWith(first))
    .map((n) => n.slice(0, n.length - first.length).replace(/\.$/, ''))
    .filter((p) => complete(p) && !(bounded && /^(param|network)\./.test(p)));
  if (possible.length === 1) return possible[0] ?? name;
  const parts = leaves.map((l) => joined(name, l));
  const missing = parts.find((p) => !names.has(p)) ?? name;
  const guess = didYouMean(missing, names);
  return failAt(
    ctx,
    'E443',
    possible.length > 1
      ? `"${path}" holds no \`${missing}\`, and several values that \`${name}\` could be: ${possible.join(', ')}`
      : `"${path}" holds no \`${missing}\`, which \`${name}\` needs`,
    from.span,
    guess !== undefined && possible.length === 0
      ? `did you mean \`${guess}\`? ${listed(arrays)}`
      : listed(arrays),
  );
}

const MOST_LISTED = 8;

function listed(arrays: NamedArrays): string {
  const names = arrays.map((a) => `${a.name}[${a.shape.join(', ')}]`);
  const shown = names.slice(0, MOST_LISTED).join(', ');
  return names.length === 0
    ? 'the file is empty'
    : `the file holds ${shown}${names.length > MOST_LISTED ? ` and ${names.length - MOST_LISTED} more` : ''}`;
}
