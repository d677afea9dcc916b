"""Earlier imports: what each brought, and the rows that it left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator.importing import shapes
from annotator.importing.report import left_out_csv
from db.people import annotators
from db.texts import batches

if TYPE_CHECKING:
    from annotator.formats.table import ReadOptions
    from annotator.messages import Language
    from db import Database
    from db.texts.batches import Batch as Batch


def list_imports(db: Database) -> list[Batch]:
    """Return every import, newest first."""
    return batches.list_batches(db)


def past_left_out_csv(db: Database, batch_id: int, language: Language | None = None) -> bytes:
    """Return the rows that an earlier import left out, as CSV that Korean Excel opens."""
    return left_out_csv(batches.list_skips(db, batch_id), language=language)


def find_reading(db: Database, name: str) -> ReadOptions | None:
    """Return how somebody had the latest file read that was called alike; None if nobody did."""
    return shapes.find_reading(db, name)


def list_people(db: Database) -> list[str]:
    """Return the names of the people of the project, by whom people of a file may be meant."""
    return annotators.list_people(db)
