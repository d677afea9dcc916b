"""Labelled files of the benchmarks: one comes along."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

from benchmarks import chat_lines, labelled_file
from tests.conftest import ROOT

if TYPE_CHECKING:
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
