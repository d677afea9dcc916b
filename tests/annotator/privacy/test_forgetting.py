"""Forgotten diaries are gone, with all that belongs to them, and the rest is as it was."""

from __future__ import annotations

import json
import sqlite3
import stat
import subprocess
import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator import project, try_out
from annotator import settings as project_settings
from annotator.accounts import api_tokens
from annotator.accounts.permissions import Person
from annotator.errors import UserError
from annotator.exporting import export
from annotator.importing import ColumnMap, import_file
from annotator.importing.text_checks import text_hash
from annotator.ingest import api
from annotator.ingest.api import Item
from annotator.labelling import board as labelling
from annotator.labelling import decisions as labelling_decisions
from annotator.labelling.queueing import enqueue_import
from annotator.privacy import forgetting, forgotten_key
from annotator.privacy.forgetting import Selection
from db.answers import decisions, queue
from db.answers.decisions import NewDecision
from db.answers.queue import QueueEntry
from db.connection import connect, file_of, rows, scalar, write
from db.errors import DatabaseError, NotFoundError
from db.forgetting import forgotten
from db.label_sets import guidelines
from db.models import explanation_cache, explanations, models, predictions, text_spaces
from db.models.explanations import Explanation
from db.people import annotators, audit_log
from db.review import reviews
from db.texts import batches as texts_batches
from db.texts import diaries, exports, sentences
from db.texts.sentences import Sentences
from tests import reviewed
from tests.conftest import ROOT, fill

if TYPE_CHECKING:
    from db import Database

HAPPY, SAD = 2, 5
KILLER = Path(__file__).with_name("kill_forgetting.py")
LEAD = Person(1, "나", "administrator", is_solo=False)
SECRET = "그날 우리는 낡은 피아노 뒤에 편지를 숨겼다."


def _import(db: Database, name: str, *lines: dict[str, str], **columns: str) -> int:
    content = "\n".join(json.dumps(row, ensure_ascii=False) for row in lines).encode()
    return import_file(db, content, name, columns=ColumnMap("text", **columns), after=enqueue_import).batch_id


def test_a_forgotten_diary_is_gone_with_its_decision(opened: Database) -> None:
    fill(opened, 10, labelled=True)
    report = forgetting.forget(opened, None, Selection(ids=(3, 10)))
    assert report.diary_count == 2
    assert report.row_counts["decisions"] == 2
    assert report.is_finished
    with pytest.raises(NotFoundError, match="diary_forgotten"):
        diaries.get_diary(opened, 3)
    assert scalar(opened, "select count(*) from decisions") == 8
    assert rows(opened, "pragma foreign_key_check") == []
    assert not opened.conn.in_transaction
    assert scalar(opened, "pragma foreign_keys") == 1


def test_once_more_it_changes_nothing_and_an_unknown_id_is_said(opened: Database) -> None:
    fill(opened, 4)
    forgetting.forget(opened, None, Selection(ids=(2,)))
    before = exports.content_hash(opened)
    assert forgetting.forget(opened, None, Selection(ids=(2,))).diary_count == 0
    assert exports.content_hash(opened) == before
    with pytest.raises(NotFoundError, match="diary_missing"):
        forgetting.forget(opened, None, Selection(ids=(2, 99)))
    with pytest.raises(UserError, match="forget_nothing"):
        forgetting.forget(opened, None, Selection())


def test_only_administrators_and_programs_with_the_scope_may(opened: Database) -> None:
    fill(opened, 2)
    for role in ("annotator", "reviewer"):
        with pytest.raises(UserError, match="right_missing"):
            forgetting.forget(opened, Person(1, "나", role, is_solo=False), Selection(ids=(1,)))
    secret = api_tokens.add(opened, "web", ("read", "write", "classify", "metrics"))
    with pytest.raises(UserError, match="scope_missing"):
        forgetting.forget(opened, api_tokens.identify(opened, secret), Selection(ids=(1,)))
    assert forgetting.forget(opened, LEAD, Selection(ids=(1,))).diary_count == 1


def test_the_audit_log_says_who_and_how_many_and_no_word(opened: Database) -> None:
    _import(opened, "숨긴 편지.jsonl", {"text": SECRET, "who": "한피아"}, {"text": "다른 글이다"}, author="who")
    forgetting.forget(opened, LEAD, Selection(author="한피아"))
    (entry,) = audit_log.list_entries(opened)
    assert (entry.name, entry.action, entry.subject) == ("가져오기:숨긴 편지.jsonl", "diary.forget", "")
    assert entry.details == {"count": 1}


def test_the_preview_counts_what_goes_and_changes_nothing(opened: Database) -> None:
    fill(opened, 10, labelled=True)
    before = exports.content_hash(opened)
    preview = forgetting.preview(opened, Selection(ids=(1, 2)))
    assert exports.content_hash(opened) == before
    assert not opened.conn.in_transaction
    done = forgetting.forget(opened, None, Selection(ids=(1, 2)))
    assert preview.row_counts == done.row_counts
    assert preview.diary_count == 2


def test_the_preview_counts_texts_that_are_nearly_the_same(opened: Database) -> None:
    text = "아침에 일찍 일어났다. 창밖에 눈이 내렸다. 하루 종일 마음이 무거웠다."
    near = "아침에 일찍  일어났다!! 창밖에 눈이 내렸다… 저녁에는 조금 나아졌다."
    _import(
        opened, "a.jsonl", {"text": text}, {"text": near}, {"text": "아침에 일찍 일어나서 산에 다녀왔고 그게 다였다."}
    )
    assert forgetting.preview(opened, Selection(ids=(1,))).near_copies == 1
    assert forgetting.preview(opened, Selection(ids=(3,))).near_copies == 0


def test_a_writer_is_found_however_the_name_is_spelled_in_unicode(opened: Database) -> None:
    name = "한피아"
    lines = [
        {"text": f"{i}번째 글", "who": who} for i, who in enumerate([name, unicodedata.normalize("NFD", name), "딴이"])
    ]
    _import(opened, "a.jsonl", *lines, author="who")
    assert forgetting.forget(opened, None, Selection(author=f" {name} ")).diary_count == 2
    assert diaries.list_ids(opened).tolist() == [3]
    with pytest.raises(UserError, match="forget_author_unknown"):
        forgetting.preview(opened, Selection(author=name))


def test_an_id_is_never_given_to_another_diary(opened: Database) -> None:
    fill(opened, 5)
    forgetting.forget(opened, None, Selection(ids=(4, 5)))
    _import(opened, "b.jsonl", {"text": "새로 온 글"})
    caller = api_tokens.identify(opened, api_tokens.add(opened, "web", api_tokens.SCOPES))
    handed = api.store(opened, caller, [Item("또 새로 온 글")])
    assert diaries.list_ids(opened).tolist() == [1, 2, 3, 6, 7]
    assert handed[0]["id"] == 7
    forgetting.forget(opened, None, Selection(ids=(7,)))
    assert diaries.last_diary_id(opened) == 7
    again = """
        insert into diaries (id, text, text_hash, batch_id, row_number, part, draw)
        values (5, '', x'00', 1, 1, 'pool', 1)
    """
    with pytest.raises(sqlite3.IntegrityError, match="forgotten"):
        opened.conn.execute(again)
    opened.conn.rollback()


def test_decisions_can_go_in_no_other_way(opened: Database) -> None:
    fill(opened, 4, labelled=True)
    forgetting.forget(opened, None, Selection(ids=(1,)))
    for statement in ("delete from decisions", "update decisions set memo = ''"):
        with pytest.raises(sqlite3.IntegrityError, match="only added to"):
            opened.conn.execute(statement)
        opened.conn.rollback()
    assert scalar(opened, "select count(*) from forgetting") == 0


def test_counts_and_boards_follow_at_once(opened: Database) -> None:
    fill(opened, 12)
    me = annotators.get_or_create_id(opened, "나")
    board = labelling.load_board(opened, annotator_id=me, holder="h" * 12, language="ko")
    shown = [item["diary_id"] for item in board.items]
    for diary_id in range(1, 4):
        if diary_id not in shown[:2]:
            decisions.add(opened, NewDecision(diary_id, me, "label", f"t-{diary_id}-long", HAPPY))
    before = labelling.load_board(opened, annotator_id=me, holder="h" * 12, language="ko")
    forgetting.forget(opened, LEAD, Selection(ids=(shown[0], 1, 2, 3)))
    after = labelling.load_board(opened, annotator_id=me, holder="h" * 12, language="ko")
    assert before.diary_count == 12
    assert shown[0] not in [item["diary_id"] for item in after.items]
    gone = {shown[0], 1, 2, 3}
    assert after.diary_count == diaries.count_diaries(opened) == 12 - len(gone) == len(diaries.list_ids(opened))
    assert after.left == len(diaries.list_ids(opened)) - len(decisions.list_decided_ids(opened))
    assert after.mine == len(decisions.list_decided_ids(opened))


def test_a_press_on_a_forgotten_diary_is_refused_with_a_sentence(opened: Database) -> None:
    fill(opened, 3)
    me = annotators.get_or_create_id(opened, "나")
    forgetting.forget(opened, LEAD, Selection(ids=(2,)))
    press = {"seq": 1, "kind": "label", "token": "token-123", "diary_id": 2, "label_id": HAPPY}
    receipt = labelling_decisions.receive(opened, press, annotator_id=me, holder="h" * 12, acked=0)
    assert receipt.acked == 1
    assert isinstance(receipt.refused, NotFoundError)
    assert receipt.refused.code == "diary_forgotten"


@pytest.mark.parametrize("table", ["gold", "leases", "rationales"])
def test_what_comes_too_late_for_a_check_is_refused_by_the_database_and_explained(opened: Database, table: str) -> None:
    fill(opened, 3)
    me = annotators.get_or_create_id(opened, "나")
    forgetting.forget(opened, LEAD, Selection(ids=(2,)))
    statement = {
        "gold": "insert into gold values (2, 2, :me, '')",
        "leases": """insert into leases (diary_id, holder, annotator_id, token, slot, claimed_at, expires_at)
            values (2, 'h', :me, 't', 1, '', '')""",
        "rationales": """insert into rationales (diary_id, annotator_id, label_id, span_start, span_end, verdict,
            token, marked_at) values (2, :me, 2, 0, 1, 'right', 't', '')""",
    }[table]
    with pytest.raises(NotFoundError, match="row_gone"), write(opened):
        opened.conn.execute(statement, {"me": me})


def test_what_was_computed_of_a_forgotten_diary_is_not_kept(opened: Database) -> None:
    fill(opened, 6, labelled=True)
    model_id = reviewed.add_model(opened)
    forgetting.forget(opened, LEAD, Selection(ids=(3,)))
    sentences.store_sentences(opened, [Sentences(i, ((0, 3),), "kss") for i in (2, 3)])
    explanation_cache.store(opened, 3, "x", b"x")
    explanations.store_explanation(
        opened, Explanation(3, model_id, "eojeol", ((0, 1),), np.zeros((1, 7)), (1.0,) * 7, 1)
    )
    queue.append_to_queue(opened, [3, 4], strategy="random")
    queue.replace_queue(opened, [QueueEntry(3, "margin", 1.0), QueueEntry(4, "margin", 0.5)], model_id=model_id)
    proba = np.full((6, 7), 1 / 7, np.float32)
    predictions.store_predictions(opened, model_id, proba)
    predictions.update_predictions(opened, model_id, np.array([3, 4], np.int64), proba[:2])
    model = models.get_model(opened, model_id)
    assert predictions.find_proba(opened, model, 3) is None
    assert np.isnan(predictions.load_predictions(opened, model)[:, 0]).tolist() == [
        False,
        False,
        True,
        False,
        False,
        False,
    ]
    for table in ("sentences", "attributions", "explanations", "queue"):
        assert scalar(opened, f"select count(*) from {table} where diary_id = 3") == 0
    assert scalar(opened, "select count(*) from sentences") == 1
    assert queue.list_head(opened, 9) == []  # all but the forgotten one are decided


def test_the_same_text_is_refused_from_then_on_unless_that_is_switched_off(opened: Database) -> None:
    _import(opened, "a.jsonl", {"text": SECRET}, {"text": "다른 글이다"})
    assert forgetting.forget(opened, LEAD, Selection(ids=(1,))).is_refused
    again = [
        {"text": f"  {unicodedata.normalize('NFD', SECRET)}\n"},
        {"text": "또 다른 글이다"},
        {"text": "다른 글이다"},
    ]
    content = "\n".join(json.dumps(row) for row in again).encode()
    report = import_file(opened, content, "b.jsonl")
    assert [(skip.row_number, skip.reason) for skip in report.skips] == [(1, "forgotten"), (3, "duplicate")]
    caller = api_tokens.identify(opened, api_tokens.add(opened, "web", api_tokens.SCOPES))
    with pytest.raises(DatabaseError, match="handed_forgotten") as refused:
        api.store(opened, caller, [Item("처음 온 글"), Item(SECRET)])
    assert refused.value.details == {"place": 2}
    with pytest.raises(UserError, match="trying_forgotten"):
        try_out.add_to_diaries(opened, SECRET, person=LEAD)
    assert not any(SECRET in text for _, text in diaries.read_texts(opened))
    project_settings.change(opened, refuse_forgotten=False)
    assert try_out.add_to_diaries(opened, SECRET, person=LEAD).is_new


COPIED = {
    "other spaces": lambda text: text.replace(" ", "  "),
    "no spaces": lambda text: text.replace(" ", ""),
    "spaces of the web": lambda text: text.replace(" ", "\u00a0"),
    "spaces of Chinese": lambda text: text.replace(" ", "\u3000"),
    "line ends": lambda text: text.replace(" ", "\r\n"),
    "a mark of order": lambda text: "\ufeff" + text,
    "marks without width": lambda text: "\u200b".join(text),
    "a soft hyphen": lambda text: text[:3] + "\u00ad" + text[3:],
    "other quotes": lambda text: f"“{text}”",
    "letters taken apart": lambda text: unicodedata.normalize("NFD", text),
    "wide letters": lambda text: text.translate({c: c + 0xFEE0 for c in range(0x21, 0x7F)}),
    "capitals": str.upper,
}
"""What becomes of a text on its way through other programs."""


@pytest.mark.parametrize("way", COPIED)
def test_a_forgotten_text_is_known_however_it_was_copied(opened: Database, way: str) -> None:
    text = "Max와 다투고 3시까지 울었다. 아무에게도 말하지 않았다!"
    _import(opened, "a.jsonl", {"text": text}, {"text": "다른 글이다"})
    forgetting.forget(opened, LEAD, Selection(ids=(1,)))
    copied = COPIED[way](text)
    assert copied != text
    report = import_file(opened, json.dumps({"text": copied}).encode(), "b.jsonl")
    assert [skip.reason for skip in report.skips] == ["forgotten"]


def test_a_text_without_letters_is_refused_by_itself_and_not_for_all_of_its_kind(opened: Database) -> None:
    _import(opened, "a.jsonl", {"text": "… !?"}, {"text": "다른 글이다"})
    forgetting.forget(opened, LEAD, Selection(ids=(1,)))
    report = import_file(opened, b'{"text": "... !?"}\n{"text": "\xe2\x80\xa6 !?"}', "b.jsonl")
    assert [(skip.row_number, skip.reason) for skip in report.skips] == [(2, "forgotten")]


def test_what_was_forgotten_by_its_hash_alone_stays_refused(opened: Database) -> None:
    _import(opened, "a.jsonl", {"text": SECRET}, {"text": "다른 글이다"})
    forgetting.forget(opened, LEAD, Selection(ids=(1,)))
    key = forgotten_key.key_path(Path(file_of(opened))).read_bytes()
    with write(opened):
        opened.conn.execute("update forgotten_texts set digest = ?", (forgotten_key._digest(key, text_hash(SECRET)),))
    report = import_file(opened, json.dumps({"text": SECRET}).encode(), "b.jsonl")
    assert [skip.reason for skip in report.skips] == ["forgotten"]


def test_where_nothing_is_refused_no_digest_is_kept(opened: Database, project_path: Path) -> None:
    project_settings.change(opened, refuse_forgotten=False)
    fill(opened, 2)
    assert not forgetting.forget(opened, LEAD, Selection(ids=(1,))).is_refused
    assert not forgotten.has_digests(opened)
    assert not forgotten_key.key_path(project_path).exists()


def test_the_key_is_the_owners_alone_and_not_in_the_database(opened: Database, project_path: Path) -> None:
    fill(opened, 3)
    forgetting.forget(opened, LEAD, Selection(ids=(1,)))
    path = forgotten_key.key_path(project_path)
    key = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(key) == 32
    assert key not in project_path.read_bytes()
    forgetting.forget(opened, LEAD, Selection(ids=(2,)))
    assert path.read_bytes() == key
    assert scalar(opened, "select count(*) from forgotten_texts") == 2


@pytest.mark.parametrize("left", [None, b"", b"x" * 32])
def test_without_its_key_nothing_is_imported_until_somebody_decides(
    opened: Database, project_path: Path, left: bytes | None
) -> None:
    fill(opened, 3)
    forgetting.forget(opened, LEAD, Selection(ids=(1,)))
    path = forgotten_key.key_path(project_path)
    path.unlink()
    if left is not None:
        path.write_bytes(left)
    with pytest.raises(UserError, match="forgotten_key_missing"):
        _import(opened, "b.jsonl", {"text": "새 글"})
    with pytest.raises(UserError, match="forgotten_key_missing"):
        forgetting.forget(opened, LEAD, Selection(ids=(2,)))
    assert diaries.list_ids(opened).tolist() == [2, 3]
    project_settings.change(opened, refuse_forgotten=False)
    _import(opened, "b.jsonl", {"text": "새 글"})
    assert len(diaries.list_ids(opened)) == 3


def test_an_import_is_taken_back_with_what_it_said_of_other_diaries(opened: Database) -> None:
    first = _import(opened, "a.jsonl", {"text": "같이 읽은 글"}, {"text": "처음 글"})
    me = annotators.get_or_create_id(opened, "나")
    decisions.add(opened, NewDecision(1, me, "label", "import-2-mine", HAPPY))  # before such tokens were reserved
    lines = [
        {"text": "같이 읽은 글", "label": "슬픔", "by": "민수"},
        {"text": "나중 글", "label": "행복", "by": "민수"},
        {"text": "처음 글", "label": "행복", "by": "지수"},
    ]
    second = _import(opened, "민수의 파일.jsonl", *lines, label="label", annotator="by")
    imported = next(d for d in decisions.list_standing(opened, [1]) if d.annotator_id != me)
    review = reviews.NewReview(1, me, "accept", "review-123", decision_id=imported.id)
    reviews.add(opened, review)
    counted = forgetting.preview(opened, Selection(batch_id=second)).row_counts
    done = forgetting.forget(opened, LEAD, Selection(batch_id=second))
    assert counted == done.row_counts
    assert (done.diary_count, done.row_counts["decisions"], done.row_counts["reviews"]) == (1, 3, 1)
    assert [(d.annotator_id, d.label_id) for d in decisions.list_standing(opened, [1, 2])] == [(me, HAPPY)]
    assert rows(opened, "select * from settled") == []
    assert rows(opened, "pragma foreign_key_check") == []
    batches = {batch.id: batch for batch in texts_batches.list_batches(opened)}
    assert (batches[second].kept_count, batches[second].forgotten_count, batches[second].file_name) == (0, 1, "")
    assert (batches[first].kept_count, batches[first].file_name) == (2, "a.jsonl")
    assert not [name for _, name in annotators.list_annotators(opened) if "민수" in name or "지수" in name]
    with pytest.raises(UserError, match="forget_batch_unknown"):
        forgetting.forget(opened, LEAD, Selection(batch_id=99))


def test_two_who_forget_the_same_at_once_are_both_told_that_it_is_gone(opened: Database, project_path: Path) -> None:
    fill(opened, 3000)
    both = Barrier(2)

    def forget(ids: tuple[int, ...]) -> int:
        with project.opened(project_path) as db:
            both.wait()
            return forgetting.forget(db, None, Selection(ids=ids)).diary_count

    ids = tuple(range(1, 3001))
    with ThreadPoolExecutor(2) as pool:  # the first of them goes while the others are looked at
        assert sum(pool.map(forget, (ids, ids[:1]))) == 3000
    assert diaries.count_diaries(opened) == 0


def test_a_review_that_rested_on_another_decision_holds_again(opened: Database) -> None:
    _import(opened, "a.jsonl", {"text": "같이 읽은 글"})
    me = annotators.get_or_create_id(opened, "나")
    mine = decisions.add(opened, NewDecision(1, me, "label", "mine-123", HAPPY))
    reviews.add(opened, reviews.NewReview(1, me, "accept", "review-1", decision_id=mine))
    second = _import(
        opened, "b.jsonl", {"text": "같이 읽은 글", "label": "슬픔", "by": "민수"}, label="label", annotator="by"
    )
    imported = max(d.id for d in decisions.list_standing(opened, [1]))
    reviews.add(opened, reviews.NewReview(1, me, "accept", "review-2", decision_id=imported))
    forgetting.forget(opened, LEAD, Selection(batch_id=second))
    assert rows(opened, "select decision_id from settled") == [(mine,)]


def test_an_import_counts_what_went_apart_from_what_was_left_out(opened: Database) -> None:
    batch = _import(opened, "a.jsonl", {"text": "하나"}, {"text": "둘"}, {"text": "하나"}, {"text": ""})
    forgetting.forget(opened, LEAD, Selection(ids=(1,)))
    (stored_batch,) = texts_batches.list_batches(opened)
    assert (stored_batch.kept_count, stored_batch.forgotten_count, stored_batch.left_out_count) == (1, 1, 2)
    assert stored_batch.file_hash == "", "the digest of a short file is nearly one of its text"
    assert [(skip.reason, skip.detail) for skip in texts_batches.list_skips(opened, batch)] == [
        ("forgotten", ""),
        ("empty", ""),
    ]


def test_quotations_elsewhere_go_and_the_notes_stay(opened: Database) -> None:
    _import(opened, "a.jsonl", {"text": f"첫 문장은 여기 있다. {SECRET}"}, {"text": "다른 글이다"})
    me = annotators.get_or_create_id(opened, "나")
    decisions.add(opened, NewDecision(2, me, "label", "noted-12", HAPPY, f"앞: {SECRET} 뒤"))
    told = f"이런 글: {unicodedata.normalize('NFD', SECRET)}"
    guidelines.add_guideline(opened, HAPPY, None, told, [SECRET, "지어낸 보기"], annotator_id=me)
    assert forgetting.forget(opened, LEAD, Selection(ids=(1,))).quote_count == 3
    assert scalar(opened, "select memo from decisions where diary_id = 2") == "앞: …. 뒤"
    ((text, examples),) = rows(opened, "select text, examples from guidelines")
    assert text == "이런 글: …."
    assert json.loads(examples) == ["….", "지어낸 보기"]


def test_what_stays_of_decisions_are_counts(opened: Database) -> None:
    fill(opened, 40, labelled=True)
    test = diaries.list_ids(opened, "test").tolist()
    me = annotators.get_or_create_id(opened, "나")
    for diary_id in (test[0], test[1], diaries.list_ids(opened, "pool").tolist()[0]):
        decisions.add(opened, NewDecision(diary_id, me, "label", f"t-{diary_id}-long", SAD))
    forgetting.forget(opened, LEAD, Selection(ids=(test[0],)))
    forgetting.forget(opened, LEAD, Selection(ids=(test[1], diaries.list_ids(opened, "pool").tolist()[0])))
    counts = forgetting.count_gone(opened)
    assert (counts.decisions, counts.shared_labels, counts.test_labels) == (6, 6, 4)
    assert forgotten.count_by_person(opened) == {me: 3}


def test_versions_that_learned_from_it_are_named(opened: Database) -> None:
    fill(opened, 6, labelled=True)
    learned = models.NewModel("instant", "bundled", "h", (2, 5), b"a", {}, training_decisions=(1, 2, 3))
    other = models.NewModel("instant", "bundled", "h", (2, 5), b"b", {}, training_decisions=(3, 4))
    models.add_model(opened, learned)
    models.activate(opened, models.add_model(opened, other), reason="test")
    seen = forgetting.preview(opened, Selection(ids=(1, 2))).trained
    done = forgetting.forget(opened, LEAD, Selection(ids=(1, 2))).trained
    assert seen == done == (forgetting.Trained(0, "instant", 2, False),)
    forgetting.forget(opened, LEAD, Selection(ids=(3,)))
    versions = [(each.version, each.diary_count, each.serves) for each in forgetting.list_untrained(opened)]
    assert versions == [(0, 3, False), (1, 1, True)]
    models.add_model(opened, learned)  # one that was being trained meanwhile
    assert [each.version for each in forgetting.list_untrained(opened)] == [0, 1, 2]


def test_features_that_were_fitted_on_it_are_fitted_anew(opened: Database) -> None:
    fill(opened, 3)
    digest = text_spaces.add_text_space(opened, b"one", fitted_on=3)
    forgetting.forget(opened, LEAD, Selection(ids=(1,)))
    assert text_spaces.find_newest_text_space(opened) is None
    assert text_spaces.find_text_space(opened) is None
    assert text_spaces.find_text_space(opened, digest) == (digest, b"one", 3), "versions in use go on reading it"
    assert text_spaces.add_text_space(opened, b"one", fitted_on=2) == digest
    assert text_spaces.find_newest_text_space(opened) == digest


def test_an_export_during_which_something_is_forgotten_does_not_appear(
    opened: Database, project_path: Path, tmp_path: Path
) -> None:
    fill(opened, 3)

    def meanwhile(done: int, total: int) -> None:
        with closing(connect(project_path)) as other:
            forgetting.forget(other, LEAD, Selection(ids=(1,)))

    with pytest.raises(UserError, match="export_forgotten"):
        export(opened, tmp_path / "out.csv", on_progress=meanwhile)
    assert not (tmp_path / "out.csv").exists()
    assert export(opened, tmp_path / "out.csv") == 2


def test_while_somebody_reads_the_files_follow_later(opened: Database, project_path: Path) -> None:
    fill(opened, 3)
    with closing(connect(project_path)) as reader:
        reader.conn.execute("begin")
        reader.conn.execute("select count(*) from diaries").fetchone()
        assert not forgetting.forget(opened, LEAD, Selection(ids=(1,))).is_finished
        assert not forgotten.is_finished(opened)
        reader.conn.rollback()
    assert forgetting.follow(opened)
    assert forgotten.is_finished(opened)
    log = project_path.with_name(project_path.name + "-wal")
    assert log.stat().st_size == 0


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_all_of_it_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "project.db"
    project.init(path, seed="00" * 16)
    with closing(project.open_project(path)) as db:
        fill(db, 40, labelled=True)
        reviewed.add_model(db)
    statements = int(_forget_until(path, 0, (39, 40)).stdout)
    left_all = set()
    for number, share in enumerate([0.1, *np.linspace(0.6, 0.99, 12)]):
        gone = (2 * number + 1, 2 * number + 2)
        assert _forget_until(path, round(share * statements), gone).returncode == -9
        with closing(project.open_project(path)) as db:
            left = diaries.keep_known(db, np.array(gone, np.int64)).tolist()
            assert left in ([], list(gone)), share
            assert scalar(db, f"select count(*) from decisions where diary_id in {gone}") == len(left)
            assert diaries.count_diaries(db) == len(diaries.list_ids(db))
            assert scalar(db, "select count(*) from forgetting") == 0
            assert rows(db, "pragma foreign_key_check") == []
            assert rows(db, "pragma integrity_check") == [("ok",)]
            assert forgetting.follow(db)
            left_all.add(bool(left))
    assert left_all == {True, False}, "some were killed before the end of the transaction, and some after it"


def _forget_until(path: Path, statement: int, ids: tuple[int, ...]) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, str(KILLER), str(path), str(statement), *map(str, ids)]
    return subprocess.run(command, check=False, cwd=ROOT, timeout=120, capture_output=True)
