"""The label set: what a diary can be labelled as."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from db.connection import rows, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class Label:
    """A class of the label set.

    Attributes:
        colour: ``#rrggbb``.
        key: one letter or digit that chooses it on the keyboard.
        position: 0-based place on screen; also the order of probability columns.
    """

    id: int
    name: str
    definition: str
    colour: str
    key: str
    position: int


def list_labels(db: Database) -> list[Label]:
    """Return the label set in its order."""
    sql = "select id, name, definition, colour, key, position from labels order by position"
    return [Label(*row) for row in rows(db, sql)]


def store_labels(db: Database, labels: Sequence[Label]) -> None:
    """Keep a label set; labels with a known id are changed, others are added."""
    statement = """
        insert into labels (id, name, definition, colour, key, position)
        values (:id, :name, :definition, :colour, :key, :position)
        on conflict (id) do update set name = excluded.name, definition = excluded.definition,
            colour = excluded.colour, key = excluded.key, position = excluded.position
    """
    with write(db):
        db.conn.executemany(statement, [asdict(label) for label in labels])
