// What is drawn of a terrain: its colours, its relief, and its heights as ground in 3D.

import { getJson } from "../base/api.js";

const TILE_SIDE = 256;
const DEPTH = 1.4;

/** Sources and layers of the chosen metric's current generation. */
export class Layers {
  constructor(map, { facts, choice, scale }) {
    Object.assign(this, { map, facts, choice, scale, shown: "", wanted: "" });
    const ground = getComputedStyle(document.documentElement).getPropertyValue("--sunk").trim();
    map.addLayer({ id: "ground", type: "background", paint: { "background-color": ground || "#ebe6de" } });
  }

  /** Draw what is chosen now. */
  async refresh() {
    const metric = this.choice.get("metric");
    const { generation } = this.facts.pyramids.get(metric);
    const range = generation ? await this.scale.get() : null;
    if (metric !== this.choice.get("metric")) return;
    if (!range) {
      this.clear();
      return;
    }
    const base = `${this.facts.address}/map/${metric}@${generation}/WebMercatorQuad`;
    const colours = `${base}/${this.choice.get("ramp")};rescale=${range.low},${range.high}`;
    const heights = `${base}/terrain-rgb;nodata_height=${range.low}`;
    if (this.shown !== colours) await this.draw(colours, heights, this.facts.unitOf(metric) !== null);
    this.setRelief();
    this.setDepth();
  }

  async draw(colours, heights, hasUnit) {
    this.wanted = colours;
    const told = await getJson(`${colours}/tilejson.json`);
    // heights in metres alone can be encoded; colours there are always
    const isHeight = hasUnit && (await getJson(`${heights}/tilejson.json`).then(() => true, () => false));
    if (this.wanted !== colours) return; // something else was chosen meanwhile
    this.clear();
    this.shown = colours;
    this.map.addSource("colours", { type: "raster", ...sourceOf(colours, told) });
    this.map.addLayer({
      id: "colours",
      type: "raster",
      source: "colours",
      paint: { "raster-resampling": "nearest", "raster-fade-duration": 0 },
    });
    if (!isHeight) return;
    // MapLibre wants one source for the light and another for the ground
    for (const name of ["relief", "heights"]) {
      this.map.addSource(name, { type: "raster-dem", encoding: "mapbox", ...sourceOf(heights, told) });
    }
    this.map.addLayer({ id: "relief", type: "hillshade", source: "relief", paint: RELIEF });
  }

  clear() {
    this.shown = "";
    this.map.setTerrain(null);
    for (const name of ["relief", "colours"]) {
      if (this.map.getLayer(name)) this.map.removeLayer(name);
    }
    for (const name of ["relief", "colours", "heights"]) {
      if (this.map.getSource(name)) this.map.removeSource(name);
    }
  }

  setRelief() {
    const isOn = this.choice.get("relief") === "on";
    if (this.map.getLayer("relief")) this.map.setLayoutProperty("relief", "visibility", isOn ? "visible" : "none");
  }

  setDepth() {
    const isOn = this.choice.get("depth") === "on" && this.map.getSource("heights") !== undefined;
    if (isOn === Boolean(this.map.getTerrain())) return;
    this.map.setTerrain(isOn ? { source: "heights", exaggeration: DEPTH } : null);
    this.map.easeTo({ pitch: isOn ? 58 : 0, bearing: isOn ? -20 : 0, duration: isCalm() ? 0 : 700 });
  }
}

const RELIEF = {
  "hillshade-exaggeration": 0.42,
  "hillshade-shadow-color": "#2b2118",
  "hillshade-highlight-color": "#fff8e8",
  "hillshade-accent-color": "#4a3a2a",
};

function sourceOf(address, { minzoom, maxzoom, bounds }) {
  const tiles = [`${location.origin}${address}/{z}/{x}/{y}{ratio}.png`];
  return { tiles, tileSize: TILE_SIDE, minzoom, maxzoom, ...(bounds && bounds[0] < bounds[2] && { bounds }) };
}

function isCalm() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
