"""Our own exports, read back: each person's decision with its memo and intensity, and the words that they marked.

Recognised in every tabular format by the columns ``text``, ``decisions``, ``rationales`` and ``metadata``. What an
export derives from them (soft labels, predictions, sentences), and numbers that refer to another project, are left
behind. The columns ``label``, ``decided_by`` and ``memo`` show the newest decision: where somebody has changed them, in
a spreadsheet, that is a decision of the person who is named there.

Source: `annotator.formats.record_rows`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from annotator.errors import UserError
from annotator.formats import table as tables
from annotator.formats import wide
from annotator.formats.json.read_lines import as_text
from annotator.formats.label_text import plain_label
from annotator.formats.own_columns import LABEL, PERSON, is_wide
from annotator.formats.spreadsheet_cells import plain_cell
from annotator.formats.table import ColumnMap, Mark, Row, RowDecision, Table
from annotator.formats.whole_numbers import whole

if TYPE_CHECKING:
    from collections.abc import Iterator

SAID = "decisions"

KINDS = ("label", "skip", "flag")

_DERIVED = frozenset(
    (
        *("id", "part", "label", "decided_by", "decided_at", "memo", "soft_label", "intensity", "predicted"),
        *("model_version", "rationales", "sentences", "file", "file_hash", "imported_at", "row", "metadata"),
    )
)
_BROKEN = (KeyError, TypeError, ValueError, AttributeError, RecursionError)


def restore(table: Table, *, name: str) -> Table:
    """Return one of our own tables with people's decisions in its rows.

    Args:
        table: one whose columns `annotator.formats.own_columns.is_ours` knows.

    Raises:
        UserError: where a row is not as we write it, with its number, at once or while rows are read.
    """
    if is_wide(table.columns):
        return _restore_wide(table)
    seen: dict[str, None] = {}
    for row in _rows(table, name):
        seen.update(dict.fromkeys(row.values))
        tables.check_count(seen, name=name)
    date, author = (role if role in seen else None for role in ("written_on", "author"))
    column_map = ColumnMap("text", SAID, date, author)
    return replace(
        table, format="maeumgyeol", columns=tuple(seen), rows=lambda: _rows(table, name), said=SAID, known=column_map
    )


def _restore_wide(table: Table) -> Table:
    kept = [c for c in table.columns if c != "id" and not c.startswith((PERSON, LABEL))]
    derived = ("decided_by", "label", "intensity") if any(c.startswith(LABEL) for c in table.columns) else ()
    columns = tuple(column for column in kept if column not in derived)
    date, author = ("written_on" if "written_on" in columns else None, "author" if "author" in columns else None)
    column_map = ColumnMap("text", SAID, date, author)
    return replace(
        table,
        format="maeumgyeol",
        columns=(*columns, SAID),
        rows=lambda: _wide_rows(table, columns),
        said=SAID,
        known=column_map,
        first_line=(),
    )


def _wide_rows(table: Table, columns: tuple[str, ...]) -> Iterator[Row]:
    escaped = table.format in ("csv", "tsv")
    for row in table.rows():
        values = {key: value and plain_cell(value) for key, value in row.values.items()} if escaped else row.values
        decisions = wide.read_decisions(values)
        cells = {column: values.get(column) for column in columns}
        diary_id = tables.whole_number(values.get("id"))
        yield Row(row.number, {**cells, SAID: tables.summarise(decisions)}, decisions, row.notes, diary_id)


def read_said(decisions: list[dict[str, Any]], rationales: list[dict[str, Any]]) -> tuple[RowDecision, ...]:
    """Return each person's decision and marks in one exported diary, oldest decision first."""
    marks: dict[str, list[Mark]] = {}
    if {one["verdict"] for one in rationales} - {"right", "wrong"} or {d["kind"] for d in decisions} - set(KINDS):
        raise ValueError("verdict or kind")
    for one in rationales:
        if one["label"] is not None:
            mark = Mark(whole(one["start"]), whole(one["end"]), str(one["label"]), one["verdict"])
            marks.setdefault(str(one["annotator"]), []).append(mark)
    row_decisions = []
    for one in sorted(decisions, key=lambda d: str(d["decided_at"])):
        person = str(one["annotator"])
        named = [one["label"], *(one.get("other_labels") or [])]
        row_decisions.append(
            RowDecision(
                person,
                one["kind"],
                tuple(str(label) for label in named if label is not None),
                str(one.get("memo") or ""),
                None if one.get("intensity") is None else whole(one["intensity"]),
                tuple(marks.pop(person, ())),
                str(one.get("decided_at") or ""),
                is_ours=True,
                group=str(one.get("group") or ""),
            )
        )
    only_marked = (
        RowDecision(person, None, marks=tuple(remaining), is_ours=True) for person, remaining in marks.items()
    )
    return (*row_decisions, *only_marked)


def apply_edits(
    decisions: tuple[RowDecision, ...], shown: dict[str, Any] | None, cells: dict[str, str | None]
) -> tuple[RowDecision, ...]:
    """Return the decisions with what somebody has changed in the cells that show the newest one.

    Args:
        shown: the newest decision that counts, as the export has it; None where there was none.
        cells: of the row.
    """
    label, person, memo = (plain_label(cells.get(name) or "") for name in ("label", "decided_by", "memo"))
    before = shown or {}
    was_label, was_person, was_memo = (
        plain_label(str(before.get(key) or "")) for key in ("label", "annotator", "memo")
    )
    if not label or (label, person, memo) == (was_label, was_person, was_memo):
        return decisions
    is_same_person = bool(was_person) and person in ("", was_person)
    name = was_person if is_same_person else person
    others = tuple(map(str, before.get("other_labels") or ())) if label == was_label else ()
    intensity = before.get("intensity") if is_same_person and label == was_label else None
    written = cells.get("memo") or "" if memo != was_memo or is_same_person else ""
    edited = RowDecision(name, "label", (label, *others), written, intensity, is_ours=bool(name))
    kept = tuple(one for one in decisions if plain_label(one.person) != name)
    marks = tuple(mark for one in decisions if plain_label(one.person) == name for mark in one.marks)
    return (*kept, edited._replace(marks=marks))


def newest(decisions: list[dict[str, Any]], cells: dict[str, str | None]) -> dict[str, Any] | None:
    """Return the decision that the row's own columns show: by time and person, else by time, else the newest."""
    counting = [one for one in decisions if one.get("counts")]
    then = [one for one in counting if one["decided_at"] == cells.get("decided_at")]
    theirs = [one for one in then if plain_label(str(one["annotator"])) == plain_label(cells.get("decided_by") or "")]
    return max(theirs or then or counting, key=lambda one: str(one["decided_at"]), default=None)


def _is_cleared(shown: dict[str, Any] | None, cells: dict[str, str | None]) -> bool:
    return bool(shown and shown.get("label")) and not plain_label(cells.get("label") or "")


def _cleared(decisions: tuple[RowDecision, ...], shown: dict[str, Any] | None) -> tuple[RowDecision, ...]:
    """Return the decisions, the one that the row shows as cleared."""
    person = plain_label(str((shown or {}).get("annotator") or ""))
    return tuple(one._replace(is_cleared=plain_label(one.person) == person) for one in decisions)


def _rows(table: Table, name: str) -> Iterator[Row]:
    escaped = table.format in ("csv", "tsv")
    for row in table.rows():
        values = {key: value and plain_cell(value) for key, value in row.values.items()} if escaped else row.values
        try:
            said = json.loads(values["decisions"] or "[]")
            shown = newest(said, values)
            decisions = apply_edits(read_said(said, json.loads(values["rationales"] or "[]")), shown, values)
            metadata = json.loads(values["metadata"] or "{}").items()
        except _BROKEN as error:
            raise UserError("import_record_broken", name=name, row=row.number, tool="Maeumgyeol") from error
        cells = {key: value for key, value in values.items() if key not in _DERIVED and not key.startswith("proba_")}
        cells |= {tables.plain_column(key): as_text(value) for key, value in metadata if key not in cells}
        if _is_cleared(shown, values):
            decisions = _cleared(decisions, shown)
        diary_id = tables.whole_number(values.get("id"))
        yield Row(row.number, {**cells, SAID: tables.summarise(decisions)}, decisions, row.notes, diary_id)
