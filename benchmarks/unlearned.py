"""Labels that no example has: what keeping a small share for them costs, and whether it finds their texts.

    python benchmarks/unlearned.py --data kote7.tsv --query 'dominance >= 0.6' --json out.json

In each draw the examples of one label after the other are taken away, and a head is trained on the rest: as it is, and
with the share of `learner.classification.unlearned`. Measured are accuracy on all other texts, those of the label
without examples included, how large the share is beside how common the label is, and how many of the label's texts
are among the hundred with the largest share.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from annotator.label_sets import definitions
from annotator.serving import zero_label
from benchmarks import labelled_file, machine
from learner.classification import classifier, unlearned
from learner.classification.temperature import CalibrationData
from learner.encoders import encoder as encoders

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.labelled_file import Labelled

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

_SHOWN = 100


def main() -> None:
    """Measure every number of labels."""
    arguments = _arguments()
    data = labelled_file.load(arguments)
    first = _first_head(arguments.encoder, data)
    result = {
        "machine": machine.describe(),
        "data": arguments.data.name,
        "rows": len(data.labels),
        "left_out": data.left_out,
        "labels": {str(count): _measure(data, first, count, arguments.seeds) for count in arguments.labels},
    }
    machine.write(arguments.json, result)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    labelled_file.add_arguments(parser, rows=4000)
    parser.add_argument("--labels", type=int, nargs="+", default=[20, 50, 200])
    parser.add_argument("--seeds", type=int, default=5)
    return parser.parse_args()


def _first_head(name: str, data: Labelled) -> classifier.Head:
    encoder = encoders.load(name, cache=encoders.default_cache())
    definition_of = {label.name: label.definition for label in definitions.DEFAULT_LABELS}
    described = [definition_of.get(name, "") for name in data.names]
    # Features are centred already.
    vectors, centre = data.features[:500, : encoder.width], encoder.by_parts(np.zeros(encoder.width, np.float32))
    return zero_label.of_labels(encoder, data.names, described, vectors, mean=centre).head


def _measure(data: Labelled, first: classifier.Head, count: int, seeds: int) -> dict[str, float]:
    draws = [(hidden, seed) for seed in range(seeds) for hidden in range(len(data.names))]
    results = [_case(data, first, hidden, count, seed) for hidden, seed in draws]
    cases = [case for case in results if case is not None]
    figures = {name: float(np.mean([case[name] for case in cases])) for name in cases[0]}
    figures["largest_share"] = max(case["largest_share"] for case in cases)
    figures["accuracy_gain"] = figures["accuracy"] - figures["accuracy_before"]
    return {name: round(value, 4) for name, value in figures.items()}


def _case(data: Labelled, first: classifier.Head, hidden: int, count: int, seed: int) -> dict[str, float] | None:
    """Return the figures of one draw; None where the other labels are all of one kind."""
    order = np.random.default_rng(seed).permutation(len(data.labels))
    known = order[:count][data.labels[order[:count]] != hidden]
    rest = order[count:]
    if len(np.unique(data.labels[known])) < 2:
        return None
    targets = classifier.one_hot(data.labels[known], len(data.names))
    pool = data.features[rest[:: max(1, len(rest) // 500)]]
    plain = _train(data, known, targets, pool, seed)
    mixed = replace(plain, unlearned=unlearned.find(first, targets, pool))
    before, after = (head.proba(data.features[rest]) for head in (plain, mixed))
    truth, is_hidden = data.labels[rest], data.labels[rest] == hidden
    return {
        "accuracy_before": float((before.argmax(axis=1) == truth).mean()),
        "accuracy": float((after.argmax(axis=1) == truth).mean()),
        "log_loss_before": _log_loss(before, truth),
        "log_loss": _log_loss(after, truth),
        "share_before": float(before[:, hidden].mean()),
        "share": float(after[:, hidden].mean()),
        "common": float(is_hidden.mean()),
        "largest_share": float(after[:, hidden].max()),
        "found_before": _found(before[:, hidden], is_hidden),
        "found": _found(after[:, hidden], is_hidden),
    }


def _train(data: Labelled, known: IntArray, targets: FloatArray, pool: FloatArray, seed: int) -> classifier.Classifier:
    nothing = data.features[:0]
    calibration = CalibrationData(np.ones(len(known), np.bool_), nothing, targets[:0], np.zeros(0, np.int64), pool)
    mean = np.zeros(1, np.float32)
    features = data.features[known]
    return classifier.train(features, targets, mean=mean, text_space="", seed=seed, calibration=calibration).classifier


def _log_loss(proba: NDArray[np.float32], truth: IntArray) -> float:
    return float(-np.log(np.maximum(proba[np.arange(len(truth)), truth], 1e-6)).mean())


def _found(shares: NDArray[np.float32], is_hidden: NDArray[np.bool_]) -> float:
    return float(is_hidden[np.argsort(-shares, kind="stable")[:_SHOWN]].mean())


if __name__ == "__main__":
    main()
