"""No cell is run as a formula, and what was done to prevent it can be undone."""

from __future__ import annotations

from typing import Any

import pytest

from annotator.cells import FORMULA_STARTS, plain_cell, safe_cell


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_a_cell_that_looks_like_a_formula_is_escaped(start: str) -> None:
    assert safe_cell(f"{start}SUM(A1)") == f"'{start}SUM(A1)"


@pytest.mark.parametrize("value", ["", "일기", "'x", "''", -1, 0.5, None, "a=b"])
def test_other_cells_stay_what_they_are(value: Any) -> None:
    assert safe_cell(value) == value


@pytest.mark.parametrize("text", ["=1", "'=1", "''=1", "'", "'x", "- 할 일", "일기", ""])
def test_a_cell_comes_back_as_it_was(text: str) -> None:
    assert plain_cell(safe_cell(text)) == text
