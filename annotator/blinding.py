"""Which diaries are shown without the model's answer."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from annotator import settings as project_settings
from db.answers import group_checks
from db.search import facets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from annotator.settings import Settings
    from db import Database
    from db.texts.diaries import Diary


_DRAWS = 2**48
_BLOCK = 4096


def is_blind(diary: Diary, settings: Settings) -> bool:
    """Return whether a diary is blind: shown without prediction and explanation, always and to everybody."""
    if diary.part == "test":
        return settings.blind_test
    return blind_draw(settings.seed, diary.id) < settings.blind_share


def blind_draw(seed: str, diary_id: int) -> float:
    """Return a diary's fixed number in [0, 1) within a project; below the blind share the diary is blind.

    Nothing else matters, neither queue nor model nor time: a reload or an undo can't unveil a diary, the two sides
    differ by chance alone, and a larger share keeps those hidden that a smaller one hid.
    """
    digest = hashlib.blake2b(f"blind/{seed}/{diary_id}".encode(), digest_size=6).digest()
    return float(int.from_bytes(digest, "big") / _DRAWS)


def still_blind(db: Database, size: int) -> NDArray[np.bool_]:
    """Return the diaries that nobody has decided and that are decided blind, (size,): what a model says stays hidden.

    Entry i belongs to diary i + 1.
    """
    settings = project_settings.load(db)
    is_test = facets.in_test_part(db, size)
    hidden = is_test & settings.blind_test
    if settings.blind_share:
        hidden |= ~is_test & (blind_draws(settings.seed, size) < settings.blind_share)
    held = np.array(group_checks.list_held_ids(db), np.int64)
    hidden[held[held <= size] - 1] = True
    return hidden & facets.in_state(db, size, "waiting")


def blind_draws(seed: str, size: int) -> NDArray[np.float64]:
    """Return the fixed numbers of the first diaries, (size,): entry i belongs to diary i + 1."""
    blocks = [_draws_of_block(seed, block) for block in range(-(-size // _BLOCK))]
    return np.concatenate([np.zeros(0), *blocks])[:size]


@lru_cache(maxsize=512)
def _draws_of_block(seed: str, block: int) -> NDArray[np.float64]:
    """Return the numbers of a block of diaries; a million would take a second for each search otherwise."""
    first = block * _BLOCK + 1
    return np.array([blind_draw(seed, diary_id) for diary_id in range(first, first + _BLOCK)])
