// The cells view: one level of the pyramid, cell by cell, on a canvas.

import { beforeNextPicture, make } from "../base/dom.js";
import { Camera } from "./camera.js";
import { drawCells } from "./drawing.js";
import { listenTo } from "./gestures.js";
import { LevelBar } from "./levels.js";
import { CellSource, piecesOf } from "./source.js";

const MOST_PIECES = 48;

/** A view as the stage has it: `element`, `show`, `hide`, `refresh`, `seen`. */
export class CellsView {
  constructor(room, stage) {
    const { facts, choice } = room;
    Object.assign(this, { room, stage, facts, choice, cursor: null, line: null, mark: null, pen: null });
    this.camera = new Camera(facts.terrain.size ?? { height: 1, width: 1 });
    this.canvas = make("canvas", { class: "cells", tabindex: 0, role: "application", "aria-label": LABEL });
    this.levels = new LevelBar(choice, facts.terrain.level_count ?? 1);
    this.element = make("div", { class: "view" }, this.canvas, this.levels.element);
    this.redraw = beforeNextPicture(() => this.draw());
    new ResizeObserver(() => this.resize()).observe(this.canvas);
    listenTo(this.canvas, this);
    choice.on(["ramp", "relief"], () => this.redraw());
    choice.on(["level"], () => this.changeLevel());
    this.refresh();
  }

  show() {
    this.resize();
  }

  hide() {}

  /** Another generation or metric. */
  async refresh() {
    const metric = this.choice.get("metric");
    const pyramid = this.facts.pyramids.get(metric);
    this.source = null;
    if (pyramid.generation) {
      this.source = new CellSource(this.facts.addressOf(metric), pyramid, this.facts.nodataOf(metric), () => this.redraw());
      const { source } = this;
      const scale = await this.room.scale.get().catch(() => null);
      if (this.source !== source) return;
      this.scale = scale;
    }
    this.redraw();
  }

  resize() {
    const { width, height } = this.canvas.getBoundingClientRect();
    if (width === 0) return;
    this.camera.resize(width, height);
    this.canvas.width = Math.round(width * devicePixelRatio);
    this.canvas.height = Math.round(height * devicePixelRatio);
    this.redraw();
  }

  /** The level that is drawn: the one asked for, if not too many of its cells are visible, or the fitting one. */
  get level() {
    const asked = this.choice.get("level");
    const last = this.source.levels.length - 1;
    const fitting = Math.max(0, Math.min(last, Math.ceil(Math.log2(1 / this.camera.scale))));
    if (asked === "auto") return fitting;
    const wanted = Math.max(0, Math.min(last, Number(asked) || 0));
    return wanted < fitting && this.piecesAt(wanted).length > MOST_PIECES ? fitting : wanted;
  }

  /** Who sees everything sees all of the coarse cells, too, that stick out over the terrain. */
  changeLevel() {
    const asked = this.choice.get("level");
    if (this.source && this.camera.isFitted && asked !== "auto") {
      const { level, height, width } = this.source.levels[this.level];
      this.camera.fit(height * 2 ** level, width * 2 ** level);
    }
    this.redraw();
  }

  piecesAt(level) {
    const window = this.camera.windowOf(this.source.levels[level]);
    return window ? piecesOf(window) : [];
  }

  draw() {
    const context = this.canvas.getContext("2d");
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, this.camera.width, this.camera.height);
    if (!this.source || !this.scale) return;
    const { level } = this;
    const wanted = this.piecesAt(level);
    this.source.want([...wanted, ...this.childrenOfCursor(level)]);
    drawCells(context, this, level, wanted);
    this.levels.show(level, this.source.levels[level], this.choice.get("level"));
    this.stage.tell("moved");
    if (this.cursor) this.tellPoint();
  }

  /** Pieces with the cells that the one under the cursor was made of. */
  childrenOfCursor(level) {
    if (!this.cursor || level === 0) return [];
    const size = 2 ** (level - 1);
    const [row, col] = [this.cursor.row, this.cursor.col].map((each) => 2 * Math.floor(each / (2 * size)));
    return piecesOf({ level: level - 1, row, col, height: 2, width: 2 });
  }

  /** Point at a place, in native cells; null: at nothing. */
  pointAt(place) {
    const { rows, cols } = this.camera;
    const isInside = place && place.row >= 0 && place.col >= 0 && place.row < rows && place.col < cols;
    this.cursor = isInside ? place : null;
    this.redraw();
    if (!isInside) this.stage.tell("point", null);
  }

  /** The cell under the cursor, and the 2 × 2 it was made of. */
  tellPoint() {
    const { level, source, cursor } = this;
    const size = 2 ** level;
    const [row, col] = [Math.floor(cursor.row / size), Math.floor(cursor.col / size)];
    const children = [0, 1].map((down) => [0, 1].map((across) => source.valueAt(level - 1, 2 * row + down, 2 * col + across)));
    const value = source.valueAt(level, row, col);
    this.stage.tell("point", { level, row, col, value, children, place: cursor });
  }

  /** What is visible: the values that have come, and a word for where. */
  seen() {
    if (!this.source) return null;
    const { level, source } = this;
    const window = this.camera.windowOf(source.levels[level]);
    if (!window) return null;
    return { level, ...window, blocks: () => blocksOf(source, window), nodata: source.nodata };
  }

  focus() {
    this.canvas.focus({ focusVisible: true });
  }

  /** Draw these places joined by a line, in native cells. */
  setLine(places) {
    this.line = places.length ? places : null;
    this.redraw();
  }

  /** Mark a place; null: none. */
  setMark(place) {
    this.mark = place;
    this.redraw();
  }

  /** A line through the middle of what is visible, from side to side. */
  across() {
    const { camera } = this;
    const row = Math.max(0, Math.min(camera.rows, camera.y));
    const [left, right] = [camera.toCells(0, 0)[0], camera.toCells(camera.width, 0)[0]];
    return [Math.max(0, left), Math.min(camera.cols, right)].map((col) => ({ row, col }));
  }
}

const LABEL =
  "Cells of a level. Arrow keys move from cell to cell, with Shift the view; plus and minus zoom, Page Up and Page Down change the level, Home shows everything.";

/** The loaded parts of a window, as rows of values. */
function* blocksOf(source, { level, row, col, height, width }) {
  for (const place of piecesOf({ level, row, col, height, width })) {
    const piece = source.find(place);
    if (!piece) continue;
    const [first, last] = [Math.max(row, piece.top), Math.min(row + height, piece.top + piece.inner.height)];
    const [start, stop] = [Math.max(col, piece.left), Math.min(col + width, piece.left + piece.inner.width)];
    for (let each = first; each < last; each += 1) {
      const at = (each - piece.top + piece.inner.top) * piece.cells.width + piece.inner.left - piece.left;
      yield piece.cells.values.subarray(at + start, at + stop);
    }
  }
}
