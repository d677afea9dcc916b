"""How fast, faithful and steady explanations are, beside lime as it ships, on the same classifier and the same words.

    python benchmarks/explanations.py --data kote7.tsv --query 'dominance >= 0.6' --n 6 --json out.json

Two kinds of diaries of about 300 characters: texts of the file (several of one label joined where it has no long ones,
or sentences of longer ones), and planted ones: everyday sentences with one short text of the file, or a sentence of a
longer one, between them. lime asks about 5,000 texts for each of them, which takes minutes. How near the strongest five
words are to the truth is measured on short texts, where all perturbed texts can be asked about, and on
`--long-references` long ones with 20,000. lime explains a label's probability, we its score against the others: the two
have other strongest words here and there. `top5_overlap` compares each with the reference for what it explains,
`top5_overlap_with_scores` and `…_with_probabilities` both with either.
By default lime names ten words, of which some speak against the label; we weigh all words, and so does lime in
`comprehensiveness_all_words` and `sufficiency_all_words`, from the same answers.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from benchmarks import labelled_file, machine
from learner.classification import classifier, ngram_features
from learner.encoders import encoder as encoders
from learner.explanation import explainer as explanations
from learner.explanation import explanation_cache, input_gradients, perturbations, ridge
from learner.explanation.explanation_run import against_the_rest
from learner.text import sentences, units

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from learner.classification.classifier import Head
    from learner.explanation.explainer import Explained
    from learner.explanation.explanation_cache import ExplanationCache
    from learner.text.characters import Span

    FloatArray = NDArray[np.float32]

ROOT = Path(__file__).resolve().parent.parent
LENGTH = 300
SHORT = range(8, 13)
TOP = 5
LIME_FEATURES = 10
REFERENCE_DRAWS = 20_000
ERASER = ("comprehensiveness", "sufficiency")
BINS = (0.01, 0.05, 0.1, 0.2)
EVERYDAY = (
    "아침 일곱 시에 일어나 물을 한 잔 마셨다.",
    "버스를 타고 두 정거장 앞에서 내려 걸었다.",
    "점심은 회사 식당에서 비빔밥을 먹었다.",
    "오후에는 서류를 정리하고 회의 자료를 복사했다.",
    "집에 오는 길에 우유와 두부를 샀다.",
    "빨래를 개고 화분에 물을 주었다.",
    "저녁 뉴스에서 내일 날씨를 확인했다.",
    "책상 위의 종이를 서랍에 넣었다.",
    "열 시쯤 불을 끄고 누웠다.",
)


def main() -> None:
    """Explain each diary both ways, in one run."""
    arguments = _arguments()
    subject = Subject(arguments)
    planted = subject.planted_texts(arguments.n - len(subject.long_texts(arguments.n // 2)))
    long = subject.long_texts(arguments.n - len(planted))
    if not long + planted:
        sys.exit(
            f"no diaries of about {LENGTH} characters can be made of {arguments.data}: too few texts, or too short"
        )
    texts = [(text, None) for text in long] + planted
    measures: dict[str, list[dict[str, Any]]] = {"ours": [], "lime": []}
    for number, (text, span) in enumerate(texts):
        for name, way in (("ours", subject.ours), ("lime", subject.lime)):
            measures[name].append(_measure(subject, way, text, span))
            print(
                f"{number + 1}/{len(texts)} {name} {measures[name][-1]['seconds']:.1f} s", file=sys.stderr, flush=True
            )
    short = subject.short_texts(arguments.short)
    references = [(text, subject.reference(text)) for text in short + long[: arguments.long_references]]
    result = {
        "machine": machine.describe(),
        "data": arguments.data.name,
        "encoder": arguments.encoder,
        "diaries": len(texts),
        "mean_characters": float(np.mean([len(text) for text, _ in texts])),
        "mean_words": float(np.mean([len(units.eojeol(text)) for text, _ in texts])),
        "speedup": statistics.median(
            theirs["seconds"] / ours["seconds"] for ours, theirs in zip(measures["ours"], measures["lime"], strict=True)
        ),
        **{name: _summary(subject, name, rows, references, texts) for name, rows in measures.items()},
        "references": {"short": len(short), "long": len(references) - len(short)},
        "after_a_new_head": subject.after_a_new_head([text for text, _ in texts]),
    }
    machine.write(arguments.json, result)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    labelled_file.add_arguments(parser, rows=20_000, data=ROOT / "annotator" / "demo" / "diaries.csv")
    parser.add_argument("--n", type=int, default=6, help="diaries that are explained both ways; minutes each")
    parser.add_argument("--short", type=int, default=20, help="short texts with a reference out of all perturbed texts")
    parser.add_argument("--long-references", type=int, default=1, help="long ones, a quarter of an hour each")
    parser.add_argument("--labels", type=int, default=1000)
    return parser.parse_args()


@dataclass(frozen=True, slots=True)
class Ranking:
    """Words in the order of how much they matter for the likeliest label.

    Attributes:
        places: whatever their sign.
        evidence: of those that speak for the label.
        all_evidence: the same where lime is made to weigh all words instead of the ten that it names by default.
    """

    places: tuple[int, ...]
    evidence: tuple[int, ...]
    calls: int
    all_evidence: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """The strongest words by very many perturbed texts.

    Attributes:
        of_proba: for the label's probability, which lime explains.
        of_score: for its score against the others, which we explain.
    """

    of_proba: frozenset[int]
    of_score: frozenset[int]


def _strongest(weights: FloatArray) -> frozenset[int]:
    return frozenset(np.argsort(-np.abs(weights), kind="stable")[:TOP].tolist())


def _weight_of(explained: Explained, proba: FloatArray) -> dict[Span, float]:
    weights = against_the_rest(explained.weights, proba, int(proba.argmax()))
    return dict(zip(explained.spans, weights.tolist(), strict=True))


def _strongest_spans(weights: dict[Span, float]) -> set[Span]:
    return set(sorted(weights, key=lambda span: -abs(weights[span]))[:TOP])


def _sentences(text: str) -> list[str]:
    return [text[start:end].strip() for start, end in sentences.fallback(text)]


def _mean(values: Sequence[float]) -> float | None:
    """Return the mean, or None where there are no values."""
    return float(np.mean(values)) if values else None


class Subject:
    """One trained classifier, and the texts that it did not learn from."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        data = labelled_file.load(arguments)
        self.asked = 0
        self.texts, self.labels = data.texts, data.labels
        order = np.random.default_rng(0).permutation(len(data.labels))
        learned = order[: min(arguments.labels, len(order) * 2 // 3)]
        self.unseen = order[len(learned) :].tolist()
        self.encoder = encoders.load(arguments.encoder, cache=encoders.default_cache())
        self.space = ngram_features.fit(list(data.texts[: ngram_features.MOST_TEXTS]), seed=0)
        vectors = labelled_file.vectors_of(arguments.encoder, list(data.texts))
        self.mean = self.encoder.by_parts(vectors.mean(axis=0))
        targets = classifier.one_hot(data.labels, len(data.names))
        self.trained, self.next = (
            classifier.train(data.features[part], targets[part], mean=self.mean, text_space="", seed=0).classifier
            for part in (learned, learned[: len(learned) // 2])
        )

    def features(self, texts: Sequence[str]) -> FloatArray:
        """Return what the head reads."""
        self.asked += len(texts)
        return self.trained.features(self.encoder.encode(texts).vectors, self.space.transform(texts))

    def proba(self, texts: Sequence[str]) -> FloatArray:
        """Return probabilities, (n, k)."""
        return self.trained.proba(self.features(texts))

    def top(self, text: str) -> int:
        """Return the likeliest label's column."""
        return int(self.proba([text])[0].argmax())

    # The texts

    def long_texts(self, count: int) -> list[str]:
        """Return texts of about 300 characters, unseen, joined from several of one label if need be."""
        longer = [self.texts[i] for i in self.unseen if 0.8 * LENGTH <= len(self.texts[i]) <= 1.2 * LENGTH]
        by_label: dict[int, list[str]] = {}
        for i in self.unseen:
            text, pieces = self.texts[i], by_label.setdefault(int(self.labels[i]), [])
            if len(text) < 0.8 * LENGTH:
                pieces.append(text)
            elif len(text) > 1.2 * LENGTH:
                pieces += reversed(_sentences(text))  # The last piece is taken first.
        for pieces in sorted(by_label.values(), key=len, reverse=True):
            while pieces and len(longer) < count:
                joined = ""
                while pieces and len(joined) < 0.9 * LENGTH:
                    joined = f"{joined} {pieces.pop()}".strip()
                longer.append(joined)
        return longer[:count]

    def planted_texts(self, count: int) -> list[tuple[str, tuple[int, int]]]:
        """Return everyday sentences with one text, or sentence, of the file between them, and where that lies.

        Where no text of the file weighs as much as all everyday sentences, there are fewer of them.
        """
        planted: list[tuple[str, tuple[int, int]]] = []
        for everyday in (EVERYDAY, EVERYDAY[:4], EVERYDAY[:2]):
            planted += self._planted_among(everyday, count - len(planted))
        return planted

    def _planted_among(self, everyday: Sequence[str], count: int) -> list[tuple[str, tuple[int, int]]]:
        planted: list[tuple[str, tuple[int, int]]] = []
        top = self.top(" ".join(everyday))
        for i, piece in self._short_pieces(lambda piece: 15 <= len(piece) <= 50):
            if len(planted) == count:
                break
            if self.labels[i] == top or self.top(piece) != self.labels[i]:
                continue
            place = len(planted) % len(everyday)
            before, after = " ".join(everyday[:place]), " ".join(everyday[place:])
            start = len(before) + 1 if before else 0
            text = " ".join(part for part in (before, piece, after) if part)
            # Only where this text decides the answer.
            if self.top(text) == self.labels[i]:
                planted.append((text, (start, start + len(piece))))
        return planted

    def short_texts(self, count: int) -> list[str]:
        """Return texts short enough to ask about all perturbed ones, but too long for us to do so."""
        pieces = self._short_pieces(lambda piece: len(units.eojeol(piece)) in SHORT)
        return [piece for _, piece in itertools.islice(pieces, count)]

    def _short_pieces(self, fits: Callable[[str], bool]) -> Iterator[tuple[int, str]]:
        """Yield unseen texts that fit, then sentences of the others, with the place of the text."""
        whole = {i: self.texts[i].strip() for i in self.unseen}
        yield from ((i, text) for i, text in whole.items() if fits(text))
        for i, text in whole.items():
            if not fits(text):
                yield from ((i, sentence) for sentence in _sentences(text) if fits(sentence))

    # The ways

    def explain(
        self, text: str, *, seed: int = 0, cache: ExplanationCache | None = None, head: Head | None = None
    ) -> tuple[Explained, ExplanationCache]:
        """Explain as the worker does."""
        split = sentences.fallback(text)
        return explanations.explain(
            text,
            unit="eojeol",
            sentences=split,
            features_of=self.features,
            head=self.trained.head if head is None else head,
            seed=explanations.seed_of(seed, "eojeol"),
            cache=cache,
            gradients_of=lambda groups, directions: input_gradients.gradients(
                self.encoder, text, groups, directions[:, : self.encoder.width], mean=self.mean
            ),
        )

    def ours(self, text: str, seed: int = 0) -> Ranking:
        """Rank words as the product does."""
        explained, cache = self.explain(text, seed=seed)
        # The first entry is the text itself, whose prediction is therefore known by then.
        proba = self.trained.proba(next(iter(cache.texts.values()))[None])[0]
        weights = against_the_rest(explained.weights, proba, int(proba.argmax()))
        place_of = {span: place for place, span in enumerate(units.eojeol(text))}
        order = np.argsort(-np.abs(weights), kind="stable")
        places = [place_of[explained.spans[i]] for i in order]
        speaking = [place for i, place in zip(order, places, strict=True) if weights[i] > 0]
        return Ranking(tuple(places), tuple(speaking), explained.sample_count, tuple(speaking))

    def lime(self, text: str, seed: int = 0) -> Ranking:
        """Rank words as lime does with its own settings, except for what a word is; it counts equal words as one."""
        from lime.lime_text import LimeTextExplainer

        calls = 0

        def proba(changed: list[str]) -> FloatArray:
            nonlocal calls
            calls += len(changed)
            return self.proba(changed)

        explainer = LimeTextExplainer(split_expression=lambda raw: raw.split(), random_state=seed)
        fit, fitted = explainer.base.explain_instance_with_data, []

        def noted(*given: Any, **how: Any) -> Any:
            fitted.append((given, how))
            return fit(*given, **how)

        explainer.base.explain_instance_with_data = noted
        top = self.top(text)
        explanation = explainer.explain_instance(text, proba, labels=(top,), num_features=LIME_FEATURES)
        named = self._places(text, explanation.as_list(top))
        ((data, scores, distances, label, _), how) = fitted[0]
        explanation.local_exp[top] = fit(data, scores, distances, label, data.shape[1], **how)[1]
        weighed = self._places(text, explanation.as_list(top))
        speaking, all_speaking = (tuple(at for at, weight in of.items() if weight > 0) for of in (named, weighed))
        return Ranking(tuple(named), speaking, calls, all_speaking)

    def _places(self, text: str, words: list[tuple[str, float]]) -> dict[int, float]:
        """Return the weight of each place where a word stands, in the order of the words."""
        there = [text[start:end] for start, end in units.eojeol(text)]
        return {place: weight for word, weight in words for place, other in enumerate(there) if other == word}

    def reference(self, text: str) -> Reference:
        """Return LIME's weights for the likeliest label from all perturbed texts, or 20,000."""
        spans = units.eojeol(text)
        budget = max(2 ** min(len(spans), 12), 2) if len(spans) <= SHORT[-1] else REFERENCE_DRAWS
        chosen = perturbations.sample_masks(len(spans), budget=budget, rng=np.random.default_rng(99))
        features = self.features([units.without(text, spans, row) for row in chosen.keep.tolist()])
        proba = self.trained.proba(features)
        top = int(proba[0].argmax())
        shared = ridge.linear_map(chosen.keep.astype(np.float64), chosen.weights)
        scores = shared @ (features @ self.trained.head[0].T)
        against = against_the_rest(np.asarray(scores, np.float32), proba[0], top)
        return Reference(_strongest(np.asarray(shared @ proba[:, top], np.float32)), _strongest(against))

    def after_a_new_head(self, texts: Sequence[str]) -> dict[str, float]:
        """Explain with a head that learned from half of the labels, from the cache; compare with asking anew.

        A new explanation also takes its gradients along the new head, so the two differ.
        """
        took, differences, sizes, alike, overlap, asked = [], [], [], [], [], []
        for text in texts:
            _, cache = self.explain(text)
            data = cache.to_bytes()
            sizes.append(len(data))
            before, began = self.asked, time.perf_counter()
            again, _ = self.explain(text, cache=explanation_cache.from_bytes(data), head=self.next.head)
            took.append(time.perf_counter() - began)
            asked.append(self.asked > before)
            anew, _ = self.explain(text, head=self.next.head)
            proba = self.next.proba(self.features([text]))[0]
            two = [_weight_of(explanation, proba) for explanation in (again, anew)]
            # In a long diary the two may have examined different sentences.
            both = [[weights[span] for span in two[0].keys() & two[1].keys()] for weights in two]
            alike.append(float(np.corrcoef(*both)[0, 1]))
            overlap.append(len(_strongest_spans(two[0]) & _strongest_spans(two[1])) / TOP)
            differences.append(self._product_against_direct(text))
        return {
            "median_ms": 1000 * statistics.median(took),
            "share_without_the_encoder": 1 - float(np.mean(asked)),
            "largest_difference": max(differences),
            "median_kilobytes": statistics.median(sizes) / 1024,
            "correlation_with_anew": float(np.mean(alike)),
            "top5_overlap_with_anew": float(np.mean(overlap)),
        }

    def _product_against_direct(self, text: str) -> float:
        """Compare the cache times the new head with a local model of that head's own scores, on the same texts."""
        split, k = sentences.fallback(text), len(self.next.head[1])
        same: dict[str, Any] = {"unit": "eojeol", "sentences": split, "seed": 0, "budget": explanations.LEAST_BUDGET}
        _, cache = explanations.explain(text, features_of=self.features, head=self.trained.head, **same)
        read = explanation_cache.from_bytes(cache.to_bytes())
        product, _ = explanations.explain(text, features_of=self.features, head=self.next.head, cache=read, **same)

        def scores(changed: Sequence[str]) -> FloatArray:
            return np.asarray(self.features(changed) @ self.next.head[0].T + self.next.head[1], np.float32)

        own = (np.eye(k, dtype=np.float32), np.zeros(k, np.float32))
        direct, _ = explanations.explain(text, features_of=scores, head=own, **same)
        return float(np.abs(product.weights - direct.weights).max(initial=0))


def _measure(
    subject: Subject, way: Callable[..., Ranking], text: str, planted: tuple[int, int] | None
) -> dict[str, Any]:
    began = time.perf_counter()
    ranking = way(text)
    seconds = time.perf_counter() - began
    spans = units.eojeol(text)
    row = {"seconds": seconds, "calls": ranking.calls, "ranking": ranking, **eraser(subject, text, ranking.evidence)}
    row |= {f"{name}_all_words": value for name, value in eraser(subject, text, ranking.all_evidence).items()}
    if planted is not None:
        inside = [planted[0] <= spans[place][0] < planted[1] for place in ranking.evidence[:3]]
        row["planted"] = float(np.mean(inside)) if inside else 0.0
    return row


def eraser(subject: Subject, text: str, evidence: Sequence[int]) -> dict[str, float]:
    """Return ERASER's two figures for the words that speak for the label, mean over shares of words, at most ten.

    Source: DeYoung et al. (2020), ERASER: A Benchmark to Evaluate Rationalized NLP Models.
    """
    spans = units.eojeol(text)
    top = subject.top(text)
    erased, alone = [], []
    for share in BINS:
        chosen = set(evidence[: max(1, min(round(share * len(spans)), LIME_FEATURES))])
        erased.append(units.without(text, spans, [i not in chosen for i in range(len(spans))]))
        alone.append(units.without(text, spans, [i in chosen for i in range(len(spans))]))
    whole = subject.proba([text])[0, top]
    return {
        "comprehensiveness": float(whole - subject.proba(erased)[:, top].mean()),
        "sufficiency": float(whole - subject.proba(alone)[:, top].mean()),
    }


def _summary(
    subject: Subject,
    name: str,
    rows: list[dict[str, Any]],
    references: list[tuple[str, Reference]],
    texts: Sequence[tuple[str, tuple[int, int] | None]],
) -> dict[str, float | None]:
    way = subject.ours if name == "ours" else subject.lime
    seconds = [row["seconds"] for row in rows]
    rankings = {text: row["ranking"] for (text, _), row in zip(texts, rows, strict=True)}
    near, near_score, steady = [], [], []
    for text, truth in references:
        first = frozenset((rankings.get(text) or way(text, seed=0)).places[:TOP])
        near.append(len(first & truth.of_proba) / TOP)
        near_score.append(len(first & truth.of_score) / TOP)
        if len(units.eojeol(text)) <= SHORT[-1]:
            steady.append(len(first & set(way(text, seed=1).places[:TOP])) / TOP)
    long = [text for text, _ in texts][:1]
    steady += [len(set(rows[0]["ranking"].places[:TOP]) & set(way(t, seed=1).places[:TOP])) / TOP for t in long]
    return {
        "median_s": statistics.median(seconds),
        "p95_s": float(np.percentile(seconds, 95)),
        "calls": statistics.median(row["calls"] for row in rows),
        "top5_overlap": _mean(near_score if name == "ours" else near),
        "top5_overlap_with_scores": _mean(near_score),
        "top5_overlap_with_probabilities": _mean(near),
        "seed_overlap": _mean(steady),
        **{name: _mean([row[name] for row in rows]) for name in rows[0] if name.startswith(ERASER)},
        "planted": _mean([row["planted"] for row in rows if "planted" in row]),
    }


if __name__ == "__main__":
    main()
