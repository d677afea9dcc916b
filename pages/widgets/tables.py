"""Tables: the one way to show rows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import streamlit as st

from annotator.formats.spreadsheet_cells import safe_cell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FIGURE = re.compile(r"[-+]?[\d.,]+ ?%?")


_DECIMALS = re.compile(r"%\+?\.(\d+)f")
"""A format of Streamlit's columns of figures; it would show what rounds to nothing with a minus."""


def draw_rows(rows: Sequence[Mapping[str, Any]], **options: Any) -> Any:
    """Draw rows as `st.dataframe` does, and return what it returns.

    Streamlit offers each table as a CSV file, written in the browser: cells are made safe for that here. Figures are
    rounded to what their column shows.

    Args:
        options: of `st.dataframe`.
    """
    digits = {name: _digits_of(config) for name, config in options.get("column_config", {}).items()}
    shown = [{shown_cell(name): shown_cell(cell, digits.get(name)) for name, cell in row.items()} for row in rows]
    return st.dataframe(shown, **options)


def shown_cell(value: Any, digits: int | None = None) -> Any:
    """Return a cell that no spreadsheet evaluates; a number written as text stays as it is.

    Args:
        digits: decimals of its column. What rounds to nothing loses its sign.
    """
    if isinstance(value, float):
        return (value if digits is None else round(value, digits)) + 0.0
    return value if isinstance(value, str) and _FIGURE.fullmatch(value) else safe_cell(value)


def _digits_of(config: Any) -> int | None:
    kind = config.get("type_config") or {} if isinstance(config, dict) else {}
    match = _DECIMALS.fullmatch(str(kind.get("format")))
    return int(match[1]) if match else None
