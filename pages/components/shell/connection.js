// Says that the server is away, and why, for as long as it is. A page whose login has ended meanwhile is put out of sight.

const PATIENCE_MS = 1500; // a connection that is back sooner was never missed
const ASK_AGAIN_MS = 5000;
const STATE = "data-test-connection-state";
const CLOSED = "data-maeumgyeol-closed"; // pages.components.shell says what that hides

class Connection {
  constructor(root) {
    this.root = root;
    this.box = root.querySelector(".connection");
    // Of the whole page: Streamlit may build anew the element that tells.
    this.observer = new MutationObserver(() => this.look());
    this.observer.observe(document.body, { subtree: true, attributes: true, attributeFilter: [STATE] });
    this.onLine = () => this.isLost() && this.say();
    for (const type of ["online", "offline"]) window.addEventListener(type, this.onLine);
  }

  close() {
    this.observer.disconnect();
    clearTimeout(this.timer);
    for (const type of ["online", "offline"]) window.removeEventListener(type, this.onLine);
  }

  update(strings) {
    this.strings = strings;
    this.look();
  }

  isLost() {
    return document.querySelector(`[${STATE}]`)?.getAttribute(STATE) !== "CONNECTED";
  }

  look() {
    const isLost = this.isLost();
    if (isLost && this.timer) return;
    clearTimeout(this.timer);
    this.timer = isLost ? setTimeout(() => this.say(), PATIENCE_MS) : 0;
    if (isLost) return;
    this.box.hidden = true;
    document.documentElement.removeAttribute(CLOSED);
  }

  async say() {
    clearTimeout(this.timer);
    const { reason, sentence = this.strings[reason] } = await findReason();
    if (!this.isLost()) return;
    this.timer = setTimeout(() => this.say(), ASK_AGAIN_MS);
    if (this.said === sentence && !this.box.hidden) return;
    this.said = sentence;
    this.box.replaceChildren(document.createTextNode(sentence));
    if (["signed_out", "refused"].includes(reason)) document.documentElement.setAttribute(CLOSED, "");
    if (reason === "signed_out") this.box.append(this.login());
    this.box.hidden = false;
  }

  login() {
    const link = document.createElement("a");
    link.href = `/login?next=${encodeURIComponent(location.pathname + location.search)}`;
    link.textContent = this.strings.login;
    return link;
  }
}

// Streamlit asks for the same address before it connects: whoever is signed out is turned away there, and so is, with
// the reason, whoever may not come in.
async function findReason() {
  if (!navigator.onLine) return { reason: "offline" };
  try {
    const answer = await fetch("/_stcore/host-config", { cache: "no-store", signal: AbortSignal.timeout(4000) });
    // A proxy's own refusal is a page of its own, not a sentence of ours.
    const isOurs = answer.headers.get("content-type")?.startsWith("text/plain");
    if (answer.status === 403 && isOurs) return { reason: "refused", sentence: await answer.text() };
    return { reason: answer.status === 401 ? "signed_out" : "lost" };
  } catch {
    return { reason: "lost" };
  }
}
