// An entry of the WGSL library (library.ts).

export interface LibraryFunction {
  /** WGSL text. */
  readonly text: string;
  /** Names of library functions (or declarations) it uses. */
  readonly uses: readonly string[];
}
