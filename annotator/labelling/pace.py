"""How fast a person reads in this sitting, and how long the rest will take at that pace."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise, takewhile
from math import sqrt
from typing import TYPE_CHECKING

from db.answers import decisions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db import Database

FEWEST = 10
"""Diaries of a sitting from which a pace is named."""

BREAK_SECONDS = 300.0
"""A longer time between two decisions begins another sitting."""

LEAST_SECONDS = 1.0
"""Nobody reads a diary in less: what is pressed faster is a program's or a game, and says nothing of reading."""

_MOST = 200


@dataclass(frozen=True, slots=True)
class Pace:
    """A person's pace in the sitting that goes on.

    Attributes:
        count: diaries decided in it, at most the newest 200.
        seconds: from one decision to the next, on average.
        low, high: 95 % interval of that average.
    """

    count: int
    seconds: float
    low: float
    high: float

    def minutes_for(self, count: int) -> tuple[float, float]:
        """Return how many minutes so many diaries take, at least and at most, without breaks."""
        return count * self.low / 60, count * self.high / 60


def find_pace(db: Database, annotator_id: int, *, now: datetime) -> Pace | None:
    """Return the pace of a person's sitting; None if it has ended, or has only begun."""
    times = [datetime.fromisoformat(time) for time in decisions.list_times(db, annotator_id, limit=_MOST)]
    return pace_of([now, *times])


def pace_of(times: Sequence[datetime]) -> Pace | None:
    """Return the pace of the sitting that goes on; None if it has ended or only begun, or nobody can have read so fast.

    Args:
        times: now and the times of decisions, newest first.
    """
    gaps = [(later - earlier).total_seconds() for later, earlier in pairwise(times)]
    sitting = list(takewhile(lambda gap: gap <= BREAK_SECONDS, gaps))
    mean = mean_gap(sitting[1:]) if len(sitting) >= FEWEST else None
    return None if mean is None else Pace(len(sitting), *mean)


def mean_gap(seconds: Sequence[float]) -> tuple[float, float, float] | None:
    """Return the mean of times between decisions with its 95 % interval; None where nobody can have read so fast.

    Args:
        seconds: at least two.
    """
    mean = statistics.fmean(seconds)
    if mean < LEAST_SECONDS:
        return None
    # Gaps are skewed; the mean of ten or more is near enough to normal for a range in words.
    margin = 1.96 * statistics.stdev(seconds) / sqrt(len(seconds))
    return mean, max(mean - margin, min(seconds)), mean + margin
