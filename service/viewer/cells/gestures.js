// Mouse, fingers and keys on the cells: move, zoom, point at a cell, draw a line.

const STILL_PX = 5;

/** Make a canvas obey; `view` has the camera, `pointAt`, `redraw`, the choice of the level, and maybe a pen. */
export function listenTo(canvas, view) {
  const fingers = new Map();
  let travelled = 0;

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    if (fingers.size === 0) travelled = 0;
    fingers.set(event.pointerId, placeOn(canvas, event));
  });
  canvas.addEventListener("pointermove", (event) => {
    const now = placeOn(canvas, event);
    const before = fingers.get(event.pointerId);
    if (before) {
      travelled += Math.hypot(now[0] - before[0], now[1] - before[1]);
      moveFinger(view.camera, fingers, event.pointerId, now);
    }
    point(view, now);
  });
  const lift = (event) => {
    if (!fingers.delete(event.pointerId)) return;
    const isClick = event.type === "pointerup" && travelled < STILL_PX;
    if (isClick && view.pen) view.pen.add(placeIn(view.camera, placeOn(canvas, event)));
    else if (isClick) point(view, placeOn(canvas, event));
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  // a finger leaves whenever it is lifted: what it pointed at stays to be read
  canvas.addEventListener("pointerleave", ({ pointerType }) => pointerType === "mouse" && view.pointAt(null));
  canvas.addEventListener("dblclick", (event) => {
    if (view.pen) view.pen.finish();
    else zoom(view, 2, placeOn(canvas, event));
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(view, 2 ** (-event.deltaY / (event.ctrlKey ? 60 : 260)), placeOn(canvas, event));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    if (press(view, event)) event.preventDefault();
  });
}

function placeOn(canvas, event) {
  const { left, top } = canvas.getBoundingClientRect();
  return [event.clientX - left, event.clientY - top];
}

function placeIn(camera, [left, top]) {
  const [col, row] = camera.toCells(left, top);
  return { row: Math.max(0, Math.min(camera.rows, row)), col: Math.max(0, Math.min(camera.cols, col)) };
}

function point(view, [left, top]) {
  const [col, row] = view.camera.toCells(left, top);
  view.pointAt({ row, col });
}

function zoom(view, factor, place) {
  view.camera.zoom(factor, ...place);
  point(view, place);
}

/** One finger moves the terrain, two stretch it, too. */
function moveFinger(camera, fingers, id, now) {
  const before = fingers.get(id);
  const other = [...fingers].find(([each]) => each !== id)?.[1];
  fingers.set(id, now);
  if (!other) {
    camera.pan(now[0] - before[0], now[1] - before[1]);
    return;
  }
  const apart = (one) => Math.hypot(one[0] - other[0], one[1] - other[1]);
  const middle = [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2];
  camera.pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
  camera.zoom(apart(now) / Math.max(1, apart(before)), ...middle);
}

const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** Whether the key meant something. */
function press(view, { key, shiftKey, ctrlKey, metaKey, altKey }) {
  if (ctrlKey || metaKey || altKey || !view.source) return false;
  if (key in ARROWS && shiftKey) view.camera.pan(...ARROWS[key].map((each) => -80 * each).reverse());
  else if (key in ARROWS) step(view, ...ARROWS[key]);
  else if (key === "+" || key === "=") view.camera.zoom(Math.SQRT2);
  else if (key === "-") view.camera.zoom(Math.SQRT1_2);
  else if (key === "Home") view.camera.fit();
  else if (key === "PageUp" || key === "PageDown") view.levels.step(view.level, key === "PageUp" ? 1 : -1);
  else if (view.pen && key === " ") view.pen.add(view.cursor ?? middleOf(view.camera));
  else if (view.pen && key === "Enter") view.pen.finish();
  else if (view.pen && key === "Escape") view.pen.giveUp();
  else return false;
  view.redraw();
  return true;
}

function middleOf({ x, y }) {
  return { row: y, col: x };
}

/** From cell to cell of the level that is shown, starting in the middle. */
function step(view, down, across) {
  const { camera, level, source } = view;
  const size = 2 ** level;
  const { height, width } = source.levels[level];
  const from = view.cursor ?? middleOf(camera);
  const move = view.cursor ? [down, across] : [0, 0];
  const row = Math.max(0, Math.min(height - 1, Math.floor(from.row / size) + move[0]));
  const col = Math.max(0, Math.min(width - 1, Math.floor(from.col / size) + move[1]));
  const place = { row: (row + 0.5) * size, col: (col + 0.5) * size };
  camera.reveal(place.col, place.row);
  view.pointAt(place);
}
