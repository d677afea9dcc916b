"""The bundled encoder, loaded once a process: nearly all tests are about what it answers, not about how it is loaded.

How it is loaded, tests/learner/encoders shows.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from annotator.serving.encoder_cache import EncoderCache
from learner.encoders import bundled, emotion_editions, encoder

if TYPE_CHECKING:
    from annotator.serving.encoder_cache import EncoderSpec
    from db import Database
    from learner.encoders.encoder import Encoder

_load_anew = EncoderCache._load


@cache
def load(name: str) -> Encoder:
    """Return an encoder that nobody changes."""
    return encoder.load(name, cache=encoder.default_cache())


def load_or_share(self: EncoderCache, db: Database, choice: EncoderSpec) -> Encoder:
    """Return an encoder, in place of `EncoderCache._load`."""
    is_shipped = (
        choice.base in (bundled.NAME, *emotion_editions.FOLDERS) and choice.tuned is None and choice == choice.exact
    )
    if is_shipped and self._cache == encoder.default_cache():
        return load(choice.base)
    return _load_anew(self, db, choice)
