"""Labels are compared by what people see, and several in a cell are told apart however they are written."""

from __future__ import annotations

import unicodedata

import pytest

from annotator.formats.label_text import plain_figure, plain_label, read_list


@pytest.mark.parametrize(
    "written",
    [
        " 행복",
        "행복\u200b",
        "\ufeff행복",
        "행\u2060복",
        "행복\u3000",
        "\u3164행복",
        unicodedata.normalize("NFD", "행복"),
        "행복\n",
    ],
)
def test_what_cannot_be_seen_is_no_part_of_a_label(written: str) -> None:
    assert plain_label(written) == "행복"


@pytest.mark.parametrize(("written", "figure"), [("1", "1"), ("1.0", "1"), ("１", "1"), ("-2.", "-2"), ("1.5", None)])
def test_whole_numbers_are_one_label_however_they_are_written(written: str, figure: str | None) -> None:
    assert plain_figure(written) == figure


@pytest.mark.parametrize(
    ("cell", "labels"),
    [
        ('["행복", "슬픔"]', ["행복", "슬픔"]),
        ("['행복', '슬픔',]", ["행복", "슬픔"]),
        ("['행복' '슬픔']", ["행복", "슬픔"]),
        ("{'행복', '슬픔'}", ["행복", "슬픔"]),
        ('{"choices": ["행복"]}', ["행복"]),
        ("{'choices': ['행복']}", ["행복"]),
        ("[0, 1]", ["0", "1"]),
        ("[]", []),
        ("행복", None),
        ("[행복, [슬픔]]", None),
        ("['행복", None),
        ("[" * 5_000, None),
        ("['" + "행" * 20_000 + "']", None),
    ],
)
def test_a_cell_that_is_written_as_a_list_is_read_and_never_run(cell: str, labels: list[str] | None) -> None:
    assert read_list(cell) == labels
