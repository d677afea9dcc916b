"""The schema, as append-only migrations, one per module. Released migrations are never edited: a test pins each.

Tables are STRICT. Times are UTC, ISO 8601 with milliseconds. Offsets are half-open characters of the stored diary text.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from db.engine import Database, Migrations
from db.migrations import (
    m001_first,
    m002_learning,
    m003_explaining,
    m004_people,
    m005_serving,
    m006_in_order,
    m007_forgetting,
    m008_accounts,
    m009_access,
    m010_quotations,
    m012_test_answers,
    m013_blind_draws,
    m014_round_attempts,
    m016_search,
    m017_searched,
    m018_lease_reasons,
    m019_groups,
    m022_pool,
)

if TYPE_CHECKING:
    from collections.abc import Collection
    from types import ModuleType

IN_ORDER = (
    m001_first,
    m002_learning,
    m003_explaining,
    m004_people,
    m005_serving,
    m006_in_order,
    m007_forgetting,
    m008_accounts,
    m009_access,
    m010_quotations,
    m012_test_answers,
    m013_blind_draws,
    m014_round_attempts,
    m016_search,
    m017_searched,
    m018_lease_reasons,
    m019_groups,
    m022_pool,
)

migrations = Migrations("maeumgyeol")


def _register(module: ModuleType) -> None:
    @migrations(name=module.__name__.rpartition(".")[2])
    def apply(db: Database) -> None:
        for statement in module.STATEMENTS:
            db.conn.execute(statement)


for _module in IN_ORDER:
    _register(_module)


def pending(db: Database) -> bool:
    """Return whether any migration of this version has not been applied yet."""
    return bool(migrations.pending(db))


def apply(db: Database) -> None:
    """Apply every migration that is pending, all of them or none.

    The write lock comes first: app and worker may open a new project at once, and whoever waited for the lock finds
    nothing pending any more.
    """
    db.conn.execute("begin immediate")
    try:
        migrations.apply(db)
        db.conn.commit()
    except BaseException:
        db.conn.rollback()
        raise


def applied(db: Database) -> frozenset[str]:
    """Return the names of the migrations that have been applied, by whatever version of this software."""
    return frozenset(migration.name for migration in migrations.applied(db))


@cache
def known() -> frozenset[str]:
    """Return the names of the migrations of this version."""
    # In an empty database all of them are pending.
    return frozenset(migration.name for migration in migrations.pending(Database(memory=True)))


def apply_only(db: Database, names: Collection[str]) -> None:
    """Apply some migrations to an empty database, in order, without recording it."""
    migrations.ensure_migrations_table(db)
    for migration in migrations.pending(db):
        if migration.name in names:
            migration.fn(db)
