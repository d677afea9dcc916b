"""A project is set up once, with a label set that can be used."""

from __future__ import annotations

import json
import sqlite3
import unicodedata
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

import db as database
from annotator import project
from annotator.errors import UserError
from annotator.label_sets.definitions import DEFAULT_LABELS, RESERVED_KEYS, make_labels, read_labels
from annotator.messages import explain
from annotator.settings import load
from db.errors import DatabaseError
from db.label_sets.labels import list_labels

if TYPE_CHECKING:
    from pathlib import Path

TOML = """
[[labels]]
name = "기쁨"
definition = " 기쁘고 즐겁다. "
colour = "#EDAE49"
key = "J"

[[labels]]
name = "슬픔"
"""


def test_a_project_has_the_seven_labels_and_a_seed_of_its_own(tmp_path: Path) -> None:
    seeds = set()
    for name in ("a.db", "b.db"):
        project.init(tmp_path / "folder" / name)
        with project.opened(tmp_path / "folder" / name) as db:
            assert tuple(list_labels(db)) == DEFAULT_LABELS
            seeds.add(load(db).seed)
    assert len(seeds) == 2
    assert project.is_set_up(tmp_path / "folder" / "a.db")


def test_a_project_is_not_set_up_twice(project_path: Path) -> None:
    before = project_path.read_bytes()
    with pytest.raises(UserError, match="project_exists"):
        project.init(project_path, labels=make_labels([{"name": "가"}, {"name": "나"}]))
    assert project_path.read_bytes() == before


def test_nothing_is_made_where_labels_or_settings_can_not_be_used(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "project.db"
    with pytest.raises(UserError, match="label_count_outside"):
        project.init(path, labels=DEFAULT_LABELS[:1])
    with pytest.raises(UserError, match="test_share_outside"):
        project.init(path, test_share=1.0)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_can_not_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="folder_unwritable"):
        project.init(tmp_path / "file" / "project.db")


def test_a_database_without_labels_is_no_project(tmp_path: Path) -> None:
    path = tmp_path / "bare.db"
    database.create(path).close()
    assert not project.is_set_up(path)
    with pytest.raises(UserError, match="project_not_set_up"):
        project.open_project(path)
    project.init(path)
    assert project.is_set_up(path)


def test_there_is_no_project_at_a_missing_or_empty_file(tmp_path: Path) -> None:
    assert not project.is_set_up(tmp_path / "none.db")
    (tmp_path / "empty.db").touch()
    assert not project.is_set_up(tmp_path / "empty.db")
    assert not project.is_set_up(tmp_path)


def test_a_foreign_file_is_named_and_left_alone(tmp_path: Path) -> None:
    text, other = tmp_path / "diary.txt", tmp_path / "other.db"
    text.write_text("오늘은 비가 왔다. " * 300)
    with closing(sqlite3.connect(other)) as theirs:
        theirs.execute("create table theirs (x)")
    for path, code in ((text, "database_not_one"), (other, "database_not_ours")):
        before = path.read_bytes()
        for use in (project.is_set_up, project.init):
            with pytest.raises(DatabaseError, match=code):
                use(path)
        assert path.read_bytes() == before


def test_vectors_lie_beside_their_database(tmp_path: Path) -> None:
    assert project.vectors_folder(tmp_path / "a.db") == tmp_path / "a.db-vectors"


# Label files


def test_a_toml_file_is_read_and_what_is_missing_is_chosen(tmp_path: Path) -> None:
    file = tmp_path / "labels.toml"
    file.write_text(TOML, "utf-8")
    first, second = read_labels(file)
    assert (first.name, first.definition, first.colour, first.key) == ("기쁨", "기쁘고 즐겁다.", "#EDAE49", "j")
    assert (second.id, second.name, second.definition, second.key, second.position) == (2, "슬픔", "", "1", 1)
    assert second.colour.startswith("#")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels.json", '[{"name": "기쁨"}, {"name": "슬픔", "key": "8"}]'),
        ("labels.JSON", '{"labels": [{"name": "기쁨"}, {"name": "슬픔", "key": "8"}]}'),
        ("labels.csv", "name,key\n기쁨,\n슬픔,8\n"),
        ("labels.csv", "\ufeffname,key,note\r\n기쁨,,x\r\n슬픔,8,y\r\n"),
    ],
)
def test_json_and_csv_files_are_read(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_bytes(content.encode())
    assert [(label.name, label.key) for label in read_labels(tmp_path / name)] == [("기쁨", "1"), ("슬픔", "8")]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.toml", b"labels = 3", "label_file_broken"),
        ("a.toml", b"[[labels]\nname", "label_file_broken"),
        ("a.toml", b"other = []", "label_file_broken"),
        ("a.json", b"{", "label_file_broken"),
        ("a.json", b"17", "label_file_broken"),
        ("a.json", b'{"a": 1}', "label_file_broken"),
        ("a.json", b"[null, null]", "label_file_broken"),
        ("a.csv", b"\x00\xff\xfe\x80", "label_file_broken"),
        ("a.csv", b"", "label_count_outside"),
        ("a.csv", b"name\na\n", "label_count_outside"),
        ("a.json", b'[{"name": "a"}, {"name": " "}]', "label_name_empty"),
        ("a.json", b'[{"name": "a"}, {"name": "a "}]', "label_name_repeated"),
        ("a.json", b'[{"name": "a", "key": "1"}, {"name": "b", "key": 1}]', "label_key_repeated"),
        ("a.json", b'[{"name": "a", "key": "S"}, {"name": "b"}]', "label_key_unusable"),
        ("a.json", b'[{"name": "a", "key": "12"}, {"name": "b"}]', "label_key_unusable"),
        ("a.json", '[{"name": "a", "key": "１"}, {"name": "b"}]'.encode(), "label_key_unusable"),
        ("a.json", '[{"name": "a", "key": "ㅂ"}, {"name": "b"}]'.encode(), "label_key_unusable"),
        ("a.json", b'[{"name": "a", "colour": "red"}, {"name": "b"}]', "label_colour_unusable"),
        ("a.json", b'[{"name": "a", "colour": "#12345"}, {"name": "b"}]', "label_colour_unusable"),
    ],
)  # fmt: skip
def test_a_label_file_that_can_not_be_used_says_why_in_one_line(
    tmp_path: Path, name: str, content: bytes, code: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_labels(tmp_path / name)
    assert caught.value.code == code
    assert "\n" not in explain(caught.value, "ko")


def test_a_label_file_that_is_missing_is_said(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(UserError, match="file_unreadable"):
            read_labels(path)


def test_names_that_only_look_the_same_are_the_same() -> None:
    with pytest.raises(UserError, match="label_name_repeated"):
        make_labels([{"name": "행복"}, {"name": unicodedata.normalize("NFD", "행복")}])


@pytest.mark.parametrize("key", sorted(RESERVED_KEYS))
def test_keys_of_the_label_page_are_reserved(key: str) -> None:
    with pytest.raises(UserError, match="label_key_unusable"):
        make_labels([{"name": "가", "key": key}, {"name": "나"}])


@pytest.mark.parametrize(
    ("name", "content", "names"),
    [
        ("a.toml", b'labels = ["x", "y"]', ["x", "y"]),
        ("a.csv", "name\n기쁨\n슬픔".encode("cp949"), ["기쁨", "슬픔"]),
        ("a.csv", b"sun\nrain\n", ["sun", "rain"]),
    ],
)
def test_a_plain_list_of_names_is_a_label_file(tmp_path: Path, name: str, content: bytes, names: list[str]) -> None:
    (tmp_path / name).write_bytes(content)
    assert [label.name for label in read_labels(tmp_path / name)] == names


def test_labels_beyond_the_keys_there_are_have_none_to_press() -> None:
    entries = [{"name": f"감정 {i}"} for i in range(29)]
    made = make_labels(entries)
    assert len({label.key for label in made}) == 29
    assert not {label.key for label in made} & RESERVED_KEYS
    more = make_labels([*entries, {"name": "하나 더"}, {"name": "또 하나"}])
    assert [label.key for label in more[:29]] == [label.key for label in made]
    assert all(len(label.key) > 1 for label in more[29:]), "no keyboard has such a key"
    assert len({label.key for label in more}) == 31


def test_chosen_keys_keep_clear_of_given_ones() -> None:
    made = make_labels([{"name": "가"}, {"name": "나", "key": "1"}, {"name": "다"}])
    assert [label.key for label in made] == ["2", "1", "3"]


def test_chosen_colours_of_the_first_ten_differ() -> None:
    assert len({label.colour for label in make_labels([{"name": str(i)} for i in range(10)])}) == 10


def test_a_label_file_may_say_what_the_default_is(tmp_path: Path) -> None:
    fields = ("name", "definition", "colour", "key")
    entries = [{field: getattr(label, field) for field in fields} for label in DEFAULT_LABELS]
    (tmp_path / "a.json").write_text(json.dumps(entries), "utf-8")
    assert tuple(read_labels(tmp_path / "a.json")) == DEFAULT_LABELS
