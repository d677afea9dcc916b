"""For whose diaries the figures of a round hold: for new writers or for these, and for the diaries still to do."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from annotator.importing.parts import writer_of
from annotator.training.audience import drawn_writers
from db.texts import diaries

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from annotator.training.examples import TrainingSet
    from db import Database

_MOST_SOURCES = 50


def describe(
    db: Database, training: TrainingSet, test: TrainingSet, proba: NDArray[np.float32], label_ids: tuple[int, ...]
) -> dict[str, Any]:
    """Return what a round's report says of it, ready for JSON; see `annotator.training.audience`.

    Args:
        proba: (n, k) of the new version on the test diaries.
    """
    right = proba.argmax(axis=1) == test.columns if len(proba) else np.zeros(0, np.bool_)
    return {
        "measured_for": _measured_for(db, test),
        "test_writers": _count_writers(db, test),
        "sources": _sources(db, test, right),
        "labels_of_one_writer": _labels_of_one_writer(db, training, label_ids),
    }


def _measured_for(db: Database, test: TrainingSet) -> str | None:
    """Return ``new_writers``, ``these_writers``, or None where test diaries have no writer."""
    if not any(map(writer_of, diaries.list_authors_of(db, test.diary_ids))):
        return None
    return "these_writers" if drawn_writers(db, test.diary_ids) is None else "new_writers"


def _count_writers(db: Database, test: TrainingSet) -> int:
    return len(set(filter(None, map(writer_of, diaries.list_authors_of(db, test.diary_ids)))))


def _sources(db: Database, test: TrainingSet, right: NDArray[np.bool_]) -> list[dict[str, int]]:
    """Return each source's waiting diaries, test decisions and right answers, those that wait most first.

    A source is named by one of its diaries: its name may be a person's, and goes when the diaries are forgotten.
    """
    tested, hits = defaultdict[str | None, int](int), defaultdict[str | None, int](int)
    source_of = diaries.find_sources(db, test.diary_ids)
    for diary_id, is_right in zip(test.diary_ids.tolist(), right.tolist(), strict=True):
        tested[source_of[diary_id]] += 1
        hits[source_of[diary_id]] += is_right
    rows = [
        {"diary_id": diary_id, "waiting": waiting, "n": tested[source], "right": hits[source]}
        for source, diary_id, waiting in diaries.count_waiting_by_source(db)
    ]
    return sorted(rows, key=lambda row: -row["waiting"])[:_MOST_SOURCES]


def _labels_of_one_writer(db: Database, training: TrainingSet, label_ids: tuple[int, ...]) -> list[int]:
    """Return the labels whose examples, three or more, are all of one writer."""
    writers = np.array(list(map(writer_of, diaries.list_authors_of(db, training.diary_ids))), np.str_)
    alone = []
    for column in np.unique(training.columns):
        mine = writers[training.columns == column]
        if len(mine) > 2 and mine[0] and len(np.unique(mine)) == 1:
            alone.append(label_ids[column])
    # Where all labels are of one writer, it is not about a label.
    return alone if len(np.unique(writers[writers != ""])) > 1 else []
