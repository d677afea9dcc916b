"""What the model that needs no label is worth as the prior of a trained head.

    python benchmarks/first_prior.py --data kote7.tsv --query 'dominance >= 0.6' --json out.json

Heads learn from the same random labels drawn towards zero, towards a part of the first model, and as a round does it:
towards half of it unless heads answer clearly worse out of fold. Gains of the last over the first are paired by seed,
with a t interval over the seeds. Definitions are those of the seven emotions of new projects; `knows_most` says whether
the encoder's emotions know more than half of the labels: otherwise a round has no such prior.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from scipy import stats

from benchmarks import labelled_file, machine
from learner.classification import classifier, first_prior, metrics

if TYPE_CHECKING:
    from annotator.serving.zero_label import FirstModel
    from benchmarks.labelled_file import Labelled

_STRENGTHS = (0.0, 0.25, 0.5, 1.0)
_FEWEST_MEASURED = 50


def main() -> None:
    """Measure every number of labels."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    labelled_file.add_arguments(parser, rows=4000)
    parser.add_argument("--labels", type=int, nargs="+", default=[20, 50, 100, 200])
    parser.add_argument("--seeds", type=int, default=10)
    arguments = parser.parse_args()
    data = labelled_file.load(arguments)
    labelled_file.require(data, max(arguments.labels) + _FEWEST_MEASURED)
    first = labelled_file.first_model(data.names, data.features, arguments.encoder)
    result = {
        "machine": machine.describe(),
        "data": arguments.data.name,
        "rows": len(data.labels),
        "left_out": data.left_out,
        "knows_most": first.knows_most,
        "labels": {str(count): _measure(data, first, count, arguments.seeds) for count in arguments.labels},
    }
    machine.write(arguments.json, result)


def _measure(data: Labelled, first: FirstModel, count: int, seeds: int) -> dict[str, Any]:
    draws = [_draw(data, first, count, seed) for seed in range(seeds)]
    arms = {arm: np.array([draw[arm] for draw in draws]) for arm in draws[0]}
    figures = {
        arm: dict(zip(("macro_f1", "accuracy"), np.round(values.mean(axis=0), 4).tolist(), strict=True))
        for arm, values in arms.items()
    }
    gains = arms["chosen"] - arms["0.0"]
    margin = stats.t.ppf(0.975, seeds - 1) * gains.std(axis=0, ddof=1) / np.sqrt(seeds)
    gain = {
        name: [
            round(float(value), 4)
            for value in (gains[:, at].mean(), *(gains[:, at].mean() + side * margin[at] for side in (-1, 1)))
        ]
        for at, name in enumerate(("macro_f1", "accuracy"))
    }
    return {"arms": figures, "gain": gain}


def _draw(data: Labelled, first: FirstModel, count: int, seed: int) -> dict[str, tuple[float, float]]:
    order = np.random.default_rng(seed).permutation(len(data.labels))
    known, rest = order[:count], order[count:]
    targets = classifier.one_hot(data.labels[known], len(data.names))
    weight = first.head[0]
    means = {str(strength): first_prior.mean_of(weight, strength) for strength in _STRENGTHS}
    strength = first_prior.choose_strength(weight, data.features[known], targets, seed=seed)
    chosen = first_prior.mean_of(weight, strength)
    answered = {}
    for arm, prior_mean in {**means, "chosen": chosen}.items():
        head = classifier.train(
            data.features[known],
            targets,
            mean=np.zeros(1, np.float32),
            text_space="",
            seed=seed,
            prior_mean=prior_mean,
        ).classifier
        measured = metrics.evaluate(head.proba(data.features[rest]), data.labels[rest])
        answered[arm] = (float(measured.macro_f1 or 0), float(measured.accuracy or 0))
    return answered


if __name__ == "__main__":
    main()
