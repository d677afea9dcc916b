"""Explaining what people are reading by a version that is about to serve."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import numpy as np

from annotator import blinding
from annotator.errors import where
from annotator.serving import explaining
from db.answers import queue
from db.models import explanations
from db.texts import diaries, sentences

if TYPE_CHECKING:
    from annotator.serving.runtime import ModelRuntime, Serving
    from db import Database

logger = logging.getLogger(__name__)

_WITHIN_SECONDS = 2.0
"""After so long no further diary is begun, as somebody waits for the round. Upkeep explains the rest after it."""


def explain_on_screen(runtime: ModelRuntime, db: Database, serving: Serving) -> None:
    """Explain the diary on each screen by a version, so that its first answers come with their reasons.

    Left to upkeep are diaries that are shown without an answer, and those that lack vectors or sentences yet. What
    can't be explained holds no round up.
    """
    began = time.monotonic()
    for diary_id in queue.list_held(db, 1):
        if time.monotonic() - began >= _WITHIN_SECONDS:
            return
        try:
            if _is_due(runtime, db, serving, diary_id):
                explaining.explain_diary(runtime, db, serving, diary_id)
        except Exception as problem:
            logger.error("A diary on a screen was not explained: %s", where(problem))


def _is_due(runtime: ModelRuntime, db: Database, serving: Serving, diary_id: int) -> bool:
    settings = runtime.settings(db)
    return (
        not blinding.is_blind(diaries.get_diary(db, diary_id), settings)
        and bool(runtime.vectors_of(serving).has(np.array([diary_id], np.int64))[0])
        and sentences.find_sentences(db, diary_id) is not None
        and bool(explanations.list_unexplained(db, [diary_id], serving.model.id, settings.unit))
    )
