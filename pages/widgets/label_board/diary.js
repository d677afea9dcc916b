// Drawing a diary and what speaks for a label in it. Diary text only ever becomes text nodes.

const TINTED_FROM = 0.12; // share of the strongest weight below which a word stays untinted
const WORDS_FOR = 3;
const WORDS_AGAINST = 2;
const WORD_LENGTH = 14;
const WEAK_FIT = 0.3; // R² of an explanation that hardly follows the model

function el(tag, className = "", text = null) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== null) made.textContent = text;
  return made;
}

function fill(template, values) {
  return (template ?? "").replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

// Offsets count code points, as in Python; a JavaScript string counts an emoji twice.
class CodePoints {
  constructor(text) {
    this.points = Array.from(text);
  }

  slice(start, end) {
    return this.points.slice(start, end).join("");
  }

  get length() {
    return this.points.length;
  }
}

// Cover the whole text with blocks: the sentences, and whatever non-space text lies between them.
function blocksOf(text, sentences) {
  const blocks = [];
  let end = 0;
  let isNewLine = false;
  const between = (until) => {
    const gap = text.slice(end, until);
    isNewLine = gap.includes("\n");
    if (gap.trim()) blocks.push({ start: end, end: until, isNewLine });
  };
  for (const [from, to] of sentences) {
    if (from < end || to <= from || to > text.length) continue;
    between(from);
    blocks.push({ start: from, end: to, isNewLine: isNewLine && blocks.length > 0 });
    end = to;
  }
  between(text.length);
  return blocks;
}

// The weights of one label: [{start, end, weight, strength}], strength in [-1, 1] of the diary's strongest word.
function evidenceOf(item, labelIndex) {
  const explanation = item.explanation;
  if (!explanation || item.blind || labelIndex < 0) return [];
  const strongest = Math.max(1e-9, ...explanation.weights.flat().map(Math.abs));
  return explanation.spans.map(([start, end], i) => {
    const weight = explanation.weights[i]?.[labelIndex] ?? 0;
    return { start, end, weight, strength: weight / strongest };
  });
}

function drawDiary(container, item, evidence) {
  const text = new CodePoints(item.text);
  const tinted = evidence.filter((word) => Math.abs(word.strength) >= TINTED_FROM);
  const paragraphs = blocksOf(text, item.sentences).map((block) => {
    const paragraph = el("p", block.isNewLine ? "sentence new-line" : "sentence");
    paragraph.dir = "auto";
    paragraph.append(...drawBlock(text, block, tinted));
    return paragraph;
  });
  container.replaceChildren(...paragraphs);
}

function drawBlock(text, block, tinted) {
  const nodes = [];
  let at = block.start;
  for (const word of tinted) {
    const start = Math.max(word.start, at);
    const end = Math.min(word.end, block.end);
    if (start >= end) continue;
    nodes.push(document.createTextNode(text.slice(at, start)), drawWord(text.slice(start, end), word.strength));
    at = end;
  }
  nodes.push(document.createTextNode(text.slice(at, block.end)));
  return nodes;
}

function drawWord(text, strength) {
  const size = Math.abs(strength);
  const level = size > 0.66 ? 3 : size > 0.33 ? 2 : 1;
  return el("span", `word ${strength > 0 ? "for" : "against"} level-${level}`, text);
}

// The same in words: what a screen reader gets, and anyone who wants to be sure.
function describeEvidence(item, labels, labelIndex, strings) {
  const label = labels[labelIndex];
  if (!item.explanation || !label) return "";
  const text = new CodePoints(item.text);
  const words = evidenceOf(item, labelIndex).filter((word) => Math.abs(word.strength) >= TINTED_FROM);
  const strongest = (sign, count) =>
    words
      .filter((word) => word.weight * sign > 0)
      .sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight))
      .slice(0, count)
      .map((word) => fill(strings.quoted, { word: shorten(text.slice(word.start, word.end)) }))
      .join(", ");
  const parts = [];
  const speakFor = strongest(1, WORDS_FOR);
  const speakAgainst = strongest(-1, WORDS_AGAINST);
  if (speakFor) parts.push(fill(strings.evidence_for, { words: speakFor, label: label.name }));
  if (speakAgainst) parts.push(fill(strings.evidence_against, { words: speakAgainst, label: label.name }));
  if (!parts.length) parts.push(fill(strings.evidence_none, { label: label.name }));
  if ((item.explanation.fit?.[labelIndex] ?? 1) < WEAK_FIT) parts.push(strings.evidence_weak);
  return parts.join(" · ");
}

function shorten(word) {
  const points = Array.from(word.trim());
  return points.length > WORD_LENGTH ? `${points.slice(0, WORD_LENGTH).join("")}…` : points.join("");
}
