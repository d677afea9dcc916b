"""spaCy's DocBin: soft labels as categories, marked words as spans, words of the dictionary as tags.

``doc.cats`` has the share of each label, ``doc.spans["sc"]`` (the key that spaCy trains spans on) everybody's evidence
with the person as the span's id, ``token.tag_`` the emotion that the word-emotion dictionary knows for a word in the
token. Tokens are separated by spaces; a mark within one covers it whole, and ``doc.user_data`` has it to the
character, beside everything else that is known about the diary.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from annotator.errors import UserError
from annotator.formats import record_rows
from learner.lexicon import lexicon
from learner.text.lemmas import find_words
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from annotator.formats.label_scheme import Scheme
    from annotator.formats.record import Record

SPANS = "sc"

_PIECE = re.compile(r"\S+|\s+")


def write_docbin(target: Path, records: Iterator[Record], scheme: Scheme) -> int:
    """Write a ``.spacy`` file and return how many documents it has. It lies in memory as a whole until then.

    Raises:
        UserError: if spaCy is not installed.
    """
    try:
        from annotator.formats.spacy_docbin.library import DocBin, Vocab
    except ImportError as error:
        raise UserError("spacy_missing") from error
    documents, vocab = DocBin(attrs=["ORTH", "TAG"], store_user_data=True), Vocab()
    for record in records:
        documents.add(make_doc(record, scheme, vocab))
    private_files.write_bytes(target, documents.to_bytes())
    return len(documents)


def make_doc(record: Record, scheme: Scheme, vocab: Any) -> Any:
    """Return a diary as a ``spacy.tokens.Doc``, whose text is the diary's to the character."""
    from annotator.formats.spacy_docbin.library import Doc

    words, spaces = tokenise(record.text)
    doc = Doc(vocab, words=words, spaces=spaces)
    for start, end, name in _tags(record.text, scheme.words):
        for token in doc.char_span(start, end, alignment_mode="expand") or ():
            token.tag_ = token.tag_ or name
    if record.soft_label is not None:
        doc.cats = {name: record.soft_label.get(name, 0.0) for name in scheme.names}
    marked = [
        doc.char_span(mark.start, mark.end, label=mark.label, span_id=mark.annotator, alignment_mode="expand")
        for mark in record.marks
        if mark.verdict == "right" and mark.label is not None
    ]
    doc.spans[SPANS] = [span for span in marked if span is not None]
    doc.user_data = _known(record)
    return doc


def tokenise(text: str) -> tuple[list[str], list[bool]]:
    """Split a text at white space; return the tokens, and whether a space follows each.

    White space other than one space is a token of its own, so that the tokens put together are the text.
    """
    words: list[str] = []
    spaces: list[bool] = []
    for piece in _PIECE.findall(text):
        if piece.isspace() and words and piece.startswith(" "):
            spaces[-1], piece = True, piece[1:]
        if piece:
            words.append(piece)
            spaces.append(False)
    return words, spaces


def _tags(text: str, entries: Mapping[str, str | None]) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and label of words that the dictionary has a label for."""
    if not any(entries.values()):
        return  # and the analyser, which takes seconds to load, is never asked
    names = sorted({name for name in entries.values() if name is not None})
    ids = {word: None if name is None else names.index(name) for word, name in entries.items()}
    for tag in lexicon.tag(find_words(text), ids):
        if tag.label is not None:
            yield tag.start, tag.end, names[tag.label]


def _known(record: Record) -> dict[str, Any]:
    return {
        "id": record.id,
        "written_on": record.written_on,
        "author": record.author,
        "source": record.source,
        "part": record.part,
        "decisions": record_rows.list_decisions(record),
        "rationales": record_rows.list_marks(record),
        "sentences": record.sentences,
        "intensity": record.intensity,
        "predicted": record.predicted,
        "proba": record.proba,
        "model_version": record.model_version,
        "file": record.origin.file,
        "file_hash": record.origin.file_hash,
        "imported_at": record.origin.imported_at,
        "row": record.row,
        "metadata": record.metadata,
    }
