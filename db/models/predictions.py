"""Probabilities of every diary by each model version, in blocks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from db.connection import rows, scalar, write
from db.forgetting import forgotten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from sqlite_utils import Database

    from db.models.models import Model


BLOCK = 4096
"""Diaries in one stored block of predictions."""


def store_predictions(db: Database, model_id: int, proba: NDArray[np.float32]) -> None:
    """Store a model's probabilities of all diaries.

    Args:
        proba: (last diary id, k); row i belongs to diary i + 1; NaN where there is no prediction.
    """
    with write(db):
        for block in range(-(-len(proba) // BLOCK)):
            _store_block(db, model_id, block, proba[block * BLOCK : (block + 1) * BLOCK])


def update_predictions(db: Database, model_id: int, diary_ids: NDArray[np.int64], proba: NDArray[np.float32]) -> None:
    """Store a model's probabilities of some diaries, and leave those of others as they are.

    Args:
        proba: (n, k), in the order of the ids.
    """
    blocks, places = np.divmod(diary_ids - 1, BLOCK)
    with write(db):
        for block in np.unique(blocks).tolist():
            in_block = blocks == block
            stored = _find_block(db, model_id, block, width=proba.shape[1])
            row_count = max(len(stored), int(places[in_block].max()) + 1)
            filled = np.full((row_count, proba.shape[1]), np.nan, np.float32)
            filled[: len(stored)] = stored
            filled[places[in_block]] = proba[in_block]
            _store_block(db, model_id, block, filled)


def _find_block(db: Database, model_id: int, block: int, *, width: int) -> NDArray[np.float32]:
    sql = "select proba from prediction_blocks where model_id = :model and block = :block"
    return np.frombuffer(scalar(db, sql, model=model_id, block=block) or b"", "<f4").reshape(-1, width)


def clear_predictions(db: Database, diary_ids: Sequence[int]) -> None:
    """Remove every model's predictions for some diaries, within the caller's transaction."""
    blocks = np.unique((np.asarray(diary_ids, np.int64) - 1) // BLOCK).tolist()
    sql = """
        select b.model_id, b.block, b.proba, json_array_length(m.label_ids)
        from prediction_blocks b join models m on m.id = b.model_id
        where b.block in (select value from json_each(:blocks))
    """
    for model_id, block, stored, k in rows(db, sql, blocks=json.dumps(blocks)):
        places = np.asarray(diary_ids, np.int64) - 1 - block * BLOCK
        proba = np.frombuffer(stored, "<f4").reshape(-1, k).copy()
        proba[places[(places >= 0) & (places < len(proba))]] = np.nan
        _store_block(db, model_id, block, proba)


def _store_block(db: Database, model_id: int, block: int, proba: NDArray[np.float32]) -> None:
    # The predictions may have been computed before a diary was forgotten.
    forgotten_ids = forgotten.list_ids(db, between=(block * BLOCK + 1, block * BLOCK + len(proba)))
    if len(forgotten_ids):
        proba = np.array(proba, np.float32)
        proba[forgotten_ids - 1 - block * BLOCK] = np.nan
    statement = "insert or replace into prediction_blocks (model_id, block, proba) values (?, ?, ?)"
    db.conn.execute(statement, (model_id, block, np.ascontiguousarray(proba, "<f4").tobytes()))


def drop_predictions(db: Database, *, keep: Sequence[int]) -> None:
    """Remove the predictions of all models but these; they can be computed again."""
    with write(db):
        db.conn.execute(
            "delete from prediction_blocks where model_id not in (select value from json_each(?))",
            (json.dumps(list(keep)),),
        )


def list_predicted(db: Database) -> list[int]:
    """Return the ids of the models of which predictions are stored."""
    sql = "select id from models where exists (select 1 from prediction_blocks b where b.model_id = models.id)"
    return [int(model_id) for (model_id,) in rows(db, sql)]


def find_proba(db: Database, model: Model, diary_id: int) -> NDArray[np.float32] | None:
    """Return one diary's probabilities under a model, (k,), or None if there are none yet."""
    width = 4 * len(model.label_ids)
    block, place = divmod(diary_id - 1, BLOCK)
    raw = scalar(
        db,
        "select substr(proba, :start, :width) from prediction_blocks where model_id = :model and block = :block",
        start=1 + place * width,
        width=width,
        model=model.id,
        block=block,
    )
    if raw is None or len(raw) < width:
        return None
    proba = np.frombuffer(raw, "<f4")
    return None if np.isnan(proba).any() else proba


def load_predictions(db: Database, model: Model) -> NDArray[np.float32]:
    """Return a model's probabilities, (rows, k): row i belongs to diary i + 1; NaN where there is none."""
    sql = "select block, proba from prediction_blocks where model_id = :model order by block"
    k = len(model.label_ids)
    blocks = [(int(block), np.frombuffer(raw, "<f4").reshape(-1, k)) for block, raw in rows(db, sql, model=model.id)]
    if not blocks:
        return np.zeros((0, k), np.float32)
    # Diaries of a missing or short block have no prediction.
    proba = np.full((BLOCK * blocks[-1][0] + len(blocks[-1][1]), k), np.nan, np.float32)
    for block, part in blocks:
        proba[BLOCK * block : BLOCK * block + len(part)] = part
    return proba
