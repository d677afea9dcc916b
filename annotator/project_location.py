"""The project that the app shows: one database, held for each script run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from annotator import project

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from annotator.project import Database


def path() -> Path:
    """Return where the database is: ``MAEUMGYEOL_DB``, or the default place."""
    named = os.environ.get("MAEUMGYEOL_DB")
    return Path(named) if named else project.default_path()


def opened() -> AbstractContextManager[Database]:
    """Hold the database open for the length of the block, which no other run uses meanwhile."""
    return project.opened(path())
