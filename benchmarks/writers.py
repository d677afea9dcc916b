"""How far a test part flatters: the same writers, or nearly the same texts, on both sides.

python benchmarks/writers.py --data diaries.csv --author-column author --json out.json
python benchmarks/writers.py --data kote7.tsv --copied 0.1 0.3 0.6 --json out.json

Where the file names writers, macro F1 with diaries drawn at random stands beside that with writers apart, on as many
diaries. Where a share of the file is copied with small differences, macro F1 on the test part stands beside that on
texts that are nowhere in the file: with parts as they used to be drawn, each text by itself, and as they are drawn
now, where near-copies follow the first one, and where they were decided before and so do not train.
"""

from __future__ import annotations

import argparse
import random
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from annotator.importing import parts
from benchmarks import labelled_file, machine
from db.texts.diaries import DRAW_RANGE
from learner.classification import classifier, groups, metrics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]
    Mask = NDArray[np.bool_]

TEST_SHARE = 0.2
UNSEEN_SHARE = 0.3
"""Of the file, kept out of everything: the truth that the test part stands for."""

_ADDED = ("정말", "그냥", "오늘", "진짜", "너무")


def main() -> None:
    """Measure what the file allows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    labelled_file.add_arguments(parser, rows=1500)
    parser.add_argument("--author-column", help="writers; without it nothing is said of them")
    parser.add_argument("--copied", type=float, nargs="*", default=[], help="shares of the file that are copies")
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    frame = labelled_file.read_rows(arguments)
    texts = frame[arguments.text_column].astype(str).tolist()
    names = sorted(frame[arguments.label_column].astype(str).unique())
    labels = np.array([names.index(str(name)) for name in frame[arguments.label_column]], np.int64)
    result: dict[str, Any] = {
        "machine": machine.describe(),
        "data": arguments.data.name,
        "rows": len(texts),
        "seeds": arguments.seeds,
    }
    seeds = range(arguments.seeds)
    if arguments.author_column:
        vectors = labelled_file.by_parts(arguments.encoder, texts)
        result["writers"] = _summed([_by_writers(frame[arguments.author_column], vectors, labels, s) for s in seeds])
    result["copied"] = {
        str(share): _summed([_with_copies(arguments.encoder, texts, labels, share, seed) for seed in seeds])
        for share in arguments.copied
    }
    machine.write(arguments.json, result)


def _summed(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: round(float(np.mean([row[name] for row in rows])), 4) for name in rows[0]}


def _by_writers(authors: Sequence[Any], vectors: FloatArray, labels: IntArray, seed: int) -> dict[str, float]:
    """Measure with writers apart, as a project draws them, and with as many diaries drawn at random."""
    names, key = [parts.writer_of(str(author)) for author in authors], seed.to_bytes(2)
    counts = {name: names.count(name) for name in sorted(set(names))}
    cut = parts.choose_cut(counts, seed=key, test_share=TEST_SHARE)
    split = parts.Split(key, TEST_SHARE, cut)
    apart = np.array([split.part_of(name, 0) == "test" for name in names])
    at_random = np.isin(np.arange(len(labels)), np.random.default_rng(seed).permutation(len(labels))[: apart.sum()])
    return {
        "by_writers": float(cut > 0),
        "test_share": float(apart.mean()),
        "macro_f1_writers_apart": _macro_f1(vectors, labels, ~apart, apart),
        "macro_f1_at_random": _macro_f1(vectors, labels, ~at_random, at_random),
    }


def _macro_f1(vectors: FloatArray, labels: IntArray, train: Mask, test: Mask) -> float:
    k = int(labels.max()) + 1
    features = classifier.join_features(vectors, None, mean=vectors.mean(axis=0))
    weight, bias = classifier.fit_head(features[train], labels[train], k=k)
    proba = classifier.softmax(features[test] @ weight.T + bias)
    return float(metrics.evaluate(proba, labels[test]).macro_f1)


def _with_copies(encoder: str, texts: list[str], labels: IntArray, share: float, seed: int) -> dict[str, float]:
    """Measure on a file of which a share are copies, and on texts that are not in it."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(texts))
    unseen, known = np.split(order, [round(UNSEEN_SHARE * len(texts))])
    originals = known[: round((1 - share) * len(known))]
    copied = rng.choice(originals, len(known) - len(originals))
    altered = [_altered(texts[i], random.Random(f"{seed} {place}")) for place, i in enumerate(copied.tolist())]
    everything = labelled_file.by_parts(encoder, texts)
    file = _File(
        np.vstack([everything[originals], labelled_file.by_parts(encoder, altered), everything[unseen]]),
        labels[np.concatenate([originals, copied, unseen])],
        len(known),
    )
    by_itself = rng.random(len(known)) < TEST_SHARE
    key = seed.to_bytes(2)
    lines = [*(texts[i] for i in originals), *altered]
    by_letters = np.array([parts.draw_of_text(line, seed=key) < TEST_SHARE * DRAW_RANGE for line in lines])
    learnt = ~by_itself
    learnt[learnt] = ~groups.is_near_copy(
        _whole(file.vectors[: len(known)][learnt]), _whole(file.vectors[: len(known)][by_itself])
    )
    together = _followed(_whole(file.vectors[: len(known)]), by_letters)
    return {
        **_measured("before", file, ~by_itself, by_itself),
        **_measured("together", file, ~together, together),
        **_measured("left_out", file, learnt, by_itself),
    }


@dataclass(frozen=True)
class _File:
    """Vectors, by parts, and labels of the file's `count` rows, and after them of the texts that are not in it."""

    vectors: FloatArray
    labels: IntArray
    count: int


def _measured(name: str, file: _File, train: Mask, test: Mask) -> dict[str, float]:
    """Return macro F1 on the test part and on unseen texts, and which share of the test part has a near-copy."""
    nowhere = np.zeros(len(file.labels) - file.count, np.bool_)
    learned, measured = np.concatenate([train, nowhere]), np.concatenate([test, nowhere])
    return {
        f"{name}_train": float(train.sum()),
        f"{name}_test": float(test.sum()),
        f"{name}_test_macro_f1": _macro_f1(file.vectors, file.labels, learned, measured),
        f"{name}_unseen_macro_f1": _macro_f1(
            file.vectors, file.labels, learned, np.arange(len(file.labels)) >= file.count
        ),
        f"{name}_torn": float(
            groups.is_near_copy(_whole(file.vectors[measured]), _whole(file.vectors[learned])).mean()
        ),
    }


def _whole(vectors: FloatArray) -> FloatArray:
    return vectors.reshape(len(vectors), -1)


def _altered(text: str, rng: random.Random) -> str:
    """Return a text with a word more, a word less, or other punctuation."""
    words = text.split()
    change = rng.randrange(3)
    if change == 0 and len(words) > 3:
        del words[rng.randrange(len(words))]
    elif change == 1:
        words.insert(rng.randrange(len(words) + 1), rng.choice(_ADDED))
    else:
        words[-1] = words[-1].rstrip(".!?~") + rng.choice(["!", "..", "~", "!!"])
    return " ".join(words)


def _followed(vectors: FloatArray, is_test: Mask) -> Mask:
    """Return the test part once every near-copy has gone where the first one is."""
    followed = is_test.copy()
    first = np.arange(len(vectors))
    for mine, theirs in groups.find_near_copies(vectors, vectors):
        np.minimum.at(first, mine, theirs)
    for row in range(len(vectors)):
        followed[row] = followed[first[row]]
    return followed


if __name__ == "__main__":
    main()
