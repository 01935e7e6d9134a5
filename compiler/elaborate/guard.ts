// Several mistakes in one go: work that ends with a mistake leaves its messages among the diagnostics, and what does not depend on it goes on.

import type { Context } from './context.ts';
import { FlowError } from '../support/diagnostic.ts';

/** Runs `work`; whether it went well. One mistake seen from several places is reported once. */
export function guard(ctx: Context, work: () => unknown): boolean {
  const frames = ctx.frames.length;
  try {
    work();
    return true;
  } catch (e) {
    ctx.frames.length = frames;
    if (!(e instanceof FlowError)) throw e;
    for (const d of e.diagnostics) {
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
