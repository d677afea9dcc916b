"""Exports made on demand: at once, or written beside the database while work goes on."""

from __future__ import annotations

from functools import partial
from threading import Thread
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.runtime import exists, get_instance
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx

from annotator import exporting, project_location
from annotator.errors import UserError
from annotator.exporting import FORMATS, Choice, job
from annotator.label_sets import crosswalks
from annotator.messages import explain
from annotator.project import exports_folder
from pages.widgets import session
from pages.widgets.boundary import boundary, callback_boundary, draw_problem
from pages.widgets.text import keyed, plain, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext

    from annotator.accounts.permissions import Person
    from annotator.exporting.registry import Format
    from annotator.project import Database

_MOST_AT_ONCE = 20_000
"""Diaries up to which an export is a download of a second or two; more are written beside the database."""


def draw_exports(db: Database) -> None:
    """Draw the choice of what to export and how, or the export that is being written."""
    st.subheader(say("overview.export"))
    with st.container(border=True):
        running = job.find(project_location.path())
        if running is not None:
            _watch() if running.poll() is not None else _draw_ended(running)
            return
        chosen = _choose_format()
        decided_only = st.toggle(say("overview.decided_only"), key="overview_decided_only")
        walk = _choose_crosswalk(db)
        if not chosen.is_available:
            st.info(plain(explain(UserError("spacy_missing"), session.language())), icon=":material/info:")
        elif chosen.library is not None or exporting.count(db, decided_only=decided_only) > _MOST_AT_ONCE:
            how = {"decided_only": decided_only, "crosswalk": walk}
            st.button(
                say("overview.export_beside"),
                icon=":material/drive_folder_upload:",
                type="primary",
                on_click=_start,
                args=(chosen.name,),
                kwargs=how,
                key="overview_export_beside",
            )
            st.caption(say("overview.export_beside_help", folder=plain(exports_folder(project_location.path()).name)))
        else:
            _draw_downloads(chosen, person=session.person(db), decided_only=decided_only, walk=walk)


def _choose_format() -> Format:
    words = {name: say(f"overview.format.{name.replace('-', '_')}") for name in FORMATS}
    name = st.selectbox(
        say("overview.export_format"), list(FORMATS), format_func=words.__getitem__, key=keyed("overview_export_format")
    )
    st.caption(say(f"overview.format_help.{name.replace('-', '_')}"))
    return FORMATS[name]


def _choose_crosswalk(db: Database) -> str | None:
    """Offer the label sets that the labels of this project can be translated to, if there are any."""
    names = exporting.list_crosswalks(db)
    if not names:
        return None
    titles = {name: crosswalks.read(name).title for name in names}
    return st.selectbox(
        say("overview.export_crosswalk"),
        names,
        index=None,
        placeholder=say("overview.export_as_here"),
        format_func=titles.__getitem__,
        key="overview_export_crosswalk",
    )


def _draw_downloads(chosen: Format, *, person: Person, decided_only: bool, walk: str | None) -> None:
    choice, language = Choice(decided_only, None if walk is None else crosswalks.read(walk)), session.language()
    make = partial(
        exporting.export_bytes, project_location.path(), chosen.name, choice, person=person, language=language
    )
    files = {"": ("overview.export_download", ":material/download:")}
    files[".card.md"] = ("overview.export_card", ":material/description:")
    if chosen.beside is not None:
        files[".config.xml"] = ("overview.export_config", ":material/settings:")
    with st.container(horizontal=True):
        for beside, (words, icon) in files.items():
            name, mime = f"maeumgyeol{chosen.ending}{beside}", "application/octet-stream" if beside else chosen.mime
            # The file is made when the button is pressed, not each time the page is drawn.
            st.download_button(
                say(words),
                partial(_make, make, name, mime, get_script_run_ctx()),
                file_name=name,
                mime=mime,
                icon=icon,
                type="secondary" if beside else "primary",
                on_click="ignore",
                key=f"overview_export{beside.replace('.', '_')}",
            )


def _make(make: Callable[[], dict[str, bytes]], name: str, mime: str, drawn_by: ScriptRunContext | None) -> bytes:
    """Make a file, and keep it for as long as the page that offers it is open.

    Streamlit ties a file made on demand to no page and drops it after two runs of anybody's page: with a few
    people at work, within a second and before a slow connection has asked for it.
    """
    data = make()[name]
    if exists() and drawn_by is not None:
        files, kwargs = get_instance().media_file_mgr, {"is_for_static_download": True}
        keeping = Thread(target=files.add, args=(data, mime, f"export.{name}", name), kwargs=kwargs)
        add_script_run_ctx(keeping, drawn_by)
        keeping.start()
        keeping.join()
    return data


def _start(file_format: str, *, decided_only: bool, crosswalk: str | None) -> None:
    with callback_boundary():
        with project_location.opened() as db:
            person = session.person(db)
        job.start(
            project_location.path(),
            file_format,
            person=person,
            decided_only=decided_only,
            crosswalk=crosswalk,
            language=session.language(),
        )


@st.fragment(run_every=1.0)
def _watch() -> None:
    draw_problem()
    with boundary():
        running = job.find(project_location.path())
        progress = None if running is None else running.poll()
        if running is None or progress is None:
            st.rerun()
        name, percent = plain(running.target.name), 100 * progress.share
        st.progress(progress.share, text=say("overview.exporting", name=name, percent=percent))
        st.button(
            say("overview.export_cancel"),
            key="overview_export_stop",
            on_click=job.forget,
            args=(project_location.path(),),
        )


def _draw_ended(ended: job.Job) -> None:
    if ended.problem is not None:
        st.error(plain(ended.problem), icon=":material/warning:")
    else:
        st.success(say("overview.exported"), icon=":material/check:")
        st.code(str(ended.target), language=None, wrap_lines=True)
    st.button(
        say("overview.export_again"), key="overview_export_again", on_click=job.forget, args=(project_location.path(),)
    )
