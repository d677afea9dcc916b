// The parts before this one in the module: connection.js, held_keys.js, mend.js, signing_out.js, words.js.

let live = null;
let words = null;

export default function ({ data: [data], parentElement }) {
  if (live?.root !== parentElement) {
    live?.close();
    live = new Connection(parentElement);
  }
  live.update(data);
  words ??= new Words();
  words.update(data);
  window.addEventListener("keydown", stopRepeating, { capture: true }); // one function is added once
  document.addEventListener("submit", forgetOnSignOut, { capture: true });
  // Streamlit may call this for an overtaken change of data while the element stays.
  return () =>
    setTimeout(() => {
      if (live?.root !== parentElement || parentElement.host.isConnected) return;
      live.close();
      words.close();
      live = words = null;
    });
}
