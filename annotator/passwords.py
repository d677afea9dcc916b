"""Passwords: how they are kept, and how often somebody may try one."""

from __future__ import annotations

import hashlib
import ipaddress
import math
import secrets
import threading
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from annotator.errors import UserError
from db import accounts, audit_log, clock
from db.connection import write

if TYPE_CHECKING:
    from db import Database
    from db.accounts import Account

LEAST_CHARACTERS, MOST_CHARACTERS = 10, 200
"""Source: OWASP ASVS 5.0, 6.2.1, asks for 8 at least."""

TRY_SECONDS = 15 * 60
TRIES_PER_NAME = 5
TRIES_PER_ADDRESS = 20
"""So many failed tries within `TRY_SECONDS`, then the next has to wait; a team may share one address."""

_HASHER = PasswordHasher()
"""Argon2id with 64 MiB and three passes. Source: RFC 9106, sec. 4, second recommended option."""

_AT_ONCE = threading.BoundedSemaphore(2)
"""Hashing takes memory on purpose: many logins at once shall not take all of it."""


def new_hash(password: str, name: str) -> str:
    """Return the hash of a password that somebody has chosen.

    Raises:
        UserError: if it is too short, too long or easily guessed.
    """
    plain = _plain_password(password)
    if not LEAST_CHARACTERS <= len(plain) <= MOST_CHARACTERS:
        raise UserError("password_length", found=len(plain), least=LEAST_CHARACTERS, most=MOST_CHARACTERS)
    if plain.casefold() == name.casefold() or len(set(plain)) < 4:
        raise UserError("password_easy")
    with _AT_ONCE:
        return _HASHER.hash(plain)


def _plain_password(password: str) -> str:
    # The same keys give different characters under different input methods.
    return unicodedata.normalize("NFKC", password)


def check(db: Database, name: str, password: str, address: str) -> Account:
    """Return the account of a name if the password is right.

    An unknown name takes as long as a wrong password and is told the same.

    Raises:
        UserError: if it is not right, or there were too many tries of this name or from this address.
    """
    # People type their password into the box above it: what was typed as a name is not kept as it is.
    name_hash = hashlib.sha256(name.encode()).hexdigest()
    try_id = _count_try(db, name_hash, _plain_address(address))
    account = accounts.find_account_by_name(db, name)
    found_hash = account.password_hash if account else None
    if not _matches(found_hash or _hash_of_nobody(), password) or account is None or found_hash is None:
        subject = f"account:{account.annotator_id}" if account else ""
        audit_log.add(db, None, "login.fail", subject, address=address)
        raise UserError("password_wrong")
    accounts.forget_tries(db, try_id=try_id, name_hash=name_hash)
    if _HASHER.check_needs_rehash(found_hash):
        accounts.set_password_hash(db, account.annotator_id, _HASHER.hash(_plain_password(password)))
    return account


def _count_try(db: Database, name_hash: str, address: str) -> int:
    keys: list[tuple[int, str | None, str | None]]
    keys = [(TRIES_PER_NAME, name_hash, None), (TRIES_PER_ADDRESS, None, address)]
    with write(db):
        for nth, name, place in keys:
            since = accounts.find_try_time(db, nth=nth, within_seconds=TRY_SECONDS, name_hash=name, address=place)
            if since is not None:
                left = TRY_SECONDS - clock.seconds_since(since)
                raise UserError("login_wait", minutes=max(1, math.ceil(left / 60)))
        return accounts.add_try(db, name_hash, address)


def _plain_address(address: str) -> str:
    """Return what tries are counted by: whoever has one IPv6 address has all of its /64."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)


def _matches(password_hash: str, password: str) -> bool:
    with _AT_ONCE:
        try:
            return _HASHER.verify(password_hash, _plain_password(password)[:MOST_CHARACTERS])
        except (VerificationError, InvalidHashError):
            return False


@cache
def _hash_of_nobody() -> str:
    return _HASHER.hash(secrets.token_urlsafe(16))
