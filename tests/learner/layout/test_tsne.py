"""Layouts: true to the neighbours, the same each time, and steady from one to the next."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import procrustes
from sklearn.manifold import trustworthiness

from learner.layout import neighbours, tsne

GROUPS = 6


def _ended(work):  # type: ignore[no-untyped-def]
    while True:
        try:
            next(work)
        except StopIteration as ended:
            return ended.value


def _texts(count: int, *, seed: int = 0, width: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """Return vectors around six centres, and which centre each has."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 4, (GROUPS, width))
    group = rng.integers(0, GROUPS, count)
    return (centres[group] + rng.normal(0, 1, (count, width))).astype(np.float32), group


def _lay_out(vectors: np.ndarray, last: np.ndarray | None = None, seed: int = 3) -> np.ndarray:
    return np.asarray(_ended(tsne.lay_out(tsne.reduce(vectors)[0], seed=seed, last=last)))


def test_neighbours_are_those_of_all_distances_also_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "_PAIRS_AT_A_TIME", 700)
    vectors, _ = _texts(90)
    places, distances = _ended(neighbours.find(vectors, vectors, 5, are_same=True))
    full = np.linalg.norm(vectors[:, None].astype(float) - vectors[None], axis=2)
    np.fill_diagonal(full, np.inf)
    assert (places == np.argsort(full, axis=1)[:, :5]).all()
    assert np.allclose(distances, np.sort(full, axis=1)[:, :5], atol=1e-2)
    # Of another matrix a row may be its own neighbour.
    assert (_ended(neighbours.find(vectors[:9], vectors, 1, are_same=False))[0][:, 0] == np.arange(9)).all()


def test_a_layout_keeps_neighbours_together_and_groups_apart() -> None:
    vectors, group = _texts(300)
    layout = _lay_out(vectors)
    assert layout.shape == (300, 2)
    assert np.isfinite(layout).all()
    assert trustworthiness(vectors, layout, n_neighbors=10) > 0.9
    near = _ended(neighbours.find(layout, layout, 5, are_same=True))[0]
    assert (group[near] == group[:, None]).mean() > 0.97


def test_the_same_texts_and_seed_give_the_same_layout() -> None:
    vectors, _ = _texts(120)
    assert (_lay_out(vectors) == _lay_out(vectors)).all()


@pytest.mark.parametrize(("count", "added"), [(120, 1), (300, 30), (300, 60)])
def test_what_was_there_moves_little_when_texts_are_added(count: int, added: int) -> None:
    vectors, group = _texts(count + added)
    before = _lay_out(vectors[:count])
    last = np.vstack([before, np.full((added, 2), np.nan, np.float32)])
    after = _lay_out(vectors, last)
    assert procrustes(before, after[:count])[2] < 0.1
    # Where they are shows as well: nothing is turned or mirrored, and most stay where people remember them.
    radius = np.sqrt(before.var(axis=0).sum())
    assert np.median(np.linalg.norm(after[:count] - before, axis=1)) < 0.35 * radius
    # The new ones have gone to their own kind.
    near = _ended(neighbours.find(after[count:], after[:count], 3, are_same=False))[0]
    assert (group[:count][near] == group[count:, None]).mean() > 0.9


def test_begun_from_nothing_the_same_texts_lie_elsewhere() -> None:
    vectors, _ = _texts(330, seed=5)
    before = _lay_out(vectors[:300])
    last = np.vstack([before, np.full((30, 2), np.nan, np.float32)])
    steady = procrustes(before, _lay_out(vectors, last)[:300])[2]
    assert procrustes(before, _lay_out(vectors[:, ::-1][::-1])[::-1][:300])[2] > steady


def test_vectors_of_another_encoder_leave_groups_where_they_were() -> None:
    vectors, group = _texts(300)
    before = _lay_out(vectors)
    turned = np.linalg.qr(np.random.default_rng(8).normal(size=(32, 32)))[0].astype(np.float32)
    other = vectors @ turned + np.random.default_rng(9).normal(0, 1, vectors.shape).astype(np.float32)
    after = np.asarray(_ended(tsne.lay_out(tsne.reduce(other)[0], seed=3, last=before, are_other=True)))
    assert procrustes(before, after)[2] < 0.1
    assert trustworthiness(other, after, n_neighbors=10) > 0.85
    assert procrustes(before, _lay_out(other))[2] > procrustes(before, after)[2]
    near = _ended(neighbours.find(after, after, 5, are_same=True))[0]
    assert (group[near] == group[:, None]).mean() > 0.9


def test_further_texts_are_put_amid_their_nearest() -> None:
    vectors, group = _texts(320)
    reduced, mean, axes = tsne.reduce(vectors[:300])
    layout = _ended(tsne.lay_out(reduced, seed=3))
    places, nearest = _ended(tsne.place(tsne.project(vectors[300:], mean, axes), reduced, layout))
    assert (group[nearest] == group[300:]).all()
    centres = np.stack([np.median(layout[group[:300] == each], axis=0) for each in range(GROUPS)])
    assert (np.linalg.norm(places[:, None] - centres, axis=2).argmin(axis=1) == group[300:]).mean() > 0.9


@pytest.mark.parametrize("kind", ["equal", "two kinds", "one axis", "fewest"])
def test_odd_pools_are_laid_out_too(kind: str) -> None:
    vectors = np.ones((60, 16), np.float32)
    if kind == "two kinds":
        vectors[:30, 0] = -5
    if kind == "one axis":
        vectors[:, 0] = np.arange(60)
    if kind == "fewest":
        vectors = _texts(tsne.FEWEST)[0]
    layout = _lay_out(vectors)
    assert layout.shape == (len(vectors), 2)
    assert np.isfinite(layout).all()


def test_a_near_copy_lies_beside_the_one_that_it_copies() -> None:
    vectors, _ = _texts(200)
    reduced, mean, axes = tsne.reduce(vectors)
    layout = _ended(tsne.lay_out(reduced, seed=3))
    copies = vectors[:20] + np.float32(0.01)
    places, nearest = _ended(tsne.place(tsne.project(copies, mean, axes), reduced, layout))
    assert (nearest == np.arange(20)).all()
    assert np.linalg.norm(places - layout[:20], axis=1).max() < 0.05 * layout.std()
    # Exact ones, where the distance is nothing.
    assert np.isfinite(_ended(tsne.place(reduced[:5], reduced, layout))[0]).all()
