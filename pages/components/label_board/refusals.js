// What could not be kept, and why: it stays in sight until somebody has read it.

const SHOWN_REFUSALS = 3;

class Refusals {
  constructor(board) {
    this.board = board;
    this.lines = [];
  }

  build() {
    const { data, parts } = this.board;
    this.box = el("section", "refusals");
    this.box.setAttribute("role", "alert");
    this.list = el("ul");
    this.close = button("command", () => this.dismiss());
    this.close.append(keyCap("Esc"), el("span", "", data.strings["refusal.close"]));
    this.box.append(this.list, this.close);
    parts.alarm.after(this.box);
    this.draw();
  }

  // Return the numbers of the presses that the server has just refused.
  take(done, refusals) {
    const reasons = new Map((refusals ?? []).map(({ seq, sentence }) => [seq, sentence]));
    const refused = done.filter((event) => reasons.has(event.seq));
    this.lines.push(...refused.map((event) => ({ event, sentence: reasons.get(event.seq) })));
    if (refused.length) this.draw();
    return new Set(refused.map((event) => event.seq));
  }

  get isOpen() {
    return this.lines.length > 0;
  }

  dismiss() {
    this.lines = [];
    this.draw();
  }

  draw() {
    const { strings, labels } = this.board.data;
    const lines = this.lines.slice(-SHOWN_REFUSALS).map(({ event, sentence }) => {
      const said = event.kind === "rationale" ? strings["rationale.mode"] : saidOf(event, labels, strings);
      const which = event.diary_id && fill(strings.diary, { id: event.diary_id });
      const what = [which, said].filter(Boolean).join(" · ");
      const line = el("li");
      line.append(el("strong", "", fill(strings["refusal.of"], { what })), el("span", "", ` ${sentence}`));
      return line;
    });
    const more = this.lines.length - lines.length;
    if (more > 0) lines.unshift(el("li", "", fill(strings["refusal.more"], { n: more })));
    this.list.replaceChildren(...lines);
    this.box.hidden = !this.isOpen;
  }
}
