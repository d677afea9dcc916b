"""Fork real workers and kill them, without warning, at a step of a round or after some seconds, or stop them there.

Started by test_round_survival.py. Each line of the input asks for one worker, as JSON: ``path``, and ``step`` with
``moment`` or ``seconds``, or neither for a worker that is left alone. Each line of the output is its exit status.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

# Loaded once, before the first fork, like the encoder below.
import scipy.stats  # noqa: F401

from annotator.label_sets.definitions import DEFAULT_LABELS
from annotator.serving import zero_label
from annotator.serving.encoder_cache import EncoderCache
from annotator.settings import ENCODER
from annotator.worker import loop
from annotator.worker.loop import Worker
from annotator.worker.round import steps as round_job

sys.path.insert(0, str(Path(__file__).parents[3]))
import shared_encoder

if TYPE_CHECKING:
    from annotator.serving.runtime import ModelRuntime
    from annotator.worker.round.inputs import Result
    from db import Database


def _work(path: Path, step: str = "", moment: str = "", seconds: float | None = None) -> None:
    if step:
        real = round_job.STEPS[step]

        def killed(runtime: ModelRuntime, db: Database, round_id: int) -> Result:
            if moment == "after":
                real(runtime, db, round_id)
            if moment == "stop":
                _stop()
            _die()
            raise AssertionError

        round_job.STEPS[step] = killed
    if seconds is not None:
        timer = threading.Timer(seconds, _die)
        timer.daemon = True
        timer.start()
    Worker(path).run(until="round_ended")


def _stop() -> None:
    """Tell the worker to stop as a supervisor does, and go on computing for longer than it waits."""
    loop._ENDS_WITHIN_SECONDS = 0.1
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    # Loaded once, before the first fork; a fork starts no thread of theirs anew. So are the words of labels read.
    encoder = shared_encoder.load(ENCODER)
    names, meanings = zip(*((label.name, label.definition) for label in DEFAULT_LABELS), strict=True)
    zero_label.of_labels(encoder, names, meanings, encoder.encode(names).vectors)
    EncoderCache._load = shared_encoder.load_or_share
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                _work(Path(asked.pop("path")), **asked)
                status = 0
            finally:
                os._exit(status)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
