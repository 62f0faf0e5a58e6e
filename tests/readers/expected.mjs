// What a reader has to find in the pyramids, and the report of what it did find: `expected.py` for Node.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

export const UNTOLD = "untold";
export const ZARR = ["HTTP sharded", "HTTP unsharded"];

function cellsOf(folder, level) {
  const bytes = readFileSync(join(folder, level.cells));
  return new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8);
}

/**
 * Look at every pyramid by every way and print what came of it.
 *
 * A look resolves to what was found of each level, finest first: shape, cells, and where the reader
 * has a notion of them, transform, epsg and nodata.
 */
export async function report(reader, version, looks) {
  const path = process.argv[2];
  const seen = [];
  for (const [way, look] of Object.entries(looks)) {
    for (const each of JSON.parse(readFileSync(path))) {
      seen.push({ way, kind: each.kind, ...(await judge(each, dirname(path), way, look)) });
    }
  }
  process.stdout.write(JSON.stringify({ reader, version, seen }));
}

async function judge(wanted, folder, way, look) {
  const nodata = wanted.nodata ?? NaN;
  let found;
  try {
    found = await look(wanted, wanted.ways[way]);
  } catch (error) {
    return { failed: error.message.split("\n")[0] };
  }
  return {
    levels: levelsOf(wanted, found),
    values: valuesOf(wanted, found, folder, nodata),
    crs: allAre(wanted.epsg ?? undefined, found.map((each) => ("epsg" in each ? each.epsg : UNTOLD))),
    nodata: allAre(nodata, found.map((each) => each.nodata ?? UNTOLD)),
  };
}

function levelsOf(wanted, found) {
  const shapes = JSON.stringify(found.map((each) => each.shape));
  const expected = JSON.stringify(wanted.levels.map((level) => level.shape));
  if (shapes !== expected) return `${shapes} instead of ${expected}`;
  for (const [number, each] of found.entries()) {
    if (each.transform && each.transform.some((value, i) => value !== wanted.levels[number].transform[i]))
      return `level ${number} lies at ${each.transform}`;
  }
  return "yes";
}

function valuesOf(wanted, found, folder, nodata) {
  if (found.length !== wanted.levels.length) return `${found.length} of ${wanted.levels.length} levels`;
  const tolerance = wanted.metric === "mean" ? 2 ** -22 : 0;
  for (const [number, each] of found.entries()) {
    const expected = cellsOf(folder, wanted.levels[number]);
    const isEqual = (value, i) =>
      Number.isNaN(expected[i])
        ? Number.isNaN(value) || value === nodata
        : Math.abs(value - expected[i]) <= tolerance * Math.abs(expected[i]);
    if (each.cells.length !== expected.length || !each.cells.every(isEqual)) return `level ${number} differs`;
  }
  return "yes";
}

function allAre(wanted, found) {
  if (found.every((each) => each === UNTOLD)) return "–";
  const wrong = found.findIndex((each) => !Object.is(each, wanted));
  return wrong < 0 ? "yes" : `${found[wrong] ?? "none"} instead of ${wanted ?? "none"}`;
}
