"""The outcome of a round, read from its report, and the conclusions that it supports."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from annotator.messages.figures import points, signed
from learner.classification.comparison import level_of_look

if TYPE_CHECKING:
    from db.models.rounds import Round

FEWEST_TO_TRUST = 30
"""Below this many test diaries the interval of an accuracy is wider than about 35 points: too wide to act on.

Source: Wilson's 95 % interval for 15 right answers of 30 is 0.33 to 0.67.
"""

SIGNIFICANCE = 0.05

Verdict = Literal["unmeasured", "alone", "few", "same", "chance", "better", "worse"]

Reason = Literal[
    "unmeasured", "alone", "same", "unknown", "better", "looks_worse", "worse", "less_likely", "below_best", "worse_f1"
]
"""Why the new version of a round serves, or, for the last five, why it does not."""


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


def verdict_of(before: Evaluation | None, after: Evaluation | None, p: float | None) -> Verdict:
    """Return the strongest claim that one comparison supports about the second of two sets of answers."""
    if after is None or after.accuracy is None:
        return "unmeasured"
    if before is None or before.accuracy is None or p is None:
        return "alone"
    if after.n < FEWEST_TO_TRUST:
        return "few"
    if p < SIGNIFICANCE:
        return "better" if after.accuracy > before.accuracy else "worse"
    return "same" if before.accuracy == after.accuracy else "chance"


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much a new version's accuracy is higher than another one's, on the same test diaries.

    Attributes:
        value, low, high: in [-1, 1], with its 95 % interval; None where it was not measured.
        p: two-sided p value that both are right equally often.
        version: of the other one; None for the one that was in force.
    """

    value: float | None
    low: float | None
    high: float | None
    p: float
    version: int | None = None

    @property
    def in_points(self) -> tuple[str, str, str, str]:
        """Return value, low, high and p as a sentence gives them."""
        value, low, high = ("–" if share is None else points(share) for share in (self.value, self.low, self.high))
        return value, low, high, f"{self.p:z.3f}" if self.p >= 0.01 else f"{self.p:z.5f}"

    @property
    def in_hundredths(self) -> tuple[str, str, str]:
        """Return value, low and high as a sentence gives those of an F1."""
        value, low, high = (
            "–" if share is None else signed(share, digits=2) for share in (self.value, self.low, self.high)
        )
        return value, low, high


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a finished round measured, and what came of it.

    Attributes:
        train_count: labels that it learned from; `new_count` of them the version before did not know.
        before: the version that served before, on the same diaries; None if it can't be compared.
        promoted: whether the new version serves.
        new_in_head: how many of the next 100 diaries were not among them before.
        reason: why the new version serves, or why it does not.
        difference: from the version that served before; None if that can't be compared.
        best: the difference from the best version that has served, if that is another one.
        f1_difference: as `difference`, of the macro F1.
        look: which comparison of two versions it was in the project; None for a round of an earlier release.
    """

    train_count: int
    new_count: int
    before: Evaluation | None
    after: Evaluation | None
    promoted: bool
    new_in_head: int
    reason: Reason
    difference: Difference | None
    best: Difference | None
    look: int | None
    f1_difference: Difference | None

    @property
    def right_counts(self) -> tuple[int, int, int] | None:
        """Return how many test diaries the version before and the new one got right, and of how many; None for one."""
        if self.before is None or self.after is None or self.before.n != self.after.n or not self.after.n:
            return None
        right = [sum(row[i] for i, row in enumerate(each.confusion)) for each in (self.before, self.after)]
        return right[0], right[1], self.after.n

    @property
    def level(self) -> float:
        """Return the p value below which this look may say "better" or "worse"."""
        return level_of_look(self.look or 1)

    @property
    def best_version(self) -> int:
        """Return the best version that has served before; 0 where that is the one in force."""
        return 0 if self.best is None or self.best.version is None else self.best.version

    @property
    def points_below_best(self) -> str:
        """Return by how many points the new version is below that one, as a sentence gives it."""
        return f"{abs(100 * ((self.best and self.best.value) or 0.0)):z.0f}"


def reason_of(report: dict[str, Any]) -> Reason:
    """Return why the new version of a round serves, or why it does not, from what the round has measured."""
    if report.get("held_back_by") is not None:
        return _reason_against(report)
    after, before = read_figures(report.get("after")), read_figures(report.get("before"))
    if after is None or after.accuracy is None:
        return "unmeasured"
    if before is None or before.accuracy is None or report.get("p") is None:
        return "alone"
    if _is_sure(report):
        return "better"
    return "same" if before.accuracy == after.accuracy else "unknown"


def _reason_against(report: dict[str, Any]) -> Reason:
    if report["held_back_by"] == "best":
        return "below_best"
    if report["held_back_by"] == "macro_f1":
        return "worse_f1"
    if report["held_back_by"] == "log_score":
        return "less_likely"
    return "worse" if _is_sure(report) else "looks_worse"


def _is_sure(report: dict[str, Any]) -> bool:
    """Return whether two equal versions would differ as much in at most one project of twenty, over all its looks."""
    return bool(report["p"] < level_of_look(int(report.get("look", 1))))


def outcome_of(finished: Round) -> Outcome:
    """Read the report of a round that is done."""
    report = finished.report
    return Outcome(
        train_count=int(report.get("train", 0)),
        new_count=int(report.get("new", 0)),
        before=read_figures(report.get("before")),
        after=read_figures(report.get("after")),
        promoted=bool(report.get("promoted", True)),
        new_in_head=int(report.get("new_in_head", 0)),
        reason=report.get("reason") or reason_of(report),
        difference=_difference(report),
        best=_difference(report.get("best") or {}),
        look=report.get("look"),
        f1_difference=_difference({**report, "change": report.get("f1_change")}),
    )


def _difference(stored: dict[str, Any]) -> Difference | None:
    if stored.get("p") is None:
        return None
    change = stored.get("change") or {}
    value, low, high = (_number(change.get(name)) for name in ("value", "low", "high"))
    return Difference(value, low, high, float(stored["p"]), stored.get("version"))
