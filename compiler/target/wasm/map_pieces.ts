// The functions beside the main function of a map kernel, each a few rows of it. In: the nest (map_nest.ts). Out: text of those that the main function calls.
//
//   part   columns first .. last-1 of some rows with every guard, a vector at a time, the last one partly filled
//   edge   columns of the main loop, of rows outside the interior
//   ends   columns outside the main loop, of rows in the interior: code for each piece, guards decided
//   rows   columns of the main loop, of rows in the interior that fill no block

import type { MapKernel, Statement } from '../../kernel/types.ts';
import { at, range } from '../../support/lists.ts';
import { Body } from './body.ts';
import type { Blocking } from './blocking.ts';
import type { Nest } from './map_nest.ts';
import type { Atom, Group } from './memory.ts';
import type { ModuleContext } from './module.ts';
import { PHASE_BYTES } from './phases.ts';
import { fullRanges } from './simplify.ts';
import { FunctionWriter, type Reg } from './writer.ts';

export type PieceName = 'part' | 'edge' | 'ends' | 'rows';

export interface Entry {
  readonly f: FunctionWriter;
  readonly bases: readonly Reg[];
  readonly uniforms: readonly Reg[];
  readonly scratch: Reg;
  /** Parameters behind the common ones. */
  readonly rest: readonly Reg[];
  readonly pointers: Map<string, number>;
}

interface Opening {
  readonly name: string;
  readonly more: readonly string[];
  readonly comment: readonly string[];
  readonly nested: boolean;
}

function commonParams(kernel: MapKernel): { readonly name: string; readonly type: 'i32' }[] {
  return [
    ...kernel.buffers.map((b) => ({
      name: `at_${b.name}`,
      type: 'i32' as const,
    })),
    ...kernel.uniforms.map((name) => ({
      name: `run_${name}`,
      type: 'i32' as const,
    })),
    { name: 'scratch', type: 'i32' as const },
  ];
}

export function emptyFunction(kernel: MapKernel, context: ModuleContext): readonly string[] {
  const params = [
    ...commonParams(kernel),
    { name: 'from', type: 'i32' as const },
    { name: 'to', type: 'i32' as const },
  ];
  return new FunctionWriter({
    name: kernel.name,
    params,
    constants: context.constants,
  }).print();
}

export function openFunction(kernel: MapKernel, context: ModuleContext, opening: Opening): Entry {
  const { name, more, comment, nested } = opening;
  const params = [...commonParams(kernel), ...more.map((m) => ({ name: m, type: 'i32' as const }))];
  const f = new FunctionWriter({
    name,
    params,
    comment,
    nested,
    fused: context.fused,
    constants: context.constants,
    // A single vector gains from what is independent being computed side by side.
    ...(nested ? {} : { phases: () => (context.phases = PHASE_BYTES) }),
  });
  const regs = params.map((_, i) => f.param(i));
  const buffers = kernel.buffers.length;
  const common = buffers + kernel.uniforms.length;
  return {
    f,
    bases: regs.slice(0, buffers),
    uniforms: regs.slice(buffers, common),
    scratch: at(regs, common),
    rest: regs.slice(common + 1),
    pointers: new Map(),
  };
}

export function pieceFunctions(
  nest: Nest,
  context: ModuleContext,
  wanted: ReadonlySet<PieceName>,
): readonly string[] {
  const names = (['part', 'edge', 'ends', 'rows'] as const).filter((name) => wanted.has(name));
  return names.flatMap((name) => new PieceWriter(nest, context, name).write());
}

/** The points of a block: their place, the vectors, what is known about them. */
export interface BlockPoints {
  readonly body: readonly Statement[];
  readonly column: Reg;
  /** The column is a multiple of so many. */
  readonly align: number;
  readonly width: Blocking['width'];
  readonly groups: readonly Group[];
  /** Only the first lanes hold points. */
  readonly count?: Reg | undefined;
  /** Blocks of several rows: `groups` may be one of them. */
  readonly rows?: boolean;
  /** Rows and columns may lie anywhere in the space. */
  readonly anywhere: boolean;
}

/** Writes a body for a block of points at `outer` and a column. */
export function writeBlock(
  nest: Nest,
  context: ModuleContext,
  entry: Entry,
  outer: readonly Reg[],
  points: BlockPoints,
): void {
  const { kernel, interior, inner } = nest;
  const { body, width, groups, count, anywhere } = points;
  const ranges = anywhere ? fullRanges(kernel) : interior.ranges;
  const rangeAt = (axis: string) => ranges.get(axis) ?? { lo: 0, hi: 0 };
  const atoms = new Map<string, Atom>();
  outer.forEach((reg, i) => {
    const axis = at(nest.outer, i);
    const kind = points.rows === true && i === outer.length - 1 ? 'row' : 'scalar';
    atoms.set(axis, { kind, reg, range: rangeAt(axis) });
  });
  const columns = groups.some((g) => g.column > 0);
  if (inner !== undefined) {
    const literal = points.column.literal;
    const whole = rangeAt(inner);
    const place = literal === undefined ? whole : { lo: literal, hi: literal + width - 1 };
    atoms.set(inner, {
      kind: 'lane',
      reg: points.column,
      range: place,
      align: points.align,
    });
  }
  new Body({
    ...entry,
    uniformRanges: nest.uniformRanges,
    context,
    kernel,
    body,
    setup: { width, groups: groups.length, fused: context.fused },
    atoms,
    groups,
    lane: width > 1 || columns ? inner : undefined,
    count,
  }).run();
}

const onePoint: readonly Group[] = [{ row: 0, column: 0 }];

const comments: { readonly [T in PieceName]: string } = {
  part: 'points first .. last-1 of some rows, with every guard',
  edge: 'columns first .. last-1 of rows at the border',
  ends: 'the first and last columns of rows in the interior',
  rows: 'columns first .. last-1 of rows in the interior',
};

class PieceWriter {
  private readonly entry: Entry;

  constructor(
    private readonly nest: Nest,
    private readonly context: ModuleContext,
    private readonly name: PieceName,
  ) {
    const { kernel, outer } = nest;
    const rows = outer.length === 0 ? [] : ['end'];
    const columns = name === 'ends' ? [] : ['first', 'last'];
    this.entry = openFunction(kernel, context, {
      name: `${kernel.name}_${name}`,
      more: [...outer.map((axis) => `axis_${axis}`), ...rows, ...columns],
      comment: [`${kernel.name}: ${comments[name]}`],
      nested: true,
    });
  }

  write(): readonly string[] {
    const { f, rest } = this.entry;
    const { outer } = this.nest;
    const planes = rest.slice(0, Math.max(0, outer.length - 1));
    if (outer.length === 0) this.columns([]);
    else
      f.count(at(rest, outer.length - 1), at(rest, outer.length), 1, 'row', [], (row) =>
        this.columns([...planes, row]),
      );
    return f.print();
  }

  /** The columns of one row. */
  private columns(outer: readonly Reg[]): void {
    const { nest, name } = this;
    const { f, rest } = this.entry;
    const { inner, extent, blocking, interior } = nest;
    const { width } = blocking;
    const write = (points: BlockPoints) => writeBlock(nest, this.context, this.entry, outer, points);
    if (name === 'ends') {
      for (const piece of nest.ends ?? [])
        write({
          ...piece,
          column: f.i32(piece.column),
          align: piece.column % piece.width === 0 ? piece.width : 1,
          groups: onePoint,
          anywhere: false,
        });
      return;
    }
    const { guarded } = interior;
    if (inner === undefined) {
      write({
        body: guarded,
        column: f.i32(0),
        align: 1,
        width,
        groups: onePoint,
        anywhere: true,
      });
      return;
    }
    const [first, last] = [at(rest, -2), at(rest, -1)];
    if (name === 'rows') {
      const groups = range(blocking.columns).map((c) => ({
        row: 0,
        column: c * width,
      }));
      f.count(first, last, width * blocking.columns, inner, [], (column) =>
        write({
          body: interior.body,
          column,
          align: width,
          width,
          groups,
          anywhere: false,
        }),
      );
      return;
    }
    const body = name === 'edge' ? (nest.edge ?? guarded) : guarded;
    f.count(first, last, width, inner, [], (column) => {
      const whole = name === 'edge' || width === 1 || extent % width === 0;
      const count = whole ? undefined : f.pure('i32.sub', 'i32', [last, column]);
      write({
        body,
        column,
        align: width,
        width,
        groups: onePoint,
        count,
        anywhere: true,
      });
    });
  }
}
