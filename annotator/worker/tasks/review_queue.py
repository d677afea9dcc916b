"""The review queue, kept up to date: after a round as a whole, after a decision only for its diary.

What the model thinks of test diaries decides nothing while these are blind: a reviewer who mends only those labels
that the model doubts would bend what it is measured on. Only people who disagree bring them here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from annotator.label_sets import projection
from annotator.serving import explaining
from db.label_sets import labels
from db.models import explanations, models, predictions, rounds
from db.review import label_issues, queue, reviews
from db.review.queue import Filter, Suspect
from db.texts import diaries
from learner.data_quality import review_signals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from annotator.serving.runtime import ModelRuntime
    from annotator.settings import Settings
    from db import Database
    from db.models.models import Model
    from db.review.queue import Votes

    FloatArray = NDArray[np.float64]

MOST_EXPLAINED = 2_000
"""Explanations that are looked through after a round, the newest: about two seconds of analysis."""

HEAD = 12
"""Rows at the head of the queue whose diaries are explained ahead."""

_OUTCOMES_A_STEP = 25
"""Reviews after which the weights of the signals are fitted anew."""

_DIGITS = 4


def refresh(runtime: ModelRuntime, db: Database) -> bool:
    """Bring the queue up to date; return False if it was."""
    settings, active, made_from = runtime.settings(db), models.find_active(db), queue.made_from(db)
    sources = queue.sources(db)
    base = [active.id if active else 0, sources["doubts"], sources["labels"], sources["checks"], settings.blind_test]
    base.append(len(outcomes := reviews.list_outcomes(db)) // _OUTCOMES_A_STEP)
    now = {"base": base, "decision": sources["decision"], "explained": sources["explained"]}
    if {key: made_from.get(key) for key in now} == now:
        return False
    some: list[int] | None = None
    if made_from.get("base") == base:
        weights = review_signals.Weights(*made_from["weights"])
        some = queue.list_changed(db, after=made_from["decision"])
        if active is not None:
            some += queue.list_explained(db, active.id, after=made_from["explained"], limit=MOST_EXPLAINED)
    else:
        weights = _calibrate(db, outcomes)
    votes = queue.list_votes(db, some)
    suspects = _suspects(db, votes, active, settings, weights)
    suspect_ids = {suspect.diary_id for suspect in suspects}
    gone = [i for i in (queue.list_ids(db) if some is None else some) if i not in suspect_ids]
    queue.store(db, suspects, gone=gone, made_from={**now, "weights": list(weights)})
    return True


def explain_next(runtime: ModelRuntime, db: Database) -> bool:
    """Explain the first open diary of the queue that has no explanation yet; return False if all have one."""
    serving = runtime.serving(db)
    if serving is None or serving.model.tier == "zero":
        return False
    settings = runtime.settings(db)
    head = [row.diary_id for row in queue.list_rows(db, Filter(), limit=HEAD)
            if not (row.part == "test" and settings.blind_test)]  # fmt: skip
    due = explanations.list_unexplained(db, head, serving.model.id, settings.unit)
    # Without a vector there is no prediction that could be explained.
    due = [i for i in due if predictions.find_proba(db, serving.model, i) is not None]
    if not due:
        return False
    explaining.explain_diary(runtime, db, serving, due[0])
    return True


def _calibrate(db: Database, outcomes: Sequence[tuple[int, bool]]) -> review_signals.Weights:
    """Return weights that fit what reviewers found; a settled diary's row stays as they met it."""
    signals = queue.signals_of(db, [diary_id for diary_id, _ in outcomes])
    examples = [(signals[diary_id], is_wrong) for diary_id, is_wrong in outcomes if diary_id in signals]
    strengths = np.array([[fired.get(name, 0.0) for name in review_signals.SIGNALS] for fired, _ in examples]).reshape(
        -1, 4
    )
    return review_signals.calibrate(strengths, np.array([is_wrong for _, is_wrong in examples], np.bool_))


def _suspects(
    db: Database, raw_votes: Votes, active: Model | None, settings: Settings, weights: review_signals.Weights
) -> list[Suspect]:
    """Return the diaries on which a signal fires."""
    votes = review_signals.count_votes(raw_votes.diary_ids, raw_votes.label_ids)
    decision_ids = raw_votes.decision_ids[votes.rows]
    hidden = raw_votes.is_test[votes.rows] & settings.blind_test
    # Labels that were checked again before there were reviews stay checked.
    hidden |= np.isin(decision_ids, label_issues.list_checked(db))
    strengths = np.zeros((len(votes.items), len(review_signals.SIGNALS)))
    strengths[:, 1] = votes.disagreement
    proba = _predictions(db, active, votes.items)
    quality, suggested, flagged = _doubts(db, votes, decision_ids, proba)
    strengths[:, 0] = np.where(hidden, 0, review_signals.low_confidence(quality))
    strengths[:, 2] = np.where(hidden, 0, review_signals.label_error(quality, suggested, flagged))
    strengths[:, 3] = np.where(hidden, 0, _odd(db, active, settings, votes.items, proba))
    errors = review_signals.expected_error(strengths, weights)
    fired = np.flatnonzero(strengths.any(axis=1))
    rounded = np.round(strengths, _DIGITS).tolist()
    return [
        Suspect(
            int(votes.items[row]),
            round(float(errors[row]), _DIGITS),
            {name: value for name, value in zip(review_signals.SIGNALS, rounded[row], strict=True) if value > 0},
        )
        for row in fired.tolist()
    ]


def _predictions(db: Database, active: Model | None, items: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the serving model's predictions of diaries, (n, k) for the labels in force; NaN where there is none.

    The first model, which has seen no label, is no reason to doubt one.
    """
    if active is None or active.tier == "zero" or not len(items):
        return np.full((len(items), 1), np.nan, np.float32)
    stored = projection.load_predictions(db, active)
    proba = np.full((len(items), stored.shape[1]), np.nan, np.float32)
    there = items <= len(stored)
    proba[there] = stored[items[there] - 1]
    return proba


def _doubts(
    db: Database,
    votes: review_signals.Votes,
    decision_ids: NDArray[np.int64],
    proba: NDArray[np.float32],
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Return quality of the labels in force, probability of the likeliest other one, and which look like mistakes.

    By heads that had not seen the label where the last round learned from it, otherwise by the serving model.
    """
    column_of = {label.id: column for column, label in enumerate(labels.list_labels(db))}
    columns = np.array([column_of.get(int(i), -1) for i in votes.columns], np.int64)
    known = (columns >= 0) & np.isfinite(proba[:, 0])
    quality = np.full(len(columns), np.nan)
    quality[known] = proba[known, columns[known]]
    suggested, flagged = np.full(len(columns), np.nan), np.zeros(len(columns), np.bool_)
    doubts = label_issues.load(db)
    place = np.searchsorted(doubts.decision_ids, decision_ids)
    place[place == len(doubts.decision_ids)] = 0
    learned = doubts.decision_ids[place] == decision_ids if len(doubts.decision_ids) else flagged
    quality[learned], flagged[learned] = doubts.quality[place[learned]], doubts.flagged[place[learned]]
    other = _other_proba(db, doubts.model_id)
    for row in np.flatnonzero(flagged).tolist():
        suggested[row] = other.get(str(decision_ids[row]), np.nan)
    return quality, suggested, flagged


def _other_proba(db: Database, model_id: int | None) -> dict[str, Any]:
    """Return the probability that a round's heads gave the other label, by each decision that looks like a mistake."""
    this = None if model_id is None else rounds.find_by_model(db, model_id)
    proba: dict[str, Any] = {} if this is None else this.report.get("study", {}).get("doubts", {})
    return proba


def _odd(
    db: Database, active: Model | None, settings: Settings, items: NDArray[np.int64], proba: NDArray[np.float32]
) -> FloatArray:
    """Return the strength of the signal for implausible explanations, (n,)."""
    strength = np.zeros(len(items))
    if active is None or not np.isfinite(proba).any():
        return strength
    explained = np.array(queue.list_explained(db, active.id, limit=MOST_EXPLAINED), np.int64)
    rows = np.flatnonzero(np.isin(items, explained) & (np.nan_to_num(proba).max(axis=1) >= review_signals.SURE_FROM))
    texts = diaries.list_texts(db, items[rows].tolist())
    for row, text in zip(rows.tolist(), texts, strict=True):
        explanation = projection.find_explanation(db, active, int(items[row]), settings.unit)
        if explanation is not None and explanation.spans:
            column = int(proba[row].argmax())
            weights = explanation.weights[:, [column]]
            strength[row] = review_signals.implausible_explanation(
                text, explanation.spans, weights, proba=float(proba[row, column])
            )
    return strength
