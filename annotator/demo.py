"""The demo project: the bundled diaries, imported without their labels."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import db as database
from annotator import project
from annotator.importing import ColumnMap, import_file
from annotator.ordering import enqueue_import

DIARIES = Path(__file__).resolve().parent.parent / "examples" / "diaries.csv"


def set_up(path: Path) -> None:
    """Set a project up with the seven labels and the demo diaries."""
    project.init(path)
    columns = ColumnMap(text="text", date="date", author="author", ignored=("label",))
    with closing(database.connect(path)) as db:
        import_file(db, DIARIES, DIARIES.name, columns=columns, after=enqueue_import)
