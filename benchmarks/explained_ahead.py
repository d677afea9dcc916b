"""How many diaries open with their explanation in place, right after an import and right after a round.

    python benchmarks/explained_ahead.py --data diaries.csv --json out.json

A real server with its worker, and one person who labels at a steady pace: a diary every three seconds, and every
eight. Diaries of about 300 characters, joined from several texts of the file where it has shorter ones. Two situations
at each pace: the first thirty diaries after an import of 600 into a project whose worker runs, from one diary's time
after it on; and the first thirty after a round has ended. Counted are diaries that are shown with a prediction: blind
ones have neither by design. The load before the run is part of the result: on a busy machine everything waits.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from annotator import project
from annotator.accounts import annotators
from annotator.importing import ColumnMap, import_file
from annotator.label_sets import definitions, editing
from annotator.labelling import board, decisions
from annotator.labelling.queueing import enqueue_import
from annotator.training import rounds as round_cases
from benchmarks import machine
from benchmarks.main_job import App, read_texts
from db.answers.decisions import NewDecision
from db.models import facts, rounds, worker_status

if TYPE_CHECKING:
    from collections.abc import Callable

    from db import Database

LENGTH = 300
_PACES = (3.0, 8.0)
_COUNTED = 30
_LABELS_BEFORE_ROUND = 40
_PATIENCE_SECONDS = 300.0


def main() -> None:
    """Label at a steady pace and note what stood beside each diary when it came up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--label-column", default="label")
    parser.add_argument("--rows", type=int, default=600, help="diaries to import")
    parser.add_argument("--seconds", type=float, nargs="+", default=_PACES, help="between two labels")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows, arguments.rows = arguments.rows, 30 * arguments.rows
    texts = joined(read_texts(arguments)[0])[:rows]
    about = {"machine": machine.describe(), "data": arguments.data.name, "diaries": len(texts)}
    paces = {f"every_{seconds:g}_s": _run(texts, seconds) for seconds in arguments.seconds}
    machine.write(arguments.json, about | paces)


def _run(texts: list[str], seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "project.db"
        project.init(path, labels=definitions.DEFAULT_LABELS)
        with App(path), closing(project.open_project(path)) as db:
            _wait_until(lambda: _is_idle(db))
            import_more(db, Path(folder) / "diaries.csv", texts)
            person = _Person(db, seconds)
            time.sleep(seconds)
            after_import = person.label(_COUNTED)
            person.label(_LABELS_BEFORE_ROUND - _COUNTED)
            round_id = round_cases.request(db, annotator_id=person.annotator_id)
            person.label_until(lambda: rounds.get_round(db, round_id).ended_at is not None)
            ended = rounds.get_round(db, round_id)
            return {
                "after_import": after_import,
                "after_round": person.label(_COUNTED),
                "round": {"waited_seconds": rounds.waited_of(ended), "seconds": rounds.seconds_of(ended)},
                "explanation_seconds": facts.explanation_seconds(db),
            }


def import_more(db: Database, file: Path, texts: list[str]) -> None:
    """Import texts without labels into a project that is there."""
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([["text"], *[[text] for text in texts]])
    import_file(db, file, file.name, columns=ColumnMap(text="text"), after=enqueue_import)


def _is_idle(db: Database) -> bool:
    worker = worker_status.find_worker(db)
    return worker is not None and not worker.step


def _wait_until(is_so: Callable[[], bool]) -> None:
    began = time.monotonic()
    while not is_so() and time.monotonic() - began < _PATIENCE_SECONDS:
        time.sleep(0.1)


def joined(texts: list[str]) -> list[str]:
    """Return the texts, short ones joined to about 300 characters."""
    diaries, current = [], ""
    for text in texts:
        current = f"{current} {text}".strip()
        if len(current) >= 0.8 * LENGTH:
            diaries.append(current)
            current = ""
    return diaries


class _Person:
    """Somebody who labels at a steady pace."""

    def __init__(self, db: Database, seconds: float) -> None:
        self._db, self._seconds, self._number = db, seconds, 0
        self.annotator_id = annotators.get_or_create(db, "benchmark")

    def label(self, count: int) -> dict[str, Any]:
        """Label so many diaries, and return how many of them stood there with their explanation."""
        items = [self._label_next() for _ in range(count)]
        shown = [item for item in items if not item["blind"]]
        explained = sum(item["explanation"] is not None for item in shown)
        return {
            "shown_with_prediction": len(shown),
            "with_explanation": explained,
            "share": explained / max(len(shown), 1),
            "blind": len(items) - len(shown),
        }

    def label_until(self, is_so: Callable[[], bool]) -> None:
        """Label on until something has happened, which is looked at all the time."""
        began = time.monotonic()
        while not is_so() and time.monotonic() - began < _PATIENCE_SECONDS:
            self._label_next(or_when=is_so)

    def _label_next(self, or_when: Callable[[], bool] = lambda: False) -> dict[str, Any]:
        view = board.load_board(self._db, annotator_id=self.annotator_id, holder="benchmark", language="ko")
        item = view.items[0]
        until = time.monotonic() + self._seconds
        while time.monotonic() < until and not or_when():
            time.sleep(0.05)
        if or_when():
            return item
        label_id = editing.list_labels(self._db)[self._number % 7].id
        self._number += 1
        decisions.decide(self._db, NewDecision(item["diary_id"], self.annotator_id, "label", item["token"], label_id))
        return item


if __name__ == "__main__":
    main()
