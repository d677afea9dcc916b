"""Explanations of diaries by model version."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from db.connection import one, rows, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one model gave one diary its probabilities.

    Attributes:
        unit: ``eojeol`` or ``morpheme``.
        spans: (start, end) character offsets of each unit in the raw text.
        weights: (units, k) float32 on scores whose mean over the labels is 0; positive = speaks for that label.
        fit: weighted R² of the local model, per label.
        sample_count: how many different perturbed texts were encoded.
        stability: chance that the unit which speaks most for the answer outweighs the next, in [0.5, 1]; None if
            unknown. In explanations of older releases it is the share of the strongest units whose sign is settled.
        deletion: ``label_index``, ``spans``, ``before``, ``after``: probability of the likeliest label with and without
            its strongest units; None if nothing speaks for it.
        arc: probabilities of each sentence by itself, (sentences, k); None if unknown.
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


def store_explanation(db: Database, explanation: Explanation) -> None:
    """Store an explanation, replacing that of the same diary, model and unit; does nothing for a forgotten diary."""
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
    """Return the diaries that have no explanation by this model yet, in the given order."""
    records = rows(
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
    return [int(i) for (i,) in records]


def drop_explanations(db: Database, *, keep: Sequence[int]) -> None:
    """Remove the explanations of all models but these; they can be computed again."""
    with write(db):
        db.conn.execute(
            "delete from explanations where model_id not in (select value from json_each(?))",
            (json.dumps(list(keep)),),
        )
