from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotator import settings as project_settings
from annotator.accounts.permissions import machine_owner
from annotator.dictionary import entries, evidence
from annotator.formats.spreadsheet_cells import safe_cell
from annotator.importing import import_file
from annotator.label_sets import editing
from db.models import explanations, models, word_emotions
from db.models.word_emotions import NewWordEmotion
from db.people import annotators
from db.texts import diaries
from learner.text.units import eojeol

if TYPE_CHECKING:
    from db import Database

HAPPY, SAD = 2, 5

TEXTS = ("눈물이 났다", "눈물을 닦고 웃었다", "정말 기뻤다", "비밀 낱말")


@pytest.fixture
def explained(opened: Database) -> int:
    """Four diaries, the last a test diary, explained by the serving model; return that model's id."""
    import_file(opened, "\n".join(["text", *TEXTS]).encode(), "a.csv")
    opened.conn.execute("update diaries set part = case id when 4 then 'test' else 'pool' end")
    opened.conn.commit()
    project_settings.change(opened, blind_share=0.0)
    model_id = models.add_model(opened, models.NewModel("instant", "bundled", "hash", (HAPPY, SAD), b"", {}))
    models.activate(opened, model_id, reason="test")
    for diary in diaries.list_diaries(opened, [1, 2, 3, 4]):
        spans = eojeol(diary.text)
        sad = np.array([0.8 if "눈물" in diary.text[a:b] else -0.4 for a, b in spans], np.float32)
        weights = np.stack([-sad, sad], axis=1)
        explanations.store_explanation(
            opened, explanations.Explanation(diary.id, model_id, "eojeol", spans, weights, (1.0, 1.0), 9)
        )
    return model_id


def _rows(db: Database, **filters: object) -> list[evidence.Row]:
    return evidence.list_rows(db, evidence.gather(db), **filters)  # type: ignore[arg-type]


def test_words_come_with_their_mean_weight_how_often_and_where(opened: Database, explained: int) -> None:
    basis = evidence.gather(opened)
    assert basis is not None
    assert (basis.model_id, basis.label_ids, basis.evidence.diary_total) == (explained, tuple(range(1, 8)), 3)
    first = _rows(opened)[0]
    assert (first.word, first.count, first.diary_count, first.diary_ids) == ("눈물", 2, 2, (1, 2))
    assert first.means == pytest.approx((0, -0.8, 0, 0, 0.8, 0, 0))
    assert (first.suggested_id, first.label_id, first.state) == (SAD, SAD, "open")


def test_words_of_a_merged_label_speak_for_what_it_is_now(opened: Database, explained: int) -> None:
    me = annotators.get_or_create_id(opened, "나")
    entries.confirm(opened, "눈물", SAD, annotator_id=me)
    editing.merge(opened, SAD, HAPPY + 1, annotator_id=me)
    row = _rows(opened)[0]
    assert (row.word, row.suggested_id, row.label_id) == ("눈물", HAPPY + 1, HAPPY + 1)
    assert row.means == pytest.approx((0, -0.8, 0.8, 0, 0, 0))


def test_test_diaries_give_no_words(opened: Database, explained: int) -> None:
    assert not {"비밀", "낱말", "비밀낱말"} & {row.word for row in _rows(opened)}


def test_examples_show_the_word_where_it_stands_but_no_blind_diary(opened: Database, explained: int) -> None:
    row = _rows(opened, search="눈물")[0]
    examples = evidence.list_examples(opened, row, person=machine_owner())
    assert [(e.diary_id, e.before, e.word, e.after) for e in examples] == [
        (1, "", "눈물이", " 났다"),
        (2, "", "눈물을", " 닦고 웃었다"),
    ]
    project_settings.change(opened, blind_share=1.0)
    assert evidence.list_examples(opened, row, person=machine_owner()) == []


def test_words_are_filtered_by_state_label_and_search(opened: Database, explained: int) -> None:
    me = annotators.get_or_create_id(opened, "나")
    entries.confirm(opened, "눈물", HAPPY, annotator_id=me)
    entries.reject(opened, "정말", annotator_id=me)
    entries.add(opened, "무지개", HAPPY, annotator_id=me)
    assert {row.word for row in _rows(opened, shown="confirmed")} == {"눈물", "무지개"}
    assert [row.word for row in _rows(opened, shown="rejected")] == ["정말"]
    assert not {"눈물", "정말"} & {row.word for row in _rows(opened, shown="open")}
    assert "눈물" in {row.word for row in _rows(opened, label_id=HAPPY)}, "what a person said goes before the model"
    assert [row.word for row in _rows(opened, search="기뻐서")] == ["기쁘다"], "also by another form of the word"
    assert _rows(opened)[-1].word == "무지개", "without evidence last"


def test_another_model_brings_its_own_evidence(opened: Database, explained: int) -> None:
    before = evidence.get_revision(opened)
    newer = models.add_model(opened, models.NewModel("instant", "bundled", "hash", (HAPPY, SAD), b"", {}))
    models.activate(opened, newer, reason="test")
    assert evidence.get_revision(opened) != before
    assert _rows(opened) == []


def test_without_a_model_there_is_nothing_to_gather(opened: Database) -> None:
    assert evidence.gather(opened) is None
    assert evidence.list_rows(opened, None) == []


def _export(db: Database, basis: evidence.EvidenceTable | None) -> bytes:
    return evidence.export_csv(db, basis, person=machine_owner())


def _read(content: bytes) -> list[dict[str, str]]:
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def test_everything_goes_out_as_a_file_for_spreadsheets(opened: Database, explained: int) -> None:
    me = annotators.get_or_create_id(opened, "=나")
    entries.confirm(opened, "눈물", SAD, annotator_id=me)
    rows = {row["word"]: row for row in _read(_export(opened, evidence.gather(opened)))}
    assert rows["눈물"]["label"] == "슬픔"
    assert (rows["눈물"]["state"], rows["눈물"]["decided_by"], rows["눈물"]["diary_ids"]) == (
        "confirmed",
        "'=나",
        "1 2",
    )
    assert float(rows["눈물"]["mean_슬픔"]) == pytest.approx(0.8)
    assert (rows["기쁘다"]["state"], rows["기쁘다"]["label"], rows["기쁘다"]["suggested"]) == ("open", "", "행복")


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(word=st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12).filter(lambda w: "\0" not in w))
def test_no_word_is_run_by_a_spreadsheet_and_none_breaks_the_file(opened: Database, word: str) -> None:
    me = annotators.get_or_create_id(opened, "나")
    word_emotions.add(opened, NewWordEmotion(word, None, "confirmed", "hand", me))
    out = list(csv.reader(io.StringIO(_export(opened, None).decode("utf-8-sig"), newline="")))
    assert [safe_cell(word)] == [row[0] for row in out[1:] if row[0] == safe_cell(word)]
    assert all(len(row) == len(out[0]) for row in out)
    assert not any(cell[:1] in ("=", "+", "-", "@", "\t", "\r") for row in out for cell in row if cell)


def test_what_is_masked_gives_no_word_until_masking_is_off(opened: Database, explained: int) -> None:
    text = "김민서 씨가 울어서 minseo@example.com 주소로 위로를 보냈다"
    import_file(opened, f"text\n{text}\n".encode(), "b.csv")
    opened.conn.execute("update diaries set part = 'pool'")
    opened.conn.commit()
    diary_id, spans = diaries.last_diary_id(opened), eojeol(text)
    weights = np.full((2, len(spans)), 0.5, np.float32)
    stored = explanations.Explanation(diary_id, explained, "eojeol", spans, weights, (1.0, 1.0), 9)
    explanations.store_explanation(opened, stored)
    private = ("민서", "minseo", "example")
    project_settings.change(opened, mask=True, mask_names=True)
    before = evidence.get_revision(opened)
    assert not [row.word for row in _rows(opened) if any(part in row.word for part in private)]
    assert any(row.word.startswith("위로") for row in _rows(opened)), "the rest of the diary counts"
    project_settings.change(opened, mask=False, mask_names=False)
    assert evidence.get_revision(opened) != before
    assert [row.word for row in _rows(opened) if any(part in row.word for part in private)]
