"""A diary as it leaves the project, for every writer of a file format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

BATCH = 2000


@dataclass(frozen=True, slots=True)
class RecordDecision:
    """What one person decided about a diary and has not taken back.

    Attributes:
        kind: ``label``, ``skip`` or ``flag``.
        label: None for a skip or a flag, and where a crosswalk has no counterpart.
        counts: whether training and figures use it; only one decision counts on a diary that a reviewer has settled.
        group: the key of the press that gave the label to many diaries at once; empty for a decision by itself.
    """

    id: int
    annotator: str
    kind: str
    label: str | None
    other_labels: tuple[str, ...]
    intensity: int | None
    memo: str
    decided_at: str
    counts: bool
    group: str = ""

    @property
    def labels(self) -> list[str]:
        """Return every label that it names, the first one first."""
        return [name for name in (self.label, *self.other_labels) if name is not None]


@dataclass(frozen=True, slots=True)
class Mark:
    """Words that a person marked; `verdict` is ``right`` for evidence of the label, ``wrong`` for none."""

    annotator: str
    label: str | None
    start: int
    end: int
    verdict: str


@dataclass(frozen=True, slots=True)
class Origin:
    """The file that a diary came in, with the hash of its bytes; see `annotator.formats.source`."""

    file: str
    file_hash: str
    imported_at: str


class Record(NamedTuple):
    """A diary with everything that is known about it. Offsets are half-open characters of the text.

    A tuple, since a million of them are created: a frozen dataclass takes three times as long.

    Attributes:
        row: its row in the file that it came in.
        decisions: those in force, in the order of annotators.
        soft_label: share of each emotion in the decisions that count: each has one vote, shared equally among the
            emotions that it names. None without any.
        intensity: the mean of what they say, 1 to 5; None where none says it.
        sentences: (start, end) of each; None where they have not been split yet.
        proba: probability of each label in force; None where there is no prediction.
        model_version: whose prediction it is.
    """

    id: int
    text: str
    written_on: str | None
    author: str | None
    source: str | None
    part: str
    metadata: dict[str, Any]
    origin: Origin
    row: int
    decisions: tuple[RecordDecision, ...]
    marks: tuple[Mark, ...]
    soft_label: dict[str, float] | None
    intensity: float | None
    sentences: list[list[int]] | None
    proba: dict[str, float] | None
    model_version: int | None

    @property
    def newest(self) -> RecordDecision | None:
        """Return the newest decision that counts."""
        counting = [decision for decision in self.decisions if decision.counts]
        return max(counting, key=lambda decision: decision.id) if counting else None

    @property
    def predicted(self) -> str | None:
        """Return the likeliest label."""
        return max(self.proba, key=self.proba.__getitem__) if self.proba else None

    def by_person(self) -> dict[str, tuple[RecordDecision | None, list[Mark]]]:
        """Return, for everyone who decided or marked something, the decision (or None) and the marks."""
        decided = {decision.annotator: decision for decision in self.decisions}
        names = dict.fromkeys([*decided, *(mark.annotator for mark in self.marks)])
        return {name: (decided.get(name), [m for m in self.marks if m.annotator == name]) for name in names}
