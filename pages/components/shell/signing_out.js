// Whoever signs out leaves nothing of theirs in the browser that outlives its tab.

function forgetOnSignOut(event) {
  const scope = event.target.matches?.('form[action="/logout"]') && event.target.dataset.scope;
  if (!scope) return;
  try {
    Object.keys(localStorage)
      .filter((name) => name.startsWith(`maeumgyeol-kept:${scope}:`))
      .forEach((name) => localStorage.removeItem(name));
  } catch {
    // Where nothing can be read, nothing was kept.
  }
}
