"""Whether probabilities can be believed where the labels were chosen: simulated projects that ask by the margin.

    python benchmarks/calibration.py --data kote7.tsv --query 'dominance >= 0.6' --json out.json

A project labels a random first batch, then batches by the smallest margin with a tenth drawn at random; a fifth of the
rows is the test part, of which a fifth as many are decided as of the pool. `ece` is the expected calibration error of
the product's temperature on all undecided rows of the pool, `best` that of the temperature which is best on just these
rows, `ratio` their quotient (goal: at most 1.3), `out_of_fold` that of a temperature fitted out of fold on all labels
and held near 1, as it was. `taken` is the share of answers that may be taken unread at 10 % wrong ones, `wrong` the
share of them that is wrong (goal: 7 to 10 %). Means over the seeds; bins of equal mass.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from benchmarks import labelled_file, machine
from learner.active_learning import query_strategies
from learner.classification import calibration, classifier, temperature

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.labelled_file import Labelled

    IntArray = NDArray[np.int64]
    FloatArray = NDArray[np.float32]

TEST_SHARE = 0.2
UNIFORM_SHARE = 0.1
ERROR = 0.1
_BINS = 15


def main() -> None:
    """Simulate projects and measure the probabilities of their pools."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    labelled_file.add_arguments(parser, rows=4000)
    parser.add_argument("--labels", type=int, nargs="+", default=[80, 200, 400])
    parser.add_argument("--batch", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=10)
    arguments = parser.parse_args()
    data = labelled_file.load(arguments)
    cases: dict[int, list[dict[str, float]]] = {count: [] for count in arguments.labels}
    for seed in range(arguments.seeds):
        for count, case in _project(data, arguments.labels, batch=arguments.batch, seed=seed):
            cases[count].append(case)
    result: dict[str, Any] = {
        "machine": machine.describe(),
        "data": arguments.data.name,
        "rows": len(data.labels),
        "seeds": arguments.seeds,
        "labels": {count: _sum_up(measured) for count, measured in cases.items() if measured},
    }
    machine.write(arguments.json, result)


def _sum_up(cases: list[dict[str, float]]) -> dict[str, float]:
    mean = {name: float(np.nanmean([case[name] for case in cases])) for name in cases[0]}
    mean["ratio"] = mean["ece"] / mean["best"]
    return {name: round(value, 4) for name, value in mean.items()}


def _project(data: Labelled, counts: list[int], *, batch: int, seed: int) -> list[tuple[int, dict[str, float]]]:
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(data.labels))
    cut = round(TEST_SHARE * len(order))
    test, pool = order[:cut], order[cut:]
    known, is_uniform, measurements = pool[:batch], np.ones(batch, np.bool_), []
    while True:
        waiting = pool[~np.isin(pool, known)]
        tested = test[: round(len(known) * TEST_SHARE / (1 - TEST_SHARE))]
        head = _train(data, known, is_uniform, tested, waiting, seed)
        if len(known) in counts:
            measurements.append((len(known), _measured(data, head, known, tested, waiting)))
        if len(known) >= min(max(counts), len(pool) - 2 * batch):
            return measurements
        chosen = _ask(data, head.classifier, known, waiting, batch=batch, seed=seed)
        drawn = rng.choice(waiting[~np.isin(waiting, chosen)], batch - len(chosen), replace=False)
        known = np.concatenate([known, chosen, drawn])
        is_uniform = np.concatenate([is_uniform, np.zeros(len(chosen), np.bool_), np.ones(len(drawn), np.bool_)])


def _train(
    data: Labelled, known: IntArray, is_uniform: NDArray[np.bool_], tested: IntArray, waiting: IntArray, seed: int
) -> classifier.Trained:
    k = len(data.names)
    return classifier.train(
        data.features[known],
        classifier.one_hot(data.labels[known], k),
        mean=np.zeros(1, np.float32),
        text_space="",
        seed=seed,
        calibration=temperature.CalibrationData(
            is_uniform,
            data.features[tested],
            classifier.one_hot(data.labels[tested], k),
            np.arange(len(tested)),
            data.features[waiting[:: max(1, len(waiting) // 500)]],
        ),
    )


def _ask(
    data: Labelled, head: classifier.Classifier, known: IntArray, waiting: IntArray, *, batch: int, seed: int
) -> IntArray:
    pool = query_strategies.Pool(
        proba=head.proba(data.features[waiting]),
        features=lambda places: data.features[waiting[places]],
        label_counts=np.bincount(data.labels[known], minlength=len(data.names)),
    )
    size = batch - round(UNIFORM_SHARE * batch)
    return np.asarray(waiting[query_strategies.choose("margin", pool, size=size, seed=seed, batch=batch)], np.int64)


def _measured(
    data: Labelled, head: classifier.Trained, known: IntArray, tested: IntArray, waiting: IntArray
) -> dict[str, float]:
    own = head.classifier.temperature
    logits = head.classifier.logits(data.features[waiting]) * np.float32(own)
    truth = data.labels[waiting]
    before = _near_one(head, data.labels[known])
    proba = classifier.softmax(logits / np.float32(own))
    test_proba = head.classifier.proba(data.features[tested])
    checked = calibration.CheckedAnswers(test_proba.max(axis=1), test_proba.argmax(axis=1) == data.labels[tested])
    unsure = calibration.find_unsure(proba.max(axis=1), error=ERROR, tested=checked)
    taken = proba.max(axis=1) >= unsure.threshold
    return {
        "ece": _ece(logits / np.float32(own), truth),
        "best": min(_ece(logits / np.float32(t), truth) for t in np.geomspace(0.15, 3, 80)),
        "out_of_fold": _ece(logits / np.float32(before), truth),
        "temperature": own,
        "taken": float(taken.mean()),
        "wrong": float((proba.argmax(axis=1) != truth)[taken].mean()) if taken.any() else float("nan"),
    }


def _near_one(head: classifier.Trained, labels: IntArray) -> float:
    """Return the temperature that was chosen before: out of fold on all labels, held near 1."""
    from scipy.optimize import minimize_scalar

    logits = np.log(np.maximum(head.out_of_fold, 1e-12)) * np.float32(head.classifier.temperature)

    def loss(log: float) -> float:
        proba = classifier.softmax(logits / np.float32(np.exp(log)))[np.arange(len(labels)), labels]
        return float(-np.log(np.maximum(proba, 1e-9)).sum()) + 5 * log**2

    return float(np.exp(minimize_scalar(loss, bounds=(-2.0, 2.0), method="bounded").x))


def _ece(logits: FloatArray, truth: IntArray) -> float:
    proba = classifier.softmax(logits)
    confidence, right = proba.max(axis=1), proba.argmax(axis=1) == truth
    bins = np.array_split(np.argsort(confidence, kind="stable"), _BINS)
    return float(sum(len(b) * abs(confidence[b].mean() - right[b].mean()) for b in bins) / len(truth))


if __name__ == "__main__":
    main()
