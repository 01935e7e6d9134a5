// Kernel IR -> WGSL. In: a verified kernel. Out: the text of a compute shader with entry point `main`, for the launch that kernel/launch.ts gives.
//
// Interface to the runtime: bind group 0; binding i is the kernel's buffer i (`read` -> read-only storage, else read-write storage); the run-time integers, if any, are i32 members of one
// uniform buffer at the binding after the last buffer, at a dynamic offset. The dispatch is `launchOf(kernel).grid`.
// The head of the text leads back to the `.flow` lines the kernel came from; names are the program's wherever WGSL allows.
//
// Arrays have constant lengths, so an index outside is clamped by the implementation, which the kernel IR asks for. No literals of infinity or NaN, no f64, no atomics.

import { launchOf, matmulAsMap, type Launch } from '../../kernel/launch.ts';
import { printPlace } from '../../kernel/print.ts';
import type { Kernel, MapKernel } from '../../kernel/types.ts';
import { assertNever, fail } from '../../support/diagnostic.ts';
import { at } from '../../support/lists.ts';
import { lineColumn, type Span } from '../../support/span.ts';
import { libraryText } from './library.ts';
import { writeMatmul } from './matmul.ts';
import { Shader } from './shader.ts';
import { StatementWriter } from './statements.ts';

export interface WgslOptions {
  /** Whether the head quotes the `.flow` lines. Default true. */
  readonly quoteSource?: boolean;
}

/** The shader of a kernel. Throws FlowError R041 for kernels in f64. */
export function emitWgsl(kernel: Kernel, options: WgslOptions = {}): string {
  refuseF64(kernel);
  const launch = launchOf(kernel);
  const map = kernel.kind === 'map' ? kernel : matmulAsMap(kernel);
  const shader = map === undefined ? tiledShader(kernel, launch) : mapShader(map, launch);
  return assemble(kernel, launch, shader, options);
}

function mapShader(kernel: MapKernel, launch: Launch): Shader {
  const shader = new Shader(kernel);
  const [width, height] = launch.grid;
  const points = kernel.space.reduce((n, extent) => n * extent, 1);
  const leave = (condition: string) => shader.block(`if (${condition})`, () => shader.line('return;'));
  switch (launch.strategy) {
    case 'rows': {
      const row = at(kernel.space, -1);
      if (row % launch.workgroupSize !== 0) leave(`global_id.x >= ${row}u`);
      decodeAxes(shader, kernel.axes.slice(0, -1), kernel.space.slice(0, -1), 'global_id.y');
      shader.line(`let ${shader.names.of(at(kernel.axes, -1))} = i32(global_id.x);`);
      break;
    }
    case 'points': {
      const size = launch.workgroupSize;
      shader.line(
        `let point = ${height > 1 ? `global_id.y * ${width * size}u + global_id.x` : 'global_id.x'};`,
      );
      if (points % size !== 0 || height > 1) leave(`point >= ${points}u`);
      decodeAxes(shader, kernel.axes, kernel.space, 'point');
      break;
    }
    case 'workgroup':
    case 'tiles':
      shader.line(`let point = ${workgroupNumber(launch)};`);
      if (height > 1) leave(`point >= ${points}u`);
      decodeAxes(shader, kernel.axes, kernel.space, 'point');
      break;
    default:
      assertNever(launch.strategy);
  }
  new StatementWriter(shader, kernel, launch).write(kernel.body);
  return shader;
}

function tiledShader(kernel: Kernel, launch: Launch): Shader {
  const shader = new Shader(kernel);
  shader.line(`let point = ${workgroupNumber(launch)};`);
  if (launch.grid[1] > 1) shader.block(`if (point >= ${launch.workgroups}u)`, () => shader.line('return;'));
  if (kernel.kind === 'matmul') writeMatmul(shader, kernel, launch);
  return shader;
}

function workgroupNumber(launch: Launch): string {
  const [width, height] = launch.grid;
  return height > 1 ? `workgroup_id.y * ${width}u + workgroup_id.x` : 'workgroup_id.x';
}

/** The coordinates of point `number` of a space, row-major. */
function decodeAxes(shader: Shader, axes: readonly string[], space: readonly number[], number: string): void {
  const points = space.reduce((n, extent) => n * extent, 1);
  let inner = points;
  space.forEach((extent, axis) => {
    inner = extent === 0 ? 0 : inner / extent;
    const name = shader.names.of(at(axes, axis));
    if (extent <= 1) {
      shader.line(`let ${name} = 0;`);
      return;
    }
    const quotient = inner === 1 ? number : `${number} / ${inner}u`;
    const digit = inner * extent >= points ? quotient : `${quotient} % ${extent}u`;
    shader.line(`let ${name} = i32(${digit});`);
  });
}

function assemble(kernel: Kernel, launch: Launch, shader: Shader, options: WgslOptions): string {
  const parts: string[] = [header(kernel, launch, options.quoteSource !== false)];
  const bindings = kernel.buffers.map((b, i) => {
    const access = b.access === 'read' ? 'read' : 'read_write';
    const length = Math.max(1, b.length);
    return `@group(0) @binding(${i}) var<storage, ${access}> ${shader.names.of(b.name)}: array<${b.type}, ${length}>;`;
  });
  if (kernel.uniforms.length > 0) {
    bindings.push(
      `struct Uniforms {\n${kernel.uniforms.map((u) => `  ${shader.names.of(u)}: i32,\n`).join('')}}`,
      `@group(0) @binding(${kernel.buffers.length}) var<uniform> uniforms: Uniforms;`,
    );
  }
  if (bindings.length > 0) parts.push(bindings.join('\n'));
  if (shader.declarations.length > 0) parts.push(shader.declarations.join('\n'));
  const library = libraryText(shader.expressions.used);
  if (library !== '') parts.push(library);
  parts.push(
    [
      `@compute @workgroup_size(${launch.workgroupSize})`,
      `fn main(${entryArguments(launch)}) {`,
      shader.body(usesGlobalId(launch) ? 'global_id' : 'workgroup_id'),
      '}',
    ].join('\n'),
  );
  return `${parts.join('\n\n')}\n`;
}

function usesGlobalId(launch: Launch): boolean {
  return launch.strategy === 'points' || launch.strategy === 'rows';
}

function entryArguments(launch: Launch): string {
  return usesGlobalId(launch)
    ? '@builtin(global_invocation_id) global_id: vec3<u32>'
    : '@builtin(workgroup_id) workgroup_id: vec3<u32>, @builtin(local_invocation_index) local_index: u32';
}

function header(kernel: Kernel, launch: Launch, quote: boolean): string {
  const what =
    kernel.kind === 'map'
      ? `${kernel.space.length === 0 ? 'one point' : `${kernel.space.join(' x ')} points`}${launch.strategy === 'workgroup' ? ', a workgroup each' : ''}`
      : `${kernel.batch > 1 ? `${kernel.batch} products of ` : 'product of '}${kernel.m} x ${kernel.k} and ${kernel.k} x ${kernel.n}`;
  const lines = [`// ${kernel.name}: ${what}`];
  const seen = new Set<string>();
  for (const origin of kernel.origins) {
    const place = printPlace(origin);
    if (seen.has(place)) continue;
    seen.add(place);
    lines.push(quote ? `//   ${place}: ${sourceLine(origin)}` : `//   ${place}`);
  }
  return lines.join('\n');
}

/** The line of source that a place lies in, without what could end a comment. */
function sourceLine(span: Span): string {
  const { line } = lineColumn(span.file, span.start);
  const text = span.file.text.split('\n')[line - 1] ?? '';
  // WGSL ends a comment at any of these line breaks.
  return text.replace(/[\r\u000b\u000c\u0085\u2028\u2029\0]/g, ' ').trim();
}

function refuseF64(kernel: Kernel): void {
  if (kernel.buffers.every((b) => b.type !== 'f64') && !(kernel.kind === 'matmul' && kernel.type === 'f64'))
    return;
  fail(
    'R041',
    'this program computes in float64, which GPUs reached through WebGPU do not have',
    kernel.origins[0],
    'run it with `--target cpu`, or let it compute in float32',
  );
}
