"""Accounts, sessions and invites. Only the SHA-256 hash of a token is ever stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from db import clock
from db.connection import one, rows, scalar, write

if TYPE_CHECKING:
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in.

    Attributes:
        role: ``annotator``, ``reviewer`` or ``administrator``.
        password_hash: Argon2, with its parameters; None for those who sign in with their organisation.
        email: by which an organisation's identity finds its account the first time.
        subject: issuer and subject of that identity, from then on.
        disabled_at: since when the account is closed; None while it is open.
        last_seen_at: when a session of theirs was last used.
    """

    annotator_id: int
    name: str
    role: str
    password_hash: str | None
    email: str | None
    subject: str | None
    disabled_at: str | None
    last_seen_at: str | None


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that has signed in."""

    annotator_id: int
    created_at: str
    last_seen_at: str
    expires_at: str
    ended_at: str | None


@dataclass(frozen=True, slots=True)
class Invite:
    """A link by which a person sets a password of their own."""

    token_hash: bytes
    name: str
    role: str
    created_at: str
    expires_at: str
    used_at: str | None
    withdrawn_at: str | None


_ACCOUNT = """
    select c.annotator_id, a.name, c.role, c.password_hash, c.email, c.subject, c.disabled_at,
        (select max(s.last_seen_at) from sessions s where s.annotator_id = c.annotator_id)
    from accounts c join annotators a on a.id = c.annotator_id
"""

_INVITE = "select token_hash, name, role, created_at, expires_at, used_at, withdrawn_at from invites"

_INVITER_MAY = """
    (invited_by is null or invited_by in (
        select annotator_id from accounts where role = 'administrator' and disabled_at is null
    ))
"""
"""Invites made on the machine itself have no inviter."""


def has_accounts(db: Database) -> bool:
    """Return whether anybody has an account, open or closed."""
    return bool(scalar(db, "select exists (select 1 from accounts)"))


def list_accounts(db: Database) -> list[Account]:
    """Return every account, oldest first."""
    return [Account(*row) for row in rows(db, f"{_ACCOUNT} order by c.created_at, c.annotator_id")]


def find_account(db: Database, annotator_id: int) -> Account | None:
    """Return somebody's account."""
    row = one(db, f"{_ACCOUNT} where c.annotator_id = :id", id=annotator_id)
    return None if row is None else Account(*row)


def find_account_by_name(db: Database, name: str) -> Account | None:
    """Return the account of a name."""
    row = one(db, f"{_ACCOUNT} where a.name = :name", name=name)
    return None if row is None else Account(*row)


def find_account_of_identity(db: Database, subject: str, email: str) -> Account | None:
    """Return the account of an organisation's identity: the one bound to it, else an unbound one with its e-mail."""
    sql = (
        f"{_ACCOUNT} where c.subject = :subject or (c.subject is null and c.email = :email) order by c.subject is null"
    )
    row = one(db, sql, subject=subject, email=email)
    return None if row is None else Account(*row)


def count_open_administrators(db: Database, *, other_than: int) -> int:
    """Count the administrators who can sign in, except for one of them."""
    sql = """
        select count(*) from accounts
        where role = 'administrator' and disabled_at is null and annotator_id <> :other_than
    """
    return int(scalar(db, sql, other_than=other_than))


def add_account(
    db: Database, annotator_id: int, role: str, *, password_hash: str | None = None, email: str | None = None
) -> None:
    """Give somebody an account.

    Raises:
        sqlite3.IntegrityError: if they have one, or the e-mail is another's.
    """
    statement = """
        insert into accounts (annotator_id, role, password_hash, email, created_at)
        values (:annotator_id, :role, :password_hash, :email, :now)
    """
    values = {"annotator_id": annotator_id, "role": role, "password_hash": password_hash, "email": email}
    with write(db):
        db.conn.execute(statement, {**values, "now": clock.now()})


def set_role(db: Database, annotator_id: int, role: str) -> None:
    """Give an account another role."""
    with write(db):
        db.conn.execute("update accounts set role = :role where annotator_id = :id", {"role": role, "id": annotator_id})


def set_disabled(db: Database, annotator_id: int, *, disabled: bool) -> None:
    """Close an account, or open it again."""
    values = {"at": clock.now() if disabled else None, "id": annotator_id}
    with write(db):
        db.conn.execute("update accounts set disabled_at = :at where annotator_id = :id", values)


def set_password_hash(db: Database, annotator_id: int, password_hash: str) -> None:
    """Store the hash of a new password, or of the same one under new parameters."""
    values = {"hash": password_hash, "id": annotator_id}
    with write(db):
        db.conn.execute("update accounts set password_hash = :hash where annotator_id = :id", values)


def bind_subject(db: Database, annotator_id: int, subject: str) -> None:
    """Bind an account to an organisation's identity."""
    values = {"subject": subject, "id": annotator_id}
    with write(db):
        db.conn.execute("update accounts set subject = :subject where annotator_id = :id", values)


def add_session(db: Database, token_hash: bytes, annotator_id: int, *, seconds: float) -> None:
    """Begin a session.

    Args:
        seconds: how long it may last at most.
    """
    statement = """
        insert into sessions (token_hash, annotator_id, created_at, last_seen_at, expires_at)
        values (:token_hash, :annotator_id, :now, :now, :expires_at)
    """
    expires_at = clock.now(plus_seconds=seconds)
    values = {"token_hash": token_hash, "annotator_id": annotator_id, "now": clock.now(), "expires_at": expires_at}
    with write(db):
        db.conn.execute(statement, values)


def find_session(db: Database, token_hash: bytes) -> Session | None:
    """Return the session of a token."""
    sql = """
        select annotator_id, created_at, last_seen_at, expires_at, ended_at
        from sessions where token_hash = :token_hash
    """
    row = one(db, sql, token_hash=token_hash)
    return None if row is None else Session(*row)


def touch_session(db: Database, token_hash: bytes) -> None:
    """Note that a session was used just now."""
    statement = "update sessions set last_seen_at = :now where token_hash = :token_hash"
    with write(db):
        db.conn.execute(statement, {"now": clock.now(), "token_hash": token_hash})


def end_session(db: Database, token_hash: bytes) -> None:
    """End a session; one that has ended stays as it is."""
    statement = "update sessions set ended_at = :now where token_hash = :token_hash and ended_at is null"
    with write(db):
        db.conn.execute(statement, {"now": clock.now(), "token_hash": token_hash})


def end_sessions(db: Database, annotator_id: int, *, but: bytes = b"") -> None:
    """End all sessions of somebody, except one."""
    statement = """
        update sessions set ended_at = :now
        where annotator_id = :annotator_id and ended_at is null and token_hash <> :but
    """
    with write(db):
        db.conn.execute(statement, {"now": clock.now(), "annotator_id": annotator_id, "but": but})


def add_invite(
    db: Database, token_hash: bytes, name: str, role: str, *, invited_by: int | None, seconds: float
) -> None:
    """Store an invite; earlier ones for the same name become invalid."""
    statement = """
        insert into invites (token_hash, name, role, invited_by, created_at, expires_at)
        values (:token_hash, :name, :role, :invited_by, :now, :expires_at)
    """
    values = {"token_hash": token_hash, "name": name, "role": role, "invited_by": invited_by, "now": clock.now()}
    with write(db):
        withdraw_invites(db, name)
        db.conn.execute(statement, {**values, "expires_at": clock.now(plus_seconds=seconds)})


def find_invite(db: Database, token_hash: bytes) -> Invite | None:
    """Return the invite of a token, unless its author may no longer invite."""
    row = one(db, f"{_INVITE} where token_hash = :token_hash and {_INVITER_MAY}", token_hash=token_hash)
    return None if row is None else Invite(*row)


def list_open_invites(db: Database) -> list[Invite]:
    """Return the open invites, newest first."""
    sql = f"""
        {_INVITE} where used_at is null and withdrawn_at is null and expires_at > :now and {_INVITER_MAY}
        order by created_at desc
    """
    return [Invite(*row) for row in rows(db, sql, now=clock.now())]


def use_invite(db: Database, token_hash: bytes) -> bool:
    """Use up an invite; return False if it was used or withdrawn before."""
    statement = """
        update invites set used_at = :now
        where token_hash = :token_hash and used_at is null and withdrawn_at is null
    """
    with write(db):
        return db.conn.execute(statement, {"now": clock.now(), "token_hash": token_hash}).rowcount == 1


def withdraw_invites_by(db: Database, annotator_id: int) -> int:
    """Withdraw the open invites that somebody has made and return how many there were."""
    statement = """
        update invites set withdrawn_at = :now
        where invited_by = :annotator_id and used_at is null and withdrawn_at is null
    """
    with write(db):
        return int(db.conn.execute(statement, {"now": clock.now(), "annotator_id": annotator_id}).rowcount)


def withdraw_invites(db: Database, name: str) -> int:
    """Withdraw the open invites of a name and return how many there were."""
    statement = """
        update invites set withdrawn_at = :now where name = :name and used_at is null and withdrawn_at is null
    """
    with write(db):
        return int(db.conn.execute(statement, {"now": clock.now(), "name": name}).rowcount)


def is_importer(db: Database, name: str) -> bool:
    """Return whether a name stands for the labels of an imported file, and so for nobody who could sign in."""
    sql = "select exists (select 1 from annotators where name = :name and kind = 'importer')"
    return bool(scalar(db, sql, name=name))
