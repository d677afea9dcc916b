"""Labels as cells hold them: their plain form, several of them in one cell, and figures."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import orjson

_BESIDE = re.compile("[\u115f\u1160\u3164\uffa0]+")
_FIGURE = re.compile(r"([+-]?\d+)\.0*", re.ASCII)
_LISTED = re.compile(r"\s*[\[({]")
_MOST_LISTED = 10_000
"""Characters of a cell that is read as a list; a longer one holds no labels."""

_KEYS = ("choices", "labels", "taxonomy", "name", "label")
_PYTHON = re.compile(rf"""\s*(?:\{{\s*['"](?:{"|".join(_KEYS)})['"]\s*:\s*)?[\[({{]([^\[\](){{}}]*)[\])}}]\s*\}}?\s*""")
_ITEM = re.compile(r"""(?:'([^'\\]*)'|"([^"\\]*)"|([\w.+-]+))\s*(?:,\s*|$|(?=['"\w]))""")

_DECORATED = re.compile(r"""[\s#\["'“‘<(]*(?:\d{1,3}\s*[:.)\]_\-]\s*)?(.*?)[\s\]"'”’>).]*""", re.DOTALL)
NOTHING = frozenset(("nan", "null", "none", "n/a", "#n/a", "<na>"))
"""What programs write into a cell without a value."""

SEPARATORS = (",", ";", "|", "/", "·", "、", "+", "&", "\n")
"""What people write between several labels in one cell; none of them is looked for inside a label that is known."""


def plain_label(text: str) -> str:
    """Return the form in which labels are compared: NFC, without what can't be seen, white space around it trimmed."""
    if text.isascii():
        return text.strip()
    visible = "".join(c for c in unicodedata.normalize("NFC", text) if unicodedata.category(c) not in ("Cf", "Cc"))
    return " ".join(_BESIDE.sub(" ", visible).split())


def bare_label(text: str) -> str:
    """Return a label without what lists put around it: ``1: 분노``, ``(2) 분노``, ``#분노``, ``"분노"``."""
    match = _DECORATED.fullmatch(plain_label(text))
    return match[1] if match else ""


def plain_figure(text: str) -> str | None:
    """Return a label that is a whole number as one: ``1`` for ``1.0`` and ``１``; None for anything else."""
    digits = unicodedata.normalize("NFKC", text).strip()
    whole = _FIGURE.fullmatch(digits)
    number = whole[1] if whole else digits
    return str(int(number)) if re.fullmatch(r"[+-]?\d{1,18}", number, re.ASCII) else None


def read_list(text: str) -> list[str] | None:
    """Return the labels of a cell that is written as a list, of JSON, Python or Label Studio; None if it is none."""
    if len(text) > _MOST_LISTED or _LISTED.match(text) is None:
        return None
    try:
        value: Any = orjson.loads(text)
    except ValueError:
        return _read_python(text)
    if isinstance(value, dict):
        value = next((value[key] for key in _KEYS if key in value), None)
        value = [value] if isinstance(value, str) else value
    if not isinstance(value, list) or not all(isinstance(item, str | int) for item in value):
        return None
    return [str(item) for item in value]


def _read_python(text: str) -> list[str] | None:
    """Return the items of a list as Python or numpy print it, the latter without commas; nothing of it is run."""
    whole = _PYTHON.fullmatch(text)
    if whole is None:
        return None
    items, at = [], 0
    inner = whole[1].strip()
    while at < len(inner):
        item = _ITEM.match(inner, at)
        if item is None:
            return None
        items.append(next(part for part in item.groups() if part is not None))
        at = item.end()
    return items
