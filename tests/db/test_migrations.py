from __future__ import annotations

import hashlib
from contextlib import closing
from typing import TYPE_CHECKING

import db
from db.connection import rows, scalar

if TYPE_CHECKING:
    from pathlib import Path

# A released migration is never edited: a change of the schema is a new migration and a new digest here.
SCHEMA = "98b1aaf8c842437b"


def test_the_schema_is_the_one_that_was_released(tmp_path: Path) -> None:
    with closing(db.create(tmp_path / "a.db")) as made:
        statements = rows(made, "select sql from sqlite_schema where sql is not null order by name")
    text = "\n".join(" ".join(sql.split()) for (sql,) in statements)
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == SCHEMA


def test_every_table_of_ours_is_strict_and_the_log_is_ahead(tmp_path: Path) -> None:
    with closing(db.create(tmp_path / "a.db")) as made:
        loose = rows(made, "select name from pragma_table_list where strict = 0 and schema = 'main' and type = 'table'")
        assert {name for (name,) in loose} <= {"sqlite_schema", "sqlite_sequence", "_sqlite_migrations"}
        assert scalar(made, "pragma journal_mode") == "wal"
        assert scalar(made, "pragma foreign_keys") == 1
