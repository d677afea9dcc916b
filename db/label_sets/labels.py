"""The label set: what a diary can be labelled as. Labels are never deleted: a retired one keeps its decisions."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from db.connection import file_of, rows, write
from db.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlite_utils import Database

_COLOUR = re.compile("#[0-9a-fA-F]{6}")
_KEY = re.compile("[0-9a-z]|-[0-9]+")
"""Of a retired label it is a number that no key is."""

FIELDS = ("name", "definition", "colour", "key", "position", "retired_at", "merged_into")
"""What of a label can change."""


@dataclass(frozen=True, slots=True)
class Label:
    """A class of the label set.

    Attributes:
        colour: ``#rrggbb``.
        key: the letter or digit that chooses it on the keyboard; for a retired label, a value that is no key.
        position: orders labels on screen and in probability columns, ascending; there may be gaps.
        retired_at: since when no diary can be given it; None for a label in force.
        merged_into: the label that its decisions count for, which is never merged itself.
    """

    id: int
    name: str
    definition: str
    colour: str
    key: str
    position: int
    retired_at: str | None = None
    merged_into: int | None = None


def list_all_labels(db: Database) -> list[Label]:
    """Return every label that there has ever been, ordered by position."""
    sql = """
        select id, name, definition, colour, key, position, retired_at, merged_into
        from labels order by position, id
    """
    labels = [Label(*row) for row in rows(db, sql)]
    for label in labels:
        _check(db, label)
    return labels


def _check(db: Database, label: Label) -> None:
    """Check the parts of a label that go into pages unescaped: a foreign file may hold styles or scripts there."""
    for field, pattern in (("colour", _COLOUR), ("key", _KEY)):
        if not pattern.fullmatch(getattr(label, field)):
            raise DatabaseError("database_label", path=file_of(db), id=label.id, field=field)


def list_labels(db: Database) -> list[Label]:
    """Return the labels in force, ordered by position."""
    return [label for label in list_all_labels(db) if label.retired_at is None]


def list_merged(db: Database) -> dict[int, int]:
    """Return what each merged label was merged into, by id."""
    sql = "select id, merged_into from labels where merged_into is not null"
    return {int(label_id): int(target) for label_id, target in rows(db, sql)}


def store_labels(db: Database, labels: Sequence[Label]) -> None:
    """Store a label set; labels with a known id are changed, others are added."""
    statement = """
        insert into labels (id, name, definition, colour, key, position)
        values (:id, :name, :definition, :colour, :key, :position)
        on conflict (id) do update set name = excluded.name, definition = excluded.definition,
            colour = excluded.colour, key = excluded.key, position = excluded.position
    """
    with write(db):
        db.conn.executemany(statement, [asdict(label) for label in labels])


def change_labels(db: Database, changes: Mapping[int, Mapping[str, Any]]) -> None:
    """Change some fields of some labels at once: names, keys and places may be swapped.

    Args:
        changes: new values by label id and field, one of `FIELDS`.
    """
    free = (
        "update labels set name = iif(:name, char(1) || id, name), key = iif(:key, char(1) || id, key) where id = :id"
    )
    with write(db):
        # Two labels may swap names or keys, so each first gives up its own.
        for label_id, fields in changes.items():
            db.conn.execute(free, {"id": label_id, "name": "name" in fields, "key": "key" in fields})
        for label_id, fields in changes.items():
            values = ", ".join(f"{field} = :{field}" for field in FIELDS if field in fields)
            db.conn.execute(f"update labels set {values} where id = :id", {**fields, "id": label_id})  # noqa: S608
