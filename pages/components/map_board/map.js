// The map. The parts before this one in the module: diary.js, controls.js, points.js, pointer.js.

const TOOLS = ["lasso", "box", "move"];
const NEAR = 9; // pixels within which a point is meant
const MOST_CORNERS = 300;

class MapBoard {
  constructor(root) {
    this.root = root;
    this.tool = "lasso";
    this.selected = null;
    this.hidden = new Set();
    this.view = new View();
  }

  close() {
    this.resizing?.disconnect();
    cancelAnimationFrame(this.frame);
  }

  update(data, send) {
    const before = this.data;
    const isOther = JSON.stringify(data.strings) !== JSON.stringify(before?.strings);
    this.data = data;
    this.send = send;
    if (!this.parts || isOther) this.build();
    if (!before || before.places !== data.places || before.kind_of !== data.kind_of || before.ids !== data.ids) {
      this.points = new Points(data);
      this.measured = this.points.bounds();
      if (before && before.number !== data.number) this.view = new View();
    }
    this.points.lines = data.lines;
    if (JSON.stringify(before?.kinds) !== JSON.stringify(data.kinds)) this.buildLegend(before);
    if (before?.selected !== data.selected) this.selected = data.selected ? numbers(data.selected, Uint8Array) : null;
    this.parts.canvas.setAttribute("aria-label", data.label);
    this.parts.clear.disabled = !data.selected;
    if (this.parts.status.textContent !== data.status) this.parts.status.textContent = data.status;
    this.resize();
  }

  build() {
    const { strings } = this.data;
    this.resizing?.disconnect();
    const parts = {
      tools: el("div", "map-tools"),
      frame: el("div", "map-frame"),
      canvas: el("canvas", "map-canvas"),
      tip: el("div", "map-tip"),
      legend: el("div", "map-legend"),
      status: el("span", "map-status"),
      keys: el("p", "only-heard", strings.keys),
    };
    this.parts = parts;
    parts.keys.id = "map-keys";
    parts.tip.hidden = true;
    parts.status.setAttribute("role", "status");
    parts.tools.setAttribute("role", "toolbar");
    parts.tools.setAttribute("aria-label", strings.tools);
    parts.legend.setAttribute("role", "group");
    parts.legend.setAttribute("aria-label", strings.legend);
    parts.canvas.tabIndex = 0;
    parts.canvas.setAttribute("role", "img");
    parts.canvas.setAttribute("aria-describedby", "map-keys");
    this.buildTools(strings);
    this.pointer = new MapPointer(this, parts.canvas);
    parts.frame.append(parts.canvas, parts.tip);
    this.root.querySelector(".map").replaceChildren(parts.tools, parts.frame, parts.legend, parts.keys);
    this.resizing = new ResizeObserver(() => this.resize());
    this.resizing.observe(parts.frame);
  }

  buildTools(strings) {
    const choose = el("span", "map-choice");
    this.toolButtons = TOOLS.map((tool) => {
      const made = button("map-tool", () => this.choose(tool));
      made.textContent = strings[tool];
      made.dataset.tool = tool;
      return made;
    });
    choose.append(...this.toolButtons);
    const act = (name, text, does) => {
      const made = button("map-tool", does);
      made.textContent = text;
      made.title = strings[name];
      made.setAttribute("aria-label", strings[name]);
      return made;
    };
    this.parts.clear = act("clear", strings.clear, () => this.send("event", { type: "clear", at: Date.now() }));
    const look = el("span", "map-choice");
    look.append(
      act("closer", "+", () => this.zoom(1.5)),
      act("wider", "−", () => this.zoom(1 / 1.5)),
      act("whole", strings.whole, () => this.zoom(0)),
    );
    this.parts.tools.append(choose, look, this.parts.clear, this.parts.status);
    this.choose(this.tool);
  }

  choose(tool) {
    this.tool = tool;
    this.toolButtons.forEach((made) => made.setAttribute("aria-pressed", String(made.dataset.tool === tool)));
    this.parts.canvas.dataset.tool = tool;
  }

  buildLegend(before) {
    // Kinds of another colouring have nothing to do with those that were hidden.
    const names = (data) => JSON.stringify(data?.kinds.map((kind) => kind.name));
    if (names(before) !== names(this.data)) this.hidden.clear();
    const made = this.data.kinds.map((kind, index) => {
      const each = button("map-kind", () => this.toggle(index, each));
      const sign = el("canvas", "map-sign");
      sign.width = sign.height = 28;
      const context = sign.getContext("2d");
      context.fillStyle = context.strokeStyle = kind.colour;
      drawSign(context, kind.sign, 14, 14, 9);
      each.append(sign, el("span", "map-name", kind.name), el("span", "map-count", kind.count));
      each.setAttribute("aria-pressed", String(!this.hidden.has(index)));
      each.title = this.data.strings.toggle;
      return each;
    });
    this.parts.legend.replaceChildren(...made);
    this.layer = null;
  }

  toggle(index, made) {
    if (!this.hidden.delete(index)) this.hidden.add(index);
    made.setAttribute("aria-pressed", String(!this.hidden.has(index)));
    this.redraw();
  }

  // ---- drawing ----------------------------------------------------------------------------------------------

  resize() {
    const { canvas, frame } = this.parts;
    const [width, height] = [frame.clientWidth, frame.clientHeight];
    if (!width || !height) return;
    this.view.scale = window.devicePixelRatio || 1;
    const [w, h] = [Math.round(width * this.view.scale), Math.round(height * this.view.scale)];
    if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
    this.view.fit(this.measured, width, height);
    this.redraw();
  }

  redraw() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  radius() {
    const base = this.points.count > 20000 ? 1.6 : this.points.count > 5000 ? 2.2 : this.points.count > 1000 ? 3.2 : 4.5;
    return base * Math.min(2.5, this.view.zoom ** 0.5);
  }

  draw() {
    const began = performance.now();
    const { canvas } = this.parts;
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    const last = this.layer;
    context.drawImage(this.drawPoints(canvas.width, canvas.height), 0, 0);
    const isNew = this.layer !== last;
    context.save();
    context.scale(this.view.scale, this.view.scale);
    const { path } = this.pointer;
    if (path.length > 1) this.outline(context, path);
    else if (this.data.area) this.outline(context, this.data.area.map(([x, y]) => [this.view.x(x), this.view.y(y)]));
    context.restore();
    // For whoever measures: how many points there were, and how long it took when they were drawn last.
    canvas.dataset.drawn = String(this.points.count);
    if (isNew) canvas.dataset.milliseconds = (performance.now() - began).toFixed(1);
  }

  /** The points as a picture, kept while nothing about them changes: a lasso is drawn over them many times. */
  drawPoints(width, height) {
    const r = this.radius();
    const { view } = this;
    const look = [width, height, view.scale, view.zoom, view.unit, ...view.centre, ...this.hidden].join(" ");
    if (this.layer?.look === look && this.layer.selected === this.selected && this.layer.points === this.points)
      return this.layer.picture;
    this.pictures = this.data.kinds.map((kind) => signPicture(kind.sign, kind.colour, r, view.scale));
    const picture = this.layer?.picture ?? document.createElement("canvas");
    [picture.width, picture.height] = [width, height];
    this.points.draw(picture.getContext("2d"), view, this);
    this.layer = { look, picture, selected: this.selected, points: this.points };
    return picture;
  }

  outline(context, corners) {
    const accent = getComputedStyle(this.root.querySelector(".map")).getPropertyValue("color");
    context.beginPath();
    corners.forEach(([x, y], i) => context[i ? "lineTo" : "moveTo"](x, y));
    context.closePath();
    context.strokeStyle = accent;
    context.lineWidth = 1.5;
    context.setLineDash([5, 4]);
    context.stroke();
    context.globalAlpha = 0.06;
    context.fillStyle = accent;
    context.fill();
    context.globalAlpha = 1;
  }

  zoom(factor, x, y) {
    if (factor) this.view.zoomAt(factor, x, y);
    else this.view.reset();
    this.redraw();
  }

  // ---- what the pointer means -------------------------------------------------------------------------------

  nearest(here) {
    return this.points.nearest(this.view, ...here, NEAR, this.hidden);
  }

  pick(here) {
    const index = this.nearest(here);
    if (index >= 0) this.send("event", { type: "pick", id: this.points.ids[index], at: Date.now() });
  }

  enclose(path) {
    const every = Math.ceil(path.length / MOST_CORNERS);
    const corners = path.filter((_, i) => i % every === 0).map(([x, y]) => this.view.back(x, y));
    const { number } = this.data;
    this.send("event", { type: "area", number, corners, hidden: [...this.hidden], at: Date.now() });
  }

  /** Say what lies under the pointer; -1 for nothing. */
  point(index, here = [0, 0]) {
    const { tip, frame } = this.parts;
    tip.hidden = index < 0;
    if (index < 0) return;
    const kind = this.data.kinds[this.points.kinds[index]];
    const line = this.points.lines?.[index];
    tip.replaceChildren(el("b", "", `#${this.points.ids[index]} · ${kind.name}`));
    if (line) tip.append(el("span", "", line));
    const isRight = here[0] > frame.clientWidth / 2;
    tip.style.left = isRight ? "" : `${here[0] + 14}px`;
    tip.style.right = isRight ? `${frame.clientWidth - here[0] + 14}px` : "";
    tip.style.top = `${Math.min(here[1] + 10, frame.clientHeight - 70)}px`;
  }
}

export default mounted(MapBoard);
