// Guidelines beside the diary: what is said of the label that is looked at, and of telling it from others.
// All keys keep their meaning while it is open.

class Guide {
  constructor(board) {
    this.board = board;
    this.isOpen = false;
  }

  build() {
    const { strings, labels } = this.board.data;
    const { article, heading } = this.board.parts;
    const key = freeCommandKeys(labels).guide;
    this.opener = button("command guide-opener", () => this.toggle());
    if (key) {
      this.opener.append(keyCap(key));
      this.opener.setAttribute("aria-keyshortcuts", key);
    }
    this.opener.append(el("span", "", strings.guide));
    article.insertBefore(this.opener, heading);
    this.panel = el("aside", "guide");
    this.panel.id = "guide";
    this.panel.tabIndex = 0; // it may be longer than the screen: the keyboard can scroll it
    this.panel.setAttribute("aria-label", strings.guide);
    this.opener.setAttribute("aria-controls", this.panel.id);
    article.append(this.panel);
    this.board.buttons.forEach((made, index) => (made.title = this.told(labels[index])));
    this.draw();
  }

  // What a mouse that rests on a label reads.
  told(label) {
    return [label.definition, this.of(label.id)[0]?.text].filter(Boolean).join("\n\n");
  }

  // Guidelines that speak of a label: its own first, then those of pairs.
  of(labelId) {
    return (this.board.data.guide ?? [])
      .filter((entry) => entry.label_ids.includes(labelId))
      .sort((a, b) => a.label_ids.length - b.label_ids.length);
  }

  toggle() {
    this.isOpen = !this.isOpen;
    this.draw();
  }

  // Return whether there was something to close.
  close() {
    const wasOpen = this.isOpen;
    this.isOpen = false;
    this.draw();
    return wasOpen;
  }

  draw() {
    const { data, current } = this.board;
    this.panel.hidden = !this.isOpen || !current;
    this.opener.setAttribute("aria-expanded", String(this.isOpen));
    if (this.panel.hidden) return;
    const index = current ? this.board.evidenceIndex(current) : -1;
    const about = index >= 0 && !(current.blind && this.board.lookedAt === null) ? [data.labels[index]] : data.labels;
    drawOnce(this.panel, [about, data.guide, data.strings], () => this.fill(about));
  }

  fill(about) {
    const { data } = this.board;
    const shut = button("command guide-close", () => this.toggle());
    shut.append(el("span", "", data.strings.help_close));
    this.panel.replaceChildren(shut, ...about.flatMap((label) => this.drawLabel(label, about.length === 1)));
  }

  drawLabel(label, isAlone) {
    const title = el("h3", "", label.name);
    title.style.setProperty("--label", label.colour);
    const nodes = [title];
    if (label.definition) nodes.push(el("p", "", label.definition));
    const entries = this.of(label.id).filter((entry) => isAlone || entry.label_ids.length === 1);
    for (const entry of entries) {
      if (entry.label_ids.length > 1) nodes.push(el("h4", "", this.pairName(entry.label_ids)));
      if (entry.text) nodes.push(el("p", "", entry.text));
      if (!entry.examples.length) continue;
      const list = el("ul");
      list.append(...entry.examples.map((example) => el("li", "", example)));
      nodes.push(list);
    }
    return nodes;
  }

  pairName(labelIds) {
    const names = labelIds.map((id) => this.board.data.labels.find((label) => label.id === id)?.name ?? "");
    return names.join(" · ");
  }
}
