"""A stored model's output in terms of the labels in force: its own columns are those of the day it was made.

Whatever shows or exports probabilities maps them by `current_projection`. A label that others were merged into has the
sum of their probabilities; one that the model never learned has 0; that of a retired label is dropped, and the
rest scaled to sum to 1 again. The next round learns the labels as they are then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from db.label_sets import labels
from db.models import explanations, predictions
from learner.classification import label_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from db import Database
    from db.models.explanations import Explanation
    from db.models.models import Model

    FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LabelProjection:
    """How the columns of a model become those of the labels in force.

    Attributes:
        label_ids: of the k labels in force, in their order.
        sources: (m,) for each column of the model the label's place among them; -1 for one that is dropped.
        unlearned: columns of the model that no example taught it.
    """

    label_ids: tuple[int, ...]
    sources: NDArray[np.int64]
    unlearned: frozenset[int] = frozenset()

    @property
    def is_same(self) -> bool:
        """Whether the model has just these labels, in whichever order: nothing is summed, dropped or unknown."""
        return np.array_equal(np.sort(self.sources), np.arange(len(self.label_ids)))

    @property
    def known(self) -> tuple[bool, ...]:
        """Of each label in force, whether the model has learned it; of the others it says 0, or a small share."""
        learned = {place for column, place in enumerate(self.sources.tolist()) if column not in self.unlearned}
        return tuple(place in learned for place in range(len(self.label_ids)))

    @property
    def known_count(self) -> int:
        """How many labels in force the model can answer with, learned or not."""
        return len(set(self.sources.tolist()) - {-1})

    @property
    def is_whole(self) -> bool:
        """Whether the model can answer with every label in force."""
        return self.known_count == len(self.label_ids)

    @property
    def sums(self) -> bool:
        """Whether some label in force has several columns, whose probabilities are summed."""
        return int((self.sources >= 0).sum()) > self.known_count

    @property
    def is_identity(self) -> bool:
        """Whether nothing changes, not even the order."""
        return np.array_equal(self.sources, np.arange(len(self.label_ids)))

    def proba(self, proba: FloatArray) -> FloatArray:
        """Return probabilities of the labels in force, (…, k), rows sum to 1.

        Args:
            proba: (…, m) of the model; rows of NaN, where there is no prediction, stay so.
        """
        return label_columns.project(proba, self.sources, len(self.label_ids))

    def weights(self, weights: FloatArray, proba: FloatArray) -> FloatArray:
        """Return weights of words for the labels in force, (units, k); 0 for a label that the model doesn't know.

        The score of merged labels is log(Σ exp score): a word moves it by the mean of its weights for the parts, each
        as probable as it is in this diary.

        Args:
            weights: (units, m) of the model.
            proba: (m,) of the model for the same diary; looked at only where columns are summed.

        Source: the derivative of the log-sum-exp function is softmax; Boyd and Vandenberghe (2004), sec. 3.1.5.
        """
        if not self.sums:
            return weights if self.is_identity else self._spread(weights)
        total = self._spread(proba)
        shares = np.zeros_like(proba)
        there = self.sources >= 0
        shares[there] = proba[there] / np.maximum(total[self.sources[there]], np.float32(1e-9))
        return self._spread(weights * shares)

    def explanation(self, original: Explanation, proba: FloatArray) -> Explanation:
        """Return an explanation in terms of the labels in force.

        The fit of merged labels is that of their worst part. A test that left words out is about one column
        and stays only where all columns are still labels of their own.

        Args:
            proba: (m,) of the model for the same diary.
        """
        fit = np.full(len(self.label_ids), np.inf, np.float32)
        there = self.sources >= 0
        np.minimum.at(fit, self.sources[there], np.array(original.fit, np.float32)[there])
        deletion = None
        if self.is_same and original.deletion is not None:
            deletion = {**original.deletion, "label_index": int(self.sources[original.deletion["label_index"]])}
        arc = None
        if original.arc is not None:
            arc = self.proba(np.array(original.arc, np.float32).reshape(-1, len(self.sources))).tolist()
        return replace(
            original,
            weights=self.weights(original.weights, proba),
            fit=tuple(float(f) if np.isfinite(f) else 0.0 for f in fit),
            deletion=deletion,
            arc=arc,
        )

    def _spread(self, values: FloatArray) -> FloatArray:
        return label_columns.spread(values, self.sources, len(self.label_ids))


def columns(
    model_label_ids: Sequence[int],
    label_ids: Sequence[int],
    merged: dict[int, int],
    unlearned_ids: Sequence[int] = (),
) -> LabelProjection:
    """Return how columns become those of other labels.

    Args:
        merged: what labels were merged into, by id.
        unlearned_ids: labels of the model that no example taught it.
    """
    place_of = {label_id: place for place, label_id in enumerate(label_ids)}
    sources = [place_of.get(merged.get(label_id, label_id), -1) for label_id in model_label_ids]
    unlearned = frozenset(column for column, label_id in enumerate(model_label_ids) if label_id in set(unlearned_ids))
    return LabelProjection(tuple(label_ids), np.array(sources, np.int64), unlearned)


def current_projection(db: Database, model: Model) -> LabelProjection:
    """Return how a model's columns become those of the labels in force."""
    in_force = [label.id for label in labels.list_labels(db)]
    return columns(model.label_ids, in_force, labels.list_merged(db), model.settings.get("unlearned", ()))


def find_proba(db: Database, model: Model, diary_id: int, mapping: LabelProjection | None = None) -> FloatArray | None:
    """Return one diary's probabilities of the labels in force, (k,), or None if there are none yet.

    Args:
        mapping: of `current_projection`, for callers that ask about many diaries.
    """
    proba = predictions.find_proba(db, model, diary_id)
    projected = None if proba is None else (mapping or current_projection(db, model)).proba(proba)
    return None if projected is None or np.isnan(projected).any() else projected


def load_predictions(db: Database, model: Model) -> FloatArray:
    """Return the probabilities of the labels in force, (rows, k): row i belongs to diary i + 1; NaN for none."""
    return current_projection(db, model).proba(predictions.load_predictions(db, model))


def find_explanation(
    db: Database, model: Model, diary_id: int, unit: str, mapping: LabelProjection | None = None
) -> Explanation | None:
    """Return a stored explanation in terms of the labels in force, if there is one with a prediction.

    Args:
        mapping: of `current_projection`, for callers that ask about many diaries.
    """
    explanation = explanations.find_explanation(db, diary_id, model.id, unit)
    proba = predictions.find_proba(db, model, diary_id)
    return (
        None
        if explanation is None or proba is None
        else (mapping or current_projection(db, model)).explanation(explanation, proba)
    )
