"""Decisions in force as the learner takes them: one row per person and diary."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from db.answers import groups
from db.answers.decisions import last_decision_id
from db.connection import rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class LabelledDiaries:
    """Label decisions in force, one row each, ordered by the diaries' draws, then by annotator.

    Draws follow from a text and the seed alone: on one machine and on many, examples have the same order.

    Attributes:
        decision_ids, diary_ids, label_ids, annotator_ids: (n,) int64.
        act_ids: (n,) int64, the press on a group that made a decision; 0 for one that stands by itself.
        others: (m, 2) int64, decision and further label, for decisions that name more than one emotion.
    """

    decision_ids: NDArray[np.int64]
    diary_ids: NDArray[np.int64]
    label_ids: NDArray[np.int64]
    annotator_ids: NDArray[np.int64]
    act_ids: NDArray[np.int64]
    others: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), np.int64))

    def __len__(self) -> int:
        return len(self.decision_ids)

    def without(self, diary_ids: NDArray[np.int64]) -> LabelledDiaries:
        """Return the decisions on all other diaries."""
        return self.where(~np.isin(self.diary_ids, diary_ids))

    def where(self, kept: NDArray[np.bool_]) -> LabelledDiaries:
        """Return some of the decisions."""
        ids = self.decision_ids[kept]
        return LabelledDiaries(
            ids,
            self.diary_ids[kept],
            self.label_ids[kept],
            self.annotator_ids[kept],
            self.act_ids[kept],
            self.others[np.isin(self.others[:, 0], ids)],
        )


def list_labelled(db: Database, *, part: Literal["pool", "test"], up_to: int | None = None) -> LabelledDiaries:
    """Return the label decisions that count in one part of the diaries.

    These are the ones in force. If a reviewer has settled a diary, only the decision that they accepted or made
    counts, as long as it is in force. A diary found ambiguous, or sent back and not yet answered, keeps them all.
    Nothing is measured on what was labelled as one of many: of the test part such decisions are left out.

    Args:
        up_to: look at the state right before the decision after this id; None looks at the newest state.
    """
    if up_to is None or up_to >= last_decision_id(db):
        sql = """
            select s.decision_id, s.diary_id, s.label_id, s.annotator_id
            from standing s join diaries y on y.id = s.diary_id left join settled z on z.diary_id = s.diary_id
                and exists (select 1 from standing t where t.diary_id = z.diary_id and t.decision_id = z.decision_id)
            where s.kind = 'label' and y.part = :part and (z.diary_id is null or z.decision_id = s.decision_id)
            order by y.draw, s.diary_id, s.annotator_id
        """
        records = rows(db, sql, part=part)
    else:
        # `standing` and `settled` know only the newest state, so an older one is derived from the logs.
        sql = """
            with stood as materialized (
                select d.id, d.diary_id, d.annotator_id, d.kind, coalesce(l.merged_into, d.label_id) as label_id
                from (
                    select max(d.id) as id from decisions d
                    where d.id <= :up_to and d.kind <> 'undo'
                        and not exists (select 1 from decisions u where u.undoes = d.id and u.id <= :up_to)
                    group by d.diary_id, d.annotator_id
                ) newest join decisions d on d.id = newest.id left join labels l on l.id = d.label_id
            ), reviewed as (
                select * from reviews where reviewed_at <= coalesce(
                    (select decided_at from decisions where id > :up_to order by id limit 1), reviewed_at)
            ), settled_then as materialized (
                select r.diary_id, r.decision_id
                from (
                    select max(r.id) as id from reviewed r
                    where r.kind <> 'undo' and not exists (select 1 from reviewed u where u.undoes = r.id)
                    group by r.diary_id
                ) newest join reviews r on r.id = newest.id join stood s on s.id = r.decision_id
            )
            select s.id, s.diary_id, s.label_id, s.annotator_id
            from stood s join diaries y on y.id = s.diary_id left join settled_then z on z.diary_id = s.diary_id
            where s.kind = 'label' and y.part = :part and (z.diary_id is null or z.decision_id = s.id)
            order by y.draw, s.diary_id, s.annotator_id
        """
        records = rows(db, sql, part=part, up_to=up_to)
    columns = np.array(records, np.int64).reshape(-1, 4).T
    decision_ids, diary_ids, label_ids, annotator_ids = columns
    act_of = groups.list_act_of(db, decision_ids.tolist())
    act_ids = np.array([act_of.get(int(i), 0) for i in decision_ids], np.int64)
    others = _further_labels(db, decision_ids)
    labelled = LabelledDiaries(decision_ids, diary_ids, label_ids, annotator_ids, act_ids, others)
    return labelled.where(act_ids == 0) if part == "test" else labelled


def _further_labels(db: Database, decision_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return decision and further label, after merges, for decisions that name more than one emotion."""
    sql = """
        select distinct o.decision_id, coalesce(l.merged_into, l.id)
        from decision_labels o join labels l on l.id = o.label_id order by 1, 2
    """
    pairs = np.array(rows(db, sql), np.int64).reshape(-1, 2)
    return pairs[np.isin(pairs[:, 0], decision_ids)]


def list_counting_ids(db: Database) -> frozenset[int]:
    """Return the label decisions that `list_labelled` counts, of both parts."""
    parts: tuple[Literal["pool", "test"], ...] = ("pool", "test")
    return frozenset(int(i) for part in parts for i in list_labelled(db, part=part).decision_ids)


def list_diaries_of(db: Database, decision_ids: Sequence[int]) -> NDArray[np.int64]:
    """Return the diaries of some decisions, in force or not, ascending."""
    sql = "select distinct diary_id from decisions where id in (select value from json_each(:ids)) order by 1"
    return np.array(rows(db, sql, ids=json.dumps(list(decision_ids))), np.int64).reshape(-1)
