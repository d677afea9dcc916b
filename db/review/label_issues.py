"""What a round says of the labels that it learned from; and labels that people looked at again before reviews were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from db.connection import rows, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class NewDoubt:
    """What heads that had not seen a label say of it.

    Attributes:
        quality: how likely the given label is right, in [0, 1].
        suggested_label_id: the likeliest other one.
        flagged: whether it is taken for a mistake.
    """

    decision_id: int
    diary_id: int
    quality: float
    suggested_label_id: int
    flagged: bool


@dataclass(frozen=True, slots=True)
class LabelIssues:
    """What the newest round says of labels, by ascending decision.

    Attributes:
        model_id: the version of that round; None where there is none.
        decision_ids: (n,) int64.
        quality: (n,) probability of the given label.
        flagged: (n,) whether it is taken for a mistake.
    """

    model_id: int | None
    decision_ids: NDArray[np.int64]
    quality: NDArray[np.float64]
    flagged: NDArray[np.bool_]


def store_doubts(db: Database, model_id: int, doubts: Sequence[NewDoubt]) -> None:
    """Keep what a model says of labels, in place of what earlier ones did."""
    statement = """
        insert into label_doubts (model_id, decision_id, diary_id, quality, suggested_label_id, flagged)
        select ?, id, diary_id, ?, ?, ? from decisions where id = ?
    """
    # A decision may have been forgotten while it was doubted.
    found = [(model_id, float(d.quality), d.suggested_label_id, int(d.flagged), d.decision_id) for d in doubts]
    with write(db):
        db.conn.execute("delete from label_doubts where model_id <= ?", (model_id,))
        db.conn.executemany(statement, found)


def load(db: Database) -> LabelIssues:
    """Return what the newest round says."""
    sql = """
        select model_id, decision_id, quality, flagged from label_doubts
        where model_id = (select max(model_id) from label_doubts) order by decision_id
    """
    found = np.array(rows(db, sql), np.float64).reshape(-1, 4)
    model_id = int(found[0, 0]) if len(found) else None
    return LabelIssues(model_id, found[:, 1].astype(np.int64), found[:, 2], found[:, 3] == 1)


def list_checked(db: Database) -> NDArray[np.int64]:
    """Return the decisions that somebody looked at again and kept, before there were reviews, ascending."""
    found = rows(db, "select decision_id from label_checks order by decision_id")
    return np.fromiter((row[0] for row in found), np.int64, len(found))
