"""The word-emotion dictionary: people's decisions about words, tagging by them, and words similar to those in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from annotator import project
from annotator.dictionary.adjustment import entries_of
from annotator.errors import UserError
from annotator.privacy import forgotten_files
from db.connection import write
from db.label_sets import labels
from db.models import models, word_emotions
from db.models.word_emotions import NewWordEmotion
from db.texts import diaries
from learner.lexicon import lexicon, word_vectors
from learner.lexicon.word_vectors import FEWEST_DIARIES as FEWEST_DIARIES
from learner.lexicon.word_vectors import FEWEST_WORDS as FEWEST_WORDS
from learner.text.lemmas import MAX_FORM_CHARACTERS, find_words, form_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from db import Database
    from db.label_sets.labels import Label as Label
    from db.models.word_emotions import Job, Source, WordEmotion
    from learner.lexicon.word_vectors import Relation as Relation

MOST_CHARACTERS = 20_000
"""Of a text that is tagged while somebody waits."""

VectorKind = Literal["encoder", "own"]
KINDS: tuple[VectorKind, ...] = ("encoder", "own")


@dataclass(frozen=True, slots=True)
class Review:
    """Somebody's decision about a word, so that it can be taken back.

    Attributes:
        id: of its row in the dictionary.
        before: what stood before; None for nothing.
    """

    id: int
    word: str
    before: WordEmotion | None


def confirm(db: Database, word: str, label_id: int | None, *, annotator_id: int, source: Source = "evidence") -> Review:
    """Put a word into the dictionary, or correct it.

    Args:
        label_id: what it speaks for; None for a word without emotion.

    Raises:
        UserError: for a label that is not in the set, or a word that can't be one.
    """
    name_of = {label.id: label.name for label in labels.list_labels(db)}
    if label_id is not None and label_id not in name_of:
        raise UserError("label_unknown", found=str(label_id), known=", ".join(name_of.values()))
    return _say(db, NewWordEmotion(_checked(word), label_id, "confirmed", source, annotator_id))


def reject(db: Database, word: str, *, annotator_id: int, source: Source = "evidence") -> Review:
    """Keep a word out of the dictionary; it is not proposed any more."""
    return _say(db, NewWordEmotion(_checked(word), None, "rejected", source, annotator_id))


def add(db: Database, written: str, label_id: int | None, *, annotator_id: int) -> Review:
    """Put a word that a person wrote into the dictionary, in its dictionary form.

    Raises:
        UserError: if there is no word in it, it is too long, or the label is not in the set.
    """
    if len(written.strip()) > MAX_FORM_CHARACTERS:
        raise UserError("word_too_long", found=len(written.strip()), most=MAX_FORM_CHARACTERS)
    if (count := len(find_words(written))) > lexicon.LONGEST_PHRASE:
        raise UserError("word_phrase_too_long", found=count, most=lexicon.LONGEST_PHRASE)
    return confirm(db, form_of(written), label_id, annotator_id=annotator_id, source="hand")


def _checked(word: str) -> str:
    """Return a form that may be kept.

    Raises:
        UserError: if it is blank, or longer than the forms of the longest phrase.
    """
    if not word.strip():
        raise UserError("word_missing")
    if len(word) > (MAX_FORM_CHARACTERS + 1) * lexicon.LONGEST_PHRASE:
        raise UserError("word_too_long", found=len(word), most=MAX_FORM_CHARACTERS)
    return word


def _say(db: Database, new: NewWordEmotion) -> Review:
    with write(db):
        before = word_emotions.find(db, new.word)
        return Review(word_emotions.add(db, new), new.word, before)


def undo(db: Database, review: Review, *, annotator_id: int) -> bool:
    """Restore the entry from before; return False, and change nothing, if somebody has decided since."""
    with write(db):
        newest = word_emotions.find(db, review.word)
        if newest is None or newest.id != review.id:
            return False
        before = review.before
        back = NewWordEmotion(
            review.word,
            None if before is None else before.label_id,
            "none" if before is None else before.verdict,
            newest.source if before is None else before.source,
            annotator_id,
        )
        word_emotions.add(db, back)
        return True


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a tagged text: a word or phrase, or the characters between them.

    Attributes:
        word: its dictionary form; empty for what is no word.
        label: what the dictionary says; None for no emotion.
        is_known: whether the dictionary has it.
    """

    text: str
    word: str
    label: Label | None
    is_known: bool


def tag_text(db: Database, text: str) -> list[Token]:
    """Tag every word of a text; joined, the pieces give the text.

    Raises:
        UserError: for a text that is too long to be waited for.
    """
    if len(text) > MOST_CHARACTERS:
        raise UserError("text_too_long_to_tag", found=len(text), most=MOST_CHARACTERS)
    by_id = {label.id: label for label in labels.list_labels(db)}
    tokens: list[Token] = []
    at = 0
    for tag in lexicon.tag(find_words(text), entries_of(db)):
        if tag.start > at:
            tokens.append(Token(text[at : tag.start], "", None, False))
        tokens.append(Token(text[tag.start : tag.end], tag.form, by_id.get(tag.label or 0), tag.is_known))
        at = tag.end
    return tokens if at == len(text) else [*tokens, Token(text[at:], "", None, False)]


def vectors_file(path: Path, kind: VectorKind) -> Path:
    """Return where the vectors of words are kept; the file may be deleted, and can be made again."""
    return project.vectors_folder(path) / forgotten_files.WORDS / f"{kind}.npz"


@dataclass(frozen=True, slots=True)
class Proposals:
    """Words near those of the dictionary, by one kind of vectors.

    Attributes:
        relations: the nearest first; None while there are no vectors.
        diary_count: diaries that the vectors were made from.
        is_older: whether they are of another encoder than the serving model's.
        is_too_small: whether the diaries hold too little text to learn from; see `FEWEST_DIARIES`, `FEWEST_WORDS`.
        word_count: words in the diaries; None while they have not been counted.
    """

    relations: Sequence[Relation] | None
    diary_count: int
    is_older: bool
    is_too_small: bool = False
    word_count: int | None = None


def propose(db: Database, path: Path, kind: VectorKind, *, limit: int = 10) -> Proposals:
    """Return words similar to confirmed ones that nobody has decided about yet."""
    loaded = word_vectors.load(vectors_file(path, kind))
    if kind == "own" and (too_small := _too_small(db, path, is_made=loaded is not None)):
        return too_small
    if loaded is None:
        return Proposals(None, 0, False)
    words, about = loaded
    label_ids = {label.id for label in labels.list_labels(db)}
    standing = word_emotions.list_standing(db)
    entries = {e.word: e.label_id for e in standing if e.verdict == "confirmed" and e.label_id in label_ids}
    relations = word_vectors.related(
        words,
        {word: label_id for word, label_id in entries.items() if label_id is not None},
        leave_out={entry.word for entry in standing},
        limit=limit,
    )
    active = models.find_active(db)
    is_older = active is not None and about.get("encoder_hash") != active.encoder_hash
    return Proposals(relations, int(about.get("diaries", 0)), is_older and kind == "encoder")


def _too_small(db: Database, path: Path, *, is_made: bool) -> Proposals | None:
    """Return the proposals to show if the diaries hold too little text for their own vectors; None otherwise."""
    if (count := diaries.count_diaries(db)) < FEWEST_DIARIES:
        return Proposals(None, count, False, is_too_small=True)
    counted = None if is_made else word_vectors.load(vectors_file(path, "encoder"))
    if counted is None or counted[1].get("words", FEWEST_WORDS) >= FEWEST_WORDS:
        return None
    return Proposals(None, int(counted[1]["diaries"]), False, is_too_small=True, word_count=int(counted[1]["words"]))


def ask(db: Database, job: Job) -> None:
    """Ask the worker to remake the word vectors, to measure the effect of the dictionary, or to collect evidence.

    For evidence more pool diaries are explained, drawn uniformly; they stay so from then on, whichever model serves.
    """
    word_emotions.ask(db, job)


def is_waiting(db: Database, job: Job) -> bool:
    """Return whether the worker still has to do a requested job."""
    return word_emotions.is_asked(db, job)
