"""Presses as a browser sends them: read, checked and made storable."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from annotator.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from db.answers.rationales import Verdict

KINDS = ("label", "skip", "flag", "undo", "rationale")

INTENSITIES = (1, 2, 3, 4, 5)

_MEMO_CHARACTERS = 2000

_MOST_LABELS = 64

_LARGEST = 2**53 - 1
"""Above this a browser's numbers are no longer exact; SQLite's go further, Python's without end."""


_TOKEN = re.compile(r"(?!import-|ls-)[!-9;-~]{8,64}")
"""What a browser may call a press: nothing that the app itself calls what it does, which could then not be kept any
more. Imports and Label Studio have words before a hyphen, all others a colon."""


@dataclass(frozen=True, slots=True)
class BoardEvent:
    """One press in the browser.

    Attributes:
        seq: 1, 2, … in a tab; one that was processed is never processed again.
        token: the lease's for a decision, a fresh one for an undo or a mark on a word.
        undoes: the token of the decision that an undo takes back. Whatever is newest when it arrives may be another
            one than the person saw.
        span: half-open characters of the word that a mark is about.
        verdict: what the mark says of it.
        other_label_ids: further emotions beside `label_id`, each once.
        intensity: how strong the emotion is, 1 to 5.
    """

    seq: int
    kind: Literal["label", "skip", "flag", "undo", "rationale"]
    token: str
    undoes: str | None = None
    diary_id: int | None = None
    label_id: int | None = None
    memo: str = ""
    seconds: float | None = None
    model_id: int | None = None
    shown_label_id: int | None = None
    shown_proba: float | None = None
    span: tuple[int, int] | None = None
    verdict: Verdict | None = None
    other_label_ids: tuple[int, ...] = ()
    intensity: int | None = None


def read_event(raw: Any) -> BoardEvent:
    """Return an event as a browser sent it.

    Raises:
        UserError: if it isn't one; what a browser sends is checked like any other input.
    """
    try:
        event = BoardEvent(
            seq=_whole(raw["seq"]),
            kind=raw["kind"],
            token=str(raw["token"]),
            undoes=_optional(_undoes, raw.get("undoes")),
            diary_id=_optional(_whole, raw.get("diary_id")),
            label_id=_optional(_whole, raw.get("label_id")),
            memo=storable(str(raw.get("memo") or ""))[:_MEMO_CHARACTERS],
            seconds=_optional(_finite, raw.get("seconds")),
            model_id=_optional(_whole, raw.get("model_id")),
            shown_label_id=_optional(_whole, raw.get("shown_label_id")),
            shown_proba=_optional(_finite, raw.get("shown_proba")),
            span=_optional(_span, raw.get("span")),
            verdict=_optional(_verdict, raw.get("verdict")),
            other_label_ids=_others(raw.get("other_label_ids") or [], label_id=raw.get("label_id")),
            intensity=_optional(_intensity, raw.get("intensity")),
        )
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        raise UserError("event_broken") from error
    if event.kind not in KINDS or not _TOKEN.fullmatch(event.token) or (event.kind == "undo") != bool(event.undoes):
        raise UserError("event_broken")
    return event


def seq_of(raw: Any) -> int:
    """Return the number of a press that may be broken; 0 if it can't be read."""
    try:
        return _whole(raw["seq"])
    except (TypeError, ValueError, KeyError, OverflowError):
        return 0


def _optional(kind: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else kind(value)


def _whole(value: Any) -> int:
    number = int(value)
    if not 0 < number <= _LARGEST:
        raise ValueError
    return number


def _undoes(value: Any) -> str:
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise ValueError
    return value


def _span(value: Any) -> tuple[int, int]:
    start, end = (int(place) for place in value)
    if not 0 <= start < end <= _LARGEST:
        raise ValueError
    return start, end


def _verdict(value: Any) -> Verdict:
    if value not in ("right", "wrong", "none"):
        raise ValueError
    verdict: Verdict = value
    return verdict


def _others(value: Any, *, label_id: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) > _MOST_LABELS:
        raise ValueError
    return tuple(dict.fromkeys(other for other in map(_whole, value) if other != label_id))


def _intensity(value: Any) -> int:
    if value not in INTENSITIES or isinstance(value, bool):
        raise ValueError
    return int(value)


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number


def storable(text: str) -> str:
    """Return text without NULs and halves of characters, which a browser may send and SQLite can't keep."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "")
