"""How much is left and done, updated with each decision instead of recounted each time a page is drawn.

A board is drawn after every press by anybody; counting 50,000 decisions each time would take most of a processor.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from db.connection import file_of, rows, scalar
from db.forgetting import forgotten

if TYPE_CHECKING:
    from sqlite_utils import Database

DRAWS = 9973
"""A share of the diaries are those whose draw, divided by this, leaves a rest below the share of it.

A prime, so that the share is independent of the part, which the same draw decides by its size.
"""


class _Standing(NamedTuple):
    """A decision in force."""

    annotator_id: int
    kind: str
    decision_id: int


class ProgressCounts:
    """The decisions in force of one database, as of its newest decision.

    Attributes:
        finished: diaries that as many people as needed have labelled or flagged.
        labels_of: labels in force by person.
        waiting_of: by person, diaries that they have decided and that others are still to decide.
    """

    def __init__(self, *, overlap: int, cut: int) -> None:
        self._overlap, self._cut = overlap, cut
        self._up_to = 0
        self._standing_of: dict[int, tuple[_Standing, ...]] = {}
        self._done: set[int] = set()
        self._labels: set[int] = set()
        self._since: tuple[int, set[int]] = (0, set())
        self.labels_of: Counter[int] = Counter()
        self.waiting_of: Counter[int] = Counter()

    @property
    def finished(self) -> int:
        """Return how many diaries need no further decision."""
        return len(self._done)

    def is_open_to(self, diary_id: int, annotator_id: int) -> bool:
        """Return whether a person could still be asked about a diary."""
        decisions = self._standing_of.get(diary_id, ())
        return diary_id not in self._done and all(one.annotator_id != annotator_id for one in decisions)

    def labels_since(self, decision_id: int) -> int:
        """Count the labels in force that are newer than a decision."""
        if self._since[0] != decision_id:
            self._since = (decision_id, {i for i in self._labels if i > decision_id})
        return len(self._since[1])

    def refresh(self, db: Database) -> bool:
        """Read what was decided since; return False if the database is older than these counts."""
        newest = int(scalar(db, "select coalesce(max(id), 0) from decisions"))
        if newest < self._up_to:
            return False
        if newest > self._up_to:
            # `distinct` would walk through the index by diary, all of it.
            touched = rows(db, "select diary_id from decisions where id > :id", id=self._up_to)
            self._read(db, list({int(diary_id) for (diary_id,) in touched}))
            self._up_to = newest
        return True

    def _read(self, db: Database, diary_ids: list[int]) -> None:
        sql = """
            select s.diary_id, s.annotator_id, s.kind, s.decision_id,
                iif((select y.draw % :draws from diaries y where y.id = s.diary_id) < :cut, :overlap, 1)
            from standing s where s.diary_id in (select value from json_each(:ids))
        """
        decisions_of: dict[int, tuple[_Standing, ...]] = {}
        needed: dict[int, int] = {}
        values = {"draws": DRAWS, "cut": self._cut, "overlap": self._overlap, "ids": json.dumps(diary_ids)}
        for diary_id, annotator_id, kind, decision_id, people in rows(db, sql, **values):
            decisions_of[diary_id] = (*decisions_of.get(diary_id, ()), _Standing(annotator_id, kind, decision_id))
            needed[diary_id] = people
        for diary_id in diary_ids:
            self._count(diary_id, -1)
            self._standing_of.pop(diary_id, None)
            self._done.discard(diary_id)
            if decisions := decisions_of.get(diary_id):
                self._standing_of[diary_id] = decisions
                if sum(one.kind != "skip" for one in decisions) >= needed[diary_id]:
                    self._done.add(diary_id)
                self._count(diary_id, 1)

    def _count(self, diary_id: int, sign: int) -> None:
        keep = set.add if sign > 0 else set.discard
        for one in self._standing_of.get(diary_id, ()):
            if one.kind == "label":
                self.labels_of[one.annotator_id] += sign
                keep(self._labels, one.decision_id)
                if one.decision_id > self._since[0]:
                    keep(self._since[1], one.decision_id)
            if diary_id not in self._done:
                self.waiting_of[one.annotator_id] += sign


_kept: dict[tuple[str, int, int, int, int], ProgressCounts] = {}
_lock = threading.Lock()


def get_counts(db: Database, *, overlap: int, cut: int) -> ProgressCounts:
    """Return the up-to-date counts of a database.

    Args:
        overlap, cut: how many people decide a diary whose draw is below `cut`; one person decides each other diary.
    """
    path = file_of(db)
    # Forgetting removes decisions without adding a newer one.
    key = (path, Path(path).stat().st_ino, forgotten.count_forgettings(db), overlap, cut)
    with _lock:
        tally = _kept.get(key)
        if tally is None or not tally.refresh(db):
            for other in [other for other in _kept if other[0] == path]:
                del _kept[other]
            tally = _kept[key] = ProgressCounts(overlap=overlap, cut=cut)
            tally.refresh(db)
        return tally
