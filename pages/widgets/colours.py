"""What is to be said of label colours: which are hard to see, and which look alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator.label_sets import colours
from pages.widgets.text import plain, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.label_sets.editing import Label

_MOST = 4


def draw_remarks(labels: Sequence[Label]) -> None:
    """Draw the remarks about a label set's colours, or that there are none."""
    remarks = sorted(colours.remarks(labels), key=lambda remark: remark.figure)
    if not remarks:
        st.caption(say("colours.fine", least=f"{colours.LEAST_CONTRAST:zg}"))
        return
    lines = [_words(remark) for remark in remarks[:_MOST]]
    if len(remarks) > _MOST:
        lines.append(say("colours.more", count=len(remarks) - _MOST))
    st.caption("  \n".join([*map(plain, lines), say("colours.never_alone")]))


def _words(remark: colours.Remark) -> str:
    figure = f"{remark.figure:z.1f}"
    if len(remark.names) == 1:
        return say(f"colours.{remark.kind}", name=remark.names[0], contrast=figure)
    return say(f"colours.{remark.kind}", first=remark.names[0], second=remark.names[1])
