// The board: what has been pressed, and what the server knows of it.
// The parts before this one in the module, among them: log.js, diary.js, controls.js, view.js, rationale.js.

const RESEND_MS = 3000;
const KEEP_ALIVE_MS = 60000;
const TICK_MS = 500;

class Board extends View {
  constructor(root, log) {
    super(root);
    this.log = log;
    this.marks = new Marks(this);
    this.further = new Further(this);
    this.pause = new Pause(this);
    this.guide = new Guide(this);
    this.items = [];
    this.waiting = []; // presses for diaries that aren't here yet, or behind an undo
    this.hasWalked = false; // whether the keyboard (Tab) moved the focus last
    this.hiddenMs = 0;
    this.sentAt = 0;
    this.off = new AbortController();
    this.listen();
    stayClear(root.host);
  }

  listen() {
    const { signal } = this.off;
    document.addEventListener("keydown", (event) => this.onKey(event), { capture: true, signal });
    document.addEventListener("pointerdown", () => (this.hasWalked = false), { capture: true, signal });
    document.addEventListener("visibilitychange", () => this.onVisibility(), { signal });
    window.addEventListener("beforeunload", (event) => this.hasUnsaved() && event.preventDefault(), { signal });
    this.ticker = setInterval(() => this.tick(), TICK_MS);
  }

  hasUnsaved() {
    return this.log.events.length + this.waiting.length > 0;
  }

  close() {
    this.off.abort();
    clearInterval(this.ticker);
    clearTimeout(this.hintTimer);
    clearTimeout(this.sendTimer);
  }

  build() {
    super.build();
    this.marks.build();
    this.further.build();
    this.pause.build();
    this.guide.build();
  }

  drawEvidence(item) {
    const hadFocus = this.marks.hasFocus();
    super.drawEvidence(item);
    this.marks.draw(item);
    this.guide.draw();
    if (hadFocus && !this.marks.hasFocus()) this.marks.focus();
  }

  // ---- what the server says -------------------------------------------------------------------------------

  update(data, setStateValue, setTriggerValue) {
    const isFirst = !this.data;
    const look = JSON.stringify([data.strings, data.labels, data.guide, data.several_labels, data.intensity]);
    this.data = data;
    this.setStateValue = setStateValue;
    this.setTriggerValue = setTriggerValue;
    if (look !== this.look) this.build();
    this.look = look;
    if (data.holder === this.log.holder) this.take(data);
    if (isFirst) this.send();
    this.drain();
    this.draw();
  }

  take(data) {
    const wasUndoing = this.log.isUndoing;
    const applied = this.log.confirm(data.acked);
    if (applied.length) this.announceSaved(applied.at(-1));
    this.items = data.items.filter((item) => !this.log.answered.has(item.token));
    const hasUndone = wasUndoing && !this.log.isUndoing;
    const same = hasUndone ? null : this.items.find((item) => item.token === this.current?.token);
    if (same) this.items = [same, ...this.items.filter((item) => item !== same)];
    if (data.empty && !this.items.length && !this.log.events.length) this.waiting = [];
    this.show(this.items[0] ?? null);
  }

  show(item) {
    const isOther = item?.token !== this.current?.token;
    this.current = item;
    if (!isOther) return;
    this.marks.close();
    this.shownAt = performance.now();
    this.hiddenMs = 0;
    this.lookedAt = null;
    this.cycled = null;
    this.memo.value = item?.previous?.memo ?? "";
    this.further.reset(item);
    this.parts.reading.scrollTop = 0;
  }

  // ---- presses --------------------------------------------------------------------------------------------

  press(wish) {
    const last = this.waiting.at(-1);
    if (wish.kind === "undo" && last && last.kind !== "undo") this.waiting.pop();
    else this.waiting.push(wish);
    this.drain();
    this.draw();
  }

  drain() {
    while (this.waiting.length && !this.log.isUndoing) {
      if (this.waiting[0].kind === "undo") this.undo(this.waiting.shift());
      else if (this.current) this.decide(this.waiting.shift());
      else return;
    }
  }

  decide(wish) {
    const item = this.current;
    const shown = item.blind ? null : item.prediction;
    const shownLabel = shown ? this.data.labels[shown.label_index] : null;
    if (wish.kind === "accept" && !shownLabel) {
      this.hint(item.blind ? "hint_blind" : "hint_no_prediction");
      return;
    }
    const labelId = wish.kind === "accept" ? shownLabel.id : (wish.labelId ?? null);
    this.record({
      kind: wish.kind === "accept" ? "label" : wish.kind,
      token: item.token,
      diary_id: item.diary_id,
      label_id: labelId,
      memo: this.memo.value.trim(),
      seconds: Math.round((performance.now() - this.shownAt - this.hiddenMs) / 100) / 10,
      model_id: shown?.model_id ?? null,
      shown_label_id: shownLabel?.id ?? null,
      shown_proba: shown?.proba[shown.label_index] ?? null,
      ...this.further.of(wish.kind === "accept" ? "label" : wish.kind, labelId),
    });
    this.items = this.items.slice(1);
    this.show(this.items[0] ?? null);
  }

  undo() {
    if (!this.decisions().length) {
      this.hint("hint_nothing_to_undo");
      return;
    }
    this.record({
      kind: "undo",
      token: randomToken(),
      diary_id: null,
      label_id: null,
      memo: "",
      seconds: null,
      model_id: null,
      shown_label_id: null,
      shown_proba: null,
    });
  }

  record(event) {
    this.log.add(event);
    this.pause.work();
    // After the paint: the next diary is on screen before the server hears of this one.
    clearTimeout(this.sendTimer);
    this.sendTimer = setTimeout(() => this.send(), 0);
  }

  send() {
    this.sentAt = performance.now();
    this.setStateValue("client", { holder: this.log.holder, events: this.log.events, beat: Date.now() });
  }

  announceSaved(event) {
    // A mark was announced when it was made.
    if (event.kind === "rationale") this.savedOnce = true;
    else super.announceSaved(event);
  }

  // Confirmed decisions with the unconfirmed ones before them, newest first.
  decisions() {
    const all = [...(this.data.recent ?? [])];
    for (const event of this.log.events) {
      if (event.kind === "rationale") continue;
      if (event.kind === "undo") all.shift();
      else all.unshift({ ...event, isPending: true });
    }
    return all;
  }

  // ---- time -----------------------------------------------------------------------------------------------

  tick() {
    if (!this.data) return;
    const silent = performance.now() - this.sentAt;
    const isLate = this.log.age > RESEND_MS && silent > RESEND_MS;
    const isQuiet = document.visibilityState === "visible" && silent > KEEP_ALIVE_MS;
    if (isLate || isQuiet) this.send();
    this.drawSaveState();
    this.pause.tick();
  }

  onVisibility() {
    if (document.visibilityState === "hidden") {
      this.hiddenAt = performance.now();
      return;
    }
    if (this.hiddenAt) this.hiddenMs += performance.now() - Math.max(this.hiddenAt, this.shownAt ?? 0);
    this.hiddenAt = 0;
    // The leases may have run out meanwhile.
    if (this.data && performance.now() - this.sentAt > KEEP_ALIVE_MS) this.send();
  }

  // ---- keys -----------------------------------------------------------------------------------------------

  onKey(event) {
    if (event.key === "Tab") this.hasWalked = true;
    const target = event.composedPath()[0];
    if (target === this.memo) this.onMemoKey(event);
    else if (this.marks.onKey(event)) {
      event.preventDefault();
      event.stopImmediatePropagation();
    } else if (this.hearsKeys(event, target)) this.onBoardKey(event);
  }

  hearsKeys(event, target) {
    if (event.ctrlKey || event.altKey || event.metaKey || !this.data) return false;
    if (isTypedInto(target) || isTypedInto(focused()) || isCoveredByDialog()) return false;
    return this.root.host?.checkVisibility?.() ?? true;
  }

  onBoardKey(event) {
    const code = codeOf(event);
    const isEnter = code === "Enter" || code === "NumpadEnter";
    if (isEnter && this.hasWalked && isPressable(focused())) return;
    const isHelp = event.key === "?" || this.actions.get(code) === this.toggleSheet;
    if (!isHelp && !this.sheet.open && this.takesKey(event, code)) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    const action = isHelp ? this.toggleSheet : this.actions.get(code);
    if (!action || (this.sheet.open && !isHelp)) return;
    event.preventDefault();
    // Streamlit has keys of its own, R and C among them.
    event.stopImmediatePropagation();
    if (!event.repeat) action();
  }

  takesKey(event, code) {
    if (event.key !== "Escape") return this.further.onKey(event, code);
    if (this.pause.isOpen) this.pause.dismiss();
    else if (!this.guide.close()) return this.further.onKey(event, code);
    return true;
  }

  onMemoKey(event) {
    // While Hangul is being composed, Enter and Escape belong to the input method.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key !== "Escape" && (event.key !== "Enter" || event.shiftKey)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.memo.blur();
  }

  makeActions() {
    const { labels } = this.data;
    const commands = {
      skip: () => this.press({ kind: "skip" }),
      flag: () => this.press({ kind: "flag" }),
      undo: () => this.press({ kind: "undo" }),
      memo: () => this.memo.focus(),
      evidence: () => this.cycleEvidence(),
      mark: () => this.marks.toggle(),
      help: this.toggleSheet,
      guide: () => this.guide.toggle(),
    };
    this.actions = new Map([["Backspace", commands.undo]]);
    for (const [kind, key] of Object.entries(freeCommandKeys(labels))) this.actions.set(`Key${key}`, commands[kind]);
    for (const label of labels) {
      codesOf(label.key).forEach((code) => this.actions.set(code, () => this.press({ kind: "label", labelId: label.id })));
    }
    for (const code of ["Enter", "NumpadEnter"]) this.actions.set(code, () => this.press({ kind: "accept" }));
    this.commands = commands;
  }

  toggleSheet = () => (this.sheet.open ? this.sheet.close() : this.sheet.showModal());
}

// What is typed into the memo looks to the page like keys pressed on a plain element: Streamlit would act on R.
function shieldTyping(event) {
  if (isTypedInto(event.target)) event.stopPropagation();
}

// Streamlit fades what a slow run has not drawn again. The board is usable all along and says itself what is unsaved.
function stayClear(host) {
  host.closest("[data-testid='stElementContainer']")?.style.setProperty("opacity", "1", "important");
}

let live = null;
let call = 0;

// Called on mounting and again on every change of data.
export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const mine = ++call;
  openLog(data.scope).then((log) => {
    if (mine !== call || !parentElement.host.isConnected) return;
    if (live?.root !== parentElement || live.log !== log) {
      live?.close();
      live = new Board(parentElement, log);
    }
    live.update(data, setStateValue, setTriggerValue);
  });
  // Streamlit may call this for an overtaken change of data while the board stays: only a board that is gone ends.
  return () =>
    setTimeout(() => {
      if (live?.root !== parentElement || parentElement.host.isConnected) return;
      live.close();
      live = null;
    });
}
