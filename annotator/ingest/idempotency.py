"""Requests that come again: a program that did not hear the answer sends its request once more, under the same key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from annotator.errors import UserError
from db.connection import write
from db.people import api_tokens
from db.people.api_tokens import Kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from annotator.accounts.api_tokens import Caller
    from db import Database

KEPT_SECONDS = 24 * 3600.0

Answer = dict[str, Any]


def find(db: Database, caller: Caller, key: str | None, request_hash: bytes) -> Answer | None:
    """Return what was answered under a key, None if nothing was.

    Args:
        key: None for a request that comes without one.

    Raises:
        UserError: ``key_reused`` if the key belongs to another request.
    """
    kept = None if key is None else api_tokens.find_kept(db, caller.token_id, key)
    if kept is None:
        return None
    if kept.request_hash != request_hash:
        raise UserError("key_reused")
    found: Answer = json.loads(kept.answer)
    return found


def once(db: Database, caller: Caller, key: str | None, request_hash: bytes, act: Callable[[], Answer]) -> Answer:
    """Act, and keep the answer under the key in the same transaction; if it is there already, only return it.

    Two requests with the same key at the same time therefore act once, and a crash leaves all or nothing.

    Args:
        act: returns the answer, which holds no word of a diary.

    Raises:
        UserError: ``key_reused`` if the key belongs to another request.
    """
    with write(db):
        found = find(db, caller, key, request_hash)
        if found is not None:
            return found
        answer = act()
        if key is not None:
            kept = Kept(request_hash, json.dumps(answer, ensure_ascii=False))
            api_tokens.keep(db, caller.token_id, key, kept, forget_after_seconds=KEPT_SECONDS)
    return answer
