"""What a head on a tuned encoder reads: with n-grams or without, centred by a shift or by leaving a direction out.

    python benchmarks/tuned_head.py --data kote7.tsv --query 'dominance >= 0.6' --labels 800 --seeds 2

An adapter is tuned as an adapter round does it; the rows that are left over measure the heads. Only a head without
n-grams, on vectors without their common direction, is one that an ordinary transformers model can hold.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from annotator.worker.round import encoder_tuning
from benchmarks import labelled_file, machine
from learner.classification import classifier, metrics, ngram_features
from learner.encoders import encoder as encoders
from learner.encoders import tiers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

MOST_TEST = 1000


def main() -> None:
    """Tune once per seed and measure every kind of head on the same rows."""
    arguments = _arguments()
    frame = labelled_file.read_rows(arguments)
    texts = frame[arguments.text_column].astype(str).tolist()
    names = sorted(frame[arguments.label_column].astype(str).unique())
    labels = np.array([names.index(str(x)) for x in frame[arguments.label_column]], np.int64)
    space = ngram_features.fit(texts, seed=0)
    runs = []
    for seed in range(arguments.seeds):
        order = np.random.default_rng(seed).permutation(len(texts))
        train, test = order[: arguments.labels], order[arguments.labels :][:MOST_TEST]
        rows = np.concatenate([train, test])
        vectors = _tuned_vectors(texts, labels, train, rows, len(names), seed, arguments)
        runs.append(_measure(vectors, space.transform([texts[i] for i in rows]), labels[rows], len(train), len(names)))
        print(runs[-1], flush=True)
    machine.write(arguments.json, {"machine": machine.describe(), "data": arguments.data.name, "runs": runs})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    labelled_file.add_arguments(parser, rows=4000)
    parser.add_argument("--labels", type=int, default=800)
    parser.add_argument("--tier", choices=("none", "adapter", "full"), default="adapter")
    parser.add_argument("--seeds", type=int, default=1)
    return parser.parse_args()


def _tuned_vectors(
    texts: list[str],
    labels: IntArray,
    train: IntArray,
    rows: IntArray,
    k: int,
    seed: int,
    arguments: argparse.Namespace,
) -> FloatArray:
    row_texts = [texts[i] for i in rows]
    if arguments.tier == "none":
        # The last layer, which is what tuned encoders have.
        return labelled_file.by_parts(arguments.encoder, texts)[rows, 0]
    checkpoint = encoders.load_checkpoint(arguments.encoder, cache=encoders.default_cache())
    parts = encoder_tuning.split(labels[train], seed=seed)

    targets = classifier.one_hot(labels[train], k)
    with tempfile.TemporaryDirectory() as folder:
        tuned = tiers.tune(
            checkpoint,
            [texts[i] for i in train],
            targets,
            parts.tuned,
            parts.validation,
            tiers.way_of(arguments.tier, len(parts.tuned)),
            folder=Path(folder),
            seed=seed,
        )
    model = tuned.model.encoder.eval()
    encoder = encoders.Encoder("tuned", model, checkpoint.tokenizer, prefix=checkpoint.prefix, digest="tuned")
    return encoder.encode(row_texts).vectors


def _measure(vectors: FloatArray, grams: FloatArray, labels: IntArray, count: int, k: int) -> dict[str, Any]:
    mean, nothing = vectors.mean(axis=0), np.zeros(vectors.shape[1], np.float32)
    common = mean / np.linalg.norm(mean)
    left_over = vectors - np.outer(vectors @ common, common)
    kinds = {
        "shift, n-grams": classifier.join_features(vectors, grams, mean=mean),
        "shift": classifier.join_features(vectors, None, mean=mean),
        "direction, n-grams": classifier.join_features(left_over, grams, mean=nothing),
        "direction": classifier.join_features(left_over, None, mean=nothing),
    }
    scores = {}
    for kind, features in kinds.items():
        targets = classifier.one_hot(labels[:count], k)
        head = classifier.train(features[:count], targets, mean=nothing, text_space="", seed=0).classifier
        measured = metrics.evaluate(head.proba(features[count:]), labels[count:])
        scores[kind] = {"accuracy": measured.accuracy, "macro_f1": measured.macro_f1}
    return scores


if __name__ == "__main__":
    main()
