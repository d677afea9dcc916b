// For whoever reads all day: where to turn beside a diary that speaks of self-harm, and a word about a break.

const IDLE_MS = 5 * 60_000; // after this long without a press, work has begun anew

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
    const kept = readTimes(this.store);
    this.since = kept.since;
    this.last = kept.last;
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
  work(now = Date.now()) {
    if (!(now - this.last < IDLE_MS)) this.since = now;
    this.last = now;
    this.keep();
  }

  tick(now = Date.now()) {
    const minutes = this.board.data.break_minutes;
    const worked = (now - this.since) / 60_000;
    const isDue = minutes > 0 && now - this.last < IDLE_MS && worked >= minutes;
    if (isDue === this.isOpen) return;
    this.isOpen = isDue;
    if (isDue) this.text.textContent = fill(this.board.data.strings["pause.text"], { n: Math.floor(worked) });
    this.draw();
  }

  // The same again after as long as it took to come.
  dismiss() {
    this.since = this.last = Date.now();
    this.keep();
    this.tick();
  }

  draw() {
    this.note.hidden = !this.isOpen;
    this.board.parts.counts.hidden = this.isOpen;
  }

  keep() {
    try {
      sessionStorage.setItem(this.store, JSON.stringify({ since: this.since, last: this.last, events: [] }));
    } catch {
      // Without storage a reload begins anew.
    }
  }
}

function readTimes(store) {
  try {
    const { since, last } = JSON.parse(sessionStorage.getItem(store)) ?? {};
    return { since: Number(since) || Date.now(), last: Number(last) || 0 };
  } catch {
    return { since: Date.now(), last: 0 };
  }
}
