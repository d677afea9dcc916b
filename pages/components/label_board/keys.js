// What a key means on the board, and when it means nothing. The presses are in board.js, whose Board extends this.

class Keys extends View {
  onKey(event) {
    if (event.key === "Tab") this.hasWalked = true;
    const target = event.composedPath()[0];
    if (this.tour.isOpen) this.tour.onKey(event);
    else if (target === this.memo) this.onMemoKey(event);
    else if (target === this.finder?.input) this.finder.onKey(event);
    else if (this.marks.onKey(event)) {
      event.preventDefault();
      event.stopImmediatePropagation();
    } else if (this.hearsKeys(event, target)) this.onBoardKey(event);
  }

  hearsKeys(event, target) {
    if (event.ctrlKey || event.altKey || event.metaKey || !this.data) return false;
    if (isTypedInto(target) || isTypedInto(focused()) || isCoveredByDialog()) return false;
    return this.root.host?.checkVisibility?.() ?? true;
  }

  onBoardKey(event) {
    const code = codeOf(event);
    const isEnter = code === "Enter" || code === "NumpadEnter";
    if (isEnter && this.hasWalked && isPressable(focused())) return;
    const isHelp = event.key === "?" || this.actions.get(code) === this.toggleSheet;
    if (!isHelp && !this.sheet.open && this.takesKey(event, code)) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    const action = isHelp ? this.toggleSheet : this.actions.get(code);
    if (!action || (this.sheet.open && !isHelp)) return;
    event.preventDefault();
    // Streamlit has keys of its own, R and C among them.
    event.stopImmediatePropagation();
    if (!event.repeat) action();
  }

  takesKey(event, code) {
    if (event.key !== "Escape") return this.further.onKey(event, code);
    if (this.pause.isShown) this.pause.dismiss();
    else if (this.refusals.isOpen) this.refusals.dismiss();
    else if (!this.guide.close()) return this.further.onKey(event, code);
    return true;
  }

  onMemoKey(event) {
    // While Hangul is being composed, Enter and Escape belong to the input method.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key !== "Escape" && (event.key !== "Enter" || event.shiftKey)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.memo.blur();
  }

  makeActions() {
    const { labels } = this.data;
    const commands = {
      skip: () => this.press({ kind: "skip" }),
      flag: () => this.press({ kind: "flag" }),
      undo: () => this.press({ kind: "undo" }),
      memo: () => this.memo.focus(),
      evidence: () => this.cycleEvidence(),
      mark: () => this.marks.toggle(),
      help: this.toggleSheet,
      guide: () => this.guide.toggle(),
    };
    this.actions = new Map([["Backspace", commands.undo]]);
    if (labels.some((label) => !label.key)) this.actions.set("Slash", () => this.finder.open());
    for (const [kind, key] of Object.entries(freeCommandKeys(labels))) this.actions.set(`Key${key}`, commands[kind]);
    for (const label of labels) {
      codesOf(label.key).forEach((code) => this.actions.set(code, () => this.press({ kind: "label", labelId: label.id })));
    }
    for (const code of ["Enter", "NumpadEnter"]) this.actions.set(code, () => this.press({ kind: "accept" }));
    this.commands = commands;
  }

  toggleSheet = () => (this.sheet.open ? this.sheet.close() : this.sheet.showModal());
}

// What is typed into the memo looks to the page like keys pressed on a plain element: Streamlit would act on R.
function shieldTyping(event) {
  if (isTypedInto(event.target)) event.stopPropagation();
}
