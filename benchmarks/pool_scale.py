"""A million diaries: seconds and memory of scoring and choosing after a round, beside a plain read of the same bytes.

    python benchmarks/pool_scale.py --rows 1000000 --json out.json

Vectors are drawn around clusters with a seed, or with `--data` from those of real texts. Each measurement runs in a
process of its own, so that its memory is its own. Seconds are medians; the files are in the page cache, but for
what is called cold.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from annotator import project, status
from annotator.labelling import board
from annotator.labelling.queueing import enqueue_import
from annotator.settings import ENCODER
from annotator.training import rounds as round_cases
from annotator.worker import tasks
from annotator.worker.round import steps as round_job
from annotator.worker.runtime import WorkerRuntime
from annotator.worker.tasks import explanations, progress
from benchmarks import machine
from db.answers import queue
from db.models import models, rounds, text_spaces
from db.people import annotators
from db.texts import diaries, sentences
from db.texts.batch_insertion import insert_batch
from db.texts.batches import Batch, NewDiary
from db.texts.diaries import DRAW_RANGE
from db.texts.sentences import Sentences
from learner.active_learning import query_strategies
from learner.classification import classifier as classifiers
from learner.classification import ngram_features
from learner.classification.bulk_scoring import predict_rows
from learner.encoders import encoder as encoders
from learner.encoders.vector_store import VectorFile
from learner.layout import tsne

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from db import Database

    FloatArray = NDArray[np.float32]

RUNS = 5
CHOSEN = 1_000
LABELS = 1_250  # a fifth of them on test diaries
_AT_A_TIME = 50_000
_MOODS = [
    "기쁘고 설렜다",
    "슬프고 울었다",
    "화가 치밀었다",
    "걱정이 앞섰다",
    "어이가 없었다",
    "그저 그랬다",
    "질색이었다",
]
_PLACES = ["학교", "회사", "집", "시장", "공원", "병원", "식당", "버스", "도서관", "바다"]
_DOINGS = ["친구를 만났는데", "늦잠을 잤더니", "시험을 봤는데", "비를 맞으며 걷다가", "전화를 받고 나니", "밥을 먹다가"]


def main() -> None:
    """Build the project, measure in fresh processes, write the figures."""
    arguments = _arguments()
    if arguments.child:
        print(json.dumps(CHILDREN[arguments.child](arguments.folder)))
        return
    result: dict[str, Any] = {"machine": machine.describe(), "rows": arguments.rows, "chosen": CHOSEN}
    result["data"] = arguments.data.name if arguments.data else "drawn around clusters"
    with tempfile.TemporaryDirectory(dir=arguments.folder) as root:
        folder = Path(root)
        result["build_s"] = _seconds(lambda: build(folder, arguments))[0]
        result["production"] = _measure("production", folder)
        result["learner"] = _measure("learner", folder)
    result |= {key: result["learner"][key] for key in ("score_and_choose_s", "read_s", "ratio", "peak_resident_mb")}
    for key in ("round_rank_s", "round_promote_s", "upkeep_look_ms"):
        result[key] = result["production"][key]
    machine.write(arguments.json, result)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--data", type=Path, help="real texts, whose vectors are drawn from with a little noise")
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--folder", type=Path, help="where the project is built; 5 GB for a million rows")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", choices=list(CHILDREN), help=argparse.SUPPRESS)
    return parser.parse_args()


def _measure(child: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", child, "--folder", str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env={**os.environ})
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


# The project


def build(folder: Path, arguments: argparse.Namespace) -> None:
    """Make a project of that many diaries, with vectors, text features, sentences and some labels."""
    rng = np.random.default_rng(0)
    encoder = encoders.load(ENCODER, cache=encoders.default_cache())
    project.init(folder / "project.db", seed="00" * 16, encoder=ENCODER)
    with closing(project.open_project(folder / "project.db")) as db:
        rows = arguments.rows
        kinds = _kinds(arguments, encoder, rng)
        kind_of = rng.integers(0, len(kinds.vectors), rows)
        labelled = set(rng.choice(rows, min(LABELS, rows // 2), replace=False).tolist())
        importer = annotators.get_or_create_id(db, "pool.csv", kind="importer")
        batch = Batch("pool.csv", "0" * 64, "csv", "utf-8", {}, importer, rows)
        new_diaries = _diaries(rows, labelled, kinds.label_of[kind_of], rng)
        imported = insert_batch(db, batch, new_diaries, [], source="pool.csv")
        enqueue_import(db, imported)
        digest = text_spaces.add_text_space(db, kinds.space.to_bytes(), fitted_on=rows)
        home = project.vectors_folder(folder / "project.db")
        _write(VectorFile(home / encoder.hash, width=encoder.width), kinds.vectors, kind_of, rng)
        _write(VectorFile(home / f"text-{digest[:32]}", width=kinds.space.width), kinds.text_features, kind_of, rng)
        for at in range(1, rows + 1, _AT_A_TIME):
            ids = range(at, min(at + _AT_A_TIME, rows + 1))
            sentences.store_sentences(db, [Sentences(i, ((0, 8),), "kss") for i in ids])


class _kinds:  # noqa: N801 - a bundle of arrays, made once
    """Rows to draw from: vectors, text features and the label of each."""

    def __init__(self, arguments: argparse.Namespace, encoder: encoders.Encoder, rng: np.random.Generator) -> None:
        if arguments.data:
            import pandas as pd

            is_parquet = arguments.data.suffix == ".parquet"
            read = pd.read_parquet if is_parquet else pd.read_csv
            frame = read(arguments.data) if is_parquet else read(arguments.data, sep=None, engine="python")
            texts = frame[arguments.text_column].dropna().astype(str).sample(2000, random_state=0).tolist()
            self.vectors = encoder.encode(texts).vectors
        else:
            texts = [_text(i, i % len(_MOODS)) for i in range(2000)]
            centres = rng.standard_normal((70, encoder.width)) + 3 * rng.standard_normal(encoder.width)
            self.vectors = _scaled(centres[np.arange(2000) % 70] + rng.standard_normal((2000, encoder.width)))
        self.space = ngram_features.fit(texts, seed=0)
        self.text_features = self.space.transform(texts)
        # Any grouping will do as labels, as long as it can be learned.
        groups = self.vectors @ rng.standard_normal((encoder.width, len(_MOODS))).astype(np.float32)
        self.label_of = (groups - groups.mean(axis=0)).argmax(axis=1)


def _text(number: int, mood: int) -> str:
    place, doing = _PLACES[number // 7 % len(_PLACES)], _DOINGS[number // 70 % len(_DOINGS)]
    return f"{number}번째 날. {place}에서 {doing} {_MOODS[mood]}."


def _diaries(
    rows: int, labelled: set[int], label_of: NDArray[np.int64], rng: np.random.Generator
) -> Iterator[NewDiary]:
    draws = rng.integers(0, DRAW_RANGE, rows)
    for i, (draw, label) in enumerate(zip(draws.tolist(), label_of.tolist(), strict=True)):
        text = _text(i, label)
        yield NewDiary(
            row_number=i + 1,
            text=text,
            text_hash=hashlib.blake2b(text.encode(), digest_size=16).digest(),
            written_on=None,
            author=None,
            metadata="{}",
            part="test" if draw < DRAW_RANGE // 5 else "pool",
            draw=draw,
            label_id=label + 1 if i in labelled else None,
        )


def _scaled(vectors: NDArray[Any]) -> FloatArray:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), np.float32)


def _write(file: VectorFile, kinds: FloatArray, kind_of: NDArray[np.int64], rng: np.random.Generator) -> None:
    size = 0.3 / np.sqrt(file.width)
    for at in range(0, len(kind_of), _AT_A_TIME):
        part = kinds[kind_of[at : at + _AT_A_TIME]]
        vectors = _scaled(part + size * rng.standard_normal(part.shape, dtype=np.float32))
        file.write(range(at + 1, at + 1 + len(part)), vectors, np.full(len(part), 20, np.int32))


# What is measured, each in a process of its own


def measure_learner(folder: Path) -> dict[str, Any]:
    """Measure scoring and choosing on the files alone, without the database."""
    with closing(project.open_project(folder / "project.db")) as db:
        active = models.find_active(db)
        assert active is not None
        assert active.version > 0, "the round has put its version in force"
        classifier = classifiers.from_bytes(models.get_weights(db, active.id))
    home, width = project.vectors_folder(folder / "project.db"), classifier.width
    vectors = VectorFile(home / active.encoder_hash, width=width)
    texts = VectorFile(home / f"text-{classifier.text_space[:32]}", width=classifier.weight.shape[1] - width)
    rows = int(np.flatnonzero(vectors.token_counts())[-1]) + 1
    files = [(home / active.encoder_hash / "vectors.f32", rows * width * 4)]
    files.append((home / f"text-{classifier.text_space[:32]}" / "vectors.f32", rows * texts.width * 4))

    def score() -> FloatArray:
        return predict_rows(classifier, vectors, texts, stop=rows)

    def choose(proba: FloatArray) -> NDArray[np.int64]:
        pool = query_strategies.Pool(
            proba,
            lambda places: classifier.features(vectors.read(places + 1), texts.read(places + 1)),
            np.ones(proba.shape[1], np.int64),
        )
        return query_strategies.choose(query_strategies.DEFAULT, pool, size=CHOSEN, seed=0)

    cold = {}
    for name, work in (("read_cold_s", lambda: read(files)), ("score_cold_s", score)):
        _forget(files)
        cold[name] = _seconds(work)[0]
    proba = score()
    sample = np.random.default_rng(0).choice(rows, min(rows, 2000), replace=False)
    expected = classifier.proba(classifier.features(vectors.read(sample + 1), texts.read(sample + 1)))
    read_s, _ = _median(lambda: read(files))
    both_s, both_cpu_s = _median(lambda: choose(score()))
    return {
        "strategy": query_strategies.DEFAULT,
        "bytes_read": sum(size for _, size in files),
        "read_s": read_s,
        "score_and_choose_s": both_s,
        "score_and_choose_cpu_s": both_cpu_s,
        "score_s": _median(score)[0],
        "choose_s": _median(lambda: choose(proba))[0],
        "ratio": both_s / read_s,
        **cold,
        "largest_difference": float(np.abs(proba[sample] - expected).max()),
        "peak_resident_mb": machine.resident_mib(os.getpid())["most"],
        **_resident(),
    }


def read(files: list[tuple[Path, int]]) -> None:
    """Read the files once, on one thread, into a buffer that stays in the processor's cache."""
    buffer = memoryview(bytearray(2**22))
    for path, size in files:
        with path.open("rb", buffering=0) as file:
            remaining = size
            while remaining > 0:
                remaining -= file.readinto(buffer[: min(remaining, len(buffer))]) or remaining


def _forget(files: list[tuple[Path, int]]) -> None:
    for path, _ in files:
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure_production(folder: Path) -> dict[str, Any]:
    """Measure the worker's own code: rounds step by step, looks of upkeep, what pages ask the database."""
    path = folder / "project.db"
    runtime = WorkerRuntime(path, cache=encoders.default_cache())
    explanations.EXPLAINED_HEAD = 0  # they cost the same at any size
    tsne.FEWEST = sys.maxsize  # the map has a benchmark of its own, `map_layout.py`
    with closing(runtime.open()) as db:
        first = _keep_up(runtime, db)
        after_start = machine.resident_mib(os.getpid())
        steps = [_round(runtime, db) for _ in range(RUNS)]
        figures = {f"round_{name}_s": statistics.median(s[name] for s in steps) for name in round_job.STEPS}
        memory = {"peak_resident_mb": machine.resident_mib(os.getpid())["most"], **_resident()}
        after = _keep_up(runtime, db)
        figures["upkeep_look_ms"] = 1000 * _median(lambda: tasks.next_piece(runtime, db))[0]
        figures |= {"upkeep_at_start": first, "upkeep_after_rounds": after}
        figures["new_diaries"] = _some_more(runtime, db)
        figures["queries_ms"] = _queries(db, path)
        runtime.close()
    return {**figures, "resident_before_rounds_mb": after_start["now"], **memory}


def _round(runtime: WorkerRuntime, db: Database) -> dict[str, float]:
    round_id = round_cases.request(db, annotator_id=None)
    took = {
        name: _seconds(lambda name=name: round_job.run_step(runtime, round_id, name))[0] for name in round_job.STEPS
    }
    done = rounds.get_round(db, round_id)
    assert done.status == "done", done.error
    return took


def _keep_up(runtime: WorkerRuntime, db: Database) -> dict[str, dict[str, float]]:
    """Do the work that is due; return seconds by kind of piece."""
    kinds: dict[str, list[float]] = {}
    while True:
        seconds, piece = _seconds(lambda: tasks.next_piece(runtime, db))
        if piece is None:
            return {step: {"pieces": len(s), "median_s": statistics.median(s)} for step, s in kinds.items()}
        kinds.setdefault(piece.step, []).append(seconds)


def _some_more(runtime: WorkerRuntime, db: Database) -> dict[str, Any]:
    """Import 48 diaries and let upkeep process them: what a piece costs at this size beside its own work."""
    rng, start = np.random.default_rng(1), diaries.last_diary_id(db)
    importer = annotators.get_or_create_id(db, "more.csv", kind="importer")
    batch = Batch("more.csv", "1" * 64, "csv", "utf-8", {}, importer, 48)
    texts = [f"새 일기 {start + i}. {_text(i, i % 7)}" for i in range(48)]
    draws = rng.integers(0, DRAW_RANGE, len(texts)).tolist()
    more = [NewDiary(i, t, os.urandom(16), None, None, "{}", "pool", draws[i]) for i, t in enumerate(texts)]
    insert_batch(db, batch, more, [], source="more.csv")
    return {"encode_alone_s": _seconds(lambda: runtime.encode(db, texts))[0], "pieces": _keep_up(runtime, db)}


def _queries(db: Database, path: Path) -> dict[str, float]:
    me = annotators.get_or_create_id(db, "나")
    asked: dict[str, Callable[[], object]] = {
        "signature": lambda: queue.signature(db),
        "queue_head": lambda: queue.list_head(db, progress.HEAD),
        "board": lambda: board.load_board(db, annotator_id=me, holder="tab", language="ko"),
        "claim": lambda: queue.claim(db, annotator_id=me, holder=os.urandom(4).hex(), limit=6, seconds=60),
        "refill": lambda: queue.list_unqueued_ids(db, limit=1000),
        "overview_status": lambda: status.status(db, path),
        "overview_confidences": lambda: status.confidences(db),
        "overview_left": lambda: status.count_left(db),
        "sample_texts": lambda: diaries.sample_texts(db, limit=20_000),
        "mark_test": lambda: diaries.mark_test(db),
    }
    return {name: 1000 * _median(query)[0] for name, query in asked.items()}


def _seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def _median(work: Callable[[], Any]) -> tuple[float, float]:
    """Return the median seconds by the clock and of processor time, over `RUNS` runs."""
    clock, processor = [], []
    for _ in range(RUNS):
        used = time.process_time()
        clock.append(_seconds(work)[0])
        processor.append(time.process_time() - used)
    return statistics.median(clock), statistics.median(processor)


def _resident() -> dict[str, float]:
    """Return the memory the process holds now of its own, and of files that it has mapped, in MiB."""
    lines = dict(x.split(":", 1) for x in Path("/proc/self/status").read_text().splitlines() if ":" in x)
    return {f"{kind}_mb": round(int(lines[kind].split()[0]) / 1024, 1) for kind in ("RssAnon", "RssFile")}


CHILDREN: dict[str, Callable[[Path], dict[str, Any]]] = {"learner": measure_learner, "production": measure_production}

if __name__ == "__main__":
    main()
