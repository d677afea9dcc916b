// What stands on the screen. All that is known of it hangs on the element itself, so that it goes when the element
// goes: a board that is built anew has drawn nothing and shown nothing.

const READ_MS = 250; // within it nobody reacts to what has just appeared (mean 231 ms: Woods et al. 2015, doi:10.3389/fnhum.2015.00131)
const drawings = new WeakMap();
const sights = new WeakMap();

// Draw into an element unless just this was drawn into it.
function drawOnce(element, what, draw) {
  const key = JSON.stringify(what);
  if (drawings.get(element) === key && element.hasChildNodes()) return;
  draw();
  drawings.set(element, key);
}

// Say what an element shows from now on. It carries `data-readable` once that has been painted for `wait` milliseconds.
function showIn(element, what, wait = READ_MS) {
  const key = JSON.stringify(what);
  if (sights.get(element) === key) return;
  sights.set(element, key);
  delete element.dataset.readable;
  const ripen = () => {
    if (sights.get(element) === key) element.dataset.readable = "";
  };
  // The second frame begins after the first was painted.
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(ripen, wait)));
}

function showNothingIn(element) {
  sights.delete(element);
  delete element.dataset.readable;
}

// Return why a press can't be about a text; null if whoever presses has it in sight.
function unseen(element, text) {
  if (bare(element.textContent) !== bare(text)) {
    drawings.delete(element); // whatever happened to it, it is drawn again
    showNothingIn(element);
    return "hint_not_shown";
  }
  if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return "hint_not_shown";
  if (isCovered(element)) return "hint_not_shown";
  return "readable" in element.dataset ? null : "hint_just_shown";
}

function bare(text) {
  return text.replace(/\s+/g, "");
}

// Whether something foreign lies over all of what is in the window. A text that was scrolled away has been read.
function isCovered(element) {
  const { left, right, top, bottom } = element.getBoundingClientRect();
  const [low, high] = [Math.max(top, 0), Math.min(bottom, window.innerHeight)];
  if (low >= high) return false;
  const host = element.getRootNode().host ?? element;
  const points = [0.1, 0.5, 0.9].map((share) => [left + (right - left) * share, low + (high - low) * share]);
  return points.every(([x, y]) => {
    const found = document.elementFromPoint(x, y);
    return found !== null && !host.contains(found) && !found.contains(host);
  });
}

// What is being typed into a box, for the one that takes its place when a board is built anew.
function typedInto(box) {
  return box && { value: box.value, caret: [box.selectionStart, box.selectionEnd], hasFocus: focused() === box };
}

function goOnTyping(box, typed) {
  if (!typed) return;
  box.value = typed.value;
  if (!typed.hasFocus) return;
  box.focus({ preventScroll: true });
  box.setSelectionRange(...typed.caret);
}
