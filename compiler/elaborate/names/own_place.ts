// Where in the program itself something happened that the library ran into: messages about what a program gave to a library function show its own call, not the library's lines.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { FlowError } from '../../support/diagnostic.ts';
import type { Span } from '../../support/span.ts';

export const inLibrary = (s: Span): boolean => s.file.path.startsWith('std.');

/** The place, or the innermost call that stands in the program. */
export function ownPlace(ctx: Context, span: Span): Span {
  if (!inLibrary(span)) return span;
  return ctx.frames.findLast((f) => !inLibrary(f.span))?.span ?? span;
}

/** `failAt` there, without the calls that stand in the library. */
export function failAtOwn(ctx: Context, code: string, message: string, span: Span, help?: string): never {
  const place = ownPlace(ctx, span);
  const frames = [...ctx.frames];
  const own = frames.filter((f) => !inLibrary(f.span));
  if (place !== span) own.pop();
  ctx.frames.splice(0, frames.length, ...own);
  try {
    return failAt(ctx, code, message, place, help);
  } catch (e) {
    if (!(e instanceof FlowError)) throw e;
    // An empty list says that there are no calls to be shown.
    throw new FlowError(e.diagnostics.map((d) => ({ ...d, related: d.related ?? [] })));
  } finally {
    ctx.frames.splice(0, ctx.frames.length, ...frames);
  }
}
