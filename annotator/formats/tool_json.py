"""JSON of other labelling tools: what each object says about a text, and who decided what."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from annotator.errors import UserError
from annotator.formats import table, tools
from annotator.formats import table as tables
from annotator.formats.argilla import read as argilla
from annotator.formats.column_names import TEXT, named
from annotator.formats.doccano import read as doccano
from annotator.formats.json import read_array, read_document, read_lines
from annotator.formats.label_studio import read as label_studio
from annotator.formats.prodigy import read as prodigy
from annotator.formats.table import ASIDE, BEFORE, ColumnMap, Row, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from annotator.formats.source import Source
    from annotator.formats.table import Format, RowDecision


@dataclass(frozen=True, slots=True)
class ToolFormat:
    """How a tool writes its objects.

    Attributes:
        said: the column that shows people the decisions, and by which these are chosen or left out.
        fits: returns, given the first object, whether the file is from this tool.
        read: returns the values of an object and people's decisions; raises what Python raises for a broken one.
        accepts: returns whether an object may stand beside others of the tool, though it says less.
        text: the column of the text, where the tool has one name for it.
        key: of each object's id, which no other object may share.
    """

    format: Format
    said: str
    fits: Callable[[dict[str, Any]], bool]
    read: Callable[[dict[str, Any]], tuple[dict[str, Any], list[RowDecision]]]
    text: str | None = None
    key: str | None = None
    accepts: Callable[[dict[str, Any]], bool] | None = None

    def reads(self, objects: Sequence[dict[str, Any]]) -> bool:
        """Return whether objects are of the tool: the first one is, or all are, if it accepts some that say less."""
        if self.accepts is None:
            return self.fits(objects[0])
        return all(self.fits(each) or self.accepts(each) for each in objects)


_LEAST_TEXT = 15
"""Characters of a value that may be the text; a label or a date beside nested objects is shorter."""

_LOOKED_AT = 20
"""Objects by which a tool is recognised."""

TOOL_FORMATS = (
    ToolFormat("label_studio", "annotations", label_studio.is_task, label_studio.read_task, key="id"),
    ToolFormat("label_studio", "annotations", label_studio.is_small, label_studio.read_small),
    ToolFormat("argilla", "responses", argilla.is_record, argilla.read_record, key="id"),
    ToolFormat("prodigy", "answers", prodigy.is_example, prodigy.read_example, text="text"),
    ToolFormat("doccano", "labels", doccano.is_example, doccano.read_example, "text", "id", doccano.accepts),
)

_BROKEN = (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError)


def open_json(source: Source, encoding: str) -> Table:
    """Open a JSON list, a JSONL file, or a document that holds rows: of one of the tools, or with keys for columns.

    Raises:
        UserError: for a file that is none of these, or an object that doesn't fit the others, with its row.
    """
    in_array = read_array.is_array(source, encoding)
    if not in_array and (items := read_document.find_rows(source, encoding)) is not None:
        return _open_objects(source, encoding, lambda: enumerate(items, 1))
    read = read_array.objects if in_array else read_lines.objects
    if not in_array:
        shape = _shape_of(read(source, encoding))
        if shape is None:
            return read_lines.open_json_lines(source, encoding)
        return _open_shape(source, encoding, shape, lambda: read(source, encoding))
    return _open_objects(source, encoding, lambda: read(source, encoding))


def _shape_of(objects: Iterator[tuple[int, dict[str, Any]]]) -> ToolFormat | None:
    first = [item for _, item in islice(objects, _LOOKED_AT)]
    return next((shape for shape in TOOL_FORMATS if first and any(map(shape.fits, first)) and shape.reads(first)), None)


def _open_objects(source: Source, encoding: str, read: Callable[[], Iterator[tuple[int, dict[str, Any]]]]) -> Table:
    """Open objects: of one of the tools, or with keys for columns."""
    first = next((item for _, item in islice(read(), 1)), None)
    if first is None:
        raise UserError("import_no_rows", name=source.name)
    shape = _shape_of(read())
    if shape is not None:
        return _open_shape(source, encoding, shape, read)
    has_text = any(isinstance(value, str) and _is_text(key, value) for key, value in first.items())
    is_nested = not has_text and any(isinstance(value, dict) for value in first.values())
    columns = _columns(source, _plain_rows(source, read(), is_nested=is_nested))
    return Table("json", encoding, columns, lambda: _plain_rows(source, read(), is_nested=is_nested))


def _is_text(key: str, value: str) -> bool:
    return bool(named((key,), TEXT)) or len(value) >= _LEAST_TEXT


def _columns(source: Source, rows: Iterator[Row]) -> tuple[str, ...]:
    seen: dict[str, None] = {}
    for row in rows:
        seen.update(dict.fromkeys(row.values))
        table.check_count(seen, name=source.name)
    return tuple(seen)


def _plain_rows(source: Source, objects: Iterator[tuple[int, dict[str, Any]]], *, is_nested: bool) -> Iterator[Row]:
    for number, item in objects:
        values = read_document.flatten(item) if is_nested else item
        columns = read_lines.column_names(source, number, values)
        yield Row(number, dict(zip(columns, map(read_lines.as_text, values.values()), strict=True)))


def _open_shape(
    source: Source, encoding: str, shape: ToolFormat, read: Callable[[], Iterator[tuple[int, dict[str, Any]]]]
) -> Table:
    columns = _columns(source, _shaped_rows(source, shape, read()))
    column_map = ColumnMap(shape.text, label=shape.said)
    tool = _TOOLS[shape.format]
    if shape.format == "label_studio":
        tool = tools.label_studio(source.name, next((item.get("project") for _, item in islice(read(), 1)), None))
    return Table(
        shape.format,
        encoding,
        columns,
        lambda: _shaped_rows(source, shape, read()),
        said=shape.said,
        known=column_map,
        tool=tool,
    )


def _shaped_rows(source: Source, shape: ToolFormat, objects: Iterator[tuple[int, dict[str, Any]]]) -> Iterator[Row]:
    seen: dict[str, int] = {}
    for number, one in objects:
        key = None if shape.key is None else read_lines.as_text(one.get(shape.key))
        if key is not None and seen.setdefault(key, number) != number:
            short_id = table.shorten(key)
            raise UserError("import_id_repeats", name=source.name, id=short_id, row=number, first=seen[key])
        try:
            if not (shape.fits(one) or (shape.accepts is not None and shape.accepts(one))):
                raise ValueError
            values, decisions = shape.read(one)
            asides, before = values.pop(ASIDE, ()), values.pop(BEFORE, ())
            notes = (*(("aside", kind) for kind in asides), *(("said_before", what) for what in before))
        except _BROKEN as error:
            raise UserError("import_record_broken", name=source.name, row=number, tool=_TOOLS[shape.format]) from error
        columns = read_lines.column_names(source, number, values)
        texts = dict(zip(columns, map(read_lines.as_text, values.values()), strict=True))
        items = list(texts.items())
        items.insert(1, (shape.said, table.summarise(decisions)))  # beside the text, where people look
        diary_id = tables.whole_number(values.get("diary_id"))
        yield Row(number, dict(items), tuple(decisions), notes, diary_id)


_TOOLS: dict[Format, str] = {
    "label_studio": "Label Studio",
    "argilla": "Argilla",
    "prodigy": "Prodigy",
    "doccano": "doccano",
}
