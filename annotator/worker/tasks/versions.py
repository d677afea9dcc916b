"""Asking every version about the test diaries that were decided since it was last asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from annotator.worker.round import versions
from annotator.worker.tasks.progress import Progress
from db.answers import training_data
from db.models import models, test_answers

if TYPE_CHECKING:
    from annotator.worker.runtime import WorkerRuntime
    from db import Database

_GROWN_BY = 0.1
"""Share by which the test part grows before all versions are asked again: each is loaded for it."""


def ask_versions(runtime: WorkerRuntime, db: Database) -> Progress | None:
    """Ask the versions once the test part has grown, or a version has not been asked yet; a round asks them as well."""
    diary_ids = np.unique(training_data.list_labelled(db, part="test").diary_ids)
    asked_before = (len(diary_ids), len(models.list_models(db)), test_answers.count_models(db))
    if not _is_due(runtime.marks.asked, asked_before):
        return None
    versions.ask_all(runtime, db, diary_ids)
    runtime.marks.asked = (*asked_before[:2], test_answers.count_models(db))
    return Progress("versions", 1, 1)


def _is_due(before: tuple[int, int, int], now: tuple[int, int, int]) -> bool:
    grown = now[0] > before[0] * (1 + _GROWN_BY)
    return bool(now[0]) and (grown or now[1:] != before[1:])
