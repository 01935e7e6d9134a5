// The name under which an item is known.

import { namesOf } from './patterns.ts';
import type { NamedItem } from './scope.ts';

export function itemLabel(item: NamedItem): string {
  return item.kind === 'let' ? (namesOf(item.pattern)[0] ?? '') : item.name.name;
}
