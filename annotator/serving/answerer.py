"""Asking the serving model about texts and diaries from the command line, in this process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from annotator.errors import UserError
from annotator.label_sets import projection
from annotator.privacy import masking
from annotator.serving import explaining
from annotator.serving.runtime import Serving, Workbench
from db.models import explanations, models
from db.texts import diaries
from learner.encoders.encoder import default_cache

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from db import Database


@dataclass(frozen=True, slots=True)
class Explained:
    """An explanation with its words; see `db.models.models.Explanation`. `label_column` is the likeliest label."""

    texts: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    weights: NDArray[np.float32]
    fit: tuple[float, ...]
    label_column: int


class Answerer:
    """The serving model, loaded for some questions.

    Raises:
        UserError: if there is no model yet, or the serving one is of another encoder than the settings'.
    """

    def __init__(self, db: Database, path: Path) -> None:
        self._db = db
        self._bench = Workbench(path, cache=default_cache())
        active = models.find_active(db)
        if active is None:
            raise UserError("no_model_yet")
        self._serving: Serving = self._bench.load_classifier(db, active)

    def predict(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return probabilities of the labels in force, (n, k)."""
        proba = self._bench.proba_of_texts(self._db, self._serving, texts)
        return projection.in_force(self._db, self._serving.model).proba(proba)

    def explain(self, diary_id: int) -> Explained:
        """Return the explanation of a diary, the stored one if there is one."""
        db, model = self._db, self._serving.model
        diary = diaries.get_diary(db, diary_id)
        unit = self._bench.settings(db).unit
        if explanations.find_explanation(db, diary_id, model.id, unit) is None:
            explaining.explain_diary(self._bench, db, self._serving, diary_id)
        found = explanations.find_explanation(db, diary_id, model.id, unit)
        if found is None:
            raise UserError("explanation_missing", id=diary_id)
        proba = self._bench.proba_of_texts(db, self._serving, [diary.text])[0]
        mapping = projection.in_force(db, model)
        found, column = mapping.explanation(found, proba), int(mapping.proba(proba).argmax())
        shown = masking.shown(diary.text, self._bench.settings(db))
        texts = tuple(shown[start:end] for start, end in found.spans)
        return Explained(texts, found.spans, found.weights, found.fit, column)
