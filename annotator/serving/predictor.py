"""The serving model of a project, loaded to answer questions about diaries, and about texts that are not stored."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from annotator import project
from annotator.errors import UserError
from annotator.label_sets import projection
from annotator.serving import explaining, sound
from annotator.serving.answers import Classified, Explained, Predicted
from annotator.serving.runtime import ModelRuntime
from db.models import explanations, models, predictions
from db.texts import diaries
from learner.encoders.encoder import default_cache
from learner.explanation.input_gradients import PROBE
from learner.speech import Transcriber

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from annotator.serving.runtime import Serving
    from db import Database
    from learner.explanation.local_surrogate import Method

_SENTENCES = 3
"""So many make more words than are encoded without gradients."""


class Predictor:
    """Answers with the model that serves at the time of the question. Not safe for several threads at once.

    Every method that asks the model raises `UserError`: ``no_model_yet``, or why the model can't be loaded.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._runtime = ModelRuntime(path, cache=default_cache())
        self._serving: Serving | None = None
        self._transcriber: Transcriber | None = None

    def classify(self, texts: Sequence[str]) -> Classified:
        """Return the probabilities of texts, in the model's own columns."""
        with self._loaded() as (db, serving):
            return Classified(serving.model.id, self._runtime.proba_of_texts(db, serving, texts))

    def predict(self, texts: Sequence[str]) -> Predicted:
        """Return the probabilities of texts, of the labels in force.

        Raises:
            UserError: ``model_of_other_labels`` if the model can't answer with any label in force.
        """
        with self._loaded() as (db, serving):
            mapping = projection.current_projection(db, serving.model)
            proba = mapping.proba(self._runtime.proba_of_texts(db, serving, texts))
            if np.isnan(proba).any():
                raise UserError("model_of_other_labels", version=serving.model.version)
            return Predicted(serving.model.id, serving.model.version, mapping.label_ids, mapping.known, proba)

    def vector(self, text: str) -> NDArray[np.float32]:
        """Return the vector of a text, (width,), as those of the diaries that the model reads."""
        with self._loaded() as (db, serving):
            return np.asarray(self._runtime.vectors_of_texts(db, serving, [text])[0])

    def explain_text(self, text: str) -> Explained:
        """Return the sentences of a text, and the explanation of the model's answer."""
        with self._loaded() as (db, serving):
            sentences = self._runtime.splitter().split([text])[0].spans
            explanation = explaining.explain_text(self._runtime, db, serving, text, sentences)
            proba = self._runtime.proba_of_texts(db, serving, [text])[0]
            return Explained(
                sentences, projection.current_projection(db, serving.model).explanation(explanation, proba)
            )

    def explain_diary(self, diary_id: int) -> None:
        """Compute and store the explanation of a diary and its prediction, unless they are stored already.

        Raises:
            NotFoundError: for a diary that does not exist.
        """
        with self._loaded() as (db, serving):
            self._ensure_prediction(db, serving, diary_id)
            if explanations.find_explanation(db, diary_id, serving.model.id, self._runtime.settings(db).unit) is None:
                explaining.explain_diary(self._runtime, db, serving, diary_id)

    def explain_diary_by(self, diary_id: int, method: Method) -> explanations.Explanation:
        """Return the explanation of a diary by any method; it is not stored.

        Raises:
            NotFoundError: for a diary that does not exist.
        """
        with self._loaded() as (db, serving):
            proba = self._ensure_prediction(db, serving, diary_id)
            explanation = explaining.explain_diary_by(self._runtime, db, serving, diary_id, method)
            return projection.current_projection(db, serving.model).explanation(explanation, proba)

    def explain_versions(self, diary_id: int, model_ids: Sequence[int]) -> None:
        """Compute and store the explanations of a diary by some versions, unless they are stored already.

        Raises:
            NotFoundError: for a diary that does not exist.
        """
        with project.opened(self._path) as db:
            unit = self._runtime.settings(db).unit
            for model_id in model_ids:
                if explanations.find_explanation(db, diary_id, model_id, unit) is None:
                    serving = self._runtime.load_classifier(db, models.get_model(db, model_id))
                    explaining.explain_diary(self._runtime, db, serving, diary_id)

    def _ensure_prediction(self, db: Database, serving: Serving, diary_id: int) -> NDArray[np.float32]:
        """Return the stored probabilities of a diary, (k,), computed now if there are none."""
        diary = diaries.get_diary(db, diary_id)
        stored = predictions.find_proba(db, serving.model, diary_id)
        if stored is not None:
            return stored
        proba = self._runtime.proba_of_texts(db, serving, [diary.text])
        predictions.update_predictions(db, serving.model.id, np.array([diary_id], np.int64), proba)
        return np.asarray(proba[0], np.float32)

    def transcribe(self, data: bytes, name: str) -> str:
        """Return the transcript of an audio file.

        Args:
            name: of the speech checkpoint.

        Raises:
            LearnerError: as `learner.speech` does.
            UserError: if the audio ends its reader.
        """
        samples = sound.read(data)
        if self._transcriber is None or self._transcriber.name != name:
            self._transcriber = None  # make room first
            self._transcriber = Transcriber(name)
        return self._transcriber.text_of(samples)

    def load(self) -> None:
        """Load everything that a prediction needs."""
        self.classify([PROBE])

    def warm_up(self) -> None:
        """Load everything that an explanation needs, so that the first text does not wait for it."""
        self.explain_text(" ".join([PROBE] * _SENTENCES))

    @contextmanager
    def _loaded(self) -> Iterator[tuple[Database, Serving]]:
        with project.opened(self._path) as db:
            active = models.find_active(db)
            if active is None:
                raise UserError("no_model_yet")
            if self._serving is None or self._serving.model.id != active.id:
                self._serving = self._runtime.load_classifier(db, active)
            yield db, self._serving
