// The stage: one view of the terrain at a time, map or cells, and what stands over it.

import { announce, make } from "../base/dom.js";
import { hasMap } from "../base/packages.js";
import { CellsView } from "../cells/view.js";
import { openMap } from "../map/view.js";

/** Tells "moved" when another part is visible and "point" when something is pointed at. */
export class Stage extends EventTarget {
  constructor(room) {
    super();
    Object.assign(this, { room, views: {}, view: null, complaint: "" });
    this.port = make("div", { class: "port" });
    this.veil = make("div", { class: "veil", hidden: true });
    this.element = make("div", { class: "stage" }, this.makeSwitch(), this.port, this.veil);
    room.choice.on(["view"], () => this.open());
    room.choice.on(["metric"], () => this.refresh());
    room.facts.addEventListener("generation", () => this.refresh());
    room.facts.addEventListener("change", () => this.tellWhatIsMissing());
  }

  makeSwitch() {
    const box = make("fieldset", { class: "switch" }, make("legend", { class: "unseen" }, "View"));
    const isOffered = { map: this.room.facts.isGeoreferenced && hasMap(), cells: true };
    for (const [view, words] of Object.entries({ map: "Map", cells: "Cells" })) {
      const radio = make("input", {
        type: "radio",
        name: "view",
        value: view,
        disabled: !isOffered[view],
        checked: this.room.choice.get("view") === view,
        onchange: () => this.room.choice.set({ view }),
      });
      box.append(make("label", {}, radio, make("span", {}, words)));
    }
    return box;
  }

  /** Show the chosen view, made when it is first shown. */
  async open() {
    const { facts, choice } = this.room;
    const name = choice.get("view") === "map" && facts.isGeoreferenced && hasMap() ? "map" : "cells";
    this.view?.hide();
    this.view = null;
    try {
      this.views[name] ??= name === "map" ? await openMap(this.room, this) : new CellsView(this.room, this);
    } catch (error) {
      announce(`The map cannot be shown: ${error.message}`);
      this.views.map = null;
      choice.set({ view: "cells" });
      return;
    }
    this.view = this.views[name];
    this.port.replaceChildren(this.view.element);
    this.view.show();
    this.tellWhatIsMissing();
    this.dispatchEvent(new Event("view"));
  }

  refresh() {
    this.tellWhatIsMissing();
    Object.values(this.views).forEach((view) => view?.refresh());
  }

  tellWhatIsMissing() {
    const { facts, choice } = this.room;
    const words = whatIsMissing(facts, choice.get("metric")) || this.complaint;
    this.veil.hidden = words === "";
    this.veil.textContent = words;
  }

  /** Say over the view why it shows nothing; "" when it does. */
  complain(words) {
    if (words && words !== this.complaint) announce(words);
    this.complaint = words;
    this.tellWhatIsMissing();
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

function whatIsMissing(facts, metric) {
  const { generation, state } = facts.pyramids.get(metric);
  if (facts.terrain.tile_count === 0) return "This terrain has no tiles yet.";
  if (generation) return "";
  return state === "building" ? `The pyramid of ${metric} is being built …` : `There is no pyramid of ${metric} yet: build it.`;
}
