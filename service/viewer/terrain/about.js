// What a terrain is called and how large it is.

import { make } from "../base/dom.js";
import { count, lonlat, several } from "../base/numbers.js";
import { hasMap } from "../base/packages.js";
import { nameOf } from "../list/card.js";

/** Title, words and facts. */
export function showAbout({ facts }) {
  const { terrain } = facts;
  const told = make("dl", { class: "facts" });
  for (const [name, value] of factsOf(terrain)) told.append(make("dt", {}, name), make("dd", {}, value));
  return make(
    "section",
    { class: "panel about", "aria-labelledby": "terrain-title" },
    make("p", { class: "name" }, terrain.name),
    make("h1", { id: "terrain-title" }, terrain.title || terrain.name),
    terrain.description ? make("p", {}, terrain.description) : null,
    told,
  );
}

function* factsOf(terrain) {
  if (terrain.size) {
    yield ["Cells", `${count(terrain.size.width)} × ${count(terrain.size.height)}, ${several(terrain.level_count, "level")}`];
  }
  yield ["Tiles", count(terrain.tile_count)];
  yield ["CRS", terrain.crs ? nameOf(terrain.crs) : "none: cells only"];
  if (terrain.crs && !hasMap()) yield ["Map", "not installed with this service; scripts/viewer fetches it"];
  const extent = terrain.lonlat_extent;
  if (extent) yield ["Extent", `${lonlat(extent.left, extent.bottom)} to ${lonlat(extent.right, extent.top)}`];
  if (terrain.unit) yield ["Unit", terrain.vertical_datum ? `${terrain.unit}, ${terrain.vertical_datum}` : terrain.unit];
  if (terrain.license) yield ["Licence", terrain.license];
  if (terrain.attribution) yield ["Source", terrain.attribution];
}
