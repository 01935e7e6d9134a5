// A plan as one WebAssembly module: kernels, procedures, elementary functions, constants. In: a plan. Out: its text (`printWat`, the dump), and its binary with the places of all buffers
// (`emitWasm`), once in strict arithmetic and once with fused multiply-add, which not every engine has.

import { InternalError } from '../../support/diagnostic.ts';
import type { Plan, WasmCode } from '../../plan/types.ts';
import { get } from '../../support/lists.ts';
import { encodeWat } from './encode.ts';
import { CONSTANTS_START } from './constants.ts';
import { libraryText } from './library.ts';
import { helperText, unknownHelper } from './helpers.ts';
import { planLayout, type Layout } from './layout.ts';
import { lowerMapKernel } from './map_kernel.ts';
import { lowerMatmul } from './matmul.ts';
import { ModuleContext } from './module.ts';
import { lowerProcedure } from './procedure.ts';
import { defaultAlone, type Alone } from './step_writer.ts';
import { tileSizes, type TileSizes } from './tiles.ts';
import { uniformRanges } from './uniforms.ts';

export interface EmitOptions {
  /** `strict`: no fused multiply-add, the same bits on every machine; `relaxed`: with it; default both. */
  readonly variants?: 'strict' | 'relaxed' | 'both';
  /** Sums may be reordered for speed, at the price of digits (means.ts). */
  readonly fast?: boolean;
  /** Which loops of stencils go in tiles. */
  readonly tiles?: TileSizes;
  /** What is too little work for several threads. */
  readonly alone?: Alone;
}

export interface WatModule {
  readonly text: string;
  readonly layout: Layout;
  /** Bytes of memory below the threads' scratch, and of each thread's scratch. */
  readonly kernels: readonly { readonly name: string; readonly units: number; readonly cost: number }[];
}

/** The module in text form. `fused`: with relaxed SIMD. */
export function printWat(plan: Plan, fused: boolean, options: EmitOptions = {}): WatModule {
  const { alone = defaultAlone, tiles = tileSizes } = options;
  const context = new ModuleContext(fused, options.fast);
  const ranges = uniformRanges(plan);
  const kernels = plan.kernels.map((kernel, i) =>
    kernel.kind === 'map' ? lowerMapKernel(kernel, context, ranges[i]) : lowerMatmul(kernel, context),
  );
  let layout: Layout | undefined;
  const layoutNow = (): Layout => {
    if (layout === undefined) throw new InternalError('wasm.emit', 'the layout is not known yet');
    return layout;
  };
  const byId = new Map(plan.buffers.map((b) => [b.id, b]));
  const planned = (buffer: number) => get(byId, buffer);
  const procedures = Object.values(plan.procedures).map((procedure, i) => {
    const name = `${procedure.name.replace(/[^A-Za-z0-9_]/g, '_')}_${i}`;
    return lowerProcedure(procedure, name, { context, kernels, layout: layoutNow, alone, tiles, planned });
  });
  const library = libraryText(context);
  layout = planLayout(
    plan.buffers,
    context.constants.bytes,
    context.margin,
    context.phases + context.scratch + context.driverScratch,
  );
  const helpers = [...context.helpers].flatMap(
    (name) => helperText(name) ?? (library.has(name) ? [] : unknownHelper(name)),
  );
  const lines = [
    `;; ${plan.name}: ${plan.kernels.length} kernels, ${procedures.length} procedures, ${fused ? 'with' : 'without'} fused multiply-add`,
    '(module',
    '  (import "env" "memory" (memory 1 65536 shared))',
    ...(context.constants.bytes > 0 ? [`  (data $constants "${context.constants.text()}")`] : []),
    ...prepareFunction(context),
    ...helpers,
    ...[...library.values()].flat(),
    ...kernels.flatMap((kernel) => kernel.lines),
    ...procedures.flatMap((print) => print()),
    ')',
  ];
  return { text: `${lines.join('\n')}\n`, layout, kernels };
}

/** Puts the constants where the code expects them; called once, before anything else. */
function prepareFunction(context: ModuleContext): readonly string[] {
  const { bytes } = context.constants;
  return [
    '  (func (export "prepare")',
    ...(bytes === 0
      ? []
      : [`    (memory.init $constants (i32.const ${CONSTANTS_START}) (i32.const 0) (i32.const ${bytes}))`]),
    '  )',
  ];
}

export async function emitWasm(plan: Plan, options: EmitOptions = {}): Promise<WasmCode> {
  const variants = options.variants ?? 'both';
  const strict = variants === 'relaxed' ? undefined : printWat(plan, false, options);
  const relaxed = variants === 'strict' ? undefined : printWat(plan, true, options);
  const module = strict ?? relaxed;
  if (module === undefined) throw new InternalError('wasm.emit', 'nothing to emit');
  const [plain, fused] = [strict, relaxed].map((m) => (m === undefined ? undefined : encodeWat(m.text)));
  return {
    binary: plain ?? new Uint8Array(0),
    ...(fused === undefined ? {} : { relaxed: fused }),
    layout: {
      ...(strict === undefined ? {} : layoutNumbers(strict.layout, 'strict')),
      ...(relaxed === undefined ? {} : layoutNumbers(relaxed.layout, 'relaxed')),
    },
  };
}

/** The two variants differ in constants, so their buffers may lie at other places. */
function layoutNumbers(layout: Layout, variant: string): Record<string, number> {
  const numbers: Record<string, number> = {
    [`${variant}.scratch`]: layout.scratch,
    [`${variant}.scratchBytes`]: layout.scratchBytes,
  };
  for (const [id, address] of layout.buffers) numbers[`${variant}.buffer.${id}`] = address;
  return numbers;
}
