// `load("file.csv", column: "x")`: a data file, read at compile time for its shape and embedded as the initial contents of a variable.

import { define } from './registry.ts';
import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { staticText } from '../values/strings.ts';
import type { ArrayValue, BuiltinValue } from '../values/values.ts';
import { array, complex } from '../values/values.ts';

export function files(ctx: Context): BuiltinValue[] {
  return [
    define(ctx, 'load', ['path', 'column?'], (a) => {
      const path = staticText(ctx, a.need('path'), a.spanOf('path'), 'the name of a file');
      const column = a.get('column');
      const name =
        column === undefined
          ? undefined
          : staticText(ctx, column, a.spanOf('column'), 'the name of a column');
      const { shape, data, kind } = ctx.host.readData(
        path,
        name === undefined ? {} : { column: name },
        a.span,
      );
      const bad = data.findIndex((x) => Number.isNaN(x));
      if (bad >= 0)
        failAt(
          ctx,
          'E390',
          `${path} holds NaN: element ${bad}${name === undefined ? '' : ` of column ${name}`} is not a number`,
          a.span,
          'replace or leave out the missing values',
        );
      if (kind === 'complex') {
        const part = (which: number): ArrayValue =>
          array(
            ctx.graph.literal(
              data.filter((_, i) => i % 2 === which),
              shape.slice(0, -1),
              ctx.real,
            ),
          );
        return complex(part(0), part(1));
      }
      return array(ctx.graph.literal(data, shape, ctx.real));
    }),
  ];
}
