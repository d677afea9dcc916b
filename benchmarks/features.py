"""What the classifier gains from each kind of feature: macro F1 and accuracy at some numbers of random labels.

python benchmarks/features.py --data diaries.tsv --json out.json
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from annotator.label_sets import definitions as label_sets_definitions
from benchmarks import labelled_file, machine
from learner.classification import classifier, metrics, ngram_features
from learner.encoders import encoder as encoders

if TYPE_CHECKING:
    from numpy.typing import NDArray

TEST_SHARE = 0.3


def main() -> None:
    """Measure every kind of feature on the same labels and the same test rows."""
    arguments = _arguments()
    frame = labelled_file.read_rows(arguments)
    texts = frame[arguments.text_column].astype(str).tolist()
    names = sorted(frame[arguments.label_column].astype(str).unique())
    labels = np.array([names.index(str(x)) for x in frame[arguments.label_column]], np.int64)
    encoder = encoders.load(arguments.encoder, cache=encoders.default_cache())
    vectors = labelled_file.vectors_of(arguments.encoder, texts)
    space = ngram_features.fit(texts, seed=0)
    mean = encoder.by_parts(vectors.mean(axis=0))
    nothing = np.zeros_like(vectors)
    kinds = {
        "encoder": classifier.join_features(vectors, None, mean=mean),
        "n-grams": classifier.join_features(nothing, space.transform(texts), mean=np.zeros_like(mean)),
        "both": classifier.join_features(vectors, space.transform(texts), mean=mean),
    }
    result: dict[str, Any] = {
        "machine": machine.describe(),
        "data": arguments.data.name,
        "encoder": arguments.encoder,
        "rows": len(texts),
        "left_out": frame.attrs["left_out"],
        "seeds": arguments.seeds,
        "without_labels": _without_labels(encoder, names, vectors, labels),
        "features": {
            kind: {count: _measure(features, labels, len(names), count, arguments.seeds) for count in arguments.labels}
            for kind, features in kinds.items()
        },
    }
    machine.write(arguments.json, result)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    labelled_file.add_arguments(parser, rows=5000)
    parser.add_argument("--labels", type=int, nargs="+", default=[20, 50, 100, 200, 800])
    parser.add_argument("--seeds", type=int, default=10)
    return parser.parse_args()


def _without_labels(
    encoder: encoders.Encoder, names: list[str], vectors: NDArray[np.float32], labels: NDArray[np.int64]
) -> dict[str, float]:
    """Measure the first model, which knows only the names and, of the seven emotions, the definitions."""
    definition_of = {label.name: label.definition for label in label_sets_definitions.DEFAULT_LABELS}
    definitions = [definition_of.get(name, "") for name in names]
    first = classifier.zero_label(encoder, names, definitions, mean=encoder.by_parts(vectors.mean(axis=0)))
    measured = metrics.evaluate(first.proba(first.features(vectors, None)), labels)
    return {
        "accuracy": measured.accuracy,
        "low": measured.accuracy_low,
        "high": measured.accuracy_high,
        "macro_f1": measured.macro_f1,
    }


def _measure(
    features: NDArray[np.float32], labels: NDArray[np.int64], k: int, count: int, seeds: int
) -> dict[str, float]:
    scores = []
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(labels))
        cut = int(TEST_SHARE * len(labels))
        test, train = order[:cut], order[cut : cut + count]
        trained = classifier.train(
            features[train],
            classifier.one_hot(labels[train], k),
            mean=np.zeros(1, np.float32),
            text_space="",
            seed=seed,
        )
        proba = trained.classifier.proba(features[test])
        measured = metrics.evaluate(proba, labels[test])
        scores.append((measured.macro_f1, measured.accuracy))
    f1, accuracy = np.array(scores).T
    return {"macro_f1": float(f1.mean()), "macro_f1_sd": float(f1.std(ddof=1)), "accuracy": float(accuracy.mean())}


if __name__ == "__main__":
    main()
