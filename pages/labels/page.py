"""감정과 지침: the label set, what people are told about it, how it changed, and what to look at again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location
from annotator.review import rechecks
from annotator.training import rounds
from pages.labels.guidelines import draw_guide
from pages.labels.history import draw_history
from pages.labels.recheck import draw_recheck
from pages.labels.table import draw_table
from pages.widgets.text import keyed, say

if TYPE_CHECKING:
    from annotator.project import Database

_VIEWS = {"set": draw_table, "guide": draw_guide, "recheck": draw_recheck, "history": draw_history}


def _draw() -> None:
    st.title(say("labels.title"))
    with project_location.opened() as db:
        _draw_next_step(db)
        waiting = rechecks.count(db)
        chosen = st.segmented_control(
            say("labels.view"),
            list(_VIEWS),
            default="set",
            required=True,
            format_func=lambda view: _name(view, waiting),
            key=keyed("labels_view"),
            label_visibility="collapsed",
        )
        _VIEWS[str(chosen or "set")](db)


def _name(view: str, waiting: int) -> str:
    name = say(f"labels.view_{view}")
    return f"{name} {waiting:,}" if view == "recheck" and waiting else name


def _draw_next_step(db: Database) -> None:
    if rounds.plan_round(db).labels_changed:
        st.page_link("pages/learn/page.py", label=say("labels.go_learn"), icon=":material/model_training:")


_draw()
