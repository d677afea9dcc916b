// How this browser shows the app: light, dark or as the system has it, and whether a swipe skips a diary. Nothing of it
// goes to the server but a cookie with the theme, for the gate's own pages.

const THEMES = ["", "Light", "Dark"];
const SWIPE = "maeumgyeol:swipe";

function place() {
  // Streamlit read it for the address at which the page was loaded.
  const [entry] = performance.getEntriesByType("navigation");
  return `stActiveTheme-${new URL(entry?.name ?? location.href).pathname}-v2`;
}

function chosenTheme() {
  const name = localStorage.getItem(place())?.slice(1, -1) ?? "";
  return THEMES.includes(name) ? name : "";
}

function choose(theme) {
  const year = theme ? 365 * 24 * 3600 : 0;
  document.cookie = `maeumgyeol_theme=${theme}; path=/; max-age=${year}; samesite=lax`;
  if (theme) localStorage.setItem(place(), JSON.stringify(theme));
  else localStorage.removeItem(place());
  location.reload(); // Streamlit asks for its theme when it starts
}

function themes(strings) {
  const group = document.createElement("fieldset");
  const legend = document.createElement("legend");
  legend.textContent = strings.theme;
  group.append(legend);
  const chosen = chosenTheme();
  for (const theme of THEMES) {
    const label = document.createElement("label");
    const input = Object.assign(document.createElement("input"), { type: "radio", name: "theme", value: theme });
    input.checked = theme === chosen;
    input.addEventListener("change", () => choose(theme));
    const words = document.createElement("span");
    words.textContent = strings[`theme_${theme.toLowerCase() || "system"}`];
    label.append(input, words);
    group.append(label);
  }
  return group;
}

function swipe(strings) {
  const label = document.createElement("label");
  label.className = "swipe";
  const input = Object.assign(document.createElement("input"), { type: "checkbox" });
  input.checked = localStorage.getItem(SWIPE) === "1";
  input.addEventListener("change", () => localStorage.setItem(SWIPE, input.checked ? "1" : "0"));
  const words = document.createElement("span");
  words.textContent = strings.swipe;
  label.append(input, words);
  return label;
}

const drawn = new WeakMap();

export default function ({ data, parentElement }) {
  const look = JSON.stringify(data);
  if (drawn.get(parentElement) === look) return;
  drawn.set(parentElement, look);
  const box = parentElement.querySelector(".screen");
  try {
    box.replaceChildren(themes(data), swipe(data));
  } catch {
    box.textContent = data.no_storage;
  }
}
