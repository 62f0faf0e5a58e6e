// Drawing a level: pictures of its pieces, and over large cells their borders and numbers.

import { tableOf } from "../base/ramps.js";
import { piecesOf } from "./source.js";

const NUMBERS_FROM = 30;
const GRID_FROM = 9;
const INK = { line: "#ff5b2e", halo: "rgba(255, 255, 255, 0.9)", grid: "rgba(0, 0, 0, 0.16)" };

/** Draw everything: coarse pieces where fine ones have not come, cells, cursor, line. */
export function drawCells(context, view, level, wanted) {
  const { camera, source, scale, choice } = view;
  const relief = choice.get("relief") === "on" && isWorthRelief(source) ? scale.relief : 0;
  const style = { ramp: choice.get("ramp"), low: scale.low, high: scale.high, relief };
  context.imageSmoothingEnabled = false;
  drawStandIns(context, camera, source, style, level, wanted);
  for (const place of wanted) drawPiece(context, camera, source, style, place);
  const size = camera.scale * 2 ** level;
  if (size >= GRID_FROM) drawGrid(context, view, level);
  if (size >= NUMBERS_FROM) drawNumbers(context, view, level, style);
  drawEdge(context, camera);
  if (view.cursor) drawCursor(context, view, level);
  if (view.line) drawLine(context, camera, view.line);
  if (view.mark) drawDot(context, camera, view.mark, 7);
}

/** Shading needs slopes; a handful of cells is better looked at as it is. */
function isWorthRelief({ levels }) {
  return levels[0].height * levels[0].width > 400;
}

function drawStandIns(context, camera, source, style, level, wanted) {
  if (wanted.every((place) => source.find(place))) return;
  for (let above = Math.min(source.levels.length - 1, level + 6); above > level; above -= 1) {
    const window = camera.windowOf(source.levels[above]);
    if (window) piecesOf(window).forEach((place) => drawPiece(context, camera, source, style, place));
  }
}

function drawPiece(context, camera, source, style, place) {
  const piece = source.find(place);
  if (!piece) return;
  const size = 2 ** place.level;
  const [left, top] = camera.toScreen(piece.left * size, piece.top * size).map(Math.round);
  const [right, bottom] = camera
    .toScreen((piece.left + piece.inner.width) * size, (piece.top + piece.inner.height) * size)
    .map(Math.round);
  const isShrunk = camera.scale * size < 1;
  context.imageSmoothingEnabled = isShrunk;
  context.drawImage(source.pictureOf(piece, style), left, top, right - left, bottom - top);
  context.imageSmoothingEnabled = false;
}

function drawGrid(context, { camera, source }, level) {
  const window = camera.windowOf(source.levels[level]);
  if (!window) return;
  const size = 2 ** level;
  const [left, top] = camera.toScreen(window.col * size, window.row * size);
  const [right, bottom] = camera.toScreen((window.col + window.width) * size, (window.row + window.height) * size);
  context.beginPath();
  for (let col = window.col; col <= window.col + window.width; col += 1) {
    const [x] = camera.toScreen(col * size, 0).map((each) => Math.round(each) + 0.5);
    context.moveTo(x, top);
    context.lineTo(x, bottom);
  }
  for (let row = window.row; row <= window.row + window.height; row += 1) {
    const y = Math.round(camera.toScreen(0, row * size)[1]) + 0.5;
    context.moveTo(left, y);
    context.lineTo(right, y);
  }
  context.strokeStyle = INK.grid;
  context.lineWidth = 1;
  context.stroke();
}

function drawNumbers(context, { camera, source }, level, style) {
  const window = camera.windowOf(source.levels[level]);
  if (!window) return;
  const size = 2 ** level;
  const pixels = camera.scale * size;
  context.font = `600 ${Math.min(20, Math.max(9, pixels / 4.2))}px ui-sans-serif, system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  const table = tableOf(style.ramp);
  for (let row = window.row; row < window.row + window.height; row += 1) {
    for (let col = window.col; col < window.col + window.width; col += 1) {
      const value = source.valueAt(level, row, col);
      if (value === undefined || value === null) continue;
      const [x, y] = camera.toScreen((col + 0.5) * size, (row + 0.5) * size);
      const share = (value - style.low) / (style.high - style.low);
      context.fillStyle = isBright(table, share) ? "rgba(10, 20, 24, 0.85)" : "rgba(255, 255, 255, 0.95)";
      context.fillText(short(value, pixels), x, y, pixels - 4);
    }
  }
}

/** Whether dark ink is better seen on a colour of the ramp. */
function isBright(table, share) {
  const at = 3 * Math.max(0, Math.min(255, Math.round(255 * share)));
  return 0.299 * table[at] + 0.587 * table[at + 1] + 0.114 * table[at + 2] > 140;
}

function short(value, pixels) {
  if (Number.isInteger(value)) return String(value);
  const digits = pixels < 44 ? 0 : Math.abs(value) < 100 ? 2 : 1;
  return value.toFixed(digits);
}

/** The terrain's own edge: cells of coarse levels may stick out over it. */
function drawEdge(context, camera) {
  const [left, top] = camera.toScreen(0, 0);
  const [right, bottom] = camera.toScreen(camera.cols, camera.rows);
  context.strokeStyle = "rgba(128, 128, 128, 0.75)";
  context.lineWidth = 1;
  context.setLineDash([5, 4]);
  context.strokeRect(Math.round(left) - 0.5, Math.round(top) - 0.5, Math.round(right - left) + 1, Math.round(bottom - top) + 1);
  context.setLineDash([]);
}

/** The cell, and around it the 2 × 2 of its level that becomes one cell of the next. */
function drawCursor(context, { camera, cursor, source }, level) {
  const size = 2 ** level;
  frame(context, camera, cursor, size, INK.line, 3);
  if (level < source.levels.length - 1 && camera.scale * size >= GRID_FROM) frame(context, camera, cursor, 2 * size, INK.line, 1.5);
}

function frame(context, camera, { row, col }, size, colour, width) {
  const [left, top] = camera.toScreen(Math.floor(col / size) * size, Math.floor(row / size) * size);
  const side = size * camera.scale;
  for (const [ink, thick] of [[INK.halo, width + 2], [colour, width]]) {
    context.strokeStyle = ink;
    context.lineWidth = thick;
    context.strokeRect(left, top, side, side);
  }
}

function drawLine(context, camera, places) {
  context.lineJoin = "round";
  for (const [ink, thick] of [[INK.halo, 6], [INK.line, 3]]) {
    context.beginPath();
    places.forEach(({ row, col }) => context.lineTo(...camera.toScreen(col, row)));
    context.strokeStyle = ink;
    context.lineWidth = thick;
    context.stroke();
  }
  for (const place of places) drawDot(context, camera, place, 5);
}

function drawDot(context, camera, { row, col }, radius) {
  context.beginPath();
  context.arc(...camera.toScreen(col, row), radius, 0, 2 * Math.PI);
  context.fillStyle = INK.line;
  context.fill();
  context.strokeStyle = "#fff";
  context.lineWidth = 2;
  context.stroke();
}
