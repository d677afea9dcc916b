// The board: what has been pressed, and what the server knows of it.
// The parts before this one in the module, among them: log.js, painted.js, controls.js, view.js, refusals.js.

const SWAPPED_MS = 1000; // for a diary that took another's place by itself, under somebody's fingers
const RESEND_MS = 3000;
const KEEP_ALIVE_MS = 60000;
const TICK_MS = 500;

class Board extends Keys {
  constructor(root, log) {
    super(root);
    this.log = log;
    this.marks = new Marks(this);
    this.further = new Further(this);
    this.pause = new Pause(this);
    this.guide = new Guide(this);
    this.tour = new Tour(this);
    this.items = [];
    this.refusals = new Refusals(this);
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
    return this.log.isAtRisk;
  }

  close() {
    this.off.abort();
    this.room?.close();
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
    this.tour.build();
    this.refusals.build();
    this.room?.close();
    this.room = new Room(this.parts.reading, this.parts.deciding);
    hearSwipes(this.parts.reading, () => this.press({ kind: "skip" }));
  }

  draw() {
    super.draw();
    this.tour.draw();
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
    this.draw();
  }

  take(data) {
    const wasUndoing = this.log.isUndoing;
    const done = this.log.confirm(data.acked);
    const refused = this.refusals.take(done, data.refusals);
    const kept = done.filter((event) => !refused.has(event.seq));
    if (kept.length) this.announceSaved(kept.at(-1));
    this.items = data.items.filter((item) => !this.log.answered.has(item.token));
    const hasUndone = wasUndoing && !this.log.isUndoing;
    const same = hasUndone ? null : this.items.find((item) => item.token === this.current?.token);
    if (same) this.items = [same, ...this.items.filter((item) => item !== same)];
    const isSwapped = Boolean(this.current) && !same && !hasUndone;
    this.show(this.items[0] ?? null, isSwapped ? SWAPPED_MS : READ_MS);
    if (isSwapped && this.current) this.hint("hint_swapped");
  }

  show(item, wait = READ_MS) {
    const isOther = item?.token !== this.current?.token;
    this.current = item;
    if (!isOther) return;
    this.wait = wait;
    this.marks.close();
    this.shownAt = performance.now();
    this.hiddenMs = 0;
    this.lookedAt = null;
    this.cycled = null;
    this.memo.value = item?.previous?.memo ?? "";
    this.further.reset(item);
    this.parts.reading.scrollTop = 0;
    this.room?.toTop();
  }

  // ---- presses --------------------------------------------------------------------------------------------

  // Every press is kept, or it is said why not.
  press(wish) {
    const obstacle = this.obstacle(wish.kind);
    if (!this.parts.text.isConnected) this.build();
    if (obstacle) this.hint(obstacle);
    else if (wish.kind === "undo") this.undo();
    else this.decide(wish);
    this.draw();
  }

  // Why a press can't be kept; null if it can. A decision is about the diary that somebody has had in sight for a
  // moment. The last one can be taken back without any, at the end.
  obstacle(kind) {
    if (!this.current) return kind === "undo" ? null : "hint_no_diary";
    if (kind !== "undo" && this.log.isUndoing) return "hint_undoing";
    const reason = unseen(this.parts.text, this.current.text);
    return reason === "hint_just_shown" && ["undo", "rationale"].includes(kind) ? null : reason;
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
    const isKept = this.record({
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
    if (!isKept) return;
    this.items = this.items.slice(1);
    this.show(this.items[0] ?? null);
  }

  undo() {
    const [newest] = this.decisions();
    if (!newest) {
      this.hint("hint_nothing_to_undo");
      return;
    }
    this.record({
      kind: "undo",
      token: randomToken(),
      undoes: newest.token,
      diary_id: null,
      label_id: null,
      memo: "",
      seconds: null,
      model_id: null,
      shown_label_id: null,
      shown_proba: null,
    });
  }

  // Return whether the press is safe until the server has it. One that could only be lost is refused.
  record(event) {
    if (!this.log.add(event, { canBeSent: isConnected() })) {
      this.hint("hint_no_room");
      return false;
    }
    this.pause.work(event);
    // After the paint: the next diary is on screen before the server hears of this one.
    clearTimeout(this.sendTimer);
    this.sendTimer = setTimeout(() => this.send(), 0);
    return true;
  }

  send() {
    this.sentAt = performance.now();
    const { scope, holder, events } = this.log;
    this.setStateValue("client", { scope, holder, events, beat: Date.now() });
  }

  announceSaved(event) {
    // A mark was announced when it was made.
    if (event.kind === "rationale") this.savedOnce = true;
    else super.announceSaved(event);
  }

  // Confirmed decisions with the unconfirmed ones before them, newest first.
  decisions() {
    const pending = this.log.events.filter((event) => event.kind !== "rationale");
    const undone = new Set(pending.map((event) => event.undoes));
    const made = pending.filter((event) => event.kind !== "undo").map((event) => ({ ...event, isPending: true }));
    return [...made.reverse(), ...(this.data.recent ?? [])].filter(({ token }) => !undone.has(token));
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
}

// Streamlit fades what a slow run has not drawn again. The board is usable all along and says itself what is unsaved.
function stayClear(host) {
  host.closest("[data-testid='stElementContainer']")?.style.setProperty("opacity", "1", "important");
}

let live = null;
let call = 0;

// Called on mounting and again on every change of data.
export default function ({ data: [data], parentElement, setStateValue, setTriggerValue }) {
  const mine = ++call;
  openLog(data.scope, data.browser_key).then((log) => {
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
