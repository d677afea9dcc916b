"""What an export reads: many diaries at a time, all from one snapshot of the database, and a summary of that state."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from db.answers import groups
from db.connection import one, rows, scalar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlite_utils import Database


class StoredDiary(NamedTuple):
    """A diary as stored in its row; `metadata` is JSON. Other queries build a `Diary` from it, which takes longer."""

    id: int
    text: str
    written_on: str | None
    author: str | None
    source: str | None
    metadata: str
    part: str
    batch_id: int
    row_number: int


_HASHED_AT_A_TIME = 5_000
"""Rows in one JSON list; another number would give other hashes."""


@contextmanager
def snapshot(db: Database) -> Iterator[None]:
    """Let the block read one snapshot of the database, whatever others write meanwhile. The block must not write."""
    if db.conn.in_transaction:
        yield
        return
    db.conn.execute("begin")
    try:
        yield
    finally:
        db.conn.rollback()


def list_stored(db: Database, diary_ids: Sequence[int]) -> list[StoredDiary]:
    """Return some thousands of diaries by id, ascending."""
    sql = """
        select id, text, written_on, author, source, metadata, part, batch_id, row_number
        from diaries where id in (select value from json_each(:ids)) order by id
    """
    return list(map(StoredDiary._make, rows(db, sql, ids=json.dumps(list(diary_ids)))))


def list_sentences(db: Database, diary_ids: Sequence[int]) -> dict[int, list[list[int]]]:
    """Return the sentences of some thousands of diaries by id, as half-open characters; unsplit ones are missing."""
    sql = "select diary_id, spans from sentences where diary_id in (select value from json_each(:ids))"
    records = rows(db, sql, ids=json.dumps(list(diary_ids)))
    # Parsed as one list: a call for each diary would take three times as long.
    spans = json.loads(f"[{','.join(spans for _, spans in records)}]")
    return {diary_id: diary_spans for (diary_id, _), diary_spans in zip(records, spans, strict=True)}


def list_counting_ids(db: Database, diary_ids: Sequence[int]) -> set[int]:
    """Return the label decisions on some diaries that count, as `db.answers.training_data.list_labelled` does."""
    sql = """
        select s.decision_id
        from standing s left join settled z on z.diary_id = s.diary_id
            and exists (select 1 from standing t where t.diary_id = z.diary_id and t.decision_id = z.decision_id)
        where s.kind = 'label' and s.diary_id in (select value from json_each(:ids))
            and (z.diary_id is null or z.decision_id = s.decision_id)
    """
    return {decision_id for (decision_id,) in rows(db, sql, ids=json.dumps(list(diary_ids)))}


def list_groups(db: Database, decision_ids: Sequence[int]) -> dict[int, str]:
    """Return the key of the press that made a decision, for those of some that one has made on many diaries at once."""
    sql = """
        select m.decision_id, a.token from group_members m join group_acts a on a.id = m.act_id
        where m.decision_id in (select value from json_each(:ids))
    """
    records = rows(db, sql, ids=json.dumps(list(decision_ids)))
    return {int(decision_id): groups.key_of(token) for decision_id, token in records}


def has_several_labels(db: Database) -> bool:
    """Return whether any decision names more than one emotion."""
    return scalar(db, "select 1 from decision_labels limit 1") is not None


def count_by_strategy(db: Database) -> dict[str, int]:
    """Count the label decisions in force by what asked for their diary.

    Keys are query strategies, ``import`` for labels that came with a file, and an empty key if unknown.
    """
    sql = """
        select iif(d.source = 'import', 'import', coalesce(d.asked_by, '')) as asked, count(*)
        from standing s join decisions d on d.id = s.decision_id where s.kind = 'label' group by asked order by asked
    """
    return {str(name): int(count) for name, count in rows(db, sql)}


def count_shared(db: Database) -> int:
    """Count the diaries on which decisions of more than one annotator are in force."""
    sql = "select count(*) from (select diary_id from standing group by diary_id having count(*) > 1)"
    return int(scalar(db, sql))


def list_deciders(db: Database) -> list[tuple[str, str]]:
    """Return name and kind, ``person`` or ``importer``, of everyone with a decision in force, by name."""
    sql = """
        select name, kind from annotators
        where id in (select annotator_id from standing) order by name
    """
    return [(str(name), str(kind)) for name, kind in rows(db, sql)]


def date_ranges(db: Database) -> dict[str, tuple[str | None, str | None]]:
    """Return the first and last day on which diaries were ``written`` and decisions in force were ``decided``."""
    written = one(db, "select min(written_on), max(written_on) from diaries")
    decided = one(
        db,
        """
        select substr(min(d.decided_at), 1, 10), substr(max(d.decided_at), 1, 10)
        from standing s join decisions d on d.id = s.decision_id
        """,
    )
    return {"written": written or (None, None), "decided": decided or (None, None)}


_CONTENT = (
    "select id, name, definition, position, retired_at, merged_into from labels order by id",
    "select id, name, kind from annotators order by id",
    """
    select id, file_name, file_hash, format, encoding, columns, imported_by, imported_at, row_count, kept_count
    from batches order by id
    """,
    """
    select id, text, written_on, author, source, metadata, batch_id, row_number, part, draw from diaries order by id
    """,
    """
    select id, diary_id, annotator_id, kind, label_id, memo, undoes, model_id, shown_label_id, shown_proba, source,
        seconds, decided_at, asked_by, predicted_label_id, intensity
    from decisions order by id
    """,
    "select decision_id, label_id from decision_labels order by decision_id, label_id",
    "select id, token, annotator_id, label_id, kind, shown_count, decided_at, undone_at from group_acts order by id",
    "select act_id, diary_id, decision_id from group_members order by act_id, diary_id",
    """
    select id, diary_id, annotator_id, label_id, span_start, span_end, verdict, model_id, marked_at
    from rationales order by id
    """,
    """
    select id, diary_id, reviewer_id, kind, decision_id, returned_decision_id, comment, undoes, reviewed_at
    from reviews order by id
    """,
    "select id, word, label_id, verdict, source, annotator_id, decided_at from word_emotions order by id",
    "select id, version, weights_hash from models order by id",
)
"""What people brought and said, and the versions of the model: everything that can't be computed again."""


def content_hash(db: Database) -> str:
    """Return the SHA-256 of all diaries and all that people said: as JSON, table by table, ordered by id."""
    digest = hashlib.sha256()
    encode = json.JSONEncoder(ensure_ascii=False).encode
    for sql in _CONTENT:
        cursor = db.conn.execute(sql)
        while some := cursor.fetchmany(_HASHED_AT_A_TIME):
            digest.update(encode(some).encode())
        digest.update(b"\n")
    return digest.hexdigest()
