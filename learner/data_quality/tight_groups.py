"""Groups of texts that are all close to one of them, exactly within cells of bounded size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

CELL = 8192
"""Texts that are compared each with each: 67 million pairs, a quarter of a second, and 67 MB while it lasts."""

_SAMPLE = 4096
_AT_A_TIME = 8192


def find_groups(vectors: FloatArray, *, near: float, fewest: int, most: int) -> list[IntArray]:
    """Return groups of rows, the largest first, each with its centre first and then the nearest to it.

    The row with most neighbours among those left is the centre of the next group, and its neighbours are the members:
    every member is near the centre, so that no chain of neighbours leads from one thing to another. No row is in two.

    Args:
        vectors: (n, width) of any length, n at most `CELL`.
        near: cosine to the centre from which a row is a neighbour.
        fewest, most: rows of a group; the neighbours beyond are left for further groups.

    Source: Daura et al. (1999), Peptide Folding: When Simulation Meets Experiment, for the rule.
    """
    unit = np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), np.float32)
    is_near = np.empty((len(unit), len(unit)), np.bool_)
    for start in range(0, len(unit), 1024):
        is_near[start : start + 1024] = unit[start : start + 1024] @ unit.T >= near
    np.fill_diagonal(is_near, val=True)
    counts, left = is_near.sum(axis=1), np.ones(len(unit), np.bool_)
    groups: list[IntArray] = []
    while len(unit) and counts.max() >= fewest:
        centre = int(counts.argmax())
        members = np.flatnonzero(is_near[centre] & left)
        members = members[np.argsort(-(unit[members] @ unit[centre]), kind="stable")][:most]
        members = np.concatenate([[centre], members[members != centre]])[:most]
        groups.append(members)
        left[members] = False
        counts -= is_near[:, members].sum(axis=1)
        counts[members] = 0
    return sorted(groups, key=lambda members: -len(members))


def cut(ids: IntArray, read: Callable[[IntArray], FloatArray], *, most: int = CELL) -> list[IntArray]:
    """Return the ids in cells of at most `most`, each of which holds what lies close together.

    They are halved, as often as it takes, at the middle of the direction in which they differ most, then of the next.
    Two texts that are close lie on different sides of a cut only where it passes between them.

    Args:
        read: returns the vectors of some ids, (n, width), in their order.
    """
    depth = int(np.ceil(np.log2(max(1, len(ids) / most))))
    if not depth:
        return [ids] if len(ids) else []
    axes = _axes(read(ids[:: max(1, len(ids) // _SAMPLE)]), depth)
    chunks: Sequence[IntArray] = [ids[at : at + _AT_A_TIME] for at in range(0, len(ids), _AT_A_TIME)]
    places = np.concatenate([_scaled(read(chunk)) @ axes.T for chunk in chunks])
    cells = [np.arange(len(ids))]
    for axis in range(depth):
        cells = [half for cell in cells for half in _halves(cell, places[cell, axis % len(axes)])]
    return [ids[np.sort(cell)] for cell in cells]


def _axes(sample: FloatArray, count: int) -> FloatArray:
    """Return the directions in which a sample differs most, (count, width), the first one first."""
    scaled = _scaled(sample).astype(np.float64)
    _, directions = np.linalg.eigh(np.cov(scaled, rowvar=False))
    return np.asarray(directions[:, ::-1][:, :count].T, np.float32)


def _scaled(vectors: FloatArray) -> FloatArray:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), np.float32)


def _halves(cell: IntArray, places: FloatArray) -> tuple[IntArray, IntArray]:
    order = cell[np.argsort(places, kind="stable")]
    return order[: len(order) // 2], order[len(order) // 2 :]
