// What is under the cursor: a cell, and the 2 × 2 it was made of.

import { afterwards, announce, make } from "../base/dom.js";
import { value as written } from "../base/numbers.js";

/** A box over the stage; what it says is said aloud when things have been still for a moment. */
export function showReadout({ facts, choice, stage }) {
  const box = make("div", { class: "readout", hidden: true });
  const say = afterwards((words) => announce(words), 350);
  stage.addEventListener("point", ({ detail }) => {
    box.hidden = detail === null;
    if (detail === null) return;
    const unit = facts.unitOf(choice.get("metric"));
    box.replaceChildren(...partsOf(detail, choice.get("metric"), unit));
    if (stage.element.contains(document.activeElement)) say(`Row ${detail.row}, column ${detail.col}: ${wordOf(detail.value, unit)}`);
  });
  return box;
}

function* partsOf({ level, row, col, value, children }, metric, unit) {
  yield make("b", { class: "value" }, wordOf(value, unit));
  yield make("span", { class: "where" }, `level ${level} · row ${row}, column ${col}`);
  if (level === 0) return;
  const cells = children.flat().map((each) => make("td", {}, each === undefined ? "" : wordOf(each, null)));
  yield make(
    "div",
    { class: "family" },
    make("span", {}, `${metric} of`),
    make("table", { "aria-label": "Cells of the level below" }, make("tr", {}, cells[0], cells[1]), make("tr", {}, cells[2], cells[3])),
  );
}

function wordOf(value, unit) {
  return value === undefined ? "…" : written(value, unit);
}
