"""How fast a project is read, and when it will be through at that pace: for 현황."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby, pairwise
from math import ceil, inf, sqrt
from typing import TYPE_CHECKING

from annotator import status
from annotator.labelling.pace import BREAK_SECONDS, FEWEST, mean_gap
from db.answers import decisions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db import Database
    from db.answers.decisions import Press

_NEWEST = 5_000
"""Presses that are looked at; more days would say less of the pace now."""

_MOST_DAYS = 14
_FEWEST_DAYS = 3

_T = (4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160)
"""Quantiles of Student's t that bound a mean in 95 of 100 cases, for 3 to 14 days.

Source: tables of the t distribution, two-sided 0.05, 2 to 13 degrees of freedom.
"""


@dataclass(frozen=True, slots=True)
class Rate:
    """A mean with its 95 % interval.

    Attributes:
        n: values that it is the mean of.
    """

    mean: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is left of a project, and how long it will take.

    Attributes:
        left: diaries that nobody has decided.
        seconds: from one decision to the next within a sitting, of all people; None below ten, and where
            nobody can have read.
        per_day: diaries that were decided for the first time a day, days without any included; None below three
            whole days.
    """

    left: int
    seconds: Rate | None
    per_day: Rate | None

    def minutes(self) -> tuple[float, float]:
        """Return how many minutes of reading are left, at least and at most; (0, 0) where no pace is known."""
        if self.seconds is None:
            return 0.0, 0.0
        return self.left * self.seconds.low / 60, self.left * self.seconds.high / 60

    def days(self) -> tuple[float, float]:
        """Return in how many days all is read, at least and at most; infinite where the days do not say."""
        if self.per_day is None:
            return inf, inf
        return _days_for(self.left, self.per_day.high), _days_for(self.left, self.per_day.low)


def _days_for(count: int, rate: float) -> float:
    return ceil(count / rate) if rate > 0 else inf


def find_outlook(db: Database, *, now: datetime) -> Outlook:
    """Return the pace of everybody together, and what is left.

    Args:
        now: in this machine's time zone, whose days are counted.
    """
    presses = decisions.list_presses(db, limit=_NEWEST)
    return Outlook(status.count_left(db), _seconds(presses), _per_day(presses, now, is_cut=len(presses) == _NEWEST))


def _seconds(presses: Sequence[Press]) -> Rate | None:
    gaps = []
    in_order = sorted(presses, key=lambda press: (press.annotator_id, press.decided_at))
    for _, own in groupby(in_order, key=lambda press: press.annotator_id):
        times = [datetime.fromisoformat(press.decided_at) for press in own]
        gaps += [seconds for a, b in pairwise(times) if (seconds := (b - a).total_seconds()) <= BREAK_SECONDS]
    mean = mean_gap(gaps) if len(gaps) >= FEWEST else None
    return None if mean is None else Rate(*mean, len(gaps))


def _per_day(presses: Sequence[Press], now: datetime, *, is_cut: bool) -> Rate | None:
    """Return the diaries a day over whole days, from the first that is known of to yesterday."""
    today = now.date()
    counts = Counter(_day(press, now) for press in presses if press.is_first)
    if not counts:
        return None
    oldest = min(_day(press, now) for press in presses) + timedelta(days=is_cut)
    begin = max(oldest, today - timedelta(days=_MOST_DAYS))
    values = [counts[begin + timedelta(days=day)] for day in range((today - begin).days)]
    if len(values) < _FEWEST_DAYS or not any(values):
        return None
    mean = statistics.fmean(values)
    margin = _T[len(values) - _FEWEST_DAYS] * statistics.stdev(values) / sqrt(len(values))
    return Rate(mean, max(0.0, mean - margin), mean + margin, len(values))


def _day(press: Press, now: datetime) -> date:
    return datetime.fromisoformat(press.decided_at).astimezone(now.tzinfo).date()


def most_labels(
    counts: Sequence[int], *, left: int, shares_high: Sequence[float | None], diary_count: int
) -> list[int]:
    """Return how many diaries of each label there can be at most.

    Args:
        counts: labels given so far.
        left: diaries that nobody has decided.
        shares_high: upper bound of each label's share among all diaries; None where it was not estimated.
        diary_count: all diaries.

    Returns:
        Never below what is there, nor above what there would be if every diary left were of that label.
    """
    bounds = [inf if high is None else ceil(high * diary_count) for high in shares_high]
    return [int(max(count, min(count + left, bound))) for count, bound in zip(counts, bounds, strict=True)]
