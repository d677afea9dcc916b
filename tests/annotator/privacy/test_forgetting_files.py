"""After forgetting, the bytes of a text are in no file of a project that has done everything it can."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator import project, try_out
from annotator.accounts import api_tokens
from annotator.accounts.permissions import Person
from annotator.dictionary import entries
from annotator.exporting import export
from annotator.exporting.registry import FORMATS
from annotator.importing import ColumnMap, import_file
from annotator.ingest import api, idempotency
from annotator.ingest.api import Item
from annotator.label_sets import guidelines
from annotator.labelling import board
from annotator.labelling.queueing import enqueue_import
from annotator.privacy import care, forgetting
from annotator.privacy.forgetting import Selection
from annotator.quality import gold
from annotator.review import actions
from annotator.serving import explaining
from annotator.training import rounds as round_cases
from annotator.worker import tasks
from annotator.worker.loop import Worker
from annotator.worker.runtime import WorkerRuntime
from annotator.worker.tasks import dictionary as words
from annotator.worker.tasks import review_queue, round_analysis
from db.answers import decisions, queue, rationales, repeats
from db.answers.decisions import NewDecision
from db.answers.rationales import NewRationale
from db.connection import rows, scalar
from db.models import models, predictions, rounds, word_emotions
from db.people import annotators
from db.review import reviews
from db.texts import diaries
from learner.encoders import vector_store
from learner.encoders.encoder import default_cache
from tests import forgotten
from tests.annotator.worker.round.test_encoder_tuning import CHARACTERS
from tests.learner.tiny import write_tiny_encoder

if TYPE_CHECKING:
    from pathlib import Path

    from db import Database

pytestmark = pytest.mark.slow

HAPPY, SAD = 2, 5
WRITER = "한서랍"
SECRETS = [forgotten.secret(i, length=1 + i % 3) for i in range(1, 9)]
LONG = forgotten.secret(90, length=50)  # longer than a page of the database
RECEIVED, TRIED = forgotten.secret(91), forgotten.secret(92)
CARE = forgotten.secret(93) + " 이제 그만 죽고 싶다."


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has done everything, and has files of every kind beside it."""
    characters = CHARACTERS + "".join(SECRETS) + LONG
    folder = tmp_path_factory.mktemp("made")
    encoder = write_tiny_encoder(folder / "encoder", characters)
    path = folder / "project" / "project.db"
    project.init(path, seed="00" * 16, encoder=str(encoder), blind_share=0.0, use_dictionary=True)
    with closing(project.open_project(path)) as db:
        _import(db)
        _receive(db)
        try_out.add_to_diaries(
            db, TRIED, person=Person(annotators.get_or_create_id(db, "나"), "나", "administrator", is_solo=True)
        )
    runtime = WorkerRuntime(path, cache=default_cache())
    with closing(project.open_project(path)) as db, closing(runtime):
        _keep_up(runtime, db)
        _say(db)
        _round(path, db)
        _explain(runtime, db)
        word_emotions.ask(db, "vectors")
        while words.relate(runtime, db) is not None:
            pass
        round_analysis.analyse(runtime, db)
        review_queue.refresh(runtime, db)
        _look(db, path)
    return path


@pytest.fixture
def path(made: Path, tmp_path: Path) -> Path:
    """A copy of it in a folder of its own."""
    shutil.copytree(made.parent, tmp_path / "project")
    return tmp_path / "project" / made.name


def _keep_up(runtime: WorkerRuntime, db: Database) -> None:
    """Do what the worker does without being asked, but for explanations, which take long."""
    quick = [task for task in tasks._TASKS if "explain" not in task.__name__]
    while any(task(runtime, db) is not None for task in quick):
        pass


def _explain(runtime: WorkerRuntime, db: Database) -> None:
    serving = runtime.serving(db)
    assert serving is not None
    for diary_id in _ids(db)[:2]:
        explaining.explain_diary(runtime, db, serving, diary_id)


def _round(path: Path, db: Database) -> None:
    """Let a worker do a round, which leaves its lock and its vectors behind."""
    round_id = round_cases.request(db, annotator_id=None)
    umask = os.umask(0o022)
    Worker(path).run(until="round_ended")
    os.umask(umask)  # which a worker keeps strict
    assert rounds.get_round(db, round_id).status == "done"


def _import(db: Database) -> None:
    kept = [{"text": text, "who": WRITER, "label": "슬픔", "place": text[:40]} for text in (*SECRETS, LONG, CARE)]
    others = [
        {
            "text": f"{i}번째 날. 오늘은 {('정말 기쁘고 즐거운 하루였다', '너무 슬프고 눈물이 났다')[i % 2]}.",
            "who": "딴사람",
            "label": ("행복", "슬픔")[i % 2],
        }
        for i in range(230)
    ]
    content = "\n".join(json.dumps(row, ensure_ascii=False) for row in [*others[:100], *kept, *others[100:]])
    columns = ColumnMap("text", "label", author="who")
    import_file(db, content.encode(), "모음.jsonl", columns=columns, after=enqueue_import)


def _receive(db: Database) -> None:
    secret = api_tokens.add(db, "web", api_tokens.SCOPES)
    caller = api_tokens.identify(db, secret)
    item = Item(RECEIVED, author=WRITER, metadata={"곳": RECEIVED[:30]})
    idempotency.once(db, caller, "key-1", b"0" * 32, lambda: {"diaries": api.store(db, caller, [item])})


def _ids(db: Database) -> list[int]:
    return diaries.list_ids_of_authors(db, [WRITER]) + [i for i, text in diaries.read_texts(db) if text == TRIED]


def _say(db: Database) -> None:
    """Let two people decide, mark, note and review; quote a diary where others can read it."""
    me, you = annotators.get_or_create_id(db, "나"), annotators.get_or_create_id(db, "지민")
    for diary_id in _ids(db):
        text = diaries.get_diary(db, diary_id).text
        for who in (me, you):
            memo = text.splitlines()[-1] if who == me else ""
            label_id = HAPPY if who == you and diary_id % 2 else SAD
            assert decisions.add(db, NewDecision(diary_id, who, "label", f"{who}-{diary_id}-said", label_id, memo))
        rationales.add(db, NewRationale(diary_id, me, SAD, 0, 5, "right", f"mark-{diary_id}"))
    quoted = SECRETS[0].splitlines()[0]
    decisions.add(db, NewDecision(1, me, "label", "quoting", HAPPY, f"이것과 비슷하다: {quoted} 라고 썼다"))
    guidelines.write_guideline(
        db, SAD, None, "슬픔은 이렇게.", [SECRETS[1].splitlines()[-1], "지어낸 보기 문장이다."], annotator_id=me
    )
    first = _ids(db)[0]
    act = actions.ReviewAction(
        "return", first, reviews.get_revision(db, first), comment=f"다시 봐 주세요. {SECRETS[0].splitlines()[-1]}"
    )
    actions.apply(db, act, reviewer_id=you)
    gold.add(db, _ids(db)[1], "슬픔", annotator_id=me)
    entries.add(db, "눈물", SAD, annotator_id=me)
    standing = next(d for d in decisions.list_standing(db, [_ids(db)[2]]) if d.annotator_id == me)
    assert repeats.add(db, repeats.NewAnswer(standing.diary_id, me, "label", "r-again", SAD))


def _look(db: Database, path: Path) -> None:
    """Hold diaries on a board, note what was done about one that needs care, and keep exports."""
    flagged = scalar(db, "select diary_id from care_flags limit 1")
    assert diaries.get_diary(db, flagged).text == CARE
    person = Person(annotators.get_or_create_id(db, "나"), "나", "administrator", is_solo=True)
    care.handle(db, flagged, CARE.splitlines()[0], person=person)
    queue.lease_again(db, diary_id=_ids(db)[-1], annotator_id=person.annotator_id, holder="h" * 12, seconds=600)
    folder = project.exports_folder(path)
    folder.mkdir()
    for name in ("csv", "jsonl", "xlsx", "parquet"):
        export(db, folder / f"{name}-1{FORMATS[name].ending}", file_format=name, language="ko")


def test_the_bytes_of_a_forgotten_text_are_in_no_file(path: Path) -> None:
    texts = [*SECRETS, LONG, RECEIVED, TRIED, CARE]
    before = forgotten.find(path.parent, texts)
    assert {"project.db", "project.db-exports/csv-1.csv"} <= before.keys(), "it is looked for where it was"
    with closing(project.open_project(path)) as db:
        ids = _ids(db)
        assert len(ids) == 12
        counts = forgetting.preview(db, Selection(ids=tuple(ids))).row_counts
        said = ("decisions", "rationales", "reviews", "repeats", "gold", "care_flags", "leases")
        made = ("sentences", "explanations", "attributions", "standing", "settled", "queue", "audit_queue")
        assert {name: counts[name] for name in (*said, *made) if not counts[name]} == {}, "everything was there"
        by_writer = forgetting.forget(db, None, Selection(author=WRITER))
        tried = forgetting.forget(db, None, Selection(ids=(ids[-1],)))
        assert (by_writer.diary_count, tried.diary_count) == (11, 1)
        assert by_writer.quote_count >= 2
        assert by_writer.is_finished
        assert tried.is_finished
        assert [each.version for each in by_writer.trained] == [1]
        assert rows(db, "pragma foreign_key_check") == []
        assert rows(db, "pragma integrity_check") == [("ok",)]
    assert forgotten.find(path.parent, texts) == {}
    content = path.read_bytes()
    assert WRITER.encode() not in content
    assert b"key-1" not in content, "the answer to the request that brought one"


def test_what_stays_beside_the_database_knows_nothing_of_the_diaries(path: Path) -> None:
    with closing(project.open_project(path)) as db:
        ids = np.array(_ids(db), np.int64)
        marks = np.array([i for (i,) in rows(db, "select id from rationales")], np.int64)
        folders = [place for place in project.vectors_folder(path).iterdir() if vector_store.find(place)]
        had = {place.name.split("-")[0]: _present(place, marks if "marks" in place.name else ids) for place in folders}
        assert len(folders) == 4, "vectors of the encoder, of n-grams and of marked words, and places on the map"
        assert all(had.values())
        words_file = project.vectors_folder(path) / "words" / "encoder.npz"
        assert words_file.exists()
        (map_words,) = project.vectors_folder(path).glob("map-*/words.json")
        forgetting.forget(db, None, Selection(ids=tuple(ids.tolist())))
        assert not words_file.exists()
        assert not map_words.exists()
        assert word_emotions.is_asked(db, "vectors"), "vectors of words are made anew"
        for place in folders:
            gone = marks if place.name.startswith("marks") else ids
            assert not _present(place, gone)
            file = vector_store.find(place)
            assert file is not None
            assert not file.read(gone[gone <= file.rows]).any()
        active = models.find_active(db)
        assert active is not None
        proba = predictions.load_predictions(db, active)
        assert np.isnan(proba[ids - 1]).all()
        assert np.isfinite(proba).any(axis=1).sum() == diaries.count_diaries(db)
        for ended in rounds.list_rounds(db):
            assert not {mark["diary_id"] for mark in ended.report["rationales"]} & set(ids.tolist())
        board.load_board(db, annotator_id=1, holder="h" * 12, language="ko")
        runtime = WorkerRuntime(path, cache=default_cache())
        _keep_up(runtime, db)
        runtime.close()
        assert words_file.exists()
        assert map_words.exists()


def _present(place: Path, ids: np.ndarray) -> bool:
    file = vector_store.find(place)
    assert file is not None
    return bool(file.has(ids).any())
