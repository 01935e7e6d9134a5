// Names that people bring from Python, Julia, MATLAB or C, and what stands for them here. In: a name that is not known. Out: the cure, or undefined.

const packages: ReadonlySet<string> = new Set([
  'np',
  'numpy',
  'math',
  'jnp',
  'jax',
  'torch',
  'tf',
  'scipy',
  'Math',
]);

const others: ReadonlyMap<string, string> = new Map([
  ['range', 'a range is written a..b, without its end: for i in 0..n { … }'],
  ['arange', 'numbers in steps are a comprehension: [a + h*i for i in 0..n]'],
  ['enumerate', 'loop over the index: for i in 0..len(xs) { let x = xs[i]; … }'],
  ['zip', 'loop over the index: [f(a[i], b[i]) for i in 0..len(a)]'],
  ['pow', 'powers are written x^n'],
  ['fabs', 'write abs(x)'],
  ['ln', 'the natural logarithm is log(x)'],
  ['log10', 'write log(x)/log(10)'],
  ['log2', 'write log(x)/log(2)'],
  ['eye', 'write identity(n)'],
  ['length', 'write len(x)'],
  ['numel', 'write size(x)'],
  ['matmul', 'the product of matrices is A @ B'],
  ['einsum', 'write the sum: [sum(a[i, k]*b[k, j] for k in 0..n) for i in 0..m, j in 0..p], or A @ B'],
  ['vmap', 'a comprehension is the batch: [f(x) for x in xs]'],
  ['grad_fn', 'write gradient(f)'],
  ['float', 'write real(x)'],
  ['True', 'write true'],
  ['False', 'write false'],
  ['None', 'there is no empty value; leave the part out of the record'],
  ['self', 'parameters of a layer have their plain names in its call'],
]);

export function foreignName(name: string): string | undefined {
  return packages.has(name)
    ? `functions have their plain names here: sin(x), mean(x); what is not in the prelude is taken by \`use std.… { name }\``
    : others.get(name);
}
