// The parts around the diary: label buttons, commands, history, key sheet; and what a key means.

const LONG_PRESS_MS = 450;
const COMMAND_KEYS = { skip: "S", flag: "F", undo: "Z", memo: "M", evidence: "V", guide: "G", mark: "W", help: "H" };

function keyCap(key) {
  const cap = el("kbd", "cap", key);
  cap.setAttribute("aria-hidden", "true");
  return cap;
}

// A press of the mouse must not take the focus: Enter would then press that button again.
function button(className, onPress) {
  const made = el("button", className);
  made.type = "button";
  made.addEventListener("mousedown", (event) => event.preventDefault());
  made.addEventListener("click", onPress);
  return made;
}

/** A button that appears under a resting mouse is entered, too; only who then moves the mouse looks at it. */
function followMouse(made, onLook, onLookAway) {
  let isEntered = false;
  made.addEventListener("pointerenter", (event) => (isEntered = event.pointerType === "mouse"));
  made.addEventListener("pointermove", (event) => {
    if (!isEntered || !(event.movementX || event.movementY)) return;
    isEntered = false;
    onLook();
  });
  made.addEventListener("pointerleave", onLookAway);
}

function labelButton(label, strings, { onPress, onLook, onLookAway }) {
  let timer = 0;
  let wasLong = false;
  const made = button("label", () => {
    if (!wasLong) onPress();
    wasLong = false;
  });
  const name = el("span", "name", label.name);
  const tag = el("span", "tag");
  const percent = el("span", "percent");
  const bar = el("span", "bar");
  bar.append(el("span", "filled"));
  const caps = label.key ? [keyCap(label.key.toUpperCase())] : [];
  made.append(...caps, name, tag, percent, bar);
  made.style.setProperty("--label", label.colour);
  made.title = label.definition;
  if (label.key) made.setAttribute("aria-keyshortcuts", label.key.toUpperCase());
  followMouse(made, onLook, onLookAway);
  made.addEventListener("focus", () => made.matches(":focus-visible") && onLook());
  made.addEventListener("blur", onLookAway);
  made.addEventListener("contextmenu", (event) => event.preventDefault());
  made.addEventListener("pointerdown", (event) => {
    wasLong = false;
    if (event.pointerType === "mouse") return;
    timer = setTimeout(() => {
      wasLong = true;
      onLook();
    }, LONG_PRESS_MS);
  });
  for (const type of ["pointerup", "pointercancel", "pointerleave"]) {
    made.addEventListener(type, () => clearTimeout(timer));
  }
  return made;
}

function drawLabelButton(made, label, state, strings) {
  const { share, isUnknown, isPredicted, isGuess, isPrevious, isLookedAt, isAdded } = state;
  made.classList.toggle("added", isAdded);
  made.classList.toggle("predicted", isPredicted);
  made.classList.toggle("previous", isPrevious);
  made.classList.toggle("looked-at", isLookedAt);
  made.classList.toggle("without-bar", share === null);
  made.classList.toggle("unknown", isUnknown);
  const answer = isGuess ? strings.guess : strings.predicted;
  const tags = [isPredicted ? answer : "", isPrevious ? strings.previous_tag : "", isAdded ? strings["further.tag"] : ""]
    .filter(Boolean);
  made.querySelector(".tag").replaceChildren(tags.join(" · "), ...(isPredicted ? [el("span", "key-hint", " · Enter")] : []));
  // 0 % would say that the model has thought of it.
  const percent = share === null ? "" : isUnknown ? strings.unknown : `${Math.round(100 * share)}%`;
  made.querySelector(".percent").textContent = percent;
  made.querySelector(".percent").title = isUnknown ? strings.unknown_note : "";
  made.querySelector(".filled").style.transform = `scaleX(${share ?? 0})`;
  made.setAttribute("aria-label", [label.name, ...tags, percent].filter(Boolean).join(", "));
}

function commandButton(kind, strings, key, onPress) {
  const made = button(`command ${kind}`, onPress);
  if (key) {
    made.append(keyCap(key));
    made.setAttribute("aria-keyshortcuts", key);
  }
  made.append(el("span", "", strings[kind]));
  return made;
}

function drawHistory(list, decisions, labels, strings) {
  const entries = decisions.map((decision) => {
    const label = labels.find((candidate) => candidate.id === decision.label_id);
    const entry = el("li", decision.isPending ? "pending" : "");
    const dot = el("span", "dot");
    if (label) dot.style.setProperty("--label", label.colour);
    entry.append(dot, diaryLink(decision, saidOf(decision, labels, strings), strings));
    return entry;
  });
  list.replaceChildren(...entries);
}

// In a tab of its own: this one keeps its diary and its unsaved presses.
function diaryLink(decision, text, strings) {
  const link = el("a", "", text);
  link.href = `find?diary=${decision.diary_id}`;
  link.target = "_blank";
  link.rel = "noopener";
  link.setAttribute("aria-label", `${text} · ${strings.open_diary.replace("{id}", decision.diary_id)}`);
  return link;
}

function labelSheet(data, keys) {
  const { labels, strings } = data;
  const rows = labels.map((label) => [label.key.toUpperCase() || "·", label.name, label.definition]);
  if (labels.some((label) => !label.key)) rows.push(["/", strings["find.help"]]);
  rows.push(["Enter", strings.help_accept]);
  if (data.several_labels) rows.push(["Shift", strings["further.help_add"]]);
  if (data.intensity) rows.push(["← →", strings["further.help_intensity"]]);
  Object.entries(keys).forEach(([kind, key]) => rows.push([key, strings[`help_${kind}`]]));
  return buildSheet(strings, rows);
}

// The keys of a board, each with what it does and perhaps a note.
function buildSheet(strings, rows) {
  const sheet = el("dialog", "sheet");
  const title = el("h2", "", strings.help_title);
  title.id = "sheet-title";
  sheet.setAttribute("aria-labelledby", title.id);
  const list = el("dl");
  for (const [key, name, note] of rows) {
    const term = el("dt");
    term.append(el("kbd", "cap", key));
    const meaning = el("dd", "", name);
    if (note) meaning.append(el("span", "note", note));
    list.append(term, meaning);
  }
  const close = button("command", () => sheet.close());
  close.append(keyCap("Esc"), el("span", "", strings.help_close));
  sheet.append(title, list, close);
  sheet.addEventListener("click", (event) => event.target === sheet && sheet.close());
  return sheet;
}

// Physical keys: whatever the input method makes of them, and wherever the layout puts its letters.
function codesOf(key) {
  const upper = key.toUpperCase();
  if (!upper) return [];
  return /^\d$/.test(upper) ? [`Digit${upper}`, `Numpad${upper}`] : [`Key${upper}`];
}

function codeOf(event) {
  if (event.code) return event.code;
  return /^[a-z]$/i.test(event.key) ? `Key${event.key.toUpperCase()}` : /^\d$/.test(event.key) ? `Digit${event.key}` : "";
}

// Command letters that no label has taken.
function freeCommandKeys(labels) {
  const taken = new Set(labels.map((label) => label.key.toUpperCase()));
  return Object.fromEntries(Object.entries(COMMAND_KEYS).filter(([, key]) => !taken.has(key)));
}

function focused() {
  let active = document.activeElement;
  while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
  return active;
}

const NOT_TYPED_INTO = new Set(["button", "checkbox", "color", "file", "image", "radio", "range", "reset", "submit"]);

function isTypedInto(element) {
  if (!(element instanceof HTMLElement)) return false;
  if (element.isContentEditable || ["TEXTAREA", "SELECT"].includes(element.tagName)) return true;
  if (element.tagName === "INPUT") return !NOT_TYPED_INTO.has(element.type);
  return ["combobox", "listbox", "option", "searchbox", "textbox"].includes(element.getAttribute("role"));
}

function isPressable(element) {
  return element instanceof HTMLElement && element.matches("a[href], button, summary, input, [role='button'], [role='tab']");
}

// Whether what is sent now reaches the server, as far as Streamlit knows.
function isConnected() {
  const state = document.querySelector("[data-testid='stApp']")?.dataset.testConnectionState;
  return state === undefined || state === "CONNECTED";
}

function isCoveredByDialog() {
  return document.querySelector("[aria-modal='true'], [data-testid='stDialog']") !== null;
}

// Everything that stays while diaries come and go.
function buildFrame(strings) {
  const parts = {
    frame: el("div", "frame"),
    why: el("p", "why"),
    counts: el("p", "counts"),
    save: el("p", "save"),
    alarm: el("p", "alarm"),
    notice: el("p", "notice"),
    reading: el("section", "reading"),
    article: el("article", "diary"),
    heading: el("h2", "heading"),
    previous: el("p", "returned"),
    text: el("div", "text"),
    placeholder: el("p", "placeholder"),
    legend: el("p", "legend"),
    legendLabel: el("span", "legend-label"),
    arc: el("div", "arc"),
    helpLines: helpLines(strings),
    reveal: button("command reveal", () => {}),
    evidenceText: el("p", "evidence-text"),
    contrast: el("p", "why-more contrast"),
    deletion: el("p", "why-more deletion"),
    bySentence: el("p", "why-more by-sentence"),
    evidenceKey: button("command evidence", () => {}),
    memo: el("textarea", "memo"),
    memoLabel: el("label", "memo-label"),
    deciding: el("section", "deciding"),
    labels: el("div", "labels"),
    hint: el("p", "hint"),
    commands: el("div", "commands"),
    history: el("ol", "history"),
    live: el("p", "only-heard"),
  };
  const { memo } = parts;
  memo.id = "memo";
  memo.rows = 1;
  memo.maxLength = 2000;
  memo.placeholder = strings.memo_hint;
  memo.autocomplete = "off";
  parts.text.translate = false; // a translated text is not the one that is decided about
  parts.memoLabel.htmlFor = memo.id;
  parts.memoLabel.append(el("span", "", strings.memo));
  parts.reveal.append(el("span", "", strings.reveal));
  parts.reveal.title = strings.reveal_note;
  parts.live.setAttribute("aria-live", "polite");
  parts.hint.setAttribute("role", "status");
  parts.alarm.setAttribute("role", "alert");
  parts.hint.hidden = true;
  parts.reading.setAttribute("aria-label", strings.reading);
  parts.deciding.setAttribute("aria-label", strings.deciding);
  parts.history.setAttribute("aria-label", strings.history);
  parts.arc.setAttribute("role", "group");
  parts.arc.setAttribute("aria-label", strings.arc);
  parts.heading.id = "diary-heading";
  parts.article.setAttribute("aria-labelledby", parts.heading.id);
  assembleFrame(parts, strings);
  return parts;
}

function assembleFrame(parts, strings) {
  const top = el("header", "top");
  top.append(parts.counts, parts.save);
  parts.legend.append(
    parts.legendLabel,
    el("span", "word for level-2", strings.legend_for),
    el("span", "word against level-2", strings.legend_against),
  );
  const evidence = el("div", "evidence-box");
  const legendRow = el("div", "legend-row");
  legendRow.append(parts.legend, parts.evidenceKey);
  evidence.append(parts.bySentence, parts.evidenceText, parts.contrast, parts.deletion, legendRow);
  parts.article.append(parts.heading, parts.why, parts.previous, parts.text, parts.reveal, parts.helpLines, parts.arc, evidence);
  const memoRow = el("div", "memo-row");
  memoRow.append(parts.memoLabel, parts.memo);
  parts.reading.append(parts.article, parts.placeholder);
  parts.deciding.append(parts.hint, parts.labels, parts.commands);
  const extras = el("div", "extras");
  extras.append(memoRow, parts.history);
  const main = el("div", "main");
  const side = el("div", "side");
  side.append(parts.deciding, extras);
  main.append(parts.reading, side);
  parts.frame.append(top, parts.alarm, parts.notice, main, parts.live);
}
