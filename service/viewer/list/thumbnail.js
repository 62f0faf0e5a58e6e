// A small picture of a terrain: a coarse level of a pyramid that is built anyway.

import { getCells, getJson } from "../base/api.js";
import { paint, summarize, typicalRise } from "../base/painter.js";

const CELLS_A_SIDE = 160;

/** Draw a terrain's pyramid on a canvas; whether there was anything to draw. Nothing is built for it. */
export async function drawThumbnail(canvas, terrain, pyramids) {
  const metric = ["mean", "max", ...Object.keys(pyramids)].find((each) => pyramids[each] === "ready");
  if (!metric) return false;
  const address = `/terrain/${terrain.name}/pyramid/${metric}`;
  const state = await getJson(address);
  const level = state.levels.find(({ height, width }) => Math.max(height, width) <= CELLS_A_SIDE);
  const cells = await getCells(`${address}/${level.level}?f=npy`);
  const nodata = state.nodata === "NaN" ? NaN : state.nodata;
  const { low, high, valid } = summarize(cells, nodata);
  if (valid === 0) return false;
  const inner = { top: 0, left: 0, height: cells.height, width: cells.width };
  const relief = cells.width * cells.height > 400 ? typicalRise(cells, nodata) : 0;
  canvas.height = cells.height;
  canvas.width = cells.width;
  canvas.getContext("2d").putImageData(paint(cells, inner, { ramp: "terrain", low, high, nodata, relief }), 0, 0);
  canvas.classList.toggle("coarse", cells.width < 64);
  return true;
}
