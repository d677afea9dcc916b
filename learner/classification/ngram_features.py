"""Character n-grams of the diaries, condensed to a few hundred dimensions on the unlabelled pool.

Beside a generic encoder they add what its tokens blur: endings, ㅋㅋ and ㅠㅠ, spelling. Fitted without labels,
they help from the first hundred labels on and cost no accuracy before (figures: docs/learning.md).

Source: latent semantic analysis, Deerwester et al. (1990), on TF-IDF with sublinear term frequency.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

WIDTH = 256
FEWEST_TEXTS = 200
"""Below this many diaries the dimensions would describe single texts."""

MOST_TEXTS = 20_000
_MOST_GRAMS = 30_000
_GRAMS = (1, 4)


@dataclass(frozen=True, slots=True)
class NgramFeatures:
    """Fitted features. `transform` is the only use; `to_bytes` and `from_bytes` keep it."""

    vectorizer: Any
    components: NDArray[np.float32]
    mean: NDArray[np.float32]

    @property
    def width(self) -> int:
        """Length of a feature vector."""
        return len(self.components)

    def transform(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return features, (n, width) float32, centred and of length 1; zeros for a text without known n-grams."""
        if not len(texts):
            return np.zeros((0, self.width), np.float32)
        grams = self.vectorizer.transform(texts)
        features = np.asarray(grams @ self.components.T, np.float32) - self.mean
        # What is left of them is the mean alone, which says nothing.
        features[np.diff(grams.indptr) == 0] = 0
        lengths = np.linalg.norm(features, axis=1, keepdims=True)
        return np.asarray(features / np.maximum(lengths, 1e-9), np.float32)

    def to_bytes(self) -> bytes:
        """Return safetensors bytes."""
        from safetensors.numpy import save

        grams = sorted(self.vectorizer.vocabulary_, key=self.vectorizer.vocabulary_.get)
        tensors = {
            "components": np.ascontiguousarray(self.components, np.float16),
            "mean": self.mean,
            "idf": self.vectorizer.idf_.astype(np.float32),
        }
        return bytes(save(tensors, metadata={"grams": json.dumps(grams, ensure_ascii=False)}))


def fit(texts: Sequence[str], *, seed: int) -> NgramFeatures:
    """Fit the features on unlabelled texts.

    Args:
        texts: at least `FEWEST_TEXTS`; more than `MOST_TEXTS` take longer and change little.
    """
    from sklearn.decomposition import TruncatedSVD

    vectorizer = _vectorizer(max_features=_MOST_GRAMS)
    grams = vectorizer.fit_transform(texts)
    width = min(WIDTH, grams.shape[0] // 2, grams.shape[1] - 1)
    reduction = TruncatedSVD(width, n_iter=4, random_state=seed).fit(grams)
    # Rounded now, so that what is used in this process is what will be read back later.
    components = np.ascontiguousarray(reduction.components_.astype(np.float16).astype(np.float32))
    vectorizer.idf_ = vectorizer.idf_.astype(np.float32)
    mean = np.asarray(grams @ components.T, np.float32).mean(axis=0)
    return NgramFeatures(vectorizer, components, mean)


def from_bytes(data: bytes) -> NgramFeatures:
    """Return the features that `NgramFeatures.to_bytes` wrote."""
    from safetensors.numpy import load

    tensors = load(data)
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    grams = json.loads(header["__metadata__"]["grams"])
    vectorizer = _vectorizer(vocabulary={gram: i for i, gram in enumerate(grams)})
    vectorizer.idf_ = tensors["idf"]
    return NgramFeatures(vectorizer, tensors["components"].astype(np.float32), tensors["mean"])


def _vectorizer(**options: Any) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(
        analyzer="char",
        ngram_range=_GRAMS,
        sublinear_tf=True,
        min_df=1 if "vocabulary" in options else 3,
        dtype=np.float32,
        **options,
    )
