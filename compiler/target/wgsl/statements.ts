// Kernel statements as WGSL. In: the body of a map kernel and its launch. Out: lines in the shader.
//
// Sums of float32 over more than 128 elements are accumulated in two levels (blocks of about the square root), so that the rounding error grows like sqrt(n), not n. Under the launch strategy
// `workgroup` the long reductions at the top level are shared by the invocations of the workgroup: strided partial results, then a tree in workgroup memory of fixed shape; every
// invocation does the other statements alike and the first one stores. The order of every sum is fixed by the text: reruns give the same bits.

import { reductionExtent, sharedReductions, type Launch } from '../../kernel/launch.ts';
import type { Expr, MapKernel, Statement } from '../../kernel/types.ts';
import { operandsOf } from '../../kernel/walk.ts';
import type { DType } from '../../ir/types.ts';
import { assertNever } from '../../support/diagnostic.ts';
import { at } from '../../support/lists.ts';
import { f32Literal, LARGEST_F32 } from './literals.ts';
import type { Shader } from './shader.ts';

type Reduce = Extract<Statement, { kind: 'reduce' }>;
type Combine = Reduce['combine'];

/** Loops of at most so many turns may be unrolled by the driver. */
const mostUnrolled = 8;
/** Longest sum that is accumulated in one variable. */
const longestPlainSum = 128;

export class StatementWriter {
  private readonly shared: ReadonlySet<Reduce>;
  /** Shared arrays by element type, declared on first use. */
  private readonly sharedArrays = new Map<DType, string>();

  constructor(
    private readonly shader: Shader,
    private readonly kernel: MapKernel,
    private readonly launch: Launch,
  ) {
    this.shared = new Set(launch.strategy === 'workgroup' ? sharedReductions(kernel) : []);
  }

  write(list: readonly Statement[]): void {
    for (const s of list) this.statement(s);
  }

  private statement(s: Statement): void {
    const { shader } = this;
    const { expressions, names } = shader;
    switch (s.kind) {
      case 'let':
        shader.line(`let ${names.of(s.name)} = ${expressions.text(s.value)};`);
        return;
      case 'random_block': {
        const words = names.fresh('words');
        shader.line(`let ${words} = ${expressions.randomBlock(s.key, s.counter)};`);
        s.names.forEach((name, i) => shader.line(`let ${names.of(name)} = ${words}.${'xyzw'.charAt(i)};`));
        return;
      }
      case 'var':
        shader.line(`var ${names.of(s.name)} = ${expressions.text(s.value)};`);
        return;
      case 'assign':
        shader.line(`${names.of(s.name)} = ${expressions.text(s.value)};`);
        return;
      case 'array':
        shader.line(`var ${names.of(s.name)}: array<${s.type}, ${s.length}>;`);
        return;
      case 'assign_local':
        shader.line(`${names.of(s.array)}[${expressions.text(s.index)}] = ${expressions.text(s.value)};`);
        return;
      case 'store':
        this.store(s);
        return;
      case 'for':
        this.forLoop(s);
        return;
      case 'while': {
        const counter = names.of(s.counter);
        shader.line(`var ${counter} = 0;`);
        shader.block(`for (; ${counter} < ${s.limit}; ${counter}++)`, () => {
          this.write(s.before);
          const condition = expressions.text(s.condition);
          shader.block(`if (!(${condition}))`, () => shader.line('break;'));
          this.write(s.body);
        });
        return;
      }
      case 'if':
        shader.branch(
          expressions.text(s.condition),
          () => this.write(s.then),
          s.else.length === 0 ? undefined : () => this.write(s.else),
        );
        return;
      case 'reduce':
        if (this.shared.has(s)) this.sharedReduce(s);
        else this.ownReduce(s);
        return;
      default:
        assertNever(s);
    }
  }

  private store(s: Extract<Statement, { kind: 'store' }>): void {
    const { shader } = this;
    const buffer = at(this.kernel.buffers, s.buffer);
    const index = shader.expressions.index(s.index, buffer.length);
    const text = `${shader.names.of(buffer.name)}[${index}] = ${shader.expressions.text(s.value)};`;
    if (this.launch.strategy === 'workgroup') shader.block('if (local_index == 0u)', () => shader.line(text));
    else shader.line(text);
  }

  private forLoop(s: Extract<Statement, { kind: 'for' }>): void {
    const { shader } = this;
    const { expressions, names } = shader;
    const name = names.of(s.name);
    const fixed = (e: typeof s.from, what: string): string => {
      const text = expressions.text(e);
      if (e.kind === 'const') return text;
      const bound = names.fresh(`${name}_${what}`);
      shader.line(`let ${bound} = ${text};`);
      return bound;
    };
    let from = fixed(s.from, 'from');
    let to = fixed(s.to, 'to');
    if (s.from.kind === 'const' && s.to.kind === 'const' && this.rolled(s.to.value - s.from.value, s.body)) {
      if (s.down) from = shader.hiddenBound(from);
      else to = shader.hiddenBound(to);
    }
    const head = s.down
      ? `for (var ${name} = ${to} - 1; ${name} >= ${from}; ${name}--)`
      : `for (var ${name} = ${from}; ${name} < ${to}; ${name}++)`;
    shader.block(head, () => this.write(s.body));
  }

  /** Whether a loop of so many turns should stay a loop: unrolling pays only where it lets local arrays live in registers. */
  private rolled(turns: number, body: readonly Statement[]): boolean {
    return turns > mostUnrolled && !body.some(touchesLocalArray);
  }

  // ---- reductions of one invocation

  private ownReduce(s: Reduce): void {
    const name = this.shader.names.of(s.name);
    this.shader.line(`var ${name} = ${neutral(s.combine, s.type)};`);
    if (s.loops.some((loop) => loop.extent === 0)) return;
    const total = reductionExtent(s);
    const careful = s.combine === 'sum' && s.type === 'f32' && total > longestPlainSum;
    this.accumulate(s, 0, name, careful);
  }

  /** Loops from `level` inwards, combined into `target`. */
  private accumulate(s: Reduce, level: number, target: string, careful: boolean): void {
    const { shader } = this;
    const { names } = shader;
    const loop = s.loops[level];
    if (loop === undefined) {
      const body = () => {
        this.write(s.body);
        shader.line(combined(s.combine, target, shader.expressions.text(s.value)));
      };
      // Names bound by the body of a reduction without loops stay inside.
      if (level === 0) shader.block('', body);
      else body();
      return;
    }
    const variable = names.of(loop.name);
    const inner = level + 1 < s.loops.length;
    const total = reductionExtent(s);
    const blocked = careful && loop.extent > longestPlainSum;
    const partial = (extent: string, from: string): void => {
      shader.block(`for (var ${variable} = ${from}; ${variable} < ${extent}; ${variable}++)`, () => {
        if (!careful || !inner) return this.accumulate(s, level + 1, sum, careful);
        const part = names.fresh('part');
        shader.line(`var ${part} = 0.0f;`);
        this.accumulate(s, level + 1, part, careful);
        shader.line(`${sum} += ${part};`);
      });
    };
    let sum = target;
    if (!blocked) {
      const usesArrays = touchesLocalArray(s);
      const rolled = total > mostUnrolled && loop.extent > 4 && !usesArrays;
      return partial(rolled ? shader.hiddenBound(loop.extent) : String(loop.extent), '0');
    }
    const size = blockSize(loop.extent);
    const block = names.fresh('block');
    shader.block(`for (var ${block} = 0; ${block} < ${loop.extent}; ${block} += ${size})`, () => {
      sum = names.fresh('part');
      shader.line(`var ${sum} = 0.0f;`);
      const end = names.fresh('block_end');
      shader.line(`let ${end} = min(${block} + ${size}, ${loop.extent});`);
      partial(end, block);
      shader.line(`${target} += ${sum};`);
    });
  }

  // ---- reductions shared by a workgroup

  private sharedReduce(s: Reduce): void {
    const { shader } = this;
    const { names } = shader;
    const size = this.launch.workgroupSize;
    const total = reductionExtent(s);
    const own = names.fresh(`${s.name}_own`);
    shader.line(`var ${own} = ${neutral(s.combine, s.type)};`);
    const element = names.fresh('element');
    const elements = (from: string, to: string, target: string) =>
      shader.block(`for (var ${element} = ${from}; ${element} < ${to}; ${element} += ${size}u)`, () => {
        let inner = 1;
        for (const loop of [...s.loops].reverse()) {
          const variable = names.of(loop.name);
          const quotient = inner === 1 ? element : `${element} / ${inner}u`;
          const digit = inner * loop.extent >= total ? quotient : `${quotient} % ${loop.extent}u`;
          shader.line(loop.extent === 1 ? `let ${variable} = 0;` : `let ${variable} = i32(${digit});`);
          inner *= loop.extent;
        }
        this.write(s.body);
        shader.line(combined(s.combine, target, shader.expressions.text(s.value)));
      });
    const each = Math.ceil(total / size);
    if (s.combine === 'sum' && s.type === 'f32' && each > longestPlainSum) {
      const step = blockSize(each) * size;
      const block = names.fresh('block');
      shader.block(`for (var ${block} = 0u; ${block} < ${total}u; ${block} += ${step}u)`, () => {
        const part = names.fresh('part');
        shader.line(`var ${part} = 0.0f;`);
        elements(`${block} + local_index`, `min(${block} + ${step}u, ${total}u)`, part);
        shader.line(`${own} += ${part};`);
      });
    } else elements('local_index', `${total}u`, own);
    const known = this.sharedArrays.has(s.type);
    const array = this.sharedArray(s.type);
    const width = names.fresh('width');
    // The last reduction's result may still be being read.
    if (known) shader.line('workgroupBarrier();');
    shader.line(`${array}[local_index] = ${own};`);
    shader.line('workgroupBarrier();');
    // workgroup_id.z is 0; it keeps drivers from unrolling the loop, which some take a second for.
    shader.block(`for (var ${width} = ${size / 2}u + workgroup_id.z; ${width} > 0u; ${width} >>= 1u)`, () => {
      shader.block(`if (local_index < ${width})`, () =>
        shader.line(combined(s.combine, `${array}[local_index]`, `${array}[local_index + ${width}]`)),
      );
      shader.line('workgroupBarrier();');
    });
    shader.line(`let ${names.of(s.name)} = ${array}[0];`);
  }

  private sharedArray(type: DType): string {
    let name = this.sharedArrays.get(type);
    if (name === undefined) {
      name = this.shader.names.fresh(`shared_${type}`);
      this.sharedArrays.set(type, name);
      this.shader.declarations.push(`var<workgroup> ${name}: array<${type}, ${this.launch.workgroupSize}>;`);
    }
    return name;
  }
}

/** Whether a statement reads or writes an element of a local array. */
function touchesLocalArray(s: Statement): boolean {
  switch (s.kind) {
    case 'assign_local':
      return true;
    case 'array':
      return false;
    case 'let':
    case 'var':
    case 'assign':
      return readsLocalArray(s.value);
    case 'random_block':
      return [...s.key, ...s.counter].some(readsLocalArray);
    case 'store':
      return readsLocalArray(s.index) || readsLocalArray(s.value);
    case 'for':
      return readsLocalArray(s.from) || readsLocalArray(s.to) || s.body.some(touchesLocalArray);
    case 'while':
      return (
        readsLocalArray(s.condition) || s.before.some(touchesLocalArray) || s.body.some(touchesLocalArray)
      );
    case 'if':
      return readsLocalArray(s.condition) || s.then.some(touchesLocalArray) || s.else.some(touchesLocalArray);
    case 'reduce':
      return s.body.some(touchesLocalArray) || readsLocalArray(s.value);
    default:
      return assertNever(s);
  }
}

function readsLocalArray(e: Expr): boolean {
  return e.kind === 'local' || operandsOf(e).some(readsLocalArray);
}

/** A power of two near the square root. */
function blockSize(extent: number): number {
  return 2 ** Math.round(Math.log2(Math.sqrt(extent)));
}

function combined(kind: Combine, target: string, value: string): string {
  switch (kind) {
    case 'sum':
      return `${target} += ${value};`;
    case 'prod':
      return `${target} *= ${value};`;
    case 'max':
    case 'min':
      return `${target} = ${kind}(${target}, ${value});`;
    case 'any':
      return `${target} = ${target} | (${value});`;
    case 'all':
      return `${target} = ${target} & (${value});`;
    default:
      return assertNever(kind);
  }
}

function neutral(kind: Combine, type: DType): string {
  switch (kind) {
    case 'sum':
      return type === 'f32' ? '0.0f' : type === 'u32' ? '0u' : '0';
    case 'prod':
      return type === 'f32' ? '1.0f' : type === 'u32' ? '1u' : '1';
    case 'max':
      return type === 'f32' ? f32Literal(-LARGEST_F32) : type === 'u32' ? '0u' : '-2147483648';
    case 'min':
      return type === 'f32' ? f32Literal(LARGEST_F32) : type === 'u32' ? '4294967295u' : '2147483647';
    case 'any':
      return 'false';
    case 'all':
      return 'true';
    default:
      return assertNever(kind);
  }
}
