// zarrita, which web maps read Zarr with: all that is known of a level is in one read of metadata.

import { createRequire } from "node:module";
import * as zarr from "zarrita";

import { report, ZARR } from "./expected.mjs";

async function look(_wanted, address) {
  const store = await zarr.withConsolidatedMetadata(new zarr.FetchStore(address));
  const root = await zarr.open.v3(store, { kind: "group" });
  return Promise.all(root.attrs.multiscales.layout.map((entry) => levelOf(root, entry.asset)));
}

async function levelOf(root, asset) {
  const array = await zarr.open.v3(root.resolve(`${asset}/elevation`), { kind: "array" });
  const { data } = await zarr.get(array);
  return {
    shape: array.shape,
    cells: data,
    transform: array.attrs["spatial:transform"],
    epsg: epsgOf(array.attrs["proj:code"]),
    nodata: array.fillValue,
  };
}

function epsgOf(code) {
  return code && Number(code.replace("EPSG:", ""));
}

const { version } = createRequire(import.meta.url)("./node_modules/zarrita/package.json");
await report("zarrita", version, Object.fromEntries(ZARR.map((way) => [way, look])));
