"""Whether the dictionary moves predictions, and what that did on the test diaries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location
from annotator.dictionary import adjustment, entries
from annotator.messages.figures import points
from annotator.training.evaluation import FEWEST_TO_TRUST
from pages.dictionary.worker_notice import draw_worker_off, watch
from pages.widgets.boundary import callback_boundary
from pages.widgets.text import interval, local_time, macro_f1, percent, say

if TYPE_CHECKING:
    from annotator.dictionary.adjustment import Effect, State
    from annotator.project import Database
    from annotator.training.evaluation import Evaluation

_TONES = {"better": st.success, "worse": st.warning, "worse_f1": st.warning, "few": st.warning}


def draw_effect(db: Database) -> None:
    """Draw the switch, what was measured, and what to do next."""
    state = adjustment.state(db)
    st.toggle(
        say("dictionary.use"),
        value=adjustment.is_on(db),
        key="dictionary_use",
        on_change=_switch,
    )
    st.caption(say("dictionary.use_help"))
    effect = adjustment.find_effect(db)
    _draw_state(db, state)
    if effect is not None:
        _draw_figures(effect)
    if state in ("unmeasured", "older_model", "older_words", "current"):
        st.button(say("dictionary.measure"), key="dictionary_measure", icon=":material/straighten:", on_click=_measure)


def _draw_state(db: Database, state: State) -> None:
    if state == "measuring":
        draw_worker_off(db)
        watch("effect")
    elif state != "current":
        st.info(say(f"dictionary.effect_{state}"), icon=":material/info:")


def _switch() -> None:
    with callback_boundary(), project_location.opened() as db:
        adjustment.switch(db, on=bool(st.session_state["dictionary_use"]))


def _measure() -> None:
    with callback_boundary(), project_location.opened() as db:
        entries.ask(db, "effect")


def _draw_figures(effect: Effect) -> None:
    verdict = effect.verdict
    n = 0 if effect.after is None else effect.after.n
    if not effect.strength:
        st.info(say("dictionary.no_strength", count=effect.train_count), icon=":material/info:")
        return
    tone = _TONES.get(verdict, st.info)
    tone(say(f"dictionary.verdict_{verdict}", n=n, fewest=FEWEST_TO_TRUST, p=f"{effect.p or 1.0:z.3f}"))
    if not n:
        return
    before, after = st.columns(2)
    with before:
        _draw_side(say("dictionary.without"), effect.before, None)
    with after:
        _draw_side(say("dictionary.with"), effect.after, effect.before)
    st.caption(_about(effect, n))


def _about(effect: Effect, n: int) -> str:
    lines = [
        say(
            "dictionary.measured",
            when=local_time(effect.measured_at),
            words=effect.word_count,
            touched=effect.touched,
            n=n,
            strength=f"{effect.strength:z.2f}",
            count=effect.train_count,
        )
    ]
    if effect.change is not None:
        value, low, high = map(points, effect.change)
        lines.append(say("dictionary.f1_change", change=value, low=low, high=high, n=n))
    return "  \n".join(lines)


def _draw_side(title: str, figures: Evaluation | None, before: Evaluation | None) -> None:
    if figures is None or figures.accuracy is None:
        return
    with st.container(border=True, height="stretch"):
        change = None
        if before is not None and before.accuracy is not None:
            change = say("learn.points", points=points(figures.accuracy - before.accuracy))
        # Grey: green would say "better", which only the sentence above may say.
        st.metric(title, percent(figures.accuracy), change, delta_color="off", delta_arrow="off")
        bounds = interval(figures.accuracy_low, figures.accuracy_high)
        st.caption(say("learn.figures", n=figures.n, interval=bounds, f1=macro_f1(figures)))
