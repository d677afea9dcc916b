"""The child process of `annotator.try_out`: answers about texts of which nothing is kept.

`main` finds the number of an inherited socket, the parent's process id and the database among its arguments, and
answers one request after the other until the socket closes. Neither texts nor what exceptions say of them leave it but
as answers.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from annotator.errors import AppError, UserError, where
from annotator.label_sets import projection
from annotator.serving import explaining, sound
from annotator.serving.runtime import Serving, Workbench
from db.models import models
from learner.encoders.encoder import default_cache
from learner.explanation.input_gradients import PROBE
from learner.speech import Transcriber
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from db import Database
    from db.models.explanations import Explanation

_T = TypeVar("_T")

_SENTENCES = 3
"""So many make more words than are asked about without slopes."""


@dataclass(frozen=True, slots=True)
class Predicted:
    """What the serving model says of a text.

    Attributes:
        label_ids: the k labels in force.
        known: (k,) whether the model has learned each of them.
        proba: (k,) sums to 1.
    """

    model_id: int
    version: int
    label_ids: tuple[int, ...]
    known: tuple[bool, ...]
    proba: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Explained:
    """Why it says so, in terms of the labels in force, and the sentences of the text."""

    sentences: tuple[tuple[int, int], ...]
    explanation: Explanation


class Desk:
    """Keeps loaded what answers need."""

    def __init__(self, database: Path) -> None:
        self._bench = Workbench(database, cache=default_cache())
        self._serving: Serving | None = None
        self._transcriber: Transcriber | None = None

    def predict(self, text: str) -> Predicted:
        """Return what the serving model says of a text.

        Raises:
            UserError: if there is no model yet, or it can't answer with any label in force.
        """
        return self._with_model(lambda db, serving: self._predict(db, serving, text))

    def explain(self, text: str) -> Explained:
        """Return the sentences of a text, and why the serving model answers as it does.

        Raises:
            UserError: as `predict`.
        """
        return self._with_model(lambda db, serving: self._explain(db, serving, text))

    def transcribe(self, data: bytes, name: str) -> str:
        """Return what is said in an audio file.

        Args:
            name: of the speech checkpoint.

        Raises:
            LearnerError: as `learner.speech` does.
            UserError: if the audio ends its reader.
        """
        samples = sound.read(data)
        if self._transcriber is None or self._transcriber.name != name:
            self._transcriber = None  # room is made first
            self._transcriber = Transcriber(name)
        return self._transcriber.text_of(samples)

    def load(self) -> None:
        """Load what a prediction takes."""
        self.predict(PROBE)

    def warm_up(self) -> None:
        """Load all that an explanation takes, so that the first text does not wait for it."""
        self.explain(" ".join([PROBE] * _SENTENCES))

    def close(self) -> None:
        """End the splitter's own process."""
        self._bench.close()

    def _with_model(self, do: Callable[[Database, Serving], _T]) -> _T:
        db = self._bench.open()
        try:
            active = models.find_active(db)
            if active is None:
                raise UserError("no_model_yet")
            if self._serving is None or self._serving.model.id != active.id:
                self._serving = self._bench.load_classifier(db, active)
            return do(db, self._serving)
        finally:
            db.close()

    def _predict(self, db: Database, serving: Serving, text: str) -> Predicted:
        mapping = projection.in_force(db, serving.model)
        proba = mapping.proba(self._bench.proba_of_texts(db, serving, [text]))[0]
        if np.isnan(proba).any():
            raise UserError("model_of_other_labels", version=serving.model.version)
        return Predicted(serving.model.id, serving.model.version, mapping.label_ids, mapping.known, proba)

    def _explain(self, db: Database, serving: Serving, text: str) -> Explained:
        sentences = self._bench.splitter().split([text])[0].spans
        found = explaining.explain_text(self._bench, db, serving, text, sentences)
        proba = self._bench.proba_of_texts(db, serving, [text])[0]
        return Explained(sentences, projection.in_force(db, serving.model).explanation(found, proba))


def answer(desk: Desk, request: tuple[str, tuple[Any, ...]]) -> tuple[str, Any]:
    """Return ``ok`` and the result, or ``error`` and its code and details."""
    name, arguments = request
    try:
        return "ok", getattr(desk, name)(*arguments)
    except AppError as error:
        return "error", {"code": error.code, "details": error.details}
    except Exception as error:
        # Its text may quote what was asked.
        return "error", {"code": "fault", "details": {"kind": where(error)}}


def _die_with_parent(parent: int) -> None:
    # A closed socket ends the loop below, but not an explanation that takes seconds.
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def main() -> None:
    """Serve the parent until it closes the socket or ends."""
    private_files.keep_process()
    connection: Connection[Any, Any] = Connection(int(sys.argv[1]))
    threading.Thread(target=_die_with_parent, args=(int(sys.argv[2]),), daemon=True).start()
    desk = Desk(Path(sys.argv[3]))
    try:
        while True:
            connection.send(answer(desk, connection.recv()))
    except (EOFError, OSError):
        desk.close()
