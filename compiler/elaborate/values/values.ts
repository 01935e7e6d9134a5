// The values of the staged evaluation. Numbers, booleans, strings, records, functions, domains and models exist at compile time; an `array` (scalars included) is a node of the
// array IR and exists at run time. A value is immutable: assignment to a `var` binds a new value.

import type { FieldExpr, Grid } from '../../field/types.ts';
import type { Node } from '../../ir/types.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';
import type { Scope } from '../names/scope.ts';

export type Value =
  | NumberValue
  | BoolValue
  | StringValue
  | ArrayValue
  | ComplexValue
  | TupleValue
  | RecordValue
  | ListValue
  | FunctionValue
  | BuiltinValue
  | FieldValue
  | LayerValue
  | DomainValue
  | GridValue
  | ModelValue
  | InstanceValue
  | OptionValue
  | RangeValue;

/** A number known at compile time. */
export interface NumberValue {
  readonly kind: 'number';
  readonly value: number;
  readonly integer: boolean;
}
export interface BoolValue {
  readonly kind: 'bool';
  readonly value: boolean;
}
/** Text with holes for run-time numbers (only `print`, `assert` and `log` may have those). */
export interface StringValue {
  readonly kind: 'string';
  readonly parts: readonly (string | { readonly value: Value; readonly digits?: number })[];
}
export interface ArrayValue {
  readonly kind: 'array';
  readonly node: Node;
}
/** A part of a complex value. */
export type ComplexPart = NumberValue | ArrayValue | FieldValue;
/** re + i*im. The parts are real and of one shape, or one of them is a number known at compile time, which stands everywhere (complex.ts). */
export interface ComplexValue {
  readonly kind: 'complex';
  readonly re: ComplexPart;
  readonly im: ComplexPart;
}
/** `axes` names the components of a vector on a domain, so that `u.x` works. */
export interface TupleValue {
  readonly kind: 'tuple';
  readonly elements: readonly Value[];
  readonly axes?: readonly string[];
}
/** Between a value and the free numbers it is kept as. */
export interface FreeMap {
  readonly to: (v: Value, span: Span) => Value;
  readonly from: (v: Value, span: Span) => Value;
}
export interface LayerParts {
  readonly states: ReadonlySet<string>;
  readonly maps: ReadonlyMap<string, FreeMap>;
}
export interface RecordValue {
  readonly kind: 'record';
  readonly entries: ReadonlyMap<string, Value>;
  /** Set on instances of layers: calls the layer with the weights that `self` holds. */
  readonly call?: (self: RecordValue, args: CallArguments, span: Span) => Value;
  /** Set on instances of layers: which parts are states, and how weights with bounds are kept. */
  readonly parts?: LayerParts;
  /** What to say when a part is asked for that is not there. */
  readonly hint?: (name: string) => string | undefined;
}
/** A literal list or `list(…)`: its length and elements are static. Becomes an array where one is needed. */
export interface ListValue {
  readonly kind: 'list';
  readonly elements: readonly Value[];
}
export interface FunctionValue {
  readonly kind: 'function';
  readonly name: string;
  readonly params: readonly ast.Param[];
  readonly result?: ast.TypeExpression;
  readonly body: ast.Expression;
  readonly scope: Scope;
  readonly span: Span;
  /** `derivative` and `tangent` rules, when the function has them. */
  readonly derivative?: ast.LambdaExpression;
  readonly tangent?: ast.LambdaExpression;
  /** Where it stands for many functions, or for one of many: what it sees around it that differs between them, with `rows` leading axes (closures.ts). */
  readonly captured?: { readonly rows: readonly number[]; readonly values: ReadonlyMap<string, Value> };
}
export interface BuiltinValue {
  readonly kind: 'builtin';
  readonly name: string;
  /** Names of its arguments. */
  readonly params: readonly string[];
  readonly apply: (args: CallArguments, span: Span) => Value;
}
/** A scalar field: on a grid, or (without one) a function of coordinates that can be evaluated anywhere. */
export interface FieldValue {
  readonly kind: 'field';
  readonly expr: FieldExpr;
  readonly grid?: Grid;
  /** Of a region: the domain it is declared on, for what lies nowhere else. */
  readonly home?: Grid;
  /** Names of the arguments of a function field, in order. */
  readonly coordinates?: readonly string[];
  /** Evaluates a function field at points given by values, argument by argument. */
  readonly at?: (args: readonly Value[], span: Span) => Value;
}
/** A declared layer, not yet given its sizes. */
export interface LayerValue {
  readonly kind: 'layer';
  readonly item: ast.LayerItem;
  readonly scope: Scope;
}
export interface DomainValue {
  readonly kind: 'domain';
  readonly item: ast.DomainItem;
  readonly scope: Scope;
}
/** A domain with its numbers of cells: `plate`, `plate(128)`. `id` tells domains apart. */
export interface GridValue {
  readonly kind: 'grid';
  readonly grid: Grid;
}
/** A declared model, not yet applied to its arguments. */
export interface ModelValue {
  readonly kind: 'model';
  readonly item: ast.ModelItem;
  readonly scope: Scope;
}
/** A model with its arguments; `scope` holds them. */
export interface InstanceValue {
  readonly kind: 'instance';
  readonly item: ast.ModelItem;
  readonly scope: Scope;
  readonly grid?: Grid;
}
/** An option word, `auto`, `none`, or one with arguments: `every(steps: 10)`, `checkpoint(memory: "1 GB")`. */
export interface OptionValue {
  readonly kind: 'option';
  readonly name: string;
  readonly args: ReadonlyMap<string, Value>;
}
export interface RangeValue {
  readonly kind: 'range';
  readonly from: Value;
  readonly to: Value;
}

/** Arguments of a call after evaluation, in order. */
export interface CallArgument {
  readonly name?: string;
  readonly value: Value;
  readonly span: Span;
}
export type CallArguments = readonly CallArgument[];

export const number = (value: number, integer = Number.isInteger(value)): NumberValue => ({
  kind: 'number',
  value,
  integer,
});
export const int = (value: number): NumberValue => ({ kind: 'number', value, integer: true });
export const real = (value: number): NumberValue => ({ kind: 'number', value, integer: false });
export const bool = (value: boolean): BoolValue => ({ kind: 'bool', value });
export const text = (value: string): StringValue => ({ kind: 'string', parts: [value] });
export const array = (node: Node): ArrayValue => ({ kind: 'array', node });
export const complex = (re: ComplexPart, im: ComplexPart): ComplexValue => ({ kind: 'complex', re, im });
export const tuple = (elements: readonly Value[], axes?: readonly string[]): TupleValue =>
  axes ? { kind: 'tuple', elements, axes } : { kind: 'tuple', elements };
export const list = (elements: readonly Value[]): ListValue => ({ kind: 'list', elements });
export function record(
  entries: Iterable<readonly [string, Value]>,
  hint?: (name: string) => string | undefined,
): RecordValue {
  return { kind: 'record', entries: new Map(entries), ...(hint ? { hint } : {}) };
}

/** How a value is called in a message: "a number", "an array real[3]", "a record { u, v }". */
export function describe(v: Value): string {
  switch (v.kind) {
    case 'number':
      return `the number ${v.value}`;
    case 'bool':
      return `the value ${v.value}`;
    case 'string':
      return 'a string';
    case 'array':
      return describeNode(v.node);
    case 'complex':
      return describeComplex(v);
    case 'tuple':
      return v.axes ? `a vector with components ${v.axes.join(', ')}` : `a tuple of ${v.elements.length}`;
    case 'record':
      return `a record { ${[...v.entries.keys()].join(', ')} }`;
    case 'list':
      return `a list of ${v.elements.length}`;
    case 'function':
    case 'builtin':
      return v.name === 'the function' ? 'a function' : `the function ${v.name}`;
    case 'field':
      return v.grid ? `a field on ${v.grid.name}` : 'a function of coordinates';
    case 'layer':
      return `the layer ${v.item.name.name}`;
    case 'domain':
      return `the domain ${v.item.name.name}`;
    case 'grid':
      return `the domain ${v.grid.name}`;
    case 'model':
    case 'instance':
      return `the model ${v.item.name.name}`;
    case 'option':
      return `the option ${v.name}`;
    case 'range':
      return 'a range';
  }
}

function describeComplex(v: ComplexValue): string {
  if (v.re.kind === 'number' && v.im.kind === 'number')
    return `the complex number ${v.re.value === 0 ? `${v.im.value}i` : showComplex(v.re.value, v.im.value)}`;
  const part = v.re.kind === 'number' ? v.im : v.re;
  const other = part === v.re ? v.im : v.re;
  const shape = part.kind === 'array' ? part.node.shape : [];
  if (part.kind === 'field')
    return part.grid ? `a complex field on ${part.grid.name}` : 'a complex function of coordinates';
  if (other.kind === 'field') return describe(complex(other, part));
  return shape.length === 0 ? 'a run-time complex number' : `an array complex[${shape.join(', ')}]`;
}

/** "1 - 2i" as it is written in a program. */
export function showComplex(re: number, im: number, show: (x: number) => string = String): string {
  const sign = im < 0 || Object.is(im, -0) ? '-' : '+';
  return `${show(re)} ${sign} ${show(Math.abs(im))}i`;
}

export function describeNode(node: Node): string {
  const element =
    node.dtype === 'bool' ? 'bool' : node.dtype === 'i32' || node.dtype === 'u32' ? 'int' : 'real';
  return node.shape.length === 0 ? `a run-time ${element}` : `an array ${element}[${node.shape.join(', ')}]`;
}
