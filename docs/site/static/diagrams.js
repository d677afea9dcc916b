// Draws the page's diagrams in its colours, and anew when the reader switches between light and dark.

const drawings = [...document.querySelectorAll("pre.mermaid")];
const texts = drawings.map((drawing) => drawing.textContent);

function isDark() {
  const chosen = document.body.dataset.theme;
  return chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
}

async function draw() {
  mermaid.initialize({
    startOnLoad: false,
    securityLevel: "strict",
    theme: isDark() ? "dark" : "neutral",
    // Tables of a wide diagram stay readable; it scrolls instead of shrinking.
    er: { useMaxWidth: false },
  });
  drawings.forEach((drawing, place) => {
    drawing.textContent = texts[place];
    delete drawing.dataset.processed;
  });
  await mermaid.run({ nodes: drawings });
}

draw();
new MutationObserver(draw).observe(document.body, { attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
