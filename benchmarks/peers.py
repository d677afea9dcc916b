"""How other tools would ask, on the same features: small-text's strategies, cleanlab's ActiveLab, TF-IDF by hand.

Each comes with the classifier that its users have: scikit-learn's logistic regression, as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.linear_model import LogisticRegression

if TYPE_CHECKING:
    from collections.abc import Callable

    from learner.active_learning.simulation import Asking, FloatArray, IntArray, State

SMALL_TEXT = {
    "small_text_random": "RandomSampling",
    "small_text_breaking_ties": "BreakingTies",
    "small_text_least_confidence": "LeastConfidence",
    "small_text_prediction_entropy": "PredictionEntropy",
    "small_text_embedding_kmeans": "EmbeddingKMeans",
    "small_text_lightweight_coreset": "LightweightCoreset",
    "small_text_contrastive": "ContrastiveActiveLearning",
}


@dataclass
class _Regression:
    """Logistic regression whose columns are those of the data set, whatever labels are known."""

    state: State
    rows: FloatArray

    def __post_init__(self) -> None:
        labels = self.state.labels[self.state.known]
        self._constant = int(labels[0]) if len(np.unique(labels)) < 2 else None
        if self._constant is None:
            self._fitted = LogisticRegression(max_iter=1000).fit(self.rows[self.state.known], labels)

    def proba(self, rows: FloatArray) -> FloatArray:
        proba = np.zeros((rows.shape[0], self.state.k), np.float32)
        if self._constant is not None:
            proba[:, self._constant] = 1
        else:
            proba[:, self._fitted.classes_] = self._fitted.predict_proba(rows)
        return proba

    # What small-text requires of a classifier:
    def predict_proba(self, rows: FloatArray) -> FloatArray:
        return self.proba(rows)

    def embed(self, rows: FloatArray, *, return_proba: bool = False, **_: Any) -> Any:
        return (rows, self.proba(rows)) if return_proba else rows


def small_text(name: str) -> Asking:
    """Return how small-text asks with one of its strategies."""
    import small_text as library

    def ask(state: State) -> tuple[IntArray, FloatArray]:
        head = _Regression(state, state.features)
        # Its strategies draw from numpy's global generator.
        np.random.seed(state.seed)
        strategy = getattr(library, SMALL_TEXT[name])()
        options = {"embeddings": state.features} if name.endswith(("kmeans", "coreset")) else {}
        chosen = np.zeros(0, np.int64)
        if state.batch:
            labels = state.labels[state.known]
            chosen = strategy.query(
                head, state.features, state.waiting, state.known, labels, n=state.batch, **_quiet(name), **options
            )
        return np.asarray(chosen, np.int64), head.proba(state.features[state.test])

    return ask


def _quiet(name: str) -> dict[str, Any]:
    return {"pbar": None} if name.endswith(("kmeans", "coreset", "contrastive")) else {}


def activelab(state: State) -> tuple[IntArray, FloatArray]:
    """Ask as ActiveLab does where each text gets one label: for the unlabelled texts with the lowest scores first.

    Source: Goh and Mueller (2023), ActiveLab: Active Learning with Re-Labeling by Multiple Annotators.
    """
    from cleanlab.multiannotator import get_active_learning_scores

    head = _Regression(state, state.features)
    proba = head.proba(state.features[state.test])
    labels = state.labels[state.known]
    present = np.unique(labels)
    if not state.batch or len(present) < 2:
        return state.waiting[: state.batch], proba
    columns = np.searchsorted(present, labels)
    _, scores = get_active_learning_scores(
        columns[:, None], _out_of_fold(state)[:, present], head.proba(state.features[state.waiting])[:, present]
    )
    return state.waiting[np.argsort(scores, kind="stable")[: state.batch]], proba


def _out_of_fold(state: State) -> FloatArray:
    folds = np.arange(len(state.known)) % 3
    proba = np.zeros((len(state.known), state.k), np.float32)
    for fold in range(3):
        part = replace(state, known=state.known[folds != fold])
        proba[folds == fold] = _Regression(part, state.features).proba(state.features[state.known[folds == fold]])
    return proba


def tfidf(grams: Any) -> Asking:
    """Return what is done by hand: random texts, logistic regression on character n-grams, (n, grams) sparse."""

    def ask(state: State) -> tuple[IntArray, FloatArray]:
        head = _Regression(state, grams)
        order = np.random.default_rng(state.seed).permutation(state.waiting)
        return order[: state.batch], head.proba(grams[state.test])

    return ask


def tfidf_grams(texts: list[str]) -> Any:
    """Return TF-IDF of character 1- to 4-grams, fitted on all texts without labels."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True, min_df=2)
    return vectorizer.fit_transform(texts).tocsr()


def arms(grams: Callable[[], Any]) -> dict[str, Callable[[], Asking]]:
    """Return a factory for every peer, by name; each peer is made where it runs."""
    peers: dict[str, Callable[[], Asking]] = {name: (lambda name=name: small_text(name)) for name in SMALL_TEXT}
    peers["activelab"] = lambda: activelab
    peers["tfidf_random"] = lambda: tfidf(grams())
    return peers
