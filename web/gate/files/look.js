// Runs before Streamlit: puts the theme that was chosen in this browser where Streamlit looks for it, which is another
// place for each address. A choice in Streamlit's own menu is taken over when the page is left.
(() => {
  const place = `stActiveTheme-${location.pathname}-v2`;
  const chosen = /(?:^|; )maeumgyeol_theme=(Light|Dark)/.exec(document.cookie)?.[1];
  try {
    if (chosen) localStorage.setItem(place, JSON.stringify(chosen));
    else localStorage.removeItem(place);
  } catch {
    return; // without storage the theme is the system's
  }
  addEventListener("pagehide", () => {
    const theme = /^"(Light|Dark)"$/.exec(localStorage.getItem(place) ?? "")?.[1];
    document.cookie = `maeumgyeol_theme=${theme ?? ""}; path=/; max-age=${theme ? 365 * 24 * 3600 : 0}; samesite=lax`;
  });
})();
