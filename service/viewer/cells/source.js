// Cells of a pyramid in pieces of 256 × 256, asked for when they are visible, painted when they have come.

import { getCells } from "../base/api.js";
import { isData, paint } from "../base/painter.js";

export const SIDE = 256;
const AT_ONCE = 6;
const KEPT = 160;

/** Pieces of one generation. */
export class CellSource {
  /**
   * @param {string} address of the pyramid
   * @param {{generation: string, levels: object[]}} pyramid
   * @param {number | null} nodata
   * @param {() => void} changed is called when a piece has come
   */
  constructor(address, { generation, levels }, nodata, changed) {
    Object.assign(this, { address, generation, levels, nodata, changed });
    this.pieces = new Map();
    this.asked = new Map();
  }

  /** Ask for these pieces, the first ones first; others that are under way are called off. */
  want(places) {
    const wanted = new Map(places.map((place) => [keyOf(place), place]));
    for (const [key, abort] of this.asked) {
      if (!wanted.has(key)) abort.abort();
    }
    this.queue = [...wanted].filter(([key]) => !this.pieces.has(key) && !this.asked.has(key));
    this.next();
  }

  next() {
    while (this.asked.size < AT_ONCE && this.queue.length > 0) {
      const [key, place] = this.queue.shift();
      const abort = new AbortController();
      this.asked.set(key, abort);
      this.load(key, place, abort.signal);
    }
  }

  async load(key, place, signal) {
    try {
      const piece = this.placed(place);
      piece.cells = await getCells(`${this.address}/${place.level}?${piece.query}`, { signal });
      this.pieces.set(key, piece);
      if (this.pieces.size > KEPT) this.pieces.delete(this.pieces.keys().next().value);
    } catch (problem) {
      // asked for again when it is wanted again; whoever aborted does not want it
      if (problem.name !== "AbortError") this.pieces.set(key, { failed: problem.message });
    }
    this.asked.delete(key);
    this.next();
    this.changed();
  }

  /** A piece's window, with the row and column around it that its relief needs. */
  placed({ level, row, col }) {
    const { height, width } = this.levels[level];
    const [top, left] = [row * SIDE, col * SIDE];
    const [bottom, right] = [Math.min(top + SIDE, height), Math.min(left + SIDE, width)];
    const [first, start] = [Math.max(0, top - 1), Math.max(0, left - 1)];
    const window = { row: first, col: start, height: Math.min(height, bottom + 1) - first, width: Math.min(width, right + 1) - start };
    const inner = { top: top - first, left: left - start, height: bottom - top, width: right - left };
    return { level, top, left, inner, query: new URLSearchParams({ ...window, f: "npy" }) };
  }

  /** A piece that has come; it counts as used. */
  find(place) {
    const key = keyOf(place);
    const piece = this.pieces.get(key);
    if (!piece?.cells) return null;
    this.pieces.delete(key);
    this.pieces.set(key, piece);
    return piece;
  }

  /** A piece's picture in a style, a pixel for each cell. */
  pictureOf(piece, style) {
    const name = `${style.ramp} ${style.low} ${style.high} ${style.relief}`;
    if (piece.painted !== name) {
      piece.picture ??= new OffscreenCanvas(piece.inner.width, piece.inner.height);
      const own = { ...style, nodata: this.nodata, relief: style.relief * 2 ** piece.level };
      piece.picture.getContext("2d").putImageData(paint(piece.cells, piece.inner, own), 0, 0);
      piece.painted = name;
    }
    return piece.picture;
  }

  /** A cell's value; null without data, undefined while it has not come. */
  valueAt(level, row, col) {
    const size = this.levels[level];
    if (!size || row < 0 || col < 0 || row >= size.height || col >= size.width) return undefined;
    const piece = this.find({ level, row: Math.floor(row / SIDE), col: Math.floor(col / SIDE) });
    if (!piece) return undefined;
    const at = (row - piece.top + piece.inner.top) * piece.cells.width + col - piece.left + piece.inner.left;
    const value = piece.cells.values[at];
    return isData(value, this.nodata) ? value : null;
  }
}

/** The pieces that a window of a level lies in, those of its middle first. */
export function piecesOf({ level, row, col, height, width }) {
  const places = [];
  for (let down = Math.floor(row / SIDE); down * SIDE < row + height; down += 1) {
    for (let across = Math.floor(col / SIDE); across * SIDE < col + width; across += 1) {
      places.push({ level, row: down, col: across });
    }
  }
  const [middleRow, middleCol] = [(row + height / 2) / SIDE - 0.5, (col + width / 2) / SIDE - 0.5];
  const away = (place) => Math.hypot(place.row - middleRow, place.col - middleCol);
  return places.sort((one, other) => away(one) - away(other));
}

function keyOf({ level, row, col }) {
  return `${level}/${row}/${col}`;
}
