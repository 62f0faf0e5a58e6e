// The slider of levels: 0 is native, the last one a single cell.

import { make } from "../base/dom.js";
import { count } from "../base/numbers.js";

const STEP_MS = 900;

/** Slider, a switch that lets the level follow the zoom, and a button that runs through all levels. */
export class LevelBar {
  constructor(choice, levelCount) {
    Object.assign(this, { choice, last: levelCount - 1, timer: 0 });
    this.slider = make("input", {
      id: "level",
      type: "range",
      min: 0,
      max: this.last,
      step: 1,
      oninput: () => this.choose(Number(this.slider.value)),
    });
    this.follow = make("input", { type: "checkbox", onchange: () => this.setFollowing(this.follow.checked) });
    this.run = make("button", { type: "button", class: "quiet", onclick: () => this.toggleRun() }, "Zoom out");
    this.said = make("output", { for: "level", class: "said" });
    this.element = make(
      "div",
      { class: "levels" },
      make("label", { for: "level" }, "Level"),
      this.slider,
      this.said,
      make("label", { class: "toggle" }, this.follow, "follow the zoom"),
      this.run,
    );
  }

  /** What is drawn now. */
  show(level, { height, width }, asked) {
    this.slider.value = level;
    this.slider.setAttribute("aria-valuetext", `level ${level}, ${width} by ${height} cells`);
    this.said.textContent = `${level} of ${this.last}: ${count(width)} × ${count(height)}`;
    this.follow.checked = asked === "auto";
    this.drawn = level;
  }

  choose(level) {
    this.stopRun();
    this.choice.set({ level });
  }

  setFollowing(isFollowing) {
    this.stopRun();
    this.choice.set({ level: isFollowing ? "auto" : this.drawn });
  }

  step(from, by) {
    this.choose(Math.max(0, Math.min(this.last, from + by)));
  }

  /** From the finest level that can be shown, one step after another, until one cell is left. */
  toggleRun() {
    if (this.timer) {
      this.stopRun();
      return;
    }
    this.run.textContent = "Stop";
    this.choice.set({ level: this.drawn === this.last ? 0 : this.drawn });
    this.timer = setInterval(() => {
      if (this.drawn >= this.last) this.stopRun();
      else this.choice.set({ level: this.drawn + 1 });
    }, STEP_MS);
  }

  stopRun() {
    clearInterval(this.timer);
    this.timer = 0;
    this.run.textContent = "Zoom out";
  }
}
