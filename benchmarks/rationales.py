"""What marking words brings: a planted word that goes with a label in training but not in test.

python benchmarks/rationales.py --json out.json

A made-up word stands in nearly all training diaries of one label and in few others; in the test diaries it says
nothing about the label, or goes against it. In some training diaries somebody marks it as no evidence. Every label
takes its turn with every seed; figures are macro F1 on the test diaries, medians over the seeds.

The other mark is measured without a plant: in the first labelled diaries the two words are called evidence that
speak most for the diary's label in a head which knows every label of the pool, and the head learns from few labels.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from benchmarks import labelled_file, machine
from learner.classification import classifier, metrics, ngram_features
from learner.classification.rationale_loss import Marked, without_span
from learner.text import units

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]
    BoolArray = NDArray[np.bool_]

DIARIES = Path(__file__).resolve().parent.parent / "annotator" / "demo" / "diaries.csv"

WORDS = ("모루빈", "다온재", "소라담", "하르온", "누비솔", "가람뫼", "토담녘", "아리숲", "보늬골", "미르샘")
"""Made-up names that no diary holds; each seed plants another."""

WITH_LABEL = 0.9
WITHOUT_LABEL = 0.05
"""Shares of the training diaries of the label, and of all others, in which the word stands."""

TRAINED = 0.7
FEEDBACK = 20
ARMS = ("clean", "without", "with")
TESTS = {"unrelated": (0.5, 0.5), "reversed": (WITHOUT_LABEL, WITH_LABEL)}
"""Shares of the test diaries of the label, and of all others, in which the word stands."""


EVIDENCE_LABELS = (40, 80, 160)
EVIDENCE_WORDS = 2
"""Labels that a head learns from, and words called evidence in each marked diary."""


@dataclass(frozen=True)
class Texts:
    """Diaries as they are and with the word, row by row.

    Attributes:
        plain, planted: texts; `planted` without the word is `plain`.
        plain_vectors, planted_vectors: (n, parts, width / parts) of the encoder.
        labels: (n,) columns.
    """

    plain: tuple[str, ...]
    planted: tuple[str, ...]
    plain_vectors: FloatArray
    planted_vectors: FloatArray
    labels: IntArray

    def pick(self, rows: IntArray, has_word: BoolArray) -> tuple[list[str], FloatArray]:
        """Return texts and vectors of rows, with or without the word."""
        texts = [self.planted[i] if has else self.plain[i] for i, has in zip(rows, has_word, strict=True)]
        return texts, np.where(has_word[:, None, None], self.planted_vectors[rows], self.plain_vectors[rows])


def main() -> None:
    """Plant, mark and measure, for every seed and label."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    labelled_file.add_arguments(parser, rows=1500, data=DIARIES)
    parser.add_argument("--seeds", type=int, default=5, choices=range(1, len(WORDS) + 1))
    parser.add_argument("--feedback", type=int, default=FEEDBACK, help="diaries in which the word is marked")
    parser.add_argument("--evidence-seeds", type=int, default=2, help="for the other mark; 0 leaves it out")
    arguments = parser.parse_args()
    result: dict[str, Any] = {"machine": machine.describe(), "data": arguments.data.name}
    frame = labelled_file.read_rows(arguments)
    names = tuple(sorted(frame[arguments.label_column].astype(str).unique()))
    labels = np.array([names.index(str(x)) for x in frame[arguments.label_column]], np.int64)
    texts = frame[arguments.text_column].astype(str).tolist()
    k = len(names)
    runs, evidence = [], []
    for seed in range(arguments.seeds):
        planted = plant(texts, labels, seed=seed, encoder=arguments.encoder)
        runs.append([measure(planted, label, k=k, seed=seed, feedback=arguments.feedback) for label in range(k)])
        print(f"seed {seed + 1} of {arguments.seeds}", file=sys.stderr)
    for seed in range(arguments.evidence_seeds):
        shared = {"k": k, "feedback": arguments.feedback, "encoder": arguments.encoder}
        evidence.append(measure_evidence(texts, labels, seed=seed, **shared))
    result |= {"rows": len(labels), "seeds": arguments.seeds, "feedback": arguments.feedback}
    result |= {"encoder": arguments.encoder, **sum_up(runs)}
    for count in evidence[0] if evidence else ():
        without, with_ = np.mean([scores[count] for scores in evidence], axis=0)
        result.setdefault("evidence", {})[str(count)] = {"without": round(without, 4), "with": round(with_, 4)}
    machine.write(arguments.json, result)


def plant(texts: list[str], labels: IntArray, *, seed: int, encoder: str) -> Texts:
    """Put the seed's word between two words of each text and encode both forms."""
    rng = np.random.default_rng(seed)
    planted = [_with_word(text, WORDS[seed], rng) for text in texts]
    plain_vectors, planted_vectors = (labelled_file.by_parts(encoder, form) for form in (texts, planted))
    return Texts(tuple(texts), tuple(planted), plain_vectors, planted_vectors, labels)


def _with_word(text: str, word: str, rng: np.random.Generator) -> str:
    places = [start for start, _ in units.eojeol(text)]
    for start in rng.permutation(places):
        planted = f"{text[:start]}{word} {text[start:]}"
        if without_span(planted, (int(start), int(start) + len(word))) == text:
            return planted
    return f"{text} {word}"


def measure(texts: Texts, label: int, *, k: int, seed: int, feedback: int) -> dict[str, dict[str, float]]:
    """Return macro F1 by kind of test and arm, with the word planted for one label."""
    rng = np.random.default_rng([seed, label])
    order = rng.permutation(len(texts.labels))
    train, test = np.split(order, [int(TRAINED * len(order))])
    in_train = _drawn(texts.labels[train] == label, (WITH_LABEL, WITHOUT_LABEL), rng)
    in_test = {name: _drawn(texts.labels[test] == label, shares, rng) for name, shares in TESTS.items()}
    marked_rows = rng.permutation(train[in_train & (texts.labels[train] == label)])[:feedback]
    scores: dict[str, dict[str, float]] = {name: {} for name in TESTS}
    for arm in ARMS:
        has_word = in_train if arm != "clean" else np.zeros(len(train), np.bool_)
        head = Head(texts, train, has_word, marked_rows if arm == "with" else None, label=label, k=k)
        for name, has in in_test.items():
            scores[name][arm] = head.macro_f1(test, has)
    return scores


def _drawn(is_label: BoolArray, shares: tuple[float, float], rng: np.random.Generator) -> BoolArray:
    return np.asarray(rng.random(len(is_label)) < np.where(is_label, *shares), np.bool_)


class Head:
    """A head trained as a round does, on training rows some of which hold the word."""

    def __init__(
        self, texts: Texts, train: IntArray, has_word: BoolArray, marked: IntArray | None, *, label: int, k: int
    ) -> None:
        self._texts, self._k = texts, k
        seen, vectors = texts.pick(train, has_word)
        self._space = ngram_features.fit(seen, seed=0)
        self._mean = vectors.mean(axis=0)
        effects = None if marked is None else _wrong(self._effects(marked), label)
        self._head = classifier.fit_head(self._features(train, has_word), texts.labels[train], k=k, marked=effects)

    def _features(self, rows: IntArray, has_word: BoolArray) -> FloatArray:
        texts, vectors = self._texts.pick(rows, has_word)
        return classifier.join_features(vectors, self._space.transform(texts), mean=self._mean)

    def _effects(self, rows: IntArray) -> FloatArray:
        everywhere = np.ones(len(rows), np.bool_)
        return self._features(rows, everywhere) - self._features(rows, ~everywhere)

    def macro_f1(self, rows: IntArray, has_word: BoolArray) -> float:
        """Return macro F1 on rows, some of which hold the word."""
        features = self._features(rows, has_word)
        return _macro_f1(self._head, features, self._texts.labels[rows], k=self._k)


def _wrong(effects: FloatArray, label: int) -> Marked:
    return Marked(effects, np.full(len(effects), label), np.zeros(len(effects), np.bool_))


def measure_evidence(
    texts: list[str], labels: IntArray, *, k: int, seed: int, feedback: int, encoder: str
) -> dict[int, tuple[float, float]]:
    """Return macro F1 without and with words called evidence, by number of labels."""
    vectors, space = labelled_file.by_parts(encoder, texts), ngram_features.fit(texts, seed=0)
    mean = vectors.mean(axis=0)
    features = classifier.join_features(vectors, space.transform(texts), mean=mean)
    test, pool = np.split(np.random.default_rng(seed).permutation(len(labels)), [len(labels) // 3])
    weight, _ = classifier.fit_head(features[pool], labels[pool], k=k)
    effects: list[FloatArray] = []
    columns: list[int] = []
    for row in pool[:feedback]:
        changed = [without_span(texts[row], span) for span in units.eojeol(texts[row])]
        others = labelled_file.by_parts(encoder, changed)
        left = classifier.join_features(others, space.transform(changed), mean=mean)
        added = features[row] - left
        speaks = added @ (weight - weight.mean(axis=0))[labels[row]]
        strongest = [i for i in np.argsort(-speaks)[:EVIDENCE_WORDS] if speaks[i] > 0]
        effects += [added[i] for i in strongest]
        columns += [int(labels[row])] * len(strongest)
    marked = Marked(np.stack(effects), np.array(columns), np.ones(len(columns), np.bool_))
    scores = {}
    for count in (n for n in EVIDENCE_LABELS if feedback <= n <= len(pool)):
        seen = pool[:count]
        heads = [classifier.fit_head(features[seen], labels[seen], k=k, marked=m) for m in (None, marked)]
        without, with_ = (_macro_f1(head, features[test], labels[test], k=k) for head in heads)
        scores[count] = (without, with_)
    return scores


def _macro_f1(head: classifier.Head, features: FloatArray, truth: IntArray, *, k: int) -> float:
    answers = (features @ head[0].T + head[1]).argmax(axis=1)
    confusion = np.bincount(truth * k + answers, minlength=k * k).reshape(k, k)
    return float(metrics.macro_f1_of(confusion))


def sum_up(runs: list[list[dict[str, dict[str, float]]]]) -> dict[str, Any]:
    """Return medians over the seeds, each seed being the mean over the labels; `unrelated` at the top."""
    figures: dict[str, Any] = {}
    for name in TESTS:
        means = np.array([[np.mean([case[name][arm] for case in run]) for arm in ARMS] for run in runs])
        clean, without, with_ = np.median(means, axis=0)
        shares = (means[:, 2] - means[:, 1]) / (means[:, 0] - means[:, 1])
        figures[name] = {
            **dict(zip(ARMS, (round(float(x), 4) for x in (clean, without, with_)), strict=True)),
            "recovered": round(float((with_ - without) / (clean - without)), 3),
            "recovered_by_seed": [round(float(x), 3) for x in shares],
        }
    return {**figures["unrelated"], "reversed": figures["reversed"]}


if __name__ == "__main__":
    main()
