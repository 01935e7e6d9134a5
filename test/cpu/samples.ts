// Arguments for tests of elementary functions: dense over the useful range, over the whole range of exponents, and at the places where an implementation changes its method.

type Float = 'f32' | 'f64';

function mulberry(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

interface Range {
  readonly from: number;
  readonly to: number;
  /** Exponents of two for the part spread over magnitudes; sign both unless `positive`. */
  readonly exponents: readonly [number, number];
  readonly positive?: boolean;
  readonly special: readonly number[];
}

const quarter = Math.PI / 2;

function rangeOf(op: string, type: Float): Range {
  const wide = type === 'f64';
  const smallest = wide ? -60 : -40;
  const largest = wide ? 1023 : 127;
  switch (op) {
    case 'exp':
      return {
        from: wide ? -745 : -103,
        to: wide ? 709.7 : 88.7,
        exponents: [smallest, 6],
        special: wide
          ? [709.782712893384, -744.4, -708.4, -720, 1e-300, 0.34657, 0.3466]
          : [88.72283, -87.4, -100, -103.2],
      };
    case 'expm1':
      return {
        from: wide ? -50 : -20,
        to: wide ? 709.7 : 88.7,
        exponents: [smallest, 6],
        special: [0.35, -0.35, -0.2877, 1],
      };
    case 'log':
      return {
        from: 0.4,
        to: 3,
        exponents: [wide ? -1070 : -148, largest],
        positive: true,
        special: [1 + 2 ** -23, 1 - 2 ** -24, 2, 0.70710678, 1.41421356, 4],
      };
    case 'log1p':
      return {
        from: -0.9999,
        to: 3,
        exponents: [smallest, -1],
        special: [0.4142, -0.2929, 1e10, 1e30, -0.999999],
      };
    case 'sin':
    case 'cos':
    case 'tan':
      return {
        from: -30,
        to: 30,
        exponents: [-20, largest],
        special: [
          quarter,
          2 * quarter,
          3 * quarter,
          11 * quarter,
          1e5,
          1e6,
          1.6e6,
          1.7e6,
          1e22,
          6381956970095103 * 2 ** (wide ? 797 : 60),
        ],
      };
    case 'asin':
    case 'acos':
      return {
        from: -1,
        to: 1,
        exponents: [smallest / 2, -1],
        special: [0.5, -0.5, 0.9999999, -0.9999999, 0.50001],
      };
    case 'atan':
      return {
        from: -5,
        to: 5,
        exponents: [smallest, wide ? 80 : 60],
        special: [0.66, 2.4142135, 0.4142, 1],
      };
    case 'sinh':
    case 'cosh':
      return {
        from: wide ? -100 : -40,
        to: wide ? 100 : 40,
        exponents: [smallest, 5],
        special: [22, 21.99, wide ? 709.9 : 88.9, 0.3466, 1],
      };
    default:
      return { from: -25, to: 25, exponents: [smallest, 4], special: [1, 0.999, 22, 9.01, 0.3466, 0.17] };
  }
}

function fit(type: Float, x: number): number {
  return type === 'f64' ? x : Math.fround(x);
}

export function samples(op: string, type: Float, count: number): Float64Array {
  const random = mulberry(op.length * 7919 + op.charCodeAt(0));
  const range = rangeOf(op, type);
  const values: number[] = [...range.special];
  while (values.length < count) {
    if (values.length % 2 === 0) values.push(range.from + (range.to - range.from) * random());
    else {
      const [low, high] = range.exponents;
      const magnitude = (1 + random()) * 2 ** (low + Math.floor((high - low + 1) * random()));
      values.push(range.positive !== true && random() < 0.5 ? -magnitude : magnitude);
    }
  }
  return Float64Array.from(values.map((x) => fit(type, x)).filter((x) => x !== 0 && Number.isFinite(x)));
}

export function pairs(
  op: string,
  type: Float,
  count: number,
): { readonly x: Float64Array; readonly y: Float64Array } {
  const random = mulberry(op.length * 104729);
  const x: number[] = [];
  const y: number[] = [];
  const largest = type === 'f64' ? 700 : 85;
  while (x.length < count) {
    if (op === 'atan2') {
      const signed = () => (random() < 0.5 ? -1 : 1) * (1 + random()) * 2 ** Math.floor(40 * random() - 20);
      x.push(fit(type, signed()));
      y.push(fit(type, x.length % 3 === 0 ? (x.at(-1) ?? 1) * (0.5 + random()) : signed()));
      continue;
    }
    const near = x.length % 3 === 0;
    const base = fit(
      type,
      near
        ? 1 + (random() - 0.5) * 2 ** -Math.floor(20 * random())
        : (1 + random()) * 2 ** Math.floor((largest / 4) * (random() - 0.5)),
    );
    // Exponents such that the power stays finite.
    const limit = Math.min(largest / Math.abs(Math.log(base) || 1), 1e6);
    x.push(base);
    y.push(fit(type, (2 * random() - 1) * limit) || 1);
  }
  return { x: Float64Array.from(x), y: Float64Array.from(y) };
}
