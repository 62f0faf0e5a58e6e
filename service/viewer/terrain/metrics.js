// The switch between metrics, with the state of each one's pyramid.

import { make, section } from "../base/dom.js";

const MEANINGS = {
  max: "highest cell",
  min: "lowest cell",
  mean: "average",
  count: "cells that have data",
  sum: "total",
  std: "spread",
  range: "highest less lowest",
  median: "middle of 2 × 2",
  mode: "most frequent of 2 × 2",
};

/** A choice of one metric. */
export function showMetrics({ facts, choice }) {
  const group = make("div", { class: "metrics", role: "radiogroup", "aria-labelledby": "metrics-title" });
  const states = new Map();
  for (const metric of facts.pyramids.keys()) {
    const state = make("span", { class: "badge" });
    states.set(metric, state);
    const radio = make("input", {
      type: "radio",
      name: "metric",
      value: metric,
      checked: metric === choice.get("metric"),
      onchange: () => choice.set({ metric }),
    });
    const words = make("span", { class: "words" }, make("b", {}, metric), make("small", {}, MEANINGS[metric] ?? ""));
    group.append(make("label", { class: "metric" }, radio, words, state));
  }
  const tell = () => {
    for (const [metric, badge] of states) {
      const { state } = facts.pyramids.get(metric);
      badge.className = `badge ${state}`;
      badge.textContent = state === "absent" ? "not built" : state;
    }
  };
  facts.addEventListener("change", tell);
  tell();
  return section("Metric", "metrics", group);
}
