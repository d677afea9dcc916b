"""How often the intervals that the product shows hold the truth: simulated projects on real answers.

    python benchmarks/coverage.py --data kote7.tsv --query 'dominance >= 0.6' --json out.json

A head learns from some random labels; its answers to all other rows are the population. Test parts are drawn from it,
each figure is computed with the product's own functions, and its interval is held against the population's figure.
Right is 0.93 to 0.97 everywhere, with a standard error of 0.007 at 1,000 draws. A macro F1 is held against that of the
labels that it names; below 30 test diaries the page shows none as settled. Sets of labels are held against the promise:
`really` is the share of the population whose set holds the right label, `covered` how often the stated interval holds
that share. `…_new_writers` draws whole writers, who have labels of their own, and whose test part's intervals have to
hold the figure over all writers. `shares` sums up benchmarks/coverage_shares.py, which prints them in detail.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from benchmarks import coverage_shares, labelled_file, machine
from learner.active_learning.simulation import mean_interval
from learner.classification import classifier, macro_f1, metrics, prediction_sets
from learner.classification.design_effect import design_effect

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.labelled_file import Labelled

    IntArray = NDArray[np.int64]
    Held = dict[str, list[tuple[bool, float]]]

PROMISED = 0.9
FEWEST_ROWS = 200


def main() -> None:
    """Draw test parts and count what their intervals hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    labelled_file.add_arguments(parser, rows=6000)
    parser.add_argument("--labels", type=int, nargs="+", default=[60, 300], help="what the heads learn from")
    parser.add_argument("--test", type=int, nargs="+", default=[30, 50, 100, 200, 400])
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--projects", type=int, default=60, help="simulated projects for the shares of labels")
    arguments = parser.parse_args()
    data = labelled_file.load(arguments)
    labelled_file.require(data, FEWEST_ROWS)
    k = len(data.names)
    # Half of the rows at least are the population, however few there are.
    learned = sorted({min(count, len(data.labels) * 3 // 8) for count in arguments.labels})
    heads = [_Answers(data, count, seed) for seed, count in enumerate(learned)]
    result: dict[str, Any] = {
        "machine": machine.describe(),
        "data": arguments.data.name,
        "rows": len(data.labels),
        "learned": learned,
        "draws": arguments.draws,
        "test": {n: _measure(heads, n, k=k, draws=arguments.draws) for n in arguments.test},
        "seeds": _of_seeds(data, draws=max(20, arguments.draws // 10)),
        "shares": _of_shares(data, arguments.test, projects=arguments.projects),
    }
    machine.write(arguments.json, result)


class _Answers:
    """A head's answers to all rows that it has not learned from, and those of one that learned a third more."""

    def __init__(self, data: Labelled, count: int, seed: int) -> None:
        order = np.random.default_rng(seed).permutation(len(data.labels))
        more = count + count // 3
        rest, k = order[more:], len(data.names)
        self.truth = data.labels[rest]
        self.writers = coverage_shares.deal_writers(self.truth, k, np.random.default_rng(seed))
        self.proba, later = (
            classifier.train(
                data.features[order[:n]],
                classifier.one_hot(data.labels[order[:n]], k),
                mean=np.zeros(1, np.float32),
                text_space="",
                seed=seed,
            ).classifier.proba(data.features[rest])
            for n in (count, more)
        )
        self.before, self.after = self.proba.argmax(axis=1), later.argmax(axis=1)
        self.f1_before, self.f1_after = (_f1(answers, self.truth, k) for answers in (self.before, self.after))


def _f1(answers: IntArray, truth: IntArray, k: int) -> NDArray[np.float64]:
    counts = np.bincount(truth * k + answers, minlength=k * k).reshape(k, k)
    return np.asarray(np.nan_to_num(metrics.f1_of(counts)), np.float64)


def _measure(heads: list[_Answers], n: int, *, k: int, draws: int) -> dict[str, Any]:
    held: Held = defaultdict(list)
    really = []
    for number, head in enumerate(heads):
        rng = np.random.default_rng(number)
        for _ in range(draws // len(heads)):
            drawn = rng.integers(0, len(head.truth), n)
            _of_one(held, head, drawn, k)
            _of_two(held, head, drawn, k)
            _of_writers(held, head, n, k, rng)
            really += _of_sets(held, head, drawn)
    return {
        **{
            name: {"covered": round(float(np.mean([h for h, _ in cases])), 4), "width": round(_mean_width(cases), 4)}
            for name, cases in held.items()
        },
        "really_in_sets": round(float(np.mean(really)), 4) if really else None,
    }


def _mean_width(cases: list[tuple[bool, float]]) -> float:
    return float(np.mean([width for _, width in cases]))


def _hold(held: Held, name: str, low: float, high: float, truth: float) -> None:
    if not np.isnan(low):
        held[name].append((bool(low <= truth <= high), high - low))


def _of_one(held: Held, head: _Answers, drawn: IntArray, k: int) -> None:
    answers, truth = head.before[drawn], head.truth[drawn]
    right = int((answers == truth).sum())
    _hold(held, "accuracy", *metrics.wilson(right, len(drawn)), float((head.before == head.truth).mean()))
    named = macro_f1.macro_f1(answers, truth, k=k)
    _hold(held, "macro_f1", named.low, named.high, float(head.f1_before[list(named.columns)].mean()))


def _of_writers(held: Held, head: _Answers, n: int, k: int, rng: np.random.Generator) -> None:
    # With replacement, as from endless writers: of these few, a test part would soon hold most.
    writers = rng.choice(coverage_shares.WRITERS, n)
    rows = [np.flatnonzero(head.writers == writer) for writer in writers]
    drawn, groups = np.concatenate(rows)[:n], np.repeat(np.arange(n), [len(own) for own in rows])[:n]
    answers, truth = head.before[drawn], head.truth[drawn]
    effect = design_effect(answers == truth, groups)
    low, high = metrics.wilson(float((answers == truth).sum()) / effect, len(drawn) / effect)
    _hold(held, "accuracy_new_writers", low, high, float((head.before == head.truth).mean()))
    named = macro_f1.macro_f1(answers, truth, k=k, effect=effect)
    if named.columns:
        true_f1 = float(head.f1_before[list(named.columns)].mean())
        _hold(held, "macro_f1_new_writers", named.low, named.high, true_f1)


def _of_two(held: Held, head: _Answers, drawn: IntArray, k: int) -> None:
    change = macro_f1.change(head.before[drawn], head.after[drawn], head.truth[drawn], k=k)
    columns = list(change.columns)
    _hold(held, "macro_f1_change", change.low, change.high, float((head.f1_after - head.f1_before)[columns].mean()))


def _of_sets(held: Held, head: _Answers, drawn: IntArray) -> list[float]:
    promised = prediction_sets.promise(head.proba[drawn], head.truth[drawn], level=PROMISED)
    if promised is None:
        return []
    sets = prediction_sets.in_set(head.proba, promised.least)
    really = float(sets[np.arange(len(sets)), head.truth].mean())
    _hold(held, "prediction_sets", promised.covered_low, promised.covered_high, really)
    return [really]


def _of_shares(data: Labelled, at: list[int], *, projects: int) -> dict[str, Any]:
    """Return how often the interval of a label's share held the truth, by how the test part was drawn."""
    figures = coverage_shares.run(data, at=at, rare=coverage_shares.RARE, projects=projects)
    return {
        way: {"covered": figures[way]["overall"]["held"], "width": figures[way]["overall"]["width"]}
        for way in coverage_shares.WAYS
    }


def _of_seeds(data: Labelled, *, draws: int, rows: int = 600, seeds: int = 5, labels: int = 100) -> dict[str, Any]:
    """Return how often the interval over five seeds of one file holds the mean over all files of that size."""
    k, rng = len(data.names), np.random.default_rng(0)
    test = round(0.3 * rows)
    files = []
    for _ in range(draws):
        file = rng.choice(len(data.labels), min(rows, len(data.labels)), replace=False)
        scores = []
        for _ in range(seeds):
            order = file[rng.permutation(len(file))]
            learned, measured = order[test : test + labels], order[:test]
            weight, bias = classifier.fit_head(data.features[learned], data.labels[learned], k=k)
            answers = (data.features[measured] @ weight.T + bias).argmax(axis=1)
            scores.append(float((answers == data.labels[measured]).mean()))
        files.append(np.array(scores))
    truth = float(np.mean(files))
    intervals = [mean_interval(scores) for scores in files]
    held = [low <= truth <= high for low, high in intervals]
    return {"covered": round(float(np.mean(held)), 4), "width": round(float(np.mean([b - a for a, b in intervals])), 4)}


if __name__ == "__main__":
    main()
