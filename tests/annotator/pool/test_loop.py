"""Rounds that choose from a pool: the same versions and the same queue as one machine has of the same texts."""

from __future__ import annotations

from contextlib import closing
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator import project
from annotator import settings as project_settings
from annotator.errors import UserError
from annotator.importing import ColumnMap, import_file
from annotator.labelling.queueing import enqueue_import
from annotator.messages import explain
from annotator.pool import engines, ordering, pools, progress, stages
from annotator.pool import rows as pool_rows
from annotator.privacy import forgetting
from annotator.privacy.forgetting import Selection
from annotator.serving import scoring
from annotator.training import rounds as round_cases
from annotator.worker.round import steps
from annotator.worker.runtime import WorkerRuntime
from annotator.worker.tasks import pool_queue
from annotator.worker.tasks.ngram_features import fit_text_space
from annotator.worker.tasks.pool_queue import refill_from_pool
from db.answers import decisions, queue
from db.connection import rows
from db.models import models, predictions, rounds
from db.pool import manifest, members
from db.texts import diaries
from learner.active_learning import query_strategies
from learner.encoders.encoder import default_cache
from tests.annotator.pool.conftest import decide, run_round, table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from annotator.pool.pools import Pool
    from db import Database

pytestmark = pytest.mark.slow

ROUNDING = 2e-6


@pytest.fixture
def one_machine(tmp_path: Path, tiny: Path) -> Iterator[tuple[WorkerRuntime, Database]]:
    """A project of the same seed in which the same texts are diaries, all of them encoded."""
    path = tmp_path / "one.db"
    project.init(path, seed="00" * 16, blind_share=0.0, encoder=str(tiny))
    with closing(project.open_project(path)) as db:
        import_file(db, table(250), "a.csv", columns=ColumnMap("글"), after=enqueue_import)
        runtime = WorkerRuntime(path, cache=default_cache())
        # In the batches of the shards, so that not even rounding differs.
        encoder = runtime.encoder(db)
        for ids in np.split(diaries.list_ids(db), [100, 200]):
            encoded = encoder.encode(diaries.list_texts(db, ids))
            runtime.keep_vectors(db, runtime.vector_file(db), ids, encoded)
        assert fit_text_space(runtime, db)
        yield runtime, db
        runtime.close()


def order_of(db: Database, pool: Pool | None = None) -> list[tuple[str, str, float]]:
    """Return the undecided texts of the queue in their order, and what comes after it, each with strategy and score."""
    decided = set(decisions.list_decided_ids(db).tolist())
    placed = rows(db, "select diary_id, strategy, score from queue order by place")
    ordered = [(diaries.get_diary(db, i).text, strategy, score) for i, strategy, score in placed if i not in decided]
    if pool is not None:
        waiting = members.list_waiting(db, pool.id, limit=10_000)
        numbers = np.array([each.number for each in waiting], np.int64)
        texts = pool_rows.fetch(db, pool, numbers, with_texts=True).texts.get("text", [])
        ordered += [(text, each.strategy, each.score) for text, each in zip(texts, waiting, strict=True)]
    return ordered


def first_difference(one: list[tuple[str, str, float]], other: list[tuple[str, str, float]]) -> object:
    """Return the first place at which two orders differ by more than the rounding of equal scores; None for none."""
    scores = {text: score for text, _, score in other}
    for place, (mine, theirs) in enumerate(zip_longest(one, other)):
        if mine is None or theirs is None or mine[1] != theirs[1] or abs(mine[2] - theirs[2]) > ROUNDING:
            return place, mine, theirs
        if mine[0] != theirs[0] and abs(scores[mine[0]] - theirs[2]) > ROUNDING:
            return place, mine, theirs
    return None


@pytest.mark.parametrize("strategy", query_strategies.STRATEGIES)
def test_two_rounds_give_the_versions_and_the_queue_of_one_machine(
    worker: WorkerRuntime,
    opened: Database,
    pool: Pool,
    one_machine: tuple[WorkerRuntime, Database],
    strategy: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ordering, "AHEAD", 60)
    monkeypatch.setattr(pool_queue, "_AT_A_TIME", 60)
    monkeypatch.setattr(scoring, "_FEW", 0)  # scored by blocks, as shards are
    other_worker, other = one_machine
    for db in (opened, other):
        project_settings.change(db, strategy=strategy)
    stages.encode(worker, opened, pool, engines.InlineEngine())
    assert refill_from_pool(worker, opened)
    assert first_difference(order_of(opened, pool), order_of(other)) is None
    for _ in range(2):
        assert decide(opened, 40) == decide(other, 40)
        done, expected = run_round(worker, opened), run_round(other_worker, other)
        assert (done.status, done.error, expected.status) == ("done", None, "done")
        mine, theirs = done.model_id or 0, expected.model_id or 0
        assert models.get_weights(opened, mine) == models.get_weights(other, theirs)
        assert done.report["after"]["accuracy"] == expected.report["after"]["accuracy"]
        assert first_difference(order_of(opened, pool), order_of(other)) is None
    assert members.count(opened, pool.id) < 250, "only what is handed out has become a diary"
    work = done.report["pool"]
    assert [stage["kind"] for stage in work["stages"]] == ["predict"]
    assert (work["texts"], work["shards"]) == (250, 3)
    assert work["stages"][0]["core_seconds"] > 0


def test_what_is_handed_out_has_vectors_and_predictions(worker: WorkerRuntime, opened: Database, pool: Pool) -> None:
    refill_from_pool(worker, opened)
    decide(opened, 30)
    done = run_round(worker, opened)
    model = models.get_model(opened, done.model_id or 0)
    head = np.array(queue.list_head(opened, 50), np.int64)
    serving = worker.load_classifier(opened, model)
    assert worker.vectors_of(serving).has(head).all()
    proba = predictions.load_predictions(opened, model)[head - 1]
    assert np.abs(proba - serving.classifier.proba(worker.features(opened, serving, head))).max() < 1e-5


def test_a_pool_out_of_reach_fails_the_round_with_one_sentence_and_the_old_version_serves_on(
    worker: WorkerRuntime, opened: Database, pool: Pool, tmp_path: Path
) -> None:
    refill_from_pool(worker, opened)
    decide(opened, 30)
    first = run_round(worker, opened)
    decide(opened, 10)
    (tmp_path / "pool").rename(tmp_path / "away")
    before = order_of(opened)
    failed = run_round(worker, opened)
    assert failed.status == "failed"
    assert failed.error is not None
    assert "글 창고" in explain(UserError(failed.error["code"], **failed.error["details"]))
    assert models.find_active_id(opened) == first.model_id
    assert order_of(opened) == before
    (tmp_path / "away").rename(tmp_path / "pool")
    assert run_round(worker, opened).status == "done"


def test_a_cancelled_round_keeps_what_was_committed(
    worker: WorkerRuntime, opened: Database, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    refill_from_pool(worker, opened)
    decide(opened, 30)
    round_id = round_cases.request(opened, annotator_id=None)
    put = manifest.put_shard

    def put_and_cancel(db: Database, pool_id: int, stage: str, shard: manifest.Shard) -> None:
        put(db, pool_id, stage, shard)
        rounds.ask_cancel(db, round_id)

    with monkeypatch.context() as patch:
        patch.setattr(manifest, "put_shard", put_and_cancel)
        steps.run(lambda name: steps.run_step(worker, round_id, name))
    told = progress.find(opened, rounds.get_round(opened, round_id))
    assert told is not None
    assert (told.stage, told.total) == ("encode", 3)
    assert told.texts_a_second > 0
    assert rounds.get_round(opened, round_id).status == "cancelled"
    (stage,) = [each for each in manifest.list_stages(opened, pool.id) if each != "texts"]
    assert len(manifest.list_shards(opened, pool.id, stage)) >= 1
    assert run_round(worker, opened).status == "done"


def test_a_forgotten_text_is_never_handed_out(worker: WorkerRuntime, opened: Database, pool: Pool) -> None:
    refill_from_pool(worker, opened)
    decide(opened, 30)
    run_round(worker, opened)
    text = "3번째 날"
    number = next(n for n, each in enumerate(all_texts(opened, pool), 1) if each.startswith(text))
    there = members.find_diaries(opened, pool.id, np.array([number]))
    selection = Selection(ids=(there[number],)) if there else Selection(pool_numbers=(number,))
    forgetting.forget(opened, None, selection)
    decide(opened, 10)
    assert run_round(worker, opened).status == "done"
    assert not [each for each, *_ in order_of(opened, pool) if each.startswith(text)]
    assert pools.get_pool(opened).row_count == 250


def all_texts(db: Database, pool: Pool) -> list[str]:
    return [text or "" for text in pool_rows.fetch(db, pool, np.arange(1, 251), with_texts=True).texts["text"]]
