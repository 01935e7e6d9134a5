// What an equation of a model determines, read off its syntax: the time derivatives that stand in it.

import type * as ast from '../../syntax/ast.ts';

export interface RateCall {
  readonly state: string;
  readonly order: number;
}

/** `caputo(u, alpha)`: the state and the expression of the order. */
export function fractionalCall(
  e: ast.Expression,
): { readonly state: string; readonly order: ast.Expression | undefined } | undefined {
  if (e.kind !== 'call' || e.callee.kind !== 'name' || e.callee.name !== 'caputo') return undefined;
  const [state, order] = e.args;
  return state?.value.kind === 'name' ? { state: state.value.name, order: order?.value } : undefined;
}

/** `dt(u)`, `dt(u, 2)`; a fractional derivative stands in the place of dt. */
function rateCall(e: ast.Expression): RateCall | undefined {
  const fractional = fractionalCall(e);
  if (fractional !== undefined) return { state: fractional.state, order: 1 };
  if (e.kind !== 'call' || e.callee.kind !== 'name' || e.callee.name !== 'dt') return undefined;
  const [state, order] = e.args;
  if (state?.value.kind !== 'name') return undefined;
  return { state: state.value.name, order: order?.value.kind === 'number' ? order.value.value : 1 };
}

/** The state whose differential `d(u)` this is. */
function differential(e: ast.Expression): string | undefined {
  if (e.kind !== 'call' || e.callee.kind !== 'name' || e.callee.name !== 'd') return undefined;
  const [state] = e.args;
  return state?.value.kind === 'name' && e.args.length === 1 ? state.value.name : undefined;
}

export const isDifferential = (e: ast.Expression): boolean => differential(e) !== undefined;

/** `d(u)`, the left side of a stochastic equation. */
export function isDifferentialOf(e: ast.Expression, state: string): boolean {
  return differential(e) === state;
}

export function isRateOf(e: ast.Expression, state: string, order: number): boolean {
  const r = rateCall(e);
  return r !== undefined && r.state === state && r.order === order;
}

/** All time derivatives in an equation. */
export function rateCalls(e: ast.Equation): RateCall[] {
  return [...collect(e.left), ...collect(e.right)];
}

/** The rates an equation determines: of the highest order of each state on its left side, or, when there is none there, on its right. */
export function equationStates(e: ast.Equation): RateCall[] {
  const own = differential(e.left);
  if (own !== undefined) return [{ state: own, order: 1 }];
  const left = collect(e.left);
  return left.length > 0 ? left : collect(e.right);
}

function collect(e: ast.Expression): RateCall[] {
  const own = rateCall(e);
  if (own !== undefined) return [own];
  switch (e.kind) {
    case 'unary':
    case 'not':
      return collect(e.operand);
    case 'binary':
    case 'logical':
      return [...collect(e.left), ...collect(e.right)];
    case 'call':
      return e.args.flatMap((a) => collect(a.value));
    case 'labelled':
      return collect(e.term);
    case 'tuple':
    case 'list':
      return e.elements.flatMap(collect);
    case 'if':
      return [...collect(e.condition), ...collect(e.then), ...collect(e.else)];
    case 'index':
    case 'member':
      return collect(e.target);
    default:
      return [];
  }
}
