"""How pages state shares and differences, in the session's language; `annotator.messages.figures` has the words."""

from __future__ import annotations

from annotator.messages import figures
from annotator.messages.figures import share as share
from pages.widgets import session


def difference(value: float, low: float, high: float, *, n: int) -> str:
    """Return the difference of two shares in points, with its 95 % interval and what it was measured on."""
    return figures.difference(value, low, high, n=n, language=session.language())
