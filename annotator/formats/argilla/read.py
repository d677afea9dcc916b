"""Argilla records: the JSON list that ``dataset.records.to_json`` writes, and that of the older feedback data sets.

The question whose answer is the label is called like one, or is the first with labels for answers. Answers that are
spans are words marked as evidence, other texts the memo; a discarded response is a skip.

Source: argilla SDK, ``records/_resource.py`` (``Record.to_dict``) and, of version 1, ``FeedbackRecord``.
"""

from __future__ import annotations

from typing import Any

from annotator.formats.column_names import is_label_name
from annotator.formats.table import ASIDE, Mark, RowDecision
from annotator.formats.whole_numbers import whole

DRAFTS = "drafts"
_UNSUBMITTED = ("draft", "pending")
"""Responses that somebody began and has not submitted: they are no decisions."""


def is_record(item: dict[str, Any]) -> bool:
    """Return whether an object is a record."""
    return isinstance(item.get("fields"), dict) and bool({"responses", "suggestions"} & item.keys())


def read_record(record: dict[str, Any]) -> tuple[dict[str, Any], list[RowDecision]]:
    """Return the fields, metadata and suggested label, and each person's decision."""
    answers = _answers(record.get("responses"))
    question = _label_question([*(values for values, _ in answers.values()), _suggested(record.get("suggestions"))])
    metadata = dict(record.get("metadata") or {})
    names, groups = _names(metadata.pop("people", None)), _names(metadata.pop("groups", None))
    exported = _exported(metadata.pop("evidence", None))
    values = {**metadata, **record["fields"], "record_id": record.get("id"), **_prediction(record, question)}
    drafts = [person for person, (_, status) in answers.items() if status in _UNSUBMITTED]
    decisions = [
        _row_decision(names.get(person, person), *response, question, exported, is_ours=person in names)._replace(
            group=groups.get(person, "")
        )
        for person, response in answers.items()
        if person not in drafts
    ]
    present = {key: value for key, value in values.items() if value is not None}
    if drafts:
        present |= {DRAFTS: [answers[person][0] for person in drafts], ASIDE: [DRAFTS] * len(drafts)}
    return present, [decision for decision in decisions if decision.kind or decision.marks]


def _answers(responses: Any) -> dict[str, tuple[dict[str, Any], str]]:
    """Return each person's answers by question, and their status."""
    by_person: dict[str, tuple[dict[str, Any], str]] = {}
    if isinstance(responses, dict):
        pairs = [(question, one) for question, answers in responses.items() for one in answers]
    else:  # version 1: one response a person, with the answers inside
        pairs = [
            (question, {**one, "value": answer["value"]})
            for one in responses or []
            for question, answer in (one.get("values") or {"": {"value": None}}).items()
        ]
    for question, one in pairs:
        values, _ = by_person.setdefault(str(one.get("user_id") or ""), ({}, ""))
        values[question] = one["value"]
        by_person[str(one.get("user_id") or "")] = (values, str(one.get("status") or "submitted"))
    return by_person


def _suggested(suggestions: Any) -> dict[str, Any]:
    if isinstance(suggestions, dict):
        return {question: one["value"] for question, one in suggestions.items()}
    return {one["question_name"]: one["value"] for one in suggestions or []}


def _label_question(answers: list[dict[str, Any]]) -> str:
    asked = [question for values in answers for question, value in values.items() if _is_label(value)]
    return next((question for question in asked if is_label_name(question)), next(iter(asked), ""))


def _is_label(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list) and bool(value) and all(isinstance(v, str) for v in value)
    )


def _prediction(record: dict[str, Any], question: str) -> dict[str, Any]:
    suggestions = record.get("suggestions")
    if not isinstance(suggestions, dict):
        suggestions = {one["question_name"]: one for one in suggestions or []}
    one = suggestions.get(question)
    if one is None:
        return {}
    label = one["value"] if isinstance(one["value"], str) else ", ".join(map(str, one["value"]))
    return {"prediction": label, "prediction_score": one.get("score"), "prediction_model": one.get("agent")}


def _names(people: Any) -> dict[str, str]:
    """Return names, or groups, by id, as exports from here write them into the metadata: ``<id> <name>``."""
    pairs = [str(one).partition(" ") for one in people] if isinstance(people, list) else []
    return {user_id: name for user_id, _, name in pairs if name}


def _exported(evidence: Any) -> dict[tuple[int, int], str]:
    """Return the words that were marked before a record went out, by their places in code points."""
    pairs = [str(one).partition(" ") for one in evidence] if isinstance(evidence, list) else []
    places = [(place.partition("-"), words) for place, _, words in pairs]
    return {
        (int(first), int(last)): words for (first, _, last), words in places if first.isdecimal() and last.isdecimal()
    }


def _mark(span: dict[str, Any], exported: dict[tuple[int, int], str]) -> Mark:
    """Return a span as a mark: Argilla's page counts UTF-16 units, whatever came in."""
    start, end = whole(span["start"]), whole(span["end"])
    words = exported.get((start, end), "")
    return Mark(start, end, str(span["label"]), words=words, unit="points" if words else "utf16")


def _row_decision(
    person: str,
    values: dict[str, Any],
    status: str,
    question: str,
    exported: dict[tuple[int, int], str],
    *,
    is_ours: bool,
) -> RowDecision:
    answer = values.get(question)
    labels = (answer,) if isinstance(answer, str) else tuple(answer or ()) if _is_label(answer) else ()
    spans = [item for value in values.values() if isinstance(value, list) for item in value if isinstance(item, dict)]
    marks = tuple(_mark(span, exported) for span in spans if "start" in span)
    memo = "\n".join(value for key, value in values.items() if isinstance(value, str) and value and key != question)
    intensity = values.get("intensity")
    discarded = status == "discarded"
    return RowDecision(
        person,
        "skip" if discarded else "label" if labels else None,
        () if discarded else labels,
        memo,
        int(intensity) if isinstance(intensity, int) and 1 <= intensity <= 5 else None,
        marks,
        is_ours=is_ours,
    )
