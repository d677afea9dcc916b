"""Sessions: which browser has signed in, for how long, and as whom."""

from __future__ import annotations

import secrets
import unicodedata
from typing import TYPE_CHECKING, cast

from annotator.accounts import passwords
from annotator.accounts.annotators import plain_name
from annotator.accounts.passwords import Place, hash_of
from annotator.accounts.permissions import Person, Role
from annotator.errors import UserError
from db import clock
from db.connection import write
from db.people import accounts, audit_log, login_tries

if TYPE_CHECKING:
    from db import Database
    from db.people.accounts import Session

SESSION_SECONDS = 30 * 86_400
"""A session ends this long after the login, however much it is used."""

IDLE_SECONDS = 12 * 3_600
"""A session ends when it has not been used for this long."""

CLOCK_SLACK_SECONDS = 60
"""What lies further ahead than this was written before the clock was set back."""

BROWSER_SECONDS = 400 * 86_400
"""A browser is known for this long after the last login at it; browsers keep no cookie longer."""

_TOUCH_SECONDS = 60


def get_person(db: Database, token: str | None) -> Person:
    """Return the person who is signed in with a token, with their current role.

    Raises:
        UserError: if the session has ended, by logout, time or a closed account.
    """
    session = accounts.find_session(db, hash_of(token)) if token else None
    account = accounts.find_account(db, session.annotator_id) if session else None
    if account is not None and account.disabled_at is not None:
        raise UserError("account_disabled")
    if session is None or account is None or not _is_current(session):
        raise UserError("signed_out")
    return Person(account.annotator_id, account.name, cast("Role", account.role), is_solo=False)


def _is_current(session: Session) -> bool:
    # A session from the future was made before the clock was set back: its age is unknown.
    soon = clock.now(plus_seconds=CLOCK_SLACK_SECONDS)
    if session.ended_at is not None or session.created_at > soon or session.last_seen_at > soon:
        return False
    return session.last_seen_at > clock.now(plus_seconds=-IDLE_SECONDS) and session.expires_at > clock.now()


def keep_alive(db: Database, token: str) -> None:
    """Note that a person has just done something; written at most once a minute."""
    session = accounts.find_session(db, hash_of(token))
    if session is not None and clock.seconds_since(session.last_seen_at) > _TOUCH_SECONDS:
        accounts.touch_session(db, hash_of(token))


def login(
    db: Database, name: str, password: str, *, address: str, browser: str | None = None, replaces: str | None = None
) -> str:
    """Sign somebody in and return the token of the new session.

    An unknown name and a closed account take as long as a wrong password and get the same answer.

    Args:
        address: of the browser, as the socket has it.
        browser: the token by which it is known again.
        replaces: the token of the session that the browser has had until now, which ends.

    Raises:
        UserError: for a wrong name or password, a closed account, too many tries from there, or if too many wait.
    """
    account = passwords.check(db, plain_name(name), password, Place(address, browser))
    with write(db):
        return begin(db, account.annotator_id, address, browser=browser, replaces=replaces)


def login_identity(db: Database, *, subject: str, email: str | None, address: str, replaces: str | None = None) -> str:
    """Sign somebody in whom an organisation has identified, and return the token of the new session.

    Args:
        subject: issuer and subject of the identity; the account is bound to it from the first login on.
        email: None unless the organisation has verified it.
        replaces: the token of the session that the browser has had until now, which ends.

    Raises:
        UserError: if nobody with that e-mail has been let in, or the account is closed.
    """
    account = accounts.find_account_of_identity(db, subject, plain_email(email or ""))
    if account is None:
        raise UserError("identity_unknown" if email else "identity_unverified")
    if account.disabled_at is not None:
        raise UserError("account_disabled")
    with write(db):
        if account.subject is None:
            accounts.bind_subject(db, account.annotator_id, subject)
        return begin(db, account.annotator_id, address, replaces=replaces)


def logout(db: Database, token: str) -> None:
    """End the session of a token."""
    session = accounts.find_session(db, hash_of(token))
    if session is None or session.ended_at is not None:
        return
    with write(db):
        accounts.end_session(db, hash_of(token))
        audit_log.add(db, session.annotator_id, "logout")


def begin(
    db: Database, annotator_id: int, address: str, *, browser: str | None = None, replaces: str | None = None
) -> str:
    """Begin a session and return its token, of which only the hash is kept.

    Args:
        browser: the token by which it is known again.
        replaces: the token of a session that ends: a browser has one, whoever may have left it there.
    """
    token = secrets.token_urlsafe(32)
    with write(db):
        if replaces:
            logout(db, replaces)
        accounts.add_session(db, hash_of(token), annotator_id, seconds=SESSION_SECONDS)
        if browser is not None:
            login_tries.add_browser(db, hash_of(browser), annotator_id, keep_seconds=BROWSER_SECONDS)
        audit_log.add(db, annotator_id, "login", address=address)
    return token


def plain_email(email: str) -> str:
    """Return the form in which e-mail addresses are kept and compared."""
    return unicodedata.normalize("NFC", email).strip().casefold()
