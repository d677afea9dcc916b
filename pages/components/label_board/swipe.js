// A swipe to the left skips the diary, where somebody has asked for that in this browser (화면 설정). A swipe that is short,
// slow or slanted means nothing, nor does one that selects text.

const SWIPE = "maeumgyeol:swipe";
const FAR = 90; // pixels
const QUICK_MS = 700;
const FLAT = 0.5; // height of the way by its width, at most

function doesSkip() {
  try {
    return localStorage.getItem(SWIPE) === "1";
  } catch {
    return false;
  }
}

function hearSwipes(element, onSwipe) {
  let begin = null;
  element.classList.toggle("swipes", doesSkip());
  const move = (by) => element.style.setProperty("--swiped", `${Math.min(0, by)}px`);
  const end = () => {
    begin = null;
    move(0);
  };
  element.addEventListener("pointerdown", (event) => {
    element.classList.toggle("swipes", doesSkip());
    begin = event.pointerType !== "mouse" && event.isPrimary && doesSkip() ? event : null;
  });
  element.addEventListener("pointermove", (event) => {
    if (begin && wayOf(begin, event).isFlat) move(event.clientX - begin.clientX);
  });
  element.addEventListener("pointercancel", end);
  element.addEventListener("pointerup", (event) => {
    const way = begin && wayOf(begin, event);
    const isQuick = begin && event.timeStamp - begin.timeStamp < QUICK_MS;
    end();
    if (way?.isFlat && way.dx < -FAR && isQuick && getSelection().isCollapsed) onSwipe();
  });
}

function wayOf(begin, event) {
  const [dx, dy] = [event.clientX - begin.clientX, event.clientY - begin.clientY];
  return { dx, isFlat: Math.abs(dy) <= FLAT * Math.abs(dx) };
}
