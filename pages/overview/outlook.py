"""How fast the diaries are read, when they will all be, and whether a new version answers by now."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import isinf
from typing import TYPE_CHECKING

import streamlit as st

from annotator import outlook, project_location, status
from pages.widgets.boundary import boundary
from pages.widgets.text import duration, say

if TYPE_CHECKING:
    from annotator.outlook import Outlook
    from annotator.project import Database


def draw_outlook(db: Database) -> None:
    """Draw the pace of everybody together and what it makes of the diaries that are left; nothing while unknown."""
    now = datetime.now().astimezone()
    forecast = outlook.find_outlook(db, now=now)
    if not forecast.left:
        st.caption(say("overview.all_read"))
        return
    words = [*_reading(forecast), *_finish(forecast, now)]
    st.caption("  \n".join(words) if words else say("overview.no_pace"))


def _reading(forecast: Outlook) -> list[str]:
    pace = forecast.seconds
    if pace is None:
        return []
    return [
        say(
            "overview.pace",
            seconds=pace.mean,
            low=pace.low,
            high=pace.high,
            n=pace.n,
            left=forecast.left,
            time=duration(*forecast.minutes()),
        )
    ]


def _finish(forecast: Outlook, now: datetime) -> list[str]:
    rate = forecast.per_day
    if rate is None:
        return []
    words = say("overview.per_day", days=rate.n, per_day=rate.mean, low=rate.low, high=rate.high)
    soon, late = forecast.days()
    first = (now + timedelta(days=soon)).strftime("%Y-%m-%d")
    if isinf(late):
        return [f"{words} {say('overview.finish_open', first=first)}"]
    last = (now + timedelta(days=late)).strftime("%Y-%m-%d")
    return [f"{words} {say('overview.finish', first=first, last=last)}"]


@st.fragment(run_every=2.0)
def follow(version: int | None) -> None:
    """Draw the page anew once another version answers than the one that it shows."""
    with boundary(), project_location.opened() as db:
        answering = status.active_version(db)
    if answering != version:
        st.rerun()
