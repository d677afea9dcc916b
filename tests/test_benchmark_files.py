"""Labelled files of the benchmarks: what is asked of them is there or is said in a sentence, and one comes along."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks import chat_lines, labelled_file
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

FOLDER = ROOT / "benchmarks" / "data"
CHAT_LINES = FOLDER / "chat_lines.tsv"


def _rows(*words: str) -> pd.DataFrame:
    parser = argparse.ArgumentParser()
    labelled_file.add_arguments(parser, rows=5000)
    return labelled_file.read_rows(parser.parse_args(words))


def test_each_chat_line_stands_once_and_under_one_label() -> None:
    frame = _rows("--data", str(CHAT_LINES))
    assert list(frame) == ["text", "label", "topic", "dialogue"]
    assert frame["text"].is_unique
    assert (frame["text"].str.strip() != "").all()
    for label, topics in chat_lines.LABELS.items():
        assert set(frame.loc[frame["label"] == label, "topic"]) == set(topics)


def test_the_counts_of_the_chat_lines_are_those_of_their_document() -> None:
    rows = re.findall(r"^\| (\w+) \| [\w, ]+ \| (\d+) \|$", (FOLDER / "README.md").read_text("utf-8"), re.MULTILINE)
    counts = _rows("--data", str(CHAT_LINES))["label"].value_counts().to_dict()
    assert {label: int(count) for label, count in rows} == counts


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--text-column", "document"), "no column 'document'. It has: text, label, topic, dialogue"),
        (("--label-column", "emotion"), "no column 'emotion'"),
        (("--query", "dominance >= 0.6"), "'dominance' is not defined. Columns are: text"),
        (("--query", "label == '감정'"), "244 rows have 1 labels; at least two are needed"),
        (("--bands", "1-4=negative"), "the column 'label' holds none"),
    ],
)
def test_what_a_file_does_not_have_is_said_in_a_sentence(words: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(SystemExit, match=re.escape(sentence)):
        _rows("--data", str(CHAT_LINES), *words)


def test_a_file_that_is_not_there_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="there is no file"):
        _rows("--data", str(tmp_path / "none.tsv"))


def test_too_few_rows_are_said_in_a_sentence() -> None:
    few = labelled_file.Labelled(("글",), np.zeros((1, 2), np.float32), np.zeros(1, np.int64), ("슬픔",), left_out=0)
    labelled_file.require(few, 1)
    with pytest.raises(SystemExit, match="the file has 1 rows; at least 2 are needed"):
        labelled_file.require(few, 2)
