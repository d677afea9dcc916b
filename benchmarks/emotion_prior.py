"""What the emotions that the encoder knows are worth as a prior of a trained head.

    python benchmarks/emotion_prior.py --data kote7.tsv --query 'dominance >= 0.6' --json out.json

Heads learn from the same random labels without the prior, with each strength, and with the one that is chosen out of
fold as a round does. Gains are paired by seed, with a t interval over the seeds.
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
from learner.classification import classifier, emotion_prior, metrics
from learner.encoders import emotion_head

if TYPE_CHECKING:
    from benchmarks.labelled_file import Labelled
    from learner.classification.emotion_prior import EmotionPrior

_STRENGTHS = (0.0, 0.7, 1.4, 2.5)
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
    result = {
        "machine": machine.describe(),
        "data": arguments.data.name,
        "rows": len(data.labels),
        "left_out": data.left_out,
        "labels": {str(count): _measure(data, count, arguments.seeds) for count in arguments.labels},
    }
    machine.write(arguments.json, result)


def _measure(data: Labelled, count: int, seeds: int) -> dict[str, Any]:
    draws = [_draw(data, count, seed) for seed in range(seeds)]
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


def _draw(data: Labelled, count: int, seed: int) -> dict[str, tuple[float, float]]:
    order = np.random.default_rng(seed).permutation(len(data.labels))
    known, rest = order[:count], order[count:]
    targets = classifier.one_hot(data.labels[known], len(data.names))
    width = emotion_head.load().weight.shape[1]
    vectors = data.features[rest[:: max(1, len(rest) // 500)], :width]
    scores = vectors @ emotion_head.load().weight.T
    length = float(((scores - scores.mean(axis=0)) ** 2).sum(axis=1).mean())
    priors = {str(strength): emotion_prior.of(strength**2 / length) for strength in _STRENGTHS}
    priors["chosen"] = emotion_prior.choose(data.features[known], targets, vectors=vectors, seed=seed)
    answered = {}
    for arm, prior in priors.items():
        proba = _train(data, known, targets, prior, seed).proba(data.features[rest])
        measured = metrics.evaluate(proba, data.labels[rest])
        answered[arm] = (float(measured.macro_f1 or 0), float(measured.accuracy or 0))
    return answered


def _train(
    data: Labelled, known: np.ndarray, targets: np.ndarray, prior: EmotionPrior, seed: int
) -> classifier.Classifier:
    mean = np.zeros(1, np.float32)
    stretched = prior.apply(data.features[known])
    return prior.fold(classifier.train(stretched, targets, mean=mean, text_space="", seed=seed).classifier)


if __name__ == "__main__":
    main()
