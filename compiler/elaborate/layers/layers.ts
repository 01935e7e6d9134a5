// Layers. An instance of a layer is the record of its weights, and it is callable: `net(x)`, `net.b`, `net + 0.1*g`, `norm(net)`. Its entries are the `param`s of the layer and those `let`s
// that hold layers themselves; everything else is evaluated anew when it is called, with the weights the record has then.

import { boundsOf } from './bounds.ts';
import { bindArguments } from '../expressions/call_arguments.ts';
import type { Context } from '../context.ts';
import { failAt, withDraws } from '../context.ts';
import { bindPattern } from '../names/patterns.ts';
import type { Scope } from '../names/scope.ts';
import { bindType } from '../values/types.ts';
import type { CallArguments, FreeMap, LayerValue, RecordValue, Value } from '../values/values.ts';
import { describe } from '../values/values.ts';
import { flatten } from '../values/leaves.ts';
import { isFloat } from '../../ir/types.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

/** `mlp([2, 64, 1], tanh)`: a fresh instance, its weights drawn or set as the layer says. */
export function instantiate(ctx: Context, layer: LayerValue, args: CallArguments, span: Span): RecordValue {
  const { item } = layer;
  const scope = layer.scope.child();
  const ordinal = ctx.draws.ordinal++;
  return withDraws(
    ctx,
    { ...ctx.draws, path: `${ctx.draws.path}/${item.name.name}#${ordinal}`, ordinal: 0 },
    () => {
      bindArguments(ctx, item.name.name, item.params, args, scope, span);
      const entries = new Map<string, Value>();
      const states = new Set<string>();
      const maps = new Map<string, FreeMap>();
      const members = scope.child();
      for (const m of item.members) {
        if (m.kind === 'declaration') {
          if (m.what !== 'param' && m.what !== 'state')
            return failAt(
              ctx,
              'E449',
              `a layer is made of \`param\`, \`state\` and \`let\`, not of \`${m.what}\``,
              m.name.span,
              m.what === 'const' || m.what === 'data' ? `write let ${m.name.name} = …` : undefined,
            );
          const value = weights(ctx, m, members);
          const map = boundsOf(ctx, m, members, value);
          if (map !== undefined) maps.set(m.name.name, map);
          if (m.what === 'state') states.add(m.name.name);
          entries.set(m.name.name, value);
          members.define(m.name.name, value, m.span);
        } else if (m.kind === 'let') {
          const value = ctx.evaluate(m.value, members);
          bindPattern(ctx, m.pattern, value, members, m.span, false);
          if (m.pattern.kind === 'name-pattern' && holdsLayers(value)) entries.set(m.pattern.name, value);
        }
      }
      const call = item.members.find((m) => m.kind === 'call-member');
      return {
        kind: 'record',
        entries,
        parts: { states, maps },
        call: (self, given, where) => {
          if (call === undefined)
            return failAt(
              ctx,
              'E450',
              `the layer ${item.name.name} has no \`call\``,
              where,
              'write call(x) = …',
            );
          return callInstance(ctx, item, call, scope, self, given, where);
        },
      };
    },
  );
}

function weights(ctx: Context, m: ast.DeclarationItem, scope: Scope): Value {
  const value = ctx.evaluate(m.value, scope);
  const typed =
    m.type === undefined ? value : bindType(ctx, m.type, value, scope, m.value.span, `\`${m.name.name}\``);
  const flat = flatten(ctx, typed.kind === 'number' ? { ...typed, integer: false } : typed, m.value.span);
  const wrong = m.what === 'param' && flat.leaves.some((l) => !isFloat(l.node.dtype));
  if (flat.leaves.length === 0 || wrong)
    return failAt(
      ctx,
      'E451',
      `a weight is real, but \`${m.name.name}\` is ${describe(typed)}`,
      m.value.span,
      'give it a type: param b: real[m] = 0',
    );
  return flat.rebuild(flat.leaves.map((l) => l.node));
}

function holdsLayers(v: Value): boolean {
  if (v.kind === 'record') return v.call !== undefined || [...v.entries.values()].some(holdsLayers);
  if (v.kind === 'list' || v.kind === 'tuple') return v.elements.some(holdsLayers);
  return false;
}

function callInstance(
  ctx: Context,
  item: ast.LayerItem,
  call: ast.CallMember,
  around: Scope,
  self: RecordValue,
  args: CallArguments,
  span: Span,
): Value {
  const members = around.child();
  for (const m of item.members) {
    if (m.kind === 'declaration')
      members.define(
        m.name.name,
        self.entries.get(m.name.name) ??
          failAt(ctx, 'E452', `this record has no weight \`${m.name.name}\``, span),
        m.span,
      );
    else if (m.kind === 'let') {
      const own = m.pattern.kind === 'name-pattern' ? self.entries.get(m.pattern.name) : undefined;
      bindPattern(ctx, m.pattern, own ?? ctx.evaluate(m.value, members), members, m.span, false);
    }
  }
  const ordinal = ctx.draws.ordinal++;
  ctx.frames.push({ name: item.name.name, span });
  try {
    return withDraws(
      ctx,
      { ...ctx.draws, path: `${ctx.draws.path}/${item.name.name}()#${ordinal}`, ordinal: 0 },
      () => {
        const scope = members.child();
        bindArguments(ctx, `the call of ${item.name.name}`, call.params, args, scope, span);
        return ctx.evaluate(call.body, scope);
      },
    );
  } finally {
    ctx.frames.pop();
  }
}
