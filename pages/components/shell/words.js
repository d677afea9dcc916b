// Streamlit's own words, which can't be set, in the language of the page: texts and names that are exactly these, and a
// few that hold a value. Boards of ours draw behind shadow roots, where nothing is looked for.

const NAMED = ["aria-label", "title", "placeholder", "alt"];
const OURS = '[data-testid="stMarkdownContainer"], [data-testid="stHtml"], .stCode, script, style, textarea';
const THEIRS = '[data-testid="stFileUploader"] button'; // Streamlit's own words on a button of its own

class Words {
  constructor() {
    this.observer = new MutationObserver((changes) => changes.forEach((change) => this.take(change)));
    this.observer.observe(document.body, {
      subtree: true,
      childList: true,
      characterData: true,
      attributes: true,
      attributeFilter: NAMED,
    });
  }

  update({ language, words, patterns }) {
    document.documentElement.lang = language;
    this.words = new Map(Object.entries(words));
    this.patterns = Object.entries(patterns).map(([english, ours]) => [new RegExp(`^${english}$`), ours]);
    this.translate(document.body);
    mend(document.body);
  }

  take(change) {
    if (change.type === "attributes") this.name(change.target, change.attributeName);
    else if (change.type === "characterData") this.say(change.target);
    else {
      change.addedNodes.forEach((node) => this.translate(node));
      change.addedNodes.forEach(mend);
    }
  }

  translate(node) {
    if (node.nodeType === Node.TEXT_NODE) this.say(node);
    if (node.nodeType !== Node.ELEMENT_NODE) return;
    const texts = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) this.say(texts.currentNode);
    for (const named of [node, ...node.querySelectorAll(NAMED.map((name) => `[${name}]`).join())])
      NAMED.forEach((name) => this.name(named, name));
  }

  say(node) {
    const ours = this.find(node.nodeValue.trim());
    const parent = node.parentElement;
    if (ours !== undefined && (!parent?.closest(OURS) || parent.closest(THEIRS))) node.nodeValue = ours;
  }

  name(element, attribute) {
    const ours = this.find(element.getAttribute(attribute));
    if (ours !== undefined && !element.closest('[data-testid="stHtml"]')) element.setAttribute(attribute, ours);
  }

  /** Return what stands for words of Streamlit; undefined for any other. */
  find(english) {
    if (!english) return undefined;
    const ours = this.words.get(english);
    if (ours !== undefined) return ours;
    for (const [pattern, template] of this.patterns) {
      const match = pattern.exec(english);
      if (match) return template.replace("{value}", match[1]);
    }
    return undefined;
  }

  close() {
    this.observer.disconnect();
  }
}
