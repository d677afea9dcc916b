"""The choice of a crosswalk that turns the labels of a file into those of the project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator.label_sets import crosswalks
from pages.widgets.tables import draw_rows
from pages.widgets.text import keyed, plain, say

if TYPE_CHECKING:
    from annotator.label_sets.crosswalks import Crosswalk

_NONE = ""
_FILE = "file"
"""No bundled crosswalk has this name."""


def choose_crosswalk(key: str) -> Crosswalk | None:
    """Ask for a crosswalk and show its lines; return None where the labels of the file are those of the project.

    Args:
        key: tells the fields of one upload from those of another.

    Raises:
        UserError: if a file of one's own can't be used.
    """
    chosen = st.selectbox(
        say("import_page.crosswalk"),
        [_NONE, *crosswalks.list_names(), _FILE],
        format_func=_name,
        key=keyed(f"import_crosswalk_{key}"),
        width=420,
    )
    if not chosen:
        return None
    crosswalk = _upload(key) if chosen == _FILE else crosswalks.read(chosen)
    if crosswalk is not None:
        _draw(crosswalk)
    return crosswalk


def _name(name: str) -> str:
    if name in (_NONE, _FILE):
        return say("import_page.crosswalk_file" if name else "import_page.crosswalk_none")
    return crosswalks.read(name).title


def _upload(key: str) -> Crosswalk | None:
    file = st.file_uploader(
        say("import_page.crosswalk_upload"), type=["toml", "csv"], key=f"import_crosswalk_file_{key}", max_upload_size=1
    )
    return None if file is None else crosswalks.read_bytes(file.getvalue(), file.name)


def _draw(crosswalk: Crosswalk) -> None:
    with st.expander(say("import_page.crosswalk_lines", count=len(crosswalk.lines))):
        if crosswalk.source:
            st.caption(plain(crosswalk.source))
        columns = [say(f"import_page.crosswalk_{name}") for name in ("from", "to", "why")]
        draw_rows(
            [dict(zip(columns, (line.source, line.target, line.why), strict=True)) for line in crosswalk.lines],
            hide_index=True,
            key="import_crosswalk_lines",
        )
