"""spaCy, loaded without torch, which its own library takes along wherever it is installed.

That is two of the three seconds that loading takes. Texts, categories and marks are read without a model.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def _hidden(name: str) -> Iterator[None]:
    """Have a package look as if it were not installed, unless it is loaded anyway."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]


with _hidden("torch"):
    from spacy.tokens import Doc as Doc
    from spacy.tokens import DocBin as DocBin
    from spacy.vocab import Vocab as Vocab
