"""What stands beside an accuracy on the test part, wherever a page states one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import streamlit as st

from annotator.quality import accuracy_limits
from pages.widgets.figures import share
from pages.widgets.text import plain, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from annotator.project import Database
    from annotator.quality.accuracy_limits import Ceiling, Limits


def draw_limits(db: Database) -> None:
    """Say which test diaries are missing from an accuracy, which were swayed, and how far readers agree."""
    for sentence in _sentences(accuracy_limits.find_limits(db)):
        st.caption(plain(sentence))


def _sentences(limits: Limits) -> Iterator[str]:
    if limits.skipped or limits.flagged:
        yield say("limits.aside", n=limits.labelled, skipped=limits.skipped, flagged=limits.flagged)
    if limits.shown:
        yield say("limits.shown", n=limits.labelled, shown=limits.shown)
    yield say("limits.one_reader") if limits.ceiling is None else _ceiling(limits.ceiling)


def _ceiling(ceiling: Ceiling) -> str:
    same, best = ceiling.same, ceiling.best
    key = "limits.same_test" if ceiling.is_test else "limits.same_any"
    words = say(key, same=share(same.value, same.low, same.high, n=ceiling.n))
    if math.isnan(best.low):
        return words
    return f"{words} {say('limits.best', best=share(best.value, best.low, best.high, n=ceiling.n))}"
