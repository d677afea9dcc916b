"""Stages of a pool: the same files from processes of this computer, resumed, redone where damaged, never mixed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator import settings as project_settings
from annotator.pool import checking, driving, engines, preparing, stages
from annotator.privacy import forgetting
from annotator.privacy.forgetting import Selection
from annotator.serving import encoder_cache
from db.models import models
from db.pool import manifest
from learner.active_learning import draws, query_strategies
from learner.classification import classifier as classifiers
from learner.pool import ranking, shards
from learner.pool.storage import PoolError, Storage
from learner.pool.worker import Job, Receipt, Task
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from annotator.pool.pools import Pool
    from annotator.pool.progress import StageProgress
    from annotator.serving.runtime import ModelRuntime
    from db import Database

pytestmark = pytest.mark.slow


def read_stage(db: Database, pool: Pool, stage: str) -> NDArray[np.float32]:
    files = manifest.list_shards(db, pool.id, stage)
    read = [shards.open_rows(Storage(pool.url), stage, n, digest=files[n].digest).values for n in sorted(files)]
    return np.concatenate(read)


def read_texts(db: Database, pool: Pool) -> list[str | None]:
    files = manifest.list_shards(db, pool.id, "texts")
    return [
        text for n in sorted(files) for text in shards.read_texts(Storage(pool.url), n, digest=files[n].digest).texts
    ]


def add_version(db: Database, encoder_hash: str, width: int) -> models.Model:
    random = np.random.default_rng(5)
    head = classifiers.Classifier(
        random.normal(size=width).astype(np.float32) * 0.01,
        random.normal(size=(3, width)).astype(np.float32),
        np.zeros(3, np.float32),
        1.0,
        "",
    )
    new = models.NewModel(
        tier="instant",
        encoder=project_settings.load(db).encoder,
        encoder_hash=encoder_hash,
        label_ids=(1, 2, 3),
        weights=head.to_bytes(),
        settings={},
    )
    return models.get_model(db, models.add_model(db, new))


def test_vectors_and_predictions_are_those_of_one_machine(runtime: ModelRuntime, opened: Database, pool: Pool) -> None:
    with driving.only_driver(opened, pool):
        reports = stages.encode(runtime, opened, pool, engines.LocalEngine(2))
        encoder = runtime.load_encoder(opened, encoder_cache.of_next_round(opened))
        assert [(r.kind, r.shards, r.texts) for r in reports] == [("encode", 3, 250), ("ngrams", 3, 250)]
        assert all(r.core_seconds > 0 for r in reports)
        texts = [text for text in read_texts(opened, pool) if text]
        vectors = read_stage(opened, pool, preparing.encode_stage(encoder.hash))
        assert np.abs(vectors - runtime.encode(opened, texts).vectors).max() < 1e-6
        model = add_version(opened, encoder.hash, encoder.width)
        stages.predict(runtime, opened, pool, engines.InlineEngine(), model)
    head = classifiers.from_bytes(models.get_weights(opened, model.id))
    proba = head.proba(head.features(vectors, None))
    assert np.abs(read_stage(opened, pool, preparing.predict_stage(model.id)) - proba).max() < 1e-6
    assert checking.check(opened, pool).is_whole


def test_what_is_there_is_not_made_again_and_what_is_damaged_is(
    runtime: ModelRuntime, opened: Database, pool: Pool
) -> None:
    engine, storage = engines.InlineEngine(), Storage(pool.url)
    stages.encode(runtime, opened, pool, engine)
    assert [report.shards for report in stages.encode(runtime, opened, pool, engine)] == [0, 0]
    encoder = runtime.load_encoder(opened, encoder_cache.of_next_round(opened))
    stage = preparing.encode_stage(encoder.hash)
    before = read_stage(opened, pool, stage)
    name = shards.name_of(stage, 1)
    storage.write(name, storage.read(name)[:-1])
    assert stages.encode(runtime, opened, pool, engine)[0].shards == 1
    # Of the same size, but foreign: whoever reads it next finds it, and it is made again.
    storage.write(name, bytes(reversed(storage.read(name))))
    model = add_version(opened, encoder.hash, encoder.width)
    reports = stages.predict(runtime, opened, pool, engine, model)
    assert [(r.kind, r.shards) for r in reports if r.shards] == [("encode", 1), ("predict", 1)]
    assert np.array_equal(read_stage(opened, pool, stage), before)
    assert len(read_stage(opened, pool, preparing.predict_stage(model.id))) == 250


def test_damaged_texts_are_named_and_all_other_shards_are_made(
    runtime: ModelRuntime, opened: Database, pool: Pool
) -> None:
    storage = Storage(pool.url)
    storage.write("texts/00001.parquet", storage.read("texts/00000.parquet"))
    with pytest.raises(PoolError, match="pool_shard_differs") as caught:
        stages.encode(runtime, opened, pool, engines.InlineEngine())
    assert caught.value.details["name"] == "texts/00001.parquet"
    (stage,) = [each for each in manifest.list_stages(opened, pool.id) if each.startswith("encode/")]
    assert list(manifest.list_shards(opened, pool.id, stage)) == [0, 2]


def test_vectors_of_two_encoders_never_mix(runtime: ModelRuntime, opened: Database, pool: Pool) -> None:
    stages.encode(runtime, opened, pool, engines.InlineEngine())
    (stage,) = [each for each in manifest.list_stages(opened, pool.id) if each.startswith("encode/")]
    storage, other = Storage(pool.url), "encode/another"
    storage.write(f"{other}/00000.arrow", storage.read(f"{stage}/00000.arrow"))
    described = manifest.list_shards(opened, pool.id, stage)[0]
    with pytest.raises(PoolError, match="pool_shard_differs"):
        shards.open_rows(storage, other, 0, digest=described.digest)
    (encoder,) = {name.split("/")[1] for name in storage.list_names() if name.startswith("encoders/")}
    storage.write("encoders/another/about.json", storage.read(f"encoders/{encoder}/about.json"))
    for name in [each for each in storage.list_names() if each.startswith(f"encoders/{encoder}/folder/")]:
        storage.write(name.replace(encoder, "another"), storage.read(name))
    job = Job(pool.url, 100, "encode", other, encoder="another", cache=str(runtime.cache))
    with pytest.raises(PoolError, match="pool_encoder_differs"):
        driving.run_stage(opened, pool, job, engines.InlineEngine())
    assert manifest.list_shards(opened, pool.id, other) == {}


def test_a_second_driver_is_refused(opened: Database, pool: Pool) -> None:
    with driving.only_driver(opened, pool):
        script = (
            "import sys; from pathlib import Path\n"
            "from annotator import project; from annotator.pool import driving, pools\n"
            "db = project.open_project(Path(sys.argv[1]))\n"
            "try:\n    with driving.only_driver(db, pools.get_pool(db)): print('in')\n"
            "except Exception as error: print(error.code)\n"
        )
        from db.connection import file_of

        ran = subprocess.run(
            [sys.executable, "-c", script, file_of(opened)],
            capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert ran.stdout.strip() == "pool_driven"
    with driving.only_driver(opened, pool):
        pass


class _Slow:
    """An engine that stalls, as actor pools have been seen to, after one receipt; restarted it does the rest."""

    name, worker_count = "stalling", 1

    def __init__(self) -> None:
        self.starts = 0

    def run(self, job: Job, tasks: Sequence[Task]) -> Iterator[Receipt | None]:
        self.starts += 1
        working = engines.InlineEngine().run(job, tasks)
        yield next(working)
        while self.starts < 2:
            yield None
        yield from working


def test_a_stalled_engine_is_ended_and_begun_anew(runtime: ModelRuntime, opened: Database, pool: Pool) -> None:
    slow = _Slow()
    job = preparing.encode_job(runtime, opened, pool, encoder_cache.of_next_round(opened))
    report = driving.run_stage(opened, pool, job, slow, watchdog_seconds=0.01)
    assert (slow.starts, report.shards, report.texts) == (2, 3, 250)


def test_it_stops_when_asked_and_goes_on_later(runtime: ModelRuntime, opened: Database, pool: Pool) -> None:
    job = preparing.encode_job(runtime, opened, pool, encoder_cache.of_next_round(opened))
    told: list[StageProgress] = []

    def stop(now: StageProgress) -> bool:
        told.append(now)
        return now.done < 2

    with pytest.raises(driving.StageCancelledError):
        driving.run_stage(opened, pool, job, engines.InlineEngine(), on_progress=stop)
    assert [(now.done, now.total) for now in told] == [(1, 3), (2, 3)]
    assert told[-1].texts_a_second > 0
    again = driving.run_stage(opened, pool, job, engines.InlineEngine())
    assert (again.shards, again.texts) == (1, 50)


def test_a_killed_process_is_replaced_and_every_row_is_there_once(
    runtime: ModelRuntime, opened: Database, pool: Pool
) -> None:
    job = preparing.encode_job(runtime, opened, pool, encoder_cache.of_next_round(opened))
    working = engines.LocalEngine(1).run(job, driving.list_due(opened, pool, job.stage))
    killed: list[int] = []

    def kill_first() -> None:
        import psutil

        while not killed:
            for child in psutil.Process().children():
                if "maeumgyeol.processes.inside" in " ".join(child.cmdline()):
                    os.kill(child.pid, signal.SIGKILL)
                    killed.append(child.pid)
                    return

    killer = threading.Thread(target=kill_first)
    killer.start()
    receipts = [receipt for receipt in working if receipt is not None]
    killer.join()
    assert sorted(receipt.shard for receipt in receipts) == [0, 1, 2]
    assert not any(receipt.code for receipt in receipts)


def test_a_task_that_always_ends_its_process_is_given_up(opened: Database, pool: Pool) -> None:
    job = Job(pool.url, 100, "encode", "encode/x", encoder="nowhere")
    (task, *_) = driving.list_due(opened, pool, "encode/x")
    (receipt,) = [each for each in engines.LocalEngine(1).run(job, [task]) if each is not None]
    assert receipt.code == "pool_file_missing"


def test_forgetting_meanwhile_makes_a_shard_due_again(runtime: ModelRuntime, opened: Database, pool: Pool) -> None:
    job = preparing.encode_job(runtime, opened, pool, encoder_cache.of_next_round(opened))
    forgot: list[int] = []

    def forget_once(now: StageProgress) -> bool:
        if not forgot:
            forgot.append(150)
            forgetting.forget(opened, None, Selection(pool_numbers=(150,)))
        return True

    driving.run_stage(opened, pool, job, engines.InlineEngine(), on_progress=forget_once)
    values = read_stage(opened, pool, job.stage)
    assert np.flatnonzero(np.isnan(values[:, 0])).tolist() == [149]
    assert checking.check(opened, pool).is_whole


@pytest.mark.parametrize("strategy", query_strategies.STRATEGIES)
def test_the_best_of_all_shards_are_the_best_of_the_whole(opened: Database, pool: Pool, strategy: str) -> None:
    random = np.random.default_rng(3)
    proba = random.dirichlet(np.ones(4), 250).round(2).astype(np.float32)  # with ties
    storage, texts = Storage(pool.url), manifest.list_shards(opened, pool.id, "texts")
    request = ranking.RankRequest(strategy, 7, [0, 1, 2, 3], 4, size=40, uniform=9, test=11, sample=13)
    decided, best = {3, 120, 121}, None
    for n, file in texts.items():
        made = shards.write_rows(storage, "predict/1", n, proba[100 * n : 100 * n + file.rows], source=file.digest)
        excluded = [number - 1 - 100 * n for number in decided if (number - 1) // 100 == n]
        part = ranking.rank(
            storage, n, request, source=file.digest, predictions=("predict/1", made.digest), rows_a_shard=100,
            excluded=excluded,
        )  # fmt: skip
        part = ranking.from_bytes(ranking.to_bytes(part))
        best = part if best is None else ranking.merge(best, part, request)
    assert best is not None
    is_test = np.concatenate([
        shards.read_texts(storage, n, digest=file.digest).is_test for n, file in texts.items()
    ])  # fmt: skip
    numbers = np.array([n for n in range(1, 251) if n not in decided and not is_test[n - 1]])
    scores = query_strategies.score(strategy, proba[numbers - 1], numbers=numbers, seed=7)
    assert best.count == len(numbers)
    assert best.ranked.tolist() == numbers[query_strategies.largest(scores, 40)].tolist()
    uniform = draws.draw(numbers, seed=7, purpose="uniform")
    assert best.uniform.tolist() == numbers[draws.smallest(uniform, 9)].tolist()
    assert len(best.test) == 11
    assert len(best.sample) == 13
