"""What remains of forgotten diaries: their ids, digests by which their texts are refused, and counts.

See docs/forgetting.md. `db.forgetting.forgetting` deletes the rest.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from db import settings
from db.connection import file_of, one, rows, scalar, write
from db.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from sqlite_utils import Database

_FORGETTINGS = "forgettings"
_FINISHED = "forgettings_finished"


@dataclass(frozen=True, slots=True)
class Counts:
    """Decisions that were in force on forgotten diaries.

    Attributes:
        decisions: all of them.
        shared_labels: labels on diaries that somebody else had decided too: agreement was measured on them.
        test_labels: labels on test diaries: accuracy was measured on them.
    """

    decisions: int
    shared_labels: int
    test_labels: int


def count_forgettings(db: Database) -> int:
    """Return how often something was forgotten; a cache made at a lower number may be outdated."""
    return _setting(db, _FORGETTINGS)


def is_finished(db: Database) -> bool:
    """Return whether the files beside the database are up to date with the newest forgetting."""
    return _setting(db, _FINISHED) == count_forgettings(db)


def mark_finished(db: Database, number: int) -> None:
    """Note that the files are up to date with the forgettings up to a number."""
    if _setting(db, _FINISHED) < number:
        settings.store(db, **{_FINISHED: number})


def note_forgetting(db: Database) -> None:
    """Count one more forgetting, within the caller's transaction."""
    settings.store(db, **{_FORGETTINGS: count_forgettings(db) + 1})


def _setting(db: Database, key: str) -> int:
    stored = scalar(db, "select value from settings where key = :key", key=key) or "0"
    if not str(stored).isdecimal():
        raise DatabaseError("database_setting", path=file_of(db), setting=key)
    return int(stored)


def list_ids(db: Database, *, between: tuple[int, int] | None = None) -> NDArray[np.int64]:
    """Return the ids of forgotten diaries, ascending.

    Args:
        between: the first and the last id to look at; None looks at all.
    """
    first, last = between or (1, 2**63 - 1)
    sql = "select diary_id from forgotten where diary_id between :first and :last order by diary_id"
    records = rows(db, sql, first=first, last=last)
    return np.fromiter((row[0] for row in records), np.int64, len(records))


def was_forgotten(db: Database, diary_id: int) -> bool:
    """Return whether a diary of this id was forgotten."""
    return scalar(db, "select 1 from forgotten where diary_id = :id", id=diary_id) is not None


def last_id(db: Database) -> int:
    """Return the largest id of a forgotten diary, 0 for none."""
    return int(scalar(db, "select coalesce(max(diary_id), 0) from forgotten"))


def load_digests(db: Database) -> frozenset[bytes]:
    """Return the keyed digests of forgotten texts."""
    return frozenset(digest for (digest,) in rows(db, "select digest from forgotten_texts"))


def add_digests(db: Database, digests: Sequence[bytes]) -> None:
    """Keep keyed digests of forgotten texts, within the caller's transaction."""
    db.conn.executemany("insert or ignore into forgotten_texts (digest) values (?)", [(each,) for each in digests])


def has_digests(db: Database) -> bool:
    """Return whether any text is refused."""
    return scalar(db, "select 1 from forgotten_texts limit 1") is not None


def drop_digests(db: Database) -> int:
    """Stop refusing the texts forgotten so far; return how many were refused."""
    with write(db):
        return int(db.conn.execute("delete from forgotten_texts").rowcount)


def count_decisions(db: Database) -> Counts:
    """Return how many decisions were deleted with forgotten diaries, as far as figures rested on them."""
    sql = """
        select coalesce(sum(count), 0), coalesce(sum(iif(kind = 'label' and is_shared, count, 0)), 0),
            coalesce(sum(iif(kind = 'label' and part = 'test', count, 0)), 0)
        from forgotten_decisions
    """
    return Counts(*(one(db, sql) or (0, 0, 0)))


def count_by_person(db: Database) -> dict[int, int]:
    """Return how many decisions of each person were deleted with forgotten diaries, by annotator."""
    sql = "select annotator_id, sum(count) from forgotten_decisions where annotator_id > 0 group by annotator_id"
    return {int(annotator_id): int(count) for annotator_id, count in rows(db, sql)}


def list_training(db: Database) -> dict[int, int]:
    """Return how many forgotten diaries each model learned from, by model; models without any are missing."""
    return {int(model_id): int(count) for model_id, count in rows(db, "select * from forgotten_training")}


def note_training(db: Database, model_id: int, decision_ids: Sequence[int]) -> None:
    """Count the decisions deleted while a version learned from them, within the caller's transaction."""
    sql = """
        select count(*) from json_each(:ids) t where not exists (select 1 from decisions d where d.id = t.value)
    """
    if count_forgettings(db) and (missing := scalar(db, sql, ids=json.dumps([int(i) for i in decision_ids]))):
        db.conn.execute("insert or replace into forgotten_training values (?, ?)", (model_id, missing))


def without_forgotten(db: Database, report: dict[str, Any]) -> dict[str, Any]:
    """Return a round's report without what it says about single diaries and decisions that are gone."""
    if not count_forgettings(db):
        return report
    marks, study = report.get("rationales"), report.get("study")
    if marks:
        existing = _existing(db, "diaries", [mark["diary_id"] for mark in marks])
        report = {**report, "rationales": [mark for mark in marks if mark["diary_id"] in existing]}
    changed = report.get("changed")
    if changed and changed["examples"]:
        existing = _existing(db, "diaries", [example["diary_id"] for example in changed["examples"]])
        examples = [example for example in changed["examples"] if example["diary_id"] in existing]
        report = {**report, "changed": {**changed, "examples": examples}}
    if study and study.get("doubts"):
        existing = _existing(db, "decisions", [int(key) for key in study["doubts"]])
        doubts = {key: value for key, value in study["doubts"].items() if int(key) in existing}
        report = {**report, "study": {**study, "doubts": doubts}}
    return report


def _existing(db: Database, table: str, ids: Sequence[int]) -> set[int]:
    sql = f"select id from {table} where id in (select value from json_each(:ids))"  # noqa: S608 - constants
    return {int(row_id) for (row_id,) in rows(db, sql, ids=json.dumps(ids))}
