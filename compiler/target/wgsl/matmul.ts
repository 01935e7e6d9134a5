// A matrix product in tiles, as WGSL. In: a matmul kernel and its launch (strategy `tiles`). Out: lines in the shader.
//
// A workgroup of 16 x 16 invocations computes a tile of c; slices of a and b, `depth` deep, pass through workgroup memory, transposed so that each invocation reads rows and columns 16
// apart. Elements beyond the matrices count as zero. The order of the sum over k is the same for every element and every run.

import type { Launch } from '../../kernel/launch.ts';
import type { MatmulKernel, MatrixView } from '../../kernel/types.ts';
import { InternalError } from '../../support/diagnostic.ts';
import { at, range } from '../../support/lists.ts';
import type { Shader } from './shader.ts';

/** Names that the body declares beside the buffers; the namer keeps them apart. */
export const matmulNames: readonly string[] = [
  'batch',
  'first_row',
  'first_column',
  'row',
  'column',
  'a_tile',
  'b_tile',
  'k_start',
  'k_local',
  'tile_number',
];

export function writeMatmul(shader: Shader, kernel: MatmulKernel, launch: Launch): void {
  const { tile } = launch;
  if (tile === undefined) throw new InternalError('wgsl', `${kernel.name} has no tile`);
  const { batch, m, n, k, a, b, c } = kernel;
  const { rows, columns, depth, rowsEach, columnsEach } = tile;
  const name = (base: string) => shader.names.of(base);
  const tilesAcross = Math.ceil(n / columns);
  const tilesDown = Math.ceil(m / rows);
  const aTile = name('a_tile');
  const bTile = name('b_tile');
  const [row, column] = [name('row'), name('column')];
  const kStart = name('k_start');
  const kLocal = name('k_local');
  const firstRow = name('first_row');
  const firstColumn = name('first_column');
  const number = name('tile_number');
  shader.declarations.push(
    `var<workgroup> ${aTile}: array<f32, ${rows * depth}>;`,
    `var<workgroup> ${bTile}: array<f32, ${columns * depth}>;`,
  );
  shader.line(`let ${number} = point;`);
  shader.line(`let ${name('batch')} = i32(${number} / ${tilesDown * tilesAcross}u);`);
  shader.line(`let ${firstRow} = i32(${number} / ${tilesAcross}u % ${tilesDown}u) * ${rows};`);
  shader.line(`let ${firstColumn} = i32(${number} % ${tilesAcross}u) * ${columns};`);
  shader.line(`let ${row} = i32(local_index / 16u);`);
  shader.line(`let ${column} = i32(local_index % 16u);`);
  const sums = range(rowsEach).map((i) => range(columnsEach).map((j) => shader.names.fresh(`sum_${i}_${j}`)));
  for (const sum of sums.flat()) shader.line(`var ${sum} = 0.0f;`);

  const element = (view: MatrixView, i: string, j: string): string => {
    const buffer = shader.names.of(at(kernel.buffers, view.buffer).name);
    const terms = [
      ...(batch > 1 && view.batchStride !== 0 ? [times(name('batch'), view.batchStride)] : []),
      ...(view.rowStride !== 0 ? [times(i, view.rowStride)] : []),
      ...(view.columnStride !== 0 ? [times(j, view.columnStride)] : []),
      ...(view.offset !== 0 ? [String(view.offset)] : []),
    ];
    return `${buffer}[${terms.length === 0 ? '0' : terms.join(' + ')}]`;
  };

  /** Loads a slice: `count` lines of the matrix (rows of a, columns of b) by `depth`. */
  const fill = (
    target: string,
    count: number,
    contiguousAlongK: boolean,
    inside: (line: string, k: string) => string,
    value: (line: string, k: string) => string,
  ): void => {
    for (const step of range((count * depth) / 256)) {
      const place = shader.names.fresh('place');
      const line = shader.names.fresh('line');
      const along = shader.names.fresh('along');
      shader.line(`let ${place} = i32(local_index) + ${step * 256};`);
      // Neighbouring invocations read neighbouring elements.
      const [slow, fast] = contiguousAlongK ? [line, along] : [along, line];
      const width = contiguousAlongK ? depth : count;
      shader.line(`let ${fast} = ${place} & ${width - 1};`);
      shader.line(`let ${slow} = ${place} / ${width};`);
      shader.line(
        `${target}[${along} * ${count} + ${line}] = select(0.0f, ${value(line, `(${kStart} + ${along})`)}, ${inside(line, `${kStart} + ${along}`)});`,
      );
    }
  };

  shader.block(`for (var ${kStart} = 0; ${kStart} < ${k}; ${kStart} += ${depth})`, () => {
    fill(
      aTile,
      rows,
      Math.abs(a.columnStride) <= Math.abs(a.rowStride),
      (line, along) => `(${firstRow} + ${line} < ${m}) & (${along} < ${k})`,
      (line, along) => element(a, `(${firstRow} + ${line})`, along),
    );
    fill(
      bTile,
      columns,
      Math.abs(b.rowStride) < Math.abs(b.columnStride),
      (line, along) => `(${firstColumn} + ${line} < ${n}) & (${along} < ${k})`,
      (line, along) => element(b, along, `(${firstColumn} + ${line})`),
    );
    shader.line('workgroupBarrier();');
    shader.block(`for (var ${kLocal} = 0; ${kLocal} < ${depth}; ${kLocal}++)`, () => {
      const left = range(rowsEach).map((i) => {
        const x = shader.names.fresh(`a_${i}`);
        shader.line(`let ${x} = ${aTile}[${kLocal} * ${rows} + ${row}${plus(i * 16)}];`);
        return x;
      });
      const right = range(columnsEach).map((j) => {
        const x = shader.names.fresh(`b_${j}`);
        shader.line(`let ${x} = ${bTile}[${kLocal} * ${columns} + ${column}${plus(j * 16)}];`);
        return x;
      });
      sums.forEach((line, i) =>
        line.forEach((sum, j) => shader.line(`${sum} += ${at(left, i)} * ${at(right, j)};`)),
      );
    });
    shader.line('workgroupBarrier();');
  });

  sums.forEach((line, i) =>
    line.forEach((sum, j) => {
      const r = `${firstRow} + ${row}${plus(i * 16)}`;
      const s = `${firstColumn} + ${column}${plus(j * 16)}`;
      shader.block(`if ((${r} < ${m}) & (${s} < ${n}))`, () =>
        shader.line(`${element(c, `(${r})`, `(${s})`)} = ${sum};`),
      );
    }),
  );
}

function times(x: string, factor: number): string {
  return factor === 1 ? x : `${x} * ${factor}`;
}

function plus(constant: number): string {
  return constant === 0 ? '' : ` + ${constant}`;
}
