"""Rounds as people meet them: what one would learn from, asking for one, what came of it, going back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from annotator.errors import UserError
from annotator.labelling import learned_up_to
from db import decisions, labels, models, rounds

if TYPE_CHECKING:
    from db import Database
    from db.rounds import Round as Round

_FIRST_GUESS_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What the next round would learn from.

    Attributes:
        label_count: labels that would train, in force now.
        new_count: labels of these and of the test part that the serving model has not seen.
        new_train_count: of these, the labels that would train.
        test_count: labels that it would be measured on.
        labels_in_use: different labels among those that train.
        expected_seconds: from the last round, scaled by the labels.
        obstacle: message key of why it can't start; None if it can.
    """

    label_count: int
    new_count: int
    new_train_count: int
    test_count: int
    labels_in_use: int
    expected_seconds: float
    obstacle: str | None


def plan(db: Database) -> Plan:
    """Say what a round would learn from now."""
    training = decisions.count_by_label(db, part="pool")
    active = models.find_active(db)
    learned = learned_up_to(db, active)
    label_count = sum(training.values())
    obstacle = None
    if rounds.find_open(db) is not None:
        obstacle = "round.obstacle.open"
    elif len(training) < 2:
        obstacle = "round.obstacle.labels"
    return Plan(
        label_count=label_count,
        new_count=decisions.count_since(db, learned),
        new_train_count=decisions.count_since(db, learned, part="pool"),
        test_count=sum(decisions.count_by_label(db, part="test").values()),
        labels_in_use=len(training),
        expected_seconds=_expected_seconds(db, label_count),
        obstacle=obstacle,
    )


def _expected_seconds(db: Database, label_count: int) -> float:
    done = [r for r in rounds.list_rounds(db) if r.status == "done" and r.report.get("train")]
    if not done:
        return _FIRST_GUESS_SECONDS
    last = done[-1]
    return max(1.0, rounds.seconds_of(last) * label_count / int(last.report["train"]))


def request(db: Database, *, annotator_id: int | None) -> int:
    """Ask for a round and return its id; the worker takes it from here.

    Raises:
        UserError: if fewer than two labels are in use.
        DatabaseError: ``round_open`` if one is waiting or running.
    """
    current = plan(db)
    if current.obstacle == "round.obstacle.labels":
        raise UserError("labels_of_one_kind", count=current.label_count)
    return rounds.request_round(db, annotator_id=annotator_id)


def find_open(db: Database) -> Round | None:
    """Return the round that is waiting or running, if any."""
    return rounds.find_open(db)


def find_last_ended(db: Database) -> Round | None:
    """Return the newest round that is done, failed or cancelled, if any."""
    return next((r for r in reversed(rounds.list_rounds(db)) if r.ended_at is not None), None)


def seconds_of(ended: Round) -> float:
    """Return how long a round took from the press to its end."""
    return rounds.seconds_of(ended)


def cancel(db: Database) -> bool:
    """Ask the open round to stop; return whether there was one."""
    current = rounds.find_open(db)
    if current is not None:
        rounds.ask_cancel(db, current.id)
    return current is not None


def activate(db: Database, version: int) -> None:
    """Let an earlier or later version serve; the worker brings predictions and queue after it.

    Raises:
        UserError: if there is no such version, or it does not fit the label set or the encoder in use.
    """
    found = [model for model in models.list_models(db) if model.version == version]
    if not found:
        newest = max((model.version for model in models.list_models(db)), default=None)
        if newest is None:
            raise UserError("no_model_yet")
        raise UserError("version_unknown", found=version, newest=newest)
    active = models.find_active(db)
    if active is not None and active.encoder_hash != found[0].encoder_hash:
        raise UserError("model_of_other_encoder", version=version, made=found[0].encoder, now=active.encoder)
    if found[0].label_ids != tuple(label.id for label in labels.list_labels(db)):
        raise UserError("model_of_other_labels", version=version)
    models.activate(db, found[0].id, reason="person")
