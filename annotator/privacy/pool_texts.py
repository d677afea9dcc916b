"""Which texts of pools a person means who wants something forgotten."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import numpy as np

from annotator import settings as project_settings
from annotator.errors import UserError
from annotator.privacy import forgotten_pool
from db.pool import manifest, members

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db import Database
    from db.pool.manifest import Pool


def plain(name: str) -> str:
    """Return a writer's name as people read it."""
    return unicodedata.normalize("NFC", name).strip()


def list_of_author(db: Database, author: str) -> list[tuple[int, int]]:
    """Return the texts of a writer, as (pool id, number), that are no diaries. Raises `PoolError`."""
    name = plain(author)
    numbers = forgotten_pool.find_of_author(db, lambda each: plain(each) == name)
    return [(pool_id, number) for pool_id, number in numbers if not members.is_member(db, pool_id, number)]


def list_by_number(db: Database, numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Return the texts of the pool in force of some numbers, as (pool id, number), that are no diaries.

    Raises:
        UserError: ``pool_none``, ``pool_number_unknown``.
    """
    there = find_diaries(db, numbers)
    pool_id = _in_force(db).id
    return [(pool_id, number) for number in sorted(set(numbers)) if number not in there]


def find_diaries(db: Database, numbers: Sequence[int]) -> dict[int, int]:
    """Return the diaries that texts of the pool in force have become, by number. Raises as `list_by_number` does."""
    pool = _in_force(db)
    asked = np.array(sorted(set(numbers)), np.int64)
    if len(outside := asked[(asked < 1) | (asked > pool.row_count)]):
        raise UserError("pool_number_unknown", number=int(outside[0]), count=pool.row_count)
    return members.find_diaries(db, pool.id, asked)


def _in_force(db: Database) -> Pool:
    pools = manifest.list_pools(db)
    url = project_settings.load(db).pool or (pools[0].url if len(pools) == 1 else "")
    pool = next((each for each in pools if each.url == url), None)
    if pool is None:
        raise UserError("pool_none")
    return pool
