// Where the data is: addresses and code to copy.

import { announce, make, section } from "../base/dom.js";

/** Addresses of the chosen pyramid, and how xarray opens it. */
export function showLinks({ facts, choice }) {
  const list = make("div", { class: "links" });
  const tell = () => list.replaceChildren(...linksOf(facts, choice.get("metric")));
  choice.on(["metric"], tell);
  facts.addEventListener("generation", tell);
  tell();
  return section("Use it", "use", list);
}

function* linksOf(facts, metric) {
  const pyramid = facts.pyramids.get(metric);
  if (!pyramid.zarr_url) {
    yield make("p", {}, "There are addresses to give once it is built.");
    return;
  }
  const zarr = absolute(pyramid.zarr_url);
  yield copied("Zarr", zarr, `${zarr}/zarr.json`);
  const matrix = facts.isGeoreferenced ? "WebMercatorQuad" : "native";
  const tiles = absolute(`${facts.address}/map/${metric}/${matrix}/tilejson.json`);
  yield copied("TileJSON", tiles, tiles);
  if (pyramid.vrt_url) yield copied("VRT for GDAL and QGIS", absolute(pyramid.vrt_url), absolute(pyramid.vrt_url));
  yield copied("xarray", snippetOf(zarr, facts.unitOf(metric)), null);
}

function snippetOf(zarr, unit) {
  return [
    "import xarray",
    "",
    `tree = xarray.open_datatree(\n    "${zarr}",\n    engine="zarr", chunks={},\n)`,
    `tree["0"].elevation  # native cells${unit ? `, in ${unit}` : ""}`,
  ].join("\n");
}

function absolute(path) {
  return new URL(path, location.origin).href;
}

/** Text to copy, with a button that does it; a link, if it is an address. */
function copied(name, text, address) {
  const button = make(
    "button",
    { type: "button", class: "quiet", "aria-label": `Copy: ${name}`, onclick: () => copy(button, name, text) },
    "Copy",
  );
  const shown = address ? make("a", { href: address }, text) : make("code", {}, text);
  const box = make("div", { class: "box", tabindex: 0, role: "group", "aria-label": name }, shown);
  return make("div", { class: `copied${address ? "" : " code"}` }, make("span", { class: "label" }, name), button, box);
}

async function copy(button, name, text) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    announce(`${name} is copied`);
  } catch {
    const box = button.nextElementSibling;
    getSelection().selectAllChildren(box); // not over plain HTTP from elsewhere: the reader copies it
    button.textContent = "Selected";
  }
  setTimeout(() => (button.textContent = "Copy"), 2000);
}
