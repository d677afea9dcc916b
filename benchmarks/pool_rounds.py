"""A pool from end to end: rounds by the button on its shards, one worker killed, against one machine.

    python -m benchmarks.pool_rounds --data nsmc_reviews.parquet --text-column document --label-column rating \\
        --bands 1-4=슬픔 5-8=중립 9-10=행복 --rows 60000 --engine ray --json pool_rounds.json

Both projects have the same seed and the same vectors, and fit their text spaces in one process. In each round the next
diaries of the queue get the labels of the file, a round is requested, and a worker process runs it; in the second one
the pool's worker is killed while it works on the shards, and another one goes on. `weights_apart` is the largest
difference between the heads' weights; of the next `compared` diaries of both queues, `same_places` are the same at the
same place, `same_texts` are in both; `moved` are in the queue of the pool alone, since one machine has put them into
the test part as near-copies of others by then, which a pool does for texts that have become diaries; `same_labelled`
says whether both labelled the same texts. Labels have to be names of a new project's label set.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import secrets
import signal
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from annotator import project
from annotator import settings as project_settings
from annotator.importing import ColumnMap, Plan, import_file
from annotator.labelling.queueing import enqueue_import
from annotator.pool import creation, engines, pools, preparing
from annotator.pool.pools import storage_of
from annotator.serving import encoder_cache
from annotator.training import rounds as round_cases
from annotator.worker.loop import Worker
from annotator.worker.runtime import WorkerRuntime
from annotator.worker.tasks.ngram_features import fit_text_space
from annotator.worker.tasks.pool_queue import refill_from_pool
from benchmarks import labelled_file, local_cluster, machine, pool_kills
from db.answers import decisions, queue
from db.answers.decisions import NewDecision
from db.connection import write
from db.label_sets import labels
from db.models import models, rounds
from db.people import annotators
from db.pool import manifest
from db.texts import diaries
from learner.classification import classifier as classifiers
from learner.encoders.encoder import Encoded, default_cache
from learner.pool import shards

if TYPE_CHECKING:
    import pandas as pd

    from db import Database

ROUNDS, LABELS_A_ROUND, KILLED_ROUND = 3, 100, 2
COMPARED = 1_500


def main() -> None:
    """Make both projects, run the rounds, and write what was compared."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    labelled_file.add_arguments(parser, rows=60_000)
    parser.add_argument("--engine", choices=["local", "ray"], default="local")
    parser.add_argument("--rows-a-shard", type=int, default=5_000)
    asked = parser.parse_args()
    frame = labelled_file.read_rows(asked).rename(columns={asked.text_column: "text", asked.label_column: "label"})
    frame["text"] = frame["text"].astype(str).str.normalize("NFC").str.strip()
    frame = frame.drop_duplicates("text")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        report = measure(Path(folder), frame, asked, stack)
    machine.write(asked.json, {"machine": machine.describe(), "data": asked.data.name, **report})


def measure(folder: Path, frame: pd.DataFrame, asked: argparse.Namespace, stack: ExitStack) -> dict[str, Any]:
    """Return what the rounds of both projects gave."""
    truth = dict(zip(frame["text"].astype(str), frame["label"].astype(str), strict=True))
    content = frame[["text"]].to_csv(index=False).encode()
    pooled, single = folder / "pooled.db", folder / "single.db"
    for path in (pooled, single):
        project.init(path, seed="00" * 16, blind_share=0.0, precision="fp32")
    report: dict[str, Any] = {"rows": len(frame), "engine": asked.engine, "rounds": []}
    with closing(project.open_project(pooled)) as db:
        plan = Plan(ColumnMap("text"), remembers=False)
        creation.create(db, str(folder / "pool"), [(content, "a.csv")], plan, rows_a_shard=asked.rows_a_shard)
        settings = _use_engine(db, asked.engine, stack)
    with engines.opened(settings) as engine:
        report["encode"] = pool_kills.encode(pooled, engine)
    del report["encode"]["digests"]
    _start_queue(pooled)
    _import(single, pooled, content)
    for number in range(1, ROUNDS + 1):
        labelled = [sorted(_label_and_request(path, truth)) for path in (pooled, single)]
        killed = _kill_in_round(pooled) if number == KILLED_ROUND else None
        seconds = [_finish_round(path) for path in (pooled, single)]
        report["rounds"].append({**_compare(pooled, single), "same_labelled": labelled[0] == labelled[1]})
        report["rounds"][-1] |= {"killed_at": killed, "seconds": seconds[0], "seconds_on_one_machine": seconds[1]}
    return report


def _use_engine(db: Database, engine: str, stack: ExitStack) -> project_settings.Settings:
    if engine == "local":
        return project_settings.change(db, engine="local")
    cluster = stack.enter_context(local_cluster.make())
    cluster.add_node()
    os.environ.update({k: v for k, v in cluster.environment().items() if k.startswith("RAY_")})
    return project_settings.change(db, engine="ray", cluster=cluster.address)


def _start_queue(path: Path) -> None:
    """Fit the text space, as is done for the other project, and make diaries of the first texts of the pool."""
    with closing(project.open_project(path)) as db:
        preparing.fit_text_space(db, pools.get_pool(db))
        runtime = WorkerRuntime(path, cache=default_cache())
        while refill_from_pool(runtime, db):
            pass
        runtime.close()


def _import(path: Path, pooled: Path, content: bytes) -> None:
    """Import the texts as diaries, with the vectors of the pool: other batches would round otherwise."""
    with closing(project.open_project(path)) as db, closing(project.open_project(pooled)) as other:
        import_file(db, content, "a.csv", columns=ColumnMap("text"), after=enqueue_import)
        runtime = WorkerRuntime(path, cache=default_cache())
        pool, encoder = pools.get_pool(other), runtime.load_encoder(db, encoder_cache.of_next_round(db))
        stage = preparing.encode_stage(encoder.hash)
        for number, made in sorted(manifest.list_shards(other, pool.id, stage).items()):
            values = shards.open_rows(storage_of(pool), stage, number, digest=made.digest).values
            ids = number * pool.rows_a_shard + 1 + np.arange(len(values))
            counts = encoder.count_tokens(diaries.list_texts(db, ids))
            runtime.keep_vectors(db, runtime.vector_file(db), ids, Encoded(np.array(values), counts))
        fit_text_space(runtime, db)
        runtime.close()


def _label_and_request(path: Path, truth: dict[str, str]) -> list[str]:
    """Give the next diaries of the queue their labels, request a round, and return the texts."""
    with closing(project.open_project(path)) as db:
        with write(db):
            me = annotators.get_or_create_id(db, "나")
        label_ids = {label.name: label.id for label in labels.list_labels(db)}
        ids = _list_open(db)[:LABELS_A_ROUND]
        texts = diaries.list_texts(db, ids)
        for diary_id, text in zip(ids, texts, strict=True):
            decision = NewDecision(diary_id, me, "label", secrets.token_hex(8), label_ids[truth[text]])
            decisions.add(db, decision)
        round_cases.request(db, annotator_id=None)
        return list(texts)


def _list_open(db: Database) -> list[int]:
    decided = set(decisions.list_decided_ids(db).tolist())
    return [i for i in queue.list_head(db, 10_000) if i not in decided]


def _worker(path: Path) -> multiprocessing.process.BaseProcess:
    process = multiprocessing.get_context("spawn").Process(target=_run_worker, args=(path,))
    process.start()
    return process


def _run_worker(path: Path) -> None:
    Worker(path).run(until="round_ended")


def _kill_in_round(path: Path) -> str:
    """Start a worker, kill it once it has made a part of the new version's predictions, and return where that was."""
    process = _worker(path)
    with closing(project.open_project(path)) as db:
        pool = pools.get_pool(db)
        before = set(manifest.list_stages(db, pool.id))
        while process.is_alive():
            new = [stage for stage in manifest.list_stages(db, pool.id) if stage not in before]
            made = [f"{stage.split('/')[0]}, {len(manifest.list_shards(db, pool.id, stage))} shards" for stage in new]
            if made and process.pid:
                os.kill(process.pid, signal.SIGKILL)
                process.join()
                return made[-1]
            time.sleep(0.005)
    raise AssertionError("the round ended before its worker could be killed")


def _finish_round(path: Path) -> float:
    """Run the requested round to its end in a worker process, and return the seconds."""
    began = time.monotonic()
    process = _worker(path)
    process.join()
    with closing(project.open_project(path)) as db:
        latest = rounds.list_rounds(db)[0]
        if latest.status != "done":
            raise AssertionError(f"the round ended as {latest.status}: {latest.error}")
    return time.monotonic() - began


def _compare(pooled: Path, single: Path) -> dict[str, Any]:
    """Return by how much the serving versions and their queues differ."""
    sides = []
    for path in (pooled, single):
        with closing(project.open_project(path)) as db:
            model = models.find_active(db)
            if model is None:
                raise AssertionError(f"{path.name} serves no version")
            head = classifiers.from_bytes(models.get_weights(db, model.id)).head
            ids = _list_open(db)[:COMPARED]
            sides.append((head, list(diaries.list_texts(db, ids))))
    (mine, my_texts), (other, texts) = sides
    with closing(project.open_project(single)) as db:
        parts = {text: part for _, text, _, part in diaries.read_for_drawing(db)}
    return {
        "weights_apart": max(float(np.abs(a - b).max()) for a, b in zip(mine, other, strict=True)),
        "compared": min(len(my_texts), len(texts)),
        "same_places": sum(a == b for a, b in zip(my_texts, texts, strict=False)),
        "same_texts": len(set(my_texts) & set(texts)),
        "moved": sum(parts[text] != "pool" for text in set(my_texts) - set(texts)),
    }


if __name__ == "__main__":
    main()
