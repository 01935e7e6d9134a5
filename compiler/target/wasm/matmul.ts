// Batched matrix products. In: a matmul kernel. Out: a function over blocks of rows.

import { BYTES, type MatmulKernel, type MatrixView } from '../../kernel/types.ts';
import type { LoweredKernel } from './map_kernel.ts';
import { originComments, type ModuleContext } from './module.ts';
import { FunctionWriter, type Reg } from './writer.ts';

export function lowerMatmul(kernel: MatmulKernel, context: ModuleContext): LoweredKernel {
  const { batch, m, n, k, type } = kernel;
  const params = [
    ...kernel.buffers.map((b) => ({ name: `at_${b.name}`, type: 'i32' as const })),
    ...kernel.uniforms.map((name) => ({ name: `run_${name}`, type: 'i32' as const })),
    ...['scratch', 'from', 'to'].map((name) => ({ name, type: 'i32' as const })),
  ];
  const f = new FunctionWriter({
    name: kernel.name,
    params,
    nested: true,
    constants: context.constants,
    comment: [
      ...originComments(kernel.origins),
      `${kernel.name}: ${batch} products [${m}, ${k}] @ [${k}, ${n}]`,
    ],
  });
  const [from, to] = [f.param(params.length - 2), f.param(params.length - 1)];
  const size = f.i32(BYTES[type]);
  const times = (a: Reg, c: number) => f.pure('i32.mul', 'i32', [a, f.i32(c)]);
  const plus = (a: Reg, b: Reg) => f.pure('i32.add', 'i32', [a, b]);
  const address = (view: MatrixView, q: Reg, row: Reg, column: Reg) => {
    const element = plus(
      plus(plus(f.i32(view.offset), times(q, view.batchStride)), times(row, view.rowStride)),
      times(column, view.columnStride),
    );
    return plus(f.param(view.buffer), f.pure('i32.mul', 'i32', [element, size]));
  };
  if (batch * m * n > 0)
    f.count(from, to, 1, 'unit', [], (unit) => {
      const q = f.pure('i32.div_u', 'i32', [unit, f.i32(m)]);
      const row = f.pure('i32.sub', 'i32', [unit, times(q, m)]);
      f.count(f.i32(0), f.i32(n), 1, 'column', [], (column) => {
        const zero = type === 'f32' ? f.f32(0) : f.f64(0);
        const sum = f.variable(type, 'sum', zero);
        f.count(f.i32(0), f.i32(k), 1, 'l', [sum], (l) => {
          const x = f.load(`${type}.load`, type, [address(kernel.a, q, row, l)], 'a', true);
          const y = f.load(`${type}.load`, type, [address(kernel.b, q, l, column)], 'b', true);
          f.set(sum, f.pure(`${type}.add`, type, [f.get(sum), f.pure(`${type}.mul`, type, [x, y])]));
        });
        f.effect(`${type}.store`, [address(kernel.c, q, row, column), f.get(sum)]);
      });
    });

  return { name: kernel.name, units: batch * m, cost: 2 * batch * m * n * k, lines: f.print() };
}
