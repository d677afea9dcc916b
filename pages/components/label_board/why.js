// Why the model answered as it did, in words: the server's sentences for the predicted label, and what speaks for another.

function drawWhy(parts, item, { index, labels, strings }) {
  const { sentence, contrast, deletion, by_sentence: bySentence } = item.explanation;
  const isPredicted = index === item.prediction?.label_index;
  const says = isPredicted && sentence ? sentence : describeEvidence(item, labels, index, strings);
  setText(parts.evidenceText, says);
  for (const [part, text] of [[parts.contrast, contrast], [parts.deletion, deletion], [parts.bySentence, arcOf(item) && bySentence]]) {
    setText(part, text ?? "");
    part.hidden = !text;
    // They speak of the predicted label. Their place stays, so that looking at another label moves nothing.
    part.classList.toggle("unseen", !isPredicted);
  }
}

function withoutWhy(parts, text) {
  setText(parts.evidenceText, text);
  for (const part of [parts.contrast, parts.deletion, parts.bySentence]) part.hidden = true;
}

// What the tinted words are: of a guess none is called its evidence.
function legendOf(item, label, strings) {
  return fill(item.prediction?.is_guess ? strings.evidence_of_guess : strings.evidence_of, { label: label.name });
}

// What a screen reader says behind a word with a sign.
function heardOf(label, strings) {
  const fillIn = (template) => (label ? ` (${fill(template, { label: label.name })})` : "");
  return { for: fillIn(strings.heard_for), against: fillIn(strings.heard_against) };
}

// A line that is written again although nothing changed would be read out again.
function setText(part, text) {
  if (part.textContent !== text) part.textContent = text;
}
