// Several mistakes in one go: work that ends with a mistake leaves its messages among the diagnostics, and what does not depend on it goes on.

import type { Context } from '../context.ts';
import { NonlinearError } from '../../autodiff/nonlinear.ts';
import { FlowError } from '../../support/diagnostic.ts';

/** Runs `work`; whether it went well. One mistake seen from several places is reported once. */
export function guard(ctx: Context, work: () => unknown): boolean {
  const frames = ctx.frames.length;
  try {
    work();
    return true;
  } catch (e) {
    ctx.frames.length = frames;
    const error = e instanceof NonlinearError ? nonlinear(e) : e;
    if (!(error instanceof FlowError)) throw e;
    for (const d of error.diagnostics) {
      const known = ctx.diagnostics.some(
        (x) =>
          x.code === d.code &&
          x.message === d.message &&
          x.span?.start === d.span?.start &&
          x.span?.file.path === d.span?.file.path,
      );
      if (!known) ctx.diagnostics.push(d);
    }
    return false;
  }
}

/** A transposition met something that is not linear: a `tangent` rule, or a function given as a linear one. */
function nonlinear(e: NonlinearError): FlowError {
  return new FlowError([
    {
      severity: 'error',
      code: 'E511',
      message:
        'reverse mode transposes what is linear in the tangents, but this is not linear in what the `tangent` rule or the linear function around it is given',
      ...(e.place === undefined ? {} : { span: e.place }),
      help: 'a tangent rule is linear in its tangents, a linear function in its argument: only sums of them, and products with what does not depend on them',
    },
  ]);
}
