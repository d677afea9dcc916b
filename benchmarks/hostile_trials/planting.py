"""Payloads put wherever people and files can put a text: diaries, labels, names, memos, comments, words, file names.

A sentinel follows each, so that wherever a payload is shown, the text before the sentinel can be compared.
"""

from __future__ import annotations

import contextlib
import csv
import io
import zlib
from collections import defaultdict
from itertools import cycle, zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from annotator import project
from annotator.accounts import accounts
from annotator.dictionary import entries as dictionary
from annotator.errors import AppError, UserError
from annotator.importing import ColumnMap, ReadOptions, import_file
from annotator.label_sets import definitions, editing, guidelines
from annotator.labelling.queueing import enqueue_import
from benchmarks.hostile_trials.target import PASSWORD, ROLES, add_people
from db.answers import decisions
from db.answers.decisions import NewDecision
from db.errors import DatabaseError
from db.label_sets import labels
from db.models import models, predictions
from db.people import annotators
from db.review import queue, reviews
from db.review.queue import Suspect
from db.review.reviews import NewReview
from db.texts import care_flags, diaries, sentences

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from benchmarks.hostile_corpus.payloads import Payload
    from db import Database

_PER_DIARY = 12
_LABELS = 12
_LABEL_CHARACTERS = 120
"""Characters of a label's name: several payloads, as many as a button and a chart can show."""


def sentinel(number: int) -> str:
    """Return what follows a payload."""
    return f"zq{number:04}z"


def planted(number: int, payload: Payload) -> str:
    """Return a payload on a line of its own, in the form in which it is planted everywhere."""
    return f"{payload.text} {sentinel(number)}"


def plant(path: Path, payloads: Sequence[Payload]) -> None:
    """Make a project of three people in which every payload stands in every place that takes it."""
    texts = [planted(number, payload) for number, payload in enumerate(payloads)]
    names = _label_names(payloads)
    entries = [{"name": each} for each in [*names, "행복"]]
    project.init(path, labels=definitions.make_labels(entries), seed="00" * 16, blind_share=0.0)
    with project.opened(path) as db:
        add_people(db)
        _import_diaries(db, texts, names[0])
        _predict(db)
        _describe_labels(db, texts)
        _decide(db, texts)
        _name_people(db, texts)
        _add_words(db, texts)


def _label_names(payloads: Sequence[Payload]) -> list[str]:
    """Return names that hold short payloads of each kind in turn: charts and buttons show no more than names."""
    by_kind: dict[str, list[str]] = defaultdict(list)
    for number, payload in sorted(enumerate(payloads), key=lambda each: len(each[1].text)):
        by_kind[payload.kind].append(planted(number, payload))
    in_turn = [text for turn in zip_longest(*by_kind.values()) for text in turn if text is not None]
    names = [""]
    for text in in_turn:
        if len(names[-1]) + len(text) > _LABEL_CHARACTERS:
            names.append("")
        names[-1] = f"{names[-1]} {text}".strip()
    return [name for name in names if name][:_LABELS]


def _batched(texts: Sequence[str], count: int) -> list[Sequence[str]]:
    return [texts[start : start + count] for start in range(0, len(texts), count)]


def _tried(items: Sequence[Any], act: Callable[[Any], object]) -> None:
    """Do something for each item; what the product refuses with a sentence is refused."""
    for item in items:
        with contextlib.suppress(AppError):
            act(item)


def _import_diaries(db: Database, texts: list[str], label: str) -> None:
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["text", "author", "label"])
    for place, several in enumerate(_batched(texts, _PER_DIARY)):
        table.writerow(
            ["\n".join(several).replace("\0", ""), several[0].replace("\0", ""), label if place % 3 == 1 else ""]
        )
    columns = ColumnMap("text", "label", author="author")
    content = out.getvalue().encode("utf-8", "replace")
    utf_8 = ReadOptions(encoding="utf-8")
    import_file(db, content, "payloads.csv", columns=columns, reading=utf_8, after=enqueue_import)

    def another_file(text: str) -> None:
        import_file(db, f"text\n파일 {zlib.crc32(text.encode())}\n".encode(), f"{text}.csv", after=enqueue_import)

    names = [text for text in texts if not set("/\\") & set(text)]  # of a path only the last part is a name
    _tried(names[:: max(1, len(names) // 12)], another_file)
    flagged = list(range(1, diaries.last_diary_id(db), 5))
    care_flags.flag(db, flagged, list_hash="x", up_to=diaries.last_diary_id(db))


def _predict(db: Database) -> None:
    count, rng = diaries.last_diary_id(db), np.random.default_rng(0)
    ids = tuple(each.id for each in labels.list_labels(db))
    proba = rng.dirichlet(np.full(len(ids), 0.5), count).astype(np.float32)
    model_id = models.add_model(db, models.NewModel("instant", "bundled", "hash", ids, b"w", {}))
    predictions.store_predictions(db, model_id, proba)
    models.activate(db, model_id, reason="benchmark")
    for diary_id in range(1, count + 1):
        text = diaries.get_diary(db, diary_id).text
        sentences.store_sentences(db, [sentences.Sentences(diary_id, ((0, len(text)),), "kss")])


def _describe_labels(db: Database, texts: list[str]) -> None:
    """Share out all payloads among the labels: they stand in definitions, guidelines, examples and notes."""
    me, label_set = annotators.get_or_create_id(db, ROLES["administrator"]), labels.list_labels(db)
    for label, part in zip(label_set, _batched(texts, -(-len(texts) // len(label_set))), strict=False):
        whole = "\n".join(part)
        changes = {label.id: {"definition": whole}}
        _tried([changes], lambda each, note=part[0]: editing.edit(db, each, annotator_id=me, note=note))
        guideline = (label.id, None, whole[:2000], list(part[:8]))
        _tried([guideline], lambda each: guidelines.write_guideline(db, *each, annotator_id=me))


def _decide(db: Database, texts: list[str]) -> None:
    """Let people with payloads for names decide, with payloads for memos, and a reviewer send some back."""
    label_ids = [each.id for each in labels.list_labels(db)]
    own, reviewer = (annotators.get_or_create_id(db, ROLES[role]) for role in ("annotator", "reviewer"))
    memo, count = cycle(texts), diaries.last_diary_id(db)
    for diary_id in range(2, count + 1, 2):
        who = [own, *(person_id for person_id in (_person(db, next(memo)) for _ in range(3)) if person_id is not None)]
        for place, annotator_id in enumerate(who):
            token = f"decided-{diary_id:04}-{place}"
            label_id = label_ids[(diary_id + place) % len(label_ids)]
            decisions.add(
                db, NewDecision(diary_id, annotator_id, "label", token, label_id, memo=next(memo), seconds=3.0)
            )
    suspects = [Suspect(diary_id, 0.5, {"disagreement": 0.5}) for diary_id in range(2, count + 1, 2)]
    queue.store(db, suspects, gone=[], made_from={})
    for diary_id in range(4, count + 1, 8):
        standing = next(d for d in decisions.list_standing(db, [diary_id]) if d.annotator_id == own)
        token = f"returned-{diary_id:04}"
        review = NewReview(diary_id, reviewer, "return", token, returned_decision_id=standing.id, comment=next(memo))
        _tried([review], lambda each: reviews.add(db, each))


def _person(db: Database, name: str) -> int | None:
    try:
        return annotators.get_or_create_id(db, name)
    except (UserError, DatabaseError):
        return None


def _name_people(db: Database, texts: list[str]) -> None:
    _tried(texts[:60], lambda text: accounts.invite(db, None, text, "annotator"))
    _tried(texts[60:64], lambda text: accounts.add(db, None, text, "annotator", password=PASSWORD))


def _add_words(db: Database, texts: list[str]) -> None:
    me, label_id = annotators.get_or_create_id(db, ROLES["administrator"]), labels.list_labels(db)[0].id
    _tried(texts, lambda text: dictionary.add(db, text, label_id, annotator_id=me))
