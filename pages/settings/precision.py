"""The choice of how exactly diaries are encoded, beside what was measured of it here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator import settings
from annotator.training import precision
from pages.widgets.text import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from annotator.project import Database
    from annotator.settings import Settings
    from annotator.training.precision import Measured


def draw(db: Database, chosen: Settings, *, key: str, on_change: Callable[[str], None]) -> None:
    """Draw the choice and what is known of it.

    Args:
        key: of the choice.
        on_change: keeps the setting of a name.
    """
    st.selectbox(
        say("settings.precision"),
        settings.PRECISIONS,
        index=settings.PRECISIONS.index(chosen.precision),
        format_func=lambda each: say(f"settings.precision_{each}"),
        key=key,
        help=say("settings.precision_help"),
        width=420,
        on_change=on_change,
        args=("precision",),
    )
    for line in _lines(chosen, precision.read(db)):
        st.caption(line)


def _lines(chosen: Settings, measured: Measured) -> list[str]:
    lines = [say("settings.precision_now", now=measured.now)]
    if measured.next != measured.now:
        lines.append(say("settings.precision_next", next=measured.next))
    if measured.speeds:
        speeds = ", ".join(
            f"{form} {rate:z,.0f}" for form, rate in sorted(measured.speeds.items(), key=lambda s: -s[1])
        )
        lines.append(say("settings.precision_speeds", speeds=speeds))
    elif chosen.precision == "auto":
        lines.append(say("settings.precision_unmeasured", fewest=precision.FEWEST_TO_MEASURE))
    if measured.compared and measured.same_answers is not None:
        same = round(measured.same_answers * measured.compared)
        lines.append(say("settings.precision_same", next=measured.next, count=measured.compared, same=same))
    return lines
