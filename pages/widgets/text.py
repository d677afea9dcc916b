"""Words and figures as screens show them, in the session's language."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from annotator import messages
from annotator.messages.unlinked import unlinked
from pages.widgets import session

if TYPE_CHECKING:
    from annotator.training.evaluation import Evaluation

_MARKDOWN = re.compile(r"([\\`*_~$\[\]<>#|!{}])")

_SHORTCODE = re.compile(r":(?=[\w+/-]+:|[A-Za-z])")
"""The beginning of what Streamlit takes for an emoji, an icon or, also without brackets, a directive."""


_SIGNS = re.compile(r"(?<!\S)([<>~-])(->|-|>|=)(?!\S)")
"""What Streamlit draws as an arrow, a dash or a sign of comparison where it stands alone."""


def say(key: str, /, **values: str | float) -> str:
    """Return a message in the session's language; names in it become no links, wherever it is shown."""
    safe_values = {name: unlinked(value) if isinstance(value, str) else value for name, value in values.items()}
    return messages.say(key, session.language(), **safe_values)


def keyed(key: str) -> str:
    """Return the key of a choice whose options are shown in words.

    A browser names the option by what it showed, which means nothing once the language has changed.
    """
    return f"{key}_{session.language()}"


def plain(text: str) -> str:
    """Return text that Markdown shows as it is: names and file names may hold its signs, or look like an address."""
    return _MARKDOWN.sub(r"\\\1", _SIGNS.sub("\\1\u2060\\2", _SHORTCODE.sub(":\u2060", unlinked(text))))


def local_time(iso: str) -> str:
    """Return a stored UTC time as the clock of this machine shows it."""
    return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M")


def duration(low: float, high: float) -> str:
    """Return a time in words, as a range where its ends differ.

    Args:
        low, high: minutes, at least and at most.
    """
    if high < 1:
        return say("time.under_minute")
    unit, size = ("hours", 60.0) if low >= 2 * 60 else ("minutes", 1.0)
    first, last = max(1, round(low / size)), max(1, round(high / size))
    return say(f"time.{unit}", time=f"{first}–{last}" if first < last else str(first))


def percent(share: float | None) -> str:
    """Return a share in [0, 1] with one decimal; a dash where there is none."""
    return "–" if share is None else f"{100 * share:z.1f}%"


def interval(low: float, high: float) -> str:
    """Return the bounds of an interval of shares."""
    return f"{100 * low:z.0f}–{100 * high:z.0f}%"


def macro_f1(figures: Evaluation) -> str:
    """Return a macro F1 with its interval and the labels that it is about, where these are not all."""
    if figures.macro_f1 is None or figures.macro_f1_low is None or figures.macro_f1_high is None:
        return "–"
    words = f"{figures.macro_f1:z.2f} ({figures.macro_f1_low:z.2f}–{figures.macro_f1_high:z.2f})"
    named, k = figures.macro_f1_columns, len(figures.f1)
    return words if named is None or len(named) == k else say("learn.f1_named", f1=words, named=len(named), k=k)
