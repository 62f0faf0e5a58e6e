// OpenLayers: the source of a web map's tiles, without the map.
//
// It stretches each level over the whole extent, so it has no place of a level's own to compare;
// a cell is the pixel at its centre.

import { createRequire } from "node:module";
import { register } from "ol/proj/proj4.js";
import GeoZarr from "ol/source/GeoZarr.js";
import TileState from "ol/TileState.js";
import proj4 from "proj4";

import { report, ZARR } from "./expected.mjs";

register(proj4);

async function look(_wanted, address) {
  const source = new GeoZarr({ url: address, bands: ["elevation"], resample: "nearest" });
  await becomes(source, () => source.getState() !== "loading");
  if (source.getState() !== "ready") throw source.error_;
  const shapes = (await (await fetch(`${address}/zarr.json`)).json()).attributes.multiscales.layout.map(
    (entry) => entry["spatial:shape"],
  );
  const zooms = source.tileGrid.getResolutions().length;
  const epsg = Number(source.getProjection().getCode().replace("EPSG:", ""));
  const found = [];
  for (let zoom = zooms - 1; zoom >= 0; zoom -= 1) {
    const shape = shapes[zooms - 1 - zoom];
    found.push({ shape, epsg, cells: await cellsOf(source, zoom, shape) });
  }
  return found;
}

async function cellsOf(source, zoom, [height, width]) {
  const [left, bottom, right, top] = source.tileGrid.getExtent();
  const resolution = source.tileGrid.getResolution(zoom);
  const [across, down] = [source.tileGrid.getTileSize(zoom)].flat().concat(source.tileGrid.getTileSize(zoom));
  const tiles = new Map();
  const cells = [];
  for (let row = 0; row < height; row += 1) {
    const y = Math.floor((((row + 0.5) / height) * (top - bottom)) / resolution);
    for (let col = 0; col < width; col += 1) {
      const x = Math.floor((((col + 0.5) / width) * (right - left)) / resolution);
      const place = [zoom, Math.floor(x / across), Math.floor(y / down)];
      if (!tiles.has(String(place))) tiles.set(String(place), await pixelsOf(source, place));
      const at = 2 * ((y % down) * across + (x % across));
      const [value, opacity] = tiles.get(String(place)).subarray(at, at + 2);
      cells.push(opacity ? value : NaN);
    }
  }
  return cells;
}

async function pixelsOf(source, place) {
  const tile = source.getTile(...place);
  tile.load();
  await becomes(tile, () => tile.getState() !== TileState.LOADING);
  if (tile.getState() !== TileState.LOADED) throw new Error(`tile ${place} cannot be loaded`);
  return tile.getData();
}

function becomes(changing, isSo) {
  return new Promise((resolve) => {
    const look = () => isSo() && resolve();
    changing.addEventListener("change", look);
    look();
  });
}

const { version } = createRequire(import.meta.url)("./node_modules/ol/package.json");
await report("OpenLayers", version, Object.fromEntries(ZARR.map((way) => [way, look])));
