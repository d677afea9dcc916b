"""Which version serves: what the rule lets through, what it costs, and how often equal versions are called different.

python benchmarks/promotion.py --data kote7.tsv --query 'dominance >= 0.6' --json out.json

Heads are trained on the file's labels in several orders, and every test part is drawn anew from the rows that they
have not seen; the truth is how they do on all of these. The rule and the words are the product's own functions. A slow
decline and equal versions are simulated, since there the truth has to be known.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from scipy.special import betaln, ndtri
from scipy.stats import multinomial

from benchmarks import labelled_file, machine
from learner.active_learning.learning_curve import proba_along
from learner.classification import comparison, metrics, promotion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from benchmarks.labelled_file import Labelled

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]
    Rule = Callable[["Versions", int, int, list[int], IntArray], bool]

ROUNDS = 30
LABELS, IMPORTED, SHIFTED = 100, 150, 0.8
"""A bad import: so many labels before it, so many in it, and the share of these that name another label."""

FEWEST_UNSEEN = 100
"""Rows that no version learns from: as many as the largest test part of an import."""

IN_COMMON = 0.9
"""Correlation of what makes two simulated versions right: at 75 % accuracy they differ on 14 % of the diaries."""


@dataclass(frozen=True)
class Versions:
    """Answers of versions, (versions, n), on rows that none of them has seen, and what is true of these.

    Attributes:
        proba: (versions, n, k); None where only answers are simulated.
    """

    answers: IntArray
    truth: IntArray
    k: int
    proba: FloatArray | None = None

    @property
    def accuracy(self) -> NDArray[np.float64]:
        return np.asarray((self.answers == self.truth).mean(axis=1))

    def compare(self, before: int, after: int, rows: IntArray) -> promotion.Comparison:
        if self.proba is not None:
            return promotion.compare_proba(self.proba[before, rows], self.proba[after, rows], self.truth[rows])
        return promotion.compare(self.answers[before, rows], self.answers[after, rows], self.truth[rows], k=self.k)


def main() -> None:
    """Train, draw test parts, apply the rule."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    labelled_file.add_arguments(parser, rows=4000)
    parser.add_argument("--seeds", type=int, default=6, help="orders in which the rows are labelled")
    parser.add_argument("--draws", type=int, default=40, help="test parts drawn for each of them")
    arguments = parser.parse_args()
    result: dict[str, Any] = {"machine": machine.describe(), "data": arguments.data.name, "seeds": arguments.seeds}
    data = labelled_file.load(arguments)
    labelled_file.require(data, LABELS + IMPORTED + FEWEST_UNSEEN)
    result |= measure(data, seeds=arguments.seeds, draws=arguments.draws)
    machine.write(arguments.json, result)


def measure(data: Labelled, *, seeds: int, draws: int) -> dict[str, Any]:
    """Return what the rule does on a file, and what it does where the truth is simulated."""
    projects = [_ordinary(data, seed) for seed in range(seeds)]
    return {
        "rows": len(data.labels),
        "bad_import": bad_import([_with_import(data, seed) for seed in range(2 * seeds)], draws=4 * draws),
        "ordinary": ordinary(projects, draws=draws),
        "intervals": intervals(projects, draws=2 * draws),
        "unseen_label": unseen_label(projects, draws=draws),
        "spoiling": {
            n: {name: spoiling(n, rule, projects=4 * draws) for name, rule in RULES.items()} for n in (100, 400)
        },
        "exact_coverage": {n: exact_coverage(n) for n in (20, 50, 100, 200, 400)},
        "called_different": called_different(projects=10 * draws),
    }


def _ordinary(data: Labelled, seed: int) -> Versions:
    """Return the versions of rounds, each with a twentieth more labels than the last; half of a small file trains."""
    order = np.random.default_rng(seed).permutation(len(data.labels))
    step = min(20, len(order) // 2 // ROUNDS)
    return _trained(data, data.labels, order, [step * (i + 1) for i in range(ROUNDS)])


def _with_import(data: Labelled, seed: int) -> Versions:
    """Return the version before the import, after it, and after the same import with the right labels."""
    rng = np.random.default_rng(seed)
    order, labels = rng.permutation(len(data.labels)), data.labels.copy()
    imported = order[LABELS : LABELS + IMPORTED]
    shifted = imported[rng.random(IMPORTED) < SHIFTED]
    labels[shifted] = (labels[shifted] + 1) % len(data.names)
    bad = _trained(data, labels, order, [LABELS, LABELS + IMPORTED])
    good = _trained(data, data.labels, order, [LABELS + IMPORTED])
    return _versions(np.concatenate([bad.proba, good.proba]), bad.truth)


def _trained(data: Labelled, labels: IntArray, order: IntArray, counts: list[int]) -> Versions:
    seen, unseen = order[: max(counts)], order[max(counts) :]
    proba = proba_along(data.features[seen], labels[seen], data.features[unseen], counts=counts, k=len(data.names))
    return _versions(proba, data.labels[unseen])


def _versions(proba: FloatArray, truth: IntArray) -> Versions:
    return Versions(proba.argmax(axis=2), truth, proba.shape[2], proba)


def bad_import(projects: list[Versions], *, draws: int) -> dict[str, Any]:
    """Return how often the version after a bad import serves, and after a good one, by test decisions and rule."""
    accuracy = np.mean([project.accuracy for project in projects], axis=0)
    result: dict[str, Any] = {"true_change": accuracy[1] - accuracy[0], "true_change_good": accuracy[2] - accuracy[0]}
    for n in (25, 50, 100):
        parts = _parts(projects, n, draws)
        result[str(n)] = {
            name: {
                kind: float(np.mean([rule(project, after, 0, [0], rows) for project, rows in parts]))
                for kind, after in (("bad", 1), ("good", 2))
            }
            for name, rule in RULES.items()
        }
    return result


def _draw(project: Versions, n: int, *, seed: int) -> IntArray:
    return np.random.default_rng(seed).choice(len(project.truth), min(n, len(project.truth)), replace=False)


def ordinary(projects: list[Versions], *, draws: int) -> dict[str, Any]:
    """Return the accuracy that served over rounds in which the test part grows, under the rule and two others."""
    return {
        str(most): {
            name: _served([(p, _serve(p, test, rule), test) for p, test in _parts(projects, most, draws)])
            for name, rule in RULES.items()
        }
        for most in (60, 100, 300)
        if most < min(len(p.truth) for p in projects)
    }


def _parts(projects: list[Versions], n: int, draws: int) -> list[tuple[Versions, IntArray]]:
    return [(project, _draw(project, n, seed=draw)) for project in projects for draw in range(draws)]


def _served(histories: list[tuple[Versions, IntArray, IntArray]]) -> dict[str, float]:
    accuracy = np.array([project.accuracy[versions] for project, versions, _ in histories])
    return {
        "mean": float(accuracy.mean()),
        "first_ten": float(accuracy[:, :10].mean()),
        "end": float(accuracy[:, -1].mean()),
        "held_back": float(np.mean([(np.diff(versions) == 0).sum() for _, versions, _ in histories])),
        "reported_above_true": float(np.mean([_flattery(*history) for history in histories])),
    }


def _flattery(project: Versions, versions: IntArray, test: IntArray) -> float:
    """Return by how much the test part, used in every round, makes the version that serves at the end look better."""
    end = versions[-1]
    return float((project.answers[end, test] == project.truth[test]).mean() - project.accuracy[end])


def _serve(project: Versions, test: IntArray, rule: Rule) -> IntArray:
    """Return which version serves after each round; the test part grows with the rounds."""
    served, history = [0], [0]
    for new in range(1, len(project.answers)):
        rows = test[: max(3, round(len(test) * (new + 1) / len(project.answers)))]
        if rule(project, new, served[-1], served, rows):
            served.append(new)
        history.append(served[-1])
    return np.array(history)


def _product(project: Versions, new: int, in_force: int, served: list[int], rows: IntArray) -> bool:
    best = _best(project, served, rows)
    against_best = None if best == in_force else project.compare(best, new, rows)
    return promotion.held_back_by(project.compare(in_force, new, rows), against_best) is None


def _by_answers(project: Versions, new: int, in_force: int, served: list[int], rows: IntArray) -> bool:
    """The rule of the product without log scores."""
    return _product(replace(project, proba=None), new, in_force, served, rows)


def _best(project: Versions, served: list[int], rows: IntArray) -> int:
    return served[promotion.best_of([project.answers[version, rows] for version in served], project.truth[rows])]


def _unless_lower(p: float, *, fewest_lost: int = 1, also_best: bool = True) -> Rule:
    """Return a rule that holds back what is right on so many diaries less, with a p value below this one."""

    def rule(project: Versions, new: int, in_force: int, served: list[int], rows: IntArray) -> bool:
        others = {in_force, _best(project, served, rows)} if also_best else {in_force}
        right = project.answers[:, rows] == project.truth[rows]
        return not any(
            right[other].sum() - right[new].sum() >= fewest_lost and comparison.mcnemar(right[other], right[new]) < p
            for other in others
        )

    return rule


RULES: dict[str, Rule] = {
    "rule": _product,
    "rule_without_log_scores": _by_answers,
    "always": lambda project, new, in_force, served, rows: True,
    "only_if_proved": _unless_lower(0.05, also_best=False),
    "p_0.4_of_the_last": _unless_lower(0.4, also_best=False),
    "p_0.4": _unless_lower(0.4),
    "p_0.6": _unless_lower(0.6),
    "lower_by_two": _unless_lower(1.1, fewest_lost=2),
    "lower": _unless_lower(1.1),
}


def intervals(projects: list[Versions], *, draws: int) -> dict[str, Any]:
    """Return how often the paired intervals hold the true change, of neighbours and of distant versions."""
    pairs = {"next": (14, 15), "far": (4, 29), "early": (2, 4)}
    return {
        f"{name}, n={n}": _covered(projects, *pair, n, draws)
        for name, pair in pairs.items()
        for n in (50, 100, 200, 400)
    }


def _covered(projects: list[Versions], before: int, after: int, n: int, draws: int) -> dict[str, float]:
    accuracy, macro, wrongly = [], [], []
    for project in projects:
        gain = project.accuracy[after] - project.accuracy[before]
        f1_gain = _f1(project, after) - _f1(project, before)
        for seed in range(draws):
            rows = np.random.default_rng(seed).integers(0, len(project.truth), n)
            comparison = project.compare(before, after, rows)
            accuracy.append(comparison.change.low <= gain <= comparison.change.high)
            if columns := list(comparison.f1_change.columns):
                true = f1_gain[columns].mean()
                macro.append(comparison.f1_change.low <= true <= comparison.f1_change.high)
                wrongly.append(comparison.f1_change.high < 0 <= true)
    values = {"accuracy": accuracy, "macro_f1": macro, "macro_f1_wrongly_lower": wrongly}
    return {name: float(np.mean(held)) if held else float("nan") for name, held in values.items()}


def _f1(project: Versions, version: int) -> NDArray[np.float64]:
    confusion = np.zeros((project.k, project.k))
    np.add.at(confusion, (project.truth, project.answers[version]), 1)
    return np.nan_to_num(metrics.f1_of(confusion))


def unseen_label(projects: list[Versions], *, draws: int) -> dict[str, int]:
    """Return how often a version is held back that answers some errors with a label which no test diary has."""
    cases = [
        (project, _draw(project, n, seed=draw)) for project in projects for n in (25, 100) for draw in range(draws)
    ]
    return {"cases": len(cases), "held_back": sum(_is_held_for_unseen(p, r, seed) for seed, (p, r) in enumerate(cases))}


def _is_held_for_unseen(project: Versions, rows: IntArray, seed: int) -> bool:
    before, truth, k = project.answers[-1, rows], project.truth[rows], project.k
    errors = np.flatnonzero(before != truth)
    after = before.copy()
    after[np.random.default_rng(seed).permutation(errors)[: len(errors) // 2]] = k
    return promotion.held_back_by(promotion.compare(before, after, truth, k=k + 1)) is not None


def spoiling(n: int, rule: Rule, *, projects: int) -> dict[str, float]:
    """Return how many points below the first version the served one is after rounds that each cost a true point."""
    down = []
    true = np.linspace(0.8, 0.8 - 0.01 * (ROUNDS - 1), ROUNDS)
    for seed in range(projects):
        versions, served = Versions(_simulated(true, n, seed=seed), np.zeros(n, np.int64), 2), [0]
        for new in range(1, ROUNDS):
            if rule(versions, new, served[-1], served, np.arange(n)):
                served.append(new)
        down.append(100 * (true[0] - true[served[-1]]))
    return {"mean": float(np.mean(down)), "of_ten_nine": float(np.quantile(down, 0.9))}


def _simulated(accuracy: NDArray[np.float64], n: int, *, seed: int) -> IntArray:
    """Return answers, 0 where right, of versions with these true accuracies that mostly agree."""
    rng = np.random.default_rng(seed)
    ease, own = rng.normal(size=n), rng.normal(size=(len(accuracy), n))
    score = IN_COMMON**0.5 * ease + (1 - IN_COMMON) ** 0.5 * own
    return np.asarray(score >= ndtri(accuracy)[:, None], np.int64)


def called_different(*, projects: int) -> dict[str, Any]:
    """Return in which share of projects two versions are ever called different over the looks of all rounds."""
    sizes = {"grows to 300": [10 * (i + 1) for i in range(ROUNDS)], "100": [100] * ROUNDS, "400": [400] * ROUNDS}
    return {
        f"{kind}, n {size}, {round(100 * gap)} points apart": _ever(kind == "new pair", counts, gap, projects)
        for kind in ("same pair", "new pair")
        for size, counts in sizes.items()
        for gap in (0.0, 0.06)
    }


def _ever(is_new: bool, counts: list[int], gap: float, projects: int) -> dict[str, float]:
    levels = np.array([comparison.level_of_look(look + 1) for look in range(ROUNDS)])
    looks = np.array([list(_looks(is_new, counts, gap, seed)) for seed in range(projects)])
    # One pair may be looked at as often as one likes by e-values; new pairs share the error as they do by p values.
    enough = 1 / levels if is_new else np.full(ROUNDS, 1 / comparison.LOOKS_ERROR)
    return {
        "called": float((looks[..., 0] < levels).any(axis=1).mean()),
        "without_correction": float((looks[..., 0] < 0.05).any(axis=1).mean()),
        "by_e_values": float((looks[..., 1] >= enough).any(axis=1).mean()),
    }


def _looks(is_new: bool, counts: list[int], gap: float, seed: int) -> Iterator[tuple[float, float]]:
    """Yield p value and e value of each look; a new pair are the version before and the one that a round has made."""
    accuracy = np.tile([0.75, 0.75 + gap], ROUNDS)
    right = _simulated(accuracy, max(counts), seed=seed) == 0
    for look, n in enumerate(counts):
        first = 2 * look if is_new else 0
        before, after = right[first, :n], right[first + 1, :n]
        gained, lost = comparison.discordant(before, after)
        # The likelihood under a uniform share of gains, over that under one half: Ramdas et al. (2023), sec. 5.
        e_value = np.exp(betaln(1 + gained, 1 + lost) + (gained + lost) * np.log(2))
        yield comparison.mcnemar(before, after), float(e_value)


def exact_coverage(n: int) -> dict[str, float]:
    """Return in how many test parts the interval of a change in accuracy holds it, exactly, over a grid of truths."""
    counts = [(gained, lost) for gained in range(n + 1) for lost in range(n + 1 - gained) if gained + lost <= 0.6 * n]
    bounds = np.array([_bounds(gained, lost, n) for gained, lost in counts])
    gained, lost = np.array(counts).T
    held = []
    for different in (0.02, 0.05, 0.1, 0.2, 0.35):
        for share in (0.5, 0.6, 0.75, 0.9, 1.0):
            true = [different * share, different * (1 - share), 1 - different]
            chance = multinomial.pmf(np.stack([gained, lost, n - gained - lost], axis=1), n, true)
            change = true[0] - true[1]
            held.append(chance[(bounds[:, 0] <= change) & (change <= bounds[:, 1])].sum())
    return {"mean": float(np.mean(held)), "least": float(np.min(held))}


def _bounds(gained: int, lost: int, n: int) -> tuple[float, float]:
    place = np.arange(n)
    change = comparison.accuracy_change((place >= gained) & (place < gained + lost), place < gained)
    return change.low, change.high


if __name__ == "__main__":
    main()
