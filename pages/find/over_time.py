"""Feelings over time: one emotion by week or month, in one writer's diaries or everybody's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator.quality import label_shares, over_time
from annotator.quality.over_time import STEPS
from pages.find import address
from pages.find.time_chart import time_figure
from pages.widgets.figures import share
from pages.widgets.tables import draw_rows
from pages.widgets.text import keyed, plain, say
from pages.widgets.theme import draw_chart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.accounts.diary_access import Actor
    from annotator.project import Database
    from annotator.quality.label_shares import Group
    from annotator.quality.over_time import OverTime, Period, Step

_HEIGHT = 360


def draw(db: Database, actor: Actor) -> None:
    """Draw the view that the address asks for."""
    if not over_time.is_open(db):
        st.info(say("find.time.closed"), icon=":material/visibility_off:")
        return
    writers = over_time.list_writers(db, actor)
    if not writers and not over_time.read(db, actor).periods:
        st.info(say("find.time.no_dates"), icon=":material/calendar_month:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        step: Step = "week" if _choice("step", STEPS[::-1], "month") == "week" else "month"
        name_of = {each.key: say("find.time.writer", name=each.name, count=each.count) for each in writers}
        writer = _choice("who", ["", *name_of], "", names={"": say("find.time.everybody"), **name_of})
        shown = over_time.read(db, actor, step=step, writer=writer)
        label = _choice("what", shown.label_names, _commonest(shown))
    _draw_label(shown, shown.label_names.index(label))


def _choice(name: str, options: Sequence[str], default: str, *, names: dict[str, str] | None = None) -> str:
    asked = address.values().get(name, default)
    current = asked if asked in options else default
    key = keyed(f"find_time_{name}_{current}")
    st.selectbox(
        say(f"find.time.{name}"),
        options,
        index=options.index(current),
        format_func=lambda value: plain((names or {}).get(value) or _words(name, value)),
        key=key,
        width=220,
        on_change=_choose,
        args=(name, key),
    )
    return current


def _words(name: str, value: str) -> str:
    return say(f"find.time.step_{value}") if name == "step" else value


def _choose(name: str, key: str) -> None:
    address.change(**{name: str(st.session_state[key])})


def _commonest(shown: OverTime) -> str:
    """Return the label that people gave most, or that the model answers most."""
    counts = [
        sum(period.decided[place] + period.answered[place] for period in shown.periods)
        for place in range(len(shown.label_names))
    ]
    return shown.label_names[counts.index(max(counts))]


def _draw_label(shown: OverTime, place: int) -> None:
    st.markdown(plain(_whole(shown.whole, place, shown.label_names[place])))
    if shown.periods:
        starts = [_name(shown.step, period) for period in shown.periods]
        figure = time_figure(shown.periods, place, starts=starts, axis=say("find.time.axis"))
        alt = ", ".join(
            f"{start} {_decided(period, place)}" for start, period in zip(starts, shown.periods, strict=True)
        )
        draw_chart(figure, key="find_time", height=_HEIGHT, alt=alt)
        st.caption(say("find.time.legend", fewest=label_shares.FEWEST))
    st.info(say("find.time.reading"), icon=":material/info:")
    rows = [_row(shown, period, place) for period in shown.periods if period.diaries]
    draw_rows(rows, hide_index=True, placeholder="–", key="find_time_rows")
    for note in _notes(shown):
        st.caption(note)


def _whole(whole: Group | None, place: int, label: str) -> str:
    """Return the share among all diaries that are meant, or why there is none."""
    if whole is None or whole.refused == "few":
        return say("find.time.few", label=label, n=0 if whole is None else whole.n, fewest=label_shares.FEWEST)
    if whole.refused is not None:
        return say(f"shares.{whole.refused}", left_out=whole.left_out, fewest=label_shares.FEWEST_OF_SOURCE)
    given = whole.shares[place]
    figure = share(given.value, given.low, given.high, n=whole.n, digits=1)
    return say("find.time.whole", label=label, figure=figure, diaries=whole.diaries)


def _name(step: Step, period: Period) -> str:
    return period.first.isoformat() if step == "week" else period.first.isoformat()[: len("2026-03")]


def _decided(period: Period, place: int) -> str:
    return f"{period.decided[place]}/{sum(period.decided)}"


def _row(shown: OverTime, period: Period, place: int) -> dict[str, object]:
    return {
        say(f"find.time.step_{shown.step}"): _name(shown.step, period),
        say("find.time.diaries"): period.diaries,
        say("find.time.decided"): _decided(period, place),
        say("find.time.answered"): f"{period.answered[place]}/{sum(period.answered)}",
        say("find.time.estimate"): _estimate(period.estimate, place),
    }


def _estimate(group: Group | None, place: int) -> str:
    if group is None or group.refused == "few":
        return say("find.time.refused", n=0 if group is None else group.n, fewest=label_shares.FEWEST)
    if group.refused is not None:
        return say("find.time.refused_draw")
    given = group.shares[place]
    return share(given.value, given.low, given.high, n=group.n, digits=1)


def _notes(shown: OverTime) -> list[str]:
    """Return what the figures leave out."""
    notes = []
    if shown.undated:
        ids = ", ".join(f"#{diary_id}" for diary_id in shown.undated_ids)
        notes.append(say("find.time.undated", count=shown.undated, ids=ids))
    if shown.future:
        notes.append(say("find.time.future", count=shown.future))
    if shown.earlier:
        notes.append(say("find.time.earlier", count=shown.earlier))
    return notes
