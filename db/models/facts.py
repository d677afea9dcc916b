"""What the worker has measured about this machine and these texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from db import settings
from db.connection import write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlite_utils import Database


_CUT_COUNT = "cut_count"


_TEXTS_PER_SECOND = "texts_per_second"


_EXPLANATION_SECONDS = "explanation_seconds"


_PARTLY_RANKED = "partly_ranked"


_PRECISION = "measured_precision"


_POOL_PROGRESS = "pool_progress"


_COPIES = "copies_looked_for"


_REQUESTED = "predictions_requested"


_PARTS_NOTICE = "parts_notice_closed"


_PARTS_DRAWN = "parts_drawn_after"


def store_cut_count(db: Database, count: int) -> None:
    """Store how many diaries are longer than the encoder's maximum, so that it reads only their beginning."""
    if count != get_truncated_count(db):
        settings.store(db, **{_CUT_COUNT: count})


def get_truncated_count(db: Database) -> int:
    """Return how many diaries are longer than the encoder's maximum."""
    return int(settings.load(db).get(_CUT_COUNT, 0))


def store_texts_per_second(db: Database, rate: float) -> None:
    """Store how fast this machine encodes while nothing else of ours runs."""
    settings.store(db, **{_TEXTS_PER_SECOND: round(rate, 2)})


def texts_per_second(db: Database) -> float | None:
    """Return how fast this machine last encoded diaries; None if it never has."""
    rate: float | None = settings.load(db).get(_TEXTS_PER_SECOND)
    return rate


def store_explanation_seconds(db: Database, seconds: float) -> None:
    """Store how long an explanation took, as the mean with those before: the newest counts half."""
    known = explanation_seconds(db)
    mean = round(seconds if known is None else (known + seconds) / 2, 1)
    if mean != known:
        settings.store(db, **{_EXPLANATION_SECONDS: mean})


def explanation_seconds(db: Database) -> float | None:
    """Return how long an explanation lately took; None before the first one."""
    seconds: float | None = settings.load(db).get(_EXPLANATION_SECONDS)
    return seconds


def mark_partly_ranked(db: Database, model_id: int) -> None:
    """Note that a version will start serving while some diaries have no vectors of its encoder yet."""
    settings.store(db, **{_PARTLY_RANKED: model_id})


def is_partly_ranked(db: Database, model_id: int) -> bool:
    """Return whether a version's queue was made while some diaries had no prediction by it."""
    return settings.load(db).get(_PARTLY_RANKED) == model_id


def clear_partly_ranked(db: Database) -> None:
    """Note that the queue of the serving version covers all diaries."""
    settings.store(db, **{_PARTLY_RANKED: 0})


def store_measured_precision(db: Database, **measured: Any) -> None:
    """Add to what was measured of an encoder's forms; see `annotator.worker.tasks.precision`."""
    with write(db):
        settings.store(db, **{_PRECISION: measured_precision(db) | measured})


def measured_precision(db: Database) -> dict[str, Any]:
    """Return what was measured of an encoder's forms; empty before."""
    measured: dict[str, Any] = settings.load(db).get(_PRECISION, {})
    return measured


def store_pool_progress(db: Database, **progress: Any) -> None:
    """Store how far a stage over a pool in shards is; see `annotator.pool.progress`."""
    settings.store(db, **{_POOL_PROGRESS: progress})


def pool_progress(db: Database) -> dict[str, Any]:
    """Return how far the last stage over a pool in shards was; empty before the first."""
    progress: dict[str, Any] = settings.load(db).get(_POOL_PROGRESS, {})
    return progress


def store_copies_looked_for(db: Database, digest: str, up_to: int) -> None:
    """Store up to which diary near-copies were looked for among vectors of an encoder."""
    settings.store(db, **{_COPIES: {"hash": digest, "up_to": up_to}})


def copies_looked_for(db: Database, digest: str) -> int:
    """Return up to which diary near-copies were looked for among vectors of an encoder; 0 if they never were."""
    fact = settings.load(db).get(_COPIES, {})
    return int(fact["up_to"]) if fact.get("hash") == digest else 0


def close_parts_notice(db: Database) -> None:
    """Note that people know that the project could be split by writers."""
    settings.store(db, **{_PARTS_NOTICE: True})


def is_parts_notice_closed(db: Database) -> bool:
    """Return whether people know that the project could be split by writers."""
    return bool(settings.load(db).get(_PARTS_NOTICE, False))


def store_parts_drawn(db: Database, last_decision_id: int) -> None:
    """Store the newest decision at the time at which parts were drawn anew."""
    settings.store(db, **{_PARTS_DRAWN: last_decision_id})


def parts_drawn_after(db: Database) -> int:
    """Return the newest decision at the time at which parts were last drawn anew; -1 if they never were."""
    return int(settings.load(db).get(_PARTS_DRAWN, -1))


def request_predictions(db: Database, model_ids: Sequence[int]) -> None:
    """Request what some versions answer to every diary, which the worker then stores."""
    with write(db):
        settings.store(db, **{_REQUESTED: sorted({*list_requested_predictions(db), *model_ids})})


def list_requested_predictions(db: Database) -> list[int]:
    """Return the ids of the versions whose answers were requested and are not all there yet."""
    return [int(model_id) for model_id in settings.load(db).get(_REQUESTED, ())]


def end_request_of_predictions(db: Database, model_id: int) -> None:
    """Note that what a version answers is there now, as far as it can be."""
    with write(db):
        settings.store(db, **{_REQUESTED: [i for i in list_requested_predictions(db) if i != model_id]})
