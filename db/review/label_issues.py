"""What a round says about the labels it learned from; and labels that people checked before there were reviews."""

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
    """What heads that had not seen a label say about it.

    Attributes:
        quality: how likely the given label is right, in [0, 1].
        suggested_label_id: the likeliest other label.
        flagged: whether the label is taken for a mistake.
    """

    decision_id: int
    diary_id: int
    quality: float
    suggested_label_id: int
    flagged: bool


@dataclass(frozen=True, slots=True)
class LabelIssues:
    """What the newest round says about labels, ordered by decision.

    Attributes:
        model_id: the version of that round; None if there is none.
        decision_ids: (n,) int64.
        quality: (n,) probability of the given label.
        flagged: (n,) whether the label is taken for a mistake.
    """

    model_id: int | None
    decision_ids: NDArray[np.int64]
    quality: NDArray[np.float64]
    flagged: NDArray[np.bool_]


def store_doubts(db: Database, model_id: int, doubts: Sequence[NewDoubt]) -> None:
    """Store what a model says about labels, replacing what earlier ones said."""
    statement = """
        insert into label_doubts (model_id, decision_id, diary_id, quality, suggested_label_id, flagged)
        select ?, id, diary_id, ?, ?, ? from decisions where id = ?
    """
    # A decision may have been forgotten while the doubts were computed.
    records = [(model_id, float(d.quality), d.suggested_label_id, int(d.flagged), d.decision_id) for d in doubts]
    with write(db):
        db.conn.execute("delete from label_doubts where model_id <= ?", (model_id,))
        db.conn.executemany(statement, records)


def load(db: Database) -> LabelIssues:
    """Return what the newest round says."""
    sql = """
        select model_id, decision_id, quality, flagged from label_doubts
        where model_id = (select max(model_id) from label_doubts) order by decision_id
    """
    table = np.array(rows(db, sql), np.float64).reshape(-1, 4)
    model_id = int(table[0, 0]) if len(table) else None
    return LabelIssues(model_id, table[:, 1].astype(np.int64), table[:, 2], table[:, 3] == 1)


def list_checked(db: Database) -> NDArray[np.int64]:
    """Return the decisions that somebody checked and confirmed before there were reviews, ascending."""
    records = rows(db, "select decision_id from label_checks order by decision_id")
    return np.fromiter((row[0] for row in records), np.int64, len(records))
