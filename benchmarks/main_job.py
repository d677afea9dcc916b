"""The main job on real diaries: import, work, label from the file's own labels, retrain.

    python benchmarks/main_job.py --data diaries.tsv --json out.json

Where the file has fewer rows than `--rows`, diaries are made of two random texts of it, without a label.
"""

from __future__ import annotations

import argparse
import csv
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pandas as pd
from playwright.sync_api import sync_playwright

from annotator import blinding, project, settings, status
from annotator.importing import ColumnMap, import_file
from annotator.label_sets import definitions
from annotator.labelling import decisions
from annotator.labelling.queueing import enqueue_import
from annotator.training import rounds as round_cases
from annotator.worker.tasks import explanations as tasks_explanations
from benchmarks import machine
from db.answers import queue
from db.answers.decisions import NewDecision
from db.label_sets import labels
from db.label_sets.labels import Label
from db.models import explanations, facts, models, predictions, rounds, worker_status
from db.people import annotators
from db.texts import diaries, sentences
from learner.encoders import encoder as encoders
from learner.text.sentences import SentenceSplitter

if TYPE_CHECKING:
    from db import Database

PORT = 8599


def main() -> None:
    """Run every stage once and write the figures."""
    arguments = _arguments()
    texts, truth = read_texts(arguments)
    result: dict[str, Any] = {"machine": machine.describe(), "data": arguments.data.name, "rows": len(texts)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "project.db"
        many = composed(texts, 100_000)
        result["import_100k_seconds"] = import_rows(Path(folder) / "many.db", Path(folder) / "many.csv", many, truth)
        result["import_seconds"] = import_rows(path, Path(folder) / "diaries.csv", texts, truth)
        result |= _speeds(texts)
        with App(path) as app, closing(project.open_project(path)) as db:
            result["first_prediction_seconds"] = _wait(lambda: _first_is_ready(db))
            result["all_predicted_seconds"] = _wait(lambda: _all_are_predicted(db)) + result["first_prediction_seconds"]
            result["precision"] = facts.measured_precision(db)
            result["work_seconds"] = _wait(lambda: is_idle(db)) + result["all_predicted_seconds"]
            result |= _label(db, texts, truth, arguments.labels)
            result["rounds"] = [_retrain(db) for _ in range(arguments.rounds)]
            result["press_to_queue_seconds"] = statistics.median(r["press_to_queue"] for r in result["rounds"])
            result["memory_mib"] = _memory_with_a_page(app.pid)
            result["splitter_fallbacks"] = status.status(db, path).fallbacks
    machine.write(arguments.json, result)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--label-column", default="label")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--labels", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def read_texts(arguments: argparse.Namespace) -> tuple[list[str], dict[str, str]]:
    """Return that many different texts, and the labels of those that are the file's own."""
    if arguments.data.suffix == ".parquet":
        frame = pd.read_parquet(arguments.data)
    else:
        frame = pd.read_csv(arguments.data, sep="\t" if arguments.data.suffix == ".tsv" else ",")
    frame = frame.dropna(subset=[arguments.text_column, arguments.label_column]).drop_duplicates(arguments.text_column)
    frame = frame[frame[arguments.text_column].str.strip() != ""]
    frame = frame.sample(min(len(frame), arguments.rows), random_state=0)
    texts = frame[arguments.text_column].tolist()
    truth = dict(zip(texts, frame[arguments.label_column].astype(str), strict=True))
    return composed(texts, arguments.rows), truth


def composed(texts: list[str], rows: int) -> list[str]:
    """Return the texts, and for each missing one a text made of two of them."""
    draw = random.Random(0)
    different = dict.fromkeys(texts)
    while len(different) < rows:
        different[" ".join(draw.sample(texts, 2))] = None
    return list(different)


def import_rows(path: Path, file: Path, texts: list[str], truth: dict[str, str]) -> float:
    """Set up a project with the labels that occur, import the texts without them, and return the seconds."""
    names = sorted(set(truth.values()))
    label_of = {label.name: label for label in definitions.DEFAULT_LABELS}
    colours = [label.colour for label in definitions.DEFAULT_LABELS]
    project.init(
        path,
        labels=[
            label_of.get(name, Label(i + 1, name, "", colours[i % 7], "1234567890qwertyuiop"[i], i))
            for i, name in enumerate(names)
        ]
        if not set(names) <= set(label_of)
        else definitions.DEFAULT_LABELS,
    )
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([["text"], *[[text] for text in texts]])
    began = time.perf_counter()
    with closing(project.open_project(path)) as db:
        import_file(db, file, file.name, columns=ColumnMap(text="text"), after=enqueue_import)
    return time.perf_counter() - began


def _speeds(texts: list[str]) -> dict[str, float]:
    sample = texts[:1000]
    with SentenceSplitter() as splitter:
        began = time.perf_counter()
        splitter.split(sample)
        split_seconds = time.perf_counter() - began
    encoder = encoders.load("bundled", cache=encoders.default_cache())
    encoder.encode(sample[:32])
    began = time.perf_counter()
    tokens = encoder.encode(sample).token_counts
    encode_seconds = time.perf_counter() - began
    return {
        "mean_characters": statistics.fmean(map(len, sample)),
        "mean_tokens": float(tokens.mean()),
        "split_texts_per_second": len(sample) / split_seconds,
        "encode_texts_per_second": len(sample) / encode_seconds,
    }


class App:
    """The app and its worker as a user starts them."""

    def __init__(self, path: Path, *options: str) -> None:
        command = [sys.executable, "-m", "annotator.cli", "app", "--db", str(path), "--port", str(PORT), *options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> subprocess.Popen[str]:
        if self._process.stdout is None or "http" not in self._process.stdout.readline():
            raise SystemExit("The app did not start.")
        return self._process

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)


def _wait(done: Any) -> float:
    began = time.perf_counter()
    while not done():
        time.sleep(0.05)
    return time.perf_counter() - began


def _first_is_ready(db: Database) -> bool:
    active = models.find_active(db)
    first = queue.list_head(db, 1)
    return active is not None and predictions.find_proba(db, active, first[0]) is not None


def _all_are_predicted(db: Database) -> bool:
    active = models.find_active(db)
    proba = predictions.load_predictions(db, active) if active else None
    return proba is not None and len(proba) >= diaries.last_diary_id(db) and not bool((proba != proba).any())


def is_idle(db: Database) -> bool:
    """Return whether the worker has nothing left to do for the diaries that come next."""
    active = models.find_active(db)
    if active is None or sentences.count_unsplit(db) or rounds.find_open(db) is not None:
        return False
    proba = predictions.load_predictions(db, active)
    chosen = settings.load(db)
    head = queue.list_head(db, tasks_explanations.EXPLAINED_HEAD)
    visible_ids = [i for i in head if not blinding.is_blind(diaries.get_diary(db, i), chosen)]
    explained = not explanations.list_unexplained(db, visible_ids, active.id, "eojeol")
    return len(proba) > 0 and bool((proba == proba).all()) and explained and not _doing(db)


def _doing(db: Database) -> str:
    state = worker_status.find_worker(db)
    return state.step if state else ""


def _label(db: Database, texts: list[str], truth: dict[str, str], target: int) -> dict[str, Any]:
    label_ids = {label.name: label.id for label in labels.list_labels(db)}
    me = annotators.get_or_create_id(db, "benchmark")
    seconds = []
    label_count = 0
    while label_count < target:
        leases = queue.claim(db, annotator_id=me, holder="benchmark", limit=6, seconds=600)
        if not leases:
            break
        for lease in leases:
            label = truth.get(diaries.get_diary(db, lease.diary_id).text)
            began = time.perf_counter()
            kind = "label" if label else "skip"
            decision = NewDecision(lease.diary_id, me, kind, lease.token, label_ids[label] if label else None)
            decisions.decide(db, decision)
            seconds.append(time.perf_counter() - began)
            label_count += bool(label)
    return {"labels": label_count, "save_ms_p95": 1000 * sorted(seconds)[int(0.95 * len(seconds))]}


def _retrain(db: Database) -> dict[str, Any]:
    before = models.find_active_id(db)
    began = time.perf_counter()
    round_id = round_cases.request(db, annotator_id=None)
    waited = _wait(lambda: rounds.get_round(db, round_id).status not in ("requested", "running"))
    seconds = time.perf_counter() - began
    done = rounds.get_round(db, round_id)
    if done.status != "done" or models.find_active_id(db) == before:
        raise SystemExit(f"Round {done.number} ended as {done.status}: {done.error or done.report}")
    after = done.report["after"]
    head_explained = _wait(lambda: is_idle(db))
    return {
        "press_to_queue": seconds,
        "waited": waited,
        "train": done.report["train"],
        "test": after["n"],
        "accuracy": after["accuracy"],
        "macro_f1": after["macro_f1"],
        "then_idle_after": head_explained,
    }


def _memory_with_a_page(pid: int) -> dict[str, dict[str, float]]:
    """Return the memory that app and worker hold after a browser has opened every page of the app once."""
    app, worker = machine.children(pid)[:2]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("chromium-headless-shell"), args=["--no-sandbox"]
        )
        page = browser.new_page()
        for name in ("", "import", "learn", "overview", ""):
            page.goto(f"http://127.0.0.1:{PORT}/{name}")
            page.locator("[data-testid='stAppViewContainer']").wait_for()
            page.wait_for_timeout(3000)
        held = {"app": machine.resident_mib(app), "worker": machine.resident_mib(worker)}
        browser.close()
    return held


if __name__ == "__main__":
    main()
