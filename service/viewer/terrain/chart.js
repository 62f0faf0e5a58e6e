// The chart of a profile: heights over distance, with gaps where there is no data.

import { make } from "../base/dom.js";
import { lengthOf, roundRange, value } from "../base/numbers.js";

const WIDTH = 320;
const HEIGHT = 130;
const SVG = "http://www.w3.org/2000/svg";

/** Draw into a figure, which tells as "sample" which place is pointed at. */
export function drawChart(figure, { samples, length, distance_unit: unit }, heightUnit) {
  const heights = samples.filter(({ status }) => status === "value").map(({ elevation }) => elevation);
  const [low, high] = heights.length ? roundRange(Math.min(...heights), Math.max(...heights)) : [0, 1];
  const x = (sample) => (sample.distance / (length || 1)) * WIDTH;
  const y = (sample) => HEIGHT - ((sample.elevation - low) / (high - low)) * HEIGHT;
  const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  for (const share of [0.25, 0.5, 0.75]) svg.append(draw("path", { class: "rule", d: `M0 ${HEIGHT * share}H${WIDTH}` }));
  for (const run of runsOf(samples)) {
    const line = run.map((sample) => `${x(sample).toFixed(2)} ${y(sample).toFixed(2)}`).join("L");
    svg.append(draw("path", { class: "area", d: `M${x(run[0])} ${HEIGHT}L${line}L${x(run.at(-1))} ${HEIGHT}Z` }));
    svg.append(draw("path", { class: "edge", d: `M${line}` }));
  }
  const rule = draw("path", { class: "here", d: "" });
  svg.append(rule);
  const here = make("output", { class: "here" });
  const ends = make("span", { class: "heights", "aria-hidden": "true" }, make("span", {}, value(high, heightUnit)), make("span", {}, value(low, heightUnit)));
  const distances = make("p", { class: "ends", "aria-hidden": "true" }, make("span", {}, "0"), here, make("span", {}, lengthOf(length, unit)));
  figure.replaceChildren(make("div", { class: "plot" }, ends, svg), distances);
  const point = (sample) => {
    rule.setAttribute("d", sample ? `M${x(sample)} 0V${HEIGHT}` : "");
    here.textContent = sample ? `${lengthOf(sample.distance, unit)}: ${value(sample.elevation, heightUnit)}` : "";
    figure.dispatchEvent(new CustomEvent("sample", { detail: sample && placeOf(sample) }));
  };
  svg.addEventListener("pointermove", (event) => {
    const { left, width } = svg.getBoundingClientRect();
    point(samples[Math.max(0, Math.min(samples.length - 1, Math.round(((event.clientX - left) / width) * (samples.length - 1))))]);
  });
  svg.addEventListener("pointerleave", () => point(null));
}

/** Samples that follow one another and have values. */
function* runsOf(samples) {
  let run = [];
  for (const sample of [...samples, { status: "end" }]) {
    if (sample.status === "value") run.push(sample);
    else {
      if (run.length) yield run;
      run = [];
    }
  }
}

function placeOf({ lon, lat, row, col }) {
  return lon === undefined ? { row: row + 0.5, col: col + 0.5 } : { lon, lat };
}

function draw(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, each] of Object.entries(attributes)) element.setAttribute(name, each);
  return element;
}
