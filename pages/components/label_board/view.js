// What the board looks like. The presses are in board.js, whose Board extends the Keys that extend this.

const SLOW_MS = 2000;
const STUCK_MS = 10000;
const HINT_MS = 2600;
const HISTORY_LENGTH = 8;

class View {
  constructor(root) {
    this.root = root;
    this.current = null; // the diary on screen
    this.lookedAt = null; // label index under the pointer or the keyboard's focus
    this.cycled = null; // label index chosen with V
    this.savedOnce = false;
    this.wait = READ_MS; // how long the diary has to be in sight before a press is about it
  }

  build() {
    const typed = typedInto(this.memo);
    const wasOpen = this.sheet?.open;
    const { strings, labels } = this.data;
    this.makeActions();
    this.parts = buildFrame(strings);
    this.parts.reveal.addEventListener("click", () => this.reveal());
    this.arc = new Arc(this.parts.arc, this.parts.text);
    this.memo = this.parts.memo;
    const keys = freeCommandKeys(labels);
    this.buttons = labels.map((label, index) =>
      labelButton(label, strings, {
        onPress: () => this.further.takesClick(label.id) || this.press({ kind: "label", labelId: label.id }),
        onLook: () => this.lookAt(index),
        onLookAway: () => this.lookedAt === index && this.lookAt(null),
      }),
    );
    this.parts.labels.replaceChildren(...this.buttons);
    this.finder ??= new Finder(this);
    this.finder.build(this.data, this.parts.labels);
    this.parts.labels.classList.toggle("many", labels.length > 9);
    const kinds = ["skip", "flag", "undo", "help"];
    this.parts.commands.replaceChildren(
      ...kinds.map((kind) => commandButton(kind, strings, keys[kind], () => this.commands[kind]())),
    );
    if (keys.memo) this.parts.memoLabel.prepend(keyCap(keys.memo));
    if (keys.evidence) this.parts.evidenceKey.append(keyCap(keys.evidence), el("span", "", strings.evidence));
    this.parts.evidenceKey.addEventListener("click", () => this.cycleEvidence());
    this.sheet = labelSheet(this.data, keys);
    const board = this.root.querySelector(".board");
    board.replaceChildren(this.parts.frame, this.sheet);
    board.onkeydown = shieldTyping;
    goOnTyping(this.memo, typed);
    if (wasOpen) this.sheet.showModal();
  }

  draw() {
    const { strings, labels, notice, empty } = this.data;
    const { parts, current: item } = this;
    parts.frame.classList.toggle("undoing", this.log.isUndoing);
    parts.frame.classList.toggle("without-diary", !item);
    const isOver = !item && Boolean(empty) && !this.log.events.length;
    parts.frame.classList.toggle("nothing-left", isOver);
    parts.deciding.hidden = isOver && !this.decisions().length;
    parts.notice.textContent = notice ?? "";
    parts.notice.hidden = !notice;
    parts.article.hidden = !item;
    parts.placeholder.hidden = Boolean(item);
    parts.placeholder.textContent = item ? "" : empty && !this.log.events.length ? empty : strings.fetching;
    parts.why.textContent = item?.why ?? "";
    this.drawCounts();
    drawHistory(parts.history, this.decisions().slice(0, HISTORY_LENGTH), labels, strings);
    if (item) this.drawItem(item);
    else showNothingIn(parts.text);
    this.drawLabels();
    this.drawSaveState();
    this.room?.measure();
  }

  drawItem(item) {
    const { strings, labels } = this.data;
    const { parts } = this;
    parts.heading.textContent = [fill(strings.diary, { id: item.diary_id }), item.written_on, item.author]
      .filter(Boolean)
      .join(" · ");
    parts.previous.hidden = !item.previous;
    if (item.previous) {
      parts.previous.textContent = fill(strings.previous, { choice: saidOf(item.previous, labels, strings) });
    }
    parts.helpLines.hidden = !item.care;
    parts.reveal.hidden = !(item.covered && this.data.may_reveal);
    this.drawEvidence(item);
  }

  drawEvidence(item) {
    const { strings, labels } = this.data;
    const { parts } = this;
    const index = this.evidenceIndex(item);
    const evidence = evidenceOf(item, index);
    drawDiary(parts.text, item, evidence, heardOf(labels[index], strings));
    // What Enter would accept belongs to what has to be seen.
    showIn(parts.text, [item.token, item.text, item.blind ? null : item.prediction?.label_index], this.wait);
    const hasEvidence = Boolean(item.explanation) && !item.blind && index >= 0;
    parts.legend.hidden = !hasEvidence;
    parts.evidenceKey.hidden = !hasEvidence;
    parts.legendLabel.textContent = hasEvidence ? legendOf(item, labels[index], strings) : "";
    if (hasEvidence) drawWhy(parts, item, { index, labels, strings });
    else withoutWhy(parts, this.withoutEvidence(item, strings));
    this.arc.draw(item, labels, strings);
  }

  withoutEvidence(item, strings) {
    if (item.blind) return strings.blind;
    return item.token === this.data.items[0]?.token && this.data.wait ? this.data.wait : strings.evidence_coming;
  }

  // The label whose evidence is shown: the one looked at, else the one chosen with V, else the predicted one.
  evidenceIndex(item) {
    return this.lookedAt ?? this.cycled ?? item.prediction?.label_index ?? -1;
  }

  lookAt(index) {
    this.lookedAt = index;
    if (!this.current) return;
    this.drawEvidence(this.current);
    this.drawLabels();
  }

  // V: the likeliest label after the one shown, and round again.
  cycleEvidence() {
    const item = this.current;
    if (!item?.prediction || !item.explanation || item.blind) return;
    const { proba } = item.prediction;
    const order = proba.map((_, index) => index).sort((a, b) => proba[b] - proba[a]);
    this.cycled = order[(order.indexOf(this.evidenceIndex(item)) + 1) % order.length];
    this.lookAt(null);
  }

  drawLabels() {
    const { strings, labels } = this.data;
    const item = this.current;
    const prediction = item && !item.blind ? item.prediction : null;
    const looked = item && prediction && item.explanation ? this.evidenceIndex(item) : -1;
    this.buttons.forEach((made, index) => {
      drawLabelButton(made, labels[index], {
        share: prediction ? (prediction.proba[index] ?? 0) : null,
        isUnknown: Boolean(prediction?.unknown?.includes(index)),
        isPredicted: prediction?.label_index === index,
        isGuess: Boolean(prediction?.is_guess),
        isPrevious: item?.previous?.label_id === labels[index].id,
        isLookedAt: looked === index,
        isAdded: this.further.added.has(labels[index].id),
      }, strings);
    });
    this.further.draw();
    for (const kind of ["skip", "flag"]) {
      this.parts.commands.querySelector(`.${kind}`).classList.toggle("previous", item?.previous?.kind === kind);
    }
  }

  // Streamlit passes on only what differs from the last.
  reveal() {
    this.setTriggerValue?.("reveal", { diary_id: this.current.diary_id, at: Date.now() });
  }

  drawCounts() {
    const { strings, counts } = this.data;
    const pending = { label: 0, all: 0 };
    for (const event of this.log.events) {
      if (event.kind === "undo" || event.kind === "rationale") continue;
      pending.all += 1;
      pending.label += event.kind === "label" ? 1 : 0;
    }
    const shown = {
      left: Math.max(0, counts.left - pending.all),
      mine: counts.mine + pending.label,
      since_round: counts.since_round + pending.label,
    };
    const counted = Object.entries(shown).map(([name, n]) => fill(strings[name], { n: n.toLocaleString() }));
    const said = this.data.pace ? [...counted, this.data.pace] : counted;
    this.parts.counts.replaceChildren(...said.map((words) => el("span", "", words)));
  }

  drawSaveState() {
    const { strings } = this.data;
    const { save, alarm } = this.parts;
    const { age } = this.log;
    const isStuck = age > STUCK_MS || (age > 0 && !isConnected());
    const state = isStuck ? "stuck" : age > SLOW_MS ? "slow" : this.savedOnce ? "saved" : "";
    const text = { stuck: "", slow: strings.saving, saved: strings.saved, "": "" }[state];
    save.dataset.state = state;
    if (save.textContent !== text) save.textContent = text;
    const unsaved = this.log.isStored ? strings.unsaved : strings.unsaved_unkept;
    const alarmText = isStuck ? fill(unsaved, { n: this.log.events.length }) : "";
    if (alarm.textContent !== alarmText) alarm.textContent = alarmText;
    alarm.hidden = !alarmText;
  }

  announceSaved(event) {
    this.savedOnce = true;
    const what = saidOf(event, this.data.labels, this.data.strings);
    this.parts.live.textContent = fill(this.data.strings.saved_what, { what });
  }

  hint(name) {
    const { hint } = this.parts;
    hint.textContent = this.data.strings[name];
    hint.hidden = false;
    clearTimeout(this.hintTimer);
    this.hintTimer = setTimeout(() => (hint.hidden = true), HINT_MS);
  }
}
