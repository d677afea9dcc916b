"""How well the audit queue finds wrong labels: some labels of a file are flipped, then its first rows are checked.

python benchmarks/audit_queue.py --data kote7.tsv --query 'dominance >= 0.6' --encoder bundled --json out.json

Two kinds of flips: to labels that a plain classifier confuses with the true one, as people's mistakes are
(``confusions``), and to any other label with the same chance, as slips of a finger are (``slips``). Compared with
the queue are the confidence of the model alone, confident learning alone, and chance.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from benchmarks import labelled_file, machine
from benchmarks.label_errors import confusable, flip, out_of_fold
from learner.data_quality import label_issues, review_signals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.labelled_file import Labelled

    FloatArray = NDArray[np.float64]

FIRST = (50, 100)
_EDGES = (0.0, 0.05, 0.1, 0.2, 0.4, 0.6, 1.0)


def main() -> None:
    """Flip, order, and compare the first rows of each order."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    labelled_file.add_arguments(parser, rows=5000)
    parser.add_argument("--flipped", type=float, default=0.05, help="share of the labels that are flipped")
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    data = labelled_file.load(arguments)
    clean = confusable(data)
    kinds = {"confusions": clean, "slips": np.ones_like(clean)}
    result: dict[str, Any] = {
        "machine": machine.describe(),
        "data": arguments.data.name,
        "rows": len(data.labels),
        "flipped": arguments.flipped,
        "seeds": arguments.seeds,
        "note": "Mistakes that the file already holds count as false alarms.",
        "kinds": {
            kind: measure(data, likely, flipped=arguments.flipped, seeds=arguments.seeds)
            for kind, likely in kinds.items()
        },
    }
    machine.write(arguments.json, result)


def measure(data: Labelled, likely: NDArray[np.float32], *, flipped: float, seeds: int) -> dict[str, Any]:
    """Return the precision of the first rows of each order, mean and spread over seeds, and how true the errors are."""
    runs = [_one(data, likely, flipped=flipped, seed=seed) for seed in range(seeds)]
    precision: dict[str, dict[str, float]] = {}
    for order in runs[0][0]:
        precisions = np.array([[run[0][order][n] for n in FIRST] for run in runs])
        precision[order] = {f"first_{n}": float(mean) for n, mean in zip(FIRST, precisions.mean(axis=0), strict=True)}
        precision[order] |= {f"first_{n}_sd": float(sd) for n, sd in zip(FIRST, precisions.std(axis=0), strict=True)}
    errors, wrong = (np.concatenate([run[1][i] for run in runs]) for i in (0, 1))
    return {"precision": precision, "expected_error": _calibration(errors, wrong)}


def _one(
    data: Labelled, likely: NDArray[np.float32], *, flipped: float, seed: int
) -> tuple[dict[str, dict[int, float]], tuple[FloatArray, NDArray[np.bool_]]]:
    rng = np.random.default_rng(seed)
    labels, is_flipped = flip(data, likely, flipped=flipped, rng=rng)
    proba = out_of_fold(data, labels, seed=seed + 1)
    doubts = label_issues.find_doubts(proba, labels)
    errors = review_signals.expected_error(strengths(doubts))
    place = np.empty(len(labels))
    place[doubts.order] = np.arange(len(labels))
    orders = {
        "queue": errors,
        "confident_learning": -place,
        "least_confidence": -proba.max(axis=1),
        "random": rng.random(len(labels)),
    }
    precision = {
        name: {n: float(is_flipped[np.argsort(-score, kind="stable")[:n]].mean()) for n in FIRST}
        for name, score in orders.items()
    }
    return precision, (errors, is_flipped)


def strengths(doubts: label_issues.LabelIssues) -> FloatArray:
    """Return the signals of one person's labels, as `annotator.worker.tasks.review_queue` gets them after a round."""
    quality = doubts.quality.astype(np.float64)
    signals = np.zeros((len(quality), len(review_signals.SIGNALS)))
    signals[:, 0] = review_signals.low_confidence(quality)
    signals[:, 2] = review_signals.label_error(quality, doubts.suggested_proba.astype(np.float64), doubts.flagged)
    return signals


def _calibration(errors: FloatArray, wrong: NDArray[np.bool_]) -> list[dict[str, float]]:
    """Return how many labels were wrong among those of about the same expected error."""
    bins = np.digitize(errors, _EDGES[1:-1])
    return [
        {
            "n": int((bins == i).sum()),
            "expected": float(errors[bins == i].mean()),
            "wrong": float(wrong[bins == i].mean()),
        }
        for i in range(len(_EDGES) - 1)
        if (bins == i).any()
    ]


if __name__ == "__main__":
    main()
