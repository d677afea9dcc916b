// Presses that outlive a closed tab: they lie in localStorage, encrypted with a key that only the server has and gives to
// nobody but their person. Without encryption, which browsers have on this computer and over HTTPS, nothing is kept there.

const KEPT = "maeumgyeol-kept:";
const LONGEST_MS = 30 * 24 * 3600_000;

class Vault {
  constructor(scope, hex) {
    this.prefix = `${KEPT}${scope}:`;
    this.turn = 0;
    this.written = 0; // the turn that lies in the store
    this.key = hex && navigator.locks && crypto.subtle ? importKey(hex) : null;
  }

  // Keep what a tab has not been able to send, in place of what it kept before.
  async put(holder, events) {
    const turn = ++this.turn;
    if (!this.key) return;
    try {
      if (!events.length) localStorage.removeItem(this.prefix + holder);
      else {
        const sealed = await seal(await this.key, JSON.stringify(events));
        if (turn !== this.turn) return;
        localStorage.setItem(this.prefix + holder, JSON.stringify({ at: Date.now(), sealed }));
      }
      this.written = turn;
    } catch {
      // Full or forbidden: the tab still has them, and warns before it is closed.
    }
  }

  // Whether what was put last would be there after the tab is closed.
  get isSafe() {
    return this.key !== null && this.written === this.turn;
  }

  // Return the presses of tabs that are gone, and forget them here; those of tabs that are open stay.
  async takeOver(own) {
    if (!this.key) return [];
    const taken = [];
    const key = await this.key;
    for (const name of Object.keys(localStorage).filter((each) => each.startsWith(this.prefix))) {
      const holder = name.slice(this.prefix.length);
      if (holder === own) continue;
      await navigator.locks.request(STORE + holder, { ifAvailable: true }, async (lock) => {
        if (!lock) return;
        taken.push(...(await unseal(key, localStorage.getItem(name))));
        localStorage.removeItem(name);
      });
    }
    return taken;
  }
}

function importKey(hex) {
  const bytes = Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}

async function seal(key, text) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, new TextEncoder().encode(text));
  return btoa(String.fromCharCode(...iv, ...new Uint8Array(sealed)));
}

// Return the events of an entry; none where it is too old, or of another key.
async function unseal(key, entry) {
  try {
    const { at, sealed } = JSON.parse(entry);
    if (Date.now() - at > LONGEST_MS) return [];
    const bytes = Uint8Array.from(atob(sealed), (char) => char.charCodeAt(0));
    const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: bytes.slice(0, 12) }, key, bytes.slice(12));
    const events = JSON.parse(new TextDecoder().decode(plain));
    return Array.isArray(events) ? events.filter((event) => typeof event?.token === "string") : [];
  } catch {
    return [];
  }
}
