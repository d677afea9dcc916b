"""A simulation that runs beside the app.

Its input is an open file without a name, which disappears with the processes that hold it.
"""

from __future__ import annotations

import csv
import io
import secrets
import tempfile
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from annotator import background
from annotator.errors import UserError
from annotator.exporting import records
from annotator.formats.source import open_source
from db.answers import decisions

if TYPE_CHECKING:
    from annotator.formats.source import Source
    from annotator.messages import Language
    from db import Database

FEWEST_OWN = 60
"""Labels of the project from which on they can be replayed: about two batches beside the rows to measure on."""

GOAL_SHARE = 0.95
"""The goal of a curve: this share of the score with all labels (`learner.active_learning.simulation.FULL_SHARE`)."""

FEWEST_SEEDS = 5
"""Repeats below which intervals over them say too little to call one strategy better."""

_KEPT = 8
"""Jobs that have ended and are kept for people who come back to them."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to replay, as `maeumgyeol simulate` takes it; columns are guessed where they are None."""

    strategies: tuple[str, ...]
    batch: int
    budget: int
    seeds: int
    encoder: str
    text_column: str | None = None
    label_column: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The conclusion that the areas under the curves support.

    Attributes:
        best: the strategy with the largest area.
        beaten: those whose 95 % interval lies below that of the best.
        level: those whose interval overlaps with it.
    """

    best: str
    beaten: tuple[str, ...]
    level: tuple[str, ...]


class Job(background.Job):
    """One simulation.

    Attributes:
        name: what people call the data.
        result: see `annotator.simulation.run`; None until it is done.
    """

    def __init__(self, source: Source, options: Options, language: Language) -> None:
        assert source.file is not None
        self.name = source.name
        number = source.file.number
        super().__init__(
            "annotator.simulation.replay_job:serve",
            {**asdict(options), "name": source.name, "file": number},
            files=[number],
            stopped="simulation_stopped",
            language=language,
        )


_JOBS: dict[str, Job] = {}
"""Jobs by their token: a browser that comes back finds its own by it, and nobody guesses another's."""


def start(content: bytes, name: str, options: Options, *, language: Language) -> str:
    """Start a simulation of a file's bytes and return its token.

    Raises:
        UserError: for an empty file, and ``file_unwritable`` if there is no room for it.
    """
    try:
        source = open_source(content, name)
    except OSError as error:
        raise UserError("file_unwritable", path=tempfile.gettempdir(), reason=error.strerror or "") from error
    for token in [token for token, job in list(_JOBS.items()) if job.poll() is None][:-_KEPT]:
        forget(token)
    token = secrets.token_urlsafe(12)
    _JOBS[token] = Job(source, options, language)
    return token


def find(token: str | None) -> Job | None:
    """Return a job that has not been forgotten."""
    return None if token is None else _JOBS.get(token)


def forget(token: str) -> None:
    """End a job, if it still runs, and forget it."""
    job = _JOBS.pop(token, None)
    if job is not None:
        job.stop()


def count_own(db: Database) -> int:
    """Count the label decisions in force that could be replayed."""
    return sum(decisions.count_by_label(db).values())


def own_labels(db: Database) -> bytes:
    """Return the project's texts and labels in force as the bytes of a CSV file."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["text", "label"])
    for record in records.read(db, decided_only=True):
        if record.newest is not None and record.newest.label:
            writer.writerow([record.text, record.newest.label])
    return text.getvalue().encode()


def judge(report: dict[str, Any]) -> Verdict:
    """Compare the areas under the macro F1 curves of a report, by the 95 % intervals of their paired differences."""
    strategies = report["strategies"]
    best, *others = sorted(strategies, key=lambda name: -strategies[name]["aulc_macro_f1"])
    beaten = tuple(name for name in others if (strategies[name].get("behind", {}).get("low") or 0) > 0)
    return Verdict(best, beaten, tuple(name for name in others if name not in beaten))
