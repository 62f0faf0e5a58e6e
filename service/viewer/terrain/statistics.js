// Statistics of what is visible.

import { afterwards, make, section } from "../base/dom.js";
import { count, value } from "../base/numbers.js";
import { isData } from "../base/painter.js";

const BINS = 36;

/** Lowest, highest, mean, how much has data, and a histogram. */
export function showStatistics({ facts, choice, stage, scale }) {
  const told = make("dl", { class: "facts" });
  const chart = make("div", { class: "histogram", "aria-hidden": "true" });
  const said = make("p", { class: "said" }, "");
  const tell = async () => {
    const { view } = stage;
    const [seen, range] = await Promise.all([view?.seen(), scale.get()]).catch(() => []);
    if (view !== stage.view) return;
    if (!seen || !range) {
      told.replaceChildren();
      chart.replaceChildren();
      said.textContent = "Nothing is visible.";
      return;
    }
    const found = reckon(seen, range);
    said.textContent = `${count(seen.width)} × ${count(seen.height)} cells of level ${seen.level}`;
    told.replaceChildren(...rowsOf(found, facts.unitOf(choice.get("metric"))));
    chart.replaceChildren(drawHistogram(found.bins));
  };
  const later = afterwards(tell, 150);
  stage.addEventListener("moved", later);
  stage.addEventListener("view", later);
  return section("In view", "statistics", said, told, chart);
}

/** @returns {{low: number, high: number, mean: number, valid: number, total: number, bins: number[]}} */
function reckon({ blocks, nodata }, range) {
  const found = { low: Infinity, high: -Infinity, sum: 0, valid: 0, total: 0, bins: new Array(BINS).fill(0) };
  const factor = BINS / (range.high - range.low || 1);
  for (const block of blocks()) {
    found.total += block.length;
    for (const each of block) {
      if (!isData(each, nodata)) continue;
      found.valid += 1;
      found.sum += each;
      if (each < found.low) found.low = each;
      if (each > found.high) found.high = each;
      found.bins[Math.max(0, Math.min(BINS - 1, Math.floor((each - range.low) * factor)))] += 1;
    }
  }
  return { ...found, mean: found.sum / found.valid };
}

function* rowsOf({ low, high, mean, valid, total }, unit) {
  const share = total ? `${Number(((100 * valid) / total).toFixed(1))} %` : "";
  const rows = valid
    ? { Lowest: value(low, unit), Highest: value(high, unit), Mean: value(mean, unit), "With data": share }
    : { "With data": share || "…" };
  for (const [name, words] of Object.entries(rows)) yield* [make("dt", {}, name), make("dd", {}, words)];
}

function drawHistogram(bins) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${BINS} 20`);
  svg.setAttribute("preserveAspectRatio", "none");
  const highest = Math.max(...bins, 1);
  bins.forEach((number, index) => {
    const bar = document.createElementNS(svg.namespaceURI, "rect");
    const height = (20 * number) / highest;
    Object.entries({ x: index + 0.08, y: 20 - height, width: 0.84, height }).forEach(([name, each]) => bar.setAttribute(name, each));
    svg.append(bar);
  });
  return svg;
}
