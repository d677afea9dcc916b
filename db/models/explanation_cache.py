"""A cache of what words add to the features of diaries, so that a new head is explained without the encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db import clock
from db.connection import scalar, write

if TYPE_CHECKING:
    from db import Database

MOST = 2_000
"""Diaries that are kept: about 120 MB. The one that has not been used for longest goes first."""


def find(db: Database, diary_id: int, made_with: str) -> bytes | None:
    """Return the cached data of a diary, unless it was made with something else."""
    sql = "select data from attributions where diary_id = :diary and made_with = :made_with"
    data: bytes | None = scalar(db, sql, diary=diary_id, made_with=made_with)
    return data


def store(db: Database, diary_id: int, made_with: str, data: bytes) -> None:
    """Store the data of a diary, replacing earlier data; does nothing for a forgotten one."""
    statement = """
        insert or replace into attributions (diary_id, made_with, data, used_at)
        select id, ?, ?, ? from diaries where id = ?
    """
    with write(db):
        db.conn.execute(statement, (made_with, data, clock.now(), diary_id))
        db.conn.execute(
            """
            delete from attributions where diary_id in (
                select diary_id from attributions order by used_at desc, diary_id desc limit -1 offset ?)
            """,
            (MOST,),
        )
