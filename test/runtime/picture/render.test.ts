// Whole pictures: pixels where the data say so, sizes that fit, errors in words, nothing that data can break.

import { decode } from 'fast-png';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Canvas } from '../../../runtime/picture/canvas.ts';
import { pixelAt } from '../../../runtime/picture/canvas.ts';
import {
  diverging_map,
  lineColour,
  mapColour,
  missingColour,
  sequential_map,
} from '../../../runtime/picture/colour.ts';
import { colour_scale } from '../../../runtime/picture/heat.ts';
import { choose_bins, count_bins } from '../../../runtime/picture/histogram.ts';
import { place_legend } from '../../../runtime/picture/legend.ts';
import { cellEdges, plan_panels, sampleCoordinates } from '../../../runtime/picture/panels.ts';
import { draw_plot, render_plot } from '../../../runtime/picture/render.ts';
import type { PlotSeries, PlotSpec } from '../../../runtime/picture/spec.ts';

function series(
  label: string,
  shape: readonly number[],
  value: (i: number) => number,
  more: Partial<PlotSeries> = {},
): PlotSeries {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return { label, shape, data: Float64Array.from({ length: size }, (_, i) => value(i)), ...more };
}

const unitSquare = [
  { name: 'x', extent: [0, 1] as const },
  { name: 'y', extent: [0, 1] as const },
];

/** Pixels of a colour, with their mean place. */
function find(canvas: Canvas, wanted: readonly number[]): { count: number; x: number; y: number } {
  let [count, x, y] = [0, 0, 0];
  for (let row = 0; row < canvas.height; row += 1) {
    for (let column = 0; column < canvas.width; column += 1) {
      const pixel = pixelAt(canvas, column, row);
      if (pixel.every((channel, i) => Math.abs(channel - (wanted[i] ?? 0)) <= 2)) {
        count += 1;
        x += column;
        y += row;
      }
    }
  }
  return { count, x: x / count, y: y / count };
}

describe('heat maps', () => {
  test('a[i, j] lies at (x_i, y_j): first axis to the right, second upwards', () => {
    // One hot cell at i = 6 of 8, j = 1 of 8.
    const canvas = draw_plot({
      kind: 'heat',
      series: [series('T', [8, 8], (k) => (k === 6 * 8 + 1 ? 1 : 0), { axes: unitSquare })],
    });
    const hot = find(canvas, mapColour(sequential_map(), 1));
    const cold = find(canvas, mapColour(sequential_map(), 0));
    const side = Math.sqrt((hot.count + cold.count) / 1.05);
    // The cold cells' centre is near the centre of the map; the hot one is right of it and below.
    expect(hot.x).toBeGreaterThan(cold.x + 0.2 * side);
    expect(hot.y).toBeGreaterThan(cold.y + 0.2 * side);
  });

  test('equal units give square cells, time against length does not', () => {
    const heat = (axes: PlotSeries['axes']): Canvas =>
      draw_plot({ kind: 'heat', series: [series('T', [20, 10], (k) => k, { axes })] });
    const wide = heat([
      { name: 'x', extent: [0, 2] },
      { name: 'y', extent: [0, 1] },
    ]);
    const time = heat([
      { name: 't', extent: [0, 2] },
      { name: 'y', extent: [0, 1] },
    ]);
    expect(wide.height).toBeLessThan(time.height);
  });

  test('arrows point where the components say, over the colours of their length', () => {
    const ink = [20, 20, 20];
    const arrows = (u: number, v: number, kind: PlotSpec['kind'] = 'quiver'): ReturnType<typeof find> =>
      find(
        draw_plot({
          kind,
          series: [
            series('w', [2, 2, 2], (k) => (k < 4 ? u : v), { axes: [{ name: 'part' }, ...unitSquare] }),
          ],
        }),
        ink,
      );
    const none = arrows(0, 0).count;
    for (const [u, v] of [
      [3, 0],
      [0, 3],
      [-2, 1],
    ] as const) {
      const [there, back] = [arrows(u, v), arrows(-u, -v)];
      expect(there.count).toBeGreaterThan(none + 200);
      // Heads are heavier than tails; the second component points upwards.
      expect(Math.sign(Math.round(there.x - back.x))).toBe(Math.sign(u));
      expect(Math.sign(Math.round(back.y - there.y))).toBe(Math.sign(v));
    }
    const [panel] = plan_panels({
      kind: 'quiver',
      series: [series('w', [2, 1, 3], (k) => [3, 1, 0, 4, 0, NaN][k] ?? 0)],
    });
    expect(panel?.kind === 'heat' && [...panel.data]).toEqual([5, 1, NaN]);
    expect(() => arrows(1, 1, 'line')).toThrow(/cannot be drawn as line/);
    expect(() => draw_plot({ kind: 'quiver', series: [series('w', [3, 3], (k) => k)] })).toThrow(/as quiver/);
  });

  test('missing cells are grey, and so is nothing else', () => {
    const full = series('T', [10, 10], (k) => k);
    const holed = series('T', [10, 10], (k) => (k === 55 ? NaN : k === 11 ? Infinity : k));
    expect(find(draw_plot({ kind: 'heat', series: [full] }), missingColour).count).toBeLessThan(50);
    expect(find(draw_plot({ kind: 'heat', series: [holed] }), missingColour).count).toBeGreaterThan(
      2 * 50 * 50,
    );
  });

  test('data on both sides of zero are centred, others are not', () => {
    expect(colour_scale(Float64Array.of(-1, 0.5))).toEqual({ range: { low: -1, high: 1 }, diverging: true });
    expect(colour_scale(Float64Array.of(-0.01, 1))).toEqual({
      range: { low: -0.01, high: 1 },
      diverging: false,
    });
    expect(colour_scale(Float64Array.of(1, 3)).diverging).toBe(false);
    const canvas = draw_plot({ kind: 'heat', series: [series('u', [2, 2], (k) => [-1, 0, 0, 1][k] ?? 0)] });
    expect(find(canvas, mapColour(diverging_map(), 0.5)).count).toBeGreaterThan(100_000);
  });

  test('more cells than pixels are averaged', () => {
    const canvas = draw_plot({
      kind: 'heat',
      series: [series('T', [4096, 16], (k) => Math.floor(k / 16) % 2)],
    });
    const middle = mapColour(sequential_map(), 0.5);
    const stripes = find(canvas, mapColour(sequential_map(), 0)).count;
    expect(find(canvas, middle).count).toBeGreaterThan(0.3 * canvas.width * canvas.height * 0.2);
    expect(stripes).toBeLessThan(0.2 * canvas.width * canvas.height);
  });

  test('snapshots of one array share their colours', () => {
    const panels = plan_panels({
      kind: 'auto',
      series: [series('u', [9, 4, 4], (k) => k, { axes: [{ name: 't', extent: [0, 1], samples: 'nodes' }] })],
    });
    expect(panels.map((panel) => panel.title)).toEqual([
      'u, t = 0',
      'u, t = 0.375',
      'u, t = 0.625',
      'u, t = 1',
    ]);
    expect(new Set(panels.map((panel) => (panel.kind === 'heat' ? panel.coloured.length : 0)))).toEqual(
      new Set([144]),
    );
  });
});

describe('lines', () => {
  test('a rising line goes up and to the right', () => {
    const canvas = draw_plot({ kind: 'line', series: [series('u', [100], (k) => k)] });
    const half = canvas.width / 2;
    const left = { ...canvas, width: canvas.width };
    const [wanted] = [lineColour(0)];
    let [leftY, leftCount, rightY, rightCount] = [0, 0, 0, 0];
    for (let y = 0; y < left.height; y += 1) {
      for (let x = 0; x < left.width; x += 1) {
        if (pixelAt(canvas, x, y).every((channel, i) => channel === wanted[i])) {
          if (x < half) {
            leftY += y;
            leftCount += 1;
          } else {
            rightY += y;
            rightCount += 1;
          }
        }
      }
    }
    expect(leftCount).toBeGreaterThan(200);
    expect(rightY / rightCount).toBeLessThan(leftY / leftCount - 100);
  });

  test('NaN breaks a line', () => {
    const whole = draw_plot({ kind: 'line', series: [series('u', [100], () => 1)] });
    const broken = draw_plot({
      kind: 'line',
      series: [series('u', [100], (k) => (k > 20 && k < 80 ? NaN : 1))],
    });
    const ink = (canvas: Canvas): number => find(canvas, lineColour(0)).count;
    expect(ink(broken)).toBeLessThan(0.5 * ink(whole));
    expect(ink(broken)).toBeGreaterThan(0.3 * ink(whole));
  });

  test('pairs, snapshots and components are told apart', () => {
    const t = { label: 't', unit: 's', data: Float64Array.of(0, 1, 2) };
    const [pair] = plan_panels({ kind: 'auto', series: [series('y', [3], (k) => k, { x: t, unit: 'm' })] });
    expect(pair).toMatchObject({ kind: 'line', xLabel: 't (s)', yLabel: 'y (m)' });
    const axes = [
      { name: 't', extent: [0, 1] as const, samples: 'nodes' as const },
      { name: 'x', extent: [0, 4] as const },
    ];
    const [family] = plan_panels({ kind: 'line', series: [series('u', [11, 4], (k) => k, { axes })] });
    expect(family?.kind === 'line' ? family.curves.map((curve) => curve.label) : []).toEqual(
      [0, 0.2, 0.4, 0.6, 0.8, 1].map((time) => `u, t = ${time}`),
    );
    expect(family?.kind === 'line' ? [...(family.curves[0]?.x ?? [])] : []).toEqual([0.5, 1.5, 2.5, 3.5]);
    const [components] = plan_panels({ kind: 'line', series: [series('q', [5, 2], (k) => k)] });
    expect(components?.kind === 'line' ? components.curves.map((curve) => [...curve.y]) : []).toEqual([
      [0, 2, 4, 6, 8],
      [1, 3, 5, 7, 9],
    ]);
  });

  test('the legend covers no data, or stands above', () => {
    const entries = ['a', 'b'].map((label, i) => ({ label, colour: lineColour(i), line: true }));
    const free = place_legend(entries, 700, 400, [{ x: 650, y: 30 }], 2);
    if (free.kind !== 'inside') throw new Error(`placed ${free.kind}`);
    const { left, right, top, bottom } = free.box;
    expect(650 > left && 650 < right && 30 > top && 30 < bottom).toBe(false);
    const full = Array.from({ length: 5600 }, (_, i) => ({ x: (i % 80) * 9, y: Math.floor(i / 80) * 6 }));
    expect(place_legend(entries, 700, 400, full, 2).kind).toBe('above');
    expect(place_legend(entries.slice(0, 1), 700, 400, [], 2).kind).toBe('none');
  });
});

describe('scatter plots and histograms', () => {
  test('points [n, 2] are a cloud', () => {
    const [panel] = plan_panels({ kind: 'scatter', series: [series('x', [3, 2], (k) => k)] });
    expect(
      panel?.kind === 'scatter' ? [...(panel.curves[0]?.x ?? []), ...(panel.curves[0]?.y ?? [])] : [],
    ).toEqual([0, 2, 4, 1, 3, 5]);
  });

  test('bins have round borders, enclose the data and lose nothing', () => {
    const numbers = fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), {
      minLength: 1,
      maxLength: 200,
    });
    fc.assert(
      fc.property(numbers, (list) => {
        const data = Float64Array.from(list);
        const bins = choose_bins([data]);
        bins.edges.forEach((edge, i) => {
          if (i > 0) expect(edge).toBeGreaterThan(bins.edges[i - 1] ?? Infinity);
        });
        expect(bins.edges[0]).toBeLessThanOrEqual(Math.min(...list));
        expect(bins.edges.at(-1)).toBeGreaterThanOrEqual(Math.max(...list));
        expect(bins.edges.length).toBeLessThanOrEqual(83);
        expect(count_bins(data, bins).reduce((sum, count) => sum + count, 0)).toBe(list.length);
      }),
      { numRuns: 150 },
    );
    expect(choose_bins([Float64Array.of(0, 0.25, 0.5, 0.75, 1)]).edges).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(count_bins(Float64Array.of(0, 1, 1, 2, NaN), { edges: [0, 1, 2] })).toEqual([1, 3]);
  });
});

describe('coordinates', () => {
  test('cells, nodes, values and indices', () => {
    const cells = { name: 'x', extent: [0, 1] as const };
    expect([...sampleCoordinates(cells, 4)]).toEqual([0.125, 0.375, 0.625, 0.875]);
    expect([...cellEdges(cells, 4)]).toEqual([0, 0.25, 0.5, 0.75, 1]);
    const nodes = { ...cells, samples: 'nodes' as const };
    expect([...sampleCoordinates(nodes, 3)]).toEqual([0, 0.5, 1]);
    expect([...cellEdges(nodes, 3)]).toEqual([-0.25, 0.25, 0.75, 1.25]);
    const times = { name: 't', values: Float64Array.of(0, 1, 4) };
    expect([...cellEdges(times, 3)]).toEqual([-0.5, 0.5, 2.5, 5.5]);
    expect([...cellEdges(undefined, 2)]).toEqual([-0.5, 0.5, 1.5]);
  });
});

describe('files', () => {
  const spec: PlotSpec = {
    kind: 'auto',
    title: 'All kinds',
    series: [
      series('T', [12, 9], (k) => Math.sin(k), { axes: unitSquare, unit: 'K' }),
      series('u', [40], (k) => k * k),
      series('v', [40], (k) => 100 - k),
    ],
  };

  test('the file is a PNG of the size drawn, and the same each time', () => {
    const bytes = render_plot(spec);
    const canvas = draw_plot(spec);
    const { width, height, channels, data } = decode(bytes);
    expect([width, height, channels]).toEqual([canvas.width, canvas.height, 3]);
    expect(Buffer.compare(Uint8Array.from(data), canvas.pixels)).toBe(0);
    expect(Buffer.compare(render_plot(spec), bytes)).toBe(0);
  });

  test('the scale sets the number of pixels', () => {
    const one = draw_plot({ ...spec, scale: 1 });
    const three = draw_plot({ ...spec, scale: 3 });
    expect(three.width / one.width).toBeCloseTo(3, 1);
    expect(three.height / one.height).toBeCloseTo(3, 1);
  });

  test('the margin stays white and the content is inside', () => {
    for (const kind of ['line', 'scatter', 'histogram', 'heat'] as const) {
      const canvas = draw_plot({
        kind,
        series: [series('a label of some length', [64, 2], (k) => 1e7 * Math.sin(k), { unit: 'kg m^{-3}' })],
      });
      for (let x = 0; x < canvas.width; x += 1) {
        expect(pixelAt(canvas, x, 0)).toEqual([255, 255, 255]);
        expect(pixelAt(canvas, x, canvas.height - 1)).toEqual([255, 255, 255]);
      }
      for (let y = 0; y < canvas.height; y += 1) {
        expect(pixelAt(canvas, 0, y)).toEqual([255, 255, 255]);
        expect(pixelAt(canvas, canvas.width - 1, y)).toEqual([255, 255, 255]);
      }
    }
  });
});

describe('errors', () => {
  const wrong: readonly (readonly [string, PlotSpec, RegExp])[] = [
    ['no series', { kind: 'auto', series: [] }, /R120/],
    ['an empty array', { kind: 'line', series: [series('e', [0], () => 0)] }, /R120: "e" is empty/],
    ['a single number', { kind: 'auto', series: [series('k', [], () => 1)] }, /R121: "k" is a single number/],
    ['rank 4', { kind: 'auto', series: [series('a', [2, 2, 2, 2], () => 1)] }, /R121: "a" has 4 axes/],
    [
      'a vector as heat',
      { kind: 'heat', series: [series('v', [5], () => 1)] },
      /R121: "v" has 1 axes and cannot be drawn as heat/,
    ],
    ['points of one component', { kind: 'scatter', series: [series('p', [5, 1], () => 1)] }, /R121/],
    [
      'a pair of unequal lengths',
      { kind: 'line', series: [series('y', [3], () => 1, { x: { label: 't', data: new Float64Array(2) } })] },
      /R122.*"t" has 2 values and "y" has 3/,
    ],
  ];
  test.each(wrong)('%s', (_, spec, message) => {
    expect(() => render_plot(spec)).toThrow(message);
  });
});

describe('no data can break a picture', () => {
  const kinds = ['line', 'scatter', 'histogram', 'heat', 'auto'] as const;
  const extremes: readonly (readonly [string, (i: number) => number])[] = [
    ['constant', () => 3],
    ['zero', () => 0],
    ['tiny', (i) => 1e-300 * i],
    ['denormal', (i) => 5e-324 * i],
    ['huge', (i) => (i % 2 === 0 ? 1.7e308 : -1.7e308)],
    ['one value huge', (i) => (i === 1 ? 1e300 : 0)],
    ['negative', (i) => -1 - i],
    ['nearly equal', (i) => 1 + i * 2.3e-16],
    ['all NaN', () => NaN],
    ['all infinite', (i) => (i % 2 === 0 ? Infinity : -Infinity)],
    ['mixed', (i) => [NaN, 1, -Infinity, 2, 0][i % 5] ?? 0],
  ];
  test.each(extremes)('%s', (_, value) => {
    for (const kind of kinds) {
      for (const log of [undefined, 'xy'] as const) {
        const canvas = draw_plot({
          kind,
          scale: 1,
          ...(log ? { log } : {}),
          series: [series('a', [7, 2], value)],
        });
        expect(canvas.width).toBeLessThan(900);
        expect(canvas.height).toBeLessThan(900);
      }
    }
  });

  test('a single point and a single cell', () => {
    for (const kind of ['line', 'scatter', 'histogram'] as const) {
      expect(
        find(draw_plot({ kind, series: [series('p', [1], () => 4)] }), [255, 255, 255]).count,
      ).toBeGreaterThan(1000);
    }
    expect(draw_plot({ kind: 'heat', series: [series('p', [1, 1], () => 4)] }).width).toBeGreaterThan(100);
  });

  test('any doubles in any arrangement', () => {
    const arrays = fc.tuple(
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 6 }),
      fc.infiniteStream(fc.double()),
    );
    fc.assert(
      fc.property(
        arrays,
        fc.constantFrom(...kinds.filter((kind) => kind !== 'scatter')),
        ([n, m, numbers], kind) => {
          const list = [...numbers.take(n * m)];
          const canvas = draw_plot({ kind, scale: 1, series: [series('a', [n, m], (i) => list[i] ?? NaN)] });
          expect(canvas.width * canvas.height).toBeLessThan(900 * 900);
        },
      ),
      { numRuns: 60 },
    );
  });
});
