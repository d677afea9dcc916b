"""Bytes that SQLite leaves between rows are found, and gone once the database is written anew."""

from __future__ import annotations

import random
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

import db
from db import connection
from db.forgetting import leftovers

if TYPE_CHECKING:
    from pathlib import Path


def _text(rng: random.Random, number: int, longest: int) -> str:
    return f"{number}번 글 " + "".join(rng.choices("가나다라마바사아자차카타파하", k=rng.randrange(20, longest)))


def _holds(path: Path, text: str) -> bool:
    """Return whether one of a text's quarters is in a file, wherever."""
    content, encoded = path.read_bytes(), text.encode()
    length = max(31, len(encoded) // 4)
    return any(encoded[at : at + length] in content for at in range(0, len(encoded) - length + 1, length))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("longest", [60, 400, 1500])
def test_what_is_found_nowhere_between_rows_is_nowhere_in_the_file(tmp_path: Path, seed: int, longest: int) -> None:
    rng, path = random.Random(f"{seed} {longest}"), tmp_path / "a.db"
    left: dict[int, str] = {}
    with closing(db.create(path)) as made:
        made.conn.execute("create table texts (id integer primary key, text text, digest blob unique) strict")
        for step in range(15):
            for number in range(40 * step, 40 * step + 40):
                left[number] = _text(rng, number, longest)
                made.conn.execute("insert into texts values (?, ?, ?)", (number, left[number], rng.randbytes(16)))
            gone = rng.sample(sorted(left), 25)
            for number in gone:
                made.conn.execute("delete from texts where id = ?", (number,))
            made.conn.commit()
            assert connection.empty_log(made, seconds=1)
            texts = [left.pop(number) for number in gone]
            is_held = leftovers.holds(path, texts)
            assert is_held or not any(_holds(path, text) for text in texts)
            if is_held:
                connection.rewrite(made)
                assert connection.empty_log(made, seconds=1)
                assert not leftovers.holds(path, texts)
                assert not any(_holds(path, text) for text in texts)


def test_a_copy_that_no_row_reaches_is_found(tmp_path: Path) -> None:
    path, text = tmp_path / "a.db", "아무 행에도 없는 글이 남아 있다"
    with closing(db.create(path)) as made:
        made.conn.execute("create table texts (id integer primary key, text text) strict")
        made.conn.execute("insert into texts values (1, 'x')")
        made.conn.commit()
        root = int(connection.scalar(made, "select rootpage from sqlite_schema where name = 'texts'"))
        size = int(connection.scalar(made, "pragma page_size"))
        assert connection.empty_log(made, seconds=1)
    with path.open("r+b") as file:
        file.seek((root - 1) * size + 200)
        file.write(text.encode())
    assert leftovers.holds(path, [text])
    assert not leftovers.holds(path, ["다른 글은 여기 없다"])
    # Through no check of whose database it is: its table is none of a project's.
    with closing(connection._open(path, must_exist=True)) as made:
        connection.rewrite(made)
        assert connection.empty_log(made, seconds=1)
        assert connection.rows(made, "select * from texts") == [(1, "x")]
    assert not leftovers.holds(path, [text])
    assert text.encode() not in path.read_bytes()
