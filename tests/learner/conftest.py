"""The bundled encoder, loaded once for all tests of the learner."""

from __future__ import annotations

import pytest

from learner import encoder as encoders
from learner.encoder import Encoder


@pytest.fixture(scope="session")
def bundled() -> Encoder:
    """The bundled encoder out of the user's cache."""
    return encoders.load("bundled", cache=encoders.default_cache())
