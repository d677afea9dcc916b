"""The demo project: the bundled diaries, imported without their labels."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from annotator import project
from annotator.importing import ColumnMap, import_file
from annotator.label_sets import definitions
from annotator.labelling.queueing import enqueue_import

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.importing import ImportReport
    from db import Database
    from db.label_sets.labels import Label

DIARIES = Path(__file__).with_name("diaries.csv")


def default_path() -> Path:
    """Return the default path of the demo's database, in the user's data folder."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "maeumgyeol" / "demo.db"


def set_up(path: Path, *, labels: Sequence[Label] = definitions.DEFAULT_LABELS, **settings: Any) -> None:
    """Set a project up with a label set, the seven emotions if none is given, and the demo diaries.

    Args:
        settings: as for `annotator.project.init`.
    """
    project.init(path, labels=labels, **settings)
    with project.opened(path) as db:
        add_diaries(db)


def add_diaries(db: Database) -> ImportReport:
    """Import the demo diaries without their labels."""
    columns = ColumnMap(text="text", date="date", author="author", ignored=("label",))
    return import_file(db, DIARIES, DIARIES.name, columns=columns, after=enqueue_import)
