"""The demo project: the bundled diaries, imported without their labels."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import db as database
from annotator import project
from annotator.importing import ColumnMap, import_file
from annotator.ordering import enqueue_import

DIARIES = Path(__file__).resolve().parent.parent / "examples" / "diaries.csv"


def set_up(path: Path) -> None:
    """Set a project up with the seven labels and the demo diaries."""
    project.init(path)
    db = database.connect(path)
    try:
        columns = ColumnMap(text="text", date="date", author="author")
        import_file(db, _without_labels(), DIARIES.name, columns=columns, after=enqueue_import)
    finally:
        db.close()


def _without_labels() -> bytes:
    rows = list(csv.DictReader(io.StringIO(DIARIES.read_text("utf-8-sig"))))
    kept = io.StringIO()
    writer = csv.DictWriter(kept, [column for column in rows[0] if column != "label"], extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return kept.getvalue().encode()
