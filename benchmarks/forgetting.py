"""Forget a part of a large project: one diary, a writer's, a whole import.

``python -m benchmarks.forgetting --diaries 100000 --json OUT``: imports twice as many diaries in two files, half of
them labelled, with predictions of a model, and measures preview and forgetting of one diary, of a hundred by their
writer, and of the second file, with the memory that it took and how long another press waited at most.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from annotator import project
from annotator.importing import ColumnMap, import_file
from annotator.privacy import forgetting
from annotator.privacy.forgetting import Selection
from db import connect
from db.answers import decisions
from db.answers.decisions import NewDecision
from db.label_sets import labels
from db.models import models, predictions
from db.people import annotators
from db.texts import diaries
from learner.encoders.vector_store import VectorFile

if TYPE_CHECKING:
    from db import Database

_WIDTH = 768

_STAYS = 150
"""A diary that none of the selections takes: the second hundred of the first file is by another writer."""


def make(path: Path, count: int) -> None:
    """Set up a project of twice as many diaries, with vectors and predictions."""
    project.init(path, seed="00" * 16)
    with closing(project.open_project(path)) as db:
        for name in ("first", "second"):
            rows = [_row(name, i) for i in range(count)]
            content = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()
            import_file(db, content, f"{name}.jsonl", columns=ColumnMap("text", "label", author="who"))
        _predict(db, path)


def _row(name: str, i: int) -> dict[str, str]:
    text = f"{name} {i}번째 날. 오늘은 {i}번 생각하다가 {i * 7919 % 10007}번 버스를 타고 {name}에 갔다. " * 3
    label = {"label": ("행복", "슬픔")[i // 2 % 2]} if i % 2 else {}
    return {"text": text, "who": f"{name}-{i // 100}"} | label


def _predict(db: Database, path: Path) -> None:
    ids, rng = tuple(label.id for label in labels.list_labels(db)), np.random.default_rng(0)
    last = diaries.last_diary_id(db)
    learned = tuple(range(1, last // 2))
    model_id = models.add_model(db, models.NewModel("instant", "bundled", "hash", ids, b"", {}, learned))
    predictions.store_predictions(db, model_id, rng.random((last, len(ids)), np.float32))
    models.activate(db, model_id, reason="benchmark")
    file = VectorFile(project.vectors_folder(path) / "hash", width=_WIDTH)
    for at in range(0, last, 10_000):
        some = np.arange(at + 1, min(at + 10_000, last) + 1)
        file.write(some.tolist(), rng.random((len(some), _WIDTH), np.float32), np.ones(len(some), np.int32))


class Presser(threading.Thread):
    """A person who labels all the while; `waits` are the seconds that each press took."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self.waits: list[float] = []
        self.ends = threading.Event()
        self._path = path

    def run(self) -> None:
        """Press until told to end."""
        with closing(connect(self._path)) as db:
            me, number = annotators.get_or_create_id(db, "나"), 0
            while not self.ends.wait(0.05):
                number += 1
                began = time.perf_counter()
                decisions.add(db, NewDecision(_STAYS, me, "label", f"press-{number}-{began}", 2))
                self.waits.append(time.perf_counter() - began)


def measure(path: Path, selection: Selection) -> dict[str, Any]:
    """Preview a selection and forget it while somebody labels."""
    with closing(project.open_project(path)) as db:
        began = time.perf_counter()
        seen = forgetting.preview(db, selection)
        preview = time.perf_counter() - began
        presser = Presser(path)
        presser.start()
        began = time.perf_counter()
        done = forgetting.forget(db, None, selection)
        seconds = time.perf_counter() - began
        presser.ends.set()
        presser.join()
    return {
        "diaries": done.diary_count,
        "near_copies": seen.near_copies,
        "preview_seconds": round(preview, 2),
        "seconds": round(seconds, 2),
        "longest_press_seconds": round(max(presser.waits), 2),
        "is_finished": done.is_finished,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    """Measure, print and save the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--diaries", type=int, default=100_000)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "project.db"
        make(path, asked.diaries)
        selections = {
            "one": Selection(ids=(7,)),
            "writer": Selection(author="first-0"),
            "import": Selection(batch_id=2),
        }
        figures = {name: measure(path, selection) for name, selection in selections.items()}
        figures["database_mb"] = path.stat().st_size >> 20
    print(json.dumps(figures, ensure_ascii=False, indent=1))
    if asked.json:
        asked.json.write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
