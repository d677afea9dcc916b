from __future__ import annotations

import hashlib
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import db
from db import migrations
from db.connection import rows, scalar

if TYPE_CHECKING:
    from collections.abc import Iterable

RELEASED = {
    "m001_first": "b3101ef2b7e20a2d",
    "m002_learning": "57c063b1585034b1",
    "m003_explaining": "29f68eca5f522880",
    "m004_people": "cc55b4c43542e126",
    "m005_serving": "9aaa46a4cb3143b5",
    "m006_in_order": "b71503e0d5cfcbe4",
    "m007_forgetting": "0ded088b347c78f9",
    "m008_accounts": "3a649cc96e0c3be3",
    "m009_access": "7eda2b501797291f",
    "m010_quotations": "7426d14d18162cf8",
    "m012_test_answers": "fa7d59a11c8b1cb1",
    "m013_blind_draws": "39be5dd9ed1c3858",
    "m014_round_attempts": "3943efd72927c17e",
    "m016_search": "5e5f5704bb8a5c77",
    "m017_searched": "b3d9ec792d7450c1",
    "m018_lease_reasons": "32049be9b4259e96",
    "m019_groups": "1ac8097f3e7c0f38",
    "m022_pool": "a9d147c3b8bc70c7",
}
"""Digests of what each migration does. One that is released is never edited: a change of the schema is a new one."""

SCHEMA = "ae293eefbcc5a7eb"
"""Digest of the tables that all of them make."""


def _digest(statements: Iterable[str]) -> str:
    text = "\n".join(" ".join(sql.split()) for sql in statements)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def test_each_migration_is_the_one_that_was_released() -> None:
    digests = {module.__name__.rpartition(".")[2]: _digest(module.STATEMENTS) for module in migrations.IN_ORDER}
    assert digests == RELEASED
    assert list(digests) == sorted(digests)
    assert digests.keys() == {file.stem for file in Path(migrations.__file__).parent.glob("m*.py")}


def test_the_schema_is_the_one_that_was_released(tmp_path: Path) -> None:
    with closing(db.create(tmp_path / "a.db")) as made:
        statements = rows(made, "select sql from sqlite_schema where sql is not null order by name")
    assert _digest(sql for (sql,) in statements) == SCHEMA


def test_every_table_of_ours_is_strict_and_the_log_is_ahead(tmp_path: Path) -> None:
    with closing(db.create(tmp_path / "a.db")) as made:
        loose = rows(made, "select name from pragma_table_list where strict = 0 and schema = 'main' and type = 'table'")
        assert {name for (name,) in loose} <= {"sqlite_schema", "sqlite_sequence", "_sqlite_migrations"}
        assert scalar(made, "pragma journal_mode") == "wal"
        assert scalar(made, "pragma foreign_keys") == 1
