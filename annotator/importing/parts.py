"""Which diaries are set apart to measure on: one rule for every way in, on one machine and on many.

A part is drawn for a group: for all diaries of a writer where the project is split by writers, otherwise for all texts
of the same letters. It depends on the group, the project's seed and one number that the project keeps, and on nothing
else, so that whoever knows these draws alike, in whichever file and order a diary comes.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate
from typing import TYPE_CHECKING

from db.forgetting.letters import letters_of
from db.texts.diaries import DRAW_RANGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from annotator.settings import Settings
    from db.texts.batches import NewDiary
    from db.texts.diaries import Part

FEWEST_WRITERS = 10
"""Writers below which a project is split by texts: too few of them could be set apart to stand for all new ones."""

FEWEST_APART = 3
"""Writers on each side of a split by writers."""

_NARROWEST, _WIDEST = 0.5, 1.75
"""How large the test part may become, as a multiple of the share that was asked for.

Source: 1,000 simulated projects each with writers of equal, Zipf's and log-normal lengths. Where a fifth is asked for,
a plain hash of ten writers sets none to 56 % apart (5th to 95th percentile). A cut within these bounds is there for ten
writers in 59 to 100 % of the projects, for twenty in 91 to 100 %, and sets 14 to 33 % apart.
"""

_LARGEST_WRITER = 0.5


def writer_of(author: str | None) -> str:
    """Return by what a writer is known, however the name is spaced and cased; empty for no name."""
    return " ".join(unicodedata.normalize("NFC", author or "").split()).casefold()


def draw_of_text(text: str, *, seed: bytes) -> int:
    """Return a number uniform in [0, DRAW_RANGE) that is the same for all texts of the same letters and digits.

    A text without any is taken as it stands.

    Args:
        seed: at most 64 bytes.
    """
    return _draw(letters_of(text) or text, seed=seed, of=b"text")


def draw_of_writer(writer: str, *, seed: bytes) -> int:
    """Return a number uniform in [0, DRAW_RANGE) that is the same for all diaries of a writer."""
    return _draw(writer, seed=seed, of=b"writer")


def _draw(group: str, *, seed: bytes, of: bytes) -> int:
    return int.from_bytes(blake2b(group.encode(), key=seed, person=of, digest_size=8).digest()) % DRAW_RANGE


@dataclass(frozen=True, slots=True)
class Split:
    """How a project sets diaries apart.

    Attributes:
        writer_cut: diaries of the writers whose draw is below it are tested on; 0 in a project split by texts.
    """

    seed: bytes
    test_share: float
    writer_cut: int = 0

    def part_of(self, author: str | None, draw: int) -> Part:
        """Return the part of a diary, by its writer or by what `draw_of_text` gives for its text."""
        writer = writer_of(author) if self.writer_cut else ""
        if writer:
            return "test" if draw_of_writer(writer, seed=self.seed) < self.writer_cut else "pool"
        return "test" if draw < self.test_share * DRAW_RANGE else "pool"

    def dealt(self, diary: NewDiary) -> NewDiary:
        """Return a diary in its part."""
        part = self.part_of(diary.author, diary.draw)
        return diary if part == diary.part else diary._replace(part=part)


def split_of(settings: Settings) -> Split:
    """Return how a project sets diaries apart."""
    return Split(bytes.fromhex(settings.seed), settings.test_share, settings.writer_cut)


def choose_cut(diary_counts: Mapping[str, int], *, seed: bytes, test_share: float) -> int:
    """Return the cut at which the nearest share of these writers' diaries is tested on; 0 if no cut is good enough.

    Among the cuts that set the same writers apart it is the one nearest to the share itself, since writers who come
    later are drawn by it, too.

    Args:
        diary_counts: number of diaries by what `writer_of` gives.
    """
    total = sum(diary_counts.values())
    if len(diary_counts) < FEWEST_WRITERS or max(diary_counts.values()) > _LARGEST_WRITER * total:
        return 0
    drawn = sorted((draw_of_writer(writer, seed=seed), count) for writer, count in diary_counts.items())
    shares = [count / total for count in accumulate(count for _, count in drawn)]
    possible = range(FEWEST_APART, len(drawn) - FEWEST_APART + 1)
    apart = min(possible, key=lambda count: abs(shares[count - 1] - test_share))
    if not _NARROWEST * test_share <= shares[apart - 1] <= _WIDEST * test_share:
        return 0
    return min(max(round(test_share * DRAW_RANGE), drawn[apart - 1][0] + 1), drawn[apart][0])
