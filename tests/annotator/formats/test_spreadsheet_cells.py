"""No cell is run as a formula, and what was done to prevent it can be undone."""

from __future__ import annotations

import sys
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.formats.spreadsheet_cells import FORMULA_STARTS, INVISIBLE, WATCHED, plain_cell, safe_cell

STARTS = ("=", "+", "-", "@")
CHARACTERS = st.sampled_from([*FORMULA_STARTS, *"' \t\n\u00a0\u200b\u200e\u202e\u3000\u3164\ufeff", "가", "1", '"'])


@pytest.mark.parametrize("start", [*FORMULA_STARTS, "\t", "\r", "\n"])
def test_a_cell_that_looks_like_a_formula_is_escaped(start: str) -> None:
    assert safe_cell(f"{start}SUM(A1)") == f"'{start}SUM(A1)"


def test_whatever_is_not_seen_may_stand_before_a_formula() -> None:
    unseen = [
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in ("Zs", "Zl", "Zp", "Cc", "Cf")
    ]
    missing = [f"{ord(c):x}" for c in unseen if safe_cell(f"{c}=SUM(A1)") != f"'{c}=SUM(A1)"]
    assert missing == []


def test_every_sign_that_stands_for_that_of_a_formula_is_one() -> None:
    alike = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.normalize("NFKC", chr(code)) in STARTS]
    scripts = [c for c in alike if unicodedata.decomposition(c).startswith(("<super>", "<sub>"))]
    assert [c for c in alike if c not in scripts and not safe_cell(f"{c}1").startswith("'")] == []


@pytest.mark.parametrize(
    "before", ["  ", "\u200b", "\ufeff", "\u00a0\t", "'", " '", "' ", "\u202e\u2066", "\u3164", "\u2060"]
)
@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_a_formula_behind_what_is_not_seen_is_escaped_and_comes_back(before: str, start: str) -> None:
    text = f'{before}{start}HYPERLINK("http://evil.example")'
    assert safe_cell(text) == f"'{text}"
    assert plain_cell(safe_cell(text)) == text


@pytest.mark.parametrize("value", ["", "일기", "'x", "''", " 일기", "\u200b", "  ", "a=b", " a=b", -1, -0.5, 0.5, None])
def test_other_cells_stay_what_they_are(value: Any) -> None:
    assert safe_cell(value) == value


@pytest.mark.parametrize(
    "text", ["=1", "'=1", "''=1", "'", "'x", "- 할 일", "일기", "", " =1", "' =1", " '=1", "' ' =1"]
)
def test_a_cell_comes_back_as_it_was(text: str) -> None:
    assert plain_cell(safe_cell(text)) == text


@given(st.text(CHARACTERS, max_size=8))
def test_every_cell_comes_back_as_it_was_and_none_runs(text: str) -> None:
    cell = safe_cell(text)
    assert plain_cell(cell) == text
    assert not cell.lstrip(INVISIBLE).startswith(STARTS)
    assert cell == text or text[0] in WATCHED
