"""The settings of a project, kept in its database."""

from __future__ import annotations

import re
import secrets
from dataclasses import asdict, dataclass, field, replace
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal

from annotator.errors import UserError
from annotator.label_sets import distances as label_distance
from db import settings as stored
from db.connection import file_of, write
from db.errors import DatabaseError
from db.models import explanations
from db.people import audit_log
from db.pool import manifest
from db.texts.diaries import DRAW_RANGE
from learner.active_learning import query_strategies
from learner.encoders import emotion_editions
from learner.pool import storage

if TYPE_CHECKING:
    from db import Database

ENCODER = emotion_editions.SECOND
"""The encoder of a new project: the bundled one, tuned on Korean emotions."""

LEASE_SECONDS = 180.0
"""A browser tab that has said nothing for this long gives its diaries back."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a project works.

    Attributes:
        seed: hex; every random choice of the project follows from it.
        encoder: ``bundled``, a hub name or a folder.
        strategy: query strategy, a key of `learner.active_learning.query_strategies.STRATEGIES`.
        uniform_share: share of the pool diaries asked for that are drawn uniformly at random: what active learning is
            compared with, and a guard against what it overlooks.
        test_share: share of the diaries set apart at import, at random by writers or texts, to measure on.
        writer_cut: which writers' diaries these are; 0 where texts are drawn. See `annotator.importing.parts`.
        blind_test: show test diaries without the prediction, which would sway the answer that it is measured by.
        blind_share: share of the other diaries that are shown without prediction and explanation, so that it can be
            seen whether people are drawn to the model's answer; see `annotator.quality.automation_bias`.
        unit: what explanations speak about.
        removal: what takes the place of a removed word in explanations: nothing, or the checkpoint's mask token; see
            `annotator.serving.mask_comparison`.
        explanation_method: ``fast``, or ``lime`` as the literature has it, in minutes a diary; see
            `learner.explanation.explainer`.
        overlap: how many people decide a diary, for the `overlap_share` of the diaries; one decides the others.
        overlap_share: share of the diaries, drawn by chance at import, that `overlap` people decide.
        repeat_share: share of what a person is handed that they have decided before, to see how steady they are.
        gold_share: share of what a person is handed that comes from the gold diaries, as long as there are any.
        searched_share: share of what a person is handed that somebody searched for, at most; see
            `annotator.finding.sending`.
        group_check_share: share of what is ticked on the grid of many diaries that is asked about singly and blind
            later; see `annotator.labelling.group_acts`.
        several_labels: a decision may name more than one emotion.
        intensity: a decision may say how strong the emotion is, from 1 to 5.
        mask: cover what could name or reach a person wherever a diary is shown or exported; see
            `annotator.privacy.masking`.
        mask_names: cover names of persons too, which can only be guessed at.
        feelings_over_time: show writers' feelings over time although several people work here; see
            `annotator.quality.over_time`.
        break_minutes: minutes of labelling in a row after which a break is suggested; 0 never suggests one.
        label_distance: how much two labels differ, for agreement; see `annotator.label_sets.distances`.
        precision: how exactly diaries are encoded from the next round on; ``auto`` takes what is fastest on the machine
            and answers the same, see `annotator.worker.tasks.precision`.
        deeper_tier: whether training the encoder itself, where it pays, is offered at 100, 200, … labels, or started.
        use_dictionary: let the words of the word-emotion dictionary move predictions; see
            `annotator.dictionary.adjustment`.
        prediction_sets: name beside a prediction all labels that it takes to be right in nine of ten diaries; see
            `annotator.training.prediction_sets`.
        refuse_forgotten: leave texts out of imports that were forgotten; see `annotator.privacy.forgetting`.
        pool: address of the pool in shards that rounds choose from; empty where they choose from the diaries here.
        engine: what works on its shards: processes of this computer, or a Ray cluster.
        cluster: address of that cluster, or ``auto`` for the one that this computer belongs to.
        speech_model: hub name or folder of a speech checkpoint that writes down what is said; empty for none.
    """

    seed: str
    encoder: str = ENCODER
    strategy: str = query_strategies.DEFAULT
    uniform_share: float = 0.1
    test_share: float = 0.2
    writer_cut: int = 0
    blind_test: bool = True
    blind_share: float = 0.1
    unit: Literal["eojeol", "morpheme", "sentence"] = "eojeol"
    removal: Literal["delete", "mask"] = "delete"
    explanation_method: Literal["fast", "lime"] = "fast"
    overlap: int = 1
    overlap_share: float = 1.0
    repeat_share: float = 0.02
    gold_share: float = 0.05
    searched_share: float = 1.0
    group_check_share: float = 0.1
    several_labels: bool = False
    intensity: bool = False
    mask: bool = True
    mask_names: bool = False
    feelings_over_time: bool = False
    break_minutes: int = 50
    precision: Literal["auto", "fp32", "bf16", "int8"] = "auto"
    deeper_tier: Literal["off", "offer", "start"] = "offer"
    use_dictionary: bool = False
    prediction_sets: bool = False
    refuse_forgotten: bool = True
    speech_model: str = ""
    pool: str = ""
    engine: Literal["local", "ray"] = "local"
    cluster: str = "auto"
    label_distance: dict[str, Any] = field(default_factory=dict)


_DEFAULTS = asdict(Settings(seed=""))


def new_settings(**values: Any) -> Settings:
    """Return settings for a new project, with a seed of its own.

    Raises:
        UserError: for a value that can't be used.
    """
    return _checked(Settings(**{"seed": secrets.token_hex(16), **values}))


def load(db: Database) -> Settings:
    """Return the settings of an open project.

    Raises:
        UserError: if the project has not been set up.
        DatabaseError: for a value that this program never keeps.
    """
    stored_values = stored.load(db)
    if "seed" not in stored_values:
        raise UserError("project_not_set_up")
    values = {name: stored_values[name] for name in _DEFAULTS if name in stored_values}
    for name, value in values.items():
        if not _is_like(value, _DEFAULTS[name]):
            raise DatabaseError("database_setting", path=file_of(db), setting=name)
    try:
        return _checked(Settings(**values))
    except UserError as error:
        name = str(error.details.get("setting", error.code.removesuffix("_outside").removesuffix("_unknown")))
        raise DatabaseError("database_setting", path=file_of(db), setting=name) from error
    except (TypeError, ValueError, AttributeError) as error:  # of the only one that holds others
        raise DatabaseError("database_setting", path=file_of(db), setting="label_distance") from error


def _is_like(value: Any, default: Any) -> bool:
    """Return whether a kept value is of the kind of a setting; shares may have been kept as whole numbers."""
    if isinstance(default, float):
        return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    return type(value) is type(default)


def change(db: Database, *, changed_by: int | None = None, **values: Any) -> Settings:
    """Keep changed settings and return all of them.

    Args:
        changed_by: whose change goes on record; None for the command line and the worker.

    Raises:
        UserError: for a value that can't be used; nothing is changed then.
    """
    with write(db):
        if "speech_model" in values:
            values["speech_model"] = str(values["speech_model"] or "").strip()
        before = load(db)
        if values.get("pool"):
            values["pool"] = _pool_of(db, str(values["pool"]))
        settings = _checked(replace(before, **values))
        store(db, settings)
        if settings.explanation_method != before.explanation_method:
            explanations.drop_explanations(db, keep=())  # they are computed again, by the other method
        if changed_by is not None:
            for name, value in values.items():
                audit_log.add(db, changed_by, "settings.change", name, value=value)
    return settings


def _pool_of(db: Database, url: str) -> str:
    """Return the address of a pool of the project as it is kept.

    Raises:
        UserError: ``pool_unknown``.
    """
    pool = manifest.find_pool(db, storage.normalise(url))
    if pool is None:
        raise UserError("pool_unknown", url=url)
    return pool.url


def store(db: Database, settings: Settings) -> None:
    """Keep all settings."""
    stored.store(db, **asdict(settings))


MOST_OVERLAP = 20
MOST_BREAK_MINUTES = 24 * 60
PRECISIONS = ("auto", "fp32", "bf16", "int8")
REMOVALS = ("delete", "mask")
EXPLANATION_METHODS = ("fast", "lime")
ENGINES = ("local", "ray")
DEEPER_TIERS = ("off", "offer", "start")
_NAMED = {
    "precision": PRECISIONS,
    "deeper_tier": DEEPER_TIERS,
    "removal": REMOVALS,
    "explanation_method": EXPLANATION_METHODS,
    "engine": ENGINES,
}

_SEED = re.compile("([0-9a-f]{2})+")

UNITS = ("eojeol", "morpheme", "sentence")
"""What explanations can speak about, the default first."""


def _checked(settings: Settings) -> Settings:
    if not _SEED.fullmatch(settings.seed):
        raise UserError("setting_unknown", setting="seed", found=settings.seed, known="[0-9a-f]{32}")
    label_distance.check(settings.label_distance)
    if settings.unit not in UNITS:
        raise UserError("unit_unknown", name=settings.unit, known=", ".join(UNITS))
    for name, allowed in _NAMED.items():
        if (value := getattr(settings, name)) not in allowed:
            raise UserError("setting_unknown", setting=name, found=value, known=", ".join(allowed))
    if not 0 < settings.test_share < 1:
        raise UserError("test_share_outside", found=settings.test_share)
    if not 0 <= settings.uniform_share <= 1:
        raise UserError("uniform_share_outside", found=settings.uniform_share)
    if not 0 <= settings.blind_share <= 1:
        raise UserError("blind_share_outside", found=settings.blind_share)
    if not 0 <= settings.writer_cut <= DRAW_RANGE:
        raise UserError("setting_unknown", setting="writer_cut", found=settings.writer_cut, known=f"0–{DRAW_RANGE}")
    _check_handing_out(settings)
    if settings.strategy not in query_strategies.STRATEGIES:
        raise UserError("strategy_unknown", name=settings.strategy, known=", ".join(query_strategies.STRATEGIES))
    return settings


def _check_handing_out(settings: Settings) -> None:
    for name in ("overlap_share", "repeat_share", "gold_share", "searched_share", "group_check_share"):
        if not 0 <= (share := getattr(settings, name)) <= 1:
            raise UserError("share_outside", setting=name, found=share)
    if not 1 <= settings.overlap <= MOST_OVERLAP:
        raise UserError("overlap_outside", found=settings.overlap, most=MOST_OVERLAP)
    if not 0 <= settings.break_minutes <= MOST_BREAK_MINUTES:
        raise UserError("break_minutes_outside", found=settings.break_minutes, most=MOST_BREAK_MINUTES)
