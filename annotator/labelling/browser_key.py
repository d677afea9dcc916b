"""The key under which a browser keeps a person's presses that the server has not confirmed.

Whoever opens the browser's store without being that person finds nothing they could read: the key is not there.
"""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING

from db import settings
from db.connection import write

if TYPE_CHECKING:
    from db import Database

_NAME = "browser_secret"


def key_for(db: Database, annotator_id: int) -> str:
    """Return a person's key: 256 bits in hexadecimal digits, always the same ones in a project."""
    return hmac.digest(bytes.fromhex(_secret(db)), f"presses/{annotator_id}".encode(), "sha256").hex()


def _secret(db: Database) -> str:
    if _NAME not in settings.load(db):
        with write(db):
            if _NAME not in settings.load(db):
                settings.store(db, **{_NAME: secrets.token_hex(32)})
    return str(settings.load(db)[_NAME])
