"""How many diaries open with their explanation in place, while one person labels one every eight seconds.

    python benchmarks/explained_ahead.py --data diaries.csv --json out.json

A real server with its worker; diaries of about 300 characters, joined from several texts of the file where it has
shorter ones; a round is asked for in the middle. Counted are diaries that are shown with a prediction: blind ones have
neither by design.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from annotator import project
from annotator.accounts import annotators
from annotator.label_sets import editing
from annotator.labelling import board, decisions
from annotator.training import rounds as round_cases
from benchmarks import machine
from benchmarks.main_job import App, import_rows, read_texts
from db.answers.decisions import NewDecision

if TYPE_CHECKING:
    from db import Database

LENGTH = 300
_PATIENCE_SECONDS = 300.0


def main() -> None:
    """Label at a steady pace and note what stood beside each diary when it came up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--label-column", default="label")
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--labels", type=int, default=100, help="diaries to label")
    parser.add_argument("--seconds", type=float, default=8.0, help="between two labels")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    texts, _ = read_texts(arguments)
    texts = joined(texts)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "project.db"
        import_rows(path, Path(folder) / "diaries.csv", texts, {})
        with App(path), closing(project.open_project(path)) as db:
            result = _label(db, arguments.labels, arguments.seconds)
    about = {"machine": machine.describe(), "data": arguments.data.name, "diaries": len(texts)}
    machine.write(arguments.json, about | result)


def joined(texts: list[str]) -> list[str]:
    """Return the texts, short ones joined to about 300 characters."""
    diaries, current = [], ""
    for text in texts:
        current = f"{current} {text}".strip()
        if len(current) >= 0.8 * LENGTH:
            diaries.append(current)
            current = ""
    return diaries


def _label(db: Database, count: int, seconds: float) -> dict[str, Any]:
    me = annotators.get_or_create(db, "benchmark")
    began = time.monotonic()
    while not _first(db, me).get("explanation") and time.monotonic() - began < _PATIENCE_SECONDS:
        time.sleep(0.5)
    waited = time.monotonic() - began
    shown_count = with_explanation = blind = 0
    for number in range(count):
        item = _first(db, me)
        blind += item["blind"]
        shown_count += not item["blind"]
        with_explanation += not item["blind"] and item["explanation"] is not None
        time.sleep(seconds)
        label_id = editing.list_labels(db)[number % 7].id
        decisions.decide(db, NewDecision(item["diary_id"], me, "label", item["token"], label_id))
        if number == count // 2:
            round_cases.request(db, annotator_id=me)
    return {
        "first_explanation_seconds": waited,
        "labels": count,
        "shown_with_prediction": shown_count,
        "with_explanation": with_explanation,
        "share": with_explanation / max(shown_count, 1),
        "blind": blind,
    }


def _first(db: Database, annotator_id: int) -> dict[str, Any]:
    view = board.load_board(db, annotator_id=annotator_id, holder="benchmark", language="ko")
    return view.items[0] if view.items else {}


if __name__ == "__main__":
    main()
