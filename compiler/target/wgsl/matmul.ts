// A matrix product in register tiles, as WGSL. In: a matmul kernel and its launch (strategy `tiles`). Out: lines in the shader.
//
// Each invocation holds a block of c in registers and walks along k; neighbouring invocations take neighbouring columns, so their reads of b coincide in cache lines and their reads of a are the
// same. No workgroup memory and no barriers: caches do the sharing (measured 3 to 10 times faster than tiles in workgroup memory on a software adapter, and without its seconds of compiling).
// Rows and columns beyond the matrices are computed from clamped places and not stored. Sums longer than 512 are made of partial sums. The order of every sum is fixed.

import { tileSide, type Launch } from '../../kernel/launch.ts';
import type { MatmulKernel, MatrixView } from '../../kernel/types.ts';
import { InternalError } from '../../support/diagnostic.ts';
import { at, range } from '../../support/lists.ts';
import type { Shader } from './shader.ts';

/** Longest sum that is accumulated in one variable. */
const longestPlainSum = 512;
const partialSum = 128;

export function writeMatmul(shader: Shader, kernel: MatmulKernel, launch: Launch): void {
  const { tile } = launch;
  if (tile === undefined) throw new InternalError('wgsl', `${kernel.name} has no tile`);
  const { batch, m, n, k, a, b, c } = kernel;
  const { rowsEach, columnsEach } = tile;
  const rows = rowsEach * tileSide;
  const columns = columnsEach * tileSide;
  const across = Math.ceil(n / columns);
  const down = Math.ceil(m / rows);
  const fresh = (name: string) => shader.names.fresh(name);
  const bufferName = (view: MatrixView) => shader.names.of(at(kernel.buffers, view.buffer).name);

  const matrix = fresh('matrix');
  if (batch > 1) shader.line(`let ${matrix} = i32(point / ${down * across}u);`);
  const row = fresh('row');
  const column = fresh('column');
  const tileRow = down === 1 ? '' : ` + i32(point / ${across}u % ${down}u) * ${rows}`;
  const tileColumn = across === 1 ? '' : ` + i32(point % ${across}u) * ${columns}`;
  shader.line(`let ${row} = i32(local_index / ${tileSide}u)${tileRow};`);
  shader.line(`let ${column} = i32(local_index % ${tileSide}u)${tileColumn};`);

  /** offset + matrix * batchStride + line * stride. */
  const start = (view: MatrixView, lines: readonly (readonly [string, number])[]): string => {
    const terms = lines.flatMap(([line, stride]) => (stride === 0 ? [] : [times(line, stride)]));
    if (batch > 1 && view.batchStride !== 0) terms.unshift(times(matrix, view.batchStride));
    if (view.offset !== 0 || terms.length === 0) terms.push(String(view.offset));
    return terms.join(' + ');
  };
  const lineOf = (base: string, i: number, extent: number, tiled: number): string => {
    const line = i === 0 ? base : `${base} + ${i * tileSide}`;
    return tiled === extent ? `(${line})` : `min(${line}, ${extent - 1})`;
  };
  const aStarts = range(rowsEach).map((i) => {
    const name = fresh(`a_start_${i}`);
    shader.line(`let ${name} = ${start(a, [[lineOf(row, i, m, down * rows), a.rowStride]])};`);
    return name;
  });
  const bStarts = range(columnsEach).map((j) => {
    const name = fresh(`b_start_${j}`);
    shader.line(`let ${name} = ${start(b, [[lineOf(column, j, n, across * columns), b.columnStride]])};`);
    return name;
  });

  const block = (stem: string) =>
    range(rowsEach).map((i) => range(columnsEach).map((j) => fresh(`${stem}_${i}_${j}`)));
  const zero = (sums: readonly (readonly string[])[]) => {
    for (const sum of sums.flat()) shader.line(`var ${sum} = 0.0f;`);
  };
  const along = fresh('along');
  const walk = (from: string, to: string, sums: readonly (readonly string[])[]): void =>
    shader.block(`for (var ${along} = ${from}; ${along} < ${to}; ${along}++)`, () => {
      const left = aStarts.map((place, i) => {
        const x = fresh(`a_${i}`);
        shader.line(`let ${x} = ${bufferName(a)}[${step(place, along, a.columnStride)}];`);
        return x;
      });
      const right = bStarts.map((place, j) => {
        const x = fresh(`b_${j}`);
        shader.line(`let ${x} = ${bufferName(b)}[${step(place, along, b.rowStride)}];`);
        return x;
      });
      sums.forEach((line, i) =>
        line.forEach((sum, j) => shader.line(`${sum} += ${at(left, i)} * ${at(right, j)};`)),
      );
    });

  const sums = block('sum');
  zero(sums);
  if (k <= longestPlainSum) walk('0', shader.hiddenBound(k), sums);
  else {
    const first = fresh('first');
    const end = fresh('end');
    shader.block(`for (var ${first} = 0; ${first} < ${k}; ${first} += ${partialSum})`, () => {
      shader.line(`let ${end} = min(${first} + ${partialSum}, ${k});`);
      const parts = block('part');
      zero(parts);
      walk(first, end, parts);
      sums.flat().forEach((sum, i) => shader.line(`${sum} += ${at(parts.flat(), i)};`));
    });
  }

  sums.forEach((line, i) =>
    line.forEach((sum, j) => {
      const r = i === 0 ? row : `${row} + ${i * tileSide}`;
      const s = j === 0 ? column : `${column} + ${j * tileSide}`;
      const guards = [
        ...(down * rows === m ? [] : [`(${r} < ${m})`]),
        ...(across * columns === n ? [] : [`(${s} < ${n})`]),
      ];
      const place = start(c, [
        [`(${r})`, c.rowStride],
        [`(${s})`, c.columnStride],
      ]);
      const store = () => shader.line(`${bufferName(c)}[${place}] = ${sum};`);
      if (guards.length === 0) store();
      else shader.block(`if (${guards.join(' & ')})`, store);
    }),
  );
}

function step(start: string, along: string, stride: number): string {
  return stride === 0 ? start : `${start} + ${times(along, stride)}`;
}

function times(x: string, factor: number): string {
  return factor === 1 ? x : `${x} * ${factor}`;
}
