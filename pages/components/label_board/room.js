// The room that a window has for the text, so that the panel under it never lies over it. CSS uses two lengths:
// `--above`, what stands above the text, and `--panel`, how high the panel is. Where the window is too low for what
// stands above, the text and the panel, the page is scrolled until the text stands at its top.

const HEADER = 60; // pixels that Streamlit's header covers at the top of the window
const LEAST = 112; // pixels below which a text is no longer read, under what is said of it: four lines

const LATE_MS = 400; // until Streamlit has laid the page out for a window of another size

class Room {
  constructor(text, panel) {
    this.parts = [text, panel];
    this.host = text.getRootNode().host ?? text;
    this.off = new AbortController();
    window.addEventListener("resize", () => this.toTop(), { signal: this.off.signal });
    this.watcher = new ResizeObserver(() => this.measure());
    // Whatever appears above the text makes what holds it higher: the page, or the board itself.
    const page = this.host.closest("[data-testid='stMainBlockContainer']") ?? document.body;
    for (const part of [panel, page, text.closest(".frame, .review-frame")]) this.watcher.observe(part);
    this.measure();
  }

  get page() {
    return this.host.closest("[data-testid='stMain']") ?? document.scrollingElement;
  }

  measure() {
    const [text, panel] = this.parts;
    const top = text.getBoundingClientRect().top + this.page.scrollTop;
    const isUnder = panel.getBoundingClientRect().top >= text.getBoundingClientRect().bottom - 1;
    const wasThere = this.isLow && Math.abs(this.page.scrollTop - this.reached) < 4;
    const wasLow = this.isLow;
    this.isLow = isUnder && top + this.least() + panel.offsetHeight > window.innerHeight;
    this.host.style.setProperty("--above", `${Math.round(this.isLow ? HEADER : top)}px`);
    this.host.style.setProperty("--panel", `${Math.round(panel.offsetHeight)}px`);
    this.start = top - HEADER;
    // Otherwise the browser scrolls, too, when something appears above, and nobody knows who it was.
    this.page.style.overflowAnchor = this.isLow ? "none" : "";
    // Who has scrolled elsewhere stays there.
    if (this.isLow && (wasThere || !wasLow)) this.scroll();
  }

  least() {
    const [room] = this.parts;
    const text = room.querySelector(".text") ?? room;
    return LEAST + text.getBoundingClientRect().top - room.getBoundingClientRect().top + room.scrollTop;
  }

  // A window of another size, or another diary: its text begins where it can be read.
  toTop() {
    this.measure();
    if (this.isLow) this.scroll();
    clearTimeout(this.late);
    this.late = setTimeout(() => {
      this.measure();
      if (this.isLow) this.scroll();
    }, LATE_MS);
  }

  scroll() {
    this.page.scrollTop = this.start;
    this.reached = this.page.scrollTop; // less while the page has not got its height yet
  }

  close() {
    this.off.abort();
    clearTimeout(this.late);
    this.watcher.disconnect();
  }
}
