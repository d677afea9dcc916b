"""Tables: the one way to show rows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from annotator.formats.spreadsheet_cells import safe_cell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FIGURE = re.compile(r"[-+]?[\d.,]+ ?%?")


def draw_rows(rows: Sequence[Mapping[str, Any]] | pd.DataFrame, **options: Any) -> Any:
    """Draw rows as `st.dataframe` does, and return what it returns.

    Streamlit offers each table as a CSV file, written in the browser: cells are made safe for that here.

    Args:
        options: of `st.dataframe`.
    """
    if isinstance(rows, pd.DataFrame):
        return st.dataframe(rows.map(shown_cell).rename(columns=shown_cell), **options)
    return st.dataframe([{shown_cell(name): shown_cell(cell) for name, cell in row.items()} for row in rows], **options)


def shown_cell(value: Any) -> Any:
    """Return a cell that no spreadsheet evaluates; a number written as text stays as it is."""
    return value if isinstance(value, str) and _FIGURE.fullmatch(value) else safe_cell(value)
