"""Workers, computers and drivers killed while the shards of a pool are encoded: whether each row is there once.

python -m benchmarks.pool_cluster --rows 2000 --kills 50 --json pool_cluster.json
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from annotator import project
from annotator import settings as project_settings
from annotator.pool import driving, engines, pools, preparing
from annotator.serving import encoder_cache
from annotator.serving.runtime import ModelRuntime
from db.pool import manifest
from learner.encoders.encoder import default_cache
from learner.pool.storage import Storage

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.local_cluster import Cluster

VICTIMS = ("local_worker", "actor", "raylet", "driver")

_EARLIEST, _LATEST = 0.5, 15.0

_NODES = 2
"""Computers at least: the first one is the cluster's head, whose end is the end of the cluster."""


def clear(path: Path) -> None:
    """Remove all vectors of a pool."""
    with closing(project.open_project(path)) as db:
        pool = pools.get_pool(db)
        storage = Storage(pool.url)
        for name in storage.list_names():
            if name.startswith("encode/"):
                storage.remove(name)
        stages = [stage for stage in manifest.list_stages(db, pool.id) if stage.startswith("encode/")]
        manifest.drop_stages(db, pool.id, stages)


def encode(path: Path, engine: engines.Engine) -> dict[str, Any]:
    """Encode the shards that are due, and return what it took."""
    with closing(project.open_project(path)) as db:
        pool, runtime = pools.get_pool(db), ModelRuntime(path, cache=default_cache())
        job = preparing.encode_job(runtime, db, pool, encoder_cache.of_next_round(db))
        with driving.only_driver(db, pool):
            report = driving.run_stage(db, pool, job, engine)
        made = manifest.list_shards(db, pool.id, job.stage)
        digests = [made[n].digest for n in sorted(made)]
    return {"seconds": report.seconds, "core_seconds": report.core_seconds, "texts": report.texts, "digests": digests}


def run(path: Path, cluster: Cluster, trials: int) -> dict[str, Any]:
    """Kill one thing after the other, at random times; return how often the files were not those without a kill."""
    with closing(project.open_project(path)) as db:
        project_settings.change(db, engine="ray", cluster=cluster.address)
    while len(cluster.nodes) < _NODES:
        cluster.add_node()
    clear(path)
    whole = encode(path, engines.InlineEngine())["digests"]
    counted: dict[str, Any] = dict.fromkeys(VICTIMS, 0)
    counted |= {"trials": trials, "not_as_without": 0, "most_made_again": 0, "missed": 0}
    for trial in range(trials):
        victim = VICTIMS[trial % len(VICTIMS)]
        clear(path)
        ran = _run_one(path, cluster, victim, random.Random(trial))
        counted[victim] += 1
        counted["missed"] += not ran["killed"]
        counted["not_as_without"] += ran["digests"] != whole
        counted["most_made_again"] = max(counted["most_made_again"], ran["made_again"])
        print(f"{trial + 1}/{trials}: {victim}, {ran['seconds']:.0f} s", file=sys.stderr, flush=True)
    return counted


def _run_one(path: Path, cluster: Cluster, victim: str, chance: random.Random) -> dict[str, Any]:
    after = chance.uniform(_EARLIEST, _LATEST)
    if victim == "driver":
        return _kill_driver(path, after)
    killed, over = [False], threading.Event()
    kill = _kill_raylet(cluster) if victim == "raylet" else _kill_worker(victim)

    def wait_and_kill() -> None:
        over.wait(after)
        while not over.is_set() and not killed[0]:
            killed[0] = kill()
            over.wait(0.1)

    killer = threading.Thread(target=wait_and_kill, daemon=True)
    killer.start()
    ran = encode(path, engines.LocalEngine(2)) if victim == "local_worker" else _encode_by_ray(path)
    over.set()
    killer.join()
    if victim == "raylet" and killed[0]:
        cluster.add_node()
    return {**ran, "killed": killed[0], "made_again": 0}


def _encode_by_ray(path: Path) -> dict[str, Any]:
    with closing(project.open_project(path)) as db:
        settings = project_settings.load(db)
    with engines.opened(settings) as engine:
        return encode(path, engine)


def _kill_worker(victim: str) -> Callable[[], bool]:
    """Return what kills a process that works on shards, and whether there was one."""

    def kill() -> bool:
        for process in psutil.process_iter(["cmdline"]):
            line = " ".join(process.info["cmdline"] or [])
            is_ours = "maeumgyeol.processes.inside" in line and process.ppid() == os.getpid()
            if is_ours if victim == "local_worker" else "ray::MapWorker" in line:
                process.send_signal(signal.SIGKILL)
                return True
        return False

    return kill


def _kill_raylet(cluster: Cluster) -> Callable[[], bool]:
    def kill() -> bool:
        cluster.kill(cluster.nodes.pop())
        return True

    return kill


def _kill_driver(path: Path, after: float) -> dict[str, Any]:
    """Kill the process that drives the cluster, and go on with another one."""
    driver = subprocess.Popen([sys.executable, "-m", "benchmarks.pool_kills", str(path)], start_new_session=True)
    # Its imports and its connection take some seconds.
    time.sleep(5 + after)
    killed = driver.poll() is None
    if killed:
        os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
    with closing(project.open_project(path)) as db:
        pool = pools.get_pool(db)
        files = [name for name in Storage(pool.url).list_names() if name.startswith("encode/")]
        stages = [stage for stage in manifest.list_stages(db, pool.id) if stage.startswith("encode/")]
        noted = sum(len(manifest.list_shards(db, pool.id, stage)) for stage in stages)
    return {**_encode_by_ray(path), "killed": killed, "made_again": max(0, len(files) - noted)}


if __name__ == "__main__":
    _encode_by_ray(Path(sys.argv[1]))
