"""Finding texts of a pool: by their words in the Parquet files as they are, by a prediction, by likeness.

Source: DuckDB reads 20,000 texts in 13 ms of processor time, see docs/scale.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from annotator.errors import UserError
from annotator.label_sets import projection
from annotator.messages.visible import visible
from annotator.pool import preparing, rows
from annotator.pool.pools import storage_of
from annotator.privacy import masking
from db.label_sets import labels
from db.models import models
from db.pool import manifest, members
from learner.pool import shards
from learner.pool.storage import PoolError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from annotator.pool.pools import Pool
    from annotator.settings import Settings
    from db import Database

    IntArray = NDArray[np.int64]
    FloatArray = NDArray[np.float32]

MOST_HITS = 500

_LINE = 80


@dataclass(frozen=True, slots=True)
class PoolQuery:
    """What is looked for; all that is given has to hold.

    Attributes:
        words: each has to stand in the text, as it is written.
        like: a vector (width,) of the encoder in force, by whose cosine hits are ordered.
        label: name of the label that the serving version answers.
    """

    words: tuple[str, ...] = ()
    like: FloatArray | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class PoolHit:
    """A text that was found.

    Attributes:
        diary_id: of the diary that it has become; None if it has not.
        likeness: cosine with what it should be like; None where nothing was asked for.
        probability: of the label that was asked for; None likewise.
        line: the beginning of the text, with private details covered where the project covers them.
    """

    number: int
    diary_id: int | None
    likeness: float | None
    probability: float | None
    line: str


def search(db: Database, pool: Pool, query: PoolQuery, *, settings: Settings, limit: int = 20) -> list[PoolHit]:
    """Return the texts that fit best: the likest, else the surest, else the first. Test texts are left out.

    Raises:
        UserError: ``pool_search_empty``, ``label_unknown`` for a name that is no label in force.
        PoolError: ``scale_extra_missing`` without DuckDB; ``pool_input_missing`` where a stage that it takes is not
            complete, ``pool_no_model``.
    """
    if not (query.words or query.label or query.like is not None):
        raise UserError("pool_search_empty")
    column = None if query.label is None else _column_of(db, query.label)
    rows_by_shard = _with_words(pool, query.words)
    best: list[tuple[float, int, float | None, float | None]] = []
    for shard, texts in rows.texts_of(db, pool).items():
        best += _of_shard(db, pool, shard, texts, query, rows_by_shard.get(shard), column)
        best = sorted(best, key=lambda hit: (-hit[0], hit[1]))[:limit]
    numbers = np.array([hit[1] for hit in best], np.int64)
    return _hits(db, pool, numbers, best, settings)


def _column_of(db: Database, name: str) -> int:
    names = [label.name for label in labels.list_labels(db)]
    if name not in names:
        raise UserError("label_unknown", found=name, known=", ".join(names))
    return names.index(name)


def _with_words(pool: Pool, words: tuple[str, ...]) -> dict[int, IntArray]:
    """Return by shard the rows whose text has all the words; empty where no words are asked for."""
    if not words:
        return {}
    duckdb = _import_duckdb()
    files = f"{pool.url}/{shards.TEXTS}/*.parquet"
    with duckdb.connect() as connection:
        if storage_of(pool).folder is None:
            import fsspec

            connection.register_filesystem(fsspec.filesystem(pool.url.partition("://")[0]))
        relation = connection.read_parquet(files, filename=True)
        names, places = relation.filter(_condition(words)).project("filename, row").fetchnumpy().values()
    by_shard: dict[int, list[int]] = {}
    for name, row in zip(names.tolist(), places.tolist(), strict=True):
        by_shard.setdefault(int(str(name).rpartition("/")[2].partition(".")[0]), []).append(int(row))
    return {shard: np.array(sorted(row_numbers), np.int64) for shard, row_numbers in by_shard.items()}


def _condition(words: tuple[str, ...]) -> str:
    """Return DuckDB's condition; quotes in words are doubled, so that a word is never more than a word."""
    quoted = ["'" + word.replace("'", "''") + "'" for word in words]
    return " and ".join(f"contains(text, {word})" for word in quoted)


def _import_duckdb() -> Any:
    try:
        import duckdb
    except ImportError as error:
        raise PoolError("scale_extra_missing", package="duckdb") from error
    return duckdb


def _of_shard(
    db: Database,
    pool: Pool,
    shard: int,
    texts: manifest.Shard,
    query: PoolQuery,
    rows_with_words: IntArray | None,
    column: int | None,
) -> list[tuple[float, int, float | None, float | None]]:
    """Return (order, number, likeness, probability) of the fitting texts of a shard."""
    storage = storage_of(pool)
    if query.words and (rows_with_words is None or not len(rows_with_words)):
        return []
    about = shards.read_columns(storage, shard, ("key", "is_test"), digest=texts.digest)
    fits = (about["key"] != 0) & ~about["is_test"]
    if rows_with_words is not None:
        fits &= np.isin(np.arange(texts.rows), rows_with_words)
    probability = likeness = None
    if column is not None:
        proba = _predictions(db, pool, shard, texts)
        fits &= proba.argmax(axis=1) == column
        probability = proba[:, column]
    if query.like is not None:
        stage = preparing.encode_stage(_model(db).encoder_hash)
        likeness = _values(db, pool, stage, shard, texts) @ query.like / max(1e-9, float(np.linalg.norm(query.like)))
    places = np.flatnonzero(fits)
    order = likeness if likeness is not None else probability if probability is not None else np.zeros(texts.rows)
    first = shard * pool.rows_a_shard + 1
    return [
        (
            float(order[place]),
            first + place,
            None if likeness is None else float(likeness[place]),
            None if probability is None else float(probability[place]),
        )
        for place in places.tolist()
    ]


def _model(db: Database) -> models.Model:
    model = models.find_active(db)
    if model is None:
        raise PoolError("pool_no_model")
    return model


def _predictions(db: Database, pool: Pool, shard: int, texts: manifest.Shard) -> FloatArray:
    model = _model(db)
    values = _values(db, pool, preparing.predict_stage(model.id), shard, texts)
    return projection.current_projection(db, model).proba(np.nan_to_num(values))


def _values(db: Database, pool: Pool, stage: str, shard: int, texts: manifest.Shard) -> FloatArray:
    digest = rows.digest_of(manifest.list_shards(db, pool.id, stage), stage, shard, texts.digest)
    return shards.open_rows(storage_of(pool), stage, shard, digest=digest).values


def _hits(
    db: Database,
    pool: Pool,
    numbers: IntArray,
    best: list[tuple[float, int, float | None, float | None]],
    settings: Settings,
) -> list[PoolHit]:
    if not len(numbers):
        return []
    texts = rows.fetch(db, pool, numbers, with_texts=True).texts["text"]
    ids = members.find_diaries(db, pool.id, numbers)
    return [
        PoolHit(number, ids.get(number), likeness, probability, _line(text or "", settings))
        for (_, number, likeness, probability), text in zip(best, texts, strict=True)
    ]


def _line(text: str, settings: Settings) -> str:
    shown = visible(" ".join(masking.mask(text, settings).split()))
    return shown if len(shown) <= _LINE else shown[: _LINE - 1] + "…"


def vector_of(db: Database, pool: Pool, diary_id: int) -> FloatArray:
    """Return the vector of a diary that is a text of the pool.

    Raises:
        UserError: ``pool_not_member`` if it is none.
        PoolError: as `search` does.
    """
    numbers = members.find_numbers(db, pool.id, [diary_id])
    if diary_id not in numbers:
        raise UserError("pool_not_member", id=diary_id)
    stage = preparing.encode_stage(_model(db).encoder_hash)
    fetched = rows.fetch(db, pool, np.array([numbers[diary_id]]), stages=[stage])
    return np.asarray(fetched.values[stage][0], np.float32)
