// Cells as pixels: a colour for each value, darker on slopes that face away from the light.

import { tableOf } from "./ramps.js";

/** Whether a value is one: nodata is the array's own word for "no measurement", NaN always is. */
export function isData(value, nodata) {
  return !Number.isNaN(value) && value !== nodata;
}

/** Lowest and highest value of a block of cells, their mean, and how many have one. */
export function summarize({ values }, nodata) {
  let [low, high, sum, valid] = [Infinity, -Infinity, 0, 0];
  for (const value of values) {
    if (!isData(value, nodata)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
    sum += value;
    valid += 1;
  }
  return { low, high, mean: valid ? sum / valid : NaN, valid, total: values.length };
}

/**
 * Paint a window of cells.
 *
 * @param {{height: number, width: number, values: ArrayLike<number>}} cells with a halo, where there is one
 * @param {{top: number, left: number, height: number, width: number}} inner what of them is painted
 * @param {{ramp: string, low: number, high: number, nodata: number | null, relief: number}} style
 *     `relief`: rise for each step to the next cell that counts as 45°, or 0 for no shading
 * @returns {ImageData} a pixel for each cell, transparent without data
 */
export function paint(cells, inner, style) {
  const table = tableOf(style.ramp);
  const image = new ImageData(inner.width, inner.height);
  const { values, width } = cells;
  const factor = 255 / (style.high - style.low || 1);
  let target = 0;
  for (let row = 0; row < inner.height; row += 1) {
    for (let col = 0; col < inner.width; col += 1, target += 4) {
      const at = (row + inner.top) * width + col + inner.left;
      const value = values[at];
      if (!isData(value, style.nodata)) continue;
      const colour = 3 * Math.max(0, Math.min(255, Math.round((value - style.low) * factor)));
      const light = style.relief ? lightOn(cells, at, style) : 1;
      for (let band = 0; band < 3; band += 1) image.data[target + band] = table[colour + band] * light;
      image.data[target + 3] = 255;
    }
  }
  return image;
}

// The light comes from the north-west, 45° above the horizon.
const LIGHT = [-0.5, -0.5, Math.SQRT1_2];

function lightOn({ values, width }, at, { nodata, relief }) {
  const here = values[at];
  const next = (step) => {
    const value = values[at + step];
    return value === undefined || !isData(value, nodata) ? here : value;
  };
  const col = at % width;
  const east = ((col < width - 1 ? next(1) : here) - (col > 0 ? next(-1) : here)) / (2 * relief);
  const south = (next(width) - next(-width)) / (2 * relief);
  const shade = (-east * LIGHT[0] - south * LIGHT[1] + LIGHT[2]) / Math.hypot(east, south, 1);
  return 0.5 + 0.71 * Math.max(0, shade);
}

/** Rise for each step to the next cell that is steep here: so that relief shows whatever the unit is. */
export function typicalRise({ values, width }, nodata) {
  const rises = [];
  const step = Math.max(1, Math.floor(values.length / 4000));
  for (let at = 0; at + 1 < values.length; at += step) {
    const isAtEdge = (at + 1) % width === 0;
    if (isAtEdge || !isData(values[at], nodata) || !isData(values[at + 1], nodata)) continue;
    rises.push(Math.abs(values[at + 1] - values[at]));
  }
  rises.sort((one, other) => one - other);
  return 1.6 * rises[Math.floor(rises.length * 0.8)] || 1;
}
