// Marks on words: evidence for the label whose evidence is shown, or none. By click, by tap, or by keyboard in a
// mode that one key opens. The server keeps them like decisions; what it has not confirmed is in the log.

const NEXT_VERDICT = { right: "wrong", wrong: "none" };
const SIGNS = { right: "✓", wrong: "✕" };
const STEPS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

class Marks {
  constructor(board) {
    this.board = board;
    this.isOpen = false; // whether words take the focus
  }

  build() {
    const { data, parts } = this.board;
    const { strings } = data;
    const key = freeCommandKeys(data.labels).mark;
    this.isOpen = false;
    this.row = el("div", "marking");
    this.said = el("p", "marks");
    this.key = button("command mark", () => this.toggle());
    if (key) {
      this.key.append(keyCap(key));
      this.key.setAttribute("aria-keyshortcuts", key);
    }
    this.key.append(el("span", "", strings["rationale.mode"]));
    this.row.append(this.said, this.key);
    parts.article.append(this.row);
    parts.text.addEventListener("click", (event) => this.onClick(event));
    // Words that are clicked twice are marked twice; they shall not be selected.
    parts.text.addEventListener("mousedown", (event) => event.detail > 1 && wordAt(event) && event.preventDefault());
  }

  // The label that a mark is about; none where no evidence is shown.
  label(item) {
    if (!item?.explanation || item.blind) return null;
    return this.board.data.labels[this.board.evidenceIndex(item)] ?? null;
  }

  // Marks of a diary by the place of the word, those on their way to the server included.
  of(item) {
    const marks = new Map();
    const pending = this.board.log.events.filter((e) => e.kind === "rationale" && e.diary_id === item.diary_id);
    for (const { span, verdict, label_id: labelId } of [...(item.rationales ?? []), ...pending]) {
      if (verdict === "none") marks.delete(String(span));
      else marks.set(String(span), { span, verdict, labelId });
    }
    return marks;
  }

  words() {
    return [...this.board.parts.text.querySelectorAll("[data-start]")];
  }

  // ---- drawing --------------------------------------------------------------------------------------------

  draw(item) {
    const label = this.label(item);
    this.row.hidden = !label;
    this.board.parts.text.classList.toggle("markable", Boolean(label));
    const marks = this.of(item);
    for (const word of this.words()) {
      const mark = marks.get(String(placeOf(word)));
      if (mark) {
        word.dataset.mark = mark.verdict;
        word.title = this.verdictOf(mark);
      } else if (word.dataset.mark) {
        delete word.dataset.mark;
        word.removeAttribute("title");
      }
    }
    if (this.isOpen) this.offer();
    const said = this.describe(item, marks);
    if (this.said.textContent !== said) this.said.textContent = said;
    this.key.setAttribute("aria-pressed", String(this.isOpen));
  }

  describe(item, marks) {
    const { strings } = this.board.data;
    if (this.isOpen) return strings["rationale.keys"];
    if (!marks.size) return strings["rationale.ask"];
    const text = new CodePoints(item.text);
    return [...marks.values()]
      .sort((a, b) => a.span[0] - b.span[0])
      .map((mark) => {
        const word = fill(strings.quoted, { word: shorten(text.slice(...mark.span)) });
        return `${SIGNS[mark.verdict]} ${word}: ${this.verdictOf(mark)}`;
      })
      .join(" · ");
  }

  verdictOf({ verdict, labelId }) {
    const { strings, labels } = this.board.data;
    const template = { right: strings["rationale.right"], wrong: strings["rationale.wrong"] }[verdict];
    return fill(template, { label: labels.find((label) => label.id === labelId)?.name ?? "?" });
  }

  // ---- marking --------------------------------------------------------------------------------------------

  onClick(event) {
    const word = wordAt(event);
    if (word && !hasSelection(this.board.root)) this.cycle(word);
  }

  cycle(word) {
    const { board } = this;
    const item = board.current;
    const label = this.label(item);
    if (!label) return;
    const obstacle = board.obstacle("rationale");
    if (obstacle) {
      board.hint(obstacle);
      return;
    }
    const span = placeOf(word);
    const mark = this.of(item).get(String(span));
    const verdict = mark?.labelId === label.id ? NEXT_VERDICT[mark.verdict] : "right";
    const isKept = board.record({
      kind: "rationale",
      token: randomToken(),
      diary_id: item.diary_id,
      label_id: label.id,
      span,
      verdict,
      model_id: item.prediction?.model_id ?? null,
    });
    if (!isKept) return;
    const { strings } = board.data;
    const said = verdict === "none" ? strings["rationale.none"] : this.verdictOf({ verdict, labelId: label.id });
    const quoted = fill(strings.quoted, { word: new CodePoints(item.text).slice(...span) });
    board.parts.live.textContent = `${quoted} ${said}`;
    board.draw();
  }

  // ---- the keyboard's mode --------------------------------------------------------------------------------

  toggle() {
    if (this.isOpen && this.hasFocus()) this.close();
    else this.open();
  }

  open() {
    if (!this.label(this.board.current) || !this.words().length) {
      this.board.hint("hint_nothing_to_mark");
      return;
    }
    this.isOpen = true;
    // The strongest evidence first: it is what a mark is most likely about.
    const words = this.words();
    this.at = placeOf(words.find((word) => word.classList.contains("level-3")) ?? words[0]);
    this.board.drawEvidence(this.board.current);
    this.focus();
  }

  close() {
    if (!this.isOpen) return;
    this.isOpen = false;
    for (const word of this.words()) {
      if (word === focused()) word.blur();
      word.removeAttribute("tabindex");
      word.removeAttribute("role");
    }
    if (this.board.current) this.draw(this.board.current);
  }

  offer() {
    for (const word of this.words()) {
      word.setAttribute("role", "button");
      word.tabIndex = String(placeOf(word)) === String(this.at) ? 0 : -1;
    }
  }

  hasFocus() {
    return this.isOpen && this.words().includes(focused());
  }

  focus() {
    const words = this.words();
    (words.find((word) => String(placeOf(word)) === String(this.at)) ?? words[0])?.focus();
  }

  // Return whether the key was taken. Keys that label go on labelling.
  onKey(event) {
    if (!this.hasFocus() || event.ctrlKey || event.altKey || event.metaKey) return false;
    const word = focused();
    if (event.key === "Tab" || event.key in STEPS) return this.walk(word, event);
    if (event.key !== "Escape" && event.key !== "Enter" && event.key !== " ") return false;
    if (event.key === "Escape") this.close();
    else if (!event.repeat) this.cycle(word);
    return true;
  }

  walk(word, event) {
    const words = this.words();
    const step = event.key === "Tab" ? (event.shiftKey ? -1 : 1) : STEPS[event.key];
    const next = words[words.indexOf(word) + step];
    if (!next) {
      // Tab leads out of the text at its ends, so that nobody is caught in it.
      if (event.key === "Tab") this.close();
      return event.key !== "Tab";
    }
    this.at = placeOf(next);
    this.offer();
    next.focus();
    return true;
  }
}

function wordAt(event) {
  return event.target.closest?.("[data-start]") ?? null;
}

function placeOf(word) {
  return [Number(word.dataset.start), Number(word.dataset.end)];
}

function hasSelection(root) {
  return (root.getSelection?.() ?? document.getSelection())?.type === "Range";
}
