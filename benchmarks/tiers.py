"""What each tier of a round makes of the same labels: macro F1, accuracy and seconds, and the deeper round's gain.

    python benchmarks/tiers.py --data kote7.tsv --query 'dominance >= 0.6' --labels 50 200 800 --seeds 5 --json out.json
    python benchmarks/tiers.py --data annotator/demo/diaries.csv --group-column author --arms instant adapter

Each seed draws other labels and other rows to measure on, whole groups of them where there is a column of groups.
`plain` is the adapter tier of earlier versions. Seconds are those of the processor, summed over its cores, from labels
to answers: tuning, encoding what is learned from and measured on, and the head. Where a file has fewer rows to learn
from than labels asked for, all are taken; `learned` says how many.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from annotator.worker.round import encoder_tuning
from benchmarks import labelled_file, machine
from learner.active_learning import simulation
from learner.classification import classifier, first_prior, metrics, ngram_features
from learner.encoders import encoder as encoders
from learner.encoders import tiers
from learner.encoders.fine_tuning import TuningSettings

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from annotator.serving.zero_label import FirstModel

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

ARMS = ("instant", "adapter", "plain", "full")

MOST_TEST = 1000
"""Rows to measure on; a round encodes as many anew before it ends."""


@dataclass(frozen=True, slots=True)
class File:
    """The rows of a file: texts, label columns, groups or None, and what the instant round reads and starts from."""

    texts: list[str]
    columns: IntArray
    names: list[str]
    groups: IntArray | None
    features: FloatArray
    encoder: str
    first: FirstModel


@dataclass(frozen=True, slots=True)
class Draw:
    """Places that are learned from, and places that are measured on."""

    train: IntArray
    test: IntArray
    seed: int


def main() -> None:
    """Run every arm with every number of labels and every seed."""
    arguments = _arguments()
    file = load(arguments)
    result: dict[str, Any] = {
        "machine": machine.describe(),
        "data": arguments.data.name,
        "rows": len(file.texts),
        "encoder": arguments.encoder,
        "seeds": arguments.seeds,
        "labels": {},
    }
    for count in arguments.labels:
        result["labels"][str(count)] = _compare(file, arguments.arms, count, arguments.seeds)
        if arguments.json is not None:
            # Hours may have gone by, so what there is by now is kept.
            machine.write(arguments.json, result)
    machine.write(arguments.json, result)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    labelled_file.add_arguments(parser, rows=4000)
    parser.add_argument("--group-column", help="rows that agree in it are all measured on or none, such as a writer's")
    parser.add_argument("--labels", type=int, nargs="+", default=[50, 200, 800])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    return parser.parse_args()


def load(arguments: argparse.Namespace) -> File:
    """Read the rows that the arguments ask for, and what the instant round makes of them."""
    frame = labelled_file.read_rows(arguments)
    texts = frame[arguments.text_column].astype(str).tolist()
    labels = frame[arguments.label_column].astype(str)
    names = sorted(labels.unique())
    vectors = labelled_file.by_parts(arguments.encoder, texts)
    space = ngram_features.fit(texts[: ngram_features.MOST_TEXTS], seed=0)
    features = classifier.join_features(vectors, space.transform(texts), mean=vectors.mean(axis=0))
    columns = np.array([names.index(label) for label in labels], np.int64)
    first = labelled_file.first_model(names, features, arguments.encoder)
    return File(texts, columns, names, _groups(frame, arguments.group_column), features, arguments.encoder, first)


def _groups(frame: pd.DataFrame, column: str | None) -> IntArray | None:
    """Return a number for each row, equal within a group; a row without a group is one by itself."""
    if column is None:
        return None
    places = frame[column].fillna("").astype(str).str.strip()
    names = [name or f"row {place}" for place, name in enumerate(places)]
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _compare(file: File, arms: list[str], count: int, seeds: int) -> dict[str, Any]:
    scores: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    learned = 0
    for seed in range(seeds):
        drawn = draw(file, count, seed)
        learned = max(learned, len(drawn.train))
        for arm in arms:
            scores[arm].append(measure(file, arm, drawn))
            print(f"{count} labels, seed {seed}, {arm}: {scores[arm][-1]}", file=sys.stderr, flush=True)
    result: dict[str, Any] = {
        arm: dict(zip(("macro_f1", "accuracy", "seconds"), np.mean(rows, axis=0).tolist(), strict=True))
        for arm, rows in scores.items()
    }
    if {"instant", "adapter"} <= set(scores):
        gaps = np.array(scores["adapter"])[:, 0] - np.array(scores["instant"])[:, 0]
        result["gain"] = {"macro_f1": float(gaps.mean()), "interval": list(simulation.mean_interval(gaps))}
    return {"learned": learned, **result}


def draw(file: File, count: int, seed: int) -> Draw:
    """Return so many rows to learn from, or all that are left, and the rows to measure on."""
    test, pool = simulation.deal(len(file.columns), seed, file.groups)
    return Draw(pool[:count], test[:MOST_TEST], seed)


def measure(file: File, arm: str, drawn: Draw) -> tuple[float, float, float]:
    """Return macro F1, accuracy and the processor's seconds of one arm."""
    began = time.process_time()
    rows = np.concatenate([drawn.train, drawn.test])
    features = file.features[rows] if arm == "instant" else _tuned_features(file, arm, drawn, rows)
    targets = classifier.one_hot(file.columns[drawn.train], len(file.names))
    known = features[: len(drawn.train)]
    prior_mean = None
    if arm == "instant" and file.first.knows_most:
        strength = first_prior.choose_strength(file.first.head[0], known, targets, seed=drawn.seed)
        prior_mean = first_prior.mean_of(file.first.head[0], strength)
    trained = classifier.train(
        known, targets, mean=np.zeros(1, np.float32), text_space="", seed=drawn.seed, prior_mean=prior_mean
    )
    proba = trained.classifier.proba(features[len(drawn.train) :])
    seconds = time.process_time() - began
    measured = metrics.evaluate(proba, file.columns[drawn.test])
    return measured.macro_f1, measured.accuracy, seconds


def _tuned_features(file: File, arm: str, drawn: Draw, rows: IntArray) -> FloatArray:
    """Tune an encoder as a round of that tier does, and return what its head reads of some rows."""
    checkpoint = encoders.load_checkpoint(file.encoder, cache=encoders.default_cache())
    parts = encoder_tuning.split(
        file.columns[drawn.train], None if file.groups is None else file.groups[drawn.train], seed=drawn.seed
    )
    way = _plain(len(parts.tuned)) if arm == "plain" else tiers.way_of(arm, len(parts.tuned))
    # A benchmark waits where a person would not, however busy the computer is.
    way = replace(way, settings=replace(way.settings, most_seconds=math.inf))
    texts = [file.texts[i] for i in rows]
    targets = classifier.one_hot(file.columns[drawn.train], len(file.names))
    with tempfile.TemporaryDirectory() as folder:
        tuned = tiers.tune(
            checkpoint, texts, targets, parts.tuned, parts.validation, way, folder=Path(folder), seed=drawn.seed
        )
    model = tuned.model.encoder
    common = encoders.find_common(checkpoint, model, texts[: encoder_tuning.TEXTS_FOR_COMMON])
    encoder = encoders.Encoder(arm, model, checkpoint.tokenizer, prefix=checkpoint.prefix, digest=arm, common=common)
    vectors = encoder.encode(texts).vectors
    return classifier.join_features(vectors, None, mean=np.zeros(encoder.width, np.float32))


def _plain(count: int) -> tiers.Way:
    """Return how the adapter tier tuned before it held texts against each other."""
    epochs = float(np.clip(np.ceil(240 / max(1, -(-count // 16))), 3, 20))
    return tiers.Way(TuningSettings(epochs=epochs, learning_rate=5e-4, patience=3), "softmax", stops_early=True)


if __name__ == "__main__":
    main()
