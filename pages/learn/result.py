"""The result of the newest round: before and after on the test diaries, and what may be concluded from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from annotator import status
from annotator.labelling import rationales
from annotator.messages.figures import points
from annotator.training import rounds
from annotator.training.audience import audience_of
from annotator.training.evaluation import FEWEST_TO_TRUST, outcome_of
from pages.learn.audience import draw_audience
from pages.learn.story import draw_story
from pages.learn.versions import activate_version
from pages.widgets import session
from pages.widgets.accuracy_limits import draw_limits
from pages.widgets.boundary import explain_stored
from pages.widgets.tables import draw_rows
from pages.widgets.text import interval, local_time, macro_f1, percent, say

if TYPE_CHECKING:
    from annotator.labelling.rationales import MarkedWord
    from annotator.project import Database
    from annotator.training.evaluation import Evaluation, Outcome
    from annotator.training.rounds import Round

_TONES = {
    "better": st.success,
    **dict.fromkeys(("looks_worse", "worse", "less_likely", "below_best", "worse_f1"), st.warning),
}


def draw_result(db: Database, ended: Round) -> None:
    """Draw the result of a round that has ended."""
    st.subheader(say("learn.result", number=ended.number))
    if ended.status == "failed":
        st.error(explain_stored(ended.error or {"code": "fault", "details": {"kind": "?"}}), icon=":material/warning:")
        st.caption(say("learn.still_serving"))
        return
    if ended.status == "cancelled":
        st.info(say("learn.cancelled"), icon=":material/cancel:")
        return
    _draw_done(db, ended, outcome_of(ended))


def _draw_done(db: Database, ended: Round, outcome: Outcome) -> None:
    _draw_verdict(db, ended, outcome)
    n = outcome.after.n if outcome.after else 0
    if 0 < n < FEWEST_TO_TRUST:
        st.caption(":material/warning: " + say("learn.few", n=n, fewest=FEWEST_TO_TRUST))
    draw_story(db, ended, outcome)
    if outcome.promoted:
        st.markdown(say("learn.queue", count=outcome.new_in_head))
        st.page_link("pages/label/page.py", label=say("learn.go_next"), icon=":material/edit:")
    _draw_times(db, ended, outcome)
    if outcome.after is not None and n:
        _draw_measured(db, outcome, n)
    draw_audience(audience_of(db, ended), outcome.after)
    _draw_marked_words(rationales.list_for_round(db, ended, person=session.person(db)))


def _draw_verdict(db: Database, ended: Round, outcome: Outcome) -> None:
    """Draw which version answers now and why, with the way back beside it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        tone = _TONES.get(outcome.reason, st.info)
        tone(say(f"learn.reason_{outcome.reason}", version=outcome.best_version, points=outcome.points_below_best))
        _draw_way_back(db, ended, outcome)


def _draw_times(db: Database, ended: Round, outcome: Outcome) -> None:
    version = status.version_of(db, ended.model_id)
    st.caption(
        say(
            "learn.learned",
            when=local_time(ended.ended_at or ended.requested_at),
            version="?" if version is None else version,
            train=outcome.train_count,
            new=outcome.new_count,
            seconds=f"{rounds.seconds_of(ended):z.1f}",
            waited=f"{rounds.waited_of(ended):z.1f}",
        )
    )
    if pool := ended.report.get("pool"):
        st.caption(_pool_line(pool))


def _pool_line(pool: dict[str, Any]) -> str:
    """Return what a round did on a pool in shards: where, for how long, at what cost."""
    work = [
        say(
            "learn.pool_stage",
            stage=say(f"pool.stage_{stage['kind']}"),
            texts=stage["texts"],
            engine=say(f"learn.engine_{stage['engine']}"),
            seconds=f"{stage['seconds']:z,.1f}",
            hours=f"{stage['core_seconds'] / 3600:z.2f}",
        )
        for stage in pool["stages"]
    ]
    chosen = f"{pool['chosen_seconds']:z.1f}"
    return " · ".join([say("learn.pool", texts=pool["texts"], shards=pool["shards"], seconds=chosen), *work])


def _draw_measured(db: Database, outcome: Outcome, n: int) -> None:
    st.markdown(f"**{say('learn.measured')}**")
    before, after = st.columns(2)
    with before:
        _draw_figures(say("learn.before"), outcome.before, None)
    with after:
        _draw_figures(say("learn.after"), outcome.after, outcome.before)
    if outcome.before is not None:
        st.caption(say("learn.figures_help", n=n))
    st.caption(say("learn.f1_help"))
    _draw_differences(outcome, n)
    draw_limits(db)


def _draw_way_back(db: Database, ended: Round, outcome: Outcome) -> None:
    """Draw the button that puts the other of the two versions in force; nothing once somebody has done so."""
    active = status.active_version(db)
    made, before = (status.version_of(db, model_id) for model_id in (ended.model_id, ended.previous_model_id))
    in_force, other = (made, before) if outcome.promoted else (before, made)
    if other is None or active != in_force:
        return
    label = say("learn.go_back" if outcome.promoted else "learn.use_anyway", version=other)
    st.button(label, key="learn_other", icon=":material/undo:", on_click=activate_version, args=(other,))


def _draw_differences(outcome: Outcome, n: int) -> None:
    if outcome.difference is not None and outcome.difference.value is not None:
        change, low, high, p = outcome.difference.in_points
        st.caption(say("learn.compared", n=n, change=change, low=low, high=high, p=p))
    if outcome.f1_difference is not None and outcome.f1_difference.value is not None:
        f1, f1_low, f1_high = outcome.f1_difference.in_hundredths
        st.caption(say("learn.compared_f1", change=f1, low=f1_low, high=f1_high))
    if outcome.best is not None:
        change, low, high, p = outcome.best.in_points
        version = outcome.best_version
        st.caption(say("learn.compared_best", n=n, version=version, change=change, low=low, high=high, p=p))
    if outcome.look is not None:
        st.caption(say("learn.look", look=outcome.look, level=f"{outcome.level:z.5f}".rstrip("0")))


def _draw_marked_words(words: list[MarkedWord]) -> None:
    if not words:
        return
    st.markdown(f"**{say('learn.marked.title')}**")
    wrong = [word for word in words if word.verdict == "wrong" and word.before is not None]
    if wrong:
        nearer = sum(word.came_nearer_to_nothing for word in wrong)
        st.markdown(say("learn.marked.nearer", count=len(wrong), nearer=nearer))
    before, after = say("learn.marked.before"), say("learn.marked.after")
    rows = [
        {
            say("learn.marked.word"): word.word,
            say("learn.marked.label"): word.label,
            say("learn.marked.verdict"): say(f"learn.marked.{word.verdict}"),
            before: word.before,
            after: word.after,
            say("learn.marked.diary"): word.diary_id,
        }
        for word in words
    ]
    signed = {name: st.column_config.NumberColumn(name, format="%+.2f") for name in (before, after)}
    draw_rows(rows, hide_index=True, column_config=signed, placeholder="–", key="learn_marked")
    st.caption(say("learn.marked.help"))


def _draw_figures(title: str, figures: Evaluation | None, before: Evaluation | None) -> None:
    with st.container(border=True, height="stretch"):
        if figures is None or figures.accuracy is None:
            st.metric(title, "–")
            st.caption(say("learn.not_comparable"))
            return
        change = None
        if before is not None and before.accuracy is not None:
            change = say("learn.points", points=points(figures.accuracy - before.accuracy))
        # Grey: green would say "better", which only the sentence above may say.
        st.metric(title, percent(figures.accuracy), change, delta_color="off", delta_arrow="off")
        st.caption(
            say(
                "learn.figures",
                n=figures.n,
                interval=interval(figures.accuracy_low, figures.accuracy_high),
                f1=macro_f1(figures),
            )
        )
