// The keys, learned by pressing them: three practice diaries in a dialog. Nothing of it is sent or kept as a decision.

// What is practised, in order, with the place of its diary among the three.
const LESSONS = [
  { kind: "label", diary: 1 },
  { kind: "accept", diary: 2 },
  { kind: "skip", diary: 3 },
  { kind: "undo", diary: 3 },
];

class Tour {
  constructor(board) {
    this.board = board;
    this.store = `${STORE}tour:${board.log.scope}`;
    this.place = 0;
  }

  get isOpen() {
    return Boolean(this.dialog?.open);
  }

  build() {
    const { strings } = this.board.data;
    this.offer = el("p", "tour-offer");
    const begin = button("command", () => this.open());
    begin.append(el("span", "", strings["tour.begin"]));
    const later = button("command", () => this.dismiss());
    later.append(el("span", "", strings["tour.later"]));
    this.offer.append(el("span", "", strings["tour.offer"]), begin, later);
    this.board.parts.notice.after(this.offer);
    this.dialog = el("dialog", "sheet tour");
    this.board.root.querySelector(".board").append(this.dialog);
    this.draw();
  }

  // Offered to whoever has decided nothing yet, until they have done it or do not want it.
  draw() {
    const { counts, recent } = this.board.data;
    // A mark on a word is no decision: the text would move under the second click.
    const isNew = !counts.mine && !recent.length && this.board.log.events.every(({ kind }) => kind === "rationale");
    this.offer.hidden = !isNew || !this.board.current || wasDismissed(this.store);
  }

  open() {
    this.place = 0;
    this.drawLesson();
    this.dialog.showModal();
  }

  dismiss() {
    try {
      sessionStorage.setItem(this.store, JSON.stringify({ done: true, events: [] }));
    } catch {
      // Without storage it is offered again after a reload.
    }
    this.dialog.close();
    this.draw();
  }

  drawLesson() {
    const { strings } = this.board.data;
    const lesson = LESSONS[this.place];
    const title = el("h2", "", lesson ? fill(strings["tour.title"], { n: lesson.diary }) : strings["tour.done"]);
    title.id = "tour-title";
    this.dialog.setAttribute("aria-labelledby", title.id);
    const parts = [title];
    if (lesson) parts.push(el("p", "tour-diary", strings[`tour.diary_${lesson.diary}`]));
    const ask = el("p", "tour-ask", lesson ? this.ask(lesson.kind) : strings["tour.uncounted"]);
    ask.setAttribute("role", "status");
    this.dialog.replaceChildren(...parts, ask, this.choices(lesson));
  }

  ask(kind) {
    const { strings, labels } = this.board.data;
    return fill(strings[`tour.ask_${kind}`], { label: labels[0].name });
  }

  choices(lesson) {
    const { strings, labels } = this.board.data;
    const row = el("div", "tour-choices");
    const add = (key, words, onPress) => {
      const made = button("command", onPress);
      if (key) made.append(keyCap(key));
      made.append(el("span", "", words));
      row.append(made);
    };
    if (lesson?.kind === "label") {
      labels.slice(0, 9).forEach((label) => add(label.key.toUpperCase(), label.name, () => this.next()));
    } else if (lesson) {
      const key = lesson.kind === "accept" ? "Enter" : freeCommandKeys(labels)[lesson.kind];
      add(key, lesson.kind === "accept" ? strings.help_accept : strings[lesson.kind], () => this.next());
    }
    add("Esc", strings[lesson ? "tour.stop" : "tour.start"], () => this.dismiss());
    return row;
  }

  next() {
    this.place += 1;
    this.drawLesson();
  }

  onKey(event) {
    event.stopImmediatePropagation();
    const code = codeOf(event);
    if (event.key === "Tab" || ((code === "Enter" || code === "Space") && this.board.hasWalked)) return;
    event.preventDefault();
    if (event.repeat) return;
    const lesson = LESSONS[this.place];
    if (event.key === "Escape" || (!lesson && code === "Enter")) this.dismiss();
    else if (lesson && this.codes(lesson.kind).includes(code)) this.next();
  }

  codes(kind) {
    const { labels } = this.board.data;
    if (kind === "accept") return ["Enter", "NumpadEnter"];
    if (kind === "label") return labels.flatMap((label) => codesOf(label.key));
    const key = freeCommandKeys(labels)[kind];
    return [...(key ? [`Key${key}`] : []), ...(kind === "undo" ? ["Backspace"] : [])];
  }
}

function wasDismissed(store) {
  try {
    return Boolean(JSON.parse(sessionStorage.getItem(store))?.done);
  } catch {
    return false;
  }
}
