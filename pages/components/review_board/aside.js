// What stands beside the diary under review: the rows of the queue, who said what, history, similar diaries, guideline.

function dotted(name, colour) {
  const made = el("span", "dotted");
  const dot = el("span", "dot");
  if (colour) dot.style.setProperty("--label", colour);
  made.append(dot, el("span", "", name));
  return made;
}

function drawRows(list, { rows, strings }, current, onOpen) {
  const made = rows.map((row) => {
    const entry = el("li");
    const press = button("row", () => onOpen(row.diary_id));
    const foot = el("span", "row-foot");
    const labels = el("span", "row-labels");
    labels.append(...row.labels.map(({ name, colour }) => dotted(name, colour)));
    foot.append(labels, el("span", "row-percent", `${row.percent}%`));
    const text = el("span", "row-text", row.text || `#${row.diary_id}`);
    text.title = text.textContent;
    text.dir = "auto";
    text.translate = false;
    press.append(text, foot, el("span", "row-signals", row.signals.join(" · ")));
    press.setAttribute("aria-label", [`#${row.diary_id}`, row.text, ...row.labels.map(({ name }) => name), fill(strings.expected, row), ...row.signals].filter(Boolean).join(", "));
    if (row.diary_id === current) press.setAttribute("aria-current", "true");
    entry.append(press);
    return entry;
  });
  list.replaceChildren(...made);
  // Only within the list: the page itself shall not move.
  const here = list.querySelector("[aria-current]");
  if (here && list.scrollHeight > list.clientHeight) {
    const top = here.offsetTop - list.offsetTop;
    if (top < list.scrollTop || top + here.offsetHeight > list.scrollTop + list.clientHeight) list.scrollTop = top - 60;
  }
}

function block(title, ...children) {
  const made = el("section", "block");
  made.append(el("h3", "", title), ...children);
  return made;
}

function drawVotes({ votes }, strings) {
  const list = el("ul", "votes");
  for (const vote of votes) {
    const entry = el("li");
    const line = el("p", "vote");
    line.append(dotted(vote.label, vote.colour), el("span", "by", `${vote.name} · ${vote.at}`));
    entry.append(line);
    if (vote.memo) entry.append(el("p", "quote", vote.memo));
    list.append(entry);
  }
  return block(strings.votes, list);
}

function drawHistoryOf({ moments }, strings, wasOpen) {
  const made = el("details", "block");
  made.open = wasOpen;
  made.append(el("summary", "", fill(strings.history, { n: moments.length })));
  const list = el("ol", "moments");
  for (const { at, said, words } of moments) {
    const entry = el("li");
    entry.append(el("span", "by", at), el("span", "", said));
    if (words) entry.append(el("p", "quote", words));
    list.append(entry);
  }
  made.append(list);
  return made;
}

function drawSimilar({ similar }, strings) {
  if (!similar.length) return block(strings.similar, el("p", "by", strings.similar_none));
  const list = el("ul", "similar");
  for (const near of similar) {
    const entry = el("li");
    const line = el("p", "vote");
    line.append(
      ...near.labels.map(({ name, count, colour }) => dotted(near.labels.length > 1 ? `${name} ${count}` : name, colour)),
      el("span", "by", [`#${near.diary_id}`, near.is_settled ? strings.settled : ""].filter(Boolean).join(" · ")),
    );
    entry.append(line, el("p", "excerpt", near.text));
    if (near.note) entry.append(el("p", "quote", near.note));
    list.append(entry);
  }
  return block(strings.similar, list);
}

function drawGuide({ guide }) {
  if (!guide) return [];
  const parts = [];
  if (guide.text) parts.push(el("p", "guide-text", guide.text));
  for (const { label, text } of guide.definitions) {
    const line = el("p", "guide-text");
    line.append(el("strong", "", `${label} `), document.createTextNode(text));
    parts.push(line);
  }
  parts.push(...guide.examples.map((example) => el("p", "quote", example)));
  return [block(guide.title, ...parts)];
}
