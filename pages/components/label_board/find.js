// Labels that no key chooses are found by typing: a field above the labels, which the slash key opens.

class Finder {
  constructor(board) {
    this.board = board;
    this.row = el("div", "find-row");
    this.input = el("input", "find");
    this.input.type = "search";
    this.none = el("span", "find-none");
    this.row.append(keyCap("/"), this.input, this.none);
    this.input.addEventListener("input", () => this.filter());
    this.input.addEventListener("blur", () => this.input.value || this.filter());
  }

  /** Called when the labels have been built anew. */
  build({ strings, labels }, labelsBox) {
    this.labels = labels;
    this.strings = strings;
    this.row.hidden = labels.every((label) => label.key);
    this.input.placeholder = strings["find.hint"];
    this.input.setAttribute("aria-label", strings["find.hint"]);
    if (!this.row.hidden) labelsBox.before(this.row);
    this.filter();
  }

  open() {
    this.input.focus();
    this.input.select();
  }

  close() {
    this.input.value = "";
    this.filter();
    this.input.blur();
  }

  filter() {
    const wanted = this.input.value.normalize("NFC").trim().toLowerCase();
    const fits = this.labels.map((label) => label.name.normalize("NFC").toLowerCase().includes(wanted));
    this.board.buttons.forEach((made, index) => (made.hidden = !fits[index]));
    this.first = wanted ? this.labels[fits.indexOf(true)] : undefined;
    this.none.textContent = wanted && !this.first ? this.strings["find.none"] : "";
  }

  onKey(event) {
    // While Hangul is being composed, Enter and Escape belong to the input method.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter" && this.first) {
      const labelId = this.first.id;
      this.close();
      if (!this.board.further.takesClick(labelId)) this.board.press({ kind: "label", labelId });
    } else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}
