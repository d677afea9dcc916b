"""How right each reader is, and what a diary's label is, estimated together, with the model as one more reader.

Readers are taken to know a label or to guess: whoever doesn't know answers from a distribution of their own, so that
one who always says the same is told from one who is often right about the commonest label. Each label's row of a
reader's confusions may depart from that as far as there is evidence. Priors hold where few diaries are shared, or none.

Source: Dawid and Skene (1979), Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm; Hovy et
al. (2013), Learning Whom to Trust with MACE, for readers who know or guess; Goh et al. (2022), CROWDLAB, for the model
as a reader.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

PRIOR_KNOWN = 0.8
PRIOR_DECISIONS = 5.0
"""Share of the labels that readers know, and the decisions which that counts for beforehand."""

PRIOR_ROW = 20.0
"""Decisions beforehand for each label of a reader's confusions to be those of one who knows or guesses."""

PRIOR_FREQUENCY = 5.0
"""Diaries beforehand for each label to be as frequent as it is among the decisions, and for guesses to be so."""

FREQUENCY_WEIGHT = 0.7
"""How much the labels' frequencies count; with all of it, rare labels pass for mistakes. Chosen in docs/learning.md."""

MODEL_WEIGHT = 1.0
"""How much of its own certainty the model's answer counts for; chosen in docs/learning.md."""

_ROUNDS = 50
_SMALL = 1e-6


@dataclass(frozen=True, slots=True)
class Estimate:
    """What readers say together.

    Attributes:
        posterior: (n, k) how likely each label is, rows sum to 1.
        right: (readers,) how often each is right, over labels as frequent as the estimate has them.
    """

    posterior: FloatArray
    right: FloatArray


def estimate(places: IntArray, who: IntArray, said: FloatArray, answers: FloatArray | None = None) -> Estimate:
    """Return the labels of diaries, and how right their readers are.

    Args:
        places, who: (m,) the diary in [0, n) and the reader of each decision; every diary has one.
        said: (m, k) what it says, rows sum to 1.
        answers: (n, k) probabilities by a model that has not seen the diary's label; None for none.
    """
    overall = (said.sum(axis=0) + 1) / (len(said) + said.shape[1])
    guesses = _sums(who, said) + PRIOR_FREQUENCY * overall
    guesses /= guesses.sum(axis=1, keepdims=True)
    theirs = [np.flatnonzero(who == reader) for reader in range(len(guesses))]
    posterior = _sums(places, said)
    posterior /= posterior.sum(axis=1, keepdims=True)
    evidence = _of_model(answers, overall, len(posterior))
    for _ in range(_ROUNDS):
        counts = np.stack([posterior[places[is_theirs]].T @ said[is_theirs] for is_theirs in theirs])
        confusions = _confusions(counts, guesses)
        frequencies = posterior.sum(axis=0) + PRIOR_FREQUENCY * len(overall) * overall
        logits = evidence + FREQUENCY_WEIGHT * np.log(frequencies / frequencies.sum())
        for reader, is_theirs in enumerate(theirs):
            np.add.at(logits, places[is_theirs], said[is_theirs] @ np.log(confusions[reader]).T)
        before, posterior = posterior, _softmax(logits)
        if np.abs(posterior - before).max(initial=0) < _SMALL:
            break
    right = np.einsum("rzz,z->r", confusions, posterior.mean(axis=0))
    return Estimate(posterior, right)


def _sums(groups: IntArray, rows: FloatArray) -> FloatArray:
    """Return the sum of the rows of each group, (groups, k)."""
    sums = np.zeros((int(groups.max()) + 1, rows.shape[1]))
    np.add.at(sums, groups, rows)
    return sums


def _of_model(answers: FloatArray | None, overall: FloatArray, n: int) -> FloatArray:
    """Return what the model's answers say beyond how often it gives each, (n, k) logarithms."""
    if answers is None:
        return np.zeros((n, len(overall)))
    usual = (answers.sum(axis=0) + PRIOR_FREQUENCY * overall) / (n + PRIOR_FREQUENCY)
    return np.asarray(MODEL_WEIGHT * (np.log(answers + _SMALL) - np.log(usual)), np.float64)


def _confusions(counts: FloatArray, guesses: FloatArray) -> FloatArray:
    """Return each reader's probability of saying the second label where the first is it, (readers, k, k).

    Args:
        counts: (readers, k, k) how often they did, as far as the labels are known.
    """
    k = counts.shape[1]
    known = _share_known(counts, guesses)[:, None, None]
    prior = known * np.eye(k) + (1 - known) * guesses[:, None, :]
    rows = counts + PRIOR_ROW * prior
    return np.asarray(rows / rows.sum(axis=2, keepdims=True), np.float64)


def _share_known(counts: FloatArray, guesses: FloatArray) -> FloatArray:
    """Return the share of labels that each reader knows, (readers,): a right answer may be a guess, too."""
    right, total = np.einsum("rzz->rz", counts), counts.sum(axis=(1, 2))
    known = np.full(len(counts), PRIOR_KNOWN)
    for _ in range(10):
        share = known[:, None] / (known[:, None] + (1 - known[:, None]) * guesses)
        known = ((right * share).sum(axis=1) + PRIOR_DECISIONS * PRIOR_KNOWN) / (total + PRIOR_DECISIONS)
    return known


def _softmax(logits: FloatArray) -> FloatArray:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), np.float64)
