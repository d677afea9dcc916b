"""spaCy's DocBin: categories as labels, entities and spans as marked words, tags of tokens that are labels as well.

Categories are read as one person's answer: those of at least one half are its labels, the likeliest first.

Source: spaCy documentation, "DocBin" and "Doc".
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from annotator.errors import UserError
from annotator.formats import own_export, table
from annotator.formats.json.read_lines import as_text
from annotator.formats.table import ColumnMap, Mark, Row, RowDecision, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from annotator.formats.source import Source

MAX_UNPACKED_BYTES = 500_000_000
"""What the file may hold once it is unpacked: spaCy reads it as a whole."""

SAID = "annotations"

_MIN_SCORE = 0.5


def open_docbin(source: Source) -> Table:
    """Read a ``.spacy`` file, which lies in memory as a whole.

    Raises:
        UserError: if spaCy is not installed, or the file is damaged or too large.
    """
    rows = list(_rows(source))
    if not rows:
        raise UserError("import_no_rows", name=source.name)
    columns = tuple(dict.fromkeys(column for row in rows for column in row.values))
    label, date, author = (role if role in columns else None for role in (SAID, "written_on", "author"))
    column_map = ColumnMap("text", label, date, author)
    return Table("spacy", None, columns, lambda: iter(rows), said=SAID, known=column_map)


def _rows(source: Source) -> Iterator[Row]:
    try:
        from annotator.formats.spacy_docbin.library import DocBin, Vocab
    except ImportError as error:
        raise UserError("import_spacy_missing", name=source.name) from error
    content = b"".join(source.chunks())
    _check_size(source, content)
    try:
        for number, doc in enumerate(DocBin().from_bytes(content).get_docs(Vocab()), 1):
            yield _row(number, doc)
    except Exception as error:  # spaCy raises whatever its parts raise: of msgpack, of numpy, of its own
        if isinstance(error, UserError):
            raise
        raise UserError("import_file_damaged", name=source.name) from error


def _check_size(source: Source, content: bytes) -> None:
    """Refuse a file that unpacks to more than the limit, without unpacking more than that."""
    unpacker = zlib.decompressobj()
    packed, unpacked = content, 0
    try:
        while packed and not unpacker.eof:
            unpacked += len(unpacker.decompress(packed, 1 << 20))
            packed = unpacker.unconsumed_tail
            if unpacked > MAX_UNPACKED_BYTES:
                limit = MAX_UNPACKED_BYTES // 1_000_000
                raise UserError("import_docbin_too_large", name=source.name, limit=limit)
    except zlib.error as error:
        raise UserError("import_file_damaged", name=source.name) from error


def _row(number: int, doc: Any) -> Row:
    extra = {key: value for key, value in doc.user_data.items() if isinstance(key, str)}
    if {"decisions", "rationales", "metadata"} <= extra.keys():  # one of ours
        decisions = own_export.read_said(extra["decisions"], extra["rationales"])
        metadata = {**extra["metadata"], **{key: extra.get(key) for key in ("written_on", "author", "source")}}
    else:
        decisions, metadata = _read_said(doc), extra
    values = {"text": doc.text}
    for key, value in metadata.items():
        if (written := as_text(value)) is not None:
            values.setdefault(table.plain_column(key), written)
    summary = table.summarise(decisions)
    diary_id = table.whole_number(extra.get("id"))
    return Row(number, {**values, SAID: summary} if summary else values, decisions, diary_id=diary_id)


def _read_said(doc: Any) -> tuple[RowDecision, ...]:
    likely = sorted((-score, name) for name, score in doc.cats.items() if score >= _MIN_SCORE)
    labels = tuple(name for _, name in likely)
    spans = [*doc.ents, *(span for group in doc.spans.values() for span in group)]
    marks = [Mark(span.start_char, span.end_char, span.label_) for span in spans if span.label_]
    if not spans:
        # Tags are parts of speech as often as not: those that are no label say nothing here.
        tagged = [token for token in doc if token.tag_ and not token.is_space]
        marks = [Mark(t.idx, t.idx + len(t), t.tag_, if_label=True) for t in tagged]
    if not labels and not marks:
        return ()
    return (RowDecision("", "label" if labels else None, labels, marks=tuple(dict.fromkeys(marks))),)
