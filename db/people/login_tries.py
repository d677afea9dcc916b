"""Failed tries to sign in, and the browsers in which people have signed in before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db import clock
from db.connection import one, scalar, write

if TYPE_CHECKING:
    from sqlite_utils import Database


def add_try(db: Database, name_hash: str, place: str) -> int:
    """Count a try to sign in as failed before checking it, so that many at once can't slip through; return its id."""
    statement = "insert into login_failures (name, address, failed_at) values (:name, :place, :now) returning id"
    with write(db):
        values = {"name": name_hash, "place": place, "now": clock.now()}
        return int(db.conn.execute(statement, values).fetchone()[0])


def forget_tries(db: Database, *, try_id: int, name_hash: str, place: str) -> None:
    """Forget a try that succeeded, and the failed ones of that name from that place before it."""
    statement = "delete from login_failures where id = :id or (name = :name and address = :place)"
    with write(db):
        db.conn.execute(statement, {"id": try_id, "name": name_hash, "place": place})


def find_try_time(db: Database, *, nth: int, within_seconds: float, name_hash: str, place: str) -> str | None:
    """Return when the nth newest failed try of a name from a place was made; None if there were fewer.

    Older tries are deleted. Tries dated in the future, by a clock that was ahead, count as made now: setting the clock
    back neither lifts a limit nor makes it last longer than it would from now on.
    """
    sql = """
        select failed_at from login_failures where name = :name and address = :place
        order by failed_at desc limit 1 offset :skipped
    """
    with write(db):
        values = {"now": clock.now(), "oldest": clock.now(plus_seconds=-within_seconds)}
        db.conn.execute("update login_failures set failed_at = :now where failed_at > :now", values)
        db.conn.execute("delete from login_failures where failed_at < :oldest", values)
        try_time = scalar(db, sql, name=name_hash, place=place, skipped=nth - 1)
    return None if try_time is None else str(try_time)


def count_tries(db: Database, *, name_hash: str, place: str) -> tuple[int, int]:
    """Return how many failed tries are stored for a name, and how many for a place."""
    sql = """
        select (select count(*) from login_failures where name = :name),
            (select count(*) from login_failures where address = :place)
    """
    row = one(db, sql, name=name_hash, place=place)
    return (0, 0) if row is None else (int(row[0]), int(row[1]))


def is_known_browser(db: Database, token_hash: bytes, name: str) -> bool:
    """Return whether somebody with a name has signed in with a browser before."""
    sql = """
        select exists (
            select 1 from browsers b join annotators a on a.id = b.annotator_id
            where b.token_hash = :token_hash and a.name = :name
        )
    """
    return bool(scalar(db, sql, token_hash=token_hash, name=name))


def add_browser(db: Database, token_hash: bytes, annotator_id: int, *, keep_seconds: float) -> None:
    """Remember a browser with which somebody has just signed in.

    Args:
        keep_seconds: browsers that were not used for this long are forgotten.
    """
    statement = """
        insert into browsers (token_hash, annotator_id, used_at) values (:token_hash, :annotator_id, :now)
        on conflict (token_hash, annotator_id) do update set used_at = excluded.used_at
    """
    with write(db):
        values = {"token_hash": token_hash, "annotator_id": annotator_id, "now": clock.now()}
        db.conn.execute(statement, values)
        db.conn.execute(
            "delete from browsers where used_at < :oldest", {"oldest": clock.now(plus_seconds=-keep_seconds)}
        )


def forget_browsers(db: Database, annotator_id: int) -> None:
    """Forget all browsers of somebody."""
    with write(db):
        db.conn.execute("delete from browsers where annotator_id = :annotator_id", {"annotator_id": annotator_id})
