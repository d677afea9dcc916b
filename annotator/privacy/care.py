"""Care: diaries that mention self-harm go to the lead, and whoever reads one is shown help lines.

A list of phrases finds them. It misses some and is no diagnosis: `docs/care.md` says how many it catches.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from annotator import settings as project_settings
from annotator.accounts import diary_access
from annotator.errors import UserError
from annotator.privacy.masking import mask
from db import settings as stored
from db.connection import write
from db.people import audit_log
from db.texts import care_flags, diaries

if TYPE_CHECKING:
    from annotator.accounts.permissions import Person
    from db import Database
    from db.texts.care_flags import Filter as Filter
    from db.texts.care_flags import Flag

_KEY = "care_phrases"
_MOST_CHARACTERS = 100_000
_WITHOUT_HANGUL_BEFORE = "(?<![가-힣])"


@dataclass(frozen=True, slots=True)
class PhraseList:
    """Phrases to search diaries for.

    Attributes:
        hash: of the text; a list with another hash means a new search.
        count: how many phrases there are.
        harmless: expressions that are ignored although they contain a phrase; None for none.
    """

    hash: str
    count: int
    phrases: re.Pattern[str]
    harmless: re.Pattern[str] | None

    def is_in(self, text: str) -> bool:
        """Return whether a text contains one of the phrases, whatever its spacing."""
        plain = "".join(c for c in unicodedata.normalize("NFC", text) if unicodedata.category(c) != "Cf")
        spans = [match.span() for match in self.phrases.finditer(plain)]
        if not spans or self.harmless is None:
            return bool(spans)
        passed = [match.span() for match in self.harmless.finditer(plain)]
        return any(all(end <= start_ or end_ <= start for start_, end_ in passed) for start, end in spans)


@lru_cache(maxsize=8)
def read_list(text: str) -> PhraseList:
    """Return a list of phrases from its text: one a line, ``#`` for notes, ``!`` for harmless expressions.

    Raises:
        UserError: for a list without a phrase, or one that is too long.
    """
    lines = [unicodedata.normalize("NFC", line).strip() for line in text.splitlines()]
    phrases = [line for line in lines if line and line[0] not in "#!"]
    harmless = [line[1:].strip() for line in lines if line.startswith("!") and line[1:].strip()]
    if not any(line.strip("^ ") for line in phrases):
        raise UserError("care_list_empty")
    if len(text) > _MOST_CHARACTERS:
        raise UserError("care_list_too_long", found=len(text), most=_MOST_CHARACTERS)
    digest = hashlib.blake2b("\n".join([*phrases, "!", *harmless]).encode(), digest_size=8).hexdigest()
    return PhraseList(digest, len(phrases), _pattern(phrases), _pattern(harmless) if harmless else None)


def _pattern(phrases: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(_phrase_pattern(phrase) for phrase in phrases if phrase.strip("^ ")))


def _phrase_pattern(phrase: str) -> str:
    spaced = r"\s*".join(map(re.escape, "".join(phrase.removeprefix("^").split())))
    return (_WITHOUT_HANGUL_BEFORE if phrase.startswith("^") else "") + spaced


@lru_cache(maxsize=1)
def shipped_text() -> str:
    """Return the text of the list that comes with the app."""
    return files(__package__).joinpath("care_phrases.txt").read_text("utf-8")


def list_text(db: Database) -> str:
    """Return the text of the list in force: the team's own, or the one that comes with the app."""
    return str(stored.load(db).get(_KEY) or shipped_text())


def load_list(db: Database) -> PhraseList:
    """Return the list in force: the shipped one where the team's own has no phrase left."""
    try:
        return read_list(list_text(db))
    except UserError:  # the lines that quoted a forgotten diary were all that it had
        return read_list(shipped_text())


def use_list(db: Database, text: str | None, *, annotator_id: int | None) -> None:
    """Put a team's own list in force, or with None the shipped one; the worker then searches all diaries again.

    Raises:
        UserError: for a list that can't be used; the one in force stays.
    """
    phrase_list = read_list(text or shipped_text())
    with write(db):
        stored.store(db, **{_KEY: text or ""})
        audit_log.add(db, annotator_id, "care.list", hash=phrase_list.hash)


def needs_care(db: Database, diary_id: int, text: str, phrases: PhraseList | None = None) -> bool:
    """Return whether help lines belong beside a diary, whether or not the worker has searched it yet.

    Args:
        phrases: the list in force, for those who ask about many diaries.
    """
    return care_flags.find_flag(db, diary_id) is not None or (phrases or load_list(db)).is_in(text)


@dataclass(frozen=True, slots=True)
class FlaggedDiary:
    """A flagged diary as the lead sees it, with private parts masked."""

    flag: Flag
    text: str
    written_on: str | None


def list_cards(db: Database, *, person: Person, which: Filter, limit: int, after: int = 0) -> list[FlaggedDiary]:
    """Return flagged diaries in the order of their ids, from the one after `after` on.

    Raises:
        UserError: ``right_missing`` for whoever may not review.
    """
    diary_access.require_right(db, diary_access.actor_of(person), "review")
    settings = project_settings.load(db)
    flags = care_flags.list_flags(db, which=which, limit=limit, after=after)
    diary_of = {diary.id: diary for diary in diaries.list_diaries(db, [flag.diary_id for flag in flags])}
    return [
        FlaggedDiary(flag, mask(diary_of[flag.diary_id].text, settings), diary_of[flag.diary_id].written_on)
        for flag in flags
        if flag.diary_id in diary_of
    ]


def count(db: Database) -> tuple[int, int]:
    """Return how many flagged diaries are open, and how many have been handled."""
    return care_flags.count_flags(db)


def handle(db: Database, diary_id: int, note: str, *, person: Person) -> None:
    """Record that a lead has handled a diary; a later note replaces the earlier one.

    Raises:
        UserError: for an annotator.
        NotFoundError: for a diary that is not flagged.
    """
    with write(db):
        if not diary_access.has_right(db, diary_access.actor_of(person), "review"):
            raise UserError("care_forbidden", id=diary_id)
        care_flags.handle(db, diary_id, annotator_id=person.annotator_id, note=note.strip()[:2000])
        audit_log.add(db, person.annotator_id, "care.handle", f"diary:{diary_id}")


def flag(db: Database, diary_id: int, *, person: Person) -> None:
    """Withhold a diary until a lead has looked after it, though no phrase of the list stands in it.

    Raises:
        UserError: for an annotator.
        NotFoundError: for a diary that is not there.
    """
    with write(db):
        diary_access.require(db, diary_access.actor_of(person), "review", diary_id)
        care_flags.add(db, diary_id)
        audit_log.add(db, person.annotator_id, "care.flag", f"diary:{diary_id}")
