"""The serving model, loaded for whoever asks and exchanged when another one serves: what the service's child runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from annotator import project
from annotator.errors import UserError
from annotator.serving import explaining
from annotator.serving.answers import Classified
from annotator.serving.runtime import Workbench
from db.models import explanations, models, predictions
from db.texts import diaries
from learner.encoders.encoder import default_cache

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from annotator.serving.runtime import Serving
    from db import Database


class Answering:
    """Answers about texts and diaries of one project. Not for several threads at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._bench = Workbench(path, cache=default_cache())
        self._serving: Serving | None = None

    def classify(self, texts: Sequence[str]) -> Classified:
        """Return what the model that serves now says of texts.

        Raises:
            UserError: ``no_model_yet``, or if the model reads the vectors of an encoder that is not known here.
        """
        with project.opened(self._path) as db:
            serving = self._load(db)
            return Classified(serving.model.id, self._bench.proba_of_texts(db, serving, texts))

    def explain(self, diary_id: int) -> None:
        """Compute and keep the explanation of a diary by the model that serves now, and its prediction.

        Raises:
            UserError: as `classify` does.
            NotFoundError: for a diary that does not exist.
        """
        with project.opened(self._path) as db:
            serving, diary = self._load(db), diaries.get_diary(db, diary_id)
            if predictions.find_proba(db, serving.model, diary_id) is None:
                proba = self._bench.proba_of_texts(db, serving, [diary.text])
                predictions.update_predictions(db, serving.model.id, np.array([diary_id], np.int64), proba)
            if explanations.find_explanation(db, diary_id, serving.model.id, self._bench.settings(db).unit) is None:
                explaining.explain_diary(self._bench, db, serving, diary_id)

    def _load(self, db: Database) -> Serving:
        active = models.find_active(db)
        if active is None:
            raise UserError("no_model_yet")
        if self._serving is None or self._serving.model.id != active.id:
            self._serving = self._bench.load_classifier(db, active)
        return self._serving
