"""The index finds what reading through finds, is kept up by imports, and is made again when it is lost."""

from __future__ import annotations

import random
import shutil
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator import project
from annotator.importing import ColumnMap, import_file
from annotator.privacy import forgetting
from annotator.privacy.forgetting import Selection
from db.connection import rows, scalar, write
from db.search import folding, index
from db.search.blocks import BLOCK
from db.texts import diaries
from tests.conftest import copy_project, import_ours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from db import Database

_SYLLABLES = "가나다라마바사아자차카타파하 "


def _texts(count: int) -> list[str]:
    draw = random.Random(1)
    return ["".join(draw.choices(_SYLLABLES, k=draw.randrange(3, 30))) + f" {number}" for number in range(count)]


def _import(db: Database, texts: list[str], name: str = "a.csv") -> None:
    lines = (f"{text},쓴이 {i % 3},2026-03-{i % 28 + 1:02}" for i, text in enumerate(texts))
    import_ours(db, "\n".join(["text,author,date", *lines]), name)


def _ids_of(db: Database, word: str) -> set[int]:
    folded = folding.fold(word)
    candidates = np.flatnonzero(index.load(db).candidates(folding.units_of(folded))) + 1
    texts = dict(rows(db, "select id, text from diaries"))
    return {int(i) for i in candidates if folded in folding.fold(texts[int(i)])}


@pytest.fixture(scope="module")
def large_project(empty_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of two whole blocks and some diaries, which each test gets a copy of: an import takes a second."""
    path = Path(shutil.copy(empty_project, tmp_path_factory.mktemp("large") / "project.db"))
    with closing(project.open_project(path)) as db:
        _import(db, _texts(2 * BLOCK + 100))
    return path


@pytest.fixture
def large(large_project: Path, tmp_path: Path) -> Iterator[Database]:
    with closing(project.open_project(copy_project(large_project, tmp_path / "large"))) as db:
        yield db


def test_an_import_stores_whole_blocks_and_the_rest_is_read_through(large: Database) -> None:
    loaded = index.load(large)
    assert loaded.stored == (0, 1)
    assert list(loaded.read_through) == [2]
    assert index.is_whole(large)
    assert scalar(large, "select count(*) from search_blocks") == 2


@pytest.mark.parametrize("word", ["가", "가나", "나다라", "마바 사", "819", "없는말"])
def test_the_index_finds_what_reading_every_text_finds(large: Database, word: str) -> None:
    folded = folding.fold(word)
    texts = rows(large, "select id, text from diaries")
    assert _ids_of(large, word) == {diary_id for diary_id, text in texts if folded in folding.fold(text)}


def test_columns_say_what_the_diaries_are(large: Database) -> None:
    columns = index.load(large).columns()
    assert len(columns.lengths) == 2 * BLOCK + 100
    assert columns.lengths[5000] == len(diaries.get_diary(large, 5001).text)
    assert len(set(columns.authors.tolist())) == 3
    assert columns.days[BLOCK] - columns.days[BLOCK - 1] == 1


def test_a_lost_index_is_searched_without_and_made_again(large: Database) -> None:
    before = _ids_of(large, "가나")
    with write(large):
        large.conn.execute("delete from search_postings")
        large.conn.execute("delete from search_blocks")
    assert not index.is_whole(large)
    assert _ids_of(large, "가나") == before
    assert index.extend_some(large) == (2, 2)
    assert index.is_whole(large)
    assert not index.load(large).read_through.keys() & {0, 1}
    assert _ids_of(large, "가나") == before


def test_an_index_of_another_version_is_made_again(large: Database) -> None:
    with write(large):
        large.conn.execute("update search_blocks set version = 0 where block = 1")
    assert index.missing_blocks(large) == [1]
    assert index.extend(large) == 1
    assert index.missing_blocks(large) == []


def test_more_blocks_than_can_be_read_through_are_counted(large: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with write(large):
        large.conn.execute("delete from search_blocks")
    monkeypatch.setattr(index, "_MOST_READ_THROUGH", 1)
    assert index.load(large).missing_count == 1


def test_a_forgotten_diary_is_named_nowhere_in_the_index(large: Database) -> None:
    number = BLOCK + 7
    word = folding.fold(diaries.get_diary(large, number).text)[:2]
    assert index.load(large).candidates(folding.units_of(word))[number - 1]
    forgetting.forget(large, None, Selection(ids=(number,)))
    loaded = index.load(large)
    assert loaded.stored == (0, 1)
    assert loaded.lengths()[number - 1] == 0
    assert loaded.columns().authors[number - 1] == 0
    assert not loaded.candidates(folding.units_of(word))[number - 1]


def test_what_named_a_forgotten_diary_is_overwritten_in_the_file(large: Database) -> None:
    stored = [bytes(raw) for (raw,) in rows(large, "select postings from search_postings where bucket >= 256")]
    lost = max(stored, key=len)
    ids = tuple(range(BLOCK + 1, BLOCK + 200))
    assert forgetting.forget(large, None, Selection(ids=ids)).is_finished
    path = large.conn.execute("pragma database_list").fetchone()[2]
    with open(path, "rb") as file:
        assert lost[-400:-300] not in file.read()


def test_an_import_that_is_undone_leaves_no_index(opened: Database) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    content = "\n".join(["text", *_texts(BLOCK + 1)]).encode()
    with pytest.raises(RuntimeError):
        import_file(opened, content, "a.csv", columns=ColumnMap("text"), after=fail)
    assert scalar(opened, "select count(*) from search_blocks") == 0


def test_an_empty_project_has_nothing_to_find(opened: Database) -> None:
    assert index.load(opened).candidates(folding.units_of("가")).shape == (0,)
    assert index.is_whole(opened)


@pytest.mark.parametrize("damaged", [b"", b"\x05\0\0\0", b"\xff\xff\xff\xff" + bytes(100)])
def test_a_damaged_index_hides_no_diary(large: Database, damaged: bytes) -> None:
    before = _ids_of(large, "가나")
    with write(large):
        large.conn.execute("update search_postings set postings = ? where bucket < 256", (damaged,))
    assert _ids_of(large, "가나") == before
