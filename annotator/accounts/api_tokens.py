"""Tokens with which other programs use the service, and the only place where scopes are checked.

A token is ``mg-<id>-<secret>``: the row is found by its id, and the secret compared in constant time.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from annotator.accounts.annotators import IMPORTER, plain_name
from annotator.errors import UserError
from db import clock
from db.connection import write
from db.people import accounts, annotators, api_tokens, audit_log

if TYPE_CHECKING:
    from collections.abc import Iterable

    from db import Database
    from db.people.api_tokens import ApiToken as ApiToken

Scope = Literal["classify", "read", "write", "forget", "metrics"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
"""`classify`: ask the model about texts that are not kept; `read`: diaries, their labels, predictions and
explanations, the label set and the model; `write`: hand diaries in, correct labels, ask for a round; `forget`: let
diaries go for good; `metrics`."""

DEFAULT_PER_MINUTE = 600
MOST_PER_MINUTE = 1_000_000
MOST_DAYS = 3650
_TOUCH_SECONDS = 60.0
_TOKEN = re.compile(r"mg-([1-9]\d{0,17})-([\w-]{43})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Caller:
    """The program that makes a request.

    Attributes:
        token_id, name: of its token.
        annotator_id: whose decisions are those that come back with it.
        per_minute: requests that it may make.
    """

    token_id: int
    name: str
    annotator_id: int
    scopes: frozenset[str]
    per_minute: int


def add(
    db: Database,
    name: str,
    scopes: Iterable[Scope],
    *,
    days: int | None = None,
    per_minute: int = DEFAULT_PER_MINUTE,
    by: int | None = None,
) -> str:
    """Return a new token, which cannot be shown again: only the hash of its secret is stored.

    Args:
        name: what stands beside the decisions that come back with it; a token that was revoked hands its name on.
        days: how long it opens; None for until it is revoked.
        by: who does it; None on the machine itself.

    Raises:
        UserError: for a name that is a person's, a file's or another token's, without a scope, or for days or
            requests that can't be used.
    """
    name, unique_scopes = plain_name(name), sorted(set(scopes))
    _check(unique_scopes, days, per_minute)
    secret = secrets.token_urlsafe(32)
    with write(db):
        _check_name(db, name)
        annotator_id = annotators.get_or_create_id(db, name)
        token_id = api_tokens.add(
            db,
            secret_hash=_hash_of(secret),
            name=name,
            annotator_id=annotator_id,
            scopes=" ".join(unique_scopes),
            per_minute=per_minute,
            expires_at=None if days is None else clock.now(plus_seconds=days * 86_400),
        )
        audit_log.add(db, by, "token.add", f"token:{token_id}", name=name, scopes=" ".join(unique_scopes))
    return f"mg-{token_id}-{secret}"


def _check(scopes: list[Scope], days: int | None, per_minute: int) -> None:
    if not scopes or not set(scopes) <= set(SCOPES):
        raise UserError("token_scopes", found=", ".join(scopes) or "-", known=", ".join(SCOPES))
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise UserError("token_days", found=days, most=MOST_DAYS)
    if not 1 <= per_minute <= MOST_PER_MINUTE:
        raise UserError("token_per_minute", found=per_minute, most=MOST_PER_MINUTE)


def _check_name(db: Database, name: str) -> None:
    if not name:
        raise UserError("name_empty")
    if name.startswith(IMPORTER) or accounts.is_importer(db, name):
        raise UserError("name_of_importer", name=name)
    if api_tokens.find_in_use(db, name) is not None:
        raise UserError("token_exists", name=name)
    # A program's answers must never pass for a person's.
    earlier = {token.annotator_id for token in api_tokens.list_all(db)}
    id_of = {other: annotator_id for annotator_id, other in annotators.list_annotators(db)}
    if name in id_of and id_of[name] not in earlier:
        raise UserError("token_name_of_person", name=name)


def is_open(token: ApiToken) -> bool:
    """Return whether a token is still valid."""
    return token.revoked_at is None and (token.expires_at is None or token.expires_at > clock.now())


def revoke(db: Database, name: str, *, by: int | None = None) -> None:
    """Make a token invalid from the next request on; what came in with it stays.

    Raises:
        UserError: if no token in use has that name.
    """
    with write(db):
        token = api_tokens.find_in_use(db, plain_name(name))
        if token is None:
            raise UserError("token_unknown", name=name)
        api_tokens.revoke(db, token.id)
        audit_log.add(db, by, "token.revoke", f"token:{token.id}", name=token.name)


def identify(db: Database, presented: str) -> Caller:
    """Return the program that presents a token.

    Raises:
        UserError: ``token_wrong`` if it is unknown, revoked or too old, without saying which.
    """
    match = _TOKEN.fullmatch(presented)
    token = api_tokens.find(db, int(match[1])) if match else None
    # Compared even if there is no such token, so that timing reveals nothing.
    is_right = hmac.compare_digest(token.secret_hash if token else bytes(32), _hash_of(match[2] if match else ""))
    if token is None or not is_right or not is_open(token):
        raise UserError("token_wrong")
    if token.last_used_at is None or clock.seconds_since(token.last_used_at) > _TOUCH_SECONDS:
        api_tokens.touch(db, token.id)
    return Caller(token.id, token.name, token.annotator_id, frozenset(token.scopes.split()), token.per_minute)


def require(caller: Caller, *scopes: Scope) -> None:
    """Raise unless the caller's token has a scope.

    Raises:
        UserError: ``scope_missing``.
    """
    missing = [scope for scope in scopes if scope not in caller.scopes]
    if missing:
        raise UserError("scope_missing", name=caller.name, scope=missing[0])


def _hash_of(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
