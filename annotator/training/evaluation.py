"""The outcome of a round, read from its report, and the conclusions that it supports."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from db.models.rounds import Round

FEWEST_TO_TRUST = 30
"""Below this many test diaries the interval of an accuracy is wider than about 35 points: too wide to act on.

Source: Wilson's 95 % interval for 15 right answers of 30 is 0.33 to 0.67.
"""

SIGNIFICANCE = 0.05

Verdict = Literal["unmeasured", "alone", "few", "same", "chance", "better", "worse", "worse_f1"]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A model's results on n test diaries.

    Attributes:
        accuracy, accuracy_low, accuracy_high: share in [0, 1] and its 95 % interval; accuracy is None for n = 0.
        macro_f1: mean F1 over `macro_f1_columns`; None where these are fewer than two.
        f1: per label, in label order; None where the label neither occurs nor was answered.
        confusion: (k, k) counts; rows truth, columns answer.
        macro_f1_low, macro_f1_high: 95 % interval; None where it was not measured.
        f1_low, f1_high: 95 % interval of each label; empty where it was not measured.
        macro_f1_columns: the labels with enough test diaries for the mean; None in reports of versions that averaged
            over whichever labels occurred.
    """

    n: int
    accuracy: float | None
    accuracy_low: float
    accuracy_high: float
    macro_f1: float | None
    f1: tuple[float | None, ...]
    confusion: tuple[tuple[int, ...], ...]
    macro_f1_low: float | None = None
    macro_f1_high: float | None = None
    f1_low: tuple[float, ...] = ()
    f1_high: tuple[float, ...] = ()
    macro_f1_columns: tuple[int, ...] | None = None

    @property
    def true_counts(self) -> tuple[int, ...]:
        """Return how many of the n diaries have each label."""
        return tuple(sum(row) for row in self.confusion)


def read_figures(stored: dict[str, Any] | None) -> Evaluation | None:
    """Return stored figures, where JSON's NaN says that there is no value; None for None."""
    if not stored:
        return None
    return Evaluation(
        n=int(stored["n"]),
        accuracy=_number(stored["accuracy"]),
        accuracy_low=float(stored["accuracy_low"]),
        accuracy_high=float(stored["accuracy_high"]),
        macro_f1=_number(stored["macro_f1"]),
        f1=tuple(_number(value) for value in stored["f1"]),
        confusion=tuple(tuple(int(count) for count in row) for row in stored["confusion"]),
        macro_f1_low=_number(stored.get("macro_f1_low")),
        macro_f1_high=_number(stored.get("macro_f1_high")),
        f1_low=tuple(float(value) for value in stored.get("f1_low", ())),
        f1_high=tuple(float(value) for value in stored.get("f1_high", ())),
        macro_f1_columns=_columns(stored.get("macro_f1_columns")),
    )


def _columns(stored: list[int] | None) -> tuple[int, ...] | None:
    return None if stored is None else tuple(map(int, stored))


def _number(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else float(value)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a finished round measured.

    Attributes:
        train_count: labels that it learned from; `new_count` of them the version before did not know.
        before: the version that served before, on the same diaries; None if it can't be compared.
        p: two-sided p value that both are equally often right.
        promoted: whether the new version serves.
        new_in_head: how many of the next 100 diaries were not among them before.
        held_back_by: by which figure the new version is worse by more than chance; None if it serves.
    """

    train_count: int
    new_count: int
    before: Evaluation | None
    after: Evaluation | None
    p: float | None
    promoted: bool
    new_in_head: int
    held_back_by: str | None = None

    @property
    def verdict(self) -> Verdict:
        """Return the strongest claim that the figures support about the new version."""
        before, after = self.before, self.after
        if after is None or after.accuracy is None:
            return "unmeasured"
        if before is None or before.accuracy is None or self.p is None:
            return "alone"
        if not self.promoted:
            return "worse_f1" if self.held_back_by == "macro_f1" else "worse"
        if after.n < FEWEST_TO_TRUST:
            return "few"
        return _compare(before.accuracy, after.accuracy, self.p)


def _compare(before: float, after: float, p: float) -> Verdict:
    if p < SIGNIFICANCE:
        return "better" if after > before else "worse"
    return "same" if before == after else "chance"


def outcome_of(finished: Round) -> Outcome:
    """Read the report of a round that is done."""
    report = finished.report
    return Outcome(
        train_count=int(report.get("train", 0)),
        new_count=int(report.get("new", 0)),
        before=read_figures(report.get("before")),
        after=read_figures(report.get("after")),
        p=_number(report.get("p")),
        promoted=bool(report.get("promoted", True)),
        new_in_head=int(report.get("new_in_head", 0)),
        held_back_by=report.get("held_back_by"),
    )
