// What the compiler must know of an elementwise function: how its operands are levelled, how it is computed on numbers known now, which node it makes.

import type { Graph } from '../../ir/graph.ts';
import type { Node } from '../../ir/types.ts';

/** What the compiler must know of an elementwise function. */
export interface Elementwise {
  /** As the user writes it, for messages. */
  readonly name: string;
  /** `real`: ints become real; `number`: ints stay ints when all are; `bool`: truth values; `compare`: numbers to truth values (of equal type); `mask`: first bool, others numbers; `integer`: ints only. */
  readonly operands: 'real' | 'number' | 'bool' | 'compare' | 'mask' | 'integer' | 'any';
  readonly compute?: (...x: readonly number[]) => number;
  readonly build: (g: Graph, nodes: readonly Node[]) => Node;
  /** The result at compile time is a truth value. */
  readonly truth?: boolean;
  /** The result is an int whatever goes in (`floor`, `round`). */
  readonly toInt?: boolean;
  /** The whole exponent of a power. */
  readonly exponent?: number;
}
