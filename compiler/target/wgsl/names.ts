// Names in emitted WGSL. In: a kernel. Out: for every name of the kernel the identifier it has in WGSL: itself wherever possible, with a trailing underscore where WGSL reserves the word, where the
// emitter uses it, or where it would hide a builtin that the code calls.

import { assertNever } from '../../support/diagnostic.ts';
import type { MapKernel, Kernel, Statement } from '../../kernel/types.ts';
import { libraryNames } from './library.ts';

/** Keywords and reserved words of WGSL (W3C, "WebGPU Shading Language", §15.1 and §15.2). */
const reservedWords = `
alias break case const const_assert continue continuing default diagnostic discard else enable false fn for if let loop override requires return struct switch true var while
NULL Self abstract active alignas alignof as asm asm_fragment async attribute auto await become cast catch class co_await co_return co_yield coherent column_major common compile
compile_fragment concept const_cast consteval constexpr constinit crate debugger decltype delete demote demote_to_helper do dynamic_cast enum explicit export extends extern external
fallthrough filter final finally friend from fxgroup get goto groupshared highp impl implements import inline instanceof interface layout lowp macro macro_rules match mediump meta mod
module move mut mutable namespace new nil noexcept noinline nointerpolation non_coherent noncoherent noperspective null nullptr of operator package packoffset partial pass patch
pixelfragment precise precision premerge priv protected pub public readonly ref regardless register reinterpret_cast require resource restrict self set shared sizeof smooth snorm static
static_assert static_cast std subroutine super target template this thread_local throw trait try type typedef typeid typename typeof union unless unorm unsafe unsized use using varying
virtual volatile wgsl where with writeonly yield`;

/** Builtins and types that emitted code mentions, and names of its own. */
const usedWords = `
bool i32 u32 f32 f16 vec2 vec3 vec4 mat2x2 array ptr atomic bitcast select abs sign exp log pow sqrt floor ceil round min max sin cos countLeadingZeros workgroupBarrier
storageBarrier workgroupUniformLoad main uniforms Uniforms global_id workgroup_id local_index point`;

/** Gives out identifiers that are unique in one shader. */
export class Namer {
  private readonly taken: Set<string>;
  private readonly known = new Map<string, string>();

  constructor(kernelNames: Iterable<string>) {
    this.taken = new Set([
      ...reservedWords.trim().split(/\s+/),
      ...usedWords.trim().split(/\s+/),
      ...libraryNames(),
    ]);
    const names = [...new Set(kernelNames)];
    // Names that may stay as they are come first, so that no other name is moved onto them.
    const free = names.filter((name) => !this.mustChange(name));
    for (const name of free) this.claim(name, name);
    for (const name of names)
      if (this.mustChange(name) && !this.known.has(name)) this.claim(name, this.fresh(name));
  }

  private mustChange(name: string): boolean {
    return this.taken.has(name) || name.startsWith('__') || name === '_';
  }

  private claim(name: string, identifier: string): void {
    this.known.set(name, identifier);
    this.taken.add(identifier);
  }

  /** The identifier of a name of the kernel. */
  of(name: string): string {
    let identifier = this.known.get(name);
    if (identifier === undefined) {
      identifier = this.fresh(name);
      this.claim(name, identifier);
    }
    return identifier;
  }

  /** A new identifier that reads like `base`. */
  fresh(base: string): string {
    const stem = base.replace(/^_+/, '') || 'v';
    let candidate = stem;
    if (this.taken.has(candidate)) candidate = `${stem}_`;
    for (let i = 2; this.taken.has(candidate); i++) candidate = `${stem}_${i}`;
    this.taken.add(candidate);
    return candidate;
  }
}

/** Every name a kernel binds. */
export function namesOf(kernel: Kernel): readonly string[] {
  const names = [...kernel.buffers.map((b) => b.name), ...kernel.uniforms];
  if (kernel.kind === 'map') {
    names.push(...kernel.axes);
    collect(kernel.body, names);
  }
  return names;
}

function collect(list: MapKernel['body'], names: string[]): void {
  for (const s of list) collectStatement(s, names);
}

function collectStatement(s: Statement, names: string[]): void {
  switch (s.kind) {
    case 'let':
    case 'var':
    case 'array':
      names.push(s.name);
      return;
    case 'random_block':
      names.push(...s.names);
      return;
    case 'for':
      names.push(s.name);
      collect(s.body, names);
      return;
    case 'while':
      names.push(s.counter);
      collect(s.before, names);
      collect(s.body, names);
      return;
    case 'if':
      collect(s.then, names);
      collect(s.else, names);
      return;
    case 'reduce':
      names.push(s.name, ...s.loops.map((l) => l.name));
      collect(s.body, names);
      return;
    case 'assign':
    case 'assign_local':
    case 'store':
      return;
    default:
      assertNever(s);
  }
}
