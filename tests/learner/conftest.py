"""The bundled encoder, loaded once for all tests of the learner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from learner.encoders import encoder as encoders

if TYPE_CHECKING:
    from learner.encoders.encoder import Encoder


@pytest.fixture(scope="session")
def bundled() -> Encoder:
    """The bundled encoder out of the user's cache."""
    return encoders.load("bundled", cache=encoders.default_cache())
