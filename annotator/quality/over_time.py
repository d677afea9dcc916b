"""Feelings over time: by week or month, what people decided, what the model answers, and what holds for all diaries.

It profiles people who wrote, so where several people work in a project it is closed until an administrator opens it,
and names are covered. See docs/finding.md for what it does not say.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from annotator import blinding
from annotator import settings as project_settings
from annotator.accounts import accounts, annotators, diary_access
from annotator.errors import UserError
from annotator.label_sets import projection
from annotator.privacy import masking
from annotator.quality import label_shares
from annotator.training import decided
from db.label_sets import labels
from db.models import models
from db.stats import label_shares as stored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from annotator.accounts.diary_access import Actor
    from annotator.quality.label_shares import Group
    from annotator.settings import Settings
    from db import Database

    IntArray = NDArray[np.int64]
    BoolArray = NDArray[np.bool_]

Step = Literal["week", "month"]
STEPS: tuple[Step, ...] = get_args(Step)

MOST_PERIODS = 260
"""Weeks or months up to the newest one: five years of weeks. One wrong date would ask for thousands."""

MOST_WRITERS = 200
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Writer:
    """Somebody who wrote diaries that have a date.

    Attributes:
        key: stands for the name in addresses.
        name: as it may be shown.
    """

    key: str
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Period:
    """A week or month, which may be a gap without a diary.

    Attributes:
        first: its first day.
        diaries: written in it.
        decided: how many of them people gave each label; an undecided one counts nowhere.
        answered: how many of the undecided ones the model answers with each label; what is to be decided blind is left
            out.
        estimate: shares among all diaries of the period; None where there is none.
    """

    first: date
    diaries: int
    decided: tuple[int, ...]
    answered: tuple[int, ...]
    estimate: Group | None


@dataclass(frozen=True, slots=True)
class OverTime:
    """What was written when.

    Attributes:
        writer: whose diaries these are; None for everybody's.
        periods: without a gap between the first and the last.
        whole: the estimate for all these diaries together.
        undated: diaries without a date that could be read; `undated_ids` are some of them.
        future: diaries of which the date is still to come.
        earlier: diaries from before the first period.
    """

    step: Step
    writer: Writer | None
    label_names: tuple[str, ...]
    version: int | None
    periods: tuple[Period, ...]
    whole: Group | None
    undated: int
    undated_ids: tuple[int, ...]
    future: int
    earlier: int


def has_several_people(db: Database) -> bool:
    """Return whether more than one person works in a project."""
    people = len(accounts.list_people(db)) if accounts.has_any(db) else len(annotators.list_people(db))
    return people > 1


def is_open(db: Database) -> bool:
    """Return whether a project shows feelings over time: to one person alone, or because an administrator chose so."""
    return project_settings.load(db).feelings_over_time or not has_several_people(db)


def _require_open(db: Database, actor: Actor) -> None:
    diary_access.require_right(db, actor, "review")
    if not is_open(db):
        raise UserError("over_time_closed")


def list_writers(db: Database, actor: Actor, *, most: int | None = MOST_WRITERS) -> list[Writer]:
    """Return who wrote diaries that have a date, those with most diaries first.

    Args:
        most: None for all of them.

    Raises:
        UserError: ``right_missing`` for whoever may not review; ``over_time_closed`` where nobody has opened it.
    """
    _require_open(db, actor)
    codes, names = stored.read_trait(db, "writer")
    dated = codes[(codes >= 0) & (stored.read_trait(db, "month")[0] >= 0)]
    counts = np.bincount(dated, minlength=len(names))
    order = [int(code) for code in np.argsort(-counts, kind="stable")[:most] if counts[code]]
    settings = project_settings.load(db)
    shown = _shown_names([names[code] for code in order], settings, has_several=has_several_people(db))
    return [
        Writer(_key(names[code], settings), name, int(counts[code])) for code, name in zip(order, shown, strict=True)
    ]


def _shown_names(names: list[str], settings: Settings, *, has_several: bool) -> list[str]:
    """Return names as they may be shown, those that look alike numbered; among several people all names are covered."""
    shown, seen = [], Counter[str]()
    for covered in (masking.cover_name(name) if has_several else masking.mask(name, settings) for name in names):
        seen[covered] += 1
        shown.append(f"{covered} ({seen[covered]})" if seen[covered] > 1 else covered)
    return shown


def _key(name: str, settings: Settings) -> str:
    return hashlib.blake2b(f"writer/{settings.seed}/{name}".encode(), digest_size=6).hexdigest()


def read(db: Database, actor: Actor, *, step: Step = "month", writer: str = "") -> OverTime:
    """Return what was written when.

    Args:
        writer: key or shown name of one of `list_writers`; empty for everybody.

    Raises:
        UserError: as `list_writers`; ``over_time_writer`` for a writer that there is not.
    """
    _require_open(db, actor)
    chosen = _find_writer(db, actor, writer) if writer else None
    sources, _ = stored.read_trait(db, "source")
    meant = sources >= 0
    if chosen is not None:
        settings, (codes, names) = project_settings.load(db), stored.read_trait(db, "writer")
        places = [place for place, name in enumerate(names) if _key(name, settings) == chosen.key]
        meant &= np.isin(codes, places)
    return _over_time(db, step, chosen, meant)


def _find_writer(db: Database, actor: Actor, asked: str) -> Writer:
    for each in list_writers(db, actor, most=None):
        if asked in (each.key, each.name):
            return each
    raise UserError("over_time_writer", name=asked[:40])


def _over_time(db: Database, step: Step, chosen: Writer | None, meant: BoolArray) -> OverTime:
    codes, names = stored.read_trait(db, step)
    firsts = [_first_day(name) for name in names]
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)  # somewhere it is tomorrow already
    is_future = np.array([first > tomorrow for first in firsts], np.bool_)
    dated = meant & (codes >= 0)
    future = dated.copy()
    future[dated] = is_future[codes[dated]]
    starts = list(_starts([firsts[code] for code in np.unique(codes[dated & ~future])], step))
    label_set = labels.list_labels(db)
    active = models.find_active(db)
    counts = _Counts.of(db, tuple(label.id for label in label_set), codes, dated & ~future)
    estimates = label_shares.estimate(db, by=step, only=dated & ~future)
    group_of = {group.name: group for group in estimates.groups}
    code_of = {first: code for code, first in enumerate(firsts)}
    periods = tuple(
        counts.period(start, code_of.get(start), group_of.get(names[code_of[start]] if start in code_of else ""))
        for start in starts
    )
    whole = label_shares.estimate(db, only=meant).groups
    undated = np.flatnonzero(meant & (codes < 0)) + 1
    return OverTime(
        step,
        chosen,
        tuple(label.name for label in label_set),
        None if active is None else active.version,
        periods,
        whole[0] if whole else None,
        len(undated),
        tuple(undated[:_NAMED].tolist()),
        int(future.sum()),
        int((dated & ~future).sum()) - sum(period.diaries for period in periods),
    )


def _first_day(name: str) -> date:
    return date.fromisoformat(name if len(name) > len("2026-03") else f"{name}-01")


def _starts(firsts: list[date], step: Step) -> Iterator[date]:
    """Yield the first day of every period from the first to the last, at most the newest `MOST_PERIODS`."""
    if not firsts:
        return
    start, last = min(firsts), max(firsts)
    begin = _back(last, step, MOST_PERIODS - 1)
    start = max(start, begin)
    while start <= last:
        yield start
        start = _back(start, step, -1)


def _back(start: date, step: Step, count: int) -> date:
    """Return the first day of the period so many periods before one; the oldest there is where that is none."""
    if step == "week":
        return date.fromordinal(max(start.toordinal() - 7 * count, 1))
    months = max(12 * start.year + start.month - 1 - count, 12)
    return date(months // 12, months % 12 + 1, 1)


@dataclass(frozen=True, slots=True)
class _Counts:
    """Diaries, labels and answers by period, (periods,) and (periods, k)."""

    diaries: IntArray
    decided: IntArray
    answered: IntArray

    @classmethod
    def of(cls, db: Database, label_ids: tuple[int, ...], codes: IntArray, rows: BoolArray) -> _Counts:
        size, k = int(codes.max(initial=-1)) + 1, len(label_ids)
        given = decided.load(db, label_ids, len(codes)).columns
        answers = np.where((given < 0) & ~blinding.still_blind(db, len(codes)), _answers(db, len(codes)), -1)

        def table(columns: IntArray) -> IntArray:
            counted = rows & (columns >= 0)
            return np.bincount(codes[counted] * k + columns[counted], minlength=size * k).reshape(size, k)

        return cls(np.bincount(codes[rows], minlength=size), table(given), table(answers))

    def period(self, first: date, code: int | None, estimate: Group | None) -> Period:
        if code is None:
            nothing = (0,) * self.decided.shape[1]
            return Period(first, 0, nothing, nothing, None)
        decided_counts, answered = tuple(self.decided[code].tolist()), tuple(self.answered[code].tolist())
        return Period(first, int(self.diaries[code]), decided_counts, answered, estimate)


def _answers(db: Database, rows: int) -> IntArray:
    """Return the column of the label that the serving version answers to each diary, -1 for none."""
    columns, active = np.full(rows, -1, np.int64), models.find_active(db)
    if active is not None:
        proba = projection.load_predictions(db, active)[:rows]
        answered = np.flatnonzero(~np.isnan(proba).any(axis=1))
        columns[answered] = proba[answered].argmax(axis=1)
    return columns
