// Every differentiable function of the library: reverse mode is the transpose of forward mode, w . J v = v . J' w to rounding, and forward mode is what differences show.

import { describe, expect, it } from 'vitest';
import { evaluate, flat } from './support.ts';

interface Group {
  readonly module: string;
  /** What the functions take of it. */
  readonly uses: readonly string[];
  /** Further definitions. */
  readonly more?: string;
  /** A function and where it is differentiated. */
  readonly cases: readonly (readonly [f: string, x: string])[];
  /** Of the tests against differences, where it is not 1e-6. */
  readonly difference?: number;
}

const vector = '[0.31, -0.72, 1.4, 0.55]';
const positive = '[0.31, 0.72, 1.4, 2.55]';
const inside = '[0.21, 0.42, 0.63, 0.87]';
const matrix = '[[2.1, 0.3, -0.4], [0.2, 1.7, 0.5], [-0.1, 0.6, 1.3]]';
const wide = '[[2.1, 0.3], [0.2, 1.7], [-0.1, 0.6]]';
const complex = '[0.3 + 0.4i, -0.7 + 0.2i, 1.1 - 0.9i, 0.2 + 1.3i]';

const elementwise = (names: string, x: string): (readonly [string, string])[] =>
  names.split(' ').map((name) => [name, x]);

const groups: readonly Group[] = [
  {
    module: 'prelude',
    uses: [],
    cases: [
      ...elementwise('exp expm1 sin cos tan atan sinh cosh tanh abs sigmoid softplus relu silu gelu', vector),
      ...elementwise('log log1p sqrt cumsum cumprod cummax cummin sort reverse', positive),
      ...elementwise('asin acos norm softmax logsumexp sum mean prod max min abs2', inside),
      ['x => x^3 + 2^x + x^x', positive],
      ['x => atan2(x, reverse(x)) + clip(x, 0.4, 1.0) + cross(x[0..3], x[1..4])[0]', positive],
      ['x => top_k(x, 2).values', vector],
      ['x => roll(x, 1) @ outer(x, x) + dot(x, cumsum(x))', vector],
      ['x => scan((a, b) => a*b + 0.1*(a + b), x)', vector],
      ['x => scan((p, q) => (p[0]*q[0], q[0]*p[1] + q[1]), (x, sin(x)))[1]', vector],
      ['A => det(A) + trace(A)', matrix],
      ['A => inverse(A) @ transpose(A)', matrix],
      ['A => inverse(concat(concat(A, 0.1*A, axis: 1), concat(0.2*A, A, axis: 1)))', matrix],
      ['f => taylor(x => sin(f*x), 0.3, 1.0, 3)', '1.3'],
    ],
  },
  {
    module: 'complex numbers',
    uses: [],
    cases: elementwise(
      'abs sign exp expm1 log log1p sqrt sin cos tan asin acos atan sinh cosh tanh conj arg',
      complex,
    ).concat([['z => z^z + z^2.5', complex]]),
  },
  {
    module: 'special',
    uses: [
      'erf erfc erfinv erfcinv normal_cdf normal_quantile lgamma digamma trigamma polygamma gammainc gammaincc log_beta betainc besselj bessely',
    ],
    cases: [
      ...elementwise('erf erfc normal_cdf', vector),
      ...elementwise('lgamma digamma trigamma', positive),
      ...elementwise('erfinv erfcinv normal_quantile', inside),
      ['x => polygamma(2, x)', positive],
      ['x => gammainc(x, reverse(x)) + gammaincc(1.5, x)', positive],
      ['x => log_beta(x, reverse(x))', positive],
      ['x => betainc(1.5, 2.5, x)', inside],
      ['x => besselj(0, x) + besselj(1, x) + bessely(0, x) + bessely(1, x)', positive],
    ],
  },
  {
    module: 'fft',
    uses: ['fft ifft rfft irfft fftn ifftn'],
    cases: [
      ['fft', complex],
      ['ifft', complex],
      ['x => rfft(x)', '[0.3, -0.2, 0.5, 0.9, 0.1, -0.4, 0.7]'],
      ['z => irfft(z)', complex],
      ['z => fftn(outer(z, z))', complex],
      ['z => ifftn(outer(z, z))', complex],
    ],
  },
  {
    module: 'linalg, iterations',
    uses: ['linsolve lu cg pcg bicgstab gmres minres jacobi'],
    more: `fn both(s) = A => linsolve(A @ transpose(A) + identity(3), A[0] + A[1]^2, using: s)`,
    cases: ['lu()', 'cg()', 'pcg(r => 0.3*r)', 'bicgstab()', 'gmres()', 'minres()'].map(
      (s) => [`both(${s})`, matrix] as const,
    ),
  },
  {
    module: 'linalg, factorisations',
    uses: ['cholesky solve_lower solve_upper solve_tridiagonal logdet qr lstsq pinv'],
    cases: [
      ['A => cholesky(A @ transpose(A) + identity(3))', matrix],
      ['A => solve_lower(A, A[0])', matrix],
      ['A => solve_upper(A, A[1])', matrix],
      ['A => solve_tridiagonal(A[0], A[1] + 3, A[2], A[0] + 1)', matrix],
      ['logdet', matrix],
      ['qr', wide],
      ['A => lstsq(A, [1.0, 2.0, 0.5])', wide],
      ['pinv', wide],
    ],
  },
  {
    module: 'linalg, eigenvalues and functions of matrices',
    uses: ['eigh eig svd expm sqrtm sylvester lyapunov riccati'],
    cases: [
      ['A => eigh(A + transpose(A))', matrix],
      ['svd', matrix],
      ['A => eig(A).values', '[[0.1, 1.3, -0.4], [-1.2, 0.3, 0.5], [-0.1, 0.6, 1.3]]'],
      ['expm', matrix],
      ['A => sqrtm(A @ transpose(A) + identity(3))', matrix],
      ['A => sylvester(A, A + identity(3), A^2)', matrix],
      ['A => lyapunov(-A, A @ transpose(A))', matrix],
      ['A => riccati(A, A[0..3, 0..1], identity(3), identity(1))', matrix],
    ],
  },
  {
    module: 'stats and interp',
    uses: [],
    more: `use std.stats { variance, standard_deviation, covariance, correlation, covariance_matrix, skewness, kurtosis, quantile, median, autocorrelation }
use std.interp { linear, cubic }
const places = [0.0, 1.0, 2.5, 3.0]`,
    cases: [
      ...elementwise('variance standard_deviation skewness kurtosis median', vector),
      ['x => covariance(x, exp(x)) + correlation(x, sin(x))', vector],
      ['X => covariance_matrix(X)', matrix],
      ['x => quantile(x, 0.3)', vector],
      ['x => autocorrelation(x, 1)', vector],
      ['y => linear(places, y)([0.4, 1.7, 2.9])', vector],
      ['y => cubic(places, y)([0.4, 1.7, 2.9])', vector],
      ['t => cubic(places, [0.3, 1.0, -0.4, 0.8])(t)', '[0.4, 1.7, 2.9]'],
      ['y => cubic(places, y, slopes: "monotone")([0.4, 1.7, 2.9])', positive],
    ],
  },
  {
    module: 'segments, maps, implicit functions',
    uses: ['segment_sum segment_mean segment_max segment_min'],
    more: `const own = [0, 1, 0, 2]
let ordered = increasing(0.0, 2.0)
let between = interval(-1, 3)`,
    cases: [
      ['x => segment_sum(x, own, 3)', vector],
      ['x => segment_mean(x, own, 3)', vector],
      ['x => segment_max(x, own, 3)', vector],
      ['x => segment_min(x, own, 3)', vector],
      ['z => between.to(z)', vector],
      ['p => between.from(p)', inside],
      ['z => positive.to(z)', vector],
      ['z => simplex.to(z)', vector],
      ['z => unit.to(z)', vector],
      ['z => ordered.to(z)', vector],
      ['a => root(x => x^3 + a*x - 1, 0.5 + 0*a)', '[0.3, 1.2]'],
      ['a => fixed_point(x => cos(a*x), 0.7)', '0.8'],
      ['a => minimizer(x => sum((x - a)^4) + 0.5*dot(x, x), zeros_like(a))', '[0.3, 1.2]'],
    ],
  },
  {
    module: 'nn',
    uses: [],
    more: `use std.nn { dense, mlp, residual_block, siren, layernorm, attention, transformer_block, gru, lstm, unroll, conv, resnet_block, unet, fourier_features, deeponet, time_features }
network plain = mlp([4, 5, 3], tanh)
network block = residual_block(4, 6, gelu)
network waves = siren([4, 6, 2], w0: 3.0)
network normed = layernorm(4)
network seen = attention(4, 2, causal: true)
network layer_ = transformer_block(4, 2, 6, gelu)
network cell = gru(4, 3)
network long = lstm(4, 3)
network filter = conv(1, 2, periodic: true)
network deep = resnet_block(1, silu)
network whole = unet(1, 2, 1, silu)
network features = fourier_features(4, 3)
network operator_ = deeponet(4, 1, 5, 3, tanh)
let words = [[0.1, 0.4, -0.3, 0.8], [0.7, -0.2, 0.5, 0.1], [-0.6, 0.9, 0.2, 0.3]]
let picture = [sin(3.0*i + j) for c in 0..1, i in 0..4, j in 0..4]`,
    cases: [
      ['p => p([0.3, 0.1, -0.5, 0.8])', 'plain'],
      ['p => p([0.3, 0.1, -0.5, 0.8])', 'block'],
      ['p => p([0.3, 0.1, -0.5, 0.8])', 'waves'],
      ['x => normed(x)', vector],
      ['p => p(words)', 'seen'],
      ['x => layer_(x)', 'words'],
      ['p => p(picture)', 'filter'],
      ['x => deep(x)', 'picture'],
      ['x => whole(x)', 'picture'],
      ['x => features(x)', vector],
      ['p => unroll(p, zeros([3]), words)', 'cell'],
      ['x => operator_(x, [0.4])', vector],
    ],
  },
  {
    module: 'densities',
    uses: [],
    more: `use std.random { uniform, normal, exponential, laplace, gumbel, gamma, beta, dirichlet, student_t, multivariate_normal, categorical, poisson }`,
    cases: [
      ['p => normal(p[0], p[1] + 2).log_prob(p)', vector],
      ['p => exponential(p[0]).log_prob(p) + laplace(p[0], p[1]).log_prob(p)', positive],
      ['p => gumbel(p[0], p[1]).log_prob(p)', positive],
      ['p => gamma(p[0], rate: p[1]).log_prob(p)', positive],
      ['p => beta(p[0] + 1, p[1]).log_prob(p)', inside],
      ['p => student_t(p[0] + 2, mu: p[1], sigma: p[2]).log_prob(p)', positive],
      ['p => dirichlet(p).log_prob(softmax(p))', positive],
      ['w => categorical(exp(w)).log_prob(2)', vector],
      ['r => poisson(r).log_prob([1, 0, 2, 3])', positive],
      [
        'a => sum(multivariate_normal([a[0], a[1]], [[1 + a[2]^2, 0.1], [0.1, 2.0]]).log_prob([0.2, 0.4]))',
        vector,
      ],
    ],
  },
];

const prelude = `precision f64
fn spread(v, k) = unflatten([sin(2.7*i + k) for i in 0..size(flatten(v))], like: v)
fn gap(f, x) {
  let (v, y) = (spread(x, 1.0), f(x))
  let w = spread(y, 0.3)
  let forth = dot(flatten(jvp(f, x, v)), flatten(w))
  let back = dot(flatten((vjp(f, x).pull)(w)), flatten(v))
  let h = 3e-4
  let seen = t => dot(flatten(f(x + t*h*v)), flatten(w))
  let differences = (8*(seen(1) - seen(-1)) - (seen(2) - seen(-2)))/(12*h)
  return [abs(forth - back)/(1 + abs(forth)), abs(forth - differences)/(1 + abs(forth)), abs(forth)]
}
`;

describe.each(groups)('$module', ({ uses, more = '', cases, difference = 1e-6, module }) => {
  const home = module.startsWith('special') ? 'special' : module.startsWith('fft') ? 'fft' : 'linalg';
  const imports = uses.map((names) => `use std.${home} { ${names.split(' ').join(', ')} }`).join('\n');
  it('transposes and differences', async () => {
    const out = await evaluate(
      `${prelude}${imports}\n${more}`,
      Object.fromEntries(cases.map(([f, x], i) => [`c${i}`, `gap(${f}, ${x})`])),
    );
    cases.forEach(([f, x], i) => {
      const [adjoint = NaN, forwards = NaN, slope = NaN] = flat(out[`c${i}`] ?? NaN);
      expect(adjoint, `${f} at ${x}: transpose`).toBeLessThan(1e-10);
      expect(forwards, `${f} at ${x}: difference`).toBeLessThan(difference);
      expect(slope, `${f} at ${x}: slope`).toBeGreaterThan(0);
    });
  });
});
