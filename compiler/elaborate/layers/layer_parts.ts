// What the instances of layers in a value say of their parts: which are states (carried and saved, not trained), and as which free numbers weights with bounds are kept.

import type { FreeMap, Value } from '../values/values.ts';
import type { Span } from '../../support/span.ts';

/** The paths of the states of layers, as `flatten` calls leaves: `body[0].mean`. */
export function statesOfLayers(value: Value, path = ''): readonly string[] {
  switch (value.kind) {
    case 'record':
      return [...value.entries].flatMap(([k, e]) => {
        const own = path === '' ? k : `${path}.${k}`;
        return value.parts?.states.has(k) === true ? [own] : statesOfLayers(e, own);
      });
    case 'tuple':
    case 'list':
      return value.elements.flatMap((e, i) => statesOfLayers(e, `${path}[${i}]`));
    default:
      return [];
  }
}

/** The map that takes every bounded weight in a value of this structure to its free numbers, when there is one. */
export function mapOfLayers(like: Value): FreeMap | undefined {
  if (!hasMaps(like)) return undefined;
  return {
    to: (v, span) => mapped(like, v, 'to', span),
    from: (v, span) => mapped(like, v, 'from', span),
  };
}

function hasMaps(v: Value): boolean {
  if (v.kind === 'record') return (v.parts?.maps.size ?? 0) > 0 || [...v.entries.values()].some(hasMaps);
  return (v.kind === 'tuple' || v.kind === 'list') && v.elements.some(hasMaps);
}

function mapped(like: Value, v: Value, way: 'to' | 'from', span: Span): Value {
  if (like.kind === 'record' && v.kind === 'record')
    return {
      ...v,
      entries: new Map(
        [...v.entries].map(([k, e]) => {
          const own = like.parts?.maps.get(k);
          const inner = like.entries.get(k);
          return [
            k,
            own !== undefined ? own[way](e, span) : inner === undefined ? e : mapped(inner, e, way, span),
          ];
        }),
      ),
    };
  if ((like.kind === 'tuple' || like.kind === 'list') && (v.kind === 'tuple' || v.kind === 'list'))
    return {
      ...v,
      elements: v.elements.map((e, i) => {
        const inner = like.elements[i];
        return inner === undefined ? e : mapped(inner, e, way, span);
      }),
    };
  return v;
}
