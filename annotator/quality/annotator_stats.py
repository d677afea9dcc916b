"""Statistics on each person's work. Private: people see their own record, reviewers see all of them.

A decision counts as work if it came within `IDLE_SECONDS` of its diary's appearance. Whoever took longer had
probably left, and nobody knows when, so neither the time nor the diary counts towards the pace.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from annotator.quality.agreement import day_of, monday_of
from db.stats import agreement, annotator_stats
from learner.classification.metrics import Interval, share_difference, wilson

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from db import Database
    from db.stats.agreement import Answers
    from db.stats.annotator_stats import HitCounts, ResponseTimes

IDLE_SECONDS = 300.0
"""Five minutes are enough to read 2,000 characters at an unhurried pace, and to think them over."""

RECENT = 1_000
"""Newest decisions of a person from which pace and speed are told: how it goes now, at the cost of none of the rest."""

CHARACTERS_A_SECOND = 30.0
"""Faster than this nobody has read a text. Adults read Korean silently at 202 words a minute (standard deviation 88),
which is about 14 characters a second with four to a word and its space; this is more than twice that.

Source: the study of a Korean reading chart application at PMC5469923, silent reading at print size logMAR 0.5.
"""

FAST_SHARE = 0.1
"""Share of decisions faster than reading that is passed over: some are read before the diary before them is sent."""

FEWEST = 20
"""Answers below which a share says too little; it also keeps single answers of others and gold diaries from showing."""

_RECENT_WEEKS = 2

Drift = Literal["lower", "higher", "steady"]


@dataclass(frozen=True, slots=True)
class Share:
    """A share of n answers with its 95 % interval (Wilson)."""

    n: int
    share: Interval


@dataclass(frozen=True, slots=True)
class WeekShare:
    """How often a person said what most of the others said, on the diaries of one week from a Monday (ISO 8601)."""

    monday: str
    same: Share


@dataclass(frozen=True, slots=True)
class AnnotatorStats:
    """Statistics on one person's work. Figures with too few answers are None or missing.

    Attributes:
        kinds: decisions in force by kind.
        per_hour: diaries an hour of work.
        median_seconds: time for a diary.
        timed: decisions behind the two.
        fast: share of those that came faster than the diary can be read.
        is_fast: whether there are more of them than are passed over.
        consistency: how often the same diary got the same label a second time.
        gold: how often a diary that is known for sure got its label.
        with_others: how often it was what most of the others said, of the diaries on which no two labels lead.
        weeks: the same by week, oldest first.
        drift: whether the last two weeks differ from those before by more than chance.
    """

    annotator_id: int
    name: str
    kinds: dict[str, int]
    per_hour: float | None
    median_seconds: float | None
    timed: int
    fast: Share | None
    is_fast: bool
    consistency: Share | None
    gold: Share | None
    with_others: Share | None
    weeks: tuple[WeekShare, ...]
    drift: Drift | None


def list_records(db: Database, answers: Answers) -> list[AnnotatorStats]:
    """Return everybody's record, by name; only for those who may see them.

    Args:
        answers: what people said of the same diaries, `annotator.quality.agreement.read_answers`.
    """
    return _records(db, annotator_stats.list_people(db), answers)


def find_record(db: Database, annotator_id: int) -> AnnotatorStats | None:
    """Return one person's record; None for somebody who has decided nothing."""
    people = [(i, name) for i, name in annotator_stats.list_people(db) if i == annotator_id]
    records = _records(db, people, agreement.list_answers(db, annotator_id=annotator_id)) if people else []
    return records[0] if records else None


def _records(db: Database, people: Iterable[tuple[int, str]], answers: Answers) -> list[AnnotatorStats]:
    is_judged, is_same = agrees_with_others(answers)
    mondays, kinds = monday_of(answers.days), annotator_stats.count_kinds(db)
    records = []
    for person, name in people:
        is_own = (answers.annotator_ids == person) & is_judged
        records.append(_record(db, person, name, kinds.get(person, {}), mondays[is_own], is_same[is_own]))
    return records


def _record(
    db: Database, person: int, name: str, kinds: dict[str, int], weeks: NDArray[np.int64], same: NDArray[np.bool_]
) -> AnnotatorStats:
    pace = annotator_stats.list_pace(db, person, limit=RECENT)
    per_hour, median_seconds, timed = pace_of(pace.seconds)
    fast = fast_share(pace)
    return AnnotatorStats(
        annotator_id=person,
        name=name,
        kinds=kinds,
        per_hour=per_hour,
        median_seconds=median_seconds,
        timed=timed,
        fast=fast,
        is_fast=fast is not None and fast.share.low > FAST_SHARE,
        consistency=_share_or_none(annotator_stats.count_repeated(db, person)),
        gold=_share_or_none(annotator_stats.count_gold(db, person)),
        with_others=_share(len(same), int(same.sum())),
        weeks=tuple(_by_week(weeks, same)),
        drift=drift_of(weeks, same),
    )


def pace_of(seconds: NDArray[np.float64]) -> tuple[float | None, float | None, int]:
    """Return diaries an hour, the median seconds a diary and how many diaries that rests on.

    Args:
        seconds: (n,) of each decision; those above `IDLE_SECONDS` are left out.
    """
    work = seconds[(seconds >= 0) & (seconds <= IDLE_SECONDS)]
    if len(work) < FEWEST or not work.sum():
        return None, None, len(work)
    return float(3600 * len(work) / work.sum()), float(np.median(work)), len(work)


def fast_share(pace: ResponseTimes) -> Share | None:
    """Return the share of decisions that came faster than the diary can be read, None for too few decisions."""
    fast = pace.seconds < pace.characters / CHARACTERS_A_SECOND
    return _share(len(fast), int(fast.sum()))


def agrees_with_others(answers: Answers) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return for each answer whether most of the others gave one label to that diary, and whether it is that one.

    Where two labels lead among the others nobody can say what most of them said. Counting such an answer as right if
    it is one of the two lets three people who press at random agree in 26 %, where two of them agree in 14 %.

    Returns:
        (n,) whether it counts, and (n,) whether it is what most of the others said; False where it does not count.
    """
    if not len(answers):
        return np.zeros(0, bool), np.zeros(0, bool)
    _, diary = np.unique(answers.diary_ids, return_inverse=True)
    _, label = np.unique(answers.label_ids, return_inverse=True)
    counts = np.zeros((diary.max() + 1, label.max() + 1), np.int32)
    np.add.at(counts, (diary, label), 1)
    others = counts[diary]
    rows = np.arange(len(diary))
    others[rows, label] -= 1
    most = others.max(axis=1)
    is_judged = (others == most[:, None]).sum(axis=1) == 1
    return is_judged, is_judged & (others[rows, label] == most)


def drift_of(weeks: NDArray[np.int64], same: NDArray[np.bool_]) -> Drift | None:
    """Return whether the newest two weeks differ from those before by more than chance; None for too few answers.

    Args:
        weeks: (n,) Monday of each answer, days since 1970.
        same: (n,) whether it was what the others said.
    """
    if not len(weeks):
        return None
    recent = weeks > weeks.max() - 7 * _RECENT_WEEKS
    if min(recent.sum(), (~recent).sum()) < FEWEST:
        return None
    difference = share_difference(
        int(same[recent].sum()), int(recent.sum()), int(same[~recent].sum()), int((~recent).sum())
    )
    return "lower" if difference.high < 0 else "higher" if difference.low > 0 else "steady"


def _by_week(weeks: NDArray[np.int64], same: NDArray[np.bool_]) -> Iterable[WeekShare]:
    for monday in np.unique(weeks):
        here = weeks == monday
        if (share := _share(int(here.sum()), int(same[here].sum()))) is not None:
            yield WeekShare(day_of(monday), share)


def _share_or_none(hits: HitCounts) -> Share | None:
    return _share(hits.n, hits.same)


def _share(n: int, same: int) -> Share | None:
    return Share(n, Interval(same / n, *wilson(same, n))) if n >= FEWEST else None
