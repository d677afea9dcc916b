"""How well wrong labels are found: some labels of a file are flipped, then looked for.

python benchmarks/label_errors.py --data diaries.tsv --json out.json

Flips follow the confusions that the classifier makes, as people's mistakes do: the likelier it takes a label for
another, the likelier it is flipped to that one.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from sklearn.metrics import roc_auc_score

from benchmarks import labelled_file, machine
from learner.classification import classifier
from learner.data_quality import label_issues

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.labelled_file import Labelled

FIRST = 100


def main() -> None:
    """Flip, search, and compare the search orders."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    labelled_file.add_arguments(parser, rows=2000)
    parser.add_argument("--flipped", type=float, default=0.05, help="share of the labels that are flipped")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    data = labelled_file.load(arguments)
    result: dict[str, Any] = {
        "machine": machine.describe(),
        "data": arguments.data.name,
        "rows": len(data.labels),
        "flipped": arguments.flipped,
        "first": FIRST,
        "seeds": arguments.seeds,
        "note": "Mistakes that the file already holds count as false alarms.",
        "orders": measure(data, flipped=arguments.flipped, seeds=arguments.seeds),
    }
    machine.write(arguments.json, result)


def measure(data: Labelled, *, flipped: float, seeds: int) -> dict[str, dict[str, float]]:
    """Return precision of the first 100, area under the ROC curve and lift of each order, means over seeds."""
    clean = confusable(data)
    runs = [_one(data, clean, flipped=flipped, seed=seed) for seed in range(seeds)]
    return {
        order: {name: float(np.mean([run[order][name] for run in runs])) for name in runs[0][order]}
        for order in runs[0]
    }


def _one(data: Labelled, clean: NDArray[np.float32], *, flipped: float, seed: int) -> dict[str, dict[str, float]]:
    rng = np.random.default_rng(seed)
    labels, is_flipped = flip(data, clean, flipped=flipped, rng=rng)
    proba = out_of_fold(data, labels, seed=seed + 1)
    doubts = label_issues.find_doubts(proba, labels)
    place = np.empty(len(labels))
    place[doubts.order] = np.arange(len(labels))
    orders = {
        "ours": -place,
        "highest_loss": -doubts.quality,
        "least_confident": -proba.max(axis=1),
        "random": rng.random(len(labels)),
    }
    return {name: _judge(score, is_flipped) for name, score in orders.items()}


def flip(
    data: Labelled, clean: NDArray[np.float32], *, flipped: float, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return labels of which a share was flipped along confusions, and which ones."""
    k = len(data.names)
    confused = np.stack(
        [clean[data.labels == i].mean(axis=0) if (data.labels == i).any() else np.ones(k) for i in range(k)]
    )
    np.fill_diagonal(confused, 0)
    confused /= confused.sum(axis=1, keepdims=True)
    rows = rng.choice(len(data.labels), round(flipped * len(data.labels)), replace=False)
    labels = data.labels.copy()
    for row in rows:
        labels[row] = rng.choice(k, p=confused[data.labels[row]])
    return labels, labels != data.labels


def confusable(data: Labelled) -> NDArray[np.float32]:
    """Return out-of-fold probabilities of another classifier than ours: mistakes must not depend on what finds them."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict

    plain = LogisticRegression(C=10, max_iter=300)
    return np.asarray(cross_val_predict(plain, data.features, data.labels, method="predict_proba"), np.float32)


def out_of_fold(data: Labelled, labels: NDArray[np.int64], *, seed: int) -> NDArray[np.float32]:
    """Return the probabilities that our heads give rows whose labels they have not seen."""
    targets = classifier.one_hot(labels, len(data.names))
    return classifier.train(data.features, targets, mean=np.zeros(1, np.float32), text_space="", seed=seed).out_of_fold


def _judge(score: NDArray[Any], is_flipped: NDArray[np.bool_]) -> dict[str, float]:
    first = np.argsort(-score, kind="stable")[:FIRST]
    precision = float(is_flipped[first].mean())
    return {
        "precision_of_first_100": precision,
        "auroc": float(roc_auc_score(is_flipped, score)),
        "lift": precision / float(is_flipped.mean()),
    }


if __name__ == "__main__":
    main()
