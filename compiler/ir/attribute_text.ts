// The attributes of an operation as text: equal for equal attributes, whatever the order in which an object's fields were written. Large literals are equal when they are the same array; regions are told apart by a number.

import { SMALL_LITERAL } from './classes.ts';
import type { Attributes, OpName, Region } from './types.ts';

export class AttributeTexts {
  private readonly texts = new WeakMap<object, string>();
  private readonly literals = new Map<Float64Array, number>();

  constructor(private readonly numberOf: (region: Region) => number) {}

  of<P extends OpName>(op: P, attrs: Attributes[P]): string {
    if (op === 'literal') {
      const { data, shape } = attrs as Attributes['literal'];
      return `${shape.join('x')}:${data.length <= SMALL_LITERAL ? Array.from(data, textOf).join(',') : this.literal(data)}`;
    }
    // Most operations are asked for again with the attributes of a node that there is.
    let text = this.texts.get(attrs);
    if (text === undefined) {
      text = this.value(attrs);
      this.texts.set(attrs, text);
    }
    return text;
  }

  private value(value: unknown): string {
    if (typeof value === 'number') return textOf(value);
    if (Array.isArray(value)) return `[${value.map((x: unknown) => this.value(x)).join(',')}]`;
    if (isRegion(value)) return `r${this.numberOf(value)}`;
    if (typeof value !== 'object' || value === null) return String(value);
    const fields = Object.entries(value);
    if (fields.length > 1) fields.sort(([a], [b]) => (a < b ? -1 : 1));
    return fields.map(([name, field]) => `${name}:${this.value(field)}`).join(';');
  }

  private literal(data: Float64Array): string {
    let key = this.literals.get(data);
    if (key === undefined) {
      key = this.literals.size;
      this.literals.set(data, key);
    }
    return `#${key}`;
  }
}

/** A number as text, with zeros told apart by sign. */
function textOf(x: number): string {
  return Object.is(x, -0) ? '-0' : String(x);
}

function isRegion(value: unknown): value is Region {
  return typeof value === 'object' && value !== null && 'params' in value && 'results' in value;
}
