// For whoever reads all day: where to turn beside a diary that speaks of self-harm, and a word about a break or haste.

const IDLE_MS = 5 * 60_000; // after this long without a press, work has begun anew
const HASTE_SECONDS = 1; // nobody has read a diary in less
const HASTY_COUNT = 10; // so many one after the other are no slip

function helpLines(strings) {
  const lines = el("aside", "help-lines");
  const numbers = el("p", "numbers");
  // No number is broken at the end of a line.
  for (const part of strings["care.lines"].split(/(?<= · )/)) numbers.append(el("span", "", part));
  lines.append(el("p", "", strings["care.note"]), numbers);
  lines.hidden = true;
  return lines;
}

// It takes the place of the counts in the top line: nothing else moves, and no press is in its way.
class Pause {
  constructor(board) {
    this.board = board;
    this.store = `${STORE}pause:${board.log.scope}`;
    this.isOpen = false;
    this.isHasty = false;
    this.hasty = 0;
    const kept = readTimes(this.store);
    this.since = kept.since;
    this.last = kept.last;
    this.hasWarned = kept.hasWarned;
  }

  build() {
    const { data, parts } = this.board;
    this.note = el("p", "pause");
    this.text = el("span", "");
    this.close = button("command", () => this.dismiss());
    this.close.append(keyCap("Esc"), el("span", "", data.strings["pause.close"]));
    this.note.append(this.text, this.close);
    this.note.setAttribute("role", "status");
    parts.counts.after(this.note);
    this.draw();
  }

  // A press: work goes on, or begins anew.
  work(event, now = Date.now()) {
    if (!(now - this.last < IDLE_MS)) this.since = now;
    this.last = now;
    if (event?.kind === "label") this.count(event.seconds);
    this.keep();
  }

  // Ten labels, each given within a second, are worth a word, once; all of them count.
  count(seconds) {
    this.hasty = seconds < HASTE_SECONDS ? this.hasty + 1 : 0;
    if (this.hasty < HASTY_COUNT || this.hasWarned) return;
    this.hasWarned = this.isHasty = true;
    this.draw();
  }

  tick(now = Date.now()) {
    const minutes = this.board.data.break_minutes;
    const worked = (now - this.since) / 60_000;
    const isDue = minutes > 0 && now - this.last < IDLE_MS && worked >= minutes;
    if (isDue === this.isOpen) return;
    this.isOpen = isDue;
    this.worked = Math.floor(worked);
    this.draw();
  }

  // The same again after as long as it took to come.
  dismiss() {
    if (this.isOpen) this.since = this.last = Date.now();
    this.isHasty = false;
    this.keep();
    this.tick();
    this.draw();
  }

  get isShown() {
    return this.isOpen || this.isHasty;
  }

  draw() {
    const { strings } = this.board.data;
    if (this.isOpen) this.text.textContent = fill(strings["pause.text"], { n: this.worked });
    else if (this.isHasty) this.text.textContent = fill(strings["pause.hasty"], { n: HASTY_COUNT });
    this.note.hidden = !this.isShown;
    this.board.parts.counts.hidden = this.isShown;
  }

  keep() {
    try {
      sessionStorage.setItem(this.store, JSON.stringify({ since: this.since, last: this.last, hasWarned: this.hasWarned, events: [] }));
    } catch {
      // Without storage a reload begins anew.
    }
  }
}

function readTimes(store) {
  try {
    const { since, last, hasWarned } = JSON.parse(sessionStorage.getItem(store)) ?? {};
    return { since: Number(since) || Date.now(), last: Number(last) || 0, hasWarned: Boolean(hasWarned) };
  } catch {
    return { since: Date.now(), last: 0, hasWarned: false };
  }
}
