// The points of the map on a canvas: decoding, signs, and what lies where. Plotly's WebGL traces make code out of
// strings, which the content policy forbids; a canvas draws fifty thousand points without.

const SIGNS = ["circle", "square", "triangle", "diamond", "cross", "down", "ring", "frame", "saltire", "bar"];

const MOST_COPIED = 5000;
const [FADED, SEEN] = [0.22, 0.9];

/** Numbers that were sent as base64 of their bytes. */
function numbers(text, Kind) {
  return new Kind(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
}

/** Draw a sign around a point; told apart by shape where colours are not. */
function drawSign(context, sign, x, y, r) {
  context.beginPath();
  if (sign === "circle" || sign === "ring") context.arc(x, y, r, 0, 2 * Math.PI);
  else if (sign === "square" || sign === "frame") context.rect(x - 0.85 * r, y - 0.85 * r, 1.7 * r, 1.7 * r);
  else if (sign === "bar") context.rect(x - 1.1 * r, y - 0.4 * r, 2.2 * r, 0.8 * r);
  else corners(sign, r).forEach(([dx, dy], i) => context[i ? "lineTo" : "moveTo"](x + dx, y + dy));
  context.closePath();
  if (sign === "ring" || sign === "frame") {
    context.lineWidth = 0.55 * r;
    context.stroke();
  } else context.fill();
}

function corners(sign, r) {
  const [a, b] = [1.15 * r, 0.4 * r];
  if (sign === "triangle") return [[0, -a], [a, 0.8 * a], [-a, 0.8 * a]];
  if (sign === "down") return [[0, a], [a, -0.8 * a], [-a, -0.8 * a]];
  if (sign === "diamond") return [[0, -a], [a, 0], [0, a], [-a, 0]];
  const cross = [[-b, -a], [b, -a], [b, -b], [a, -b], [a, b], [b, b], [b, a], [-b, a], [-b, b], [-a, b], [-a, -b], [-b, -b]];
  if (sign === "cross") return cross;
  const turn = Math.SQRT1_2;
  return cross.map(([x, y]) => [turn * (x - y), turn * (x + y)]);
}

/** A picture of a sign, drawn once and then copied to each of its points. */
function signPicture(sign, colour, r, scale) {
  const size = Math.ceil(2.6 * r * scale) + 2;
  const picture = document.createElement("canvas");
  picture.width = picture.height = size;
  const context = picture.getContext("2d", { willReadFrequently: true });
  context.fillStyle = context.strokeStyle = colour;
  drawSign(context, sign, size / 2, size / 2, r * scale);
  return picture;
}

class Points {
  constructor(data) {
    this.places = numbers(data.places, Float32Array);
    this.kinds = numbers(data.kind_of, Uint8Array);
    this.ids = numbers(data.ids, Int32Array);
    this.count = this.ids.length;
    this.lines = data.lines;
    this.order = this.shuffled();
  }

  // Otherwise the last kind would lie over all others. The same each time, so that nothing flickers.
  shuffled() {
    const order = Uint32Array.from({ length: this.count }, (_, i) => i);
    let state = 1;
    for (let i = this.count - 1; i > 0; i--) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const j = state % (i + 1);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }

  bounds() {
    const found = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < this.count; i++) {
      const [x, y] = [this.places[2 * i], this.places[2 * i + 1]];
      if (x < found[0]) found[0] = x;
      if (y < found[1]) found[1] = y;
      if (x > found[2]) found[2] = x;
      if (y > found[3]) found[3] = y;
    }
    return this.count ? found : [-1, -1, 1, 1];
  }

  /** The point nearest to a place of the canvas, within so many pixels; -1 for none. */
  nearest(view, x, y, within, hidden) {
    let [best, least] = [-1, within * within];
    for (let i = 0; i < this.count; i++) {
      const dx = view.x(this.places[2 * i]) - x;
      const dy = view.y(this.places[2 * i + 1]) - y;
      const distance = dx * dx + dy * dy;
      if (distance <= least && !hidden.has(this.kinds[i])) [best, least] = [i, distance];
    }
    return best;
  }

  /** Call back for each point that is to be seen: those that are not selected first, since the others lie over them. */
  each(view, { hidden, selected }, { width, height }, draw) {
    const { places, kinds } = this;
    for (const isFaded of selected ? [true, false] : [false]) {
      for (const i of this.order) {
        if (hidden.has(kinds[i]) || (selected && Boolean(selected[i]) === isFaded)) continue;
        const [x, y] = [view.scale * view.x(places[2 * i]), view.scale * view.y(places[2 * i + 1])];
        if (x > -20 && y > -20 && x < width + 20 && y < height + 20) draw(kinds[i], x, y, isFaded);
      }
    }
  }

  draw(context, view, look) {
    if (this.count > MOST_COPIED) return this.stamp(context, view, look);
    this.each(view, look, context.canvas, (kind, x, y, isFaded) => {
      const picture = look.pictures[kind];
      context.globalAlpha = isFaded ? FADED : SEEN;
      context.drawImage(picture, Math.round(x - picture.width / 2), Math.round(y - picture.height / 2));
    });
    context.globalAlpha = 1;
  }

  // Of tens of thousands each pixel is written by hand: ten times as fast as copying pictures without a graphics card.
  stamp(context, view, look) {
    const { width, height } = context.canvas;
    const image = new ImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    const stamps = [FADED, SEEN].map((alpha) => look.pictures.map((picture) => stampOf(picture, alpha)));
    this.each(view, look, context.canvas, (kind, x, y, isFaded) => {
      const { dots, half } = stamps[isFaded ? 0 : 1][kind];
      const [left, top] = [Math.round(x - half), Math.round(y - half)];
      for (let k = 0; k < dots.length; k += 3) {
        const [px, py] = [left + dots[k], top + dots[k + 1]];
        if (px >= 0 && py >= 0 && px < width && py < height) pixels[py * width + px] = dots[k + 2];
      }
    });
    context.putImageData(image, 0, 0);
  }
}

/** The pixels of a sign's picture: x, y, and colour as four bytes in one number. */
function stampOf(picture, alpha) {
  const { width, height } = picture;
  const bytes = picture.getContext("2d").getImageData(0, 0, width, height).data;
  const colours = new Uint32Array(bytes.buffer);
  const dots = [];
  for (let k = 0; k < colours.length; k++) {
    if (bytes[4 * k + 3] < 110) continue;
    bytes[4 * k + 3] = 255 * alpha;
    dots.push(k % width, Math.floor(k / width), colours[k]);
  }
  return { dots, half: width / 2 };
}

/** Which part of the map is on the canvas, in CSS pixels; both axes have one measure. */
class View {
  constructor() {
    this.scale = window.devicePixelRatio || 1;
    this.zoom = 1;
    this.centre = null;
  }

  fit(bounds, width, height) {
    const [x0, y0, x1, y1] = bounds;
    this.width = width;
    this.height = height;
    this.unit = Math.min(width / Math.max(x1 - x0, 1e-6), height / Math.max(y1 - y0, 1e-6)) * 0.94;
    this.middle = [(x0 + x1) / 2, (y0 + y1) / 2];
    this.centre ??= [...this.middle];
  }

  reset() {
    this.zoom = 1;
    this.centre = [...this.middle];
  }

  x(value) {
    return this.width / 2 + (value - this.centre[0]) * this.unit * this.zoom;
  }

  y(value) {
    return this.height / 2 - (value - this.centre[1]) * this.unit * this.zoom;
  }

  back(x, y) {
    const by = this.unit * this.zoom;
    return [this.centre[0] + (x - this.width / 2) / by, this.centre[1] - (y - this.height / 2) / by];
  }

  move(dx, dy) {
    const by = this.unit * this.zoom;
    this.centre = [this.centre[0] - dx / by, this.centre[1] + dy / by];
  }

  /** Zoom so that what is under a place of the canvas stays there. */
  zoomAt(factor, x = this.width / 2, y = this.height / 2) {
    const before = this.back(x, y);
    this.zoom = Math.min(64, Math.max(1, this.zoom * factor));
    const after = this.back(x, y);
    this.centre = [this.centre[0] + before[0] - after[0], this.centre[1] + before[1] - after[1]];
    if (this.zoom === 1) this.reset();
  }
}
