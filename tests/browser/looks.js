// What a page shows badly: text that is cut, text that something lies over, and pages that scroll sideways.
(() => {
  const SLACK = 2; // pixels: glyphs stand out of their line box a little

  // How elements lie, for the length of one look: a page has hundreds of texts within the same few boxes.
  let known = new Map();

  function boxOf(element) {
    if (!known.has(element)) {
      const style = getComputedStyle(element);
      const [edge, x, y] = [element.getBoundingClientRect(), style.overflowX, style.overflowY];
      const isFixed = style.position === "fixed";
      // Code and tables may be wider than a window, words may not.
      const isWide = Boolean(element.closest("pre, table, [data-testid='stDataFrame']"));
      known.set(element, { edge, x, y, isFixed, isHidden: isFixed && element.clientWidth <= 1, isWide });
    }
    return known.get(element);
  }

  function parentOf(node) {
    return node.parentElement ?? node.getRootNode().host ?? null;
  }

  function* textsIn(root, isLookedAt = () => true) {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.nodeType === Node.ELEMENT_NODE) {
        if (node.shadowRoot) yield* textsIn(node.shadowRoot, isLookedAt);
      } else if (node.nodeValue.trim() && isLookedAt(node) && isSeen(node.parentElement)) yield node;
    }
  }

  function isSeen(element) {
    if (!element || element.closest("script, style, noscript, option, textarea, .js-plotly-plot .hoverlayer")) return false;
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return false;
    const box = element.getBoundingClientRect();
    // Icons are words that a font draws as a picture; what is one pixel wide is for screen readers.
    if (box.width <= 1 || box.height <= 1) return false;
    return !/Material/.test(getComputedStyle(element).fontFamily);
  }

  function boxesOf(text) {
    const range = document.createRange();
    range.selectNodeContents(text);
    return [...range.getClientRects()].filter((box) => box.width > 1 && box.height > 1);
  }

  function isInWindow(text) {
    return boxesOf(text).some((box) => box.bottom > 0 && box.top < innerHeight);
  }

  // The box that cuts a text, or null. What can be scrolled to or is said in a title is not cut.
  function cutter(text, box) {
    let [isX, isY] = [true, true];
    for (let element = text.parentElement; element && (isX || isY); element = parentOf(element)) {
      const { edge, x, y, isFixed, isHidden, isWide } = boxOf(element);
      if (isHidden || edge.width <= 1 || edge.height <= 1) return null;
      const isOut = (low, high, first, last) => low < first - SLACK || high > last + SLACK;
      if (isX && ["hidden", "clip"].includes(x) && isOut(box.left, box.right, edge.left, edge.right)) return element;
      if (isY && ["hidden", "clip"].includes(y) && isOut(box.top, box.bottom, edge.top, edge.bottom)) return element;
      if (isX && ["auto", "scroll"].includes(x) && !isWide && isOut(box.left, box.right, edge.left, edge.right)) return element;
      if (["auto", "scroll"].includes(x)) isX = false;
      if (["auto", "scroll"].includes(y)) isY = false;
      if (isFixed) break;
    }
    if (isX && (box.right > innerWidth + SLACK || box.left < -SLACK)) return document.documentElement;
    return null;
  }

  function isSaidElsewhere(element) {
    for (let each = element; each; each = parentOf(each)) if (each.getAttribute("title")) return true;
    return false;
  }

  function nameOf(element) {
    const id = element.dataset?.testid ?? element.className?.baseVal ?? element.className ?? "";
    return `${element.localName}${id ? `.${String(id).split(" ").slice(0, 3).join(".")}` : ""}`;
  }

  function holds(outer, inner) {
    for (let each = inner; each; each = parentOf(each)) if (each === outer) return true;
    return false;
  }

  function hit(x, y) {
    let found = document.elementFromPoint(x, y);
    while (found?.shadowRoot) {
      const inner = found.shadowRoot.elementFromPoint(x, y);
      if (!inner || inner === found) break;
      found = inner;
    }
    return found;
  }

  function shorten(text) {
    return text.nodeValue.trim().replace(/\s+/g, " ").slice(0, 60);
  }

  window.findCut = () => {
    known = new Map();
    const found = [];
    for (const text of textsIn(document.body)) {
      for (const box of boxesOf(text)) {
        const by = cutter(text, box);
        if (by && !isSaidElsewhere(text.parentElement)) {
          found.push(`${shorten(text)} | ${nameOf(text.parentElement)} cut by ${nameOf(by)}`);
          break;
        }
      }
    }
    return [...new Set(found)];
  };

  // Texts in the window, each with what lies over its middle; null for nothing.
  window.findCovered = () => {
    known = new Map();
    const seen = {};
    for (const text of textsIn(document.body, isInWindow)) {
      if (getComputedStyle(text.parentElement).pointerEvents === "none") continue;
      const key = keyOf(text);
      for (const over of oversOf(text)) {
        if (!over) seen[key] = null;
        else if (!(key in seen)) seen[key] = nameOf(over);
      }
    }
    return seen;
  };

  // Whether a text stays covered where it is scrolled to the middle of the window.
  window.staysCovered = (key) => {
    const texts = [...textsIn(document.body)].filter((text) => keyOf(text) === key);
    return texts.some((text) => {
      text.parentElement.scrollIntoView({ block: "center", behavior: "instant" });
      known = new Map();
      const overs = oversOf(text);
      return overs.length > 0 && overs.every((over) => over);
    });
  };

  function keyOf(text) {
    return `${shorten(text)} | ${nameOf(text.parentElement)}`;
  }

  // What lies over the middle of each line of a text in the window, null for nothing.
  function oversOf(text) {
    const element = text.parentElement;
    const overs = [];
    for (const box of boxesOf(text).slice(0, 3)) {
      const [x, y] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
      if (x < 0 || y < 0 || x >= innerWidth || y >= innerHeight || cutter(text, box)) continue;
      if (isScrolledAway(text, x, y)) continue;
      const over = hit(x, y);
      overs.push(!over || holds(over, element) || holds(element, over) ? null : over);
    }
    return overs;
  }

  function isScrolledAway(text, x, y) {
    for (let element = text.parentElement; element; element = parentOf(element)) {
      const { edge, x: overflowX, y: overflowY } = boxOf(element);
      if (!/auto|scroll|hidden|clip/.test(overflowX + overflowY)) continue;
      if (x < edge.left || x > edge.right || y < edge.top || y > edge.bottom) return true;
    }
    return false;
  }

  // The buttons of a board that decide, where they lie below the window as the page stands.
  window.findBelow = () => {
    const roots = [...document.querySelectorAll("*")].map((host) => host.shadowRoot).filter(Boolean);
    const places = ".labels button, .choices button, .actions button";
    const buttons = roots.flatMap((root) => [...root.querySelectorAll(places)]);
    return buttons
      .filter((button) => button.checkVisibility() && button.getBoundingClientRect().bottom > innerHeight + 1)
      .map((button) => button.textContent.trim().slice(0, 30));
  };

  // What goes on moving although somebody has asked for less motion.
  window.findMoving = () =>
    document
      .getAnimations()
      .filter((each) => each.playState === "running" && each.effect.getComputedTiming().activeDuration > 50)
      .map((each) => `${each.animationName ?? each.transitionProperty} of ${nameOf(each.effect.target)}`);

  // What has the focus, and whether that can be seen; null for nothing.
  window.findFocus = async () => {
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    let element = document.activeElement;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    if (!element || element === document.body) return null;
    let isSeenThere = false;
    for (let [each, up] = [element, 0]; each && up < 5; [each, up] = [parentOf(each), up + 1]) {
      const style = getComputedStyle(each);
      const hasOutline = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
      isSeenThere ||= hasOutline || style.boxShadow !== "none";
    }
    return [`${nameOf(element)} ${(element.getAttribute("aria-label") ?? element.textContent).trim().slice(0, 30)}`, isSeenThere];
  };

  window.scrollsSideways = () => {
    const main = document.querySelector('[data-testid="stMain"]') ?? document.documentElement;
    return main.scrollWidth > main.clientWidth + 1 ? main.scrollWidth - main.clientWidth : 0;
  };

  window.scrollOn = (share) => {
    const main = document.querySelector('[data-testid="stMain"]');
    const before = main.scrollTop;
    main.scrollTop += Math.round(main.clientHeight * share);
    return main.scrollTop !== before;
  };

  window.scrollToTop = () => {
    document.querySelector('[data-testid="stMain"]').scrollTop = 0;
  };
})();
