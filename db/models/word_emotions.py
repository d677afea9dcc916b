"""The word-emotion dictionary as people confirmed it, append-only, and the evidence it grows from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from db import clock, settings
from db.connection import rows, scalar, write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from sqlite_utils import Database

Verdict = Literal["confirmed", "rejected", "none"]
"""``none`` takes back what was said of a word before."""

Source = Literal["evidence", "similar", "hand"]


@dataclass(frozen=True, slots=True)
class NewWordEmotion:
    """What a person says about a word.

    Attributes:
        word: its lemma, as `learner.text.lemmas` returns it.
        label_id: None for a word without emotion; only ``confirmed`` has a label.
        source: what proposed it: explanations, similarity to other words, or nobody.
    """

    word: str
    label_id: int | None
    verdict: Verdict
    source: Source
    annotator_id: int


@dataclass(frozen=True, slots=True)
class WordEmotion:
    """The newest statement about a word; see `NewWordEmotion`."""

    id: int
    word: str
    label_id: int | None
    verdict: Verdict
    source: Source
    annotator_id: int
    decided_at: str


@dataclass(frozen=True, slots=True)
class ExplainedText:
    """A pool diary with its explanation by one model: (start, end) of each unit, and (units, k) weights."""

    diary_id: int
    text: str
    spans: tuple[tuple[int, int], ...]
    weights: NDArray[np.float32]


def add(db: Database, new: NewWordEmotion) -> int:
    """Store what a person says about a word; return its id."""
    statement = """
        insert into word_emotions (word, label_id, verdict, source, annotator_id, decided_at)
        values (?, ?, ?, ?, ?, ?)
    """
    row = (new.word, new.label_id, new.verdict, new.source, new.annotator_id, clock.now())
    with write(db):
        return int(db.conn.execute(statement, row).lastrowid or 0)


_COLUMNS = """w.id, w.word, (select coalesce(l.merged_into, l.id) from labels l where l.id = w.label_id), w.verdict,
    w.source, w.annotator_id, w.decided_at"""
"""The label is the one that counts now: what the confirmed one was merged into."""


def list_standing(db: Database, *, up_to: int | None = None) -> list[WordEmotion]:
    """Return the newest row of each word, ordered by word; words that were taken back are left out.

    Args:
        up_to: look at the state right after this id; None looks at the newest state.
    """
    sql = f"""
        select {_COLUMNS} from word_emotions w join (
            select max(id) as id from word_emotions where :up_to is null or id <= :up_to group by word
        ) newest on newest.id = w.id
        where w.verdict <> 'none' order by w.word
    """  # noqa: S608 - constants
    return [WordEmotion(*row) for row in rows(db, sql, up_to=up_to)]


def find(db: Database, word: str) -> WordEmotion | None:
    """Return the newest row of a word, even one that takes it back; None if nobody has said anything about it."""
    sql = f"select {_COLUMNS} from word_emotions w where w.word = :word order by w.id desc limit 1"  # noqa: S608
    records = rows(db, sql, word=word)
    return WordEmotion(*records[0]) if records else None


def last_id(db: Database) -> int:
    """Return a number that changes whenever somebody says something about a word; 0 if nobody has."""
    return int(scalar(db, "select coalesce(max(id), 0) from word_emotions"))


def count_confirmed(db: Database) -> int:
    """Count the words that speak for a label."""
    return sum(entry.verdict == "confirmed" and entry.label_id is not None for entry in list_standing(db))


def evidence_mark(db: Database, model_id: int) -> tuple[int, int]:
    """Return a value that changes when a model has explained more diaries, or one of them again."""
    sql = "select count(*), coalesce(max(rowid), 0) from explanations where model_id = :model"
    count, newest = rows(db, sql, model=model_id)[0]
    return int(count), int(newest)


def list_explained(db: Database, model_id: int, *, unit: str, limit: int) -> Iterator[ExplainedText]:
    """Yield the pool diaries that a model explained last, newest first, with one explanation each.

    Test diaries are left out: what the model thinks of them is not shown before somebody has decided. So are diaries
    that wait for a lead's care, because their words would be shown to everybody.

    Args:
        unit: preferred if a diary has been explained in several units.
    """
    sql = """
        select e.diary_id, y.text, e.spans, e.weights from explanations e join diaries y on y.id = e.diary_id
        where e.model_id = :model and y.part = 'pool' and not exists (
            select 1 from explanations o
            where o.diary_id = e.diary_id and o.model_id = e.model_id and o.unit <> e.unit and o.unit = :unit)
            and not exists (select 1 from care_flags c where c.diary_id = e.diary_id)
        order by e.rowid desc limit :limit
    """
    for diary_id, text, spans, weights in rows(db, sql, model=model_id, unit=unit, limit=limit):
        places = tuple((int(start), int(end)) for start, end in json.loads(spans))
        if places:
            yield ExplainedText(
                int(diary_id), str(text), places, np.frombuffer(weights, "<f4").reshape(len(places), -1)
            )


def list_first_pool(db: Database, *, limit: int) -> list[int]:
    """Return pool diaries in the order of their draws: a uniform sample, to which a larger limit only adds.

    Diaries that wait for a lead's care are left out.
    """
    sql = """
        select id from diaries d where part = 'pool'
            and not exists (select 1 from care_flags c where c.diary_id = d.id)
        order by draw limit :n
    """
    return [int(i) for (i,) in rows(db, sql, n=limit)]


Job = Literal["evidence", "vectors", "effect"]
"""What the worker does for the dictionary when somebody asks for it."""

_EFFECT = "dictionary_effect"


def ask(db: Database, job: Job) -> None:
    """Ask the worker for a job; the changed setting wakes it."""
    with write(db):
        settings.store(db, **{f"dictionary_{job}_asked": last_asked(db, job) + 1})


def last_asked(db: Database, job: Job) -> int:
    """Return how often a job has been asked for."""
    return int(settings.load(db).get(f"dictionary_{job}_asked", 0))


def is_asked(db: Database, job: Job) -> bool:
    """Return whether a job was asked for and is not done yet."""
    return last_asked(db, job) > int(settings.load(db).get(f"dictionary_{job}_done", 0))


def mark_done(db: Database, job: Job, asked: int) -> None:
    """Note that the `asked`-th request for a job is done."""
    settings.store(db, **{f"dictionary_{job}_done": asked})


def store_effect(db: Database, effect: dict[str, Any]) -> None:
    """Store the dictionary's effect on predictions, ready for JSON; see `annotator.dictionary.adjustment.Effect`."""
    settings.store(db, **{_EFFECT: effect})


def find_effect(db: Database) -> dict[str, Any] | None:
    """Return what `store_effect` stored last."""
    effect: dict[str, Any] | None = settings.load(db).get(_EFFECT)
    return effect
