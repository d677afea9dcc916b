"""How a file is read: what was found, and fields that correct it."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import streamlit as st

from annotator.importing import ENDINGS, ReadOptions
from pages.widgets import session
from pages.widgets.text import keyed, plain, say

if TYPE_CHECKING:
    from annotator.importing import Preview

_FIND_OUT = ""
_ENCODINGS = (_FIND_OUT, "utf-8", "cp949", "utf-16", "johab")
_DELIMITERS = {_FIND_OUT: "auto", ",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_AUTO = -1
_HEADINGS = (_AUTO, 0, *range(1, 21))
_WIDTH = 260
_LINES = (_FIND_OUT, "whole", "each")


def choose_reading(name: str, key: str, before: ReadOptions) -> ReadOptions:
    """Ask how a file is to be read, and return the choice.

    Args:
        key: tells the fields of one upload from those of another.
        before: how an earlier file of the same shape was read.
    """
    kind = ENDINGS.get(PurePosixPath(name).suffix.lower())
    table: Preview | None = session.draft(f"import_seen_{key}")
    with st.expander(say("import_page.reading"), icon=":material/tune:"):
        flow = st.container(horizontal=True)
        encoding = delimiter = lines = pattern = None
        heading = _AUTO
        if kind in ("csv", "tsv", "json", "jsonl", "archive", "texts"):
            encoding = flow.selectbox(
                say("import_page.encoding"),
                _ENCODINGS,
                index=_place(_ENCODINGS, before.encoding or _FIND_OUT),
                format_func=lambda each: each or say("import_page.encoding_auto"),
                key=keyed(f"import_encoding_{key}"),
                width=_WIDTH,
            )
        if kind in ("csv", "tsv"):
            delimiter = flow.selectbox(
                say("import_page.delimiter"),
                list(_DELIMITERS),
                index=_place(list(_DELIMITERS), before.delimiter or _FIND_OUT),
                format_func=lambda each: say(f"import_page.delimiter_{_DELIMITERS[each]}"),
                key=keyed(f"import_delimiter_{key}"),
                width=_WIDTH,
            )
        if kind in ("csv", "tsv", "excel", "ods", "html"):
            heading = flow.selectbox(
                say("import_page.heading"),
                _HEADINGS,
                index=_place(_HEADINGS, _AUTO if before.heading is None else before.heading),
                format_func=_heading_name,
                key=keyed(f"import_heading_{key}"),
                width=_WIDTH,
            )
        if kind in ("texts", "archive", "tsv"):
            lines = flow.selectbox(
                say("import_page.lines"),
                _LINES,
                index=_place(_LINES, before.lines or _FIND_OUT),
                format_func=lambda each: say(f"import_page.lines_{each or 'auto'}"),
                key=keyed(f"import_lines_{key}"),
                width=_WIDTH,
            )
        if kind in ("texts", "archive"):
            pattern = flow.text_input(
                say("import_page.pattern"),
                before.pattern or "",
                placeholder="{date}_{author}",
                help=say("import_page.pattern_help"),
                key=f"import_pattern_{key}",
                width=_WIDTH,
            )
        sheets = _choose_sheets(table, before, key)
    return ReadOptions(
        encoding=encoding or None,
        delimiter=delimiter or None,
        heading=None if heading == _AUTO else heading,
        sheets=sheets,
        pattern=pattern or None,
        lines=lines or None,  # type: ignore[arg-type]
    )


def _choose_sheets(table: Preview | None, before: ReadOptions, key: str) -> tuple[str, ...]:
    if table is None or table.sheet is None or not (table.more_sheets or table.other_sheets):
        return before.sheets
    known = [table.sheet, *table.more_sheets, *table.other_sheets]
    chosen = st.multiselect(
        say("import_page.sheets"),
        known,
        default=[each for each in before.sheets if each in known],
        placeholder=say("import_page.sheets_auto"),
        key=keyed(f"import_sheets_{key}"),
    )
    return tuple(chosen)


def keep_found(key: str, table: Preview) -> bool:
    """Remember what was found, and return whether it changes the fields, which are drawn by it."""
    before: Preview | None = session.draft(f"import_seen_{key}")
    session.keep_draft(f"import_seen_{key}", table)
    return bool(table.more_sheets or table.other_sheets) and before is None


def describe_found(table: Preview, reading: ReadOptions) -> str:
    """Return in words how a file was read, and what of it was found out."""
    kind = say(f"import_page.format_{table.format}")
    parts = [kind]
    if table.encoding:
        was_found = "" if reading.encoding else f" ({say('import_page.encoding_found')})"
        parts.append(table.encoding + was_found)
    if table.delimiter is not None:
        parts.append(say(f"import_page.delimiter_{_DELIMITERS.get(table.delimiter, 'other')}"))
    if table.heading is not None:
        parts.append(_heading_name(table.heading))
    parts.append(say("import_page.columns", count=len(table.columns)))
    return plain(" · ".join(parts))


def _heading_name(number: int) -> str:
    if number == _AUTO:
        return say("import_page.heading_auto")
    return say("import_page.heading_row", row=number) if number else say("import_page.heading_none")


def _place(options: list[str] | tuple[object, ...], value: object) -> int:
    return list(options).index(value) if value in options else 0
