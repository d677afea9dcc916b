"""The label board: diary, labels and keys as one component, so that no press is lost or counted twice.

Streamlit's own buttons merge presses that come faster than a rerun. The board keeps its own log of presses
instead, shows the next diary at once, and sends the whole log until the server has confirmed it.

How browser and server talk:

1. On mounting, the browser sends its `Client`: a holder that lives as long as the tab, and unconfirmed events.
2. The server applies the events it has not seen, in order of ``seq``, and answers with `BoardData` for that
   holder: the highest ``seq`` it has applied, and the diaries that the holder has leases on.
3. Each press appends an event, or the board says why it does not: a decision counts only for the diary whose text
   stands on the screen and has stood there for a moment. The browser drops events up to ``acked`` and shows none of
   their diaries again; it reports those in `refusals` as not saved.
4. After an undo, decisions are refused until it is confirmed; the diary then comes back as the first item.

The same events may arrive any number of times: after a reload, a lost connection, a restart of the server.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import streamlit as st

from annotator import messages
from pages.components import inline

if TYPE_CHECKING:
    from collections.abc import Callable

    from annotator.messages import Language

Kind = Literal["label", "skip", "flag"]


class LabelData(TypedDict):
    """A label and its button. `colour` is ``#rrggbb``, `key` one digit or Latin letter, empty for none."""

    id: int
    name: str
    colour: str
    key: str
    definition: str


class PredictionData(TypedDict):
    """What a model says about a diary. `proba` sums to 1, in label order; `unknown` labels are not learned yet.

    Of a guess no reason is stated as a fact; see `annotator.serving.explanation_text.is_guess`.
    """

    model_id: int
    model_version: int
    proba: list[float]
    label_index: int
    is_guess: bool
    unknown: list[int]


class ExplanationData(TypedDict):
    """Which words speak for which label.

    `spans` are half-open characters (code points, as in Python) of the text. `weights` has a row for each
    span and a column for each label; above 0 speaks for it. `fit` is R² for each label. `arc` has the
    probabilities of each sentence by itself. `groups` are characters to be shown as one word. `sentence`, `contrast`,
    `deletion` and `by_sentence` (why the sentences say otherwise) speak of the predicted label; "" or None where there
    is nothing to say.
    """

    spans: list[list[int]]
    weights: list[list[float]]
    fit: list[float]
    stability: float | None
    arc: list[list[float]] | None
    groups: list[list[int]]
    sentence: str
    contrast: str | None
    deletion: str | None
    by_sentence: str | None


class PreviousData(TypedDict):
    """The decision on a diary that was undone."""

    kind: Kind
    label_id: int | None
    memo: str
    other_label_ids: list[int]
    intensity: int | None


class RationaleData(TypedDict):
    """A word that this person marked: half-open characters of the text, and whether it is evidence for the label."""

    span: list[int]
    verdict: Literal["right", "wrong"]
    label_id: int


class ItemData(TypedDict):
    """A diary that this holder has a lease on; no two leases share a `token`.

    `sentences` are half-open characters; text outside of them is shown too. A `blind` item shows no prediction.
    One that needs `care` is shown with where to turn. `covered` says whether something private is hidden in the text.
    """

    token: str
    diary_id: int
    text: str
    covered: bool
    sentences: list[list[int]]
    blind: bool
    care: bool
    prediction: PredictionData | None
    explanation: ExplanationData | None
    why: str
    written_on: str | None
    author: str | None
    previous: PreviousData | None
    rationales: list[RationaleData]


class GuideData(TypedDict):
    """The guideline for a label or, with two ids, for telling two labels apart."""

    label_ids: list[int]
    text: str
    examples: list[str]


class RefusalData(TypedDict):
    """A press that can never be saved, by its ``seq``, and why."""

    seq: int
    sentence: str


class CountData(TypedDict):
    """Diaries left, labels given by this person, labels that the serving model has not seen."""

    left: int
    mine: int
    since_round: int


class RecentData(TypedDict):
    """A decision in the history strip."""

    token: str
    diary_id: int
    kind: Kind
    label_id: int | None
    other_label_ids: list[int]
    intensity: int | None


class BoardData(TypedDict):
    """All that the board shows.

    Attributes:
        scope: who labels in which project. A tab keeps one holder and one log of events for each.
        browser_key: under which the browser keeps what it could not send, in hexadecimal digits; empty for nothing.
        holder: whom `items` and `acked` are for; None until the browser has named itself.
        items: the diary on screen and those that follow it, in order.
        acked: the highest ``seq`` that was applied for the holder; 0 without any.
        refusals: among the events up to `acked`, those that were not saved.
        recent: newest first.
        notice: shown above the diary.
        wait: stands where the explanation of the first item will; empty if nothing is missing.
        pace: how fast this person reads, and how long the rest takes; empty at first.
        empty: shown where no diary is left.
        several_labels, intensity: whether a decision may name more than one emotion, and say how strong it is.
        break_minutes: minutes of work in a row after which a break is suggested; 0 for never.
        may_reveal: whether this person may look at what is covered; `read_reveal` says of which diary.
    """

    scope: str
    browser_key: str
    holder: str | None
    strings: dict[str, str]
    labels: list[LabelData]
    guide: list[GuideData]
    items: list[ItemData]
    acked: int
    refusals: list[RefusalData]
    counts: CountData
    recent: list[RecentData]
    notice: str | None
    wait: str
    pace: str
    empty: str | None
    several_labels: bool
    intensity: bool
    break_minutes: int
    may_reveal: bool


class Client(TypedDict):
    """What the browser sends.

    Attributes:
        scope: whose presses these are: `BoardData.scope` when they were made. They count for nobody else.
        holder: unguessable; the same for as long as the tab is open.
        events: unconfirmed presses in order of ``seq``, unchecked: `annotator.labelling.board.read_event` reads them.
        beat: changes with every message, so that one without a press is noticed too: at least one a minute
            comes from a tab that is in view, which keeps its leases.
    """

    scope: str
    holder: str
    events: list[dict[str, Any]]
    beat: int


_HERE = Path(__file__).parent

_PARTS = (
    *(
        "vault",
        "log",
        "painted",
        "diary",
        "why",
        "arc",
        "further",
        "caring",
        "controls",
        "guide",
        "tour",
        "refusals",
        "find",
    ),
    *("room", "swipe", "view", "keys", "rationale", "board"),
)

_STYLES = ("board", "rationale", "further", "guide", "find", "tour", "pointer")

_mount = st.components.v2.component(
    "maeumgyeol_label_board",
    html='<div class="board"></div>',
    css="\n".join((_HERE / f"{part}.css").read_text("utf-8") for part in _STYLES),
    # One module for the browser: inline components can't import from each other.
    js="\n".join((_HERE / f"{part}.js").read_text("utf-8") for part in _PARTS),
)


def label_board(
    data: BoardData, *, key: str, on_change: Callable[[], None], on_reveal: Callable[[], None] = lambda: None
) -> None:
    """Draw the board.

    Args:
        key: without a double underscore, which Streamlit keeps for itself.
        on_change: called before the script when the browser has sent something; `read_client` returns it.
        on_reveal: called when somebody wants to see what is covered; `read_reveal` returns the diary.
    """
    given = inline.unsearched(data)
    _mount(key=key, data=given, default={"client": None}, on_client_change=on_change, on_reveal_change=on_reveal)


def read_client(key: str) -> Client | None:
    """Return what the browser has sent last; None before its first message or if it is malformed."""
    sent = st.session_state.get(key, {}).get("client")
    if not isinstance(sent, dict) or not isinstance(sent.get("events"), list):
        return None
    scope, holder = sent.get("scope"), sent.get("holder")
    if not isinstance(scope, str) or not isinstance(holder, str) or not 8 <= len(holder) <= 64:
        return None
    return Client(scope=scope, holder=holder, events=sent["events"], beat=int(sent.get("beat") or 0))


def read_reveal(key: str) -> int | None:
    """Return the diary whose original the browser has just asked for; None if it has not."""
    sent = st.session_state.get(key, {}).get("reveal")
    diary_id = sent.get("diary_id") if isinstance(sent, dict) else None
    return diary_id if isinstance(diary_id, int) and 0 < diary_id < 2**53 else None


def board_strings(language: Language) -> dict[str, str]:
    """Return the board's own texts; it fills in their ``{values}`` itself."""
    return messages.below("board", language)
