"""Prodigy JSONL: one line for each answer of each person.

An accepted label, or the accepted options, are the decision; an ignored example is a skip. A rejected label says only
what the diary is not, and stays beside it as ``rejected``. Spans are words marked as evidence.

Source: Prodigy documentation, "Annotation task formats" and the interfaces ``classification``, ``choice`` and
``spans_manual``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from annotator.formats.table import Mark, RowDecision
from annotator.formats.whole_numbers import whole

_LAST_SECOND = 4_102_444_800  # 2100

_ANSWERS = ("accept", "reject", "ignore")
_LEFT = frozenset(("text", "label", "accept", "answer", "spans", "meta", "options", "tokens", "config", "html"))
_LEFT |= frozenset(("user_input", "flagged", "intensity", "rejected", "group"))


def is_example(item: dict[str, Any]) -> bool:
    """Return whether an object is an example: a text with hashes or an answer."""
    return isinstance(item.get("text"), str) and ("_task_hash" in item or item.get("answer") in _ANSWERS)


def read_example(example: dict[str, Any]) -> tuple[dict[str, Any], list[RowDecision]]:
    """Return the text and metadata, and the person's decision."""
    labels = tuple(str(one) for one in example.get("accept") or ([example["label"]] if example.get("label") else ()))
    answer = example.get("answer", "accept")
    meta = example.get("meta") or {}
    values = {"text": example["text"], **meta}
    values |= {key: value for key, value in example.items() if key not in _LEFT and not key.startswith("_")}
    if answer == "reject" and labels:
        values["rejected"] = ", ".join(labels)
    person = str(example.get("_annotator_id") or example.get("_session_id") or "")
    decision = _row_decision(person, example, labels, answer)
    return values, [decision] if decision.kind or decision.marks else []


def _row_decision(person: str, example: dict[str, Any], labels: tuple[str, ...], answer: str) -> RowDecision:
    accepted = answer == "accept"
    spans = [span for span in example.get("spans") or [] if accepted and "label" in span]
    intensity = example.get("intensity")
    passed = "flag" if example.get("flagged") else "skip"
    kind = "label" if accepted and labels else passed if answer == "ignore" else None
    return RowDecision(
        person,
        kind,  # type: ignore[arg-type]
        labels if accepted else (),
        str(example.get("user_input") or ""),
        int(intensity) if isinstance(intensity, int) and 1 <= intensity <= 5 else None,
        tuple(Mark(whole(s["start"]), whole(s["end"]), str(s["label"])) for s in spans),
        decided_at=_time(example.get("_timestamp")),
        is_ours="diary_id" in (example.get("meta") or {}),
        group=example["group"] if isinstance(example.get("group"), str) else "",
    )


def _time(seconds: Any) -> str:
    if not isinstance(seconds, int | float) or not 0 < seconds < _LAST_SECOND:
        return ""
    return datetime.fromtimestamp(seconds, UTC).isoformat()
