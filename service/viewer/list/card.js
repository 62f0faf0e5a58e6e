// One terrain on the list: what it is called, how large it is, how its pyramids stand.

import { getJson } from "../base/api.js";
import { make } from "../base/dom.js";
import { count, several } from "../base/numbers.js";
import { drawThumbnail } from "./thumbnail.js";

const WORTH_TELLING = ["ready", "stale", "building", "failed", "corrupt"];

/** A card whose picture and states come when it is scrolled into view. */
export function makeCard(terrain, seen) {
  const canvas = make("canvas", { width: 160, height: 100, "aria-hidden": "true" });
  const states = make("ul", { class: "states", "aria-label": "Pyramids" });
  const card = make(
    "li",
    { class: "card" },
    make("div", { class: "picture" }, canvas),
    make(
      "div",
      { class: "words" },
      make("h2", {}, make("a", { href: `/terrain/${terrain.name}` }, terrain.title || terrain.name)),
      make("p", { class: "name" }, terrain.name),
      make("p", { class: "facts" }, sizeOf(terrain)),
      make("p", { class: "facts" }, placeOf(terrain)),
      states,
    ),
  );
  seen(card, () => complete(card, canvas, states, terrain));
  return card;
}

async function complete(card, canvas, states, terrain) {
  try {
    const { pyramids } = await getJson(`/terrain/${terrain.name}`);
    const told = Object.entries(pyramids).filter(([, state]) => WORTH_TELLING.includes(state));
    states.replaceChildren(...told.map(([metric, state]) => badge(metric, state)));
    if (told.length === 0) states.append(badge("no pyramid yet", "absent"));
    const isDrawn = terrain.tile_count > 0 && (await drawThumbnail(canvas, terrain, pyramids));
    card.classList.toggle("drawn", isDrawn);
  } catch (problem) {
    states.replaceChildren(badge(problem.message, "failed"));
  }
}

/** A state in a word and a colour. */
export function badge(words, state) {
  const told = state === "absent" ? words : `${words}: ${state}`;
  return make("li", { class: `badge ${state}` }, state === "ready" ? words : told);
}

function sizeOf({ size, tile_count: tiles, level_count: levels }) {
  if (!size) return "No tiles yet";
  return `${count(size.width)} × ${count(size.height)} cells, ${several(levels, "level")}, ${several(tiles, "tile")}`;
}

function placeOf({ crs, lonlat_extent: extent }) {
  if (!crs) return "Not georeferenced";
  if (!extent) return nameOf(crs);
  const side = (degrees, [more, less]) => `${Math.abs(degrees).toFixed(2)}° ${degrees < 0 ? less : more}`;
  const west = `${side(extent.left, "EW")} – ${side(extent.right, "EW")}`;
  return `${west}, ${side(extent.bottom, "NS")} – ${side(extent.top, "NS")}`;
}

/** What a CRS is called: its code, or the name in its WKT. */
export function nameOf(crs) {
  return /^[A-Z]+:\w+$/.test(crs) ? crs : (/"([^"]+)"/.exec(crs)?.[1] ?? "own CRS");
}
