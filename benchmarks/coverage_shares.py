"""How often the interval of a label's share holds the truth, in simulated projects whose labels are all known.

python benchmarks/coverage_shares.py --data diaries.tsv --json out.json

A project labels some of its pool, two thirds of it by the smallest margin, and some of a test part that was drawn at
random: diary by diary; or whole writers, who have labels of their own; or mostly diaries of one of two sources, of
different writers. The share of each label among all diaries is estimated and compared with the truth. One label is
also thinned out to be rare.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from benchmarks import labelled_file, machine
from learner.classification import classifier
from learner.classification.metrics import wilson
from learner.data_quality.label_shares import RandomPart, estimate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from benchmarks.labelled_file import Labelled

    IntArray = NDArray[np.int64]
    FloatArray = NDArray[np.float64]

TRAIN = 150
TEST_SHARE = 0.25
BANDS = (0.0, 0.004, 0.015, 0.03, 0.1, 0.4, 1.0)
WRITERS = 60
RARE = (0.005, 0.01, 0.02)
WAYS = ("diaries", "writers", "sources")
FIRST_SOURCE = 0.75
"""Share of the decisions on diaries of the first source, which has about half of all."""

HABIT = 10.0
"""How much writers differ: labels of one writer correlate by 1 / (1 + this)."""


def main() -> None:
    """Simulate projects, and print how often the intervals held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    labelled_file.add_arguments(parser, rows=4000)
    parser.add_argument("--at", type=int, nargs="+", default=[30, 60, 100, 200, 400], help="decided test diaries")
    parser.add_argument("--rare", type=float, nargs="+", default=RARE, help="shares to thin a label to")
    parser.add_argument("--projects", type=int, default=400)
    arguments = parser.parse_args()
    data = labelled_file.load(arguments)
    figures = run(data, at=arguments.at, rare=arguments.rare, projects=arguments.projects)
    described = {"machine": machine.describe(), "data": arguments.data.name, "rows": len(data.labels)}
    machine.write(arguments.json, {**described, **figures})


def run(data: Labelled, *, at: Sequence[int], rare: Sequence[float], projects: int) -> dict[str, Any]:
    """Return how often the intervals held: over all, and by how the test part was drawn, its size and the true share.

    Args:
        rare: shares that a label is thinned to; every project takes the next of them, or leaves the labels as they are.
    """
    thinned = (None, *rare)
    cases = [
        case
        for project in range(projects)
        for case in _project(data, at=at, thinned=thinned[project % len(thinned)], seed=project)
    ]
    drawn = {way: [c for c in cases if c["drawn"] == way] for way in WAYS}
    return {
        "projects": projects,
        "at": list(at),
        **{
            way: {
                "overall": _sum_up(group),
                "by_size": _by(group, "size"),
                "by_share": _by(group, "band"),
                "by_method": _by(group, "method"),
                "by_size_and_share": _by(group, "size", "band"),
            }
            for way, group in drawn.items()
        },
    }


def _project(data: Labelled, *, at: Sequence[int], thinned: float | None, seed: int) -> Iterator[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(data.labels) if thinned is None else _thin(data.labels, thinned, rng))
    labels, k = data.labels[rows], len(data.names)
    test_count = int(TEST_SHARE * len(rows))
    predicted = _predict(data.features[rows], labels, pool=np.arange(test_count, len(rows)), k=k)
    writers = deal_writers(labels, k, rng)
    for drawn, size in product(WAYS, at):
        chosen = _choose(drawn, size, writers, test_count, rng)
        by_writer = writers[chosen] if drawn == "writers" else None
        if len(chosen) == size and (by_writer is None or len(np.unique(by_writer)) > 1):
            part = RandomPart(
                np.eye(k)[labels[chosen]], predicted[chosen], _represents(drawn, chosen, writers), by_writer
            )
            case = {"drawn": drawn, "size": size}
            yield from (case | outcome for outcome in _outcomes(part, labels, predicted))


def _choose(drawn: str, size: int, writers: IntArray, test_count: int, rng: np.random.Generator) -> IntArray:
    """Return the decided test diaries, drawn at random in one of the ways; fewer where there are not enough."""
    if drawn == "writers":
        return draw_writers(writers, test_count, rng)[:size]
    order = rng.permutation(len(writers))
    if drawn == "diaries":
        return order[:size]
    count = round(FIRST_SOURCE * size)
    is_first = _is_first(writers)[order]
    return np.concatenate([order[is_first][:count], order[~is_first][: size - count]])


def _is_first(writers: IntArray) -> NDArray[np.bool_]:
    return np.asarray(writers < WRITERS // 2)


def _represents(drawn: str, chosen: IntArray, writers: IntArray) -> FloatArray:
    """Return how many diaries each decided one stands for: all of its source / the decided ones."""
    source = _is_first(writers).astype(np.int64) if drawn == "sources" else np.zeros(len(writers), np.int64)
    per_source = np.bincount(source, minlength=2) / np.maximum(np.bincount(source[chosen], minlength=2), 1)
    return np.asarray(per_source[source[chosen]])


def _thin(labels: IntArray, share: float, rng: np.random.Generator) -> IntArray:
    """Return rows without most of those of the rarest label that can be thinned to a share."""
    counts = np.bincount(labels)
    rare = int(np.argmin(np.where(counts > share * len(labels), counts, len(labels) + 1)))
    others, own = np.flatnonzero(labels != rare), rng.permutation(np.flatnonzero(labels == rare))
    return np.concatenate([others, own[: max(2, round(share / (1 - share) * len(others)))]])


def _predict(features: NDArray[np.float32], labels: IntArray, *, pool: IntArray, k: int) -> FloatArray:
    """Return the probabilities of a head that a third of its labels were drawn for, and two thirds by the margin."""
    start = pool[: TRAIN // 3]
    first = np.sort(_proba(features, features[start], labels[start], k), axis=1)
    later = pool[TRAIN // 3 :]
    unsure = later[np.argsort(first[later, -1] - first[later, -2])][: TRAIN - len(start)]
    train = np.concatenate([start, unsure])
    return _proba(features, features[train], labels[train], k)


def _proba(features: NDArray[np.float32], seen: NDArray[np.float32], labels: IntArray, k: int) -> FloatArray:
    weight, bias = classifier.fit_head(seen, labels, k=k)
    return np.asarray(classifier.softmax(features @ weight.T + bias), np.float64)


def deal_writers(labels: IntArray, k: int, rng: np.random.Generator) -> IntArray:
    """Give each diary a writer; writers differ in how much they write and in the labels of it."""
    size = rng.lognormal(0, 0.7, WRITERS)
    shares = np.maximum(np.bincount(labels, minlength=k) / len(labels), 1e-4)
    habits = size[:, None] * rng.dirichlet(HABIT * shares, WRITERS)
    habits = np.cumsum(habits / habits.sum(axis=0), axis=0)
    writers = (rng.random(len(labels)) > habits[:, labels]).sum(axis=0)
    return np.minimum(writers, WRITERS - 1)


def draw_writers(writers: IntArray, count: int, rng: np.random.Generator) -> IntArray:
    """Return the diaries of writers drawn at random, about as many as asked for, in random order."""
    order = rng.permutation(WRITERS)
    sizes = np.cumsum(np.bincount(writers, minlength=WRITERS)[order])
    chosen = order[: max(2, int((sizes <= count).sum()))]
    return rng.permutation(np.flatnonzero(np.isin(writers, chosen)))


def _outcomes(part: RandomPart, labels: IntArray, predicted: FloatArray) -> Iterator[dict[str, Any]]:
    truth, n = np.eye(predicted.shape[1])[labels], len(part.truth)
    answers = np.bincount(predicted.argmax(axis=1), minlength=predicted.shape[1]) / len(labels)
    for label, share in enumerate(estimate(part, predicted.mean(axis=0))):
        true = float(truth[:, label].mean())
        low, high = wilson(int(share.cases), n)
        yield {
            "band": _band(true),
            "method": share.method,
            "held": share.low <= true <= share.high,
            "below": true < share.low,
            "error": share.value - true,
            "width": share.high - share.low,
            "decisions_held": low <= true <= high,
            "decisions_width": high - low,
            "answers_error": float(answers[label]) - true,
        }


def _band(share: float) -> str:
    place = int(np.searchsorted(BANDS, share, side="right")) - 1
    return f"{100 * BANDS[place]:g}-{100 * BANDS[place + 1]:g} %"


def _by(cases: list[dict[str, Any]], *keys: str) -> dict[str, Any]:
    groups = defaultdict(list)
    for case in cases:
        groups[", ".join(str(case[key]) for key in keys)].append(case)
    return {name: _sum_up(group) for name, group in groups.items()}


def _sum_up(cases: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the coverage of the interval and of Wilson's of the decisions alone, widths, and mean absolute errors."""
    return {
        "cases": len(cases),
        "held": _mean(c["held"] for c in cases),
        "truth_below": _mean(c["below"] for c in cases),
        "width": _mean(c["width"] for c in cases),
        "error": _mean(abs(c["error"]) for c in cases),
        "bias": _mean(c["error"] for c in cases),
        "decisions_held": _mean(c["decisions_held"] for c in cases),
        "decisions_width": _mean(c["decisions_width"] for c in cases),
        "answers_error": _mean(abs(c["answers_error"]) for c in cases),
    }


def _mean(values: Iterable[float]) -> float:
    return round(float(np.mean(list(values) or [np.nan])), 4)


if __name__ == "__main__":
    main()
