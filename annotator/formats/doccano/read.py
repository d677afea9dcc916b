"""doccano: JSONL of text classification, of sequence labelling, and of both at once.

doccano's lines name nobody, since it writes one file for each person. Spans are words marked as evidence; doccano
counts as browsers do, in UTF-16 units (doccano/doccano, issue 2290).

Source: doccano, ``backend/data_export/pipeline``; older versions write ``labels`` instead of ``label``.
"""

from __future__ import annotations

from typing import Any

from annotator.formats.table import ASIDE, Mark, RowDecision
from annotator.formats.whole_numbers import whole

_LABELS = ("label", "labels", "cats")
_SPANS = ("entities", "spans")
_EMPTY_UNLESS_USED = ("Comments", "relations")


def is_example(item: dict[str, Any]) -> bool:
    """Return whether an object is an example: a text with a list of labels or of spans."""
    lists = [item[key] for key in (*_LABELS, *_SPANS) if isinstance(item.get(key), list)]
    is_labelled = bool(lists) and all(map(_is_known, lists))
    return isinstance(item.get("text"), str) and (is_labelled or _is_old(item.get("annotations")))


def accepts(item: dict[str, Any]) -> bool:
    """Return whether an object may stand beside examples: labels that are null or one text say as much as a list."""
    given = [item[key] for key in (*_LABELS, *_SPANS) if key in item]
    return isinstance(item.get("text"), str) and all(_is_simple(each) for each in given)


def _is_simple(value: Any) -> bool:
    return value is None or isinstance(value, str) or (isinstance(value, list) and _is_known(value))


def read_example(example: dict[str, Any]) -> tuple[dict[str, Any], list[RowDecision]]:
    """Return the values other than labels, and the labels as decisions."""
    items = [item for key in (*_LABELS, *_SPANS) for item in _listed(example.get(key))]
    labels = tuple(dict.fromkeys(item for item in items if isinstance(item, str)))
    marks = tuple(dict.fromkeys(_mark(item) for item in items if not isinstance(item, str)))
    used = {key for key in (*_LABELS, *_SPANS) if example.get(key) is None or isinstance(example[key], list | str)}
    used |= {key for key in _EMPTY_UNLESS_USED if not example.get(key)}
    values = {key: value for key, value in example.items() if key not in used}
    if isinstance(beside := values.get("metadata"), dict):  # of our own lines; see `annotator.formats.doccano.write`
        values = {**{key: value for key, value in beside.items() if key not in example}, **values}
        del values["metadata"]
    if old := _old_annotations(example):
        values["annotations"] = example["annotations"]
        values[ASIDE] = old
    is_ours = isinstance(example.get("id"), int) and {"soft_label", "cats"} <= example.keys()
    if is_ours:
        values["diary_id"] = example["id"]
    decisions = (
        [RowDecision("", "label" if labels else None, labels, marks=marks, is_ours=is_ours)] if labels or marks else []
    )
    return values, decisions


def _listed(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [value] if value.strip() else []
    return value if isinstance(value, list) else []


def _old_annotations(example: dict[str, Any]) -> list[str]:
    """Return what annotations of doccano before 1.0 are called: they number their labels, which nobody can read."""
    return ["annotations"] * len(example["annotations"]) if _is_old(example.get("annotations")) else []


def _is_old(annotations: Any) -> bool:
    fields = {"label", "user"}
    return isinstance(annotations, list) and bool(annotations) and all(_has(fields, each) for each in annotations)


def _has(fields: set[str], item: Any) -> bool:
    return isinstance(item, dict) and fields <= item.keys()


def _is_known(items: list[Any]) -> bool:
    return all(isinstance(item, str) or _is_span(item) for item in items)


def _is_span(item: Any) -> bool:
    if isinstance(item, dict):
        return {"start_offset", "end_offset", "label"} <= item.keys()
    return isinstance(item, list) and len(item) == 3 and isinstance(item[0], int) and isinstance(item[2], str)


def _mark(item: Any) -> Mark:
    if isinstance(item, dict):
        return Mark(whole(item["start_offset"]), whole(item["end_offset"]), str(item["label"]), unit="utf16")
    return Mark(whole(item[0]), whole(item[1]), str(item[2]), unit="utf16")
