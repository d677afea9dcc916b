"""What diaries are filtered by that changes all the time: decisions, reviews, marks. Masks are indexed by id - 1."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from db.connection import rows, scalar
from db.review.reviews import HOLDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from sqlite_utils import Database

    Mask = NDArray[np.bool_]

State = Literal["waiting", "decided", "skipped", "flagged", "returned", "ambiguous", "reviewed", "withheld"]

_KINDS = {"decided": "label", "skipped": "skip", "flagged": "flag"}
_REVIEWED = {"returned": "('return')", "ambiguous": "('ambiguous')", "reviewed": "('accept', 'correct')"}
_BY = "(:annotator is null or annotator_id = :annotator)"


def _mask(db: Database, size: int, sql: str, **parameters: Any) -> Mask:
    """Return a mask of the ids that a statement selects as ``diary_id``."""
    # One row of text for all ids: a million tuples would take half a second.
    joined = scalar(db, f"select json_group_array(diary_id) from ({sql})", **parameters)  # noqa: S608 - constants
    ids = np.array(json.loads(joined), np.int64)
    mask = np.zeros(size, np.bool_)
    mask[ids[ids <= size] - 1] = True
    return mask


def with_label(db: Database, size: int, label_id: int, annotator_id: int | None = None) -> Mask:
    """Return the diaries to which somebody, or one person, gave a label that is in force."""
    return _mask(
        db,
        size,
        f"select diary_id from standing where label_id = :label and {_BY}",  # noqa: S608 - constants
        label=label_id,
        annotator=annotator_id,
    )


def in_state(db: Database, size: int, state: State, annotator_id: int | None = None) -> Mask:
    """Return the diaries in a state, by everybody's decisions or those of one person."""
    if state == "waiting":
        return ~_mask(db, size, "select distinct diary_id from standing")
    if state == "withheld":
        return _mask(db, size, "select diary_id from care_flags")
    if state in _REVIEWED:
        settled = f"select z.diary_id from settled z where z.kind in {_REVIEWED[state]} and {HOLDS}"  # noqa: S608
        return _mask(db, size, settled)
    sql = f"select diary_id from standing where kind = :kind and {_BY}"  # noqa: S608 - constants
    return _mask(db, size, sql, kind=_KINDS[state], annotator=annotator_id)


def decided_by(db: Database, size: int, annotator_id: int) -> Mask:
    """Return the diaries on which one person has a decision in force."""
    return _mask(db, size, "select diary_id from standing where annotator_id = :annotator", annotator=annotator_id)


def ever_decided_by(db: Database, size: int, annotator_id: int) -> Mask:
    """Return the diaries that one person has decided, in force or not."""
    sql = "select distinct diary_id from decisions where annotator_id = :annotator"
    return _mask(db, size, sql, annotator=annotator_id)


def handed_to(db: Database, size: int, annotator_id: int) -> Mask:
    """Return the diaries that one person was handed, or a program has handed in."""
    return _mask(db, size, "select diary_id from handed where annotator_id = :annotator", annotator=annotator_id)


def in_test_part(db: Database, size: int) -> Mask:
    """Return the diaries of the test part."""
    return _mask(db, size, "select id as diary_id from diaries where part = 'test'")


def of_batch(db: Database, size: int, batch_id: int) -> Mask:
    """Return the diaries of an import."""
    sql = "select coalesce(min(id), 1), coalesce(max(id), 0), count(*) from diaries where batch_id = :batch"
    first, last, count = rows(db, sql, batch=batch_id)[0]
    if count < last - first + 1:
        return _mask(db, size, "select id as diary_id from diaries where batch_id = :batch", batch=batch_id)
    # A file's diaries have consecutive ids: listing a million of them would take a third of a second.
    mask = np.zeros(size, np.bool_)
    mask[first - 1 : last] = True
    return mask


def of_selection(db: Database, size: int, selection_id: int) -> Mask:
    """Return the diaries of a selection."""
    return _mask(db, size, "select diary_id from selected where selection_id = :selection", selection=selection_id)


def with_several_answers(db: Database, size: int) -> Mask:
    """Return the diaries to which people gave different labels."""
    sql = """
        select diary_id from standing where label_id is not null
        group by diary_id having min(label_id) <> max(label_id)
    """
    return _mask(db, size, sql)


def with_memo(db: Database, size: int, annotator_id: int | None = None) -> Mask:
    """Return the diaries with a memo, or a reviewer's comment; of one person only with theirs."""
    memos = f"select diary_id from decisions where memo <> '' and {_BY}"  # noqa: S608 - constants
    comments = "select diary_id from reviews where comment not in ('', '-') and :annotator is null"
    return _mask(db, size, f"{memos} union {comments}", annotator=annotator_id)


def with_marks(db: Database, size: int, annotator_id: int | None = None) -> Mask:
    """Return the diaries in which words were marked, and not unmarked since."""
    sql = f"""
        select distinct r.diary_id from (
            select max(id) as id from rationales where {_BY} group by diary_id, annotator_id, span_start, span_end
        ) newest join rationales r on r.id = newest.id where r.verdict <> 'none'
    """  # noqa: S608 - constants
    return _mask(db, size, sql, annotator=annotator_id)


def doubted(db: Database, size: int) -> Mask:
    """Return the diaries whose label the newest round takes for a mistake, while it is in force."""
    sql = """
        select d.diary_id from label_doubts d join standing s
            on s.diary_id = d.diary_id and s.decision_id = d.decision_id
        where d.flagged and d.model_id = (select max(model_id) from label_doubts)
    """
    return _mask(db, size, sql)


def label_ids(db: Database, size: int, annotator_id: int | None = None) -> NDArray[np.int32]:
    """Return the label in force of each diary, the first person's where several answered; 0 for none."""
    sql = f"""
        select json_group_array(diary_id), json_group_array(label_id) from (
            select diary_id, label_id from standing where label_id is not null and {_BY}
            order by diary_id desc, annotator_id desc)
    """  # noqa: S608 - constants
    ids, values = (np.array(json.loads(joined), np.int64) for joined in rows(db, sql, annotator=annotator_id)[0])
    labels = np.zeros(size, np.int32)
    labels[ids[ids <= size] - 1] = values[ids <= size]
    return labels


def find_texts(db: Database, diary_ids: Iterable[int]) -> dict[int, str]:
    """Return the texts of those diaries that exist, by id."""
    sql = "select id, text from diaries where id in (select value from json_each(:ids))"
    return dict(rows(db, sql, ids=json.dumps([int(i) for i in diary_ids])))


def find_names(db: Database, column: Literal["author", "source"], diary_ids: Iterable[int]) -> dict[int, str | None]:
    """Return the writers or sources of those diaries that exist, by id."""
    sql = f"select id, {column} from diaries where id in (select value from json_each(:ids))"  # noqa: S608 - constants
    return dict(rows(db, sql, ids=json.dumps([int(i) for i in diary_ids])))


def list_sources(db: Database, *, limit: int) -> list[str]:
    """Return the names of sources, the newest import's first: one import has one."""
    # Each import is looked up by its first diary: reading all diaries would take half a second.
    sql = """
        select source from (
            select b.id, (
                select d.source from diaries d where d.batch_id = b.id order by d.row_number limit 1) as source
            from batches b)
        where source is not null group by source order by max(id) desc limit :limit
    """
    return [str(name) for (name,) in rows(db, sql, limit=limit)]
