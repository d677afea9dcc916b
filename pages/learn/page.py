"""학습: what a round would learn from, how far it is, what came of it, and the versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location, settings, status
from annotator.accounts import annotators
from annotator.labelling import queueing
from annotator.messages.figures import points
from annotator.training import rounds
from pages.learn.analysis import draw_study
from pages.learn.audience import draw_offer
from pages.learn.result import draw_result
from pages.learn.running import watch_round
from pages.learn.versions import draw_versions
from pages.widgets import session
from pages.widgets.boundary import callback_boundary
from pages.widgets.text import keyed, plain, say

if TYPE_CHECKING:
    from annotator.project import Database
    from annotator.training.rounds import Plan


def _draw() -> None:
    st.title(say("learn.title"))
    with project_location.opened() as db:
        draw_offer(db)
        _draw_plan(rounds.plan_round(db), label_count=len(status.label_names(db)))
        open_round = rounds.find_open(db)
        if open_round is not None:
            watch_round(open_round.id)
            st.page_link("pages/label/page.py", label=say("learn.go_label"), icon=":material/edit:")
        result, versions, choices = st.tabs([say(f"learn.tab_{name}") for name in ("result", "versions", "settings")])
        with result:
            _draw_newest(db)
        with versions:
            draw_versions(db)
        with choices:
            _draw_choices(db)


def _draw_newest(db: Database) -> None:
    last = rounds.find_last_ended(db)
    if last is None:
        st.info(say("learn.no_round"), icon=":material/model_training:")
        return
    draw_result(db, last)
    draw_study(db)


def _draw_choices(db: Database) -> None:
    chosen = settings.load(db)
    _draw_choice("strategy", chosen.strategy, queueing.STRATEGIES, icon=":material/explore:")
    _draw_choice("unit", chosen.unit, settings.UNITS, icon=":material/segment:")
    methods = settings.EXPLANATION_METHODS
    _draw_choice("explanation_method", chosen.explanation_method, methods, icon=":material/balance:")


def _draw_plan(plan: Plan, *, label_count: int) -> None:
    if plan.labels_changed:
        st.info(say("learn.labels_changed"), icon=":material/palette:")
    with st.container(horizontal=True):
        st.metric(say("learn.labels"), f"{plan.label_count:,}", border=True, width=150)
        st.metric(say("learn.new"), f"{plan.new_train_count:,}", border=True, width=150, help=say("learn.new_help"))
        st.metric(say("learn.in_use"), f"{plan.labels_in_use} / {label_count}", border=True, width=150)
        st.metric(say("learn.test"), f"{plan.test_count:,}", border=True, width=150, help=say("learn.test_help"))
    tier = _draw_tiers(plan)
    labels, new = plan.label_count, plan.new_train_count
    if tier == "instant":
        label = say("learn.press", labels=labels, new=new, seconds=round(plan.expected_seconds))
    else:
        label = say("learn.tier.press", labels=labels, new=new, minutes=_minutes(plan, tier))
    st.button(
        label,
        type="primary",
        key="learn_start",
        icon=":material/model_training:",
        disabled=plan.obstacle is not None,
        on_click=_request,
        args=(session.name(), tier),
        wrap=True,
    )
    if plan.obstacle is not None:
        st.caption(say(plan.obstacle))
        if plan.obstacle == "round.obstacle.labels":
            st.page_link("pages/label/page.py", label=say("overview.go_label"), icon=":material/edit:")
    elif plan.new_mark_count:
        st.caption(say("learn.marked.new", count=plan.new_mark_count))
    elif not plan.new_count:
        st.caption(say("learn.nothing_new"))


def _draw_tiers(plan: Plan) -> str:
    """Draw the choice of how deep the next round goes, and return it."""
    if plan.offered_tier is not None:
        st.info(
            say("learn.tier.offer", labels=plan.label_count, minutes=_minutes(plan, plan.offered_tier)),
            icon=":material/psychology:",
        )
    chosen = st.segmented_control(
        say("learn.tier.ask"),
        rounds.TIERS,
        default=rounds.TIERS[0],
        required=True,
        format_func=lambda tier: say(f"learn.tier.{tier}"),
        key=keyed("learn_tier"),
    )
    tier = str(chosen or rounds.TIERS[0])
    st.caption(plain(say(f"learn.tier.{tier}_caption")))
    if tier != rounds.TIERS[0]:
        st.caption(_gain(plan, tier))
    return tier


def _gain(plan: Plan, tier: str) -> str:
    """Return what a deeper tier gained elsewhere with about so many labels."""
    gain = plan.tier_gains[tier]
    if gain is None:
        return say("learn.tier.gain_unknown")
    value, low, high = (points(figure) for figure in (gain.value, gain.low, gain.high))
    if gain.pays:
        return say("learn.tier.gain", labels=gain.labels, count=gain.count, value=value, low=low, high=high)
    return say("learn.tier.gain_none", labels=gain.labels, count=gain.count, value=value, low=low, high=high)


def _minutes(plan: Plan, tier: str) -> int:
    return max(1, round(plan.tier_seconds[tier] / 60))


def _request(name: str, tier: str) -> None:
    with callback_boundary(), project_location.opened() as db:
        rounds.request(db, annotator_id=annotators.get_or_create(db, name), tier=tier)


def _draw_choice(setting: str, now: str, options: tuple[str, ...], *, icon: str) -> None:
    """Draw a setting with a line on what each option means; its words are ``learn.<setting>…``."""
    key = keyed(f"learn_{setting}")
    with st.expander(say(f"learn.{setting}", name=say(f"learn.{setting}_{now}")), icon=icon):
        st.radio(
            say(f"learn.{setting}_ask"),
            options,
            index=options.index(now),
            format_func=lambda name: say(f"learn.{setting}_{name}"),
            captions=[plain(say(f"learn.{setting}_{name}_caption")) for name in options],
            key=key,
            on_change=_change,
            args=(setting, key),
        )
        st.caption(say(f"learn.{setting}_when"))


def _change(setting: str, key: str) -> None:
    with callback_boundary(), project_location.opened() as db:
        settings.change(db, **{setting: st.session_state[key]})


_draw()
