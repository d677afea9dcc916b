// Fingers, mouse and keys on the map: a lasso, a box, moving, pinching, and presses on single points.

const STEP = 3; // pixels between two corners of a lasso
const CLICK = 6; // pixels within which a press is a click
const ARROW = 60; // pixels that an arrow moves the map

class MapPointer {
  constructor(board, canvas) {
    this.board = board;
    this.canvas = canvas;
    this.path = [];
    this.pointers = new Map();
    canvas.addEventListener("pointerdown", (event) => this.onDown(event));
    canvas.addEventListener("pointermove", (event) => this.onMove(event));
    canvas.addEventListener("pointerup", (event) => this.onUp(event));
    canvas.addEventListener("pointercancel", () => this.cancel());
    canvas.addEventListener("pointerleave", () => board.point(-1));
    canvas.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.onKey(event));
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  onDown(event) {
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.at(event));
    this.path = this.pointers.size > 1 ? [] : [this.at(event)];
    this.hasMoved = false;
    this.board.point(-1);
  }

  onMove(event) {
    const { board } = this;
    const here = this.at(event);
    const from = this.pointers.get(event.pointerId);
    if (!from) return board.point(board.nearest(here), here);
    if (this.pointers.size > 1) return this.pinch(event.pointerId, from, here);
    if (!this.path.length) return;
    this.pointers.set(event.pointerId, here);
    if (board.tool === "move") board.view.move(here[0] - from[0], here[1] - from[1]);
    else if (board.tool === "box") this.path = boxed(this.path[0], here);
    else if (distance(here, this.path[this.path.length - 1]) >= STEP) this.path.push(here);
    this.hasMoved ||= distance(here, this.path[0]) >= CLICK;
    board.redraw();
  }

  pinch(id, from, here) {
    const other = [...this.pointers].find(([each]) => each !== id)[1];
    const before = distance(from, other);
    this.pointers.set(id, here);
    if (before > 0) this.board.zoom(distance(here, other) / before, (here[0] + other[0]) / 2, (here[1] + other[1]) / 2);
  }

  onUp(event) {
    const { board, path } = this;
    this.pointers.delete(event.pointerId);
    this.path = [];
    if (path.length && !this.hasMoved) board.pick(this.at(event));
    else if (path.length > 2 && board.tool !== "move") board.enclose(path);
    board.redraw();
  }

  cancel() {
    this.pointers.clear();
    this.path = [];
    this.board.redraw();
  }

  onWheel(event) {
    // The wheel alone goes on scrolling the page.
    if (!event.ctrlKey && !event.metaKey && this.board.tool !== "move") return;
    event.preventDefault();
    this.board.zoom(Math.exp(-event.deltaY / 300), ...this.at(event));
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { board } = this;
    const moves = { ArrowLeft: [ARROW, 0], ArrowRight: [-ARROW, 0], ArrowUp: [0, ARROW], ArrowDown: [0, -ARROW] };
    if (moves[event.key]) board.view.move(...moves[event.key]);
    else if (event.key === "+" || event.key === "=") board.view.zoomAt(1.5);
    else if (event.key === "-") board.view.zoomAt(1 / 1.5);
    else if (event.key === "0") board.view.reset();
    else if (event.key === "Escape" && !board.parts.clear.disabled) board.parts.clear.click();
    else return;
    event.preventDefault();
    board.redraw();
  }
}

function distance([x0, y0], [x1, y1]) {
  return Math.hypot(x1 - x0, y1 - y0);
}

function boxed([x0, y0], [x1, y1]) {
  return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
}
