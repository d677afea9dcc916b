"""Versions of the classifier, and which of them serves."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from db import clock
from db.connection import one, rows, scalar, write
from db.errors import DatabaseError, NotFoundError
from db.forgetting import forgotten

if TYPE_CHECKING:
    from sqlite_utils import Database


READY_MADE = "ready_made"
"""Tier of a version that answers like a published checkpoint and has learned nothing from people."""


@dataclass(frozen=True, slots=True)
class Model:
    """A version of the classifier, without its weights.

    Attributes:
        version: 0 for the one that needs no labels, then 1, 2, …
        tier: how it was trained.
        encoder, encoder_hash: which encoder's vectors it reads.
        label_ids: labels in the order of the probability columns.
        training_decisions: ids of the decisions it was trained on.
        metrics: figures measured when it was made.
    """

    id: int
    version: int
    tier: str
    encoder: str
    encoder_hash: str
    label_ids: tuple[int, ...]
    weights_hash: str
    settings: dict[str, Any]
    training_decisions: tuple[int, ...]
    metrics: dict[str, Any]
    created_at: str


@dataclass(frozen=True, slots=True)
class NewModel:
    """A version of the classifier to be stored; see `Model`. `weights` are safetensors bytes."""

    tier: str
    encoder: str
    encoder_hash: str
    label_ids: tuple[int, ...]
    weights: bytes
    settings: dict[str, Any]
    training_decisions: tuple[int, ...] = ()
    metrics: dict[str, Any] | None = None


_COLUMNS = """id, version, tier, encoder, encoder_hash, label_ids, weights_hash, settings,
    training_decisions, metrics, created_at"""


def _model(row: Any) -> Model:
    values = list(row)
    values[5] = tuple(json.loads(row[5]))
    values[7] = json.loads(row[7])
    values[8] = tuple(json.loads(row[8]))
    values[9] = json.loads(row[9])
    return Model(*values)


def add_model(db: Database, model: NewModel) -> int:
    """Store a new version and return its id. Version numbers have no gaps."""
    statement = """
        insert into models (version, tier, encoder, encoder_hash, label_ids, weights, weights_hash,
            settings, training_decisions, metrics, created_at)
        values ((select coalesce(max(version), -1) + 1 from models), :tier, :encoder, :encoder_hash,
            :label_ids, :weights, :weights_hash, :settings, :training_decisions, :metrics, :now)
    """
    parameters = {
        "tier": model.tier,
        "encoder": model.encoder,
        "encoder_hash": model.encoder_hash,
        "label_ids": json.dumps(model.label_ids),
        "weights": model.weights,
        "weights_hash": hashlib.sha256(model.weights).hexdigest(),
        "settings": json.dumps(model.settings, ensure_ascii=False),
        "training_decisions": json.dumps([int(i) for i in model.training_decisions]),
        "metrics": json.dumps(model.metrics or {}, ensure_ascii=False),
        "now": clock.now(),
    }
    with write(db):
        model_id = int(db.conn.execute(statement, parameters).lastrowid or 0)
        forgotten.note_training(db, model_id, model.training_decisions)
        return model_id


def store_metrics(db: Database, model_id: int, metrics: dict[str, Any]) -> None:
    """Store the figures measured of a model."""
    with write(db):
        db.conn.execute(
            "update models set metrics = ? where id = ?", (json.dumps(metrics, ensure_ascii=False), model_id)
        )


def get_model(db: Database, model_id: int) -> Model:
    """Return one version.

    Raises:
        NotFoundError: if there is no model with that id.
    """
    row = one(db, f"select {_COLUMNS} from models where id = :id", id=model_id)  # noqa: S608 - constants
    if row is None:
        raise NotFoundError("model_missing", id=model_id)
    return _model(row)


def list_models(db: Database) -> list[Model]:
    """Return every version, oldest first."""
    return [_model(row) for row in rows(db, f"select {_COLUMNS} from models order by version")]  # noqa: S608


def list_ids(db: Database) -> list[int]:
    """Return the id of every version, oldest first."""
    return [int(model_id) for (model_id,) in rows(db, "select id from models order by version")]


def get_weights(db: Database, model_id: int) -> bytes:
    """Return the safetensors bytes of a model.

    Raises:
        NotFoundError: if there is no such model.
        DatabaseError: if the bytes are not those that were stored.
    """
    row = one(db, "select weights, weights_hash from models where id = :id", id=model_id)
    if row is None:
        raise NotFoundError("model_missing", id=model_id)
    if hashlib.sha256(row[0]).hexdigest() != row[1]:
        raise DatabaseError("model_damaged", id=model_id)
    return bytes(row[0])


def activate(db: Database, model_id: int, *, reason: str) -> None:
    """Make a model the serving one. Does nothing if it already is."""
    with write(db):
        if find_active_id(db) != model_id:
            db.conn.execute(
                "insert into activations (model_id, activated_at, reason) values (?, ?, ?)",
                (model_id, clock.now(), reason),
            )


def find_active_id(db: Database) -> int | None:
    """Return the id of the serving model, if there is one yet."""
    model_id = scalar(db, "select model_id from activations order by id desc limit 1")
    return None if model_id is None else int(model_id)


def list_served(db: Database) -> list[int]:
    """Return the id of every model that has served, in the order in which they last began to."""
    return [int(i) for (i,) in rows(db, "select model_id from activations group by model_id order by max(id)")]


def last_activation_id(db: Database) -> int:
    """Return a number that changes whenever a model starts serving, even one that served before; 0 if none has."""
    return int(scalar(db, "select coalesce(max(id), 0) from activations"))


def find_active(db: Database) -> Model | None:
    """Return the serving model, if there is one yet."""
    model_id = find_active_id(db)
    return None if model_id is None else get_model(db, model_id)


_CURRENT = "id > coalesce((select value from settings where key = 'text_spaces_outdated'), 0) + 0"
