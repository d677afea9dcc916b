"""Adjusting predictions by the dictionary: how strongly, with what effect on the test part, and the adjustment itself.

Predictions are adjusted only where they leave the app: in exports and in `maeumgyeol predict`. Everything inside,
explanations, the order of the queue, rounds, charts and doubted labels, is about the model alone and ignores the
dictionary; the label page only says where the dictionary would give another answer.

How much the words count is chosen on the labels that trained the model, by heads that had not seen them; the test
part only measures. What is applied is exactly what was measured: the words as they stood then, and only for the model
that was measured. Words that are confirmed later take part once it is measured again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from annotator import settings as project_settings
from annotator.label_sets import projection
from annotator.training.evaluation import read_figures, verdict_of
from db.models import models, word_emotions
from learner.lexicon import lexicon
from learner.text.lemmas import find_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from annotator.training.evaluation import Evaluation, Verdict
    from db import Database
    from db.models.models import Model

    FloatArray = NDArray[np.float32]

State = Literal["no_words", "no_round", "measuring", "unmeasured", "older_model", "older_words", "current"]


@dataclass(frozen=True, slots=True)
class Effect:
    """What the dictionary did to the answers of one model on the decided test diaries.

    Attributes:
        model_id: the model; the dictionary moves no other one's predictions.
        up_to: the newest row of the dictionary that took part.
        word_count: words that speak for a label.
        strength: how much they count, 0 for not at all.
        train_count: labels that it was chosen on.
        touched: test diaries in which a word voted.
        before, after: figures without and with the dictionary.
        p: of equal shares of right answers (McNemar).
        change: by how much the macro F1 rose, with its 95 % interval; None where it was not measured.
    """

    model_id: int
    up_to: int
    word_count: int
    strength: float
    train_count: int
    touched: int
    before: Evaluation | None
    after: Evaluation | None
    p: float | None
    change: tuple[float, float, float] | None
    measured_at: str

    @property
    def verdict(self) -> Verdict:
        """Return the strongest claim that the figures support."""
        return verdict_of(self.before, self.after, self.p)


def find_effect(db: Database) -> Effect | None:
    """Return the last measurement, whatever its model and words."""
    stored = word_emotions.find_effect(db)
    if stored is None:
        return None
    change: dict[str, Any] | None = stored.get("f1_change")
    return Effect(
        model_id=int(stored["model_id"]),
        up_to=int(stored["up_to"]),
        word_count=int(stored["word_count"]),
        strength=float(stored["strength"]),
        train_count=int(stored["train_count"]),
        touched=int(stored["touched"]),
        before=read_figures(stored.get("before")),
        after=read_figures(stored.get("after")),
        p=stored.get("p"),
        change=None if change is None else (change["value"], change["low"], change["high"]),
        measured_at=str(stored["measured_at"]),
    )


def state(db: Database) -> State:
    """Return whether the last measurement still fits the serving model and the current dictionary."""
    active = models.find_active(db)
    if word_emotions.is_asked(db, "effect"):
        return "measuring"
    if not word_emotions.count_confirmed(db):
        return "no_words"
    if active is None or not active.training_decisions:
        return "no_round"
    effect = find_effect(db)
    if effect is None:
        return "unmeasured"
    if effect.model_id != active.id or not projection.current_projection(db, active).is_same:
        return "older_model"
    return "current" if effect.up_to == word_emotions.last_id(db) else "older_words"


def is_on(db: Database) -> bool:
    """Return whether the dictionary adjusts predictions."""
    return project_settings.load(db).use_dictionary


def switch(db: Database, *, on: bool) -> None:
    """Switch the adjustment of predictions by the dictionary on or off."""
    project_settings.change(db, use_dictionary=on)


@dataclass(frozen=True, slots=True)
class DictionaryAdjuster:
    """The dictionary, ready to adjust the predictions of one model.

    Attributes:
        entries: label id by word, None for words without emotion.
        label_ids: in the order of the columns that are moved.
    """

    entries: Mapping[str, int | None]
    label_ids: tuple[int, ...]
    strength: float

    def votes(self, texts: Sequence[str]) -> FloatArray:
        """Return how strongly the words of each text point to each label, (n, k)."""
        voted = [lexicon.votes(lexicon.tag(find_words(text), self.entries), self.label_ids) for text in texts]
        return np.stack(voted) if voted else np.zeros((0, len(self.label_ids)), np.float32)

    def refine(self, texts: Sequence[str], proba: FloatArray) -> FloatArray:
        """Return adjusted probabilities, (n, k); rows of NaN, where there is no prediction, stay so."""
        return lexicon.adjust(proba, self.votes(texts), strength=self.strength)


def entries_of(db: Database, *, up_to: int | None = None) -> dict[str, int | None]:
    """Return the confirmed words with their labels; None for those without emotion.

    Args:
        up_to: the dictionary right after this row of it; None for as it is now.
    """
    standing = word_emotions.list_standing(db, up_to=up_to)
    return {entry.word: entry.label_id for entry in standing if entry.verdict == "confirmed"}


def find_refiner(db: Database, model: Model | None) -> DictionaryAdjuster | None:
    """Return what adjusts a model's predictions of the labels in force; None if they stay as they are."""
    if model is None or not project_settings.load(db).use_dictionary:
        return None
    effect = find_effect(db)
    mapping = projection.current_projection(db, model)
    # It was measured for the labels of that day: with others it is off until the next round.
    if effect is None or effect.model_id != model.id or not effect.strength or not mapping.is_same:
        return None
    return DictionaryAdjuster(entries_of(db, up_to=effect.up_to), mapping.label_ids, effect.strength)
