// The log of presses that the server has not confirmed, and the name ("holder") that this tab goes by.
// Both lie in sessionStorage, so that they survive a reload but stay with the tab. What outlives the tab is in vault.js.

const STORE = "maeumgyeol-board:";
const logs = new Map();

class PressLog {
  constructor(scope, kept, vault) {
    this.scope = scope;
    this.vault = vault;
    this.holder = kept.holder;
    this.seq = kept.seq;
    this.events = kept.events;
    // Tokens answered since this page was loaded: older data that arrives late must not show their diaries again.
    this.answered = new Set(kept.events.map((event) => event.token));
    this.times = new Map(kept.events.map((event) => [event.seq, performance.now()]));
    this.keep();
  }

  // Return whether the press is kept. Where the store has no room for it, it lives in this page alone, and only where
  // it can be sent at once.
  add(event, { canBeSent }) {
    const numbered = { seq: this.seq + 1, ...event };
    this.events.push(numbered);
    this.seq += 1;
    if (!this.keep() && !canBeSent) {
      this.events.pop();
      this.seq -= 1;
      return false;
    }
    this.answered.add(numbered.token);
    this.times.set(numbered.seq, performance.now());
    return true;
  }

  // Drop what the server has applied; return it.
  confirm(acked) {
    const applied = this.events.filter((event) => event.seq <= acked);
    if (applied.length || acked > this.seq) {
      this.events = this.events.filter((event) => event.seq > acked);
      this.seq = Math.max(this.seq, acked);
      applied.forEach((event) => this.times.delete(event.seq));
      this.keep();
    }
    return applied;
  }

  // Add what tabs that are gone could not send: the server keeps each press once, by its token.
  adopt(events) {
    for (const event of events.filter(({ token }) => !this.answered.has(token))) {
      this.seq += 1;
      this.events.push({ ...event, seq: this.seq });
      this.answered.add(event.token);
      this.times.set(this.seq, performance.now());
    }
    this.keep();
  }

  // Whether closing the tab would lose a press.
  get isAtRisk() {
    return this.events.length > 0 && !this.vault.isSafe;
  }

  get isUndoing() {
    return this.events.some((event) => event.kind === "undo");
  }

  // Milliseconds for which the oldest press has been waiting; 0 without one.
  get age() {
    return this.events.length ? performance.now() - this.times.get(this.events[0].seq) : 0;
  }

  keep() {
    const { holder, seq, events } = this;
    this.vault.put(holder, events);
    try {
      sessionStorage.setItem(STORE + this.scope, JSON.stringify({ holder, seq, events }));
      this.isStored = true;
    } catch {
      // Storage is full or forbidden: a reload would lose what is unconfirmed.
      this.isStored = false;
    }
    return this.isStored;
  }
}

// One log for each scope in a page, also when the component is unmounted and mounted again.
function openLog(scope, key) {
  if (!logs.has(scope)) logs.set(scope, claimLog(scope, new Vault(scope, key)));
  return logs.get(scope);
}

async function claimLog(scope, vault) {
  const log = new PressLog(scope, await claimKept(scope), vault);
  const left = await vault.takeOver(log.holder);
  if (left.length) log.adopt(left);
  return log;
}

async function claimKept(scope) {
  const kept = readKept(scope);
  if (kept && (await isOnlyHolder(kept.holder))) return kept;
  // "Duplicate tab" copies sessionStorage. Two tabs numbering events for one holder would swallow each other's.
  const fresh = { holder: randomToken(), seq: 0, events: [] };
  await isOnlyHolder(fresh.holder);
  return fresh;
}

function readKept(scope) {
  try {
    const kept = JSON.parse(sessionStorage.getItem(STORE + scope));
    return kept?.holder && Number.isInteger(kept.seq) && Array.isArray(kept.events) ? kept : null;
  } catch {
    return null;
  }
}

function isOnlyHolder(holder) {
  return navigator.locks ? takeLock(STORE + holder) : askOtherTabs(STORE + holder);
}

// The lock is held until the page goes. A page that is being reloaded lets go of it within the time limit.
function takeLock(name) {
  return new Promise((resolve) => {
    const held = () => {
      resolve(true);
      return new Promise(() => {});
    };
    navigator.locks.request(name, { signal: AbortSignal.timeout(500) }, held).catch(() => resolve(false));
  });
}

// Over plain HTTP from another machine there are no locks.
function askOtherTabs(name) {
  return new Promise((resolve) => {
    const channel = new BroadcastChannel(name);
    let isMine = false;
    channel.onmessage = ({ data }) => {
      if (data === "who" && isMine) channel.postMessage("me");
      if (data === "me" && !isMine) {
        channel.close();
        resolve(false);
      }
    };
    channel.postMessage("who");
    setTimeout(() => {
      isMine = true;
      resolve(true);
    }, 200);
  });
}

// crypto.randomUUID is missing over plain HTTP.
function randomToken() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
