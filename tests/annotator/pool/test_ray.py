"""A Ray cluster makes the same files as processes of this computer, and is entered with a token only."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator import settings as project_settings
from annotator.pool import driving, engines, preparing, stages
from annotator.serving import encoder_cache
from benchmarks import local_cluster as clusters
from db.pool import manifest
from learner.pool import shards
from learner.pool.storage import PoolError, Storage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from annotator.pool.pools import Pool
    from annotator.serving.runtime import ModelRuntime
    from db import Database

# Not imported: Ray reads when it is imported whether tokens are asked for.
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


def test_it_makes_the_files_of_local_processes(
    runtime: ModelRuntime, opened: Database, pool: Pool, entered: clusters.Cluster
) -> None:
    settings = project_settings.change(opened, engine="ray", cluster=entered.address)
    job = preparing.encode_job(runtime, opened, pool, encoder_cache.of_next_round(opened))
    with driving.only_driver(opened, pool):
        report = driving.run_stage(opened, pool, job, engines.open_engine(settings))
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
    with pytest.raises(PoolError, match="ray_token_missing"):
        engines.open_engine(settings)
    script = f"import ray; ray.init('{cluster.address}', log_to_driver=False)"
    environment = {**cluster.environment(), "RAY_AUTH_MODE": "disabled"}
    refused = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert "ConnectionError" in refused.stderr or "authentication" in refused.stderr.lower()


def test_no_cluster_is_one_sentence(entered: clusters.Cluster, opened: Database) -> None:
    settings = project_settings.change(opened, engine="ray", cluster="127.0.0.9:1")
    with pytest.raises(PoolError, match="ray_unreachable"):
        engines.open_engine(settings)
