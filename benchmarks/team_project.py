"""A project as a team leaves it: many diaries with a model's predictions, and twenty people's decisions on some.

Rows are inserted through the functions of `db`, many in one transaction; a seed fixes texts, labels and times.
"""

from __future__ import annotations

import os
import sys
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from typing import TYPE_CHECKING

import numpy as np

from annotator import project
from annotator.labelling.queueing import enqueue_import
from db.answers import decisions
from db.answers.decisions import NewDecision
from db.connection import write
from db.models import models, predictions
from db.people import annotators
from db.review import queue
from db.review.queue import Suspect
from db.texts import sentences
from db.texts.batch_insertion import insert_batch
from db.texts.batches import Batch, NewDiary
from db.texts.diaries import DRAW_RANGE
from db.texts.sentences import Sentences

if TYPE_CHECKING:
    from db import Database

_MOODS = (
    "화가 치밀었다. 한참을 씩씩거렸다.",
    "기쁘고 설렜다. 종일 웃음이 났다.",
    "걱정이 앞섰다. 잠이 오지 않았다.",
    "어이가 없었다. 말문이 막혔다.",
    "슬퍼서 울었다. 자꾸 생각이 났다.",
    "그저 그랬다. 할 일을 하고 잤다.",
    "질색이었다. 다시는 보고 싶지 않았다.",
)
_PLACES = ("학교", "회사", "집", "시장", "공원", "병원", "식당", "버스 정류장", "도서관", "바다")
_DOINGS = ("친구를 만났는데", "늦잠을 잤더니", "시험을 봤는데", "비를 맞으며 걷다가", "전화를 받고 나니", "밥을 먹다가")


def build(path: Path, *, rows: int, people: int, decided: int, overlap: int, seed: int = 0) -> None:
    """Make a project.

    Args:
        rows: diaries.
        decided: how many of them are decided.
        overlap: by how many people each.
    """
    rng = np.random.default_rng(seed)
    project.init(path, seed="00" * 16, overlap=overlap)
    moods = rng.integers(0, 7, rows)
    with closing(project.open_project(path)) as db, write(db):
        _import(db, moods, rng)
        _predict(db, moods, rng)
        chosen = (rng.permutation(rows)[:decided] + 1).tolist()
        _decide(db, moods, chosen, rng, people=people, overlap=overlap)
        suspects = [Suspect(diary_id, float(rng.random()), {"disagreement": 0.5}) for diary_id in chosen[: rows // 20]]
        queue.store(db, suspects, gone=[], made_from={})


def _text(number: int, mood: int) -> str:
    where, doing = _PLACES[number % 10], _DOINGS[number // 10 % 6]
    return f"{number + 1}번째 날. 오늘은 {where}에서 {doing} {_MOODS[mood]}"


def _import(db: Database, moods: np.ndarray, rng: np.random.Generator) -> None:
    importer = annotators.get_or_create_id(db, "diaries.csv", kind="importer")
    batch = Batch("diaries.csv", "0" * 64, "csv", "utf-8", {}, importer, len(moods))
    draws = rng.integers(0, DRAW_RANGE, len(moods)).tolist()
    new = [
        NewDiary(i, _text(i, int(m)), os.urandom(16), None, None, "{}", "test" if i % 5 == 0 else "pool", draws[i])
        for i, m in enumerate(moods)
    ]
    enqueue_import(db, insert_batch(db, batch, new, [], source="diaries.csv"))
    texts = (_text(number, int(mood)) for number, mood in enumerate(moods))
    sentences.store_sentences(db, [Sentences(i + 1, ((0, len(text)),), "kss") for i, text in enumerate(texts)])


def _predict(db: Database, moods: np.ndarray, rng: np.random.Generator) -> None:
    proba = rng.dirichlet(np.full(7, 0.5), len(moods)).astype(np.float32)
    model_id = models.add_model(db, models.NewModel("instant", "bundled", "hash", (1, 2, 3, 4, 5, 6, 7), b"w", {}))
    predictions.store_predictions(db, model_id, proba)
    models.activate(db, model_id, reason="benchmark")


def _decide(
    db: Database, moods: np.ndarray, chosen: list[int], rng: np.random.Generator, *, people: int, overlap: int
) -> None:
    ids = [annotators.get_or_create_id(db, f"사람 {number + 1:02}") for number in range(people)]
    for diary_id in chosen:
        for person in rng.permutation(people)[:overlap]:
            mood = int(moods[diary_id - 1]) if rng.random() < 0.7 else int(rng.integers(7))
            press = NewDecision(
                diary_id,
                ids[person],
                "label",
                f"{diary_id:07}-{person:03}-token",
                label_id=mood + 1,
                seconds=float(rng.lognormal(2, 0.6)),
                predicted_label_id=int(rng.integers(7)) + 1,
            )
            decisions.add(db, press)
