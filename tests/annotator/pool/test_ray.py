"""A Ray cluster makes the same files as processes of this computer, and is entered with a token only."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator import settings as project_settings
from annotator.errors import UserError
from annotator.importing import ColumnMap, Plan
from annotator.messages import explain
from annotator.pool import creation, driving, engines, pools, preparing, progress, ray_engine, stages
from annotator.serving import encoder_cache
from annotator.worker.tasks.pool_queue import refill_from_pool
from benchmarks import local_cluster as clusters
from db.models import models
from db.pool import manifest
from learner.pool import shards
from learner.pool.storage import PoolError, Storage
from tests.annotator.pool.conftest import decide, run_round, table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from annotator.pool.pools import Pool
    from annotator.serving.runtime import ModelRuntime
    from annotator.worker.runtime import WorkerRuntime
    from db import Database
    from db.models import rounds

# Not imported: only the client of a cluster loads it.
is_there = importlib.util.find_spec("ray") is not None

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not is_there, reason="NOT TESTED: the extra scale is missing")]


@pytest.fixture(scope="module")
def cluster() -> Iterator[clusters.Cluster]:
    with clusters.make() as started:
        yield started


@pytest.fixture
def entered(cluster: clusters.Cluster, monkeypatch: pytest.MonkeyPatch) -> clusters.Cluster:
    for name, value in cluster.environment().items():
        if name.startswith("RAY_") or name == "HOME":
            monkeypatch.setenv(name, value)
    return cluster


@pytest.fixture
def sliced(opened: Database, tmp_path: Path) -> Pool:
    """A pool of 250 texts in so many shards that whatever happens to a cluster happens in the middle of them."""
    plan = Plan(ColumnMap("글"), remembers=False)
    creation.create(opened, str(tmp_path / "sliced"), [(table(250), "a.csv")], plan, rows_a_shard=4)
    return pools.get_pool(opened)


def test_it_makes_the_files_of_local_processes(
    runtime: ModelRuntime, opened: Database, pool: Pool, entered: clusters.Cluster
) -> None:
    settings = project_settings.change(opened, engine="ray", cluster=entered.address)
    job = preparing.encode_job(runtime, opened, pool, encoder_cache.of_next_round(opened))
    with driving.only_driver(opened, pool), engines.opened(settings) as engine:
        report = driving.run_stage(opened, pool, job, engine)
    assert (report.engine, report.shards, report.texts) == ("ray", 3, 250)
    storage, made = Storage(pool.url), manifest.list_shards(opened, pool.id, job.stage)
    of_ray = [shards.open_rows(storage, job.stage, n, digest=made[n].digest).values.copy() for n in range(3)]
    assert {shard.engine for shard in made.values()} == {"ray"}
    assert not [name for name in storage.list_names() if ".part-" in name]
    manifest.drop_stages(opened, pool.id, [job.stage])
    for n in range(3):
        storage.remove(shards.name_of(job.stage, n))
    stages.encode(runtime, opened, pool, engines.InlineEngine())
    made = manifest.list_shards(opened, pool.id, job.stage)
    for n in range(3):
        local = shards.open_rows(storage, job.stage, n, digest=made[n].digest)
        assert np.abs(of_ray[n] - local.values).max() < 1e-6
        assert local.source == manifest.list_shards(opened, pool.id, "texts")[n].digest
    assert list(entered.home.rglob("*")) == [], "nothing is written to the home folder"


def test_without_a_token_nobody_gets_in(
    cluster: clusters.Cluster, monkeypatch: pytest.MonkeyPatch, opened: Database
) -> None:
    settings = project_settings.change(opened, engine="ray", cluster=cluster.address)
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(PoolError, match="ray_token_missing"), engines.opened(settings):
        pass
    script = f"import ray; ray.init('{cluster.address}', log_to_driver=False)"
    environment = {**cluster.environment(), "RAY_AUTH_MODE": "disabled", "RAY_NUM_REDIS_GET_RETRIES": "2"}
    refused = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert "ConnectionError" in refused.stderr or "authentication" in refused.stderr.lower()


def test_no_cluster_is_one_sentence(entered: clusters.Cluster, opened: Database) -> None:
    settings = project_settings.change(opened, engine="ray", cluster="127.0.0.9:1")
    with pytest.raises(PoolError, match="ray_unreachable"), engines.opened(settings):
        pass


def test_a_port_that_is_no_cluster_is_one_sentence(
    entered: clusters.Cluster, opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_engine, "_ENTER_SECONDS", 3.0)
    with socket.create_server(("127.0.0.2", 0)) as silent:
        address = f"127.0.0.2:{silent.getsockname()[1]}"
        settings = project_settings.change(opened, engine="ray", cluster=address)
        with pytest.raises(PoolError, match="ray_not_entered"), engines.opened(settings):
            pass


def test_a_head_that_hangs_ends_the_work_and_the_next_run_goes_on(
    runtime: ModelRuntime, opened: Database, sliced: Pool, entered: clusters.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_engine, "LOST_SECONDS", 6.0)
    settings = project_settings.change(opened, engine="ray", cluster=entered.address)
    job = preparing.encode_job(runtime, opened, sliced, encoder_cache.of_next_round(opened))

    def hang(now: progress.StageProgress) -> bool:
        if now.done == 1:
            os.killpg(entered.nodes[0].pid, signal.SIGSTOP)
        return True

    try:
        with pytest.raises(PoolError, match="ray_lost"), engines.opened(settings) as engine:
            driving.run_stage(opened, sliced, job, engine, on_progress=hang)
    finally:
        os.killpg(entered.nodes[0].pid, signal.SIGCONT)
    done = manifest.list_shards(opened, sliced.id, job.stage)
    assert 0 < len(done) < 63
    rest = driving.run_stage(opened, sliced, job, engines.InlineEngine())
    assert rest.shards == 63 - len(done)
    assert done.items() <= manifest.list_shards(opened, sliced.id, job.stage).items(), "none was made again"


def test_a_head_that_dies_fails_the_round_with_one_sentence_and_the_old_version_serves_on(
    worker: WorkerRuntime,
    opened: Database,
    sliced: Pool,
    entered: clusters.Cluster,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The last one here: the cluster is gone afterwards."""
    monkeypatch.setattr(ray_engine, "LOST_SECONDS", 6.0)
    refill_from_pool(worker, opened)
    decide(opened, 30)
    first = run_round(worker, opened)
    decide(opened, 10)
    project_settings.change(opened, engine="ray", cluster=entered.address)
    put = manifest.put_shard

    def put_and_kill(db: Database, pool_id: int, stage: str, shard: manifest.Shard) -> None:
        put(db, pool_id, stage, shard)
        if entered.nodes[0].poll() is None:
            entered.kill(entered.nodes[0])

    with monkeypatch.context() as patch:
        patch.setattr(manifest, "put_shard", put_and_kill)
        failed = run_round(worker, opened)
    assert (failed.status, failed.error) == ("failed", failed.error)
    assert "헤드 컴퓨터" in _sentence(failed)
    assert models.find_active_id(opened) == first.model_id
    (stage,) = {each for each in manifest.list_stages(opened, sliced.id) if each.startswith("predict/")} - {
        preparing.predict_stage(first.model_id or 0)
    }
    assert 0 < len(manifest.list_shards(opened, sliced.id, stage)) < 63
    unreachable = run_round(worker, opened)
    assert "이어지지 않아요" in _sentence(unreachable)
    assert models.find_active_id(opened) == first.model_id
    project_settings.change(opened, engine="local")
    assert run_round(worker, opened).status == "done"


def _sentence(of: rounds.Round) -> str:
    assert of.error is not None
    return explain(UserError(of.error["code"], **of.error["details"]))
