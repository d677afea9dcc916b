"""Labels of several readers: how many are right, and what a head learns from them, from good readers to spammers.

    python benchmarks/readers.py --data kote7.tsv --query 'dominance >= 0.6' --json out.json

Made-up readers read texts whose label is known (`benchmarks/reader_panels.py`). Compared are today's way of a round
(`ours`), agreement-weighted votes as they were before (`agreement`), plain votes, Dawid and Skene, and CROWDLAB, each
on the same decisions. `consensus` is how often the likeliest label is right, `served` how often the one is that a round
shows: the likeliest of those that a reader gave.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from benchmarks import labelled_file, machine, reader_panels
from learner.classification import classifier as classifiers
from learner.classification import metrics

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.labelled_file import Labelled
    from benchmarks.reader_panels import Given, Labels

MOST_TEST = 1000
MEASURES = ("consensus", "served", "accuracy", "macro_f1", "reliability_error")


def main() -> None:
    """Run every panel and overlap, and write the means over the seeds."""
    arguments = _arguments()
    data = labelled_file.load(arguments)
    alike = reader_panels.likeness(data.features, data.labels, k=len(data.names))
    result: dict[str, dict[str, Any]] = {}
    for panel in arguments.readers:
        for overlap in arguments.overlap:
            runs = [_run(data, alike, panel, overlap / 100, arguments.labels, seed) for seed in range(arguments.seeds)]
            result.setdefault(panel, {})[str(overlap)] = _mean(runs)
            print(panel, overlap, result[panel][str(overlap)], flush=True)
    machine.write(
        arguments.json,
        {
            "machine": machine.describe(),
            "data": arguments.data.name,
            "rows": len(data.labels),
            "labels": arguments.labels,
            "seeds": arguments.seeds,
            "readers": result,
            "mean": _mean([cell for overlaps in result.values() for cell in overlaps.values()]),
        },
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    labelled_file.add_arguments(parser, rows=3000)
    parser.add_argument("--labels", type=int, default=300, help="texts that the readers read")
    parser.add_argument("--readers", nargs="+", choices=tuple(reader_panels.PANELS), default=[*reader_panels.PANELS])
    parser.add_argument("--overlap", type=int, nargs="+", default=[0, 20, 50, 100], help="per cent")
    parser.add_argument("--seeds", type=int, default=5)
    return parser.parse_args()


def _run(
    data: Labelled, alike: NDArray[np.float64], panel: str, overlap: float, labels: int, seed: int
) -> dict[str, dict[str, float]]:
    order, k = np.random.default_rng(seed).permutation(len(data.labels)), len(data.names)
    read, test = order[: min(labels, 2 * len(order) // 3)], order[labels:][-MOST_TEST:]
    truth = data.labels[read]
    given = reader_panels.simulate(truth, alike, panel, overlap, k=k, rng=np.random.default_rng([seed, 1]))
    ways = _ways(given, data.features[read], seed=seed, k=k)
    real = [(given.columns[mine] == truth[given.items[mine]]).mean() for mine in _by_reader(given)]

    def measure(labels_: Labels) -> dict[str, float]:
        trained = _train(data.features[read], labels_, seed=seed)
        measured = metrics.evaluate(trained.proba(data.features[test]), data.labels[test])
        errors = [abs(labels_.right[i] - share) for i, share in enumerate(real) if i in labels_.right]
        right = (labels_.likeliest == truth).mean(), (labels_.columns == truth).mean()
        values = [*right, measured.accuracy, measured.macro_f1, *([np.mean(errors)] if errors else [])]
        return dict(zip(MEASURES, map(float, values), strict=False))

    return {way: measure(labels_) for way, labels_ in ways.items()}


def _by_reader(given: Given) -> list[NDArray[np.bool_]]:
    return [given.people == person for person in range(reader_panels.READERS)]


def _ways(given: Given, features: NDArray[np.float32], *, seed: int, k: int) -> dict[str, Labels]:
    ours, before = reader_panels.by_readers, reader_panels.by_agreement(given, k=k)
    answers, answers_before = (_answers(features, labels, seed=seed) for labels in (ours(given, k=k), before))
    return {
        "ours": ours(given, answers, k=k),
        "agreement": before,
        "majority": reader_panels.by_majority(given, k=k),
        "dawid_skene": reader_panels.by_dawid_skene(given, k=k),
        "crowdlab": reader_panels.by_crowdlab(given, answers_before, k=k),
    }


def _answers(features: NDArray[np.float32], labels: Labels, *, seed: int) -> NDArray[np.float32]:
    return classifiers.answer_out_of_fold(features, labels.targets.astype(np.float32), seed=seed)


def _train(features: NDArray[np.float32], labels: Labels, *, seed: int) -> classifiers.Classifier:
    targets = labels.targets.astype(np.float32)
    return classifiers.train(features, targets, mean=np.zeros(1, np.float32), text_space="", seed=seed).classifier


def _mean(runs: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    return {
        way: {name: round(float(np.mean([run[way][name] for run in runs])), 4) for name in measured}
        for way, measured in runs[0].items()
    }


if __name__ == "__main__":
    main()
