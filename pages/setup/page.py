"""첫 화면: choosing the labels creates the project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator import demo, project
from annotator import project_location as shown
from annotator.label_sets import definitions
from pages.setup.label_table import draw_swatches, edit_labels, upload_labels
from pages.widgets import session
from pages.widgets.text import keyed, plain, say

if TYPE_CHECKING:
    from pathlib import Path

_WAYS = ("seven", "file")


def _draw() -> None:
    st.title(say("app.name"))
    st.markdown(say("setup.what"))
    st.caption(say("setup.steps"))
    st.header(say("setup.title"))
    st.markdown(say("setup.intro"))
    way = st.radio(
        say("setup.way"),
        _WAYS,
        format_func=lambda name: say(f"setup.way_{name}"),
        captions=[say(f"setup.way_{name}_caption") for name in _WAYS],
        key=keyed("setup_way"),
    )
    labels = edit_labels(definitions.DEFAULT_LABELS) if way == "seven" else upload_labels()
    if labels is None:
        return
    draw_swatches(labels)
    with_demo = st.toggle(say("setup.demo"), value=False, key="setup_demo", help=say("setup.demo_help"))
    path = shown.path()
    if st.button(say("setup.start"), type="primary", key="setup_start"):
        _start(path, labels, with_demo=with_demo)
    st.caption(say("setup.where", path=plain(str(path))))


def _start(path: Path, labels: project.Labels, *, with_demo: bool) -> None:
    with st.spinner(say("setup.starting")):
        if with_demo:
            demo.set_up(path, labels=labels)
        else:
            project.init(path, labels=labels)
    session.go_to("label" if with_demo else "import")
    st.rerun()


_draw()
