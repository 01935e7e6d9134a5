// The modules of the standard library, by the names that programs `use`. Only names and places: what is in them is read from their text.

/** What a program uses. */
export const libraryModules = [
  'std.ode',
  'std.sde',
  'std.space',
  'std.optim',
  'std.nn',
  'std.linalg',
  'std.random',
  'std.special',
  'std.fft',
  'std.stats',
  'std.interp',
  'std.mcmc',
  'std.diffusion',
  'std.ot',
  'std.particles',
] as const;
