"""Everything out again, made when it is asked for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from annotator import export
from pages.widgets import project
from pages.widgets.words import say

if TYPE_CHECKING:
    from typing import Literal

    FileFormat = Literal["csv", "jsonl", "parquet"]

_FORMATS: dict[FileFormat, str] = {
    "csv": "text/csv",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}


def draw_exports() -> None:
    """Draw a button for each format."""
    st.subheader(say("overview.export"))
    decided_only = st.toggle(say("overview.decided_only"), key="overview_decided_only")
    with st.container(horizontal=True):
        for file_format, mime in _FORMATS.items():
            # The file is made when the button is pressed, not each time the page is drawn.
            st.download_button(
                say(f"overview.export_{file_format}"),
                partial(export.export_bytes, project.path(), file_format, decided_only=decided_only),
                file_name=f"maeumgyeol.{file_format}",
                mime=mime,
                on_click="ignore",
                key=f"overview_export_{file_format}",
            )
    st.caption(say("overview.export_help"))
