// The emotion arc: one cell for each sentence of a diary, with the label that the model gives the sentence by itself.

class Arc {
  constructor(strip, text) {
    this.strip = strip;
    this.text = text; // the drawn diary, in which the sentence of a cell is highlighted
    strip.addEventListener("keydown", (event) => this.onKey(event));
  }

  draw(item, labels, strings) {
    const arc = arcOf(item);
    this.strip.hidden = !arc;
    drawOnce(this.strip, [item.token, arc, labels, strings], () => {
      this.point(null);
      const cells = (arc ?? []).map((proba, i) => this.cell(i, proba, labels, strings));
      if (cells.length) cells[0].tabIndex = 0;
      this.strip.replaceChildren(...cells);
    });
  }

  cell(position, proba, labels, strings) {
    const index = proba.indexOf(Math.max(...proba));
    const { name, colour } = labels[index];
    const says = fill(strings.arc_cell, { n: position + 1, label: name, p: Math.round(100 * proba[index]) });
    const made = button("arc-cell", () => this.goTo(position));
    made.append(el("span", "", shortName(name, labels)));
    made.tabIndex = -1;
    made.title = says;
    made.setAttribute("aria-label", says);
    made.style.setProperty("--label", colour);
    made.style.setProperty("--share", proba[index]);
    made.addEventListener("pointerenter", () => this.point(position));
    made.addEventListener("pointerleave", () => this.point(null));
    made.addEventListener("focus", () => this.point(position));
    made.addEventListener("blur", () => this.point(null));
    return made;
  }

  point(position) {
    for (const sentence of this.text.querySelectorAll(".sentence")) {
      sentence.classList.toggle("pointed", position !== null && sentence.dataset.sentence === String(position));
    }
  }

  goTo(position) {
    this.point(position);
    this.text.querySelector(`[data-sentence="${position}"]`)?.scrollIntoView({ block: "nearest" });
  }

  // One stop of the Tab key for the whole strip; the arrow keys walk in it.
  onKey(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const cells = [...this.strip.children];
    const here = cells.indexOf(event.target);
    const next = cells[here + step];
    if (here < 0 || !next) return;
    event.preventDefault();
    cells[here].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }
}

// The probabilities of each sentence; none where there is one sentence, or where the diary was split anew since.
function arcOf(item) {
  const arc = item.blind ? null : item.explanation?.arc;
  return arc && arc.length > 1 && arc.length === item.sentences.length ? arc : null;
}

// The first letter of a name, and as many more as it takes to tell it from the other labels.
function shortName(name, labels) {
  const letters = Array.from(name);
  const others = labels.map((label) => label.name).filter((other) => other !== name);
  for (let length = 1; length < Math.min(3, letters.length); length += 1) {
    const start = letters.slice(0, length).join("");
    if (!others.some((other) => other.startsWith(start))) return start;
  }
  return letters.slice(0, 3).join("");
}
