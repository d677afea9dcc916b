// The cards of a group: each a box to tick with the beginning of a diary. One of them takes the focus; arrows move it.

class Cards {
  constructor(list, onChange) {
    this.list = list;
    this.onChange = onChange;
    this.boxes = [];
    this.list.addEventListener("keydown", (event) => this.onArrow(event));
  }

  // Cards of another grid begin ticked; those of the same one stay as they are.
  draw({ token, cards, strings }) {
    const ids = JSON.stringify(cards.map((card) => card.id));
    if (this.token === token || (this.ids === ids && this.token)) {
      this.token = token;
      return;
    }
    const hadFocus = this.list.contains(focused());
    this.token = token;
    this.ids = ids;
    this.boxes = cards.map((card, place) => this.box(card, place, strings));
    this.list.replaceChildren(...this.boxes.map((box) => box.entry));
    if (hadFocus) this.boxes[0]?.press.focus({ preventScroll: true });
    this.onChange();
  }

  box(card, place, strings) {
    const press = button("card", () => this.toggle(place));
    press.setAttribute("role", "checkbox");
    press.setAttribute("aria-checked", "true");
    press.tabIndex = place ? -1 : 0;
    const text = el("span", "card-text", card.text);
    text.dir = "auto";
    text.translate = false;
    press.append(el("span", "tick"), text, el("span", "card-said", card.said));
    press.addEventListener("focus", () => this.stand(place));
    const link = el("a", "card-link", `#${card.id}`);
    link.href = `find?diary=${card.id}`;
    link.target = "_blank";
    link.rel = "noopener";
    link.tabIndex = -1;
    link.setAttribute("aria-label", fill(strings.open, { id: card.id }));
    const entry = el("li", "card-entry");
    entry.append(press, link);
    return { id: card.id, entry, press, link };
  }

  isTicked(box) {
    return box.press.getAttribute("aria-checked") === "true";
  }

  get ticked() {
    return this.boxes.filter((box) => this.isTicked(box)).map((box) => box.id);
  }

  toggle(place) {
    const box = this.boxes[place];
    box.press.setAttribute("aria-checked", String(!this.isTicked(box)));
    this.onChange();
  }

  toggleAll() {
    const all = this.ticked.length < this.boxes.length;
    for (const { press } of this.boxes) press.setAttribute("aria-checked", String(all));
    this.onChange();
  }

  stand(place) {
    this.boxes.forEach(({ press }, other) => (press.tabIndex = other === place ? 0 : -1));
    this.place = place;
  }

  open() {
    const here = this.boxes.find((box) => box.press === focused());
    here?.link.click();
    return Boolean(here);
  }

  onArrow(event) {
    const here = this.boxes.findIndex((box) => box.press === focused());
    if (here < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.columns(), ArrowUp: -this.columns() };
    const ends = { Home: 0, End: this.boxes.length - 1 };
    const next = event.key in ends ? ends[event.key] : here + (steps[event.key] ?? 0);
    if (next === here || !this.boxes[next]) return;
    event.preventDefault();
    event.stopPropagation();
    this.boxes[next].press.focus();
    this.boxes[next].entry.scrollIntoView({ block: "nearest" });
  }

  columns() {
    const top = this.boxes[0].entry.offsetTop;
    const second = this.boxes.findIndex(({ entry }) => entry.offsetTop > top);
    return second < 0 ? this.boxes.length : second;
  }
}
