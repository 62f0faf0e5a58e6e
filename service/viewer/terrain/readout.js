// What is under the cursor: on the map the height that the service tells, in the cells view the cell.

import { getJson } from "../base/api.js";
import { afterwards, announce, make } from "../base/dom.js";
import { lonlat, value as written } from "../base/numbers.js";

const STILL_MS = 70;
const SPOKEN_MS = 400;

/** A box over the stage; what it says is said aloud when things have been still for a moment. */
export function showReadout(room) {
  const box = make("div", { class: "readout", hidden: true });
  const readout = new Readout(room, box);
  const ask = afterwards((place) => readout.ask(place), STILL_MS);
  room.stage.addEventListener("point", ({ detail }) => {
    readout.place = detail;
    if (detail === null) box.hidden = true;
    else if ("level" in detail) readout.showCell(detail);
    else ask(detail);
  });
  return box;
}

class Readout {
  constructor({ facts, choice, stage }, box) {
    Object.assign(this, { facts, choice, stage, box, place: null, asked: new AbortController() });
    this.say = afterwards((words) => announce(words), SPOKEN_MS);
  }

  get metric() {
    return this.choice.get("metric");
  }

  get unit() {
    return this.facts.unitOf(this.metric);
  }

  /** What lies at a place of the map, in the native cell that it is in. */
  async ask(place) {
    this.asked.abort();
    this.asked = new AbortController();
    const query = new URLSearchParams({ lon: place.lon.toFixed(8), lat: place.lat.toFixed(8), metric: this.metric });
    try {
      const found = await getJson(`${this.facts.address}/elevation?${query}`, { signal: this.asked.signal });
      if (place === this.place) this.showFound(place, found);
    } catch (problem) {
      if (problem.name !== "AbortError") this.show(make("span", { class: "where" }, problem.message));
    }
  }

  showFound(place, { elevation, status, row, col }) {
    const words = status === "outside" ? "outside" : written(elevation, this.unit);
    const where = row === null ? null : make("span", { class: "where" }, `row ${row}, column ${col}`);
    this.show(make("b", { class: "value" }, words), make("span", { class: "where" }, lonlat(place.lon, place.lat)), where);
    this.tell(`${words} at ${lonlat(place.lon, place.lat)}`);
  }

  showCell({ level, row, col, value, children }) {
    const words = wordOf(value, this.unit);
    const where = make("span", { class: "where" }, `level ${level} · row ${row}, column ${col}`);
    this.show(make("b", { class: "value" }, words), where, level === 0 ? null : familyOf(this.metric, children));
    this.tell(`Row ${row}, column ${col}: ${words}`);
  }

  show(...parts) {
    this.box.hidden = false;
    this.box.replaceChildren(...parts.filter((part) => part !== null));
  }

  /** To those who have the focus on the view: others only pass by with the mouse. */
  tell(words) {
    if (this.stage.port.contains(document.activeElement)) this.say(words);
  }
}

/** The 2 × 2 of the level below that became one cell. */
function familyOf(metric, children) {
  const rows = children.map((row) => make("tr", {}, ...row.map((each) => make("td", {}, each === undefined ? "" : wordOf(each, null)))));
  const table = make("table", { "aria-label": "Cells of the level below" }, ...rows);
  return make("div", { class: "family" }, make("span", {}, `${metric} of`), table);
}

function wordOf(value, unit) {
  return value === undefined ? "…" : written(value, unit);
}
