// WebAssembly text to binary, for the text that this target writes: one module, functions with named variables and folded instructions, an imported memory and functions, globals, passive data. In: the text. Out:
// the bytes, the same as those of wabt (a test compares them), several times as soon: nothing has to be loaded. An instruction that is not in the table is an InternalError.
// Source: WebAssembly Core Specification 2.0, chapters 5 (binary) and 6 (text).

import { at } from '../../support/lists.ts';
import { Bytes } from './bytes.ts';
import { opcodeTable, type Opcode } from './opcodes.ts';
import { floatOf, Reader, refuse } from './wat_reader.ts';

const valueTypes: Readonly<Record<string, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
};

function typeOf(name: string): number {
  return valueTypes[name] ?? refuse(`the type ${name}`);
}

interface Signature {
  readonly params: readonly string[];
  readonly results: readonly string[];
}

interface Function_ {
  readonly name: string | undefined;
  readonly exported: string | undefined;
  readonly type: number;
  readonly variables: ReadonlyMap<string, number>;
  readonly locals: readonly string[];
  /** Where its instructions begin. */
  readonly body: number;
}

export function encodeWat(text: string): Uint8Array {
  return new Encoder(text).module();
}

class Encoder {
  private readonly reader: Reader;
  private readonly opcodes = opcodeTable();
  private readonly types = new Map<string, number>();
  private readonly typeSection = new Bytes();
  private readonly imports = new Bytes();
  private importCount = 0;
  private readonly functions: Function_[] = [];
  private readonly indices = new Map<string, number>();
  private readonly globals = new Map<string, number>();
  private readonly globalSection = new Bytes();
  private readonly data = new Map<string, number>();
  private readonly dataSection = new Bytes();
  private readonly exports = new Bytes();
  private exportCount = 0;
  private usesData = false;
  // The function at hand.
  private out = new Bytes();
  private variables: ReadonlyMap<string, number> = new Map();
  private readonly labels: (string | undefined)[] = [];

  constructor(text: string) {
    this.reader = new Reader(text);
  }

  module(): Uint8Array {
    const { reader } = this;
    reader.open();
    reader.word();
    let functionIndex = 0;
    while (reader.peek() === '(') {
      reader.open();
      const field = reader.word();
      switch (field) {
        case 'import':
          functionIndex += this.importField(functionIndex);
          break;
        case 'data':
          this.dataField();
          break;
        case 'global':
          this.globalField();
          break;
        case 'func':
          this.header(functionIndex++);
          break;
        default:
          refuse(`the field ${field}`);
      }
    }
    const imported = functionIndex - this.functions.length;
    const bodies = new Bytes();
    bodies.unsigned(this.functions.length);
    for (const f of this.functions) bodies.sized(this.body(f));
    const declared = new Bytes();
    declared.unsigned(this.functions.length);
    this.functions.forEach((f, i) => {
      declared.unsigned(f.type);
      if (f.exported !== undefined) {
        this.exports.name(f.exported);
        this.exports.byte(0);
        this.exports.unsigned(imported + i);
        this.exportCount++;
      }
    });
    const out = new Bytes();
    for (const b of [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) out.byte(b);
    const section = (id: number, count: number, content: Bytes): void => {
      if (count === 0) return;
      const whole = new Bytes();
      whole.unsigned(count);
      whole.append(content.done());
      out.byte(id);
      out.sized(whole.done());
    };
    section(1, this.types.size, this.typeSection);
    section(2, this.importCount, this.imports);
    out.byte(3);
    out.sized(declared.done());
    section(6, this.globals.size, this.globalSection);
    section(7, this.exportCount, this.exports);
    if (this.usesData) {
      const count = new Bytes();
      count.unsigned(this.data.size);
      out.byte(12);
      out.sized(count.done());
    }
    out.byte(10);
    out.sized(bodies.done());
    section(11, this.data.size, this.dataSection);
    return out.done();
  }

  // ---- fields

  private typeIndex({ params, results }: Signature): number {
    const key = `${params.join(' ')}:${results.join(' ')}`;
    const known = this.types.get(key);
    if (known !== undefined) return known;
    this.types.set(key, this.types.size);
    this.typeSection.byte(0x60);
    for (const list of [params, results]) {
      this.typeSection.unsigned(list.length);
      for (const name of list) this.typeSection.byte(typeOf(name));
    }
    return this.types.size - 1;
  }

  /** How many functions it imports. */
  private importField(functionIndex: number): 0 | 1 {
    const { reader, imports } = this;
    imports.name(reader.word());
    imports.name(reader.word());
    this.importCount++;
    reader.open();
    const kind = reader.word();
    if (kind === 'memory') {
      const [least, most] = [Number(reader.word()), Number(reader.word())];
      const shared = reader.peek() !== ')' && reader.word() === 'shared';
      imports.byte(2);
      imports.byte(shared ? 3 : 1);
      imports.unsigned(least);
      imports.unsigned(most);
      reader.close();
      reader.close();
      return 0;
    }
    if (kind !== 'func') refuse(`the import of a ${kind}`);
    this.indices.set(reader.word(), functionIndex);
    const { signature } = this.signature();
    imports.byte(0);
    imports.unsigned(this.typeIndex(signature));
    reader.close();
    reader.close();
    return 1;
  }

  private dataField(): void {
    const { reader, dataSection } = this;
    this.data.set(reader.word(), this.data.size);
    const bytes = new Bytes();
    const escaped = reader.word();
    for (let i = 0; i < escaped.length; i += 3) bytes.byte(Number.parseInt(escaped.slice(i + 1, i + 3), 16));
    dataSection.byte(1);
    dataSection.sized(bytes.done());
    reader.close();
  }

  private globalField(): void {
    const { reader, globalSection } = this;
    this.globals.set(reader.word(), this.globals.size);
    const mutable = reader.follows('mut');
    if (mutable) {
      reader.open();
      reader.word();
    }
    globalSection.byte(typeOf(reader.word()));
    globalSection.byte(mutable ? 1 : 0);
    if (mutable) reader.close();
    this.out = globalSection;
    this.instruction();
    globalSection.byte(0x0b);
    reader.close();
  }

  private signature(): { readonly signature: Signature; readonly names: readonly (string | undefined)[] } {
    const { reader } = this;
    const [params, results]: [string[], string[]] = [[], []];
    const names: (string | undefined)[] = [];
    for (const [word, list] of [
      ['param', params],
      ['result', results],
    ] as const)
      while (reader.follows(word)) {
        reader.open();
        reader.word();
        while (reader.peek() !== ')') {
          const first = reader.word();
          const named = first.startsWith('$');
          list.push(named ? reader.word() : first);
          if (word === 'param') names.push(named ? first : undefined);
        }
        reader.close();
      }
    return { signature: { params, results }, names };
  }

  private header(index: number): void {
    const { reader } = this;
    const name = reader.peek() === '$' ? reader.word() : undefined;
    if (name !== undefined) this.indices.set(name, index);
    let exported: string | undefined;
    if (reader.follows('export')) {
      reader.open();
      reader.word();
      exported = reader.word();
      reader.close();
    }
    const { signature, names } = this.signature();
    const variables = new Map<string, number>();
    names.forEach((n, i) => {
      if (n !== undefined) variables.set(n, i);
    });
    const locals: string[] = [];
    while (reader.follows('local')) {
      reader.open();
      reader.word();
      while (reader.peek() !== ')') {
        const first = reader.word();
        if (first.startsWith('$')) {
          variables.set(first, signature.params.length + locals.length);
          locals.push(reader.word());
        } else locals.push(first);
      }
      reader.close();
    }
    const body = reader.here;
    reader.skip();
    this.functions.push({ name, exported, type: this.typeIndex(signature), variables, locals, body });
  }

  private body(f: Function_): Uint8Array {
    const { reader } = this;
    const out = new Bytes();
    this.out = out;
    this.variables = f.variables;
    const runs: { readonly type: string; count: number }[] = [];
    for (const type of f.locals) {
      const last = runs.at(-1);
      if (last?.type === type) last.count++;
      else runs.push({ type, count: 1 });
    }
    out.unsigned(runs.length);
    for (const { type, count } of runs) {
      out.unsigned(count);
      out.byte(typeOf(type));
    }
    reader.go(f.body);
    this.instructions();
    out.byte(0x0b);
    return out.done();
  }

  // ---- instructions

  private instructions(): void {
    while (this.reader.peek() === '(') this.instruction();
  }

  /** A folded instruction: its operands, then itself. */
  private instruction(): void {
    const { reader } = this;
    reader.open();
    const op = reader.word();
    switch (op) {
      case 'block':
      case 'loop':
        this.nested(op);
        break;
      case 'if':
        this.conditional();
        break;
      default:
        this.simple(op);
    }
    reader.close();
  }

  private blockType(): number {
    const { reader } = this;
    if (!reader.follows('result')) return 0x40;
    const { signature } = this.signature();
    return typeOf(at(signature.results, 0));
  }

  private label(): string | undefined {
    return this.reader.peek() === '$' ? this.reader.word() : undefined;
  }

  private nested(op: 'block' | 'loop'): void {
    const { out } = this;
    this.labels.push(this.label());
    const type = this.blockType();
    out.byte(op === 'block' ? 0x02 : 0x03);
    out.byte(type);
    this.instructions();
    out.byte(0x0b);
    this.labels.pop();
  }

  private conditional(): void {
    const { out, reader } = this;
    const label = this.label();
    const type = this.blockType();
    while (!reader.follows('then')) this.instruction();
    this.labels.push(label);
    out.byte(0x04);
    out.byte(type);
    for (const word of ['then', 'else']) {
      if (!reader.follows(word)) continue;
      reader.open();
      reader.word();
      if (word === 'else') out.byte(0x05);
      this.instructions();
      reader.close();
    }
    out.byte(0x0b);
    this.labels.pop();
  }

  private depth(label: string): number {
    const place = this.labels.lastIndexOf(label);
    return place < 0 ? refuse(`the label ${label}`) : this.labels.length - 1 - place;
  }

  private indexIn(names: ReadonlyMap<string, number>, name: string): number {
    return names.get(name) ?? (name.startsWith('$') ? refuse(`the name ${name}`) : Number(name));
  }

  /** An instruction with an index behind its code. */
  private indexed(code: number, index: number): void {
    this.instructions();
    this.out.byte(code);
    this.out.unsigned(index);
  }

  private simple(op: string): void {
    const { reader, out } = this;
    switch (op) {
      case 'local.get':
        return this.indexed(0x20, this.indexIn(this.variables, reader.word()));
      case 'local.set':
        return this.indexed(0x21, this.indexIn(this.variables, reader.word()));
      case 'local.tee':
        return this.indexed(0x22, this.indexIn(this.variables, reader.word()));
      case 'global.get':
        return this.indexed(0x23, this.indexIn(this.globals, reader.word()));
      case 'global.set':
        return this.indexed(0x24, this.indexIn(this.globals, reader.word()));
      case 'call':
        return this.indexed(0x10, this.indexIn(this.indices, reader.word()));
      case 'br':
        return this.indexed(0x0c, this.depth(reader.word()));
      case 'br_if':
        return this.indexed(0x0d, this.depth(reader.word()));
      case 'i32.const':
        out.byte(0x41);
        return out.signed(Number(reader.word()) | 0);
      case 'i64.const':
        out.byte(0x42);
        return out.signed64(BigInt(reader.word()));
      case 'f32.const':
        out.byte(0x43);
        return out.float(floatOf(reader.word()), 4);
      case 'f64.const':
        out.byte(0x44);
        return out.float(floatOf(reader.word()), 8);
      case 'i8x16.shuffle': {
        const pattern = Array.from({ length: 16 }, () => Number(reader.word()));
        this.instructions();
        this.coded(0xfd, 13);
        for (const lane of pattern) out.byte(lane);
        return;
      }
      case 'memory.copy':
        this.instructions();
        this.coded(0xfc, 10);
        out.byte(0);
        return out.byte(0);
      case 'memory.fill':
        this.instructions();
        this.coded(0xfc, 11);
        return out.byte(0);
      case 'memory.init': {
        const segment = this.indexIn(this.data, reader.word());
        this.usesData = true;
        this.instructions();
        this.coded(0xfc, 8);
        out.unsigned(segment);
        return out.byte(0);
      }
      default:
        this.listed(this.opcodes.get(op) ?? refuse(`the instruction ${op}`));
    }
  }

  private coded(prefix: number | undefined, code: number): void {
    if (prefix === undefined) this.out.byte(code);
    else {
      this.out.byte(prefix);
      this.out.unsigned(code);
    }
  }

  private listed({ prefix, code, immediate, align }: Opcode): void {
    const { reader, out } = this;
    let [offset, alignment, lane] = [0, align, 0];
    if (immediate !== 'none')
      for (let c = reader.peek(); c !== '(' && c !== ')'; c = reader.peek()) {
        const word = reader.word();
        if (word.startsWith('offset=')) offset = Number(word.slice(7));
        else if (word.startsWith('align=')) alignment = Math.log2(Number(word.slice(6)));
        else lane = Number(word);
      }
    this.instructions();
    this.coded(prefix, code);
    if (immediate === 'memory' || immediate === 'memory and lane') {
      out.unsigned(alignment);
      out.unsigned(offset);
    }
    if (immediate === 'lane' || immediate === 'memory and lane') out.byte(lane);
  }
}
