// `adjoint:` of a solve: how its derivative goes back through the steps. `auto`, `store`, `recompute` and `checkpoint(memory: …)` differentiate the loop and differ in what they keep (spec/derivatives.md,
// section 4); `reversible` undoes the steps by the method's own `back`; `continuous` solves the adjoint equation instead.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import type { Given } from '../builtins/registry.ts';
import type { PreparedModel } from '../models/model.ts';
import type { Method } from './solve_parts.ts';
import { staticText } from '../values/strings.ts';
import type { Value } from '../values/values.ts';
import { describe } from '../values/values.ts';
import { bytesOfTypes } from '../../autodiff/loops.ts';
import type { AdjointPolicy, Node } from '../../ir/types.ts';
import type { Span } from '../../support/span.ts';

export type AdjointChoice =
  | { readonly kind: 'discrete'; readonly policy: AdjointPolicy }
  | { readonly kind: 'reversible' }
  | { readonly kind: 'continuous'; readonly method: Value | undefined };

const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

export function adjointChoice(ctx: Context, a: Given): AdjointChoice {
  const v = a.get('adjoint');
  const span = a.spanOf('adjoint');
  if (v === undefined) return { kind: 'discrete', policy: { kind: 'auto' } };
  const unknown = (what: string): never =>
    failAt(
      ctx,
      'E377',
      `\`adjoint:\` is auto, store, recompute, checkpoint(memory: "1 GB"), reversible or continuous, but this is ${what}`,
      span,
    );
  if (v.kind !== 'option') return unknown(describe(v));
  switch (v.name) {
    case 'auto':
    case 'store':
    case 'recompute':
      return { kind: 'discrete', policy: { kind: v.name } };
    case 'checkpoint':
      return { kind: 'discrete', policy: { kind: 'checkpoint', bytes: budget(ctx, v.args, span) } };
    case 'reversible':
      return { kind: 'reversible' };
    case 'continuous':
      return { kind: 'continuous', method: v.args.get('method') };
    default:
      return unknown(v.name);
  }
}

function budget(ctx: Context, args: ReadonlyMap<string, Value>, span: Span): number {
  const memory = staticText(
    ctx,
    args.get('memory') ??
      failAt(ctx, 'E377', 'checkpoint wants its memory', span, 'write checkpoint(memory: "1 GB")'),
    span,
    'the memory of checkpoint',
  );
  const m = /^\s*(\d+(?:\.\d+)?)\s*([KMG]?i?B)\s*$/.exec(memory);
  const unit = m?.[2] === undefined ? undefined : UNITS[m[2]];
  if (m?.[1] === undefined || unit === undefined)
    return failAt(ctx, 'E377', `\`${memory}\` is no amount of memory`, span, 'write "16 MB" or "1 GB"');
  return Number(m[1]) * unit;
}

/** Refuses what cannot go back in the way asked for, before anything is elaborated. */
export function refuseAdjoint(
  ctx: Context,
  a: Given,
  choice: AdjointChoice,
  model: PreparedModel,
  method: Method,
  adaptive: boolean,
): void {
  if (choice.kind === 'discrete') return;
  const span = a.spanOf('adjoint');
  const refuse = (why: string, help: string): never =>
    failAt(ctx, 'E497', `\`adjoint: ${choice.kind}\` ${why}`, span, help);
  const otherwise = 'write adjoint: checkpoint(memory: "16 MB"), or leave it out';
  if (model.events.length > 0) refuse(`has no way back through the events of ${model.name}`, otherwise);
  if (model.afterStep !== undefined)
    refuse(
      `has no way back through \`after step\` of ${model.name}, which changes the states between two steps`,
      otherwise,
    );
  if (choice.kind === 'continuous') {
    if (model.stochastic !== undefined) refuseNoise(ctx, a, model, method, refuse);
    return;
  }
  if (adaptive)
    refuse(
      'undoes steps of fixed length, but this solve chooses its steps as it goes',
      'give the solve fixed steps, `dt:` or `steps:`, or write adjoint: checkpoint(memory: "16 MB")',
    );
  if (method.back === undefined) {
    const place = a.spanOf('method');
    const text = place.file.text.slice(place.start, place.end).split('\n')[0] ?? 'this method';
    const name = text.replace(/^method:\s*/, '');
    refuse(
      `undoes every step by the \`back\` of the method, and ${name} has none`,
      'use std.ode { leapfrog, yoshida4 } or std.sde { reversible_heun }, give your method back: (sys, k, y, mem) => { y, mem }, which takes what a step leaves to what it began with, or write adjoint: checkpoint(memory: "16 MB")',
    );
  }
}

/** The adjoint equation of a stochastic one is that of Stratonovich's calculus along one Brownian path: its chain rule is the ordinary one. */
function refuseNoise(
  ctx: Context,
  a: Given,
  model: PreparedModel,
  method: Method,
  refuse: (why: string, help: string) => never,
): void {
  const exact =
    'write adjoint: reversible with use std.sde { reversible_heun }, which keeps no states either and is exact';
  const other = model.noises.find((n) => n.source !== undefined);
  if (other !== undefined)
    refuse(
      `is for Wiener processes, but the noise \`${other.name}\` of ${model.name} is a process of its own`,
      'write adjoint: checkpoint(memory: "16 MB"), or leave it out',
    );
  if (method.calculus !== 'stratonovich')
    failAt(
      ctx,
      'E497',
      `\`adjoint: continuous\` of a stochastic model follows Stratonovich's calculus, for which this method is not made`,
      a.spanOf('method'),
      `use std.sde { heun }, which converts the equation, or ${exact}`,
    );
}

// ---- budgets

/** States that a reverse sweep holds beside the tape: the state at hand and the next, cotangents, parameters, their gradients. */
const WORKING_STATES = 16;

/** A budget is for the whole gradient: what the sweep works on is taken off, but never more than half. */
export function lessWorkingSpace(policy: AdjointPolicy, init: readonly Node[]): AdjointPolicy {
  if (policy.kind !== 'checkpoint') return policy;
  return {
    kind: 'checkpoint',
    bytes: Math.max(policy.bytes / 2, policy.bytes - WORKING_STATES * bytesOfTypes(init)),
  };
}

/** A budget of memory is shared between the two levels of a loop over `count` blocks of steps: what the blocks need first, the rest for the steps inside. */
export function shared(
  policy: AdjointPolicy,
  count: number,
  init: readonly Node[],
): { readonly outer: AdjointPolicy; readonly inner: AdjointPolicy } {
  if (policy.kind !== 'checkpoint') return { outer: policy, inner: policy };
  const outer = Math.min(policy.bytes / 2, count * bytesOfTypes(init));
  return {
    outer: { kind: 'checkpoint', bytes: outer },
    inner: { kind: 'checkpoint', bytes: policy.bytes - outer },
  };
}
