"""The strip of the first three steps, above the pages of a new project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location
from annotator.first_steps import STEPS, find_first_steps
from pages.widgets.boundary import boundary
from pages.widgets.site import PAGES
from pages.widgets.text import say

if TYPE_CHECKING:
    from annotator.first_steps import FirstSteps, Step
    from annotator.project import Database

PAGE_OF: dict[Step, str] = {"import": "import", "read": "label", "learn": "learn"}


def draw_first_steps(db: Database, page: str) -> None:
    """Draw where a new project stands and the way on; nothing once a round has trained.

    Args:
        page: address of the page below the strip.
    """
    if find_first_steps(db) is not None:
        _draw_strip(page)


@st.fragment(run_every=2.0)
def _draw_strip(page: str) -> None:
    with boundary(), project_location.opened() as db:
        steps = find_first_steps(db)
        if steps is not None:
            _draw(steps, page)


def _draw(steps: FirstSteps, page: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="first_steps"):
        st.markdown(" → ".join(_words(steps, step) for step in STEPS), width="content")
        if PAGE_OF[steps.step] != page:
            script, icon, _ = PAGES[PAGE_OF[steps.step]]
            if st.button(say(f"first_steps.go_{steps.step}"), type="primary", icon=icon, key="first_steps_go"):
                st.switch_page(script)


def _words(steps: FirstSteps, step: Step) -> str:
    """Return a step in words: what is done has a tick, what is next is bold."""
    name = say("first_steps.read_of", count=steps.read_count) if step == "read" else say(f"first_steps.{step}")
    place, now = STEPS.index(step), STEPS.index(steps.step)
    if place < now:
        return f":material/check: {name}"
    return f"**{place + 1}. {name}**" if place == now else f"{place + 1}. {name}"
