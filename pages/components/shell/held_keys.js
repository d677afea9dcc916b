// A key that is held is one press: Streamlit presses a button again with every repetition, on whatever card is next.

function isTyping(element) {
  return element.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(element.tagName);
}

function stopRepeating(event) {
  const writes = event.key.length === 1 || event.key === "Enter" || event.key === "Process";
  if (event.repeat && writes && event.key !== " " && !isTyping(event.composedPath()[0])) event.stopImmediatePropagation();
}
