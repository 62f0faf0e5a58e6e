// The pen that draws a line on a view, point by point.

import { announce } from "../base/dom.js";

/** Has the places drawn so far; tells of each change. A view without `pen` is only looked at. */
export class Pen {
  constructor(stage, tell) {
    Object.assign(this, { stage, tell, places: [], isDrawing: false });
    stage.addEventListener("view", () => this.forget());
  }

  /** Begin a new line, or end the one that is being drawn. */
  take() {
    if (this.isDrawing) {
      this.finish();
      return;
    }
    this.set([], true);
    this.stage.view.focus();
    announce("Set points with clicks, or with Space and Enter.");
  }

  /** A whole line at once. */
  draw(places) {
    this.set(places, false);
  }

  add(place) {
    this.set([...this.places, place], true);
    announce(`Point ${this.places.length}`);
  }

  finish() {
    // the two clicks of a double-click have set the same point twice
    const places = this.places.filter((place, index) => index === 0 || !isSame(place, this.places[index - 1]));
    this.set(places.length > 1 ? places : [], false);
  }

  giveUp() {
    this.forget();
  }

  forget() {
    this.set([], false);
  }

  set(places, isDrawing) {
    Object.assign(this, { places, isDrawing });
    const { view } = this.stage;
    if (view) {
      view.pen = isDrawing ? this : null;
      view.setLine(places);
      view.setMark(null);
    }
    this.tell({ places, isDrawing });
  }
}

function isSame(one, other) {
  return Object.keys(one).every((name) => one[name] === other[name]);
}
