"""How far people agree beyond chance: Krippendorff's alpha, Cohen's kappa and their intervals.

Everything rests on counts of equal cases: diaries on which the same number of people gave each answer are one kind.
Seven labels and five people make a few hundred kinds however many diaries there are, so drawing diaries anew is
drawing the counts of kinds anew, and a statistic of a draw is a sum over kinds.

The two libraries at hand don't fit: the package `krippendorff` is under the GPL, and neither it nor scikit-learn's
`cohen_kappa_score` gives intervals. Both were used to check these figures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from learner.classification.metrics import wilson

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

DRAWS = 1000
"""How often the diaries are drawn anew; the ends of an interval then move by a hundredth of its width or two."""

FEWEST_USES = 10
"""Answers with a label below which its own agreement is anybody's guess: the interval spans half the scale and more."""

_PRIOR_DIARIES = 3.0
"""Diaries that the prior of a label's agreement counts for, spread evenly over how many of its readers give it.

Source: simulated in docs/agreement.md; a third of it and less covers 87 to 92 % with two people and ten uses, twice as
much 88 to 90 % with five.
"""

Reason = Literal["no_overlap", "one_value", "unused", "few"]
"""Why there is no figure: no diary has two answers, all answers are the same, nobody gave this label, or
too few did."""

_CELLS = 4_000_000  # numbers drawn at a time: 32 MB
_DIARIES_A_KIND = 10  # one binomial number takes about as long as ten places in a list


@dataclass(frozen=True, slots=True)
class Measure:
    """A coefficient with its 95 % interval, or the reason why there is none.

    Attributes:
        value: 1 is full agreement, 0 what chance would give, below 0 less than that; None if undefined.
        n: diaries behind it.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Kinds:
    """Diaries with at least two answers, those with the same answers put together.

    Attributes:
        answers: (kinds, k) int64, how many people gave each answer.
        diaries: (kinds,) int64, how many diaries are of that kind.
    """

    answers: IntArray
    diaries: IntArray

    @property
    def n(self) -> int:
        """Number of diaries."""
        return int(self.diaries.sum())


def kinds_of(diary_ids: IntArray, answers: IntArray, *, k: int) -> Kinds:
    """Count the answers to each diary; diaries with a single answer say nothing about agreement and are left out.

    Args:
        diary_ids: (n,) any numbers.
        answers: (n,) in [0, k): one person's answer to that diary; nobody twice.
    """
    diaries, place = np.unique(diary_ids, return_inverse=True)
    table = np.bincount(place * k + answers, minlength=len(diaries) * k).reshape(-1, k)
    table = table[table.sum(axis=1) > 1]
    if not len(table):
        return Kinds(np.zeros((0, k), np.int64), np.zeros(0, np.int64))
    # Sorting short rows of bytes is many times faster than sorting rows of numbers.
    rows = np.ascontiguousarray(table.astype(np.uint16)).view(np.dtype((np.void, 2 * k))).ravel()
    _, first, counts = np.unique(rows, return_index=True, return_counts=True)
    return Kinds(table[first], counts.astype(np.int64))


def krippendorff_alpha(kinds: Kinds, distance: FloatArray, *, seed: int = 0, draws: int = DRAWS) -> Measure:
    """Return Krippendorff's alpha: 1 - observed disagreement / disagreement expected by chance.

    Args:
        distance: (k, k), symmetric, 0 on the diagonal, not negative: how much two answers disagree. For numbers it is
            the squared difference, Krippendorff's interval metric. Its scale does not matter.

    Source: Krippendorff (2011), Computing Krippendorff's Alpha-Reliability; intervals by drawing diaries anew,
        Efron and Tibshirani (1993), An Introduction to the Bootstrap, sec. 13.3.
    """
    counts = kinds.answers.astype(np.float64)
    people = counts.sum(axis=1)
    disagreeing = np.einsum("uc,cd,ud->u", counts, distance, counts) / (people - 1)

    def parts(drawn: FloatArray) -> tuple[FloatArray, FloatArray]:
        totals = drawn @ counts
        n = totals.sum(axis=1)
        expected = np.einsum("rc,cd,rd->r", totals, distance, totals) / (n * (n - 1))
        return drawn @ disagreeing / n, expected

    return _measure(kinds, parts, widest=float(distance.max(initial=0)), seed=seed, draws=draws)


def label_alphas(
    kinds: Kinds,
    members: NDArray[np.bool_] | None = None,
    *,
    fewest: int = FEWEST_USES,
    seed: int = 0,
    draws: int = DRAWS,
) -> tuple[Measure, ...]:
    """Return the alpha of each label against all others, with the interval of a posterior.

    Drawing diaries anew never draws an answer that nobody gave, so with few uses of a label it is too sure.

    Args:
        members: (k, labels), which labels an answer holds; None where each answer is one label.
        fewest: answers with a label from which it has a figure.

    Returns:
        One a label. ``unused`` where nobody gave it, ``few`` where fewer than `fewest` answers hold it.

    Source: Krippendorff (2011), binary data.
    """
    inside = kinds.answers if members is None else kinds.answers @ members.astype(np.int64)
    people = kinds.answers.sum(axis=1)
    rng = np.random.default_rng(seed)
    return tuple(_label_alpha(kinds, people, column, fewest=fewest, rng=rng, draws=draws) for column in inside.T)


def _label_alpha(
    kinds: Kinds, people: IntArray, inside: IntArray, *, fewest: int, rng: np.random.Generator, draws: int
) -> Measure:
    """Return the alpha of one label, which `inside` of the `people` gave to each kind of diary."""
    if not kinds.n:
        return Measure(None, None, None, 0, "no_overlap")
    uses, n = int(kinds.diaries @ inside), int(kinds.diaries @ people)
    if uses in (0, n) or uses < fewest:
        return Measure(None, None, None, kinds.n, "unused" if not uses else "one_value" if uses == n else "few")
    disagreeing = float(kinds.diaries @ (2 * inside * (people - inside) / (people - 1))) / n
    value = 1 - disagreeing / (2 * uses * (n - uses) / (n * (n - 1)))
    drawn = _posterior_alphas(kinds.diaries, people, inside, rng=rng, draws=draws)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Measure(value, min(float(low), value), max(float(high), value), kinds.n)


def _posterior_alphas(
    diaries: IntArray, people: IntArray, inside: IntArray, *, rng: np.random.Generator, draws: int
) -> FloatArray:
    """Return draws of a label's alpha, (draws,), from a Dirichlet posterior over how many of its readers give it.

    Source: Rubin (1981), The Bayesian Bootstrap, with a prior over what nobody has answered yet; its weight by the
        simulation in docs/agreement.md.
    """
    sizes = np.unique(people)
    readers = np.repeat(sizes, sizes + 1)
    given = np.concatenate([np.arange(size + 1) for size in sizes])
    counts = np.array([diaries[(people == m) & (inside == j)].sum() for m, j in zip(readers, given, strict=True)])
    read = np.array([diaries[people == m].sum() for m in readers]) / diaries.sum()
    shares = rng.dirichlet(counts + _PRIOR_DIARIES * read / (readers + 1), size=draws)
    n, uses = shares @ readers, shares @ given
    disagreeing = shares @ (2 * given * (readers - given) / (readers - 1)) / n
    by_chance = 2 * (uses / n) * (1 - uses / n)
    return np.asarray(1 - disagreeing / np.maximum(by_chance, np.finfo(float).tiny))


def same_share(kinds: Kinds) -> Measure:
    """Return how often two people who read the same diary answer the same, in [0, 1]; not corrected for chance.

    The interval is over diaries: Wilson's, for as many pairs as these are worth; with two people that is one each.

    Source: Fleiss (1971), Measuring nominal scale agreement among many raters, mean of P_i; Korn and Graubard (1998)
        for the effective number.
    """
    if not kinds.n:
        return Measure(None, None, None, 0, "no_overlap")
    counts = kinds.answers.astype(np.float64)
    people = counts.sum(axis=1)
    agreeing = ((counts**2).sum(axis=1) - people) / (people * (people - 1))
    value = float(kinds.diaries @ agreeing) / kinds.n
    spread = float(kinds.diaries @ (agreeing - value) ** 2) / kinds.n
    worth = kinds.n * value * (1 - value) / spread if spread > 0 else float(kinds.n)
    low, high = wilson(value * worth, worth)
    return Measure(value, low, high, kinds.n)


def right_reader(same: float, *, k: int) -> float:
    """Return how often one reader is right, in [0, 1], if two agree so often; NaN where they agree less than by chance.

    Readers err independently of each other, and as often to each other label. A model that is always right agrees with
    one reader as often as that reader is right, so this is the ceiling of an accuracy that one reader measures.

    Source: two agree where both are right, or both err to the same of the other k - 1 labels; solved for the chance.
    """
    inside = (k - 1) * (k * same - 1)
    return (1 + math.sqrt(inside)) / k if inside >= 0 else math.nan


def cohen_kappa(first: IntArray, second: IntArray, *, k: int, seed: int = 0, draws: int = DRAWS) -> Measure:
    """Return Cohen's kappa of two people.

    Args:
        first, second: (n,) in [0, k): each person's answers to the same diaries.

    Source: Cohen (1960), A coefficient of agreement for nominal scales.
    """
    cells, counts = np.unique(first * k + second, return_counts=True)
    ours, theirs = np.eye(k)[cells // k], np.eye(k)[cells % k]
    differ = (cells // k != cells % k).astype(np.float64)

    def parts(drawn: FloatArray) -> tuple[FloatArray, FloatArray]:
        n = drawn.sum(axis=1)
        by_chance = ((drawn @ ours) * (drawn @ theirs)).sum(axis=1) / n**2
        return drawn @ differ / n, 1 - by_chance

    return _measure(Kinds(cells[:, None], counts), parts, seed=seed, draws=draws)


def coincidences(kinds: Kinds) -> FloatArray:
    """Return how often each pair of answers was given to one diary, (k, k), symmetric.

    Each diary counts as many answers as it has; rows sum to the number of answers of that kind.

    Source: Krippendorff (2011), coincidence matrix.
    """
    counts = kinds.answers.astype(np.float64)
    weight = kinds.diaries / np.maximum(counts.sum(axis=1) - 1, 1)
    pairs = np.einsum("u,uc,ud->cd", weight, counts, counts)
    return np.asarray(pairs - np.diag(weight @ counts))


def nominal_distance(k: int) -> FloatArray:
    """Return the distance that only tells same from different, (k, k)."""
    return np.ones((k, k)) - np.eye(k)


def point_distance(points: FloatArray) -> FloatArray:
    """Return squared distances between the places of labels, (k, k), the largest of which is 1.

    Args:
        points: (k, dimensions), such as valence and arousal.
    """
    squared = ((points[:, None] - points[None]) ** 2).sum(axis=2)
    return np.asarray(squared / max(squared.max(initial=0), np.finfo(float).tiny))


def masi_distance(sets: NDArray[np.bool_]) -> FloatArray:
    """Return the distance between sets of labels, (s, s) in [0, 1]; for single labels it is the nominal one.

    1 - Jaccard similarity x 1 for equal sets, 2/3 where one holds the other, 1/3 where they overlap, 0 otherwise.

    Args:
        sets: (s, labels), at least one label each.

    Source: Passonneau (2006), Measuring Agreement on Set-valued Items (MASI).
    """
    members = sets.astype(np.float64)
    both = members @ members.T
    size = members.sum(axis=1)
    smaller = np.minimum(size[:, None], size[None])
    either = size[:, None] + size[None] - both
    likeness = np.select([both == either, both == smaller, both > 0], [1.0, 2 / 3, 1 / 3], 0.0)
    return np.asarray(1 - both / either * likeness)


def _measure(
    kinds: Kinds,
    parts: Callable[[FloatArray], tuple[FloatArray, FloatArray]],
    *,
    widest: float = 1.0,
    seed: int,
    draws: int,
) -> Measure:
    """Return 1 - observed / expected disagreement with its interval.

    Args:
        parts: takes (r, kinds) numbers of diaries; returns observed and expected disagreement, (r,) each.
        widest: the largest disagreement that a diary can have.
    """
    n = kinds.n
    if not n:
        return Measure(None, None, None, 0, "no_overlap")
    seen, by_chance = (float(part[0]) for part in parts(kinds.diaries[None].astype(np.float64)))
    if by_chance <= 0:
        return Measure(None, None, None, n, "one_value")
    low, high = np.nanquantile(_drawn(kinds.diaries, parts, seed=seed, draws=draws), [0.025, 0.975])
    if seen <= 0:
        # Where nobody ever disagreed, no draw does either; Wilson's bound says how much may have stayed unseen.
        low = min(low, max(-1.0, 1 - wilson(0, n)[1] * widest / by_chance))
    return Measure(float(1 - seen / by_chance), float(low), float(high), n)


def _drawn(
    diaries: IntArray, parts: Callable[[FloatArray], tuple[FloatArray, FloatArray]], *, seed: int, draws: int
) -> FloatArray:
    """Return the coefficient of diaries drawn anew, (draws,); NaN where a draw leaves it undefined."""
    rng = np.random.default_rng(seed)
    step = max(1, _CELLS // len(diaries))
    coefficients = []
    for start in range(0, draws, step):
        drawn = _numbers(rng, diaries, min(step, draws - start)).astype(np.float64)
        observed, expected = parts(drawn)
        coefficients.append(1 - np.divide(observed, expected, out=np.full_like(observed, np.nan), where=expected > 0))
    return np.concatenate(coefficients)


def _numbers(rng: np.random.Generator, diaries: IntArray, size: int) -> IntArray:
    """Return how many diaries of each kind are drawn, (size, kinds): by whichever of two equivalent ways is faster."""
    n = int(diaries.sum())
    if n > _DIARIES_A_KIND * len(diaries):
        return rng.multinomial(n, diaries / n, size=size)
    kind = np.repeat(np.arange(len(diaries)), diaries)
    return np.stack([np.bincount(kind[rng.integers(n, size=n)], minlength=len(diaries)) for _ in range(size)])
