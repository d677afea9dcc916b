"""Vectors laid out in the plane, so that neighbours stay neighbours: t-SNE by openTSNE, stable from one to the next.

A layout begins where the last one ended: texts that were there keep their places nearly, new ones begin amid their
neighbours. Up to `MOST_LAID_OUT` texts are laid out exactly; of more, a sample is, and `place` puts the others beside
their nearest.

Source: van der Maaten and Hinton (2008); interpolated forces, Linderman et al. (2019); perplexity, start and learning
rate, Kobak and Berens (2019), The art of using t-SNE, and Belkina et al. (2019).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from learner.layout import neighbours

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]

FEWEST = 30
"""Texts below which there is nothing to see: each would be everybody's neighbour."""

MOST_LAID_OUT = 50_000

WIDTH = 50
"""Principal components that distances are measured in."""

_PERPLEXITY = 30
_EARLY, _EARLY_EXAGGERATION = 250, 12
_ITERATIONS = 500
_ITERATIONS_FROM_LAST = 250
_LOOSENED, _LOOSENING_EXAGGERATION = 50, 4
"""Where vectors are those of another encoder, neighbours of before hold each other back: docs/finding.md."""

_ITERATIONS_AT_A_TIME = 10
_TINY = 1e-6
_PLACED_BY = 5
"""Nearest texts amid which a further one is put: near-copies of one lie beside it, others in the middle."""


def reduce(vectors: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return vectors in their principal components, (n, at most `WIDTH`), and the mean and axes that make them."""
    from sklearn.decomposition import PCA

    width = min(WIDTH, *vectors.shape)
    analysis = PCA(width, svd_solver="covariance_eigh" if len(vectors) > vectors.shape[1] else "full")
    with np.errstate(invalid="ignore"):  # texts that are all equal have no variance to be shares of
        analysis.fit(vectors)
    mean, axes = analysis.mean_.astype(np.float32), np.ascontiguousarray(analysis.components_.T, np.float32)
    return project(vectors, mean, axes), mean, axes


def project(vectors: FloatArray, mean: FloatArray, axes: FloatArray) -> FloatArray:
    """Return vectors in the components that `reduce` has found, (n, components)."""
    return np.ascontiguousarray((vectors - mean) @ axes, np.float32)


def lay_out(
    reduced: FloatArray, *, seed: int, last: FloatArray | None = None, are_other: bool = False
) -> Generator[float, None, FloatArray]:
    """Lay texts out; yield the share that is done, about once a second.

    Args:
        reduced: (n, components), n >= `FEWEST`, from `reduce`.
        last: (n, 2), where each text was in the last layout, NaN for those that were not.
        are_other: whether that was made from other vectors, of another encoder.

    Returns:
        Coordinates, (n, 2), centred.
    """
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    perplexity = min(_PERPLEXITY, (len(reduced) - 1) // 3)
    nearest = yield from _shifted(
        neighbours.find(reduced, reduced, min(3 * perplexity, len(reduced) - 1), are_same=True), 0.0, 0.3
    )
    affinities = PerplexityBasedNN(
        knn_index=PrecomputedNeighbors(nearest[0], nearest[1].astype(np.float64)), perplexity=perplexity, n_jobs=1
    )
    goes_on = last is not None and np.isfinite(last[:, 0]).mean() >= 0.1
    start = _from_last(last, nearest[0], seed) if goes_on and last is not None else _from_components(reduced)
    embedding = TSNEEmbedding(start, affinities, random_state=seed, n_jobs=1)
    yield 0.35
    phases = [(_ITERATIONS_FROM_LAST, 1, 0.8)]
    if goes_on and are_other:
        phases = [(_LOOSENED, _LOOSENING_EXAGGERATION, 0.5), *phases]
    if not goes_on:
        phases = [(_EARLY, _EARLY_EXAGGERATION, 0.5), (_ITERATIONS, 1, 0.8)]
    yield from _optimise(embedding, phases, 0.35)
    coordinates = np.asarray(embedding, np.float32)
    # Centred only at first: moving all of them later would be a change that means nothing.
    return coordinates if goes_on else coordinates - coordinates.mean(axis=0)


def place(
    rows: FloatArray, laid_out: FloatArray, values: FloatArray
) -> Generator[float, None, tuple[FloatArray, NDArray[np.int64]]]:
    """Put further texts amid those that are laid out; yield the share that is done.

    Args:
        rows: (n, components), in the components of those that are laid out.
        laid_out: (m, components), m >= 1.
        values: (m, 2), where they are.

    Returns:
        Coordinates, (n, 2), and the place of the nearest text that is laid out, (n,).
    """
    near, distances = yield from neighbours.find(rows, laid_out, min(_PLACED_BY, len(laid_out)), are_same=False)
    # Twice as far counts a sixteenth.
    weights = (np.maximum(distances[:, :1], _TINY) / np.maximum(distances, _TINY)) ** 4
    weights /= weights.sum(axis=1, keepdims=True)
    return np.einsum("nk,nkd->nd", weights, values[near]).astype(np.float32), near[:, 0]


def _optimise(embedding: Any, phases: Sequence[tuple[int, float, float]], done: float) -> Generator[float, None, None]:
    """Move texts to where they belong, in place."""
    total, at = sum(phase[0] for phase in phases), 0
    for iterations, exaggeration, momentum in phases:
        # Gains and speed are of one phase.
        embedding.optimizer = type(embedding.optimizer)()
        for _ in range(0, iterations, _ITERATIONS_AT_A_TIME):
            embedding.optimize(
                _ITERATIONS_AT_A_TIME,
                inplace=True,
                exaggeration=exaggeration,
                momentum=momentum,
                learning_rate="auto",
                n_jobs=1,
            )
            at += _ITERATIONS_AT_A_TIME
            yield done + (1 - done) * at / total


def _from_components(reduced: FloatArray) -> NDArray[np.float64]:
    start = reduced[:, :2].astype(np.float64)
    if start.shape[1] < 2:
        start = np.column_stack([start, np.zeros(len(start))])
    spread = start[:, 0].std()
    return start / (spread / 1e-4) if spread > 0 else start


def _from_last(last: FloatArray, near: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    """Return where each text begins: at its last place, or amid its neighbours that have one."""
    start = last.astype(np.float64)
    known = np.isfinite(last[:, 0])
    rng = np.random.default_rng(seed)
    centre, spread = start[known].mean(axis=0), start[known].std() or 1.0
    for place in np.flatnonzero(~known).tolist():
        there = near[place][known[near[place]]][:_PLACED_BY]
        middle = np.median(start[there], axis=0) if len(there) else centre
        # Two of them at one point would stay together.
        start[place] = middle + rng.normal(0, spread / 1000, 2)
    return start


def _shifted(work: Generator[float, None, Any], start: float, share: float) -> Generator[float, None, Any]:
    """Pass on the progress of a part of the work, and its result."""
    while True:
        try:
            yield start + share * next(work)
        except StopIteration as ended:
            return ended.value
