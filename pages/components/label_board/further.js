// Further emotions of a diary and how strong they are, where a project asks for them. Without either nothing is drawn.

const STRENGTHS = [1, 2, 3, 4, 5];

class Further {
  constructor(board) {
    this.board = board;
    this.added = new Set(); // label ids
    this.strength = null;
    this.isAdding = false; // whether a click on a label adds it
  }

  build() {
    const { data, parts } = this.board;
    const { several_labels: several, intensity, strings } = data;
    this.row = el("div", "further");
    this.row.hidden = !several && !intensity;
    this.toggle = button("command adding", () => this.switchAdding());
    this.toggle.append(keyCap("Shift"), el("span", "", strings["further.add"]));
    this.toggle.title = strings["further.add_help"];
    this.toggle.hidden = !several;
    this.strip = el("div", "strip");
    this.strip.hidden = !intensity;
    this.strip.setAttribute("role", "group");
    this.strip.setAttribute("aria-label", strings["further.intensity"]);
    this.steps = STRENGTHS.map((strength) => {
      const step = button("step", () => this.setStrength(strength === this.strength ? null : strength));
      step.append(el("span", "", String(strength)));
      step.setAttribute("aria-label", fill(strings["further.intensity_of"], { n: strength }));
      return step;
    });
    this.strip.append(el("span", "strip-label", strings["further.intensity"]), ...this.steps, keyCap("← →"));
    this.row.append(this.toggle, this.strip);
    parts.labels.after(this.row);
  }

  // What was said before an undo, or nothing.
  reset(item) {
    this.added = new Set(item?.previous?.other_label_ids ?? []);
    this.strength = item?.previous?.intensity ?? null;
    this.isAdding = false;
  }

  // What goes with the deciding press.
  of(kind, labelId) {
    const { several_labels: several, intensity } = this.board.data;
    const isLabel = kind === "label";
    return {
      ...(several && { other_label_ids: isLabel ? this.inForce().filter((id) => id !== labelId) : [] }),
      ...(intensity && { intensity: isLabel ? this.strength : null }),
    };
  }

  // A label may have been taken out of the set since it was added.
  inForce() {
    return this.board.data.labels.map((label) => label.id).filter((id) => this.added.has(id));
  }

  // Return whether the key was taken.
  onKey(event, code) {
    const { data, current } = this.board;
    if (!current) return false;
    if (data.several_labels && event.shiftKey) {
      const label = data.labels.find((candidate) => codesOf(candidate.key).includes(code));
      if (label && !event.repeat) this.toggleLabel(label.id);
      return Boolean(label);
    }
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    // In the arc and among the words arrows have a meaning of their own.
    if (!data.intensity || !step || focused()?.closest?.(".arc, [data-start]")) return false;
    const next = (this.strength ?? 0) + step;
    this.setStrength(next < 1 ? null : Math.min(next, STRENGTHS.length));
    return true;
  }

  // Return whether a click on a label only added it.
  takesClick(labelId) {
    if (this.isAdding) this.toggleLabel(labelId);
    return this.isAdding;
  }

  switchAdding() {
    this.isAdding = !this.isAdding;
    this.draw();
  }

  toggleLabel(labelId) {
    const { data, parts } = this.board;
    const { name } = data.labels.find((label) => label.id === labelId);
    const isNew = !this.added.delete(labelId);
    if (isNew) this.added.add(labelId);
    parts.live.textContent = fill(data.strings[isNew ? "further.added" : "further.removed"], { label: name });
    this.board.drawLabels();
  }

  setStrength(strength) {
    this.strength = strength;
    const { data, parts } = this.board;
    if (strength) parts.live.textContent = fill(data.strings["further.intensity_of"], { n: strength });
    this.draw();
  }

  draw() {
    this.toggle.setAttribute("aria-pressed", String(this.isAdding));
    this.steps.forEach((step, i) => {
      step.classList.toggle("reached", i < (this.strength ?? 0));
      step.setAttribute("aria-pressed", String(STRENGTHS[i] === this.strength));
    });
  }
}

// A decision in words: its emotions, and how strong.
function saidOf(decision, labels, strings) {
  const nameOf = (id) => labels.find((label) => label.id === id)?.name;
  const names = [decision.label_id, ...(decision.other_label_ids ?? [])].map(nameOf).filter(Boolean);
  if (!names.length) return strings[`${decision.kind}_done`] ?? ""; // its label may be in force no more
  return names.join(" + ") + (decision.intensity ? ` · ${decision.intensity}` : "");
}
