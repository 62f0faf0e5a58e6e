// How values become colours: ramp, relief, depth, and the legend.

import { make, section } from "../base/dom.js";
import { value } from "../base/numbers.js";
import { gradientOf, RAMPS } from "../base/ramps.js";

/** The switches of the style, and its legend. */
export function showStyles({ facts, choice, scale }) {
  const ramps = make("select", { id: "ramp", onchange: () => choice.set({ ramp: ramps.value }) });
  ramps.append(...RAMPS.map((name) => make("option", { value: name, selected: name === choice.get("ramp") }, name)));
  const bar = make("div", { class: "ramp", "aria-hidden": "true" });
  const [low, high] = [make("span"), make("span")];
  const tell = async () => {
    bar.style.background = gradientOf(choice.get("ramp"));
    const unit = facts.unitOf(choice.get("metric"));
    const range = await scale.get().catch(() => null);
    low.textContent = range ? value(range.low, unit) : "";
    high.textContent = range ? value(range.high, unit) : "";
  };
  choice.on(["metric", "ramp"], tell);
  facts.addEventListener("generation", tell);
  tell();
  return section(
    "Style",
    "style",
    make("p", { class: "row" }, make("label", { for: "ramp" }, "Colours"), ramps),
    bar,
    make("p", { class: "ends" }, low, high),
    make("p", { class: "row" }, toggle(choice, "relief", "Relief"), toggle(choice, "depth", "3D", "map")),
  );
}

/** A switch for what is on or off; of one view, if it makes sense there only. */
function toggle(choice, name, words, view = null) {
  const box = make("input", {
    type: "checkbox",
    checked: choice.get(name) === "on",
    onchange: () => choice.set({ [name]: box.checked ? "on" : "off" }),
  });
  const label = make("label", { class: "toggle" }, box, words);
  const tell = () => (label.hidden = view !== null && choice.get("view") !== view);
  choice.on(["view"], tell);
  tell();
  return label;
}
