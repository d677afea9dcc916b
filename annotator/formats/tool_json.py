"""JSON of other labelling tools: what each object says about a text, and who decided what."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from annotator.errors import UserError
from annotator.formats import table
from annotator.formats.argilla import read as argilla
from annotator.formats.doccano import read as doccano
from annotator.formats.json import read_array, read_lines
from annotator.formats.label_studio import read as label_studio
from annotator.formats.prodigy import read as prodigy
from annotator.formats.table import ColumnMap, Row, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from annotator.formats.source import Source
    from annotator.formats.table import Format, RowDecision


@dataclass(frozen=True, slots=True)
class ToolFormat:
    """How a tool writes its objects.

    Attributes:
        said: the column that shows people the decisions, and by which these are chosen or left out.
        fits: returns, given the first object, whether the file is from this tool.
        read: returns the values of an object and people's decisions; raises what Python raises for a broken one.
        text: the column of the text, where the tool has one name for it.
        key: of each object's id, which no other object may share.
    """

    format: Format
    said: str
    fits: Callable[[dict[str, Any]], bool]
    read: Callable[[dict[str, Any]], tuple[dict[str, Any], list[RowDecision]]]
    text: str | None = None
    key: str | None = None


TOOL_FORMATS = (
    ToolFormat("label_studio", "annotations", label_studio.is_task, label_studio.read_task, key="id"),
    ToolFormat("label_studio", "annotations", label_studio.is_small, label_studio.read_small),
    ToolFormat("argilla", "responses", argilla.is_record, argilla.read_record, key="id"),
    ToolFormat("prodigy", "answers", prodigy.is_example, prodigy.read_example, text="text"),
    ToolFormat("doccano", "labels", doccano.is_example, doccano.read_example, text="text", key="id"),
)

_BROKEN = (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError)


def open_json(source: Source, encoding: str) -> Table:
    """Open a JSON list or a JSONL file: of one of the tools, or objects whose keys are columns.

    Raises:
        UserError: for a file that is neither, or an object that doesn't fit the others, with its row.
    """
    in_array = read_array.is_array(source, encoding)
    read = read_array.objects if in_array else read_lines.objects
    first = next((item for _, item in islice(read(source, encoding), 1)), None)
    if first is None:
        raise UserError("import_no_rows", name=source.name)
    shape = next((shape for shape in TOOL_FORMATS if shape.fits(first)), None)
    if shape is not None:
        return _open_shape(source, encoding, shape, lambda: read(source, encoding))
    if not in_array:
        return read_lines.open_json_lines(source, encoding)
    columns = _columns(source, _plain_rows(source, encoding))
    return Table("json", encoding, columns, lambda: _plain_rows(source, encoding))


def _columns(source: Source, rows: Iterator[Row]) -> tuple[str, ...]:
    seen: dict[str, None] = {}
    for row in rows:
        seen.update(dict.fromkeys(row.values))
        table.check_count(seen, name=source.name)
    return tuple(seen)


def _plain_rows(source: Source, encoding: str) -> Iterator[Row]:
    for number, item in read_array.objects(source, encoding):
        columns = read_lines.column_names(source, number, item)
        yield Row(number, dict(zip(columns, map(read_lines.as_text, item.values()), strict=True)))


def _open_shape(
    source: Source, encoding: str, shape: ToolFormat, read: Callable[[], Iterator[tuple[int, dict[str, Any]]]]
) -> Table:
    columns = _columns(source, _shaped_rows(source, shape, read()))
    column_map = ColumnMap(shape.text, label=shape.said)
    return Table(
        shape.format,
        encoding,
        columns,
        lambda: _shaped_rows(source, shape, read()),
        said=shape.said,
        known=column_map,
    )


def _shaped_rows(source: Source, shape: ToolFormat, objects: Iterator[tuple[int, dict[str, Any]]]) -> Iterator[Row]:
    seen: dict[str, int] = {}
    for number, one in objects:
        key = None if shape.key is None else read_lines.as_text(one.get(shape.key))
        if key is not None and seen.setdefault(key, number) != number:
            short_id = table.shorten(key)
            raise UserError("import_id_repeats", name=source.name, id=short_id, row=number, first=seen[key])
        try:
            if not shape.fits(one):
                raise ValueError
            values, decisions = shape.read(one)
        except _BROKEN as error:
            raise UserError("import_record_broken", name=source.name, row=number, tool=_TOOLS[shape.format]) from error
        columns = read_lines.column_names(source, number, values)
        texts = dict(zip(columns, map(read_lines.as_text, values.values()), strict=True))
        items = list(texts.items())
        items.insert(1, (shape.said, table.summarise(decisions)))  # beside the text, where people look
        yield Row(number, dict(items), tuple(decisions))


_TOOLS: dict[Format, str] = {
    "label_studio": "Label Studio",
    "argilla": "Argilla",
    "prodigy": "Prodigy",
    "doccano": "doccano",
}
