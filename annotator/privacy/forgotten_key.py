"""The key of forgotten texts: without it nobody can find out from the database whether a text was among them.

It lies in a file of its own, so that a copy or a backup of the database, which may be passed on, holds no key to the
digests in it. See docs/forgetting.md for what that protects against, and what not.
"""

from __future__ import annotations

import hmac
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from annotator import settings as project_settings
from annotator.errors import UserError
from annotator.privacy import forgotten_files
from db import settings
from db.connection import file_of
from db.forgetting import forgotten
from db.forgetting.letters import letters_of
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Callable

    from db import Database

_BYTES = 32
_DIGEST_BYTES = 16
_CHECK = "forgotten_key"


def key_path(path: Path) -> Path:
    """Return the path of a database's key."""
    return path.with_name(path.name + "-forgotten.key")


def digester(db: Database) -> Callable[[str], bytes] | None:
    """Return a function that makes keyed digests of texts; None if the project refuses none.

    A digest covers only a text's letters, so that a copy with other spaces or line ends has the same one.

    Makes the key if there is none yet.

    Raises:
        UserError: ``forgotten_key_missing`` if texts are refused by a key that is gone, or the key can't be written.
    """
    if not project_settings.load(db).refuse_forgotten:
        return None
    with forgotten_files.alone(Path(file_of(db))):
        key = _find(db) or _make(db)
    return lambda text: _digest_of(key, text)


def make_refusal_check(db: Database) -> Callable[[str, bytes], bool]:
    """Return a function that tells from a text and its hash whether the text was forgotten and is refused.

    It reads the digests at the first call, within the caller's transaction, and then raises
    ``forgotten_key_missing`` if the key is gone.
    """
    cache: list[tuple[bytes, frozenset[bytes]]] = []

    def is_refused(text: str, text_hash: bytes) -> bool:
        if not cache:
            cache.append(_load(db))
        key, refused = cache[0]
        # Also by its hash, for texts that were forgotten before digests covered only the letters.
        return bool(refused) and not refused.isdisjoint((_digest_of(key, text), _digest(key, text_hash)))

    return is_refused


def _load(db: Database) -> tuple[bytes, frozenset[bytes]]:
    refused = forgotten.load_digests(db) if project_settings.load(db).refuse_forgotten else frozenset()
    return (_find(db) or b"", refused) if refused else (b"", refused)


def _digest_of(key: bytes, text: str) -> bytes:
    letters = letters_of(text)
    # In a text without letters, such as a row of signs, everything counts.
    return _digest(key, (letters or text.strip()).encode("utf-8", "surrogatepass"))


def _digest(key: bytes, text_hash: bytes) -> bytes:
    return hmac.digest(key, text_hash, "sha256")[:_DIGEST_BYTES]


def _find(db: Database) -> bytes | None:
    """Return the key; None where there is none and none is needed yet."""
    path = key_path(Path(file_of(db)))
    try:
        key = path.read_bytes()
    except OSError:
        key = b""
    if settings.load(db).get(_CHECK) == _check_of(key):
        return key
    if forgotten.has_digests(db):
        raise UserError("forgotten_key_missing", name=path.name)
    return None


def _make(db: Database) -> bytes:
    """Store a new key, which only the owner of the database can read, and its fingerprint."""
    key, path = secrets.token_bytes(_BYTES), key_path(Path(file_of(db)))
    try:
        path.unlink(missing_ok=True)
        with private_files.open_file(path, "xb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise UserError("file_unwritable", path=path.name, reason=error.strerror or "") from error
    settings.store(db, **{_CHECK: _check_of(key)})
    return key


def _check_of(key: bytes) -> str:
    return _digest(key, b"maeumgyeol").hex()
