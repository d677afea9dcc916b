"""Rounds for people: what one would learn from, requesting one, its outcome, going back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from annotator import settings
from annotator.errors import UserError
from annotator.label_sets import projection
from annotator.training import tier_gains
from annotator.training.versions import get_version
from db.answers import decisions, rationales
from db.label_sets import labels
from db.models import encoders, facts, models, rounds
from learner.encoders.precision import split_name

if TYPE_CHECKING:
    from annotator.training.tier_gains import Gain
    from db import Database
    from db.models.models import Model
    from db.models.rounds import Round as Round

TIERS = ("instant", "adapter", "full")
"""What a round trains: the head alone, an adapter on the encoder too, or the encoder's upper layers."""

FIRST_OFFER = 100
"""Labels at which a deeper tier is first offered if it pays, and again whenever they have doubled."""

_FEWEST_LABELS = 2
_FIRST_GUESS_SECONDS = 3.0
_FIRST_GUESS_TEXTS_PER_SECOND = 25.0
_ENCODED_TEXTS = 1500
"""What a deeper round usually encodes anew."""

_TUNING = {"adapter": (1500, 4, 2), "full": (4000, 3, 4)}
"""By tier: texts that are tuned on at least, all epochs together; epochs at least; what a text costs, in encodings.

An adapter's loss goes back through four layers, a full tier's through eight, and its evaluations come on top.
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the next round would learn from.

    Attributes:
        label_count: labels that would train, in force now.
        new_count: labels of these and of the test part that the serving model has not seen.
        new_train_count: of these, the labels that would train.
        new_mark_count: marks on words that the serving model has not seen.
        test_count: labels that it would be measured on.
        labels_in_use: different labels among those that train.
        expected_seconds: from the last round, scaled by the labels.
        obstacle: message key of why it can't start; None if it can.
        labels_changed: whether the label set has changed since the serving model learned.
        offered_tier: a deeper tier that is worth its time now; None for none.
        tier_seconds: expected seconds of a round by tier.
        tier_gains: what each deeper tier gained with about so many labels; None where that was not measured.
    """

    label_count: int
    new_count: int
    new_train_count: int
    new_mark_count: int
    test_count: int
    labels_in_use: int
    expected_seconds: float
    obstacle: str | None
    labels_changed: bool
    offered_tier: str | None
    tier_seconds: dict[str, float]
    tier_gains: dict[str, Gain | None]


def plan_round(db: Database) -> Plan:
    """Return what a round would learn from now."""
    counts = decisions.count_by_label(db, part="pool")
    training = {label.id: counts[label.id] for label in labels.list_labels(db) if label.id in counts}
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
        new_mark_count=rationales.count_since(db, int(active.settings.get("last_rationale_id", 0)) if active else 0),
        test_count=sum(decisions.count_by_label(db).values()) - sum(counts.values()),
        labels_in_use=len(training),
        expected_seconds=_expected_seconds(db, label_count),
        obstacle=obstacle,
        labels_changed=bool(learned) and active is not None and not projection.current_projection(db, active).is_same,
        offered_tier=_offered_tier(db, label_count),
        tier_seconds={tier: _expected_seconds(db, label_count, tier) for tier in TIERS},
        tier_gains={tier: tier_gains.expected(tier, label_count) for tier in TIERS[1:]},
    )


def _offered_tier(db: Database, label_count: int) -> str | None:
    """Return the tier to offer when a threshold of labels was passed since an encoder was last tuned, or tried to be.

    Only one that was measured to pay with so many labels is offered, an adapter first, which takes less time.
    """
    tier = next((tier for tier in TIERS[1:] if tier_gains.pays(tier, label_count)), None)
    if tier is None or settings.load(db).deeper_tier == "off" or label_count < FIRST_OFFER:
        return None
    threshold = FIRST_OFFER * 2 ** int(math.log2(label_count / FIRST_OFFER))
    deeper = [int(r.report["train"]) for r in rounds.list_rounds(db) if r.tier != "instant" and r.report.get("train")]
    if deeper and deeper[-1] >= threshold:
        return None
    return tier


def _expected_seconds(db: Database, label_count: int, tier: str = "instant") -> float:
    done = [r for r in rounds.list_rounds(db) if r.status == "done" and r.tier == tier and r.report.get("train")]
    if not done and tier != "instant":
        rate = facts.texts_per_second(db) or _FIRST_GUESS_TEXTS_PER_SECOND
        fewest, epochs, cost = _TUNING[tier]
        return (cost * max(fewest, epochs * label_count) + _ENCODED_TEXTS) / rate
    if not done:
        return _FIRST_GUESS_SECONDS
    last = done[-1]
    return max(1.0, rounds.seconds_of(last) * label_count / int(last.report["train"]))


def request(db: Database, *, annotator_id: int | None, tier: str = "instant") -> int:
    """Request a round and return its id; the worker runs it.

    Args:
        tier: one of `TIERS`: what is trained beside the head.

    Raises:
        UserError: if fewer than two labels are in use, or there is no such tier.
        DatabaseError: ``round_open`` if one is waiting or running.
    """
    if tier not in TIERS:
        raise UserError("setting_unknown", setting="tier", found=tier, known=", ".join(TIERS))
    current = plan_round(db)
    if current.obstacle == "round.obstacle.labels":
        raise UserError("labels_of_one_kind", count=current.label_count)
    return rounds.request_round(db, annotator_id=annotator_id, tier=tier)


def request_offered_round(db: Database) -> bool:
    """Request a round of the offered tier if the settings leave that to the worker; return whether it did."""
    if settings.load(db).deeper_tier != "start":
        return False
    current = plan_round(db)
    if current.offered_tier is None or current.obstacle is not None:
        return False
    rounds.request_round(db, annotator_id=None, tier=current.offered_tier)
    return True


def find_open(db: Database) -> Round | None:
    """Return the round that is waiting or running, if any."""
    return rounds.find_open(db)


def find_last_ended(db: Database) -> Round | None:
    """Return the newest round that is done, failed or cancelled, if any."""
    return next((r for r in reversed(rounds.list_rounds(db)) if r.ended_at is not None), None)


def count_looks(db: Database) -> int:
    """Count the rounds that have compared two versions: each was a look that might have called them different."""
    return sum(r.status == "done" and r.report.get("p") is not None for r in rounds.list_rounds(db))


def seconds_of(ended: Round) -> float:
    """Return how long a round trained, from its begin to its end."""
    return rounds.seconds_of(ended)


def waited_of(begun: Round) -> float:
    """Return how long a round waited before it began."""
    return rounds.waited_of(begun)


def cancel(db: Database) -> bool:
    """Ask the open round to stop; return whether there was one."""
    current = rounds.find_open(db)
    if current is not None:
        rounds.ask_cancel(db, current.id)
    return current is not None


def activate(db: Database, version: int) -> None:
    """Put an earlier or later version in force; the worker then updates predictions and queue.

    Raises:
        UserError: if there is no such version, or it does not fit the label set or the encoder in use.
    """
    chosen, active = get_version(db, version), models.find_active(db)
    if active is not None and active.encoder_hash != chosen.encoder_hash and not _is_known(db, chosen):
        raise UserError("model_of_other_encoder", version=version, made=chosen.encoder, now=active.encoder)
    if projection.current_projection(db, chosen).known_count < _FEWEST_LABELS:
        raise UserError("model_of_other_labels", version=version)
    models.activate(db, chosen.id, reason="person")


def _is_known(db: Database, model: Model) -> bool:
    """Return whether a version's encoder is the settings' one or was tuned from it here, or is a form of either."""
    base = settings.load(db).encoder
    plain, _ = split_name(model.encoder)
    tuned = encoders.find_by_name(db, plain)
    return model.encoder == base or plain == base or (tuned is not None and tuned.base == base)


def learned_up_to(db: Database, model: Model | None) -> int:
    """Return the newest decision that a model may have learned from; 0 for one that needs no label."""
    if model is None or not model.training_decisions:
        return 0
    this = rounds.find_by_model(db, model.id)
    return (this.last_decision_id or 0) if this else max(model.training_decisions)
