// Legacy VTK files of fields on a box, which ParaView and VisIt read: STRUCTURED_POINTS, binary. In: named arrays of one shape with one to three axes. Out: bytes. Values of cells are written as CELL_DATA, those at nodes, and
// arrays that lie nowhere, as POINT_DATA. Big endian, the first axis running fastest, which is the other way round than here.
// Source: VTK File Formats (www.vtk.org), "Simple Legacy Formats". Errors: R112 values it cannot hold.

import { fail } from '../../compiler/support/diagnostic.ts';
import type { Span } from '../../compiler/support/span.ts';
import type { NamedArray } from './array.ts';
import { shapeText, sizeOf } from './array.ts';
import { firstOf, spacingOf } from './axes.ts';

export function encode_vtk(arrays: readonly NamedArray[], real: 'f4' | 'f8' = 'f8', span?: Span): Uint8Array {
  const [first] = arrays;
  if (first === undefined) return fail('R112', 'a .vtk file holds at least one array', span);
  const odd = arrays.find(
    (a) =>
      a.shape.join() !== first.shape.join() ||
      JSON.stringify(a.axes ?? []) !== JSON.stringify(first.axes ?? []),
  );
  if (odd !== undefined)
    fail(
      'R112',
      `a .vtk file holds values on one grid, but \`${first.name}\` has the shape ${shapeText(first.shape)} and \`${odd.name}\` ${shapeText(odd.shape)}${odd.shape.join() === first.shape.join() ? ' on another domain' : ''}`,
      span,
      'save them in files of their own',
    );
  const complex = arrays.find((a) => a.kind === 'complex');
  const { shape } = first;
  if (complex !== undefined || shape.length < 1 || shape.length > 3)
    return fail(
      'R112',
      complex === undefined
        ? `a .vtk file holds arrays with one to three axes, but \`${first.name}\` has ${shape.length}`
        : `a .vtk file holds no complex numbers, but \`${complex.name}\` is complex`,
      span,
      complex === undefined
        ? 'take one time, u[k], or save in .nc or .npz'
        : `save re(${complex.name}) and im(${complex.name})`,
    );
  const axes = shape.map((count, i) => {
    const axis = first.axes?.length === shape.length ? first.axes[i] : undefined;
    return axis === undefined
      ? { points: count, origin: 0, spacing: 1, cells: false }
      : {
          points: axis.nodes === true ? count : count + 1,
          origin: axis.nodes === true ? firstOf(axis, count) : axis.from,
          spacing: spacingOf(axis, count),
          cells: axis.nodes !== true,
        };
  });
  // Cells along one axis and nodes along another: values lie at points, of cells in their middles.
  const cells = axes.every((a) => a.cells);
  const three = <T>(of: (a: (typeof axes)[number]) => T, otherwise: T): string =>
    [...axes.map(of), ...Array.from({ length: 3 - axes.length }, () => otherwise)].join(' ');
  const points = (a: (typeof axes)[number]): number => (a.cells && !cells ? a.points - 1 : a.points);
  const origin = (a: (typeof axes)[number]): number =>
    a.cells && !cells ? a.origin + a.spacing / 2 : a.origin;
  const head =
    '# vtk DataFile Version 3.0\nflowc\nBINARY\nDATASET STRUCTURED_POINTS\n' +
    `DIMENSIONS ${three(points, 1)}\nORIGIN ${three(origin, 0)}\nSPACING ${three((a) => a.spacing, 1)}\n` +
    `${cells ? 'CELL_DATA' : 'POINT_DATA'} ${sizeOf(shape)}\n`;
  const parts: Uint8Array[] = [new TextEncoder().encode(head)];
  for (const array of arrays) {
    const type = array.kind === 'int' || array.kind === 'bool' ? 'int' : real === 'f4' ? 'float' : 'double';
    const name = array.name.replace(/\s+/g, '_');
    parts.push(new TextEncoder().encode(`SCALARS ${name} ${type} 1\nLOOKUP_TABLE default\n`));
    parts.push(numbers(array, type));
    parts.push(new TextEncoder().encode('\n'));
  }
  const bytes = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Big endian, the first axis fastest. */
function numbers({ data, shape }: NamedArray, type: 'int' | 'float' | 'double'): Uint8Array {
  const width = type === 'double' ? 8 : 4;
  const bytes = new Uint8Array(data.length * width);
  const view = new DataView(bytes.buffer);
  const [nx = 1, ny = 1, nz = 1] = shape;
  for (let i = 0; i < nx; i++)
    for (let j = 0; j < ny; j++)
      for (let k = 0; k < nz; k++) {
        const x = data[(i * ny + j) * nz + k] ?? 0;
        const to = ((k * ny + j) * nx + i) * width;
        if (type === 'int') view.setInt32(to, x);
        else if (type === 'float') view.setFloat32(to, x);
        else view.setFloat64(to, x);
      }
  return bytes;
}
