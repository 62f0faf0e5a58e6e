// Which part of the terrain is on the screen: a point in native cells in the middle, and pixels for a cell.

const MOST_PIXELS = 160;

/** Native cells and pixels of a screen, both from the upper left corner. */
export class Camera {
  constructor({ height, width }) {
    Object.assign(this, { rows: height, cols: width, x: width / 2, y: height / 2, scale: 1, width: 1, height: 1 });
    this.isFitted = true;
  }

  /** Show the whole terrain, or as many native cells as are said. */
  fit(rows = this.rows, cols = this.cols) {
    this.x = cols / 2;
    this.y = rows / 2;
    this.scale = this.fitting(rows, cols);
    this.isFitted = true;
  }

  fitting(rows = this.rows, cols = this.cols) {
    return Math.min(MOST_PIXELS, 0.9 * Math.min(this.width / cols, this.height / rows));
  }

  /** Whoever sees the whole terrain goes on doing so. */
  resize(width, height) {
    Object.assign(this, { width, height });
    if (this.isFitted) this.fit();
  }

  toScreen(col, row) {
    return [(col - this.x) * this.scale + this.width / 2, (row - this.y) * this.scale + this.height / 2];
  }

  toCells(left, top) {
    return [(left - this.width / 2) / this.scale + this.x, (top - this.height / 2) / this.scale + this.y];
  }

  pan(right, down) {
    this.x -= right / this.scale;
    this.y -= down / this.scale;
    this.stayNear();
  }

  /** Make cells `factor` times as large, and leave what is at a place of the screen there. */
  zoom(factor, left = this.width / 2, top = this.height / 2) {
    const [col, row] = this.toCells(left, top);
    this.scale = Math.max(this.fitting() / 4, Math.min(MOST_PIXELS, this.scale * factor));
    this.x = col - (left - this.width / 2) / this.scale;
    this.y = row - (top - this.height / 2) / this.scale;
    this.stayNear();
  }

  /** Bring a cell into view, if it is not. */
  reveal(col, row) {
    const [left, top] = this.toScreen(col, row);
    const margin = 0.12 * Math.min(this.width, this.height);
    this.x += (Math.min(0, left - margin) + Math.max(0, left - this.width + margin)) / this.scale;
    this.y += (Math.min(0, top - margin) + Math.max(0, top - this.height + margin)) / this.scale;
  }

  stayNear() {
    this.isFitted = false;
    this.x = Math.max(0, Math.min(this.cols, this.x));
    this.y = Math.max(0, Math.min(this.rows, this.y));
  }

  /** The visible window of a level, in its cells, cut to the level; null when nothing of it is visible. */
  windowOf({ level, height, width }) {
    const size = 2 ** level;
    const [left, top] = this.toCells(0, 0).map((each) => Math.max(0, Math.floor(each / size)));
    const [right, bottom] = this.toCells(this.width, this.height).map((each) => Math.ceil(each / size));
    const window = { level, row: top, col: left, height: Math.min(height, bottom) - top, width: Math.min(width, right) - left };
    return window.height > 0 && window.width > 0 ? window : null;
  }
}
