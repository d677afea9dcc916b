"""Label Studio: tasks with their annotations and predictions, and JSON_MIN, its smaller export.

A cancelled annotation is a skip. Labelled spans are words marked as evidence, a rating from 1 to 5 the intensity, a
text area the memo. If a person annotated a task twice, the newest annotation is read, and the earlier one named.

Source: Label Studio documentation, "Label Studio JSON format of annotated tasks" and "Export formats".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from annotator.formats import table
from annotator.formats.column_names import is_label_name
from annotator.formats.table import ASIDE, BEFORE, Mark, RowDecision
from annotator.formats.whole_numbers import whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TASK = frozenset(("id", "data", "annotations", "completions", "predictions", "meta", "project", "inner_id", "drafts"))

_SMALL = frozenset(("annotation_id", "annotator", "lead_time"))

NO_EVIDENCE = "no_evidence"
"""The control whose spans are words that are no evidence, in the projects that exports from here are for."""


def is_task(item: dict[str, Any]) -> bool:
    """Return whether an object is a task."""
    return isinstance(item.get("data"), dict) and bool(_TASK & item.keys() - {"data"} or len(item) == 1)


def read_task(task: dict[str, Any]) -> tuple[dict[str, Any], list[RowDecision]]:
    """Return the task's data with the first prediction, and each person's decision."""
    values = {**task["data"], "task_id": task.get("id")}
    people, groups = _by_number(values, "people"), _by_number(values, "groups")
    for prediction in (task.get("predictions") or [])[:1]:
        decision = _row_decision("", prediction.get("result") or [], cancelled=False)
        values |= {
            "prediction": ", ".join(decision.labels) or None,
            "prediction_score": prediction.get("score"),
            "prediction_model": prediction.get("model_version"),
        }
    ours = task["data"].keys() >= OURS
    by_person: dict[str, RowDecision] = {}
    asides: list[str] = []
    before: list[str] = []
    for one in task.get("annotations") or task.get("completions") or []:
        number = str(one.get("import_id") if "import_id" in one else one.get("id"))
        here = people.get(number)
        person = here or _name(one.get("completed_by"))
        cancelled = bool(one.get("was_cancelled") or one.get("skipped"))
        decided_at = str(one.get("updated_at") or one.get("created_at") or "")
        is_ours = here is not None or (ours and _is_named_by_us(one.get("completed_by")))
        decision = _row_decision(person, one.get("result") or [], cancelled=cancelled)
        decision = decision._replace(decided_at=decided_at, is_ours=is_ours, group=groups.get(number, ""))
        if person in by_person:
            earlier, decision = sorted((by_person[person], decision), key=lambda each: each.decided_at)
            before.append(table.summarise([earlier]) or person)
        by_person[person] = decision
        for kind, value in _asides(one.get("result") or []):
            asides.append(kind)
            values.setdefault(ANSWERS, {})[f"{kind} · {person}" if person else kind] = value
    if drafts := [draft.get("result") for draft in task.get("drafts") or []]:
        asides.append(DRAFTS)
        values.setdefault(ANSWERS, {})[DRAFTS] = drafts
    decisions = [decision for decision in by_person.values() if decision.kind or decision.marks or decision.is_cleared]
    kept = {key: value for key, value in values.items() if value is not None}
    return kept | {ASIDE: asides, BEFORE: before}, decisions


OURS = frozenset(("diary_id", "file_hash", "imported_at", "soft_label"))
"""What tasks that were exported from here have in their data."""

ANSWERS = "answers"
"""The column of what people answered that can't be a decision."""

DRAFTS = "drafts"
"""What somebody began and has not submitted is no decision."""

_READ = frozenset(("choices", "labels", "textarea", "rating", "hypertextlabels", "paragraphlabels"))


def _by_number(values: dict[str, Any], column: str) -> dict[str, str]:
    """Return, and take out, what the data say of annotations that were exported from here, by their numbers there.

    Those are who made them, and the press that gave the label to many diaries at once.

    Label Studio gives annotations numbers of its own, and keeps the former ones as ``import_id``.
    """
    if not (values.keys() >= OURS and isinstance(values.get(column), dict)):
        return {}
    return {str(number): str(said) for number, said in values.pop(column).items()}


def _is_named_by_us(person: Any) -> bool:
    """Return whether an annotation names somebody as exports from here did before they named them in the data."""
    return isinstance(person, dict) and not person.get("email") and bool(person.get("first_name"))


def _asides(results: Iterable[dict[str, Any]]) -> list[tuple[str, Any]]:
    """Return the answers that can't be a decision, such as taxonomies, figures, dates and pairs, by their kinds."""
    values_by_name: dict[str, list[Any]] = {}
    for one in results:
        kind, value = str(one.get("type") or "?"), one.get("value") or {}
        if kind in _READ and not (kind == "rating" and not 1 <= whole(value.get("rating") or 0) <= 5):
            continue
        named = next((value[key] for key in (kind, "text", "number", "datetime") if key in value), value)
        values_by_name.setdefault(str(one.get("from_name") or kind), []).append(named)
    return [(name, values[0] if len(values) == 1 else values) for name, values in values_by_name.items()]


def is_small(item: dict[str, Any]) -> bool:
    """Return whether an object is a row of JSON_MIN: one annotation, its choices beside the data."""
    return {"annotation_id", "annotator"} <= item.keys()


def read_small(item: dict[str, Any]) -> tuple[dict[str, Any], list[RowDecision]]:
    """Return the data and the annotator's decision: whatever is written as choices or labelled spans."""
    values = {key: value for key, value in item.items() if key not in _SMALL}
    labels: list[str] = []
    marks: list[Mark] = []
    for key, value in item.items():
        chosen = _choices(key, value)
        spans = [s for s in value if isinstance(s, dict) and "labels" in s] if isinstance(value, list) else []
        if chosen or spans:
            labels += chosen
            marks += [mark for span in spans for mark in _marks(span, "wrong" if key == NO_EVIDENCE else "right")]
            del values[key]
    if not labels and not marks:
        return values, []
    kind = "label" if labels else None
    return values, [RowDecision(_name(item["annotator"]), kind, tuple(labels), marks=tuple(marks))]  # type: ignore[arg-type]


def _choices(key: str, value: Any) -> list[str]:
    """Return the labels that a field of JSON_MIN holds; a single choice is a text, known by its control's name."""
    if isinstance(value, dict) and "choices" in value:
        return [str(choice) for choice in value["choices"]]
    return [value] if isinstance(value, str) and (key == "choice" or is_label_name(key)) else []


def _name(person: Any) -> str:
    """Return what an annotation calls its author: a number, a name or an account."""
    if isinstance(person, dict):
        full = " ".join(str(person[part]) for part in ("first_name", "last_name") if person.get(part))
        person = full or person.get("username") or person.get("email") or person.get("id")
    return "" if person is None else str(person)


def _row_decision(person: str, results: Sequence[dict[str, Any]], *, cancelled: bool) -> RowDecision:
    labels: list[str] = []
    marks: list[Mark] = []
    memos: list[str] = []
    intensity = None
    for one in results:
        value = one.get("value") or {}
        if one.get("type") == "taxonomy":
            continue
        labels += map(str, value.get("choices") or [])
        if "start" in value and "labels" in value:
            marks += _marks(value, "wrong" if one.get("from_name") == NO_EVIDENCE else "right")
        if one.get("type") == "textarea":
            text = value.get("text") or []
            memos += [text] if isinstance(text, str) else map(str, text)
        if one.get("type") == "rating" and 1 <= whole(value.get("rating") or 0) <= 5:
            intensity = whole(value["rating"])
    kind = "skip" if cancelled else "label" if labels else None
    return RowDecision(
        person,
        kind,  # type: ignore[arg-type]
        () if cancelled else tuple(labels),
        "\n".join(memos),
        intensity,
        tuple(marks),
        is_cleared=not cancelled and not results,
    )


def _marks(value: dict[str, Any], verdict: Any) -> list[Mark]:
    """Return the marks of a region; the words that it names decide, since older versions counted UTF-16 units."""
    words = str(value.get("text") or "")
    start, end = whole(value["start"]), whole(value["end"])
    return [Mark(start, end, str(label), verdict, words=words) for label in value["labels"]]
