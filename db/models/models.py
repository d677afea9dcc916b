"""Classifiers and what they said: versions, activations, predictions, explanations."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from db import clock, settings
from db.connection import one, rows, scalar, write
from db.errors import DatabaseError, NotFoundError
from db.forgetting import forgotten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from sqlite_utils import Database

BLOCK = 4096
"""Diaries in one stored block of predictions."""


READY_MADE = "ready_made"
"""Tier of a version that answers like a published checkpoint and has learned nothing from people."""

_CUT_COUNT = "cut_count"
_TEXTS_PER_SECOND = "texts_per_second"
_PARTLY_RANKED = "partly_ranked"
_INT8_AGREEMENT = "int8_agreement"


@dataclass(frozen=True, slots=True)
class Model:
    """A version of the classifier, without its weights.

    Attributes:
        version: 0 for the one that needs no label, then 1, 2, …
        tier: how it was trained.
        encoder, encoder_hash: which encoder's vectors it reads.
        label_ids: labels in the order of the probability columns.
        training_decisions: ids of the decisions it was trained on.
        metrics: what was measured when it was made.
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
    """A version of the classifier on its way in; see `Model`. `weights` are safetensors bytes."""

    tier: str
    encoder: str
    encoder_hash: str
    label_ids: tuple[int, ...]
    weights: bytes
    settings: dict[str, Any]
    training_decisions: tuple[int, ...] = ()
    metrics: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one model gave one diary its probabilities.

    Attributes:
        unit: ``eojeol`` or ``morpheme``.
        spans: (start, end) character offsets of each unit in the raw text.
        weights: (units, k) float32 on scores whose mean over the labels is 0; positive = speaks for that label.
        fit: per label: weighted R² of the local model.
        sample_count: how many changed texts the encoder was asked about.
        stability: share of the strongest units whose sign is beyond chance, in [0, 1]; None where unknown.
        deletion: ``label_index``, ``spans``, ``before``, ``after``: probability of the likeliest label with and without
            its strongest units; None where nothing speaks for it.
        arc: probabilities of each sentence by itself, (sentences, k); None where unknown.
    """

    diary_id: int
    model_id: int
    unit: Literal["eojeol", "morpheme", "sentence"]
    spans: tuple[tuple[int, int], ...]
    weights: NDArray[np.float32]
    fit: tuple[float, ...]
    sample_count: int
    stability: float | None = None
    deletion: dict[str, Any] | None = None
    arc: list[list[float]] | None = None


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
    """Keep a new version and return its id. The numbering is without gaps."""
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
    """Keep what was measured of a model."""
    with write(db):
        db.conn.execute(
            "update models set metrics = ? where id = ?", (json.dumps(metrics, ensure_ascii=False), model_id)
        )


def get_model(db: Database, model_id: int) -> Model:
    """Return one version.

    Raises:
        NotFoundError: if there is none of that id.
    """
    row = one(db, f"select {_COLUMNS} from models where id = :id", id=model_id)  # noqa: S608 - constants
    if row is None:
        raise NotFoundError("model_missing", id=model_id)
    return _model(row)


def list_models(db: Database) -> list[Model]:
    """Return every version, oldest first."""
    return [_model(row) for row in rows(db, f"select {_COLUMNS} from models order by version")]  # noqa: S608


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
    """Let a model serve from now on. Does nothing if it does already."""
    with write(db):
        if find_active_id(db) != model_id:
            db.conn.execute(
                "insert into activations (model_id, activated_at, reason) values (?, ?, ?)",
                (model_id, clock.now(), reason),
            )


def find_active_id(db: Database) -> int | None:
    """Return the id of the model that serves, if there is one yet."""
    found = scalar(db, "select model_id from activations order by id desc limit 1")
    return None if found is None else int(found)


def last_activation_id(db: Database) -> int:
    """Return a number that changes whenever a model is put in force, also one that served before; 0 for never."""
    return int(scalar(db, "select coalesce(max(id), 0) from activations"))


def find_active(db: Database) -> Model | None:
    """Return the model that serves, if there is one yet."""
    model_id = find_active_id(db)
    return None if model_id is None else get_model(db, model_id)


def store_cut_count(db: Database, count: int) -> None:
    """Keep how many diaries are longer than the encoder's maximum, so that it reads only their beginning."""
    if count != cut_count(db):
        settings.store(db, **{_CUT_COUNT: count})


def cut_count(db: Database) -> int:
    """Return how many diaries are longer than the encoder's maximum."""
    return int(settings.load(db).get(_CUT_COUNT, 0))


def store_texts_per_second(db: Database, rate: float) -> None:
    """Keep how fast this machine encodes while nothing else of ours runs."""
    settings.store(db, **{_TEXTS_PER_SECOND: round(rate, 2)})


def texts_per_second(db: Database) -> float | None:
    """Return how fast this machine encoded the diaries last, if it did."""
    found: float | None = settings.load(db).get(_TEXTS_PER_SECOND)
    return found


def mark_partly_ranked(db: Database, model_id: int) -> None:
    """Note that a version will be put in force while a part of the diaries has no vectors of its encoder yet."""
    settings.store(db, **{_PARTLY_RANKED: model_id})


def is_partly_ranked(db: Database, model_id: int) -> bool:
    """Say whether a version's queue was made while diaries were without a prediction by it."""
    return settings.load(db).get(_PARTLY_RANKED) == model_id


def clear_partly_ranked(db: Database) -> None:
    """Note that the queue of the serving version knows all diaries."""
    settings.store(db, **{_PARTLY_RANKED: 0})


def store_int8_agreement(db: Database, digest: str, n: int, mean_cosine: float, same_answers: float) -> None:
    """Keep how near the int8 form of an encoder is to its original on `n` diaries; see `int8_agreement`."""
    found = {"hash": digest, "n": n, "mean_cosine": mean_cosine, "same_answers": same_answers}
    settings.store(db, **{_INT8_AGREEMENT: found})


def int8_agreement(db: Database) -> dict[str, Any] | None:
    """Return hash, n, mean_cosine and same_answers of the int8 encoder that was compared last, if one was."""
    found: dict[str, Any] | None = settings.load(db).get(_INT8_AGREEMENT)
    return found


def store_predictions(db: Database, model_id: int, proba: NDArray[np.float32]) -> None:
    """Keep a model's probabilities of all diaries.

    Args:
        proba: (last diary id, k); row i belongs to diary i + 1; NaN where there is no prediction.
    """
    with write(db):
        for block in range(-(-len(proba) // BLOCK)):
            _store_block(db, model_id, block, proba[block * BLOCK : (block + 1) * BLOCK])


def update_predictions(db: Database, model_id: int, diary_ids: NDArray[np.int64], proba: NDArray[np.float32]) -> None:
    """Keep a model's probabilities of some diaries, beside those that it has given others.

    Args:
        proba: (n, k), in the order of the ids.
    """
    blocks, places = np.divmod(diary_ids - 1, BLOCK)
    with write(db):
        for block in np.unique(blocks).tolist():
            mine = blocks == block
            kept = _find_block(db, model_id, block, width=proba.shape[1])
            rows_wanted = max(len(kept), int(places[mine].max()) + 1)
            filled = np.full((rows_wanted, proba.shape[1]), np.nan, np.float32)
            filled[: len(kept)] = kept
            filled[places[mine]] = proba[mine]
            _store_block(db, model_id, block, filled)


def _find_block(db: Database, model_id: int, block: int, *, width: int) -> NDArray[np.float32]:
    sql = "select proba from prediction_blocks where model_id = :model and block = :block"
    return np.frombuffer(scalar(db, sql, model=model_id, block=block) or b"", "<f4").reshape(-1, width)


def clear_predictions(db: Database, diary_ids: Sequence[int]) -> None:
    """Remove what every model says of some diaries, within the caller's transaction."""
    blocks = np.unique((np.asarray(diary_ids, np.int64) - 1) // BLOCK).tolist()
    sql = """
        select b.model_id, b.block, b.proba, json_array_length(m.label_ids)
        from prediction_blocks b join models m on m.id = b.model_id
        where b.block in (select value from json_each(:blocks))
    """
    for model_id, block, kept, k in rows(db, sql, blocks=json.dumps(blocks)):
        places = np.asarray(diary_ids, np.int64) - 1 - block * BLOCK
        proba = np.frombuffer(kept, "<f4").reshape(-1, k).copy()
        proba[places[(places >= 0) & (places < len(proba))]] = np.nan
        _store_block(db, model_id, block, proba)


def _store_block(db: Database, model_id: int, block: int, proba: NDArray[np.float32]) -> None:
    # A model may have been asked before a diary was forgotten.
    gone = forgotten.list_ids(db, between=(block * BLOCK + 1, block * BLOCK + len(proba)))
    if len(gone):
        proba = np.array(proba, np.float32)
        proba[gone - 1 - block * BLOCK] = np.nan
    statement = "insert or replace into prediction_blocks (model_id, block, proba) values (?, ?, ?)"
    db.conn.execute(statement, (model_id, block, np.ascontiguousarray(proba, "<f4").tobytes()))


def drop_predictions(db: Database, *, keep: Sequence[int]) -> None:
    """Remove the predictions of all models but these; they can be computed again."""
    with write(db):
        db.conn.execute(
            "delete from prediction_blocks where model_id not in (select value from json_each(?))",
            (json.dumps(list(keep)),),
        )


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
    # A block that is missing, or shorter than others allow for, leaves its diaries without a prediction.
    proba = np.full((BLOCK * blocks[-1][0] + len(blocks[-1][1]), k), np.nan, np.float32)
    for block, part in blocks:
        proba[BLOCK * block : BLOCK * block + len(part)] = part
    return proba


def store_explanation(db: Database, explanation: Explanation) -> None:
    """Keep an explanation in place of an earlier one of the same diary, model and unit; none of a forgotten diary."""
    statement = """
        insert or replace into explanations (diary_id, model_id, unit, spans, weights, fit, sample_count,
            stability, deletion, arc)
        select id, ?, ?, ?, ?, ?, ?, ?, ?, ? from diaries where id = ?
    """
    e = explanation
    row = (
        e.model_id,
        e.unit,
        json.dumps(e.spans),
        np.ascontiguousarray(e.weights, "<f4").tobytes(),
        json.dumps([round(float(f), 6) for f in e.fit]),
        e.sample_count,
        e.stability,
        None if e.deletion is None else json.dumps(e.deletion),
        None if e.arc is None else json.dumps([[round(float(p), 4) for p in row] for row in e.arc]),
        e.diary_id,
    )
    with write(db):
        db.conn.execute(statement, row)


def find_explanation(db: Database, diary_id: int, model_id: int, unit: str) -> Explanation | None:
    """Return a stored explanation, if there is one."""
    row = one(
        db,
        """
        select diary_id, model_id, unit, spans, weights, fit, sample_count, stability, deletion, arc from explanations
        where diary_id = :diary and model_id = :model and unit = :unit
        """,
        diary=diary_id,
        model=model_id,
        unit=unit,
    )
    if row is None:
        return None
    spans = tuple((int(a), int(b)) for a, b in json.loads(row[3]))
    fit = tuple(json.loads(row[5]))
    weights = np.frombuffer(row[4], "<f4").reshape(len(spans), len(fit))
    deletion, arc = (None if text is None else json.loads(text) for text in row[8:10])
    return Explanation(row[0], row[1], row[2], spans, weights, fit, row[6], row[7], deletion, arc)


def list_unexplained(db: Database, diary_ids: Sequence[int], model_id: int, unit: str) -> list[int]:
    """Return those of the diaries, in their order, that have no explanation by this model yet."""
    found = rows(
        db,
        """
        select value from json_each(:ids) wanted where not exists (
            select 1 from explanations e
            where e.diary_id = wanted.value and e.model_id = :model and e.unit = :unit)
        order by wanted.key
        """,
        ids=json.dumps(list(diary_ids)),
        model=model_id,
        unit=unit,
    )
    return [int(i) for (i,) in found]


def drop_explanations(db: Database, *, keep: Sequence[int]) -> None:
    """Remove the explanations of all models but these; they can be computed again."""
    with write(db):
        db.conn.execute(
            "delete from explanations where model_id not in (select value from json_each(?))",
            (json.dumps(list(keep)),),
        )


def add_text_space(db: Database, weights: bytes, *, fitted_on: int) -> str:
    """Keep features that were fitted on the diaries, and return their hash. The same ones again become the newest."""
    digest = hashlib.sha256(weights).hexdigest()
    with write(db):
        db.conn.execute(
            """
            insert into text_spaces (hash, weights, fitted_on, created_at) values (?, ?, ?, ?)
            on conflict (hash) do update set id = (select max(id) + 1 from text_spaces), fitted_on = excluded.fitted_on
            """,
            (digest, weights, fitted_on, clock.now()),
        )
    return digest


def find_newest_text_space(db: Database) -> str | None:
    """Return the hash of the newest text space; its bytes, 15 MB and more, are not read.

    One that was fitted before something was forgotten is passed over: it may know n-grams of that.
    """
    sql = f"select hash from text_spaces where {_CURRENT} order by id desc limit 1"  # noqa: S608 - constants
    found = scalar(db, sql)
    return None if found is None else str(found)


_CURRENT = "id > coalesce((select value from settings where key = 'text_spaces_outdated'), 0) + 0"


def find_text_space(db: Database, digest: str | None = None) -> tuple[str, bytes, int] | None:
    """Return hash, bytes and number of fitted diaries of a text space; without a hash, of the newest, as above."""
    sql = f"""
        select hash, weights, fitted_on from text_spaces
        where hash = :hash or (:hash is null and {_CURRENT}) order by id desc limit 1
    """  # noqa: S608 - constants
    row = one(db, sql, hash=digest)
    return None if row is None else (str(row[0]), bytes(row[1]), int(row[2]))
