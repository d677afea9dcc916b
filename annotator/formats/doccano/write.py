"""doccano JSONL: one diary a line, for projects of text classification, of sequence labelling, and of both at once.

``label`` is what a classification project reads, ``entities`` what a sequence-labelling project does (named as its
column of labels), ``cats`` and ``entities`` what intent detection and slot filling does. The rest becomes the example's
metadata. doccano's lines name no people: labels are those of all decisions that count, spans everybody's evidence.

doccano reads lines as a table: a key that some lines lack, and a number that is null in some, stop its import ("CHECK
constraint failed: JSON_VALID"). So all lines have the same keys, and no number may be null.

Spans are counted as doccano counts: in UTF-16 units, where an emoji is two.

Source: doccano, ``backend/data_import/pipeline`` and the examples on its import page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from annotator.formats.json.write import write_lines
from annotator.formats.spans import to_utf16

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from annotator.formats.label_scheme import Scheme
    from annotator.formats.record import Record


def write_doccano(target: Path, records: Iterator[Record], _scheme: Scheme) -> int:
    """Write doccano JSONL and return how many lines it has."""
    return write_lines(target, map(line, records))


def line(record: Record) -> dict[str, Any]:
    """Return a diary as a line."""
    names = sorted({name for decision in record.decisions if decision.counts for name in decision.labels})
    # The same words marked by two people are one span there.
    right = [mark for mark in record.marks if mark.verdict == "right" and mark.label is not None]
    spans = sorted({(*to_utf16(record.text, mark.start, mark.end), str(mark.label)) for mark in right})
    return {
        "id": record.id,
        "text": record.text,
        "label": names,
        "cats": names,
        "entities": [list(span) for span in spans],
        "written_on": record.written_on,
        "author": record.author,
        "source": record.source,
        "soft_label": record.soft_label,
        "predicted": record.predicted,
        "model_version": None if record.model_version is None else str(record.model_version),
        "file": record.origin.file,
        "row": record.row,
        "metadata": record.metadata,
    }
