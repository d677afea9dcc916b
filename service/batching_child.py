"""The process that holds the encoder: it answers one question at a time, and ends with the one that started it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from typing import TYPE_CHECKING

from maeumgyeol import private_files

if TYPE_CHECKING:
    from pathlib import Path

    from annotator.serving.answers import Classified
    from annotator.serving.predictor import Answering

_answering: Answering | None = None


def begin(database: Path) -> None:
    """Get ready, once in the life of the process."""
    global _answering
    private_files.keep_process()
    # Ctrl-C in a terminal reaches every process of it: the parent decides when this one ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    # Imported here, so that the process that serves requests never loads it.
    from annotator.serving.predictor import Answering

    _answering = Answering(database)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def classify(texts: list[str]) -> Classified:
    """Return what the serving model says of texts."""
    assert _answering is not None
    return _answering.classify(texts)


def explain(diary_id: int) -> None:
    """Compute and keep the explanation of a diary."""
    assert _answering is not None
    _answering.explain(diary_id)
