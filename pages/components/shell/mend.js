// What screen readers stumble over in Streamlit's own elements, put right as it appears.

const MENDED = [
  // Its list of pages holds sections, which no list may: links in named groups are what it is.
  ['[data-testid="stSidebarNavItems"]', (list) => list.setAttribute("role", "presentation")],
  ['[data-testid="stSidebarNavItems"] li', (item) => item.setAttribute("role", "presentation")],
];

function mend(root) {
  if (root.nodeType !== Node.ELEMENT_NODE) return;
  for (const [selector, put] of MENDED) {
    if (root.matches(selector)) put(root);
    root.querySelectorAll(selector).forEach(put);
  }
}
