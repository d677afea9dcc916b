"""doccano: JSONL of text classification, of sequence labelling, and of both at once.

doccano's lines name nobody, since it writes one file for each person. Spans are words marked as evidence.

Source: doccano, ``backend/data_export/pipeline``; older versions write ``labels`` instead of ``label``.
"""

from __future__ import annotations

from typing import Any

from annotator.formats.table import Mark, RowDecision

_LABELS = ("label", "labels", "cats")
_SPANS = ("entities", "spans")
_EMPTY_UNLESS_USED = ("Comments", "relations")


def is_example(found: dict[str, Any]) -> bool:
    """Return whether an object is an example: a text with a list of labels or of spans."""
    lists = [found[key] for key in (*_LABELS, *_SPANS) if isinstance(found.get(key), list)]
    return isinstance(found.get("text"), str) and bool(lists) and all(map(_is_known, lists))


def read_example(found: dict[str, Any]) -> tuple[dict[str, Any], list[RowDecision]]:
    """Return the values other than labels, and the labels as decisions."""
    items = [item for key in (*_LABELS, *_SPANS) if isinstance(found.get(key), list) for item in found[key]]
    labels = tuple(dict.fromkeys(item for item in items if isinstance(item, str)))
    marks = tuple(dict.fromkeys(_mark(item) for item in items if not isinstance(item, str)))
    used = {key for key in (*_LABELS, *_SPANS) if isinstance(found.get(key), list)}
    used |= {key for key in _EMPTY_UNLESS_USED if not found.get(key)}
    values = {key: value for key, value in found.items() if key not in used}
    if isinstance(beside := values.get("metadata"), dict):  # of our own lines; see `annotator.formats.doccano.write`
        values = {**{key: value for key, value in beside.items() if key not in found}, **values}
        del values["metadata"]
    decisions = [RowDecision("", "label" if labels else None, labels, marks=marks)] if labels or marks else []
    return values, decisions


def _is_known(items: list[Any]) -> bool:
    return all(isinstance(item, str) or _is_span(item) for item in items)


def _is_span(item: Any) -> bool:
    if isinstance(item, dict):
        return {"start_offset", "end_offset", "label"} <= item.keys()
    return isinstance(item, list) and len(item) == 3 and isinstance(item[0], int) and isinstance(item[2], str)


def _mark(item: Any) -> Mark:
    if isinstance(item, dict):
        return Mark(int(item["start_offset"]), int(item["end_offset"]), str(item["label"]))
    return Mark(int(item[0]), int(item[1]), str(item[2]))
