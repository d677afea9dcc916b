"""Which diaries are shown without the model's answer."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from annotator.settings import Settings
    from db.texts.diaries import Diary


_DRAWS = 2**48


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
