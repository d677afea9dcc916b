// The review board. The parts before this one in the module, among them: painted.js, diary.js, controls.js, aside.js.

const ACTIONS = { accept: "A", return: "B", ambiguous: "M", undo: "Z", next: "J", back: "K", help: "H" };
const MEANINGS = {
  accept: "keys_accept",
  return: "keys_return",
  ambiguous: "keys_ambiguous",
  undo: "keys_undo",
  next: "keys_next",
  back: "keys_back",
  help: "keys_help",
};
const ANSWER_MS = 8000;

class Review {
  constructor(root) {
    this.root = root;
    this.off = new AbortController();
    const { signal } = this.off;
    document.addEventListener("keydown", (event) => this.onKey(event), { capture: true, signal });
  }

  close() {
    this.off.abort();
    this.room?.close();
    clearTimeout(this.timer);
  }

  update(data, send) {
    const look = JSON.stringify([data.strings, data.labels]);
    const before = this.data?.case;
    this.data = data;
    this.sendEvent = send;
    if (data.answered === this.sentAt) this.settle();
    if (look !== this.look) this.build();
    this.look = look;
    const isSame = before && data.case && before.diary_id === data.case.diary_id;
    if (!isSame || String(before.mark) !== String(data.case.mark)) {
      this.asked = null;
      this.lookedAt = null;
    }
    this.draw();
    if (before && data.case && !isSame) {
      this.parts.article.scrollTop = 0;
      this.parts.case.scrollIntoView({ block: "nearest" });
      this.room.toTop();
    }
  }

  // ---- what is sent -----------------------------------------------------------------------------------------

  // An event is on its way at once or not at all: one that can't be sent now is refused, and it is said.
  send(event) {
    const { strings } = this.data;
    if (this.isBusy) return this.refuse(strings.busy);
    if (!isConnected()) return this.refuse(strings.away);
    this.isBusy = true;
    this.parts.frame.classList.add("busy");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.settle();
      this.refuse(strings.unanswered);
    }, ANSWER_MS);
    this.refusal = null;
    this.sentAt = Date.now(); // Streamlit passes on only what differs from the last
    this.sendEvent("event", { ...event, at: this.sentAt });
  }

  // It stands where the answer would, until something else is sent.
  refuse(why) {
    this.refusal = why;
    this.drawNotice();
  }

  drawNotice() {
    setText(this.parts.notice, this.refusal ?? this.data.notice);
    this.parts.notice.classList.toggle("refused", Boolean(this.refusal));
  }

  settle() {
    this.isBusy = false;
    clearTimeout(this.timer);
    this.parts?.frame.classList.remove("busy");
  }

  act(kind, more = {}) {
    const { diary_id, mark } = this.data.case;
    this.send({ type: "act", act: { kind, diary_id, mark, ...more }, next: this.beside(1) });
  }

  beside(step) {
    const ids = this.data.rows.map((row) => row.diary_id);
    const here = ids.indexOf(this.data.case?.diary_id);
    return here < 0 ? (ids[0] ?? null) : (ids[here + step] ?? null);
  }

  move(step) {
    const id = this.beside(step);
    if (id !== null) this.send({ type: "open", diary_id: id });
    else if (step > 0 && this.data.has_more) this.send({ type: "more" });
  }

  // ---- what is done -----------------------------------------------------------------------------------------

  // What is decided is about the diary that somebody has had in sight for a moment.
  canDecide() {
    if (!this.data.case?.votes.length) return false;
    const obstacle = this.isBusy ? "busy" : unseen(this.parts.text, this.data.case.item.text);
    if (!obstacle) return true;
    this.refuse(this.data.strings[obstacle]);
    this.drawText();
    return false;
  }

  press(kind) {
    if (kind === "undo") this.send({ type: "undo" });
    else if (kind === "next") this.move(1);
    else if (kind === "back") this.move(-1);
    else if (kind === "help") this.toggleSheet();
    else if (!this.canDecide()) return;
    else if (kind === "return") this.ask({ kind: "return" });
    else this.act(kind);
  }

  toggleSheet() {
    if (this.sheet.open) this.sheet.close();
    else this.sheet.showModal();
  }

  pressLabel(label) {
    if (!this.canDecide()) return;
    const { votes } = this.data.case;
    const isGiven = votes.some((vote) => vote.label_id === label.id);
    const isOwn = votes.every((vote) => vote.name === this.data.me);
    if (isGiven || isOwn) this.act("label", { label_id: label.id });
    else this.ask({ kind: "label", label });
  }

  ask(asked) {
    this.asked = asked;
    this.parts.note.value = "";
    this.drawAsked();
    this.parts.note.focus();
  }

  stopAsking() {
    this.asked = null;
    this.drawAsked();
  }

  answer() {
    const comment = this.parts.note.value.trim();
    if (!comment) {
      this.parts.note.focus();
      return;
    }
    const { kind, label } = this.asked;
    if (!this.canDecide()) return;
    if (kind === "label") this.act("label", { label_id: label.id, comment });
    else this.act("return", { decision_id: Number(this.parts.to.value), comment });
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isCoveredByDialog()) return;
    if (this.asked && event.key === "Escape") {
      event.preventDefault();
      this.stopAsking();
      return;
    }
    if (isTypedInto(focused()) || event.repeat) return;
    if (this.sheet?.open && event.key !== "?" && !codesOf(this.keys.help ?? "").includes(codeOf(event))) return;
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
    const typed = typedInto(this.parts?.note);
    const taken = new Set(labels.map((label) => label.key.toUpperCase()));
    this.keys = Object.fromEntries(Object.entries(ACTIONS).filter(([, key]) => !taken.has(key)));
    this.parts = buildReview(strings);
    const { parts } = this;
    this.arc = new Arc(parts.arc, parts.text);
    this.labelButtons = labels.map((label, index) => this.labelButton(label, index));
    parts.labels.append(...this.labelButtons);
    this.buttons = Object.fromEntries(
      Object.keys(ACTIONS).map((kind) => [kind, commandButton(kind, strings, this.keys[kind], () => this.press(kind))]),
    );
    const { accept, undo, next, back, help } = this.buttons;
    parts.actions.append(accept, this.buttons.return, this.buttons.ambiguous, undo, back, next, help);
    parts.more.addEventListener("click", () => this.send({ type: "more" }));
    parts.first.addEventListener("click", () => this.send({ type: "first" }));
    parts.gold.addEventListener("click", () => {
      if (this.canDecide()) this.send({ type: "gold", diary_id: this.data.case.diary_id });
    });
    parts.save.addEventListener("click", () => this.answer());
    parts.cancel.addEventListener("click", () => this.stopAsking());
    parts.note.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape") this.stopAsking();
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.answer();
    });
    const wasOpen = this.sheet?.open;
    this.sheet = buildSheet(strings, this.sheetRows());
    this.root.querySelector(".board").replaceChildren(parts.frame, this.sheet);
    if (wasOpen) this.sheet.showModal();
    parts.asking.hidden = !this.asked;
    goOnTyping(parts.note, typed);
    this.room?.close();
    this.room = new Room(parts.article, parts.deciding);
  }

  labelButton(label, index) {
    const made = button("choice", () => this.pressLabel(label));
    made.append(...(label.key ? [keyCap(label.key.toUpperCase())] : []), dotted(label.name, label.colour));
    made.title = label.definition;
    if (label.key) made.setAttribute("aria-keyshortcuts", label.key.toUpperCase());
    followMouse(
      made,
      () => this.lookAt(index),
      () => this.lookAt(null),
    );
    return made;
  }

  sheetRows() {
    const { strings, labels } = this.data;
    const keyed = labels.filter((label) => label.key);
    return [
      ...keyed.map((label) => [label.key.toUpperCase(), fill(strings.keys_label, { label: label.name }), label.definition]),
      ...Object.entries(this.keys).map(([kind, key]) => [key, strings[MEANINGS[kind]]]),
    ];
  }

  lookAt(index) {
    this.lookedAt = index;
    if (this.data.case) this.drawText();
  }

  draw() {
    const { data, parts } = this;
    const shown = data.case;
    drawRows(parts.rows, data, shown?.diary_id, (id) => id !== shown?.diary_id && this.send({ type: "open", diary_id: id }));
    parts.list.hidden = !data.rows.length;
    parts.more.hidden = !data.has_more;
    parts.first.hidden = !data.has_before;
    this.drawNotice();
    parts.case.hidden = !shown;
    this.buttons.accept.disabled = !shown?.votes.length;
    if (!shown) return;
    this.room.measure();
    this.drawHead(shown);
    this.drawText();
    this.drawAsked();
    const wasOpen = parts.details.querySelector("details")?.open ?? false;
    parts.details.replaceChildren(
      drawVotes(shown, data.strings),
      ...drawGuide(shown),
      drawSimilar(shown, data.strings),
      drawHistoryOf(shown, data.strings, wasOpen),
    );
  }

  drawHead(shown) {
    const { parts, data } = this;
    const { item } = shown;
    parts.heading.textContent = [`#${shown.diary_id}`, item.written_on, item.author].filter(Boolean).join(" · ");
    const given = data.labels.find((label) => label.id === shown.given_id);
    parts.given.replaceChildren(...(given ? [el("span", "by", data.strings.given), dotted(given.name, given.colour)] : []));
    setText(parts.gold, shown.is_gold ? data.strings.ungold : data.strings.gold);
    parts.gold.title = shown.is_gold ? "" : data.strings.gold_note;
    parts.gold.hidden = !shown.votes.length;
    parts.why.replaceChildren(...shown.why.map((sentence) => el("li", "", sentence)));
    parts.why.hidden = !shown.why.length;
    parts.standing.hidden = !shown.standing;
    const { said = "", comment = "" } = shown.standing ?? {};
    parts.standing.replaceChildren(el("p", "", said), ...(comment ? [el("p", "quote", comment)] : []));
    parts.unlabelled.hidden = shown.votes.length > 0;
    parts.deciding.classList.toggle("without-votes", !shown.votes.length);
    this.labelButtons.forEach((made, index) => made.classList.toggle("given", data.labels[index].id === shown.given_id));
  }

  drawText() {
    const { data, parts } = this;
    const { item } = data.case;
    const index = this.lookedAt ?? item.prediction?.label_index ?? -1;
    const evidence = evidenceOf(item, index);
    const token = String([data.case.diary_id, data.case.mark]);
    drawDiary(parts.text, { ...item, token }, evidence, heardOf(data.labels[index], data.strings));
    showIn(parts.text, [token, item.text]);
    this.arc.draw({ ...item, token }, data.labels, data.strings);
    const { evidence: evidenceText, contrast, deletion, bySentence } = parts;
    const whyParts = { evidenceText, contrast, deletion, bySentence };
    const has = Boolean(item.explanation) && index >= 0;
    const missing = item.blind ? data.strings.blind : item.prediction ? data.strings.no_explanation : "";
    parts.evidence.classList.toggle("waiting", !has);
    if (has) drawWhy(whyParts, item, { index, labels: data.labels, strings: data.strings });
    else withoutWhy(whyParts, missing);
  }

  drawAsked() {
    const { asked, parts, data } = this;
    parts.asking.hidden = !asked;
    if (!asked) return;
    const { strings } = data;
    const isReturn = asked.kind === "return";
    setText(parts.noteTitle, isReturn ? strings.comment_title : fill(strings.note_title, { label: asked.label.name }));
    parts.note.placeholder = isReturn ? strings.comment_hint : strings.note_hint;
    setText(parts.save, isReturn ? strings.send : strings.save);
    const people = data.case.votes.filter((vote) => vote.can_answer);
    parts.toRow.hidden = !isReturn || people.length < 2;
    if (isReturn) {
      const options = people.map((vote) => {
        const option = el("option", "", `${vote.name} (${vote.label})`);
        option.value = vote.decision_id;
        return option;
      });
      parts.to.replaceChildren(...options);
      const first = people.find((vote) => vote.label_id === data.case.given_id);
      if (first) parts.to.value = first.decision_id;
    }
  }
}

function buildReview(strings) {
  const parts = {
    frame: el("div", "review-frame"),
    list: el("aside", "list"),
    listNote: el("p", "list-note", strings.numbers),
    rows: el("ol", "rows"),
    more: button("quiet", () => {}),
    first: button("quiet", () => {}),
    case: el("section", "case"),
    notice: el("p", "notice-line"),
    article: el("article", "diary"),
    heading: el("h2", "heading"),
    given: el("p", "given-label"),
    gold: button("quiet gold", () => {}),
    why: el("ul", "signals"),
    standing: el("div", "returned"),
    unlabelled: el("p", "returned", strings.unlabelled),
    text: el("div", "text"),
    arc: el("div", "arc"),
    evidence: el("p", "evidence-text"),
    contrast: el("p", "why-more"),
    deletion: el("p", "why-more"),
    bySentence: el("p", "why-more"),
    deciding: el("section", "deciding-row"),
    labels: el("div", "choices"),
    actions: el("div", "actions"),
    asking: el("div", "asking"),
    noteTitle: el("label", "note-title"),
    note: el("textarea", "memo"),
    toRow: el("label", "to-row", strings.comment_to),
    to: el("select", "to"),
    save: button("save-note", () => {}),
    cancel: button("quiet", () => {}),
    details: el("div", "details"),
  };
  parts.list.setAttribute("aria-label", strings.list);
  parts.more.textContent = fill(strings.more, { n: 25 });
  parts.first.textContent = strings.first;
  parts.cancel.textContent = strings.cancel;
  parts.notice.setAttribute("role", "status");
  parts.arc.setAttribute("role", "group");
  parts.arc.setAttribute("aria-label", strings.arc);
  parts.note.id = "note";
  parts.note.rows = 2;
  parts.note.maxLength = 2000;
  parts.noteTitle.htmlFor = "note";
  parts.toRow.append(parts.to);
  const head = el("header", "case-head");
  head.append(parts.heading, parts.given, parts.gold);
  const evidence = el("div", "evidence-box");
  evidence.append(parts.bySentence, parts.evidence, parts.contrast, parts.deletion);
  parts.article.append(head, parts.why, parts.standing, parts.unlabelled, parts.text, parts.arc, evidence);
  const buttons = el("div", "asking-buttons");
  buttons.append(parts.toRow, parts.save, parts.cancel);
  parts.asking.append(parts.noteTitle, parts.note, buttons);
  parts.deciding.append(parts.asking, parts.labels, parts.actions);
  parts.case.append(parts.article, parts.deciding, parts.details);
  parts.list.append(parts.listNote, parts.rows, parts.more, parts.first);
  const body = el("div", "review-body");
  body.append(parts.list, parts.case);
  parts.frame.append(parts.notice, body);
  return parts;
}

export default mounted(Review);
