// Small things that solves with fixed and with adaptive steps share: calling a method, the states of its result, saved values as plain arrays.

import { complexNodes } from '../values/complex_parts.ts';
import { conform } from '../values/conform.ts';
import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { flatten } from '../values/leaves.ts';
import type { Flattened } from '../values/leaves.ts';
import type { Calculus } from '../models/model.ts';
import type { RecordValue, Value } from '../values/values.ts';
import { array, complex, describe, record } from '../values/values.ts';
import type { Node } from '../../ir/types.ts';
import type { Span } from '../../support/span.ts';

export function positional(span: Span, ...values: Value[]): { value: Value; span: Span }[] {
  return values.map((value) => ({ value, span }));
}

export function asRecord(ctx: Context, v: Value, span: Span): RecordValue {
  return v.kind === 'record'
    ? v
    : failAt(ctx, 'E370', `a record is wanted here, but this is ${describe(v)}`, span);
}

export function memoryLeaves(ctx: Context, mem: Value, shape: Flattened, span: Span): Node[] {
  if (shape.leaves.length === 0) return [];
  const like = shape.rebuild(shape.leaves.map((l) => l.node));
  return flatten(ctx, conform(ctx, mem, like, span, "the method's memory"), span).leaves.map((l) => l.node);
}

/** Fields as their arrays: saved values have times in front and lie on no grid any more. */
export function plainArrays(ctx: Context, v: Value, span: Span): Value {
  switch (v.kind) {
    case 'field': {
      const flat = flatten(ctx, v, span);
      return flat.leaves[0] === undefined ? v : array(flat.leaves[0].node);
    }
    case 'complex': {
      const [re, im] = complexNodes(ctx, v, span);
      return complex(array(re), array(im));
    }
    case 'record':
      return {
        ...v,
        entries: new Map([...v.entries].map(([k, e]) => [k, plainArrays(ctx, e, span)] as const)),
      };
    case 'tuple':
      return { ...v, elements: v.elements.map((e) => plainArrays(ctx, e, span)) };
    default:
      return v;
  }
}

/** Counts the evaluations of the right side, or of a part of it, at different times and states. */
export interface EvaluationCounter {
  /** Called by the right side, with what tells this evaluation from others, what it is given, and what it gives. */
  readonly seen: (key: string, given: readonly Node[], made: readonly Node[]) => void;
  /** The evaluations in `work` that what is `used` of it comes from; undefined where they stand inside loops, whose turns nobody knows. */
  readonly during: <T>(
    work: () => T,
    used: (made: T) => readonly Node[],
  ) => { readonly made: T; readonly evaluations: number | undefined };
}

export interface Method {
  /** The method as it is written in Flow, with steps that count evaluations and that events interrupt. */
  readonly record: RecordValue;
  /** The method without what interrupts its steps. */
  readonly plain: RecordValue;
  readonly counter: EvaluationCounter;
  readonly step: Value;
  /** Undoes a step: takes (sys, k, y, mem) with what the step of k left behind. */
  readonly back: Value | undefined;
  readonly init: Value | undefined;
  readonly order: number | undefined;
  readonly stability: number | undefined;
  /** The power of the step that its estimate of the error falls with; `order` without it. */
  readonly errorOrder: number | undefined;
  /** How its steps are chosen when a solve does not say. */
  readonly controller: Value | undefined;
  /** Of a method for stochastic equations: the calculus its increments are meant in. */
  readonly calculus: Calculus | undefined;
  /** The most general noise the method keeps its order for. */
  readonly needs: string | undefined;
}

/** What the memory of a method says of events. */
export function eventsLogged(memory: Value): readonly (readonly [string, Value])[] {
  const log = memory.kind === 'record' ? memory.entries.get('log') : undefined;
  return log?.kind === 'record'
    ? [['events', record([...log.entries].filter(([name]) => name !== 'stopped' && name !== 'passed'))]]
    : [];
}
