// Colours. In: a number from 0 to 1, or a place in a list. Out: a colour. Maps are tables made once a picture by interpolating a
// few anchors in OKLab, where equal steps look equal (Ottosson 2020): a sequential one after viridis (van der Walt and Smith
// 2015) and a diverging one, blue to red through near white, whose lightness falls alike to both sides.
// Line colours can be told apart with any kind of colour vision (Okabe and Ito 2008).

import type { Colour } from './canvas.ts';

export type ColourMap = readonly Colour[];

const sequentialAnchors: readonly Colour[] = [
  [68, 1, 84],
  [72, 40, 120],
  [62, 74, 137],
  [49, 104, 142],
  [38, 130, 142],
  [31, 158, 137],
  [53, 183, 121],
  [110, 206, 88],
  [181, 222, 43],
  [253, 231, 37],
];

/** Lightness, chroma and hue (degrees) in OKLCh of one end, the middle and the other end. */
const divergingLimbs = { dark: 0.42, light: 0.97, chroma: 0.135, coolHue: 256, warmHue: 27 };

const mapSize = 256;

/** Dark violet through green to yellow. */
export function sequential_map(): ColourMap {
  const anchors = sequentialAnchors.map(toOklab);
  return Array.from({ length: mapSize }, (_, i) => {
    const place = (i / (mapSize - 1)) * (anchors.length - 1);
    const below = Math.min(Math.floor(place), anchors.length - 2);
    return fromOklab(mix(anchors[below] ?? [0, 0, 0], anchors[below + 1] ?? [0, 0, 0], place - below));
  });
}

/** Blue below the middle, red above it, near white at it. */
export function diverging_map(): ColourMap {
  const { dark, light, chroma, coolHue, warmHue } = divergingLimbs;
  return Array.from({ length: mapSize }, (_, i) => {
    const signed = (2 * i) / (mapSize - 1) - 1;
    const away = Math.abs(signed);
    const hue = ((signed < 0 ? coolHue : warmHue) * Math.PI) / 180;
    const lightness = light + (dark - light) * away;
    // Chroma rises fast from the neutral middle and stays below what sRGB can show at the dark ends.
    const strength = chroma * Math.sin((Math.PI / 2) * Math.min(1, away * 1.35));
    return fromOklab([lightness, strength * Math.cos(hue), strength * Math.sin(hue)]);
  });
}

/** Colour of a place from 0 to 1; outside it the nearest end. */
export function mapColour(map: ColourMap, place: number): Colour {
  const index = Math.round(Math.min(1, Math.max(0, place)) * (map.length - 1));
  return map[index] ?? [0, 0, 0];
}

/** Cells without a finite value. */
export const missingColour: Colour = [186, 186, 186];

const lineColours: readonly Colour[] = [
  [0, 114, 178],
  [213, 94, 0],
  [0, 158, 115],
  [204, 121, 167],
  [64, 64, 64],
  [230, 159, 0],
  [86, 180, 233],
  [120, 81, 169],
];

/** Colour of the n-th line; they repeat after eight. */
export function lineColour(index: number): Colour {
  return lineColours[index % lineColours.length] ?? [0, 0, 0];
}

/** After how many lines the colours repeat. */
export const lineColourCount = lineColours.length;

type Oklab = readonly [number, number, number];

function mix(a: Oklab, b: Oklab, t: number): Oklab {
  return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];
}

function toOklab([red, green, blue]: Colour): Oklab {
  const [r, g, b] = [linear(red), linear(green), linear(blue)];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function fromOklab([lightness, a, b]: Oklab): Colour {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    encoded(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    encoded(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    encoded(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

/** sRGB byte to linear light. */
function linear(byte: number): number {
  const value = byte / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

function encoded(light: number): number {
  const value = light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055;
  return Math.round(255 * Math.min(1, Math.max(0, value)));
}
