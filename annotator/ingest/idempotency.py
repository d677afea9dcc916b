"""Repeated requests: a program that did not get the answer sends its request again, under the same key."""

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
    """Return the earlier answer under a key; None if there is none.

    Args:
        key: None for a request that comes without one.

    Raises:
        UserError: ``key_reused`` if the key belongs to another request.
    """
    stored = None if key is None else api_tokens.find_kept(db, caller.token_id, key)
    if stored is None:
        return None
    if stored.request_hash != request_hash:
        raise UserError("key_reused")
    answer: Answer = json.loads(stored.answer)
    return answer


def once(db: Database, caller: Caller, key: str | None, request_hash: bytes, act: Callable[[], Answer]) -> Answer:
    """Act, and store the answer under the key in the same transaction; if there is one already, only return that.

    Two requests with the same key at the same time therefore act once, and a crash leaves all or nothing.

    Args:
        act: returns the answer, which must not quote a diary.

    Raises:
        UserError: ``key_reused`` if the key belongs to another request.
    """
    with write(db):
        earlier = find(db, caller, key, request_hash)
        if earlier is not None:
            return earlier
        answer = act()
        if key is not None:
            record = Kept(request_hash, json.dumps(answer, ensure_ascii=False))
            api_tokens.keep(db, caller.token_id, key, record, forget_after_seconds=KEPT_SECONDS)
    return answer
