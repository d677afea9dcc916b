"""Laying a pool out in two dimensions: time, memory, how true it is, and how much moves when texts or a model come.

    python benchmarks/map_layout.py --vectors vectors.npy --other other.npy --method own --json out.json

``--vectors`` is an array of encoder vectors, (n, width); ``--other`` the same texts by another encoder, as after a
round that has tuned it. Methods are ``own`` (the product's), ``sklearn``, ``umap`` and ``pacmap``; the last two
need umap-learn and pacmap, which the product doesn't. Each method runs in a process of its own on one core, so that
peak memory is its own: run the command once for each.

True: the share of the 15 nearest texts that are among the 15 nearest in the plane, over all texts, and
trustworthiness (sklearn.manifold) of 4,000 of them. Stable: nine tenths of the texts are laid out first, then all of
them, starting from there; the Procrustes disparity of the texts that are in both, 0 = nothing moved, 1 = nothing in
common, with and without that start; and the median way of a text, as a share of the layout's radius.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from benchmarks import machine
from learner.layout import neighbours, tsne

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    LayOut = Callable[[FloatArray, FloatArray | None], FloatArray]

_SEED = 7
_NEAR = 15
_MOST_TRUSTED = 4_000


def main() -> None:
    """Lay out once from nothing, once from the layout of nine tenths, and once with other vectors."""
    arguments = _arguments()
    vectors = np.load(arguments.vectors)[: arguments.rows].astype(np.float32)
    lay_out = METHODS[arguments.method]
    began = time.process_time()
    reduced = tsne.reduce(vectors)[0]
    whole = lay_out(reduced, None)
    figures: dict[str, Any] = {
        "method": arguments.method,
        "n": len(vectors),
        "cpu_seconds": round(time.process_time() - began, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        **_truth(vectors, whole),
    }
    if not arguments.once:
        figures |= _stability(vectors, whole, lay_out)
        if arguments.other is not None:
            other = np.load(arguments.other)[: arguments.rows].astype(np.float32)
            figures["other"] = _moved_by_model(other, whole, lay_out)
    machine.write(arguments.json, {**machine.describe(), **figures})


def _stability(vectors: FloatArray, whole: FloatArray, lay_out: LayOut) -> dict[str, Any]:
    order = np.random.default_rng(_SEED).permutation(len(vectors))
    first = np.sort(order[: round(0.9 * len(order))])
    before = lay_out(tsne.reduce(vectors[first])[0], None)
    last = np.full((len(vectors), 2), np.nan, np.float32)
    last[first] = before
    began = time.process_time()
    after = lay_out(tsne.reduce(vectors)[0], last)
    return {
        "cpu_seconds_from_last": round(time.process_time() - began, 1),
        "moved_from_last": _moved(before, after[first]),
        "moved_anew": _moved(before, whole[first]),
        "from_last": _truth(vectors, after),
    }


def _moved_by_model(other: FloatArray, whole: FloatArray, lay_out: LayOut) -> dict[str, Any]:
    reduced = tsne.reduce(other)[0]
    anew = lay_out(reduced, None)
    # What the product does then; the others have nothing of the kind.
    own = tsne.lay_out(reduced, seed=_SEED, last=whole, are_other=True)
    after = np.asarray(_ended(own)) if lay_out is _own else lay_out(reduced, whole)
    return {
        "moved_from_last": _moved(whole, after),
        "moved_anew": _moved(whole, anew),
        "from_last": _truth(other, after),
        "anew": _truth(other, anew),
    }


def _moved(before: FloatArray, after: FloatArray) -> dict[str, float]:
    from scipy.spatial import procrustes

    radius = float(np.sqrt(before.var(axis=0).sum()))
    ways = np.linalg.norm(after - before, axis=1)
    return {
        "procrustes": round(float(procrustes(before, after)[2]), 4),
        "median_way": round(float(np.median(ways)) / radius, 4),
    }


def _truth(vectors: FloatArray, layout: FloatArray) -> dict[str, float]:
    from sklearn.manifold import trustworthiness

    near = _ended(neighbours.find(vectors, vectors, _NEAR, are_same=True))[0]
    flat = _ended(neighbours.find(layout, layout, _NEAR, are_same=True))[0]
    shared = [len(np.intersect1d(one, other)) for one, other in zip(near, flat, strict=True)]
    some = np.random.default_rng(_SEED).permutation(len(vectors))[:_MOST_TRUSTED]
    return {
        "neighbours_kept": round(float(np.mean(shared)) / _NEAR, 3),
        "trustworthiness": round(float(trustworthiness(vectors[some], layout[some], n_neighbors=_NEAR)), 3),
    }


def _ended(work: Any) -> Any:
    """Return the result of a work that yields its progress."""
    while True:
        try:
            next(work)
        except StopIteration as ended:
            return ended.value


def _own(reduced: FloatArray, last: FloatArray | None) -> FloatArray:
    return np.asarray(_ended(tsne.lay_out(reduced, seed=_SEED, last=last)))


def _sklearn(reduced: FloatArray, last: FloatArray | None) -> FloatArray:
    from sklearn.manifold import TSNE

    start = "pca" if last is None else _filled(last)
    return np.asarray(TSNE(init=start, random_state=_SEED, n_jobs=1).fit_transform(reduced))


def _umap(reduced: FloatArray, last: FloatArray | None) -> FloatArray:
    from umap import UMAP

    start = "spectral" if last is None else _filled(last)
    return np.asarray(UMAP(init=start, random_state=_SEED, n_jobs=1).fit_transform(reduced))


def _pacmap(reduced: FloatArray, last: FloatArray | None) -> FloatArray:
    from pacmap import PaCMAP

    start = "pca" if last is None else _filled(last)
    return np.asarray(PaCMAP(random_state=_SEED, apply_pca=False).fit_transform(reduced, init=start))


def _filled(last: FloatArray) -> FloatArray:
    filled = last.copy()
    unknown = np.isnan(filled[:, 0])
    filled[unknown] = np.nanmean(last, axis=0) + np.random.default_rng(_SEED).normal(0, 1, (unknown.sum(), 2))
    return filled


METHODS: dict[str, LayOut] = {"own": _own, "sklearn": _sklearn, "umap": _umap, "pacmap": _pacmap}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=Path, required=True)
    parser.add_argument("--other", type=Path)
    parser.add_argument("--method", choices=METHODS, default="own")
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--once", action="store_true", help="only lay out once: an hour less for 50,000")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
