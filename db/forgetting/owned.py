"""Which rows belong to diaries, read from the schema itself: new tables are found without being named here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from db.connection import rows, scalar

if TYPE_CHECKING:
    from sqlite_utils import Database

KEEPS_IDS = frozenset(("forgotten",))
"""Tables that name diaries after they were forgotten."""


@dataclass(frozen=True, slots=True)
class Owned:
    """A table whose rows go with diaries.

    Attributes:
        columns: (column, table it refers to), only for tables of this kind; references to diaries first.
        is_referred_to: whether rows of other tables, or of this one, refer to its ids.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    is_referred_to: bool


def find_owned(db: Database) -> list[Owned]:
    """Return every table whose rows belong to diaries, directly or through another; referenced tables come first.

    A column belongs to diaries if it refers to them or is called ``diary_id``.
    """
    references = {name: _references(db, name) for name in _tables(db) if name not in KEEPS_IDS}
    order = ["diaries"]
    while more := [
        name
        for name, columns in references.items()
        # A table waits for the tables it refers to, except for itself.
        if name not in order
        and any(table in order for _, table in columns)
        and not any(_belongs(table, references) and table not in (*order, name) for _, table in columns)
    ]:
        order += more
    referred = {table for name in order for _, table in references[name]}
    return [
        Owned(name, tuple(sorted(_within(references[name], order), key=_diaries_first)), name in referred)
        for name in order[1:]
    ]


def _within(columns: set[tuple[str, str]], order: list[str]) -> set[tuple[str, str]]:
    return {(column, table) for column, table in columns if table in order}


def _diaries_first(reference: tuple[str, str]) -> tuple[bool, str]:
    return reference[1] != "diaries", reference[0]


def _belongs(table: str, references: dict[str, set[tuple[str, str]]], seen: frozenset[str] = frozenset()) -> bool:
    if table == "diaries":
        return True
    further = {name for _, name in references[table]} - seen - {table}
    return any(_belongs(name, references, seen | {table}) for name in further)


def _tables(db: Database) -> list[str]:
    sql = "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' order by name"
    return [str(name) for (name,) in rows(db, sql)]


def _references(db: Database, table: str) -> set[tuple[str, str]]:
    foreign_keys = rows(db, "select `from`, `table` from pragma_foreign_key_list(:table)", table=table)
    references = {(str(column), str(other)) for column, other in foreign_keys}
    sql = "select 1 from pragma_table_info(:table) where name = 'diary_id'"
    if scalar(db, sql, table=table):
        references.add(("diary_id", "diaries"))
    return references
