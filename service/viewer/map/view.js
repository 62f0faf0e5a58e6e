// The map of a georeferenced terrain: map tiles of the service, drawn by MapLibre.

import { getJson } from "../base/api.js";
import { make } from "../base/dom.js";
import { withKey } from "../base/key.js";
import { Layers } from "./layers.js";
import { Lines } from "./lines.js";

const MOST_CELLS = 192; // a side, for statistics of what is visible
const PACKAGE = "/viewer/packages/maplibre-gl";

/** A view as the stage has it; resolves when the map can be drawn on. */
export async function openMap(room, stage) {
  const [library] = await Promise.all([import(`${PACKAGE}/maplibre-gl.mjs`), loadSheet()]);
  library.setWorkerUrl(`${PACKAGE}/maplibre-gl-worker.mjs`); // by itself it asks with a version, which no file here has
  const view = new MapView(library, room, stage);
  await view.map.once("load");
  view.begin();
  return view;
}

function loadSheet() {
  return new Promise((resolve, reject) => {
    const link = make("link", { rel: "stylesheet", href: `${PACKAGE}/maplibre-gl.css`, onload: resolve, onerror: () => reject(new Error("no style sheet")) });
    document.head.append(link);
  });
}

class MapView {
  constructor(library, room, stage) {
    Object.assign(this, { room, stage, pen: null, refreshes: 0 });
    const place = make("div", { class: "map" });
    this.element = make("div", { class: "view" }, place);
    stage.port.replaceChildren(this.element); // a map needs to know its size from the beginning
    this.map = new library.Map({
      container: place,
      style: { version: 8, sources: {}, layers: [] },
      bounds: boundsOf(room.facts.terrain.lonlat_extent),
      fitBoundsOptions: { padding: 40 },
      attributionControl: false,
      maxPitch: 75,
      renderWorldCopies: true,
      transformRequest: (url) => ({ url, headers: withKey() }),
      locale: { "Map.Title": "Map. Arrow keys move it, plus and minus zoom; the height in its middle is told." },
    });
    this.map.addControl(new library.NavigationControl({ visualizePitch: true }), "bottom-right");
    this.map.addControl(new library.ScaleControl({ maxWidth: 140 }), "bottom-left");
  }

  begin() {
    const { map, room, stage } = this;
    this.layers = new Layers(map, room);
    this.lines = new Lines(map);
    map.on("mousemove", ({ lngLat }) => this.pointAt(lngLat));
    map.on("mouseout", () => stage.tell("point", null));
    map.on("click", ({ lngLat }) => this.touch(lngLat));
    map.on("dblclick", (event) => this.endLine(event));
    map.on("moveend", () => this.moved());
    map.on("idle", () => this.element.classList.toggle("drawn", this.refreshes === 0));
    map.on("movestart", () => this.element.classList.remove("drawn"));
    map.getCanvas().addEventListener("keydown", (event) => this.press(event));
    room.choice.on(["ramp", "relief", "depth"], () => this.refresh());
    this.refresh();
  }

  show() {
    this.map.resize();
    this.moved();
  }

  hide() {
    this.stage.complain("");
  }

  focus() {
    this.map.getCanvas().focus({ focusVisible: true });
  }

  async refresh() {
    this.element.classList.remove("drawn");
    this.refreshes += 1;
    try {
      await this.layers.refresh();
      this.stage.complain("");
    } catch (problem) {
      this.stage.complain(`The map cannot be drawn: ${problem.message}`);
    }
    this.refreshes -= 1;
    this.lines.raise();
    this.map.triggerRepaint();
    this.stage.tell("moved");
  }

  pointAt({ lng, lat }) {
    this.stage.tell("point", { lon: wrap(lng), lat });
  }

  touch(lngLat) {
    if (this.pen) this.pen.add({ lon: wrap(lngLat.lng), lat: lngLat.lat });
    else this.pointAt(lngLat);
  }

  endLine(event) {
    if (!this.pen) return;
    event.preventDefault();
    this.pen.finish();
  }

  moved() {
    this.stage.tell("moved");
    // who moves the map with keys has no pointer: the middle is what is pointed at
    if (this.map.getCanvas().matches(":focus-visible")) this.pointAt(this.map.getCenter());
  }

  press(event) {
    const { pen } = this;
    const { lng, lat } = this.map.getCenter();
    if (pen && event.key === " ") pen.add({ lon: wrap(lng), lat });
    else if (pen && event.key === "Enter") pen.finish();
    else if (pen && event.key === "Escape") pen.giveUp();
    else return;
    event.preventDefault();
  }

  setLine(places) {
    this.lines.setLine(places);
  }

  setMark(place) {
    this.lines.setMark(place);
  }

  /** What of the terrain is visible, in degrees: west, south, east, north. */
  get bbox() {
    const bounds = this.map.getBounds();
    const [left, bottom, right, top] = boundsOf(this.room.facts.terrain.lonlat_extent);
    const turn = 360 * Math.round((bounds.getCenter().lng - (left + right) / 2) / 360);
    return [
      Math.max(bounds.getWest(), left + turn),
      Math.max(bounds.getSouth(), bottom),
      Math.min(bounds.getEast(), right + turn),
      Math.min(bounds.getNorth(), top),
    ];
  }

  across() {
    const [west, , east] = this.bbox;
    const { lat } = this.map.getCenter();
    return [west, east].map((lon) => ({ lon: wrap(lon), lat }));
  }

  /** The cells that are visible, at a level where they are not too many; null when there are none. */
  async seen() {
    const { facts, choice } = this.room;
    const [west, south, east, north] = this.bbox;
    const isBuilt = facts.pyramids.get(choice.get("metric")).generation;
    if (!isBuilt || west >= east || south >= north) return null;
    const bbox = [wrap(west), south, wrap(east), north].map((each) => each.toFixed(7)).join(",");
    const query = new URLSearchParams({ bbox, max_size: MOST_CELLS, f: "json" });
    const found = await getJson(`${facts.addressOf(choice.get("metric"))}/auto?${query}`, { headers: { Prefer: "wait=0" } });
    if (!found.values) return null; // a build goes on
    const rows = found.values.map((row) => Float64Array.from(row, (value) => value ?? NaN));
    return { ...found, nodata: null, blocks: () => rows };
  }
}

function boundsOf({ left, bottom, right, top }) {
  return [left, Math.max(bottom, -85), right < left ? right + 360 : right, Math.min(top, 85)];
}

function wrap(lon) {
  return ((((lon + 180) % 360) + 360) % 360) - 180;
}
