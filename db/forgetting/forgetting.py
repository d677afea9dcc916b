"""Forgetting diaries: everything that belongs to them goes in one transaction, or nothing does.

See docs/forgetting.md.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from db import settings
from db.connection import rows, scalar, write
from db.forgetting import forgotten, quotes, traces
from db.forgetting.owned import find_owned
from db.people import audit_log
from db.search import index

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlite_utils import Database

    from db.forgetting.owned import Owned

_CACHE_KIB = 1 << 17

_MOST_BLOCKS = 8
"""Blocks of the search's index that are made again at once; the worker makes the others."""

_STRAYS = {
    "decisions": "source = 'import'",
    "rationales": "annotator_id in (select d.annotator_id from decisions d where d.source = 'import')",
}
"""Tables whose rows may come with an import and be about a diary of another one, and of whom they are then: presses
once had any token, also such as an import gives."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What was deleted.

    Attributes:
        number: of this forgetting, counted from 1; see `db.forgetting.forgotten.count_forgettings`.
        diary_count: diaries deleted.
        row_counts: rows deleted with them, by table.
        quotes: notes elsewhere from which a quotation was removed, as they were before.
        postings: what named the diaries in the index of the search.
    """

    number: int
    diary_count: int
    row_counts: dict[str, int]
    quotes: tuple[str, ...]
    postings: tuple[bytes, ...]


def erase(
    db: Database,
    diary_ids: Sequence[int],
    *,
    batch_id: int | None = None,
    digest_of: Callable[[str], bytes] | None = None,
    by: int | None = None,
    what: str = "diary.forget",
    pool_texts: Sequence[tuple[int, int]] | None = (),
) -> Erased:
    """Delete diaries with everything that belongs to them; ids without a diary are skipped.

    Must not run within an open transaction, where SQLite's check of each row can't be switched off.

    Args:
        batch_id: also delete what this import said about diaries of other imports.
        digest_of: keyed digest of a text, by which it is refused later; None refuses nothing.
        by: who does it; None on the command line.
        what: action in the audit log.
        pool_texts: further texts of pools, as (pool id, number), that are to be taken out of their files; those of the
            diaries are in any case. None leaves pools as they are: their texts are no longer diaries.
    """
    with _prepared(db), write(db):
        db.conn.execute("insert into forgetting (id) values (1)")
        owned = _gather(db, diary_ids, batch_id)
        count = int(scalar(db, "select count(*) from temp.going_diaries"))
        quoted = quotes.remove_quotes(db)
        if digest_of is not None:
            _keep_digests(db, digest_of)
        traces.keep_counts(db)
        traces.clean(db)
        if pool_texts is not None:
            traces.leave_pools(db, pool_texts)
        postings = _drop_from_search(db)
        deleted = _delete(db, owned)
        index.extend(db, limit=_MOST_BLOCKS)
        traces.rename_importers(db)
        _note(db, count + len(pool_texts or ()), by, what)
        db.conn.execute("delete from forgetting")
        return Erased(forgotten.count_forgettings(db), count, deleted, tuple(quoted), postings)


def count_rows(db: Database, diary_ids: Sequence[int], *, batch_id: int | None = None) -> dict[str, int]:
    """Return how many rows of each table would go with diaries, without changing anything."""
    with _gathered(db, diary_ids, batch_id) as owned:
        statements = {each.name: f"select count(*) from {each.name} where {_condition(db, each)}" for each in owned}  # noqa: S608
        return {name: int(scalar(db, sql)) for name, sql in statements.items()}


def list_trained(db: Database, diary_ids: Sequence[int], *, batch_id: int | None = None) -> dict[int, int]:
    """Return how many of the diaries each model learned from, by model; models that learned from none are missing."""
    with _gathered(db, diary_ids, batch_id):
        return {int(model_id): int(count) for model_id, count in rows(db, traces.TRAINED)}


@contextmanager
def _gathered(db: Database, diary_ids: Sequence[int], batch_id: int | None) -> Iterator[list[Owned]]:
    """Gather what would go, for the length of the block, in one snapshot of the database."""
    with _temporary(db):
        db.conn.execute("begin")
        try:
            yield _gather(db, diary_ids, batch_id)
        finally:
            db.conn.rollback()


@contextmanager
def _prepared(db: Database) -> Iterator[None]:
    """Enlarge the page cache for large tables, and switch off SQLite's own check of references for the block.

    For each deleted row the check would read whole tables that have no index for it. Everything that refers to a
    deleted row has been deleted with it: `db.forgetting.owned` finds all of it.
    """
    usual = int(scalar(db, "pragma cache_size"))
    with _temporary(db):
        db.conn.execute("pragma foreign_keys=off")
        db.conn.execute(f"pragma cache_size=-{_CACHE_KIB}")
        try:
            yield
        finally:
            db.conn.execute("pragma foreign_keys=on")
            db.conn.execute(f"pragma cache_size={usual}")


@contextmanager
def _temporary(db: Database) -> Iterator[None]:
    """Keep temporary tables in memory for the ids of what goes, one per table."""
    names = [f"going_{each.name}" for each in find_owned(db)]
    for name in ("going_diaries", *names):
        db.conn.execute(f"create table temp.{name} (id integer primary key)")
    try:
        yield
    finally:
        for name in ("going_diaries", *names):
            db.conn.execute(f"drop table temp.{name}")


def _gather(db: Database, diary_ids: Sequence[int], batch_id: int | None) -> list[Owned]:
    """Note which diaries go, and which rows that others refer to; return the tables."""
    ids = json.dumps([int(i) for i in diary_ids])
    statement = "insert into temp.going_diaries select id from diaries where id in (select value from json_each(?))"
    db.conn.execute(statement, (ids,))
    if batch_id is not None:
        # The tokens of an import's rows carry its number; in byte order a full stop follows the hyphen.
        for table, condition in _STRAYS.items():
            strays = f"""
                insert into temp.going_{table} select id from {table} where token >= ? and token < ? and {condition}
            """  # noqa: S608 - constants
            db.conn.execute(strays, (f"import-{batch_id}-", f"import-{batch_id}."))
    owned = find_owned(db)
    for each in owned:
        if each.is_referred_to or each.name in _STRAYS:
            _gather_ids(db, each)
    return owned


def _gather_ids(db: Database, each: Owned) -> None:
    """Note the ids of a table's rows that go; rows may refer to others of the same table, several levels deep."""
    add = f"""
        insert or ignore into temp.going_{each.name} select id from {each.name} where {_condition(db, each)}
    """  # noqa: S608 - names of the schema
    while db.conn.execute(add).rowcount > 0:
        pass


def _condition(db: Database, each: Owned) -> str:
    """Return the condition that selects the rows of a table that go.

    Rows of a diary refer only to rows of the same diary. References to other rows matter only if rows go whose diary
    stays, and are looked for only then, since that may scan the whole table.
    """
    columns = [(column, other) for column, other in each.columns if other == "diaries"]
    if not columns or _has_strays(db):
        columns = list(each.columns)
    parts = [f"{column} in (select id from temp.going_{other})" for column, other in columns]  # noqa: S608
    if each.name in _STRAYS:
        parts.append(f"id in (select id from temp.going_{each.name})")  # noqa: S608
    return " or ".join(parts)


def _has_strays(db: Database) -> bool:
    """Return whether any decisions go whose diary stays."""
    sql = """
        select 1 from temp.going_decisions g join decisions d on d.id = g.id
        where d.diary_id not in (select id from temp.going_diaries) limit 1
    """
    return scalar(db, sql) is not None


def _drop_from_search(db: Database) -> tuple[bytes, ...]:
    ids = [diary_id for (diary_id,) in rows(db, "select id from temp.going_diaries")]
    return tuple(index.drop(db, ids))


def _keep_digests(db: Database, digest_of: Callable[[str], bytes]) -> None:
    texts = rows(db, "select text from diaries where id in (select id from temp.going_diaries)")
    digests = ((digest_of(text),) for (text,) in texts)
    db.conn.executemany("insert or ignore into forgotten_texts (digest) values (?)", digests)


def _delete(db: Database, owned: list[Owned]) -> dict[str, int]:
    """Delete what was gathered, rows that refer to others before those others."""
    deleted = {}
    conditions = {each.name: _condition(db, each) for each in owned}
    settle = traces.find_unsettled(db)
    for each in reversed(owned):
        statement = f"delete from {each.name} where {conditions[each.name]}"  # noqa: S608 - names of the schema
        deleted[each.name] = int(db.conn.execute(statement).rowcount)
    db.conn.execute("delete from diaries where id in (select id from temp.going_diaries)")
    db.conn.execute("insert or ignore into forgotten (diary_id) select id from temp.going_diaries")
    traces.settle_anew(db, settle)
    return deleted


def _note(db: Database, count: int, by: int | None, what: str) -> None:
    """Record who deleted how many diaries, and have everything that was made from them made again."""
    forgotten.note_forgetting(db)
    outdated = scalar(db, "select coalesce(max(id), 0) from text_spaces")
    settings.store(db, text_spaces_outdated=outdated, audit_made_from={})
    audit_log.add(db, by, what, count=count)
