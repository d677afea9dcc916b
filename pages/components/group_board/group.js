// The group board. The parts before this one in the module, among them: painted.js, controls.js, cards.js.

const ACTIONS = { all: "A", next: "N", before: "P", undo: "Z", look: "O" };
const ANSWER_MS = 15000;

class Group {
  constructor(root) {
    this.root = root;
    this.off = new AbortController();
    document.addEventListener("keydown", (event) => this.onKey(event), { capture: true, signal: this.off.signal });
  }

  close() {
    this.off.abort();
    clearTimeout(this.timer);
  }

  update(data, send) {
    const look = JSON.stringify([data.strings, data.labels]);
    this.data = data;
    this.sendEvent = send;
    if (this.sentAt && data.answered === this.sentAt) this.settle();
    if (look !== this.look) this.build();
    this.look = look;
    this.draw();
    this.sendAgain();
  }

  // ---- what is sent -----------------------------------------------------------------------------------------

  get store() {
    return `maeumgyeol-group-${this.data.scope}`;
  }

  send(event) {
    const { strings } = this.data;
    if (this.isBusy) return this.refuse(strings.busy);
    if (!isConnected()) return this.refuse(strings.away);
    this.sentAt = Date.now(); // Streamlit passes on only what differs from the last
    const sent = { ...event, at: this.sentAt };
    if (event.type === "label") sessionStorage.setItem(this.store, JSON.stringify(sent));
    this.pass(sent);
  }

  pass(sent) {
    this.isBusy = true;
    this.refusal = null;
    this.parts.frame.classList.add("busy");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.isBusy = false;
      this.parts.frame.classList.remove("busy");
      this.refuse(this.data.strings.unanswered);
    }, ANSWER_MS);
    this.sendEvent("event", sent);
  }

  // A press that this tab has sent before it was reloaded, and whose answer never came: under its token it counts once.
  sendAgain() {
    if (this.hasLooked) return;
    this.hasLooked = true;
    const kept = sessionStorage.getItem(this.store);
    if (!kept) return;
    const sent = { ...JSON.parse(kept), at: Date.now() };
    this.sentAt = sent.at;
    sessionStorage.setItem(this.store, JSON.stringify(sent));
    this.pass(sent);
  }

  settle() {
    this.isBusy = false;
    this.refusal = null; // of presses while this one was on its way
    this.sentAt = null;
    clearTimeout(this.timer);
    sessionStorage.removeItem(this.store);
    this.parts?.frame.classList.remove("busy");
  }

  refuse(why) {
    this.refusal = why;
    this.drawNotice();
  }

  drawNotice() {
    setText(this.parts.notice, this.refusal ?? this.data.notice);
    this.parts.notice.classList.toggle("refused", Boolean(this.refusal));
  }

  // ---- what is done -----------------------------------------------------------------------------------------

  pressLabel(label) {
    const { token, kind, cards, strings } = this.data;
    const ids = this.cards.ticked;
    if (!cards.length) return;
    if (!ids.length) return this.refuse(strings.none_ticked);
    if (!("readable" in this.parts.list.dataset)) return this.refuse(strings.just_shown);
    this.send({ type: "label", token, kind, ids, label_id: label.id, shown: cards.length });
  }

  press(action) {
    const [place, count] = this.data.places;
    if (action === "all") this.cards.toggleAll();
    else if (action === "look") this.cards.open();
    else if (action === "undo" && this.data.undo) this.send({ type: "undo", token: this.data.undo.token });
    else if (action === "next" && place + 1 < count) this.send({ type: "move", place: place + 1 });
    else if (action === "before" && place > 0) this.send({ type: "move", place: place - 1 });
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isCoveredByDialog()) return;
    if (isTypedInto(focused()) || event.repeat || !this.parts) return;
    const code = codeOf(event);
    const label = this.data.labels.find((candidate) => codesOf(candidate.key).includes(code));
    const action = Object.keys(this.keys).find((kind) => codesOf(this.keys[kind]).includes(code));
    if (!label && !action) return;
    event.preventDefault();
    event.stopPropagation();
    if (label) this.pressLabel(label);
    else this.press(action);
  }

  // ---- what it looks like -----------------------------------------------------------------------------------

  build() {
    const { strings, labels } = this.data;
    const taken = new Set(labels.map((label) => label.key.toUpperCase()));
    this.keys = Object.fromEntries(Object.entries(ACTIONS).filter(([, key]) => !taken.has(key)));
    this.parts = buildGroup(strings);
    const { parts } = this;
    this.cards = new Cards(parts.list, () => this.drawCounts());
    this.labelButtons = labels.map((label) => this.labelButton(label));
    parts.labels.append(...this.labelButtons);
    this.buttons = Object.fromEntries(
      ["all", "before", "next", "undo"].map((kind) => [
        kind,
        commandButton(kind, strings, this.keys[kind], () => this.press(kind)),
      ]),
    );
    parts.commands.append(...Object.values(this.buttons));
    this.root.querySelector(".board").replaceChildren(parts.frame);
  }

  labelButton(label) {
    const made = button("choice", () => this.pressLabel(label));
    const dot = el("span", "dot");
    dot.style.setProperty("--label", label.colour);
    made.append(...(label.key ? [keyCap(label.key.toUpperCase())] : []), dot, el("span", "", label.name));
    made.title = label.definition;
    if (label.key) made.setAttribute("aria-keyshortcuts", label.key.toUpperCase());
    return made;
  }

  draw() {
    const { data, parts } = this;
    this.cards.draw(data);
    if (data.cards.length) showIn(parts.list, this.cards.ids);
    else showNothingIn(parts.list);
    this.labelButtons.forEach((made, place) =>
      made.classList.toggle("given", data.labels[place].id === data.predicted),
    );
    const [place, count] = data.places;
    this.buttons.next.disabled = place + 1 >= count;
    this.buttons.before.disabled = place === 0;
    this.buttons.next.hidden = this.buttons.before.hidden = count < 2;
    this.buttons.undo.hidden = !data.undo;
    parts.deciding.hidden = !data.cards.length && !data.undo;
    parts.labels.hidden = !data.cards.length;
    this.buttons.all.hidden = !data.cards.length;
    parts.undoable.textContent = data.undo?.said ?? "";
    this.drawNotice();
    this.drawCounts();
  }

  drawCounts() {
    const { cards, strings, places } = this.data;
    const ticked = this.cards.ticked.length;
    setText(this.parts.ticked, cards.length ? fill(strings.ticked, { n: ticked, count: cards.length }) : "");
    setText(this.parts.place, places[1] > 1 ? fill(strings.place, { n: places[0] + 1, count: places[1] }) : "");
    for (const made of this.labelButtons) made.disabled = !ticked;
  }
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function buildGroup(strings) {
  const parts = {
    frame: el("div", "group-frame"),
    notice: el("p", "notice-line"),
    place: el("p", "group-place"),
    list: el("ul", "cards"),
    deciding: el("section", "group-deciding"),
    ticked: el("p", "ticked"),
    labels: el("div", "choices"),
    commands: el("div", "commands"),
    undoable: el("p", "undoable"),
  };
  parts.notice.setAttribute("role", "status");
  parts.ticked.setAttribute("aria-live", "polite");
  parts.list.setAttribute("aria-label", strings.list);
  parts.deciding.setAttribute("aria-label", strings.deciding);
  parts.deciding.append(parts.ticked, parts.labels, parts.commands, parts.undoable);
  parts.frame.append(parts.notice, parts.place, parts.list, parts.deciding);
  return parts;
}

export default mounted(Group);
