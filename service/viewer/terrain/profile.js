// A profile: a line drawn on the view, and the heights along it, from the service.

import { getJson } from "../base/api.js";
import { announce, make, section } from "../base/dom.js";
import { lengthOf, value } from "../base/numbers.js";
import { drawChart } from "./chart.js";
import { Pen } from "./pen.js";

const SAMPLES = 240;

/** Buttons to draw a line, and the chart of what lies along it. */
export function showProfile({ facts, choice, stage }) {
  const chart = make("figure", { class: "chart", hidden: true });
  const said = make("p", { class: "said" }, HINT);
  const draw = make("button", { type: "button", onclick: () => pen.take() }, "Draw a line");
  const across = make("button", { type: "button", onclick: () => pen.draw(stage.view?.across() ?? []) }, "Across the view");
  const forget = make("button", { type: "button", class: "quiet", hidden: true, onclick: () => pen.forget() }, "Forget it");
  const profile = new Profile(facts, choice, chart, said);
  const pen = new Pen(stage, (line) => {
    draw.setAttribute("aria-pressed", String(line.isDrawing));
    forget.hidden = line.places.length === 0;
    profile.show(line);
  });
  choice.on(["metric"], () => profile.again());
  chart.addEventListener("sample", ({ detail }) => stage.view?.setMark(detail));
  return section("Profile", "profile", make("p", { class: "row" }, draw, across, forget), said, chart);
}

const HINT = "Heights along a line over the native cells.";
const DRAWING = "Click to set points, double-click to end. With the keyboard: Space, then Enter; Escape gives up.";

class Profile {
  constructor(facts, choice, chart, said) {
    Object.assign(this, { facts, choice, chart, said, line: null, asked: new AbortController() });
  }

  show(line) {
    this.line = line;
    this.said.textContent = line.isDrawing ? DRAWING : HINT;
    if (line.places.length < 2 || line.isDrawing) this.clear();
    else this.load();
  }

  again() {
    if (this.line && !this.chart.hidden) this.load();
  }

  clear() {
    this.asked.abort();
    this.chart.hidden = true;
  }

  async load() {
    this.asked.abort();
    this.asked = new AbortController();
    const metric = this.choice.get("metric");
    const query = new URLSearchParams({ ...addressOf(this.line.places), samples: SAMPLES, metric, interpolation: "bilinear" });
    try {
      const profile = await getJson(`${this.facts.address}/profile?${query}`, { signal: this.asked.signal });
      this.chart.hidden = false;
      drawChart(this.chart, profile, this.facts.unitOf(metric));
      this.said.textContent = wordsOf(profile, this.facts.unitOf(metric));
      announce(this.said.textContent);
      this.chart.scrollIntoView({ block: "nearest" });
    } catch (problem) {
      if (problem.name !== "AbortError") this.said.textContent = `There is no profile: ${problem.message}`;
    }
  }
}

/** Vertices as the service takes them: whole rows and columns are centres of cells there, corners here. */
function addressOf(places) {
  const isOnMap = "lon" in places[0];
  const pairs = places.map((each) => (isOnMap ? [each.lon, each.lat] : [each.row - 0.5, each.col - 0.5]));
  return {
    line: pairs.map((pair) => pair.map((number) => number.toFixed(7)).join(",")).join(";"),
    axes: isOnMap ? "lonlat" : "rowcol",
  };
}

function wordsOf({ samples, length, distance_unit: unit }, heightUnit) {
  const heights = samples.filter(({ status }) => status === "value").map(({ elevation }) => elevation);
  const far = lengthOf(length, unit);
  if (heights.length === 0) return `${far}, nowhere data.`;
  let [up, down] = [0, 0];
  heights.forEach((height, index) => {
    const rise = index ? height - heights[index - 1] : 0;
    if (rise > 0) up += rise;
    else down -= rise;
  });
  const [low, high] = [Math.min(...heights), Math.max(...heights)].map((each) => value(each, heightUnit));
  return `${far}: from ${low} to ${high}, ${value(up, heightUnit)} up and ${value(down, heightUnit)} down.`;
}
