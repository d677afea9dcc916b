// A text and what the model says of it. The parts before this one in the module, among them: diary.js, why.js, arc.js.

class Trial {
  constructor(root) {
    this.root = root;
    this.lookedAt = null; // label index under the pointer or the keyboard's focus
    this.chosen = null; // label index that was pressed
  }

  update(data) {
    const isOther = data.item.token !== this.data?.item.token;
    const look = JSON.stringify([data.strings, data.labels]);
    this.data = data;
    if (isOther) this.lookedAt = this.chosen = null;
    if (look !== this.look) this.build();
    this.look = look;
    this.draw();
  }

  build() {
    const { strings, labels } = this.data;
    this.parts = buildTrial(strings);
    this.arc = new Arc(this.parts.arc, this.parts.text);
    this.rows = labels.map((label, index) => this.row(label, index));
    this.parts.rows.replaceChildren(...this.rows);
    this.root.querySelector(".board").replaceChildren(this.parts.frame);
  }

  row(label, index) {
    const made = button("share", () => this.choose(index));
    const bar = el("span", "bar");
    bar.append(el("span", "filled"));
    made.append(el("span", "name", label.name), el("span", "percent"), bar);
    made.style.setProperty("--label", label.colour);
    made.title = label.definition;
    followMouse(
      made,
      () => this.lookAt(index),
      () => this.lookAt(null),
    );
    return made;
  }

  choose(index) {
    this.chosen = this.chosen === index ? null : index;
    this.lookAt(null);
  }

  lookAt(index) {
    this.lookedAt = index;
    this.draw();
  }

  draw() {
    const { parts, data } = this;
    const { item, strings, labels } = data;
    const { prediction } = item;
    const index = this.lookedAt ?? this.chosen ?? prediction?.label_index ?? -1;
    const hasEvidence = Boolean(item.explanation) && index >= 0;
    drawDiary(parts.text, item, evidenceOf(item, index), heardOf(labels[index], strings));
    this.arc.draw(item, labels, strings);
    parts.helpLines.hidden = !item.care;
    parts.answer.hidden = parts.look.hidden = !prediction;
    setText(parts.answer, prediction ? fill(strings.answer, answerOf(prediction, labels)) : "");
    parts.legend.hidden = !hasEvidence;
    parts.legendLabel.textContent = hasEvidence ? legendOf(item, labels[index], strings) : "";
    parts.evidenceText.classList.toggle("pending", !hasEvidence);
    if (hasEvidence) drawWhy(parts, item, { index, labels, strings });
    else withoutWhy(parts, prediction ? strings.explaining : strings.predicting);
    this.rows.forEach((made, i) => drawShare(made, labels[i], i, { prediction, isChosen: i === this.chosen, strings }));
  }
}

function answerOf({ proba, label_index: index }, labels) {
  return { label: labels[index].name, p: Math.round(100 * proba[index]) };
}

function drawShare(made, label, index, { prediction, isChosen, strings }) {
  const isUnknown = Boolean(prediction?.unknown?.includes(index));
  const share = prediction?.proba[index] ?? 0;
  const percent = isUnknown ? strings.unknown : `${Math.round(100 * share)}%`;
  made.classList.toggle("predicted", prediction?.label_index === index);
  made.classList.toggle("unknown", isUnknown);
  made.setAttribute("aria-pressed", String(isChosen));
  made.setAttribute("aria-label", `${label.name}, ${percent}`);
  made.querySelector(".percent").textContent = percent;
  made.querySelector(".filled").style.transform = `scaleX(${share})`;
}

function buildTrial(strings) {
  const parts = {
    frame: el("div", "trial-frame"),
    article: el("article", "diary"),
    text: el("div", "text"),
    arc: el("div", "arc"),
    helpLines: helpLines(strings),
    evidence: el("div", "evidence-box"),
    evidenceText: el("p", "evidence-text"),
    contrast: el("p", "why-more"),
    deletion: el("p", "why-more"),
    bySentence: el("p", "why-more"),
    legend: el("p", "legend"),
    legendLabel: el("span", "legend-label"),
    side: el("section", "shares"),
    answer: el("p", "answer"),
    rows: el("div", "rows"),
    look: el("p", "look", strings.look),
  };
  parts.arc.setAttribute("role", "group");
  parts.arc.setAttribute("aria-label", strings.arc);
  parts.answer.setAttribute("role", "status");
  parts.evidenceText.setAttribute("aria-live", "polite");
  parts.legend.append(
    parts.legendLabel,
    el("span", "word for level-2", strings.legend_for),
    el("span", "word against level-2", strings.legend_against),
  );
  parts.evidence.append(parts.bySentence, parts.evidenceText, parts.contrast, parts.deletion, parts.legend);
  parts.article.append(parts.text, parts.helpLines, parts.arc, parts.evidence);
  parts.side.append(parts.answer, parts.rows, parts.look);
  parts.frame.append(parts.article, parts.side);
  return parts;
}

let live = null;

export default function ({ data: [data], parentElement }) {
  if (live?.root !== parentElement) live = new Trial(parentElement);
  live.update(data);
}
