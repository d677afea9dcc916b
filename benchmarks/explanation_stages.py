"""What each stage of the fast explanations brings: all, and each left out, on texts that no constant was fitted to.

    python benchmarks/explanation_stages.py --data kote7.tsv --query 'dominance >= 0.6' --n 8 --json out.json

Three kinds of unseen texts: of 9 to 11 words, of 13 to 25, as in a chat, and diaries of about 300 characters. The
reference is LIME's ridge on many perturbed texts (`--reference`), of the shortest on all of them. By kind and variant:
share of the five strongest words of the reference that are found, correlation with its weights, ERASER's two figures
(see `explanations.py`), seconds of the processor, and texts encoded. Means over the texts; a variant that differs from
``all stages`` by less than the standard error of the difference brings nothing.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from benchmarks import explanations, labelled_file, machine
from learner.explanation import (
    explainer,
    gaussian_process,
    input_gradients,
    perturbations,
    ridge,
    unit_sufficiency,
)
from learner.explanation.explanation_run import against_the_rest
from learner.text import sentences, units

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from learner.explanation.gaussian_process import Gradients
    from learner.explanation.ridge import Estimate

    Change = tuple[Any, str, Any]

FIGURES = ("top5", "correlation", "comprehensiveness", "sufficiency", "cpu_s", "texts")
SHORT, CHAT = range(9, 12), range(13, 26)


def main() -> None:
    """Explain each text by each variant."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    labelled_file.add_arguments(parser, rows=4_000)
    parser.add_argument("--n", type=int, default=8, help="texts of each kind")
    parser.add_argument("--labels", type=int, default=1000)
    parser.add_argument("--reference", type=int, default=1500, help="perturbed texts of a reference")
    parser.add_argument(
        "--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS), help="those beside all stages"
    )
    arguments = parser.parse_args()
    subject = explanations.Subject(arguments)
    kinds = {
        "9 to 11 words": _texts(subject, SHORT, arguments.n),
        "13 to 25 words": _texts(subject, CHAT, arguments.n),
        "about 300 characters": _weighed_whole(subject.long_texts(2 * arguments.n))[: arguments.n],
    }
    names = [name for name in VARIANTS if name in {"all stages", *arguments.variants}]
    rows: dict[str, dict[str, list[list[float]]]] = {kind: {name: [] for name in names} for kind in kinds}
    for kind, texts in kinds.items():
        for text in texts:
            truth = _reference(subject, text, arguments.reference)
            for name in names:
                rows[kind][name].append(_measure(subject, text, truth, name))
            print(kind, len(rows[kind][name]), file=sys.stderr, flush=True)
            if arguments.json is not None:
                # An hour may have gone by, so what there is by now is kept.
                machine.write(arguments.json, _result(arguments, rows))
    machine.write(arguments.json, _result(arguments, rows))


def _weighed_whole(texts: list[str]) -> list[str]:
    """Return the texts in which every word gets a weight: of longer ones only those of some sentences do."""
    return [text for text in texts if len(units.eojeol(text)) <= explainer.MOST_UNITS]


def _texts(subject: explanations.Subject, words: range, count: int) -> list[str]:
    unseen = (subject.texts[i].strip() for i in subject.unseen)
    return [text for text in unseen if len(units.eojeol(text)) in words][:count]


def _reference(subject: explanations.Subject, text: str, count: int) -> NDArray[np.float32]:
    """Return LIME's weights for the likeliest label's score against the others', from many texts."""
    spans = units.eojeol(text)
    budget = 2 ** len(spans) if len(spans) in SHORT else count
    masks = perturbations.sample_masks(len(spans), budget=budget, rng=np.random.default_rng(99))
    features = subject.features([units.without(text, spans, row) for row in masks.keep.tolist()])
    matrix = ridge.estimate(masks.keep.astype(np.float64), masks.weights, features).matrix
    proba = subject.trained.proba(features)[0]
    return against_the_rest(np.asarray(matrix @ subject.trained.head[0].T, np.float32), proba, int(proba.argmax()))


def _measure(subject: explanations.Subject, text: str, truth: NDArray[np.float32], name: str) -> list[float]:
    changes, has_gradients = VARIANTS[name]
    began = time.process_time()
    with _changed(changes):
        explained, _ = explainer.explain(
            text,
            unit="eojeol",
            sentences=sentences.fallback(text),
            features_of=subject.features,
            head=subject.trained.head,
            seed=explainer.seed_of(0, "eojeol"),
            gradients_of=_gradients_of(subject, text) if has_gradients else None,
        )
    seconds = time.process_time() - began
    proba = subject.proba([text])[0]
    weights = against_the_rest(explained.weights, proba, int(proba.argmax()))
    order = np.argsort(-np.abs(weights), kind="stable")
    strongest = set(order[: explanations.TOP].tolist())
    expected = np.argsort(-np.abs(truth), kind="stable")[: explanations.TOP]
    eraser = explanations.eraser(subject, text, [int(i) for i in order if weights[i] > 0])
    overlap = len(strongest & set(expected.tolist())) / explanations.TOP
    correlation = float(np.corrcoef(weights, truth)[0, 1])
    return [overlap, correlation, *(eraser[key] for key in explanations.ERASER), seconds, float(explained.sample_count)]


def _gradients_of(subject: explanations.Subject, text: str) -> Any:
    return lambda groups, directions: input_gradients.gradients(
        subject.encoder, text, groups, directions[:, : subject.encoder.width], mean=subject.mean
    )


@contextmanager
def _changed(changes: tuple[Change, ...]) -> Iterator[None]:
    before = [(module, name, getattr(module, name)) for module, name, _ in changes]
    for module, name, value in changes:
        setattr(module, name, value)
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


def _texts_by_ridge(keep: Any, features: Any, lengths: Any, gradients: Gradients | None) -> Estimate:
    """Return LIME's ridge on the encoded texts for the Gaussian process; along gradients, on what they leave."""
    weights = perturbations.kernel(keep.mean(axis=1))
    texts_only = ridge.estimate(keep, weights, features)
    if gradients is None:
        return texts_only
    directions, expected, factor = _expected(keep, features, lengths, gradients)
    rest = ridge.estimate(keep, weights, features @ directions.T - factor * expected)
    return replace(texts_only, matrix=texts_only.matrix + _along(texts_only, rest.matrix, lengths, gradients, factor))


def _gradients_alone(keep: Any, features: Any, lengths: Any, gradients: Gradients | None) -> Estimate:
    """Return the gradients' own weights, scaled by the encoded texts but not corrected by them."""
    texts_only = ridge.estimate(keep, perturbations.kernel(keep.mean(axis=1)), features)
    if gradients is None:
        return texts_only
    factor = _expected(keep, features, lengths, gradients)[2]
    return replace(texts_only, matrix=texts_only.matrix + _along(texts_only, 0.0, lengths, gradients, factor))


def _expected(keep: Any, features: Any, lengths: Any, gradients: Gradients) -> tuple[Any, Any, float]:
    directions = np.asarray(gradients.directions, np.float64)
    expected = gaussian_process.scaled(keep, lengths) @ gradients.values
    return directions, expected, gaussian_process.least_squares_factor(expected, features @ directions.T)


def _along(texts_only: Estimate, rest: Any, lengths: Any, gradients: Gradients, factor: float) -> Any:
    """Return what replaces the weights by texts alone along the gradients' directions."""
    directions = np.asarray(gradients.directions, np.float64)
    near, mapping = gaussian_process.neighbourhood(len(lengths))
    by_gradients = factor * mapping @ gaussian_process.scaled(near, lengths) @ gradients.values
    return (by_gradients + rest - texts_only.matrix @ directions.T) @ directions


_WITHOUT, _WITH = gaussian_process.PRIOR_WITHOUT_GRADIENTS, gaussian_process.PRIOR_WITH_GRADIENTS

VARIANTS: dict[str, tuple[tuple[Change, ...], bool]] = {
    "all stages": ((), True),
    "no gradients, at least 96 texts": ((), False),
    "ridge for the Gaussian process": (((gaussian_process, "estimate", _texts_by_ridge),), True),
    "ridge, no gradients, at least 96 texts": (((gaussian_process, "estimate", _texts_by_ridge),), False),
    "gradients, not corrected by texts": (((gaussian_process, "estimate", _gradients_alone),), True),
    "no unit sufficiency": (((unit_sufficiency, "find_phrases", lambda text, groups: {}),), True),
    "no pairs": (
        (
            (gaussian_process, "PRIOR_WITHOUT_GRADIENTS", replace(_WITHOUT, pairs=0.0)),
            (gaussian_process, "PRIOR_WITH_GRADIENTS", replace(_WITH, pairs=0.0)),
        ),
        True,
    ),
    "one prior": (((gaussian_process, "PRIOR_WITH_GRADIENTS", _WITHOUT),), True),
}
"""What changes in which module, and whether gradients are known."""


def _result(arguments: argparse.Namespace, rows: dict[str, dict[str, list[list[float]]]]) -> dict[str, Any]:
    about = {"machine": machine.describe(), "data": arguments.data.name, "texts": arguments.n}
    return about | {"variants": _summary(rows)}


def _summary(rows: dict[str, dict[str, list[list[float]]]]) -> dict[str, Any]:
    """Return means, and the standard error of each figure's difference from all stages."""
    result: dict[str, Any] = {}
    for kind, variants in rows.items():
        base = np.array(variants["all stages"])
        if not len(base):
            continue
        for name, values in variants.items():
            difference = np.array(values) - base
            error = difference.std(axis=0, ddof=1) / np.sqrt(len(base)) if len(base) > 1 else np.full(6, np.nan)
            result.setdefault(kind, {})[name] = {
                figure: [round(float(mean), 3), round(float(e), 3)]
                for figure, mean, e in zip(FIGURES, np.mean(values, axis=0), error, strict=True)
            }
    return result


if __name__ == "__main__":
    main()
