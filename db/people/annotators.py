"""The people who decide, and the importers that bring decisions from files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from db import clock
from db.connection import rows, scalar, write

if TYPE_CHECKING:
    from sqlite_utils import Database


def get_or_create_id(db: Database, name: str, *, kind: Literal["person", "importer"] = "person") -> int:
    """Return the id of the annotator with that name, who is added if new."""
    annotator_id = scalar(db, "select id from annotators where name = :name", name=name)
    if annotator_id is None:
        statement = """
            insert into annotators (name, kind, created_at) values (:name, :kind, :now)
            on conflict (name) do nothing
        """
        with write(db):
            db.conn.execute(statement, {"name": name, "kind": kind, "now": clock.now()})
        annotator_id = scalar(db, "select id from annotators where name = :name", name=name)
    return int(annotator_id)


def list_annotators(db: Database) -> list[tuple[int, str]]:
    """Return id and name of everyone, oldest first."""
    return [(int(i), str(name)) for i, name in rows(db, "select id, name from annotators order by id")]


def list_people(db: Database) -> list[str]:
    """Return the names of people without importers; who decided last comes first."""
    sql = """
        select name from annotators a where kind = 'person'
        order by (select max(d.id) from decisions d where d.annotator_id = a.id) desc nulls last, id
    """
    return [str(name) for (name,) in rows(db, sql)]
