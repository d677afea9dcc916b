"""Trying the model on a text of one's own: first the prediction, then the explanation; nothing is stored.

The model is heavy, so it runs in a process of its own; see `annotator.serving.predictor_client`.
"""

from __future__ import annotations

import json
from concurrent import futures
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from annotator import settings as project_settings
from annotator.accounts import permissions
from annotator.errors import UserError
from annotator.importing import ColumnMap, import_file
from annotator.labelling import board_items
from annotator.labelling.queueing import enqueue_import
from annotator.privacy import care
from annotator.serving.predictor_client import client_of
from annotator.serving.request_queue import Question
from db.label_sets import labels
from db.models import models
from db.texts import diaries
from learner import speech

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from annotator.accounts.permissions import Person
    from annotator.messages import Language
    from annotator.serving.answers import Explained, Predicted
    from db import Database
    from db.label_sets.labels import Label

MOST_CHARACTERS = 5_000
"""An explanation looks at parts of a longer text only, and whoever tries something out waits for it."""

AUDIO_RATE = speech.RATE
"""Samples a second that a recorder shall make."""

AUDIO_ENDINGS = ("wav", "flac", "ogg", "mp3")
"""Audio files that can be read; all but the first take the package ``soundfile``."""

MOST_AUDIO_BYTES = 200 * 2**20

SOURCE = "써보기"
"""Where diaries that were tried first come from, as exports name it."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Trial:
    """A text to try the model on. It lives as long as its caller holds it."""

    text: str
    predicted: Future[Predicted]
    explained: Future[Explained]

    @property
    def is_done(self) -> bool:
        """Whether nothing more will come."""
        return self.explained.done()

    def wait(self, seconds: float) -> None:
        """Wait for the next result, at most for the given time."""
        awaited: Future[Any] = self.explained if self.predicted.done() else self.predicted
        futures.wait([awaited], seconds)

    def give_up(self) -> None:
        """Cancel the work that has not begun: nobody waits for it any more."""
        self.predicted.cancel()
        self.explained.cancel()


def ask(path: Path, text: str) -> Trial:
    """Ask the serving model about a text.

    Raises:
        UserError: for a text that is blank or too long, or if too much waits already.
    """
    if not text.strip():
        raise UserError("trying_empty")
    if len(text) > MOST_CHARACTERS:
        raise UserError("trying_too_long", found=len(text), most=MOST_CHARACTERS)
    predicted, explained = client_of(path).ask([Question("predict", ([text],)), Question("explain_text", (text,))])
    return Trial(text, predicted, explained)


def transcribe(path: Path, data: bytes, name: str) -> Future[str]:
    """Ask for the text of an audio file.

    Args:
        name: of the speech checkpoint, see the setting ``speech_model``.

    Raises:
        UserError: if no checkpoint is named, or the file is too large.
    """
    if not name:
        raise UserError("speech_off")
    if len(data) > MOST_AUDIO_BYTES:
        raise UserError("speech_too_large", found=len(data) // 2**20, most=MOST_AUDIO_BYTES // 2**20)
    return client_of(path).ask([Question("transcribe", (data, name))])[0]


def warm_up(path: Path) -> None:
    """Begin to load what the first question will need."""
    client_of(path).warm_up()


def is_warm(path: Path) -> bool:
    """Return whether a question would be answered without loading anything first."""
    return client_of(path).is_warm


@dataclass(frozen=True, slots=True)
class Shown:
    """The results of a trial so far.

    Attributes:
        labels: in the order of the columns of the item.
        item: the text as the label board draws a diary; see `pages.components.label_board.ItemData`.
        version: of the model that answered; None while there is no answer.
    """

    labels: tuple[Label, ...]
    item: dict[str, Any]
    version: int | None


def show(db: Database, trial: Trial, language: Language) -> Shown:
    """Return the results of a trial so far.

    Raises:
        UserError: if it could not be answered.
    """
    item: dict[str, Any] = {
        "token": str(id(trial)),
        "text": trial.text,
        "sentences": [],
        "blind": False,
        "care": care.load_list(db).is_in(trial.text),
        "prediction": None,
        "explanation": None,
    }
    if not trial.predicted.done():
        return Shown((), item, None)
    predicted = _result(trial.predicted)
    by_id = {label.id: label for label in labels.list_all_labels(db)}
    columns = tuple(by_id[label_id] for label_id in predicted.label_ids)
    proba = predicted.proba[0]
    model = models.get_model(db, predicted.model_id)
    item["prediction"] = board_items.prediction_data(model, proba, predicted.known)
    if trial.explained.done():
        explained = _result(trial.explained)
        names = [label.name for label in columns]
        item["sentences"] = [list(span) for span in explained.sentences]
        item["explanation"] = board_items.explanation_data(
            trial.text, explained.explanation, model, proba.tolist(), names, language
        )
    return Shown(columns, item, predicted.version)


def _result(future: Future[_T]) -> _T:
    if future.cancelled():
        raise UserError("trying_stopped")
    return future.result()


@dataclass(frozen=True, slots=True)
class AddedText:
    """A text that was added to the diaries; `is_new` is False if it had been there before."""

    diary_id: int
    is_new: bool


def add_to_diaries(db: Database, text: str, *, person: Person) -> AddedText:
    """Add a text to the diaries that wait for a label, as an import does.

    Raises:
        UserError: for somebody who may not import, or a text that an import leaves out.
    """
    permissions.require(person, "review")
    row = json.dumps({"text": text}, ensure_ascii=False).encode()
    columns = ColumnMap(text="text")
    report = import_file(db, row, f"{SOURCE}.jsonl", columns=columns, source_label=SOURCE, after=enqueue_import)
    if report.kept_count:
        return AddedText(diaries.last_diary_id(db), is_new=True)
    skip = report.skips[0]
    if skip.reason == "forgotten":
        raise UserError("trying_forgotten")
    if skip.reason != "duplicate":
        raise UserError("trying_not_kept")
    return AddedText(int(skip.detail or 0), is_new=False)


def obstacle(db: Database) -> str | None:
    """Return the message key that explains why the model can't be tried yet; None if it can."""
    if models.find_active_id(db) is not None:
        return None
    return "try_out.no_model" if diaries.count_diaries(db) else "try_out.no_diaries"


def speech_model(db: Database) -> str:
    """Return the speech checkpoint of the project; empty where speech is off."""
    return project_settings.load(db).speech_model
