"""Passwords: how they are stored, and how often somebody may try one."""

from __future__ import annotations

import hashlib
import ipaddress
import math
import secrets
import threading
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from annotator.accounts.login_turns import AT_ONCE, Turns
from annotator.accounts.password_strength import find_weakness
from annotator.errors import UserError
from db import clock
from db.connection import write
from db.people import accounts, audit_log, login_tries

if TYPE_CHECKING:
    from db import Database
    from db.people.accounts import Account

LEAST_CHARACTERS, MOST_CHARACTERS = 10, 200
"""Source: OWASP ASVS 5.0, 6.2.1, asks for 8 at least."""

TRY_SECONDS = 15 * 60
TRIES_PER_NAME = 5
"""So many wrong tries of a name from one place within `TRY_SECONDS`, then it has to wait there."""

FREE_TRIES_OF_NAME, NAME_PACE_SECONDS = 10, 2.0
FREE_TRIES_OF_ADDRESS, ADDRESS_PACE_SECONDS = 20, 0.5
"""After so many wrong tries within `TRY_SECONDS` those of a name from anywhere, and those from an address of any name,
follow each other no faster than this. Nobody is refused for what another person, or somebody elsewhere, has tried.
"""

_HASHER = PasswordHasher()
"""Argon2id with 64 MiB and three passes. Source: RFC 9106, sec. 4, second recommended option."""

_AT_ONCE = threading.BoundedSemaphore(AT_ONCE)
_TURNS = Turns()


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody tries to sign in.

    Attributes:
        address: of the browser, as the socket has it.
        browser: the token by which a browser is known again after it has signed in; None for a new one.
    """

    address: str
    browser: str | None = None


def new_hash(password: str, *about: str | None) -> str:
    """Return the hash of a password that somebody has chosen.

    Args:
        about: what is known of them: name, e-mail.

    Raises:
        UserError: if it is too short, too long or easily guessed.
    """
    plain = _plain_password(password)
    if not LEAST_CHARACTERS <= len(plain) <= MOST_CHARACTERS:
        raise UserError("password_length", found=len(plain), least=LEAST_CHARACTERS, most=MOST_CHARACTERS)
    if (weakness := find_weakness(plain, filter(None, about))) is not None:
        raise UserError(weakness)
    return _hash(plain)


def _hash(plain: str) -> str:
    with _AT_ONCE:
        return _HASHER.hash(plain)


def _plain_password(password: str) -> str:
    # The same keys give different characters under different input methods.
    return unicodedata.normalize("NFKC", password)


def check(db: Database, name: str, password: str, place: Place) -> Account:
    """Return the account of a name if the password is right and the account open.

    An unknown name and a closed account take as long as a wrong password and get the same answer.

    Raises:
        UserError: if it is wrong, if there were too many attempts for this name from this place, or if too many wait.
    """
    # People sometimes type their password into the name field, so what was typed as a name is only stored hashed.
    name_hash = hashlib.sha256(name.encode()).hexdigest()
    where, is_trusted = _where(db, name, place)
    with _TURNS.take(name_hash, where, is_trusted=is_trusted):
        try_id = _count_try(db, name_hash, where)
        account = accounts.find_account_by_name(db, name)
        found_hash = account.password_hash if account else None
        is_right = _matches(found_hash or _hash_of_nobody(), password)
        if not is_right or account is None or found_hash is None or account.disabled_at is not None:
            subject = f"account:{account.annotator_id}" if account else ""
            audit_log.add(db, None, "login.fail", subject, address=place.address)
            _slow_down(db, name_hash, where)
            raise UserError("password_wrong")
        login_tries.forget_tries(db, try_id=try_id, name_hash=name_hash, place=where)
    if _HASHER.check_needs_rehash(found_hash):
        accounts.set_password_hash(db, account.annotator_id, _hash(_plain_password(password)))
    return account


def _where(db: Database, name: str, place: Place) -> tuple[str, bool]:
    """Return the key by which attempts from a place are counted, and whether the person has used this browser before.

    Source: OWASP, Slow Down Online Guessing Attacks with Device Cookies.
    """
    if place.browser is not None and login_tries.is_known_browser(db, hash_of(place.browser), name):
        return f"browser {hash_of(place.browser).hex()}", True
    return _plain_address(place.address), False


def hash_of(token: str) -> bytes:
    """Return the hash of a token, which is all that is stored of it."""
    return hashlib.sha256(token.encode()).digest()


def _count_try(db: Database, name_hash: str, where: str) -> int:
    with write(db):
        since = login_tries.find_try_time(
            db, nth=TRIES_PER_NAME, within_seconds=TRY_SECONDS, name_hash=name_hash, place=where
        )
        if since is not None:
            seconds_left = TRY_SECONDS - clock.seconds_since(since)
            raise UserError("login_wait", minutes=max(1, math.ceil(seconds_left / 60)))
        return login_tries.add_try(db, name_hash, where)


def _slow_down(db: Database, name_hash: str, where: str) -> None:
    of_name, of_place = login_tries.count_tries(db, name_hash=name_hash, place=where)
    _TURNS.slow_down(name_hash, NAME_PACE_SECONDS if of_name >= FREE_TRIES_OF_NAME else 0.0)
    _TURNS.slow_down(where, ADDRESS_PACE_SECONDS if of_place >= FREE_TRIES_OF_ADDRESS else 0.0)


def _plain_address(address: str) -> str:
    """Return the address by which attempts are counted: whoever has one IPv6 address has its whole /64."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        # A server that listens on IPv6 sees every IPv4 address in one and the same /64.
        return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)


def _matches(password_hash: str, password: str) -> bool:
    with _AT_ONCE:
        try:
            return _HASHER.verify(password_hash, _plain_password(password)[:MOST_CHARACTERS])
        except (VerificationError, InvalidHashError):
            return False


@cache
def _hash_of_nobody() -> str:
    return _hash(secrets.token_urlsafe(16))
