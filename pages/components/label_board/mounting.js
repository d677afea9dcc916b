// What Streamlit calls on mounting and again on every change of data: one board of a kind at a time.
const mounted = (Board) => {
  let live = null;
  return ({ data: [data], parentElement, setTriggerValue }) => {
    if (live?.root !== parentElement) {
      live?.close();
      live = new Board(parentElement);
    }
    live.update(data, setTriggerValue);
    // Streamlit may call this for an overtaken change of data while the board stays: only a board that is gone ends.
    return () =>
      setTimeout(() => {
        if (live?.root !== parentElement || parentElement.host.isConnected) return;
        live.close();
        live = null;
      });
  };
};
