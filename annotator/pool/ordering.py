"""The order in which people get texts of a pool: the best of every shard, chosen from as on one machine."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from annotator.label_sets import projection
from annotator.labelling import queueing
from annotator.labelling.queueing import QUEUE_LENGTH, Asked, Candidates
from annotator.pool import joining, preparing, rows
from db.answers.queue import QueueEntry
from db.models import predictions
from db.pool import manifest, members
from db.pool.members import Waiting
from learner.active_learning import query_strategies
from learner.active_learning.batch_selection import MOST_CLUSTERED
from learner.encoders.encoder import Encoded
from learner.pool import ranking
from learner.pool.worker import Job, Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from annotator.pool.engines import Engine
    from annotator.pool.pools import Pool
    from annotator.serving.runtime import ModelRuntime, Serving
    from annotator.settings import Settings
    from db import Database
    from learner.encoders.encoder import Encoder
    from learner.pool.fetching import Fetched
    from learner.pool.ranking import Best

    IntArray = NDArray[np.int64]
    FloatArray = NDArray[np.float32]

AHEAD = 2_000
"""Texts of an order that become diaries at once; the rest follow as the queue is worked through."""


@dataclass(frozen=True, slots=True)
class PoolOrder:
    """An order of texts.

    Attributes:
        asked: by number; of diaries that are no texts of the pool, by their id as a negative number.
        free_count: texts of the pool part that nobody has decided.
        seconds: how long scoring and choosing took.
    """

    asked: list[Asked]
    free_count: int
    seconds: float


def order(
    runtime: ModelRuntime,
    db: Database,
    pool: Pool,
    engine: Engine,
    serving: Serving,
    *,
    settings: Settings,
    seed: int,
) -> PoolOrder:
    """Return the order that a version asks for: the same diaries in the same order as of one machine.

    Its predictions have to be there.

    Raises:
        PoolError: if a shard can't be read.
    """
    began = time.monotonic()
    inputs = preparing.inputs_of(db, serving.model)
    best = _best(db, pool, engine, serving, settings, seed)
    numbers = np.unique(np.concatenate([best.ranked, best.sample]))
    stage = preparing.predict_stage(serving.model.id)
    proba = rows.fetch(db, pool, numbers, stages=[stage], engine=engine).values.get(stage)

    def features(chosen: IntArray) -> FloatArray:
        return _features(rows.fetch(db, pool, chosen, stages=inputs.all(), engine=engine), serving, inputs)

    empty = np.zeros((0, len(serving.model.label_ids)), np.float32)
    candidates = Candidates(
        pool=queueing.make_pool(
            db,
            serving.model,
            empty if proba is None else proba,
            numbers,
            features=features,
            committee=serving.classifier.committee,
        ),
        numbers=numbers,
        uniform=best.uniform[: queueing.uniform_count(settings, best.count)],
        later=-members.list_outside(db, pool.id, "pool", limit=QUEUE_LENGTH),
        test=np.concatenate([-members.list_outside(db, pool.id, "test", limit=QUEUE_LENGTH), best.test]),
    )
    asked = queueing.arrange(candidates, settings=settings, seed=seed)
    return PoolOrder(asked, best.count, time.monotonic() - began)


def _features(fetched: Fetched, serving: Serving, inputs: preparing.Inputs) -> FloatArray:
    text_features = None if inputs.ngrams is None else fetched.values[inputs.ngrams]
    return serving.classifier.features(fetched.values[inputs.encode], text_features)


def _best(db: Database, pool: Pool, engine: Engine, serving: Serving, settings: Settings, seed: int) -> Best:
    """Return the best of all shards."""
    mapping = projection.current_projection(db, serving.model)
    request = ranking.RankRequest(
        strategy=settings.strategy,
        seed=seed,
        sources=mapping.sources.tolist(),
        label_count=len(mapping.label_ids),
        size=QUEUE_LENGTH,
        uniform=queueing.uniform_count(settings, QUEUE_LENGTH),
        test=QUEUE_LENGTH,
        sample=MOST_CLUSTERED if query_strategies.STRATEGIES[settings.strategy].typical else 0,
    )
    job = Job(pool.url, pool.rows_a_shard, "rank", request=asdict(request))
    best: Best | None = None
    tasks = _rank_tasks(db, pool, preparing.predict_stage(serving.model.id))
    for receipt in rows.ask(rows.engine_for(pool, engine), job, tasks):
        part = ranking.from_bytes(receipt.payload)
        best = part if best is None else ranking.merge(best, part, request)
    return ranking.nothing() if best is None else best


def _rank_tasks(db: Database, pool: Pool, stage: str) -> list[Task]:
    made = manifest.list_shards(db, pool.id, stage)
    decided = np.union1d(members.list_decided(db, pool.id), members.list_leaving(db, pool.id))
    moved = [members.list_moved(db, pool.id, part) for part in ("test", "pool")]
    tasks = []
    for shard, texts in rows.texts_of(db, pool).items():
        inputs = {stage: rows.digest_of(made, stage, shard, texts.digest)}
        in_shard = [_rows_of(numbers, shard, pool) for numbers in (decided, *moved)]
        tasks.append(Task(shard, texts.digest, inputs, in_shard[0], (in_shard[1], in_shard[2])))
    return tasks


def _rows_of(numbers: IntArray, shard: int, pool: Pool) -> list[int]:
    in_shard = numbers[(numbers - 1) // pool.rows_a_shard == shard]
    return [int(number) for number in (in_shard - 1) % pool.rows_a_shard]


def join_head(
    runtime: ModelRuntime, db: Database, pool: Pool, engine: Engine, serving: Serving, ordered: PoolOrder
) -> tuple[list[QueueEntry], list[Waiting]]:
    """Make diaries of the first texts of an order, with vectors and predictions, and return the queue and the rest."""
    head, rest = ordered.asked[:AHEAD], ordered.asked[AHEAD:]
    numbers = np.array([each.number for each in head if each.number > 0], np.int64)
    inputs, stage = preparing.inputs_of(db, serving.model), preparing.predict_stage(serving.model.id)
    fetched = rows.fetch(db, pool, numbers, with_texts=True, stages=[*inputs.all(), stage], engine=engine)
    ids = joining.join(db, pool, numbers, fetched)
    if ids:
        _keep(runtime, db, serving, fetched, ids, inputs, stage)
    entries = [
        QueueEntry(diary_id, each.strategy, each.score)
        for each in head
        if (diary_id := ids.get(each.number) if each.number > 0 else -each.number) is not None
    ]
    return entries, [Waiting(each.number, each.strategy, each.score) for each in rest]


def join(runtime: ModelRuntime, db: Database, pool: Pool, numbers: IntArray) -> dict[int, int]:
    """Make diaries of texts, with the vectors of the encoder in force where the shards have them.

    Returns:
        Their ids by number; forgotten texts have none.

    Raises:
        PoolError: if a shard can't be read.
    """
    encoder = runtime.encoder(db)
    stage = preparing.encode_stage(encoder.hash)
    is_encoded = len(manifest.list_shards(db, pool.id, stage)) == pool.shard_count
    fetched = rows.fetch(db, pool, numbers, with_texts=True, stages=[stage] if is_encoded else [])
    ids = joining.join(db, pool, numbers, fetched)
    if ids and is_encoded:
        places = [place for place, number in enumerate(fetched.numbers.tolist()) if number in ids]
        diary_ids = np.array([ids[int(fetched.numbers[place])] for place in places], np.int64)
        _keep_vectors(runtime, db, encoder, diary_ids, fetched, places, stage)
    return ids


def _keep_vectors(
    runtime: ModelRuntime,
    db: Database,
    encoder: Encoder,
    diary_ids: IntArray,
    fetched: Fetched,
    places: list[int],
    stage: str,
) -> None:
    """Keep the vectors of those diaries that have none yet."""
    file = runtime.vector_file(db, encoder)
    new = np.flatnonzero(~file.has(diary_ids))
    if len(new):
        counts = encoder.count_tokens([fetched.texts["text"][places[place]] for place in new.tolist()])
        vectors = fetched.values[stage][np.array(places, np.int64)[new]]
        runtime.keep_vectors(db, file, diary_ids[new], Encoded(vectors, counts))


def _keep(
    runtime: ModelRuntime,
    db: Database,
    serving: Serving,
    fetched: Fetched,
    ids: dict[int, int],
    inputs: preparing.Inputs,
    stage: str,
) -> None:
    """Keep what the shards know of new diaries, so that nobody computes it again."""
    places = [place for place, number in enumerate(fetched.numbers.tolist()) if number in ids]
    diary_ids = np.array([ids[int(fetched.numbers[place])] for place in places], np.int64)
    encoder = runtime.encoder_of(db, serving.model)
    _keep_vectors(runtime, db, encoder, diary_ids, fetched, places, inputs.encode)
    at = np.array(places, np.int64)
    if inputs.ngrams is not None:
        text_file = runtime.text_file(serving.classifier.text_space)
        new = np.flatnonzero(~text_file.has(diary_ids))
        if len(new):
            features = fetched.values[inputs.ngrams][at[new]]
            runtime.keep_vectors(db, text_file, diary_ids[new], Encoded(features, np.ones(len(new), np.int32)))
    predictions.update_predictions(db, serving.model.id, diary_ids, fetched.values[stage][at])


def first_order(db: Database, pool: Pool, *, settings: Settings) -> list[Waiting]:
    """Return texts that are no diaries yet in random order, with test texts among them: before any version ranks.

    As after an import on one machine.
    """
    known, _ = members.list_members(db, pool.id)
    drawn = rows.column_draws(db, pool, limit=QUEUE_LENGTH, left_out=known)
    mixed = query_strategies.interleave(drawn["pool"][0], drawn["test"][0], share=settings.test_share)
    return [Waiting(int(number), "random", 0.0) for number in mixed[:QUEUE_LENGTH]]
