"""Character n-gram features, as fitted on the unlabelled diaries."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from db import clock
from db.connection import one, scalar, write
from db.models.models import _CURRENT

if TYPE_CHECKING:
    from sqlite_utils import Database


def add_text_space(db: Database, weights: bytes, *, fitted_on: int) -> str:
    """Store features that were fitted on the diaries, and return their hash. Known ones become the newest again."""
    digest = hashlib.sha256(weights).hexdigest()
    with write(db):
        db.conn.execute(
            """
            insert into text_spaces (hash, weights, fitted_on, created_at) values (?, ?, ?, ?)
            on conflict (hash) do update set id = (select max(id) + 1 from text_spaces), fitted_on = excluded.fitted_on
            """,
            (digest, weights, fitted_on, clock.now()),
        )
    return digest


def find_newest_text_space(db: Database) -> str | None:
    """Return the hash of the newest text space; its bytes, 15 MB and more, are not read.

    A text space that was fitted before something was forgotten is skipped: it may hold n-grams of that.
    """
    sql = f"select hash from text_spaces where {_CURRENT} order by id desc limit 1"  # noqa: S608 - constants
    digest = scalar(db, sql)
    return None if digest is None else str(digest)


def find_text_space(db: Database, digest: str | None = None) -> tuple[str, bytes, int] | None:
    """Return hash, bytes and number of fitted diaries of a text space; without a hash, of the newest, as above."""
    sql = f"""
        select hash, weights, fitted_on from text_spaces
        where hash = :hash or (:hash is null and {_CURRENT}) order by id desc limit 1
    """  # noqa: S608 - constants
    row = one(db, sql, hash=digest)
    return None if row is None else (str(row[0]), bytes(row[1]), int(row[2]))
