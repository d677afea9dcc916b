"""Tokens of other programs, and the answers to requests that may be repeated. Only the hash of a secret is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from db import clock
from db.connection import one, rows, write

if TYPE_CHECKING:
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class ApiToken:
    """What a program may do.

    Attributes:
        annotator_id: whose decisions those that come with it are.
        scopes: what it may do, words separated by a space.
        per_minute: requests allowed per minute.
        batch_id: the import that diaries sent with it belong to; None until the first one has come.
        expires_at, revoked_at: None for never.
    """

    id: int
    secret_hash: bytes
    name: str
    annotator_id: int
    scopes: str
    per_minute: int
    batch_id: int | None
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None


@dataclass(frozen=True, slots=True)
class Kept:
    """An earlier answer, as JSON, and the hash of the request that it answered."""

    request_hash: bytes
    answer: str


_SELECT = """
    select id, secret_hash, name, annotator_id, scopes, per_minute, batch_id, created_at, expires_at, revoked_at,
        last_used_at
    from api_tokens
"""


def add(
    db: Database,
    *,
    secret_hash: bytes,
    name: str,
    annotator_id: int,
    scopes: str,
    per_minute: int,
    expires_at: str | None,
) -> int:
    """Store a new token and return its id.

    Raises:
        sqlite3.IntegrityError: if another token of that name is in use.
    """
    statement = """
        insert into api_tokens (secret_hash, name, annotator_id, scopes, per_minute, created_at, expires_at)
        values (:secret_hash, :name, :annotator_id, :scopes, :per_minute, :now, :expires_at)
    """
    values = {
        "secret_hash": secret_hash,
        "name": name,
        "annotator_id": annotator_id,
        "scopes": scopes,
        "per_minute": per_minute,
        "now": clock.now(),
        "expires_at": expires_at,
    }
    with write(db):
        return int(db.conn.execute(statement, values).lastrowid or 0)


def find(db: Database, token_id: int) -> ApiToken | None:
    """Return a token by its id."""
    row = one(db, f"{_SELECT} where id = :id", id=token_id)
    return None if row is None else ApiToken(*row)


def find_in_use(db: Database, name: str) -> ApiToken | None:
    """Return the unrevoked token of a name."""
    row = one(db, f"{_SELECT} where name = :name and revoked_at is null", name=name)
    return None if row is None else ApiToken(*row)


def list_all(db: Database) -> list[ApiToken]:
    """Return every token that there has ever been, oldest first."""
    return [ApiToken(*row) for row in rows(db, f"{_SELECT} order by id")]


def revoke(db: Database, token_id: int) -> None:
    """Revoke a token and delete the answers stored for it."""
    with write(db):
        db.conn.execute("update api_tokens set revoked_at = ? where id = ?", (clock.now(), token_id))
        db.conn.execute("delete from idempotency_keys where token_id = ?", (token_id,))


def touch(db: Database, token_id: int) -> None:
    """Note that a token was used just now."""
    with write(db):
        db.conn.execute("update api_tokens set last_used_at = ? where id = ?", (clock.now(), token_id))


def set_batch(db: Database, token_id: int, batch_id: int) -> None:
    """Note which import the diaries of a token belong to."""
    with write(db):
        db.conn.execute("update api_tokens set batch_id = ? where id = ?", (batch_id, token_id))


def find_kept(db: Database, token_id: int, key: str) -> Kept | None:
    """Return the answer stored under a key."""
    sql = "select request_hash, answer from idempotency_keys where token_id = :token and key = :key"
    row = one(db, sql, token=token_id, key=key)
    return None if row is None else Kept(bytes(row[0]), str(row[1]))


def keep(db: Database, token_id: int, key: str, kept: Kept, *, forget_after_seconds: float) -> None:
    """Store an answer under a free key, and delete answers that are too old."""
    statement = """
        insert into idempotency_keys (token_id, key, request_hash, answer, kept_at)
        values (:token, :key, :request_hash, :answer, :now)
    """
    values = {"token": token_id, "key": key, "request_hash": kept.request_hash, "answer": kept.answer}
    with write(db):
        oldest = clock.now(plus_seconds=-forget_after_seconds)
        db.conn.execute("delete from idempotency_keys where kept_at < ?", (oldest,))
        db.conn.execute(statement, {**values, "now": clock.now()})
