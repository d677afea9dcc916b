"""Made-up readers of known texts, and the ways to make one label of what they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from learner.classification import classifier as classifiers
from learner.classification import soft_labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

READERS = 5
READERS_A_TEXT = 3
PANELS = {
    "good": (0.9, 0.87, 0.85, 0.83, 0.8),
    "mixed": (0.9, 0.8, 0.7, 0.6, 0.5),
    "spammer": (0.87, 0.85, 0.8, 0.75),
    "random": (0.87, 0.83, 0.8),
    "confuser": (0.87, 0.85, 0.8, 0.75),
    "bad": (0.9, 0.85, 0.4, 0.35, 0.3),
}
"""How often each reader of a panel knows the label; the others always say the same, guess, or mix labels up."""

_LIKE = 5.0
"""How much likelier a mistake is between labels whose texts are alike."""


@dataclass(frozen=True, slots=True)
class Given:
    """What readers said, in a random order: the text, the reader and the label of each decision, (m,) each."""

    items: IntArray
    people: IntArray
    columns: IntArray


def simulate(
    truth: IntArray, alike: FloatArray, panel: str, overlap: float, *, k: int, rng: np.random.Generator
) -> Given:
    """Let a panel read texts.

    Args:
        truth: (n,) the label of each text.
        alike: (k, k) what a label is mistaken for, rows sum to 1.
        overlap: share of the texts that three readers get; the others have one.
    """
    confusions = _panel(panel, alike, k=k, rng=rng)
    is_shared = rng.permutation(len(truth)) < round(overlap * len(truth))
    rows = [
        (item, person, rng.choice(k, p=confusions[person][truth[item]]))
        for item in range(len(truth))
        for person in rng.permutation(READERS)[: READERS_A_TEXT if is_shared[item] else 1]
    ]
    items, people, columns = np.array(rows, np.int64)[rng.permutation(len(rows))].T
    return Given(items, people, columns)


def _panel(panel: str, alike: FloatArray, *, k: int, rng: np.random.Generator) -> list[FloatArray]:
    mistakes = 0.5 * alike + 0.5 * (1 - np.eye(k)) / (k - 1)
    people = [share * np.eye(k) + (1 - share) * mistakes for share in PANELS[panel]]
    missing = READERS - len(people)
    always = np.tile(np.eye(k)[rng.integers(k)], (k, 1))
    mixed_up = 0.85 * np.roll(np.eye(k), 1, axis=1) + 0.15 / k
    others = {"spammer": always, "random": np.full((k, k), 1 / k), "confuser": mixed_up}
    return people + [others[panel]] * missing if missing else people


def likeness(features: NDArray[np.float32], truth: IntArray, *, k: int) -> FloatArray:
    """Return what each label is mistaken for, (k, k): labels whose texts are alike, never itself."""
    means = np.stack([features[truth == column].mean(axis=0) for column in range(k)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    likely = np.exp(_LIKE * (means @ means.T)) * (1 - np.eye(k))
    return np.asarray(likely / likely.sum(axis=1, keepdims=True), np.float64)


@dataclass(frozen=True, slots=True)
class Labels:
    """What is served of each text, (n,), the shares to learn from, (n, k), and how right each reader is taken to be."""

    columns: IntArray
    targets: FloatArray
    right: dict[int, float]

    @property
    def likeliest(self) -> IntArray:
        """The label with the largest share, (n,); of equal ones the one that is served."""
        return (self.targets + 1e-9 * np.eye(self.targets.shape[1])[self.columns]).argmax(axis=1)


def by_agreement(given: Given, *, k: int) -> Labels:
    """Return labels by agreement-weighted votes, as rounds made them before."""
    said = np.eye(k)[given.columns]
    votes = _summed(given.items, said)
    others = votes.sum(axis=1)[given.items] - 1
    agreeing = ((votes[given.items] - said) * said).sum(axis=1)
    overlaps, agreements = (np.bincount(given.people, x, minlength=READERS) + 10 for x in (others, agreeing))
    weights = agreements / overlaps
    weighed = _summed(given.items, weights[given.people, None] * said)
    newest = np.zeros_like(weighed)
    newest[given.items, given.columns] = 1e-9 * np.arange(1, len(given.items) + 1)
    targets = weighed / weighed.sum(axis=1, keepdims=True)
    return Labels((weighed + newest).argmax(axis=1), targets, dict(enumerate(weights.tolist())))


def by_majority(given: Given, *, k: int) -> Labels:
    """Return labels by plain votes."""
    soft = soft_labels.votes(given.items, given.columns, k=k)
    return Labels(soft.columns, soft.targets.astype(np.float64), {})


def by_dawid_skene(given: Given, *, k: int) -> Labels:
    """Return labels by Dawid and Skene's estimate without priors, beyond a hundredth of a decision."""
    said = np.eye(k)[given.columns]
    posterior = _summed(given.items, said)
    posterior /= posterior.sum(axis=1, keepdims=True)
    for _ in range(50):
        confusions = np.full((READERS, k, k), 0.01)
        np.add.at(confusions, given.people, posterior[given.items][:, :, None] * said[:, None, :])
        confusions /= confusions.sum(axis=2, keepdims=True)
        logits = np.tile(np.log(posterior.mean(axis=0) + 1e-9), (len(posterior), 1))
        np.add.at(logits, given.items, np.log(confusions[given.people, :, given.columns]))
        posterior = classifiers.softmax(logits.astype(np.float32)).astype(np.float64)
    right = np.einsum("rzz,z->r", confusions, posterior.mean(axis=0))
    return Labels(posterior.argmax(axis=1), posterior, dict(enumerate(right.tolist())))


def by_crowdlab(given: Given, answers: NDArray[np.float32], *, k: int) -> Labels:
    """Return labels by cleanlab's CROWDLAB; plain votes where it refuses, as where nobody shares a text."""
    import pandas as pd
    from cleanlab.multiannotator import get_label_quality_multiannotator

    table = np.full((len(answers), READERS), np.nan)
    table[given.items, given.people] = given.columns
    seen = pd.DataFrame(table).dropna(axis=1, how="all")
    proba = answers.astype(np.float64) + 1e-6
    proba /= proba.sum(axis=1, keepdims=True)
    try:
        quality = get_label_quality_multiannotator(seen, proba, verbose=False)["label_quality"]
    except (ValueError, AssertionError):
        return by_majority(given, k=k)
    columns = quality.consensus_label.to_numpy().astype(np.int64)
    return Labels(columns, np.eye(k)[columns], {})


def by_readers(given: Given, answers: NDArray[np.float32] | None = None, *, k: int) -> Labels:
    """Return labels as a round makes them."""
    soft = soft_labels.consensus(given.items, given.people, given.columns, k=k, answers=answers)
    return Labels(soft.columns, soft.targets.astype(np.float64), soft.right)


def _summed(items: IntArray, rows: FloatArray) -> FloatArray:
    sums = np.zeros((int(items.max()) + 1, rows.shape[1]))
    np.add.at(sums, items, rows)
    return sums
