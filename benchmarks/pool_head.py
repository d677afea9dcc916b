"""How long a driver takes to end when its cluster's head dies or hangs, and whether the next run goes on from there.

python -m benchmarks.pool_head --json pool_head.json
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from annotator import project
from annotator.pool import engines, pools
from benchmarks import local_cluster, machine, pool_kills
from benchmarks.pool_cluster import make_pool
from db.pool import manifest

SIGNALS = {"killed": signal.SIGKILL, "stopped": signal.SIGSTOP}


def count_done(path: Path) -> int:
    """Return how many shards have vectors."""
    with closing(project.open_project(path)) as db:
        pool = pools.get_pool(db)
        stages = [stage for stage in manifest.list_stages(db, pool.id) if stage.startswith("encode/")]
        return sum(len(manifest.list_shards(db, pool.id, stage)) for stage in stages)


def run(folder: Path, number: signal.Signals, rows: int) -> dict[str, Any]:
    """Send a signal to all processes of the head after the second shard, wait for the driver, and encode the rest."""
    path = make_pool(folder, rows, 5, None)
    with local_cluster.make() as cluster:
        cluster.add_node()
        command = ["pool", "run", "encode", "--db", str(path), "--engine", "ray", "--address", cluster.address]
        driver = subprocess.Popen(
            [sys.executable, "-m", "annotator.cli", *command],
            env=cluster.environment(),
            stderr=subprocess.PIPE,
            text=True,
        )
        while driver.poll() is None and count_done(path) < 2:
            time.sleep(0.2)
        os.killpg(cluster.nodes[0].pid, number)
        began = time.monotonic()
        sentence = driver.communicate()[1].strip()
        seconds = time.monotonic() - began
    done = count_done(path)
    rest = pool_kills.encode(path, engines.InlineEngine())
    return {
        "seconds": seconds,
        "status": driver.returncode,
        "lines": len(sentence.splitlines()),
        "sentence": sentence,
        "done": done,
        "encoded_afterwards": rest["texts"] // 5,
        "shards": rows // 5,
    }


def main() -> None:
    """Print what was measured, and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    report: dict[str, Any] = {"machine": machine.describe()}
    for name, number in SIGNALS.items():
        with tempfile.TemporaryDirectory() as folder:
            report[name] = run(Path(folder), number, asked.rows)
    machine.write(asked.json, report)


if __name__ == "__main__":
    main()
