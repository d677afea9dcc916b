"""Label Studio: tasks with everybody's annotations and the model's predictions, and the labelling config beside them.

Spans count code points, as Label Studio stores them. What somebody skipped or flagged is a cancelled annotation.
Label Studio refuses annotations of people whom it doesn't know; it keeps an annotation's number as ``import_id``, and
what is in ``data``. So people are named there, by the numbers of their annotations.

Source: Label Studio documentation, "Label Studio JSON format of annotated tasks" and "Import pre-annotated data".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from annotator.formats.json.write import write_list
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from annotator.formats.label_scheme import Scheme
    from annotator.formats.record import Mark, Record, RecordDecision

EMOTION, EVIDENCE, NO_EVIDENCE, INTENSITY, MEMO = "emotion", "evidence", "no_evidence", "intensity", "memo"
"""Names of the controls in the labelling config, ``from_name`` of results."""

TEXT = "text"


def write_tasks(target: Path, records: Iterator[Record], scheme: Scheme) -> int:
    """Write the tasks, and the labelling config beside them; return how many tasks there are."""
    private_files.write_text(config_file(target), config(scheme))
    return write_list(target, map(task, records))


def config_file(target: Path) -> Path:
    """Return where the labelling config of a file of tasks is."""
    return target.with_name(f"{target.name}.config.xml")


def task(record: Record) -> dict[str, Any]:
    """Return a diary as a task."""
    people = record.by_person()
    numbers = [_number(decision, place) for place, (decision, _) in enumerate(people.values())]
    groups = {str(decision.id): decision.group for decision in record.decisions if decision.group}
    return {
        "id": record.id,
        "data": {
            TEXT: record.text,
            "diary_id": record.id,
            "written_on": record.written_on,
            "author": record.author,
            "source": record.source,
            "part": record.part,
            "soft_label": record.soft_label,
            "sentences": record.sentences,
            "file": record.origin.file,
            "file_hash": record.origin.file_hash,
            "imported_at": record.origin.imported_at,
            "row": record.row,
            "metadata": record.metadata,
            "people": {str(number): name for number, name in zip(numbers, people, strict=True)},
            **({"groups": groups} if groups else {}),
        },
        "annotations": [
            _annotation(record, number, decision, marks)
            for number, (decision, marks) in zip(numbers, people.values(), strict=True)
        ],
        "predictions": [] if record.proba is None else [_prediction(record, record.proba)],
    }


def _number(decision: RecordDecision | None, place: int) -> int:
    """Return the number of an annotation; that of somebody who only marked words is below zero."""
    return -1 - place if decision is None else decision.id


def _annotation(record: Record, number: int, decision: RecordDecision | None, marks: Sequence[Mark]) -> dict[str, Any]:
    result: list[dict[str, Any]] = []
    if decision is not None:
        if decision.labels:
            result.append(_result(EMOTION, "choices", {"choices": decision.labels}))
        if decision.intensity is not None:
            result.append(_result(INTENSITY, "rating", {"rating": decision.intensity}))
        if decision.memo:
            result.append(_result(MEMO, "textarea", {"text": [decision.memo]}))
    result += [_span(record.text, mark, place) for place, mark in enumerate(marks) if mark.label is not None]
    annotation: dict[str, Any] = {
        "id": number,
        "was_cancelled": decision is not None and decision.kind != "label",
        "ground_truth": False,
        "result": result,
    }
    return annotation if decision is None else {"created_at": decision.decided_at, **annotation}


def _result(name: str, kind: str, value: dict[str, Any], *, region: str | None = None) -> dict[str, Any]:
    return {"id": region or name, "from_name": name, "to_name": TEXT, "type": kind, "value": value}


def _span(text: str, mark: Mark, place: int) -> dict[str, Any]:
    name = EVIDENCE if mark.verdict == "right" else NO_EVIDENCE
    words = {"start": mark.start, "end": mark.end, "text": text[mark.start : mark.end], "labels": [mark.label]}
    return _result(name, "labels", words, region=f"span{place}")


def _prediction(record: Record, proba: dict[str, float]) -> dict[str, Any]:
    likeliest = str(record.predicted)
    return {
        "model_version": f"maeumgyeol-{record.model_version}",
        "score": proba[likeliest],
        "result": [{**_result(EMOTION, "choices", {"choices": [likeliest]}), "score": proba[likeliest]}],
        "proba": proba,
    }


def config(scheme: Scheme) -> str:
    """Return the labelling config that the tasks are for, as XML."""
    view = ET.Element("View")
    for control in (EVIDENCE, NO_EVIDENCE):
        spans = ET.SubElement(view, "Labels", {"name": control, "toName": TEXT})
        for name, colour in zip(scheme.names, scheme.colours, strict=True):
            ET.SubElement(spans, "Label", {"value": name, "background": colour})
    ET.SubElement(view, "Text", {"name": TEXT, "value": f"${TEXT}", "granularity": "word"})
    how = {"choice": "multiple" if scheme.several else "single", "showInline": "true"}
    choices = ET.SubElement(view, "Choices", {"name": EMOTION, "toName": TEXT, **how})
    for name in scheme.names:
        ET.SubElement(choices, "Choice", {"value": name})
    ET.SubElement(view, "Rating", {"name": INTENSITY, "toName": TEXT, "maxRating": "5"})
    ET.SubElement(view, "TextArea", {"name": MEMO, "toName": TEXT, "maxSubmissions": "1"})
    ET.indent(view)
    return ET.tostring(view, "unicode") + "\n"
