"""Earlier imports: what each brought, and the rows that it left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator.importing.report import left_out_csv
from db.texts import batches

if TYPE_CHECKING:
    from annotator.messages import Language
    from db import Database
    from db.texts.batches import Batch as Batch


def list_imports(db: Database) -> list[Batch]:
    """Return every import, newest first."""
    return batches.list_batches(db)


def past_left_out_csv(db: Database, batch_id: int, language: Language | None = None) -> bytes:
    """Return the rows that an earlier import left out, as CSV that Korean Excel opens."""
    return left_out_csv(batches.list_skips(db, batch_id), language=language)
