"""One instant round against full fine-tuning of the same encoder on the same labels: seconds and accuracy of both.

    python benchmarks/retrain.py --json out.json

The instant round is what a press of the button waits for: the head is fitted on the labels, all diaries are scored,
and the next ones are chosen. Their vectors are there, as they are in the app. Fine-tuning is two epochs with the
transformers Trainer over the upper layers' weights (`--layers`; the token embeddings stay), then its own predictions
of the same held-out rows, by its own head and by ours on the tuned vectors.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from benchmarks import labelled_file, machine
from learner.active_learning import query_strategies
from learner.classification import classifier, metrics, ngram_features
from learner.encoders import encoder as encoders
from learner.encoders import fine_tuning

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
MOST_TEST = 1000


def main() -> None:
    """Run both on the same labels and write the figures."""
    arguments = _arguments()
    texts, names, columns = read(arguments)
    order = np.random.default_rng(arguments.seed).permutation(len(texts))
    test_count = min(MOST_TEST, len(texts) // 3)
    test, train = order[:test_count], order[test_count : test_count + arguments.labels]
    base = encoders.load(arguments.encoder, cache=encoders.default_cache())
    vectors = base.encode(texts).vectors
    instant = _instant(texts, base.by_parts(vectors), columns, train, test, len(names), arguments)
    full = _full(texts, columns, train, test, len(names), arguments)
    result = {
        "machine": machine.describe(),
        "data": arguments.data.name,
        "rows": len(texts),
        "labels": len(train),
        "test": len(test),
        "pool": max(arguments.pool, len(texts)),
        "epochs": arguments.epochs,
        "instant": instant,
        "full": full,
        "ratio": full["seconds"] / instant["seconds"],
    }
    machine.write(arguments.json, result)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    labelled_file.add_arguments(parser, rows=4000, data=ROOT / "annotator" / "demo" / "diaries.csv")
    parser.set_defaults(encoder="bundled")
    parser.add_argument("--labels", type=int, default=1000)
    parser.add_argument("--pool", type=int, default=10_000)
    parser.add_argument("--epochs", type=float, default=2)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def read(arguments: argparse.Namespace) -> tuple[list[str], list[str], NDArray[np.int64]]:
    """Return texts, label names and label columns of the rows; some are composed where the file has too few."""
    frame = labelled_file.read_rows(arguments).drop_duplicates(arguments.text_column)
    texts = frame[arguments.text_column].tolist()
    labels = frame[arguments.label_column].astype(str).tolist()
    names = sorted(set(labels))
    missing = arguments.labels + min(MOST_TEST, (arguments.labels * 3 // 2) // 3) - len(texts)
    if missing > 0:
        texts, labels = _composed(texts, labels, missing, arguments.seed)
    return texts, names, np.array([names.index(label) for label in labels], np.int64)


def _composed(texts: list[str], labels: list[str], missing: int, seed: int) -> tuple[list[str], list[str]]:
    """Add texts made of two of one label: there are too few real ones. The accuracy is then too good, for both."""
    draw = np.random.default_rng(seed)
    by_label = {name: [t for t, label in zip(texts, labels, strict=True) if label == name] for name in set(labels)}
    names = sorted(by_label)
    for i in range(missing):
        name = names[i % len(names)]
        first, second = draw.choice(len(by_label[name]), 2, replace=False)
        texts.append(f"{by_label[name][first]} {by_label[name][second]}")
        labels.append(name)
    return texts, labels


def _instant(
    texts: list[str],
    vectors: NDArray[np.float32],
    columns: NDArray[np.int64],
    train: NDArray[np.int64],
    test: NDArray[np.int64],
    k: int,
    arguments: argparse.Namespace,
) -> dict[str, Any]:
    space = ngram_features.fit(texts, seed=0)
    text_features = space.transform(texts)
    # The pool is as long as asked for: rows again, with a little noise so that no two are the same.
    rows = np.arange(max(arguments.pool, len(texts))) % len(texts)
    noise = np.random.default_rng(1).normal(scale=1e-3, size=(len(rows), *vectors.shape[1:]))
    pool = (vectors[rows] + noise).astype(np.float32)
    pool_text = text_features[rows]
    classifier.warm_up()
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        mean = pool.mean(axis=0)
        features = classifier.join_features(vectors[train], text_features[train], mean=mean)
        targets = classifier.one_hot(columns[train], k)
        trained = classifier.train(features, targets, mean=mean, text_space="", seed=0)
        head = trained.classifier
        proba = trained.classifier.proba(trained.classifier.features(pool, pool_text))
        asked = query_strategies.Pool(
            proba,
            features=lambda places: head.features(pool[places], pool_text[places]),  # noqa: B023 - used at once
            label_counts=np.bincount(columns[train], minlength=k),
        )
        order = query_strategies.choose(query_strategies.DEFAULT, asked, size=1000, seed=0)
        seconds.append(time.perf_counter() - began)
    assert len(order) == 1000
    measured = metrics.evaluate(head.proba(head.features(vectors[test], text_features[test])), columns[test])
    return {"seconds": float(np.median(seconds)), "all_seconds": seconds, **asdict(measured)}


def _full(
    texts: list[str],
    columns: NDArray[np.int64],
    train: NDArray[np.int64],
    test: NDArray[np.int64],
    k: int,
    arguments: argparse.Namespace,
) -> dict[str, Any]:
    checkpoint = encoders.load_checkpoint(arguments.encoder, cache=encoders.default_cache())
    settings = fine_tuning.TuningSettings(
        adapter_rank=0,
        adapted_layers=arguments.layers,
        epochs=arguments.epochs,
        learning_rate=5e-5,
        batch_size=arguments.batch_size,
        max_tokens=512,
    )
    ones = np.ones(len(train), np.float32)
    examples = fine_tuning.TuningSet([texts[i] for i in train], classifier.one_hot(columns[train], k), ones)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        tuned = fine_tuning.tune(
            checkpoint.model,
            checkpoint.tokenizer,
            examples,
            None,
            settings,
            prefix=checkpoint.prefix,
            loss="softmax",
            folder=Path(folder),
            seed=arguments.seed,
        )
        seconds = time.perf_counter() - began
    encoder = encoders.Encoder(
        "tuned", tuned.model.encoder, checkpoint.tokenizer, prefix=checkpoint.prefix, digest="tuned"
    )
    vectors = encoder.encode([texts[i] for i in np.concatenate([train, test])]).vectors
    return {
        "seconds": seconds,
        **_own_head(tuned, vectors, columns, test),
        "with_our_head": _our_head(vectors, columns, train, test, k),
    }


def _own_head(
    tuned: fine_tuning.Tuned, vectors: NDArray[np.float32], columns: NDArray[np.int64], test: NDArray[np.int64]
) -> dict[str, Any]:
    """Measure what the fine-tuned network itself answers."""
    import torch

    with torch.inference_mode():
        logits = tuned.model.layer(tuned.model.SCALE * torch.from_numpy(vectors[-len(test) :])).numpy()
    return asdict(metrics.evaluate(classifier.softmax(logits), columns[test]))


def _our_head(
    vectors: NDArray[np.float32], columns: NDArray[np.int64], train: NDArray[np.int64], test: NDArray[np.int64], k: int
) -> dict[str, Any]:
    mean = vectors.mean(axis=0)
    features = classifier.join_features(vectors, None, mean=mean)
    targets = classifier.one_hot(columns[train], k)
    head = classifier.train(features[: len(train)], targets, mean=mean, text_space="", seed=0).classifier
    return asdict(metrics.evaluate(head.proba(features[len(train) :]), columns[test]))


if __name__ == "__main__":
    main()
