"""What words add to the features of diaries: kept so that a new head is explained without the encoder. A cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db import clock
from db.connection import scalar, write

if TYPE_CHECKING:
    from db import Database

MOST = 2_000
"""Diaries that are kept: about 120 MB. The one that has not been used for longest goes first."""


def find(db: Database, diary_id: int, made_with: str) -> bytes | None:
    """Return what is kept of a diary, unless it was made with something else."""
    sql = "select data from attributions where diary_id = :diary and made_with = :made_with"
    found: bytes | None = scalar(db, sql, diary=diary_id, made_with=made_with)
    return found


def store(db: Database, diary_id: int, made_with: str, data: bytes) -> None:
    """Keep what was found out about a diary in place of what there was; nothing of a forgotten one."""
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
