"""No writer and no text of the same letters is in two parts, in whichever files and order the diaries come."""

from __future__ import annotations

import csv
import io
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotator import project
from annotator import settings as project_settings
from annotator.importing import import_file, parts
from db.connection import rows
from db.texts.diaries import DRAW_RANGE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from db import Database

SEED = b"0123456789abcdef"

Row = tuple[str, str]
"""Writer and text."""


def _file(lines: Sequence[Row]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerows([("작성자", "일기"), *lines])
    return written.getvalue().encode()


def _parts(db: Database) -> list[tuple[str | None, str, str]]:
    return rows(db, "select author, text, part from diaries")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    project.init(tmp_path / "project.db", seed=SEED.hex())
    with closing(project.open_project(tmp_path / "project.db")) as opened:
        yield opened


def _lines(writers: int, each: int = 5) -> list[Row]:
    return [(f"쓴이{i}", f"{i}번 사람의 {j}번째 날") for j in range(each) for i in range(writers)]


def test_names_that_differ_in_spaces_case_and_form_are_one_writer() -> None:
    assert parts.writer_of("  Kim  가람 ") == parts.writer_of("kim 가람") != ""
    assert parts.writer_of(" ") == parts.writer_of(None) == ""


@pytest.mark.parametrize("copy", ["오늘은 기뻤다!!", " 오늘은\n기뻤다.", "오늘은\u200b 기뻤다"])
def test_texts_that_differ_in_spaces_and_punctuation_are_drawn_as_one(copy: str) -> None:
    assert parts.draw_of_text("오늘은 기뻤다", seed=SEED) == parts.draw_of_text(copy, seed=SEED)


def test_texts_without_letters_are_drawn_by_themselves() -> None:
    assert parts.draw_of_text("...", seed=SEED) != parts.draw_of_text("!!!", seed=SEED)


def test_draws_are_uniform_and_change_with_the_seed_and_with_what_is_drawn() -> None:
    draws = [parts.draw_of_text(str(i), seed=b"one") / DRAW_RANGE for i in range(2_000)]
    assert 0 <= min(draws) < 0.01 < 0.99 < max(draws) < 1
    assert abs(sum(draws) / len(draws) - 0.5) < 0.03
    assert draws != [parts.draw_of_text(str(i), seed=b"two") / DRAW_RANGE for i in range(2_000)]
    assert parts.draw_of_writer("7", seed=b"one") != parts.draw_of_text("7", seed=b"one")


_NAMES = st.lists(st.integers(1, 40), min_size=parts.FEWEST_WRITERS, max_size=60)


@given(_NAMES, st.floats(0.1, 0.5))
def test_a_cut_leaves_writers_on_both_sides_and_about_the_share_that_was_asked_for(
    lengths: list[int], share: float
) -> None:
    counts = {f"쓴이{i}": length for i, length in enumerate(lengths)}
    cut = parts.choose_cut(counts, seed=SEED, test_share=share)
    split = parts.Split(SEED, share, cut)
    apart = [writer for writer in counts if cut and split.part_of(writer, 0) == "test"]
    if cut:
        assert parts.FEWEST_APART <= len(apart) <= len(counts) - parts.FEWEST_APART
        assert share / 2 <= sum(counts[writer] for writer in apart) / sum(lengths) <= 1.75 * share
    else:
        assert apart == []


def test_many_writers_of_one_diary_are_split_at_the_share_itself() -> None:
    counts = {f"쓴이{i}": 1 for i in range(5_000)}
    cut = parts.choose_cut(counts, seed=SEED, test_share=0.2)
    assert cut == pytest.approx(0.2 * DRAW_RANGE, rel=0.1)


@pytest.mark.parametrize(
    "counts",
    [{}, {"혼자": 50}, {f"쓴이{i}": 9 for i in range(9)}, {"많이": 100, **{f"쓴이{i}": 4 for i in range(20)}}],
    ids=["nobody", "one", "nine", "one with more than half"],
)
def test_too_few_writers_are_not_split_by(counts: dict[str, int]) -> None:
    assert parts.choose_cut(counts, seed=SEED, test_share=0.2) == 0


def test_the_first_file_that_names_enough_writers_splits_the_project_by_them(db: Database) -> None:
    import_file(db, "일기\n이름이 없는 날".encode(), "none.csv")
    assert project_settings.load(db).writer_cut == 0
    import_file(db, _file(_lines(12)), "a.csv")
    cut = project_settings.load(db).writer_cut
    assert cut > 0
    import_file(db, _file([(f" 쓴이{i} ", f"나중에 쓴 {i}번째 글") for i in range(40)]), "b.csv")
    assert project_settings.load(db).writer_cut == cut
    part_of: dict[str, set[str]] = {}
    for author, _, part in _parts(db):
        part_of.setdefault(parts.writer_of(author), set()).add(part)
    assert all(len(parts_of_writer) == 1 for writer, parts_of_writer in part_of.items() if writer)


def test_a_project_whose_diaries_had_writers_before_stays_as_it_is(db: Database) -> None:
    import_file(db, _file(_lines(3)), "few.csv")
    before = _parts(db)
    import_file(db, _file([(f"다른 이{i}", f"다른 글 {i}") for i in range(30)]), "many.csv")
    assert project_settings.load(db).writer_cut == 0
    assert _parts(db)[: len(before)] == before


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_no_writer_and_no_copy_is_in_two_parts_whatever_the_files_and_their_order(data: st.DataObject) -> None:
    writers = data.draw(st.integers(1, 25))
    named = data.draw(st.booleans())
    lines = [
        (f"쓴이{i % writers}" if named else "", f"{i // 2}번째 일기{mark}") for i in range(60) for mark in ("", " !")
    ]
    lines = data.draw(st.permutations(lines))
    cuts = sorted(data.draw(st.lists(st.integers(1, len(lines) - 1), max_size=3, unique=True)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "project.db"
        project.init(path, seed=SEED.hex())
        with closing(project.open_project(path)) as opened:
            for start, end in zip([0, *cuts], [*cuts, len(lines)], strict=True):
                import_file(opened, _file(lines[start:end]), f"{start}.csv")
            by_writers = project_settings.load(opened).writer_cut > 0
            diaries_in_parts = _parts(opened)
    groups: dict[str, set[str]] = {}
    for author, text, part in diaries_in_parts:
        group = parts.writer_of(author) if by_writers else text.removesuffix(" !")
        groups.setdefault(group, set()).add(part)
    assert all(len(group_parts) == 1 for group_parts in groups.values())
