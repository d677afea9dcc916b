"""미리 견주기: a labelled file is replayed under several query strategies, before labelling one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location, settings
from annotator.labelling import queueing
from annotator.simulation import job as simulation_job
from pages.simulate.result import draw_result
from pages.widgets import session
from pages.widgets.boundary import boundary, callback_boundary, draw_problem
from pages.widgets.text import keyed, plain, say
from pages.widgets.uploads import release

if TYPE_CHECKING:
    from annotator.simulation.job import Job

_AREA = "simulate_token"
_ADDRESS = "run"
_ENDINGS = ["csv", "tsv", "txt", "tab", "jsonl", "ndjson", "xlsx", "xlsm", "xls", "parquet"]
_FIRST = ("margin", "random")


def _draw() -> None:
    st.title(say("simulate.title"))
    st.markdown(say("simulate.intro"))
    # The session remembers the job from page to page, the address after a reload.
    token = session.draft(_AREA) or st.query_params.get(_ADDRESS)
    job = simulation_job.find(token)
    if job is None or token is None:
        _draw_form()
        return
    session.keep_draft(_AREA, token)
    if st.query_params.get(_ADDRESS) != token:
        st.query_params[_ADDRESS] = token
    if job.poll() is not None:
        _watch(token)
        return
    if job.problem is not None:
        st.error(plain(job.problem), icon=":material/warning:")
    elif job.result is not None:
        draw_result(job.result)
    st.button(say("simulate.again"), key="simulate_again", on_click=_forget, args=(token,))


@st.fragment(run_every=1.0)
def _watch(token: str) -> None:
    draw_problem()
    with boundary():
        job = simulation_job.find(token)
        progress = None if job is None else job.poll()
        if job is None or progress is None:
            st.rerun()
        _draw_running(job, token)


def _draw_running(job: Job, token: str) -> None:
    progress = job.poll()
    with st.container(border=True):
        if progress is None or progress.step is None:
            st.progress(0.0, text=say("simulate.begins"))
        else:
            words = say(f"cli.simulate.{progress.step}", percent=round(100 * progress.share))
            st.progress(progress.share, text=words)
        st.button(say("simulate.cancel"), key="simulate_cancel", on_click=_forget, args=(token,))
        st.caption(say("simulate.running", name=plain(job.name)))


def _forget(token: str) -> None:
    with callback_boundary():
        simulation_job.forget(token)
        session.keep_draft(_AREA, None)


def _draw_form() -> None:
    with project_location.opened() as db:
        own, encoder = simulation_job.count_own(db), settings.load(db).encoder
    source = _choose_source(own)
    file = None
    if source == "file":
        file = st.file_uploader(
            say("simulate.file"), type=_ENDINGS, help=say("simulate.file_help"), key="simulate_file"
        )
    options = _draw_options(encoder, has_columns=source == "file")
    ready = bool(options.strategies) and (source == "own" or file is not None)
    if not options.strategies:
        st.caption(say("simulate.no_strategy"))
    pressed = st.button(
        say("simulate.start"), type="primary", icon=":material/play_arrow:", disabled=not ready, key="simulate_start"
    )
    if not pressed:
        return
    if file is not None:
        content, name = file.getvalue(), file.name
        release(file)
    else:
        with project_location.opened() as db:
            content, name = simulation_job.own_labels(db), "labels.csv"
    session.keep_draft(_AREA, simulation_job.start(content, name, options, language=session.language()))
    st.rerun()


def _choose_source(own: int) -> str:
    fewest = simulation_job.FEWEST_OWN
    if own < fewest:
        st.info(say("simulate.few_own", fewest=fewest, count=own), icon=":material/info:")
        return "file"
    words = {"file": say("simulate.source_file"), "own": say("simulate.source_own", count=own)}
    source: str = st.segmented_control(
        say("simulate.source"),
        list(words),
        default="file",
        required=True,
        format_func=words.__getitem__,
        key=keyed("simulate_source"),
    )
    if source == "own":
        st.caption(say("simulate.own_help"))
    return source


def _draw_options(encoder: str, *, has_columns: bool) -> simulation_job.Options:
    strategies = st.multiselect(
        say("simulate.strategies"),
        queueing.STRATEGIES,
        default=_FIRST,
        format_func=lambda name: say(f"learn.strategy_{name}"),
        key=keyed("simulate_strategies"),
    )
    for name in strategies:
        st.caption(plain(f"{say(f'learn.strategy_{name}')}: {say(f'learn.strategy_{name}_caption')}"))
    with st.container(horizontal=True):
        batch = st.number_input(say("simulate.batch"), 1, 1000, 20, key="simulate_batch")
        budget = st.number_input(say("simulate.budget"), 2, 20_000, 300, step=50, key="simulate_budget")
        seeds = st.number_input(say("simulate.seeds"), 1, 50, 5, help=say("simulate.seeds_help"), key="simulate_seeds")
    text = label = None
    if has_columns:
        with st.expander(say("simulate.columns")):
            auto = say("simulate.column_auto")
            text = st.text_input(say("simulate.text_column"), placeholder=auto, key="simulate_text") or None
            label = st.text_input(say("simulate.label_column"), placeholder=auto, key="simulate_label") or None
    return simulation_job.Options(tuple(strategies), int(batch), int(budget), int(seeds), encoder, text, label)


_draw()
