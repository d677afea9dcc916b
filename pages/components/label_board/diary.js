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
  for (const [sentence, [from, to]] of sentences.entries()) {
    if (from < end || to <= from || to > text.length) continue;
    between(from);
    blocks.push({ start: from, end: to, isNewLine: isNewLine && blocks.length > 0, sentence });
    end = to;
  }
  between(text.length);
  return blocks;
}

// The weights of one label: [{start, end, weight, strength}], strength in [-1, 1] of the diary's strongest word.
// A negation and what it negates are one: their weights add up.
function evidenceOf(item, labelIndex) {
  const explanation = item.explanation;
  if (!explanation || item.blind || labelIndex < 0) return [];
  const words = [];
  explanation.spans.forEach(([start, end], i) => {
    const weights = explanation.weights[i] ?? [];
    const last = words.at(-1);
    const group = explanation.groups?.find(([from, to]) => from <= start && end <= to);
    if (group && last?.group === group) {
      Object.assign(last, { end, weights: last.weights.map((weight, k) => weight + weights[k]) });
    } else words.push({ start, end, weights, group });
  });
  const strongest = Math.max(1e-9, ...words.flatMap((word) => word.weights).map(Math.abs));
  return words.map(({ start, end, weights, group }) => {
    const weight = weights[labelIndex] ?? 0;
    return { start, end, weight, strength: weight / strongest, isJoined: Boolean(group) && end - start <= WORD_LENGTH };
  });
}

function drawDiary(container, item, evidence, heard) {
  const what = [item.token, item.text, item.sentences, evidence, heard];
  drawOnce(container, what, () => container.replaceChildren(...paragraphsOf(item, evidence, heard)));
}

function paragraphsOf(item, evidence, heard) {
  const text = new CodePoints(item.text);
  return blocksOf(text, item.sentences).map((block) => {
    const paragraph = el("p", block.isNewLine ? "sentence new-line" : "sentence");
    paragraph.dir = "auto";
    if (block.sentence !== undefined) paragraph.dataset.sentence = block.sentence;
    paragraph.append(...drawBlock(text, block, evidence, heard));
    return paragraph;
  });
}

function drawBlock(text, block, evidence, heard) {
  const nodes = [];
  let at = block.start;
  for (const word of evidence) {
    const start = Math.max(word.start, at);
    const end = Math.min(word.end, block.end);
    if (start >= end) continue;
    nodes.push(document.createTextNode(text.slice(at, start)), drawWord(text.slice(start, end), word, heard));
    at = end;
  }
  nodes.push(document.createTextNode(text.slice(at, block.end)));
  return nodes;
}

// Each word of the explanation carries its place, also one without a tint: people may mark it.
function drawWord(text, { start, end, strength, isJoined }, heard) {
  const size = Math.abs(strength);
  const level = size > 0.66 ? 3 : size > 0.33 ? 2 : 1;
  const isTinted = size >= TINTED_FROM;
  const side = strength > 0 ? "for" : "against";
  const made = el("span", isTinted ? `word ${side} level-${level}` : "unit", text);
  made.classList.toggle("joined", isJoined);
  Object.assign(made.dataset, { start, end });
  // The sign's text alternative (board.css): heard behind the word, and no part of the diary's text.
  if (isTinted) made.dataset.heard = heard[side];
  return made;
}

// The same in words: what a screen reader gets, and anyone who wants to be sure.
function describeEvidence(item, labels, labelIndex, strings) {
  const label = labels[labelIndex];
  if (!item.explanation || !label) return "";
  const text = new CodePoints(item.text);
  const words = evidenceOf(item, labelIndex).filter((word) => Math.abs(word.strength) >= TINTED_FROM);
  const strongest = (sign, count) => {
    const speaking = words.filter((word) => word.weight * sign > 0).sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
    const names = new Set(speaking.map((word) => shorten(text.slice(word.start, word.end))));
    return [...names].slice(0, count).map((word) => fill(strings.quoted, { word })).join(", ");
  };
  const parts = [];
  const speakFor = strongest(1, WORDS_FOR);
  const speakAgainst = strongest(-1, WORDS_AGAINST);
  if (speakFor) parts.push(fill(strings.evidence_for, { words: speakFor, label: label.name }));
  if (speakAgainst) parts.push(fill(strings.evidence_against, { words: speakAgainst, label: label.name }));
  if (!parts.length) parts.push(fill(strings.evidence_none, { label: label.name }));
  if ((item.explanation.fit?.[labelIndex] ?? 1) < WEAK_FIT) parts.push(strings.evidence_weak);
  return parts.join(" · ");
}

// A word as a sentence quotes it: without the marks around it, and not too long.
function shorten(word) {
  const bare = word.trim().replace(/^\p{P}+|\p{P}+$/gu, "") || word.trim();
  const points = Array.from(bare);
  return points.length > WORD_LENGTH ? `${points.slice(0, WORD_LENGTH).join("")}…` : points.join("");
}
