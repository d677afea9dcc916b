"""A job asked of the worker, watched until it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location, status
from annotator.dictionary import entries
from pages.widgets.boundary import boundary
from pages.widgets.text import say

if TYPE_CHECKING:
    from typing import Literal

    from annotator.project import Database


def draw_worker_off(db: Database) -> None:
    """Say that nothing will happen, if the worker does not run."""
    pulse = status.get_worker_health(db, project_location.path())
    if not pulse.is_working and not pulse.is_starting:
        st.warning(say("dictionary.worker_off", command="maeumgyeol worker"), icon=":material/pause_circle:")


@st.fragment(run_every=1.0)
def watch(job: Literal["evidence", "vectors", "effect"]) -> None:
    """Say that the worker is busy with it; once it is done, draw the whole page again."""
    with boundary(), project_location.opened() as db:
        if not entries.is_waiting(db, job):
            st.rerun()
        worker = status.get_worker_health(db, project_location.path()).worker
        if worker is not None and worker.step in ("evidence", "words", "dictionary") and worker.total > 1:
            st.progress(min(1.0, worker.done / worker.total), text=say(f"step.{worker.step}"))
        else:
            st.markdown(f":material/pending: {say('dictionary.waiting')}")
