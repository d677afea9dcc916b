"""How well a pool in shards scales: the engines against a plain loop, one worker and two, and kills.

Two nodes of a Ray cluster run on addresses of this computer. Figures are of its processor time and clock.

    python -m benchmarks.pool_cluster --rows 200000 --workers 1 2 --kills 50 --json pool_cluster.json
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from annotator import project
from annotator import settings as project_settings
from annotator.importing import ColumnMap, Plan
from annotator.pool import creation, engines
from benchmarks import local_cluster, machine, pool_kills
from learner.active_learning import query_strategies
from learner.encoders.precision import EXACT, PRECISIONS, Precision
from learner.pool import ranking, shards
from learner.pool.storage import Storage

SCORED_ROWS = 2_000_000
_LABELS = 7


def make_pool(folder: Path, rows: int, rows_a_shard: int, data: Path | None, *, precision: Precision = EXACT) -> Path:
    """Make a project with a pool, of texts of a file or of sentences with numbers; return its database."""
    path = folder / "project.db"
    project.init(path, seed="00" * 16)
    lines = _texts(data) if data else ["오늘은 조금 힘들었지만 저녁에 친구를 만나서 웃었다."]
    content = "글\n" + "\n".join(f"{i}. {lines[i % len(lines)]}" for i in range(rows))
    with closing(project.open_project(path)) as db:
        project_settings.change(db, precision=precision)
        plan = Plan(ColumnMap("글"), remembers=False)
        creation.create(db, str(folder / "pool"), [(content.encode(), "a.csv")], plan, rows_a_shard=rows_a_shard)
    return path


def _texts(data: Path) -> list[str]:
    lines = [line.split("\t")[0].replace('"', "'").replace(",", " ") for line in data.read_text("utf-8").splitlines()]
    return [line for line in lines[1:] if line.strip()]


def run_encode(path: Path, engine: engines.Engine) -> dict[str, Any]:
    """Encode all shards anew and return what it took."""
    pool_kills.clear(path)
    return pool_kills.encode(path, engine)


def choose(folder: Path) -> dict[str, Any]:
    """Score and choose out of two million random answers in shards, and compare with the whole in one piece."""
    storage, generator = Storage(str(folder / "scored")), np.random.default_rng(0)
    count = SCORED_ROWS // shards.ROWS
    whole, files = [], []
    for n in range(count):
        proba = generator.dirichlet(np.ones(_LABELS), shards.ROWS).astype(np.float32)
        none: list[str | None] = [None] * len(proba)
        rows = shards.Texts(
            ["x"] * len(proba), np.ones(len(proba), np.int64), none, none, none, none,
            np.arange(len(proba)), np.zeros(len(proba), np.bool_),
        )  # fmt: skip
        texts = shards.write_texts(storage, n, rows, pool="p")
        files.append((texts, shards.write_rows(storage, "predict/1", n, proba, source=texts.digest)))
        whole.append(proba)
    request = ranking.RankRequest("margin", 1, list(range(_LABELS)), _LABELS, 20_000, 2_000, 0, 0)
    began, cpu_began, best = time.monotonic(), time.process_time(), ranking.nothing()
    for n, (texts, made) in enumerate(files):
        part = ranking.rank(
            storage, n, request, source=texts.digest, predictions=("predict/1", made.digest),
            rows_a_shard=shards.ROWS, excluded=[],
        )  # fmt: skip
        best = ranking.merge(best, part, request)
    seconds, cpu_seconds = time.monotonic() - began, time.process_time() - cpu_began
    scores = query_strategies.score("margin", np.concatenate(whole), seed=1)
    is_same = np.array_equal(best.ranked - 1, query_strategies.largest(scores, 20_000))
    return {"rows": SCORED_ROWS, "seconds": seconds, "cpu_seconds": cpu_seconds, "same_as_whole": bool(is_same)}


def main() -> None:
    """Print what was measured, and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rows-a-shard", type=int, default=5_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--kill-rows", type=int, default=2_000)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--precision", choices=PRECISIONS, default=EXACT, help="form of the encoder that reads")
    parser.add_argument("--only-choose", action="store_true")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    report: dict[str, Any] = {
        "machine": machine.describe(),
        "rows_asked": asked.rows,
        "data": asked.data.name if asked.data else None,
        "precision": asked.precision,
    }
    with tempfile.TemporaryDirectory() as folder:
        report["choose"] = choose(Path(folder))
        if not asked.only_choose:
            _measure(Path(folder), asked, report)
    machine.write(asked.json, report)


def _measure(folder: Path, asked: argparse.Namespace, report: dict[str, Any]) -> None:
    path = make_pool(folder, asked.rows, asked.rows_a_shard, asked.data, precision=asked.precision)
    report["plain"] = run_encode(path, engines.InlineEngine())
    for count in asked.workers:
        report[f"local_{count}"] = run_encode(path, engines.LocalEngine(count))
    with local_cluster.make() as cluster:
        os.environ.update({k: v for k, v in cluster.environment().items() if k.startswith("RAY_")})
        for count in asked.workers:
            while len(cluster.nodes) < count:
                cluster.add_node()
            with closing(project.open_project(path)) as db:
                settings = project_settings.change(db, engine="ray", cluster=cluster.address)
            with engines.opened(settings, workers=count) as engine:
                report[f"ray_{count}"] = run_encode(path, engine)
        if asked.kills:
            (folder / "killed").mkdir()
            small = make_pool(folder / "killed", asked.kill_rows, max(1, asked.kill_rows // 20), asked.data)
            report["kills"] = pool_kills.run(small, cluster, asked.kills)
    expected = report["plain"]["digests"]
    report["same_files"] = all(
        entry["digests"] == expected for k, entry in report.items() if k.startswith(("ray", "local"))
    )


if __name__ == "__main__":
    main()
