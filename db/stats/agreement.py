"""What people said about the same diaries, each by themselves.

What counts: people's label decisions in force, on diaries that at least two people labelled. People named by an
imported file count too. Labels that a file gives to nobody are left out, since nobody knows who gave them or how. So
are corrections by a reviewer, who had seen the others' answers, and labels given to many diaries by one press. If
somebody changed a decision because it was sent back, they had been told, so their earlier decision counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from db.connection import rows, scalar

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class Answers:
    """Labels that people gave, one row each, ordered by diary and annotator; see the module for which.

    Attributes:
        decision_ids, diary_ids, annotator_ids, label_ids: (n,) int64; labels as merged since.
        days: (n,) int64, days since 1970 on the clock of this machine.
        shown: (n,) whether the model's answer was in view.
    """

    decision_ids: NDArray[np.int64]
    diary_ids: NDArray[np.int64]
    annotator_ids: NDArray[np.int64]
    label_ids: NDArray[np.int64]
    days: NDArray[np.int64]
    shown: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.decision_ids)

    def where(self, chosen: NDArray[np.bool_]) -> Answers:
        """Return some of the answers."""
        return Answers(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


def list_answers(db: Database, *, annotator_id: int | None = None) -> Answers:
    """Return what people said about the same diaries, ordered by diary and annotator.

    Args:
        annotator_id: look only at diaries that this person decided.
    """
    sql = """
        with returned as materialized (
            select o.diary_id, o.annotator_id, min(o.id) as decision_id
            from reviews r join decisions o on o.id = r.returned_decision_id
            where r.kind = 'return' and not exists (select 1 from reviews u where u.undoes = r.id)
            group by o.diary_id, o.annotator_id
        ), said as (
            select s.diary_id, s.annotator_id, s.decision_id, s.label_id from standing s
            where s.kind = 'label' and (s.diary_id, s.annotator_id) not in (
                select diary_id, annotator_id from returned)
            union all
            select b.diary_id, b.annotator_id, b.decision_id, coalesce(l.merged_into, l.id)
            from returned b join decisions o on o.id = b.decision_id join labels l on l.id = o.label_id
        )
        select d.id, d.diary_id, d.annotator_id, s.label_id, unixepoch(d.decided_at, 'localtime') / 86400,
            d.shown_label_id is not null
        from said s join decisions d on d.id = s.decision_id
        where (d.source = 'person' or d.annotator_id in (
                select id from annotators where kind = 'importer' and id not in (select imported_by from batches)
                    and (name not like '가져오기:%' or instr(name, ' · '))))
            and s.diary_id in (select diary_id from standing group by diary_id having count(*) > 1)
            and (:annotator is null or s.diary_id in (
                select diary_id from standing where annotator_id = :annotator))
            and d.id not in (select decision_id from reviews where kind = 'correct')
            and d.id not in (select decision_id from group_members where decision_id is not null)
    """
    table = np.array(rows(db, sql, annotator=annotator_id), np.int64).reshape(-1, 6)
    table = table[np.lexsort((table[:, 2], table[:, 1]))]
    _, place, people = np.unique(table[:, 1], return_inverse=True, return_counts=True)
    ids = table[people[place] > 1].T if len(table) else table.T
    return Answers(ids[0], ids[1], ids[2], ids[3], ids[4], ids[5].astype(bool))


def list_further_labels(db: Database) -> NDArray[np.int64]:
    """Return the further labels of decisions, after merges, as (m, 2) decision and label."""
    sql = """
        select e.decision_id, coalesce(l.merged_into, l.id) from decision_labels e join labels l on l.id = e.label_id
    """
    return np.array(rows(db, sql), np.int64).reshape(-1, 2)


def count_people(db: Database) -> int:
    """Count the people who labelled anything."""
    sql = """
        select count(distinct s.annotator_id) from standing s join annotators a on a.id = s.annotator_id
        where s.kind = 'label' and (a.kind = 'person' or a.id not in (select imported_by from batches))
    """
    return int(scalar(db, sql))
