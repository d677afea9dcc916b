"""Labels that people differ on, with the model as one more of their readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from annotator.training.examples import examples_of
from learner.classification import classifier as classifiers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from annotator.training.examples import TrainingSet
    from annotator.worker.round.gathering import Gathered

    FloatArray = NDArray[np.float32]

_FEWEST = 20
"""Labelled diaries below which a head knows too little to be asked."""


def settle(
    gathered: Gathered,
    label_ids: tuple[int, ...],
    features: FloatArray,
    *,
    untouched: NDArray[np.bool_] | None,
    groups: NDArray[np.int64],
    seed: int,
    prior_mean: FloatArray | None = None,
) -> TrainingSet:
    """Return the training examples as people and heads that have not seen them make them likely, in their order.

    What one person alone has labelled stays as it is.

    Args:
        features: (n, features) of `gathered.training`.
        untouched: (n,) diaries that the encoder was not tuned on; None for all. A head knows the others' labels.
        groups, seed, prior_mean: as in `learner.classification.classifier.train`.
    """
    training = gathered.training
    if len(np.unique(gathered.labelled.annotator_ids)) < 2 or len(training.columns) < _FEWEST:
        return training
    if len(np.unique(training.targets.argmax(axis=1))) < 2:
        return training
    answers = classifiers.answer_out_of_fold(
        features,
        training.targets,
        groups=groups,
        seed=seed,
        weights=training.weights,
        prior_mean=prior_mean,
    )
    if untouched is not None:
        # The mean answer says nothing of a diary.
        answers[~untouched] = answers.mean(axis=0)
    return examples_of(gathered.labelled, label_ids, answers=answers)
