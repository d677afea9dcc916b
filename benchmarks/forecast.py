"""How far the forecast of the next 100 labels can be trusted: simulated projects, forecast and truth side by side.

python benchmarks/forecast.py --data diaries.tsv --json out.json

A project labels its pool at random or by the smallest margin. At some numbers of labels the learning curve on
its test part is continued; the truth is what the next 100 labels bring on rows that nothing else has seen.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from benchmarks import labelled_file, machine
from learner.active_learning import forecast, learning_curve
from learner.classification import classifier, metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from benchmarks.labelled_file import Labelled

BATCH = 25
AHEAD = 100
SCORES = ("accuracy", "macro_f1")


def main() -> None:
    """Forecast and measure, for every seed and query."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    labelled_file.add_arguments(parser, rows=5000)
    parser.add_argument("--at", type=int, nargs="+", default=[100, 200, 300, 500])
    parser.add_argument("--test", type=int, nargs="+", default=[100, 300], help="diaries in the test part")
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    data = labelled_file.load(arguments)
    result: dict[str, Any] = {
        "machine": machine.describe(),
        "data": arguments.data.name,
        "rows": len(data.labels),
        "seeds": arguments.seeds,
        "ahead": AHEAD,
        **measure(data, at=arguments.at, test=arguments.test, seeds=arguments.seeds),
    }
    machine.write(arguments.json, result)


def measure(data: Labelled, *, at: list[int], test: list[int], seeds: int) -> dict[str, Any]:
    """Return how good the forecasts were, overall and by query, score, test diaries and number of labels."""
    cases = [
        case
        for seed in range(seeds)
        for query in ("random", "margin")
        for case in _project(data, query, at=at, test=test, seed=seed)
    ]
    kinds: dict[str, Any] = {}
    for key in ("query", "score", "test", "labels"):
        kinds[key] = {str(v): _sum_up([c for c in cases if c[key] == v]) for v in dict.fromkeys(c[key] for c in cases)}
    return {"overall": _sum_up(cases), **kinds}


def _project(data: Labelled, query: str, *, at: list[int], test: list[int], seed: int) -> Iterator[dict[str, Any]]:
    order = np.random.default_rng(seed).permutation(len(data.labels))
    cut = len(order) // 2
    held, test_rows, pool = order[:cut], order[cut : cut + max(test)], order[cut + max(test) :]
    if len(pool) <= max(at) + AHEAD:
        raise SystemExit(f"{len(order)} rows leave a pool of {len(pool)}; {max(at) + AHEAD} labels are wanted.")
    stream = _label(data, pool, query, count=max(at) + AHEAD, seed=seed)
    x, y, k = data.features, data.labels, len(data.names)
    true_counts = sorted({*at, *(n + AHEAD for n in at)})
    on_held = learning_curve.answers_along(x[stream], y[stream], x[held], counts=true_counts, k=k)
    truth = dict(zip(true_counts, (_scores(row, y[held], k) for row in on_held), strict=True))
    for n in at:
        counts = learning_curve.spread_counts(n)
        on_test = learning_curve.answers_along(x[stream], y[stream], x[test_rows], counts=counts, k=k)
        for size in test:
            for score in SCORES:
                answers, test_labels = on_test[:, :size], y[test_rows[:size]]
                prediction = _forecast(counts, answers, test_labels, k=k, score=score, seed=seed)
                gain = truth[n + AHEAD][score] - truth[n][score]
                yield {"query": query, "score": score, "test": size, "labels": n, "gain": gain, **prediction}


def _forecast(
    counts: tuple[int, ...], answers: NDArray[np.int64], truth: NDArray[np.int64], *, k: int, score: Any, seed: int
) -> dict[str, float]:
    drawn = forecast.drawn_scores(answers, truth, k=k, score=score, seed=seed)
    scores = np.array([_scores(row, truth, k)[score] for row in answers])
    prediction = forecast.forecast(counts, drawn, scores, score=score, ahead=AHEAD, seed=seed)
    if prediction is None:
        raise SystemExit("Too few points to forecast from: ask for forecasts at 100 labels or more.")
    # What a ruler laid through the last two points would say.
    slope = (scores[-1] - scores[-2]) / np.log(counts[-1] / counts[-2])
    ruler = slope * np.log((counts[-1] + AHEAD) / counts[-1])
    return {"forecast": prediction.gain, "low": prediction.low, "high": prediction.high, "ruler": float(ruler)}


def _label(data: Labelled, pool: NDArray[np.int64], query: str, *, count: int, seed: int) -> NDArray[np.int64]:
    """Return rows in the order in which they are labelled: the first batch at random."""
    labelled = pool[:BATCH]
    while len(labelled) < count:
        rest = np.setdiff1d(pool, labelled, assume_unique=True)
        if query == "random" or len(np.unique(data.labels[labelled])) < 2:
            chosen = pool[len(labelled) : len(labelled) + BATCH] if query == "random" else rest[:BATCH]
        else:
            weight, bias = classifier.fit_head(data.features[labelled], data.labels[labelled], k=len(data.names))
            proba = classifier.softmax(data.features[rest] @ weight.T + bias)
            margins = np.diff(np.sort(proba, axis=1)[:, -2:], axis=1)[:, 0]
            chosen = rest[np.argsort(margins, kind="stable")[:BATCH]]
        labelled = np.concatenate([labelled, chosen])
    return labelled[:count]


def _scores(answers: NDArray[np.int64], truth: NDArray[np.int64], k: int) -> dict[str, float]:
    confusion = np.bincount(truth * k + answers, minlength=k * k).reshape(k, k)
    return {"accuracy": float((answers == truth).mean()), "macro_f1": float(metrics.macro_f1_of(confusion))}


def _sum_up(cases: list[dict[str, Any]]) -> dict[str, float]:
    gain, low, high, forecasts, ruler = (
        np.array([case[name] for case in cases]) for name in ("gain", "low", "high", "forecast", "ruler")
    )
    return {
        "forecasts": len(cases),
        "covered": float(((low <= gain) & (gain <= high)).mean()),
        "width": float((high - low).mean()),
        "error": float(np.abs(forecasts - gain).mean()),
        "error_of_no_gain": float(np.abs(gain).mean()),
        "error_of_ruler": float(np.abs(ruler - gain).mean()),
        "bias": float((forecasts - gain).mean()),
        "gain": float(gain.mean()),
    }


if __name__ == "__main__":
    main()
