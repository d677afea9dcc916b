"""Which rows of a file become diaries, and why the others don't."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

from annotator.errors import UserError
from annotator.formats import table
from annotator.formats.dates import read_date
from annotator.importing.parts import draw_of_text, writer_of
from db.answers.imported_decisions import NewMark, NewVote
from db.texts.batches import NewDiary, Skip

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from annotator.formats.table import ColumnMap, Mark, Row, RowDecision

MAX_CHARACTERS = 20_000
"""Longer texts are left out unless the importer asks otherwise: they are books, or a broken file."""

HASH_BYTES = 16

_INVISIBLE = frozenset(("Cc", "Cf", "Zs", "Zl", "Zp"))
_HANGUL_FILLERS = "\u115f\u1160\u3164\uffa0"
_TO_JSON = json.JSONEncoder(ensure_ascii=False).encode


def text_hash(text: str) -> bytes:
    """Return the digest by which equal texts are known: of the NFC form without surrounding white space.

    Raises:
        UnicodeEncodeError: for a lone surrogate.
    """
    return blake2b(unicodedata.normalize("NFC", text).strip().encode(), digest_size=HASH_BYTES).digest()


@dataclass(slots=True)
class RowFilter:
    """Turns rows into diaries, and records what is wrong with the others.

    Attributes:
        label_ids: id by label name, NFC; None for a name that is known and has no label here.
        seed: of the draws. All diaries come out as part of the pool: the whole file decides how it is split.
        excel_dates: also read Excel's day numbers.
        importer: who makes the decisions that the file gives no person for; people whom it names are called after it.
        said: the column that stands for what each person decided.
        name: of the file, for messages.
        unknown_labels: label values that are not in the set, with their number of rows.
        notes: rows that are kept, but not with everything: dates that couldn't be read.
        writers: number of rows by writer; see `annotator.importing.parts`.
    """

    columns: ColumnMap
    label_ids: Mapping[str, int | None]
    seed: bytes
    max_characters: int = MAX_CHARACTERS
    excel_dates: bool = False
    importer: str = ""
    said: str | None = None
    name: str = ""
    unknown_labels: Counter[str] = field(default_factory=Counter)
    notes: list[Skip] = field(default_factory=list)
    writers: Counter[str] = field(default_factory=Counter)
    _read_columns: frozenset[str] = field(init=False)
    _undated_columns: frozenset[str] = field(init=False)
    _texts: tuple[str, ...] = field(init=False)
    _reads_said: bool = field(init=False)

    def __post_init__(self) -> None:
        """Work out which columns are not metadata, if the date can be read and if it can't."""
        roles = self.columns.roles()
        self._read_columns = frozenset((*roles.values(), *self.columns.ignored, *self.columns.more_text))
        self._undated_columns = self._read_columns - {roles.get("date", "")}
        self._texts = tuple(filter(None, (self.columns.text, *self.columns.more_text)))
        self._reads_said = self.said is not None and self.columns.label == self.said

    def convert(self, row: Row) -> NewDiary | Skip:
        """Return the row's diary, or why there is none.

        Reasons: ``bad_character`` (a NUL, which other programs take for the end of a text, or bytes that are no
        character; detail: the column), ``empty``, ``too_long`` (detail: how many characters).
        """
        if (column := _unstorable(row.values)) is not None:
            return Skip(row.number, "bad_character", table.shorten(column))
        text = self._text(row)
        if _is_blank(text):
            return Skip(row.number, "empty")
        if len(text) > self.max_characters:
            return Skip(row.number, "too_long", str(len(text)))
        return self._diary(row, text)

    def _text(self, row: Row) -> str:
        if len(self._texts) == 1:
            return row.values.get(self._texts[0]) or ""
        values = [row.values.get(column) or "" for column in self._texts]
        return " ".join(value.strip() for value in values if not _is_blank(value))

    def _diary(self, row: Row, text: str) -> NewDiary:
        written_on, unread = self._date(row)
        author = self._value(row, self.columns.author)
        if writer := writer_of(author):
            self.writers[writer] += 1
        return NewDiary(
            row_number=row.number,
            text=text,
            text_hash=text_hash(text),
            written_on=written_on,
            author=author,
            metadata=self._metadata(row, unread),
            part="pool",
            draw=draw_of_text(text, seed=self.seed),
            **self._decided(row, text),
        )

    def _decided(self, row: Row, text: str) -> dict[str, Any]:
        """Return the label or the votes of a row, as fields of its diary."""
        if self._reads_said:
            votes = [self._vote(row, decision, text) for decision in row.said]
            return {"votes": tuple(vote for vote in votes if vote.kind is not None or vote.marks)}
        label_id = self._label(row)
        person = self._value(row, self.columns.annotator)
        if label_id is None or person is None:
            return {"label_id": label_id}
        return {"votes": (NewVote(self._annotator(person), "label", label_id),)}

    def _date(self, row: Row) -> tuple[str | None, bool]:
        """Return the date, and whether there is one that can't be read."""
        written = (row.values.get(self.columns.date or "") or "").strip()
        if not written:
            return None, False
        iso_date = read_date(written, excel=self.excel_dates)
        if iso_date is None:
            self.notes.append(Skip(row.number, "bad_date", table.shorten(written)))
        return iso_date, iso_date is None

    def _value(self, row: Row, column: str | None) -> str | None:
        return (row.values.get(column or "") or "").strip() or None

    def _label(self, row: Row) -> int | None:
        return self._label_id(row.values.get(self.columns.label or "") or "")

    def _label_id(self, written: str) -> int | None:
        name = unicodedata.normalize("NFC", written).strip()
        if not name:
            return None
        if name not in self.label_ids:
            self.unknown_labels[name] += 1
        return self.label_ids.get(name)

    def _annotator(self, person: str) -> str | None:
        """Return the name here of somebody whom the file names, which is never that of a person of the project."""
        name = unicodedata.normalize("NFC", table.printable(person)).strip()
        return f"{self.importer} · {table.shorten(name, 100)}" if name else None

    def _vote(self, row: Row, decision: RowDecision, text: str) -> NewVote:
        label_ids = [label_id for name in decision.labels if (label_id := self._label_id(name)) is not None]
        known_marks = [
            mark for mark in decision.marks if not mark.if_label or self.label_ids.get(mark.label) is not None
        ]
        marks = [(mark, self._label_id(mark.label)) for mark in known_marks]
        return NewVote(
            annotator=self._annotator(decision.person),
            # A crosswalk may lead nowhere: then nothing is left of the decision.
            kind=decision.kind if label_ids or decision.kind != "label" else None,
            label_id=label_ids[0] if label_ids else None,
            other_label_ids=tuple(dict.fromkeys(label_ids[1:])),
            memo=table.printable(decision.memo),
            intensity=decision.intensity,
            marks=tuple(self._mark(row, mark, label_id, text) for mark, label_id in marks if label_id is not None),
        )

    def _mark(self, row: Row, mark: Mark, label_id: int, text: str) -> NewMark:
        if not (0 <= mark.start < mark.end <= len(text) and text[mark.start : mark.end].strip()):
            details = {"start": mark.start, "end": mark.end, "length": len(text)}
            raise UserError("import_mark_outside", name=self.name, row=row.number, **details)
        return NewMark(label_id, mark.start, mark.end, mark.verdict)

    def _metadata(self, row: Row, unread_date: bool) -> str:
        """Return all other values as JSON; a date that can't be read is one of them, so that it isn't lost."""
        left_out = self._undated_columns if unread_date else self._read_columns
        values = {column: value for column, value in row.values.items() if value and column not in left_out}
        return _TO_JSON(values) if values else "{}"


def _unstorable(values: Mapping[str, str | None]) -> str | None:
    """Return the column with a NUL or a lone surrogate, if there is one."""
    if _is_storable("".join([*values, *filter(None, values.values())])):
        return None
    return next(column for column, value in values.items() if not _is_storable(column + (value or "")))


def _is_storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _is_blank(text: str) -> bool:
    """Return whether nothing is visible: only white space, zero-width characters, Hangul fillers."""
    # Nearly always the first character decides, and leaving a loop is faster than making a generator.
    for character in text:
        if unicodedata.category(character) not in _INVISIBLE and character not in _HANGUL_FILLERS:
            return False
    return True
