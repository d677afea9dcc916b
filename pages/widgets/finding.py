"""Ways from a figure to the diaries that it counts, on the page 찾기."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.widgets.text import plain, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.finding.query import Query

FIND = "pages/find/page.py"


def draw_links(links: Sequence[tuple[str, Query]], *, label: str = "") -> None:
    """Draw a button behind which each figure leads to its diaries; nothing where there are no figures.

    Args:
        label: on the button, instead of "see these diaries".
    """
    if not links:
        return
    with st.popover(label or say("find.see"), icon=":material/search:", type="tertiary"):
        for words, asked in links:
            st.page_link(FIND, label=plain(words), query_params=asked.address())
