// What lives on the device between procedures: inputs, data, parameters, states, and results. Each variable is a parameter node of the graph; a procedure is a set of nodes to be computed
// from variables into variables.
//
// A parameter with bounds is kept in an unbounded coordinate z: its value is map.to(z), with a smooth map written in Flow (`interval` in the prelude, or what `via` names).

import { boundsOf } from './layers/bounds.ts';
import { conform } from './values/conform.ts';
import { isPart } from './values/complex_parts.ts';
import { capturing } from './values/closures.ts';
import type { Context } from './context.ts';
import { failAt } from './context.ts';
import { flatten } from './values/leaves.ts';
import type { Flattened } from './values/leaves.ts';
import { mapOfLayers, statesOfLayers } from './layers/layer_parts.ts';
import type { NamedItem, Scope } from './names/scope.ts';
import { isCheap } from './values/cheap.ts';
import type { FreeMap, Value } from './values/values.ts';
import { array, complex, describe } from './values/values.ts';
import * as b from '../ir/build.ts';
import type { ArrayType, Node } from '../ir/types.ts';
import { isFloat } from '../ir/types.ts';
import { InternalError } from '../support/diagnostic.ts';
import { at } from '../support/lists.ts';
import type { Span } from '../support/span.ts';
import type * as ast from '../syntax/ast.ts';

export interface VariableInfo {
  readonly name: string;
  readonly type: ArrayType;
  readonly node: Node;
  readonly initial?: Float64Array;
}

export interface ProcedureInfo {
  readonly name: string;
  /** variable -> what goes into it. */
  readonly outputs: ReadonlyMap<string, Node>;
}

/** A trainable parameter: unbounded variables, and the way to its value. */
export interface ParameterInfo {
  readonly item: ast.DeclarationItem;
  readonly name: string;
  /** The procedure that gives it its initial value. */
  readonly start: string;
  /** Variables of the leaves, unbounded. */
  readonly variables: readonly string[];
  /** Those that an optimiser may change: not the states of layers. */
  readonly trained: readonly string[];
  /** The value for given unbounded leaves. */
  readonly fromFree: (leaves: readonly Node[]) => Value;
  /** Unbounded leaves for a value. */
  readonly toFree: (value: Value, span: Span) => readonly Node[];
}

/** An `optimizer` of the program. */
export interface OptimiserInfo {
  readonly name: string;
  /** bool: its memory holds something. */
  readonly started: string;
  /** i32: steps made. */
  readonly count: string;
  /** The procedure that makes it forget. */
  readonly forget: string;
  /** Once it has been used. */
  held:
    { readonly over: string; readonly shape: Flattened; readonly variables: readonly string[] } | undefined;
}

export class Variables {
  readonly all = new Map<string, VariableInfo>();
  private readonly byNode = new Map<Node, string>();
  readonly procedures: ProcedureInfo[] = [];
  /** Procedures of the setup, in order. */
  readonly setup: string[] = [];
  readonly inputs: { name: string; variable: string; value: number; integer?: boolean }[] = [];
  readonly parameters = new Map<NamedItem, ParameterInfo>();
  readonly states = new Map<NamedItem, ParameterInfo>();
  readonly optimisers = new Map<NamedItem, OptimiserInfo>();
  /** What a checkpoint has to hold: everything that a run changes and reads again later. */
  readonly lasting = new Set<string>();
  /** Values of items that do not depend on the world. */
  readonly fixed = new Map<NamedItem, Value>();
  private seedNode: Node | undefined;
  private serial = 0;

  declare(ctx: Context, name: string, type: ArrayType, initial?: Float64Array): Node {
    if (this.all.has(name)) throw new InternalError('elaborate.variables', `variable ${name} declared twice`);
    const node = ctx.graph.param(name, type);
    this.all.set(name, { name, type, node, ...(initial ? { initial } : {}) });
    this.byNode.set(node, name);
    return node;
  }

  /** Makes a parameter that already stands in the graph a variable. */
  adopt(name: string, node: Node): void {
    if (this.all.has(name)) throw new InternalError('elaborate.variables', `variable ${name} declared twice`);
    this.all.set(name, { name, type: node, node });
    this.byNode.set(node, name);
  }

  /** These outlive the statement that computes them. */
  keep(names: Iterable<string>): void {
    for (const name of names) this.lasting.add(name);
  }

  nodeOf(name: string): Node {
    const info = this.all.get(name);
    if (info === undefined) throw new InternalError('elaborate.variables', `no variable ${name}`);
    return info.node;
  }

  nameOf(node: Node): string | undefined {
    return this.byNode.get(node);
  }

  /** A fresh variable for a result. */
  result(ctx: Context, node: Node, hint: string): string {
    const name = `${hint}.${this.serial++}`;
    this.declare(ctx, name, node);
    return name;
  }

  /** A name that nothing else begins with. */
  fresh(hint: string): string {
    return `${hint}.${this.serial++}`;
  }

  /** The name, or when another file's item has it already, one like it. */
  private unused(name: string): string {
    let free = name;
    for (let k = 2; this.all.has(free); k++) free = `${name}#${k}`;
    return free;
  }

  procedure(name: string, outputs: ReadonlyMap<string, Node>): string {
    const unique = this.procedures.some((p) => p.name === name) ? `${name}.${this.serial++}` : name;
    this.procedures.push({ name: unique, outputs });
    return unique;
  }

  seed(ctx: Context): readonly [Node, Node] {
    this.seedNode ??= this.declare(ctx, 'seed', { dtype: 'u32', shape: [2] }, Float64Array.from([0, 0]));
    return [b.indexAxis(ctx.graph, this.seedNode, 0, 0), b.indexAxis(ctx.graph, this.seedNode, 0, 1)];
  }

  get usesSeed(): boolean {
    return this.seedNode !== undefined;
  }

  input(ctx: Context, item: ast.DeclarationItem, value: number, integer: boolean): Value {
    const variable = this.unused(`input.${item.name.name}`);
    const node = this.declare(
      ctx,
      variable,
      { dtype: integer ? 'i32' : ctx.real, shape: [] },
      Float64Array.from([value]),
    );
    this.inputs.push({ name: item.name.name, variable, value, ...(integer ? { integer } : {}) });
    return array(node);
  }

  /** Each leaf a variable that the setup fills; what is cheap and static stays an expression. */
  data(ctx: Context, item: ast.DeclarationItem, value: Value): Value {
    const whole = capturing(ctx, value, 'all', item.value.span);
    const flat = flatten(ctx, whole, item.value.span, { keepStatic: true });
    const outputs = new Map<string, Node>();
    const nodes = flat.leaves.map(({ node, path }) => {
      if (isCheap(node)) return node;
      const name = this.unused(`data.${item.name.name}${path === '' ? '' : `.${path}`}`);
      if (node.op === 'literal') return this.declare(ctx, name, node, node.attrs.data);
      const variable = this.declare(ctx, name, node);
      outputs.set(name, node);
      return variable;
    });
    if (outputs.size > 0) this.setup.push(this.procedure(`data.${item.name.name}`, outputs));
    return evenEnds(flat.rebuild(nodes));
  }

  parameter(ctx: Context, item: ast.DeclarationItem, value: Value, scope: Scope): Value {
    const map = boundsOf(ctx, item, scope, value) ?? mapOfLayers(value);
    const info = this.trainable(ctx, item, value, map);
    this.parameters.set(item, info);
    return info.fromFree(info.variables.map((v) => this.nodeOf(v)));
  }

  /** The weights of a network: trainable like a parameter, without bounds. */
  network(ctx: Context, item: ast.DeclarationItem, value: Value): Value {
    if (value.kind !== 'record' && value.kind !== 'list')
      return failAt(
        ctx,
        'E453',
        `a network is an instance of a layer, but this is ${describe(value)}`,
        item.value.span,
        'use std.nn { mlp } and write network net = mlp([2, 64, 1], tanh)',
      );
    const info = this.trainable(ctx, item, value, mapOfLayers(value));
    this.parameters.set(item, info);
    return info.fromFree(info.variables.map((v) => this.nodeOf(v)));
  }

  state(ctx: Context, item: ast.DeclarationItem, value: Value): Value {
    const info = this.trainable(ctx, item, value, undefined);
    this.states.set(item, info);
    return info.fromFree(info.variables.map((v) => this.nodeOf(v)));
  }

  private trainable(
    ctx: Context,
    item: ast.DeclarationItem,
    value: Value,
    map: FreeMap | undefined,
  ): ParameterInfo {
    const name = item.name.name;
    const flat = flatten(ctx, value, item.value.span);
    if (flat.leaves.length === 0)
      failAt(
        ctx,
        'E405',
        `a ${item.what} is made of numbers, but this is ${describe(value)}`,
        item.value.span,
      );
    const real = (v: Value, span: Span): Node[] =>
      flatten(ctx, v, span).leaves.map(({ node }) =>
        item.what === 'param' && !isFloat(node.dtype) ? b.cast(ctx.graph, node, ctx.real) : node,
      );
    const free = (v: Value, span: Span): Node[] =>
      map === undefined ? real(v, span) : real(map.from(v, span), span);
    // A map may keep the parameter as something of another structure or shape (increasing numbers by their gaps).
    const kept = map === undefined ? flat : flatten(ctx, map.from(value, item.value.span), item.value.span);
    const like = flat.rebuild(real(value, item.value.span));
    const states = statesOfLayers(value);
    const outputs = new Map<string, Node>();
    const variables = free(value, item.value.span).map((node, i) => {
      const path = at(kept.leaves, i).path;
      const variable = this.unused(`${item.what}.${name}${path === '' ? '' : `.${path}`}`);
      this.declare(ctx, variable, node);
      outputs.set(variable, node);
      return variable;
    });
    const start = this.procedure(`${item.what}.${name}`, outputs);
    this.keep(variables);
    this.setup.push(start);
    return {
      item,
      name,
      start,
      variables,
      trained: variables.filter((_, i) => !states.some((s) => isInside(at(kept.leaves, i).path, s))),
      fromFree: (leaves) => {
        const z = kept.rebuild(leaves);
        return evenEnds(
          map === undefined ? z : conform(ctx, map.to(z, item.span), like, item.span, `\`${name}\``),
        );
      },
      toFree: (v, span) => free(conform(ctx, v, like, span, `\`${name}\``), span),
    };
  }
}

/** Whether a leaf is this part of a value, or lies in it. */
function isInside(path: string, part: string): boolean {
  return path === part || path.startsWith(`${part}.`) || path.startsWith(`${part}[`);
}

/** Fields of parameters and data go on evenly beyond the walls. */
function evenEnds(v: Value): Value {
  if (v.kind === 'field' && v.expr.kind === 'leaf' && v.grid !== undefined)
    return {
      ...v,
      expr: {
        ...v.expr,
        ghosts: v.grid.axes.map(() => ({ min: { kind: 'even' }, max: { kind: 'even' } }) as const),
      },
    };
  if (v.kind === 'complex') {
    const [re, im] = [evenEnds(v.re), evenEnds(v.im)];
    return isPart(re) && isPart(im) ? complex(re, im) : v;
  }
  if (v.kind === 'tuple') return { ...v, elements: v.elements.map(evenEnds) };
  if (v.kind === 'record')
    return { ...v, entries: new Map([...v.entries].map(([k, e]) => [k, evenEnds(e)])) };
  return v;
}
