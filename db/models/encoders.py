"""Encoders that were tuned on this project's labels: an adapter in the database, or a checkpoint folder beside it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from db import clock
from db.connection import one, rows, write
from db.errors import DatabaseError, NotFoundError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sqlite_utils import Database

Kind = Literal["adapter", "full"]

READS = "(m.encoder_hash = e.hash or m.encoder in (e.name || '-int8', e.name || '-bf16'))"
"""Whether the version `m` reads with the encoder `e`: a form has a name with an ending, and a hash of its own."""


@dataclass(frozen=True, slots=True)
class TunedEncoder:
    """A tuned encoder, without its weights.

    Attributes:
        hash: identity of its vectors.
        name: kind and round, such as ``adapter-3``.
        base: name of the encoder that it was tuned from.
        folder: name of the checkpoint folder of a ``full`` one.
        weights_hash: SHA-256 of the adapter's bytes or of the checkpoint's weights file.
        tuned_on: ids of the diaries whose labels shaped it.
    """

    hash: str
    name: str
    base: str
    kind: Kind
    folder: str | None
    weights_hash: str
    tuned_on: tuple[int, ...]
    settings: dict[str, Any]
    metrics: dict[str, Any]
    created_at: str


_COLUMNS = "hash, name, base, kind, folder, weights_hash, tuned_on, settings, metrics, created_at"


def _encoder(row: Any) -> TunedEncoder:
    values = list(row)
    values[6] = tuple(json.loads(row[6]))
    values[7], values[8] = json.loads(row[7]), json.loads(row[8])
    return TunedEncoder(*values)


def add(
    db: Database,
    *,
    digest: str,
    name: str,
    base: str,
    tuned_on: NDArray[np.int64],
    settings: dict[str, Any],
    metrics: dict[str, Any],
    adapter: bytes | None = None,
    folder: str | None = None,
    weights_hash: str | None = None,
) -> None:
    """Store a tuned encoder: an adapter's bytes, or the name of a folder and the hash of its weights.

    An encoder of the same name is replaced: it was left by an interrupted step.
    """
    parameters = {
        "hash": digest,
        "name": name,
        "base": base,
        "kind": "full" if adapter is None else "adapter",
        "adapter": adapter,
        "folder": folder,
        "weights_hash": weights_hash if adapter is None else hashlib.sha256(adapter).hexdigest(),
        "tuned_on": json.dumps([int(i) for i in tuned_on]),
        "settings": json.dumps(settings, ensure_ascii=False),
        "metrics": json.dumps(metrics, ensure_ascii=False),
        "now": clock.now(),
    }
    with write(db):
        db.conn.execute("delete from encoders where name = :name or hash = :hash", parameters)
        db.conn.execute(
            """
            insert into encoders (hash, name, base, kind, adapter, folder, weights_hash, tuned_on, settings, metrics,
                created_at)
            values (:hash, :name, :base, :kind, :adapter, :folder, :weights_hash, :tuned_on, :settings, :metrics, :now)
            """,
            parameters,
        )


def find(db: Database, digest: str) -> TunedEncoder | None:
    """Return the tuned encoder with a hash, if there is one."""
    row = one(db, f"select {_COLUMNS} from encoders where hash = :hash", hash=digest)  # noqa: S608 - constants
    return None if row is None else _encoder(row)


def find_by_name(db: Database, name: str) -> TunedEncoder | None:
    """Return the tuned encoder with a name, if there is one."""
    row = one(db, f"select {_COLUMNS} from encoders where name = :name", name=name)  # noqa: S608 - constants
    return None if row is None else _encoder(row)


def list_encoders(db: Database) -> list[TunedEncoder]:
    """Return every tuned encoder, oldest first."""
    return [_encoder(row) for row in rows(db, f"select {_COLUMNS} from encoders order by created_at, name")]  # noqa: S608


def get_adapter(db: Database, digest: str) -> bytes:
    """Return the bytes of an adapter.

    Raises:
        NotFoundError: if there is no adapter with that hash.
        DatabaseError: if the bytes are not those that were stored.
    """
    row = one(db, "select adapter, weights_hash, name from encoders where hash = :hash", hash=digest)
    if row is None or row[0] is None:
        raise NotFoundError("encoder_missing", name=digest[:8])
    if hashlib.sha256(row[0]).hexdigest() != row[1]:
        raise DatabaseError("encoder_damaged", name=row[2])
    return bytes(row[0])


def drop_unused(db: Database, *, keep: str) -> list[str]:
    """Delete encoders that no model version uses, left by unfinished rounds; return their folders.

    Args:
        keep: name of an encoder that stays.
    """
    unused = f"name <> :keep and hash not in (select e.hash from encoders e join models m on {READS})"  # noqa: S608
    sql = f"select folder from encoders where folder is not null and {unused}"  # noqa: S608 - constants
    with write(db):
        folders = [str(name) for (name,) in rows(db, sql, keep=keep)]
        db.conn.execute(f"delete from encoders where {unused}", {"keep": keep})  # noqa: S608 - constants
    return folders
